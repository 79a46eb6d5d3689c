"""The probe on the real network: what it reports; that it changes nothing is seen in `test_build`."""

from pathlib import Path

import pytest

from generator.build.estimate import Speed
from generator.build.plan import probe
from generator.build.start import start
from tests.fakes import make_project

pytestmark = pytest.mark.train

pytest.importorskip("keras")

from generator.stages import workspace  # noqa: E402  # needs TensorFlow


def test_a_probe_reports_what_an_image_takes_and_writes_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path)
    config = project.config("fine_tuning.from_layer=100", 'model.precision="float32"', "weights=embedded")
    job = probe(config, start(config, project.places.store), config.runs[0])
    figures: dict[str, float] = {}
    before = list(tmp_path.rglob("*"))
    workspace.run(job, tmp_path, figures.update)
    assert list(tmp_path.rglob("*")) == before
    speed = Speed(decode=0.0, **figures)
    assert min(speed.base, speed.lower, speed.upper, speed.augment) > 0
    # A block of the fourth group gives 1024 channels of 2 by 2 places for an image of 32 pixels, in float32.
    assert speed.stored == 4 * 2 * 2 * 1024
