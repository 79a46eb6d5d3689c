"""The table of metrics: which way each is better, and that the post prints each in its format."""

import pytest

from generator.experiment import metrics
from generator.experiment.outcomes import ClassificationScore, Epoch
from generator.post import render
from generator.support.formats import FORMATS
from tests.factories import make_config, make_results


@pytest.mark.parametrize(
    ("metric", "better"),
    [
        ("test.accuracy", "higher"),
        ("epochs.head.val_loss", "lower"),
        ("test.roc_auc", "higher"),
        ("test.correct", None),
        ("before.accuracy", None),
        ("parameters.total", None),
    ],
)
def test_directions(metric: str, better: str | None) -> None:
    assert metrics.direction(metric) == better


def test_what_is_measured_is_in_the_table() -> None:
    measured = {"accuracy", *Epoch.model_fields, *ClassificationScore.model_fields}
    assert set(metrics.METRICS) == measured - {"epoch", "correct", "total"}
    assert {metric.format for metric in metrics.METRICS.values()} <= set(FORMATS)


def test_the_post_prints_each_metric_in_its_format() -> None:
    """But for what was measured before training, which the write-up printed with two decimals."""
    for number in render.render(make_config().post, make_results()).numbers:
        known = None if set(number.source) & set("( ") else metrics.metric_at(number.source)
        if known and ".before." not in number.source:
            assert number.format == known.format, number
