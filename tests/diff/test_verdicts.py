"""Builds whose difference is known: the same model twice, one that is ten points worse, a wobble. What `diff` says.

`pytest -s` prints the verdicts.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from generator.diff import builds, compare, report
from generator.diff.builds import Build, SearchPlaces
from generator.diff.compare import Comparison
from generator.diff.gates import parse_gates
from generator.experiment.data_summary import Count
from generator.experiment.outcomes import Prediction
from generator.support.statistics import noise
from tests.factories import make_data, make_results, make_variant
from tests.sites import FOLDER, make_files, put

GATES = ("test.accuracy=-0.02", "test.accuracy=-0.02 confident", "test.loss=-0.02 confident")


def drawn(total: int, accuracy: float, seed: int) -> tuple[Prediction, ...]:
    """Images that a model of this accuracy has right independently of each other, half of each class."""
    random = np.random.RandomState(seed)  # the same in every version of NumPy
    rows = []
    for i in range(total):
        actual = int(2 * i >= total)
        right = random.random_sample() < accuracy
        predicted = actual if right else 1 - actual
        logit = round(float(random.exponential(2.0)) + 0.01, 6) * (1 if predicted else -1)
        probability = 1 / (1 + np.exp(-logit))
        file = f"test/{('camel', 'horse')[actual]}/{i}.png"
        rows.append(
            Prediction(index=i, file=file, actual=actual, predicted=predicted, logit=logit, probability=probability)
        )
    return tuple(rows)


@pytest.fixture
def verdicts(tmp_path: Path) -> Callable[..., list[str]]:
    def build(predictions: tuple[Prediction, ...]) -> Build:
        half = len(predictions) // 2
        test = tuple(Count(class_name=name, images=half) for name in ("camel", "horse"))
        data = make_data(test=test, test_batches=-(-len(predictions) // 32))
        variants = {"baseline": make_variant(predictions=predictions)}
        files = make_files(make_results(data=data, variants=variants, figures=()))
        site = put(tmp_path / f"site-{len(list(tmp_path.iterdir()))}", files)
        return builds.find(str(site), SearchPlaces(tmp_path, site, tmp_path / "store", FOLDER))

    def say(title: str, old: tuple[Prediction, ...], new: tuple[Prediction, ...]) -> list[str]:
        found = compare.compare(build(old), build(new), gates=parse_gates(GATES))
        lines = said(found)
        print(f"\n{title}:", *lines, sep="\n  ")
        return lines

    return say


def said(found: Comparison) -> list[str]:
    """The verdict on the images, on accuracy and loss, and of each gate."""
    metrics = [row for row in report.metric_rows(found) if row["metric"] in ("test.accuracy", "test.loss")]
    return [
        *(pair.verdict for pair in found.predictions),
        *(f"{r['metric']} {r['change']} ({r['interval']}): {r['status']}, {r['note']}" for r in metrics),
        *(f"{'passed' if gate.passed else 'missed'}: {gate.gate.metric}={gate.gate.text}" for gate in found.gates),
    ]


def test_the_same_model_twice(verdicts: Callable[..., list[str]]) -> None:
    model = drawn(1000, 0.95, 1)
    assert verdicts("the same model twice, 1,000 images", model, model) == [
        "the same images are right and wrong",
        "passed: test.accuracy=-0.02",
        "passed: test.accuracy=-0.02 confident",
        "passed: test.loss=-0.02 confident",
    ]


def test_one_that_is_ten_points_worse(verdicts: Callable[..., list[str]]) -> None:
    lines = verdicts("ten points worse, 1,000 images", drawn(1000, 0.95, 1), drawn(1000, 0.85, 2))
    assert lines == [
        "44 mended, 144 broken: more than chance (McNemar, exact: p = 1.3e-13)",
        "test.loss +0.2413 (+0.1734 to +0.3233): worse, more than chance",
        "test.accuracy −0.1000 (−0.1265 to −0.0739): worse, more than chance",
        "missed: test.accuracy=-0.02",
        "missed: test.accuracy=-0.02 confident",
        "missed: test.loss=-0.02 confident",
    ]


def test_a_wobble(verdicts: Callable[..., list[str]]) -> None:
    """Another model of the same accuracy, on forty images: a few turn either way."""
    lines = verdicts("a wobble, 40 images", drawn(40, 0.95, 3), drawn(40, 0.95, 4))
    assert lines == [
        "2 mended, 3 broken: within chance (McNemar, exact: p = 1.0000)",
        "test.loss +0.0153 (−0.1771 to +0.2306): worse, within chance",
        "test.accuracy −0.0250 (−0.1561 to +0.1030): worse, within chance",
        "missed: test.accuracy=-0.02",
        "passed: test.accuracy=-0.02 confident",
        "passed: test.loss=-0.02 confident",
    ]


def test_ten_points_are_more_than_forty_images_can_show(verdicts: Callable[..., list[str]]) -> None:
    assert noise.detectable(40) > 0.1
    lines = verdicts("ten points worse, 40 images", drawn(40, 0.95, 5), drawn(40, 0.85, 6))
    assert lines == [
        "3 mended, 5 broken: within chance (McNemar, exact: p = 0.7266)",
        "test.loss +0.1963 (−0.0858 to +0.8986): worse, within chance",
        "test.accuracy −0.0500 (−0.1996 to +0.0987): worse, within chance",
        "missed: test.accuracy=-0.02",
        "passed: test.accuracy=-0.02 confident",
        "passed: test.loss=-0.02 confident",
    ]
