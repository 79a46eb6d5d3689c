"""The probe on the real network: what it reports; that it changes nothing is seen in `test_build`."""

from pathlib import Path

import pytest

from generator import experiment
from generator.config import FineTuningSettings, PhaseSettings, Recipe
from generator.data import Split
from generator.estimate import Speed
from generator.job import Job
from generator.weights import resolve

pytestmark = pytest.mark.train


def test_a_probe_reports_what_an_image_takes_and_writes_nothing(tmp_path: Path) -> None:
    phases = PhaseSettings(optimizer="sgd", learning_rate=0.1, epochs=1)
    recipe = Recipe(head=phases, fine_tuning=FineTuningSettings(**phases.model_dump(), from_layer=100))
    job = Job(
        stage="probe",
        label="probe",
        recipe=recipe,
        precision="float32",
        image_size=32,
        batch_size=4,
        most_stored_bytes=0,
        files=(),
        labels=(),
        training_images=0,
        split=Split((), ()),
        weights=resolve("embedded", tmp_path),
        inputs={},
        checkpoint=tmp_path / "checkpoint",
    )
    figures: dict[str, float] = {}
    before = list(tmp_path.rglob("*"))
    experiment.run(job, tmp_path, figures.update)
    assert list(tmp_path.rglob("*")) == before
    speed = Speed(decode=0.0, **figures)
    assert min(speed.base, speed.lower, speed.upper, speed.augment) > 0
    # A block of the fourth group gives 1024 channels of 2 by 2 places for an image of 32 pixels, in float32.
    assert speed.stored == 4 * 2 * 2 * 1024
