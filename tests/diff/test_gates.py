"""Gates: what they let through, what they say, and that those which hold nothing are refused."""

import pytest

from generator.diff import metrics
from generator.diff.gates import GateResult, hold, parse_gates
from generator.diff.metrics import MetricChange
from generator.support.errors import BadInput


def held(text: str, old: float, new: float, metric: str = "test.accuracy") -> bool:
    changes = tuple(metrics.compare("baseline", {metric: old}, {metric: new}))
    (result,) = hold(parse_gates([text]), changes)
    return result.passed


@pytest.mark.parametrize(
    ("text", "old", "new", "passed"),
    [
        ("test.accuracy=-0.02", 0.90, 0.88, True),
        ("test.accuracy=-0.02", 0.90, 0.875, False),
        ("test.accuracy=-5%", 0.80, 0.76, True),
        ("test.accuracy=-5%", 0.80, 0.75, False),
        ("test.accuracy=0", 0.80, 0.80, True),
        ("test.accuracy=0", 0.80, 0.775, False),
        ("test.accuracy=+0.05", 0.80, 0.80, False),
        ("test.accuracy=+0.05", 0.80, 0.85, True),
    ],
)
def test_a_gate_on_what_should_rise(text: str, old: float, new: float, passed: bool) -> None:
    assert held(text, old, new) is passed


@pytest.mark.parametrize(
    ("text", "new", "passed"),
    [("test.loss=-0.1", 0.5, True), ("test.loss=-0.1", 0.51, False), ("test.loss=-10%", 0.45, False),
     ("test.loss=-10%", 0.44, True), ("test.loss=-0.1", 0.0, True)],
)  # fmt: skip
def test_a_gate_on_what_should_fall(text: str, new: float, passed: bool) -> None:
    assert held(text, 0.4, new, "test.loss") is passed


def test_a_metric_that_is_gone_misses_its_gate() -> None:
    changes = tuple(
        metrics.compare("v", {"test.roc_auc": 0.9, "test.loss": 1.0}, {"test.roc_auc": None, "test.loss": 1.0})
    )
    (result,) = hold(parse_gates(["test.roc_auc=-0.9"]), changes)
    assert not result.passed
    assert str(result).endswith("0.9 before, missing now, limit -0.9")


@pytest.mark.parametrize("text", ["", "test.accuracy", "test.accuracy=", "=1", "test.accuracy=a", "test.accuracy=nan",
                                  "test.accuracy=inf", "test.accuracy=-5%%"])  # fmt: skip
def test_a_gate_that_says_nothing_is_a_usage_error(text: str) -> None:
    with pytest.raises(BadInput, match="expected METRIC=LIMIT"):
        parse_gates([text])


@pytest.mark.parametrize("text", ["test.accuracy=-2", "classes.camel.recall=-1", "over_runs.test.f1=-200% confident"])
def test_a_gate_that_nothing_can_miss_is_a_usage_error(text: str) -> None:
    with pytest.raises(BadInput, match=r"cannot fall by more than 1, or 100%; give a limit as -0\.02 or -5%"):
        parse_gates([text])


@pytest.mark.parametrize("text", ["test.loss=-2", "test.loss=-200%", "test.accuracy=-99%", "test.accuracy=-0.99"])
def test_a_wide_limit_that_can_be_missed_is_taken(text: str) -> None:
    assert parse_gates([text])


def test_a_class_may_be_called_what_a_limit_is_set_with() -> None:
    assert held("classes.a=b.recall=-10%", 0.80, 0.75, metric="classes.a=b.recall")


def test_gates_without_a_common_variant_do_not_pass_silently() -> None:
    changes = [*metrics.compare("one", {"test.loss": 1.0}, {}), *metrics.compare("two", {}, {"test.loss": 1.0})]
    with pytest.raises(BadInput, match="no variant in common"):
        list(hold(parse_gates(["test.loss=0"]), changes))


def test_of_hundreds_of_metrics_those_of_all_images_are_named_first() -> None:
    values = {"test.accuracy": 0.5} | {f"classes.kind {i:03}.recall": 0.5 for i in range(200)}
    with pytest.raises(BadInput) as caught:
        list(hold(parse_gates(["classes.kin.recall=0"]), metrics.compare("baseline", values, values)))
    message = str(caught.value)
    assert "choose from test.accuracy, classes.kind 000.recall, " in message
    assert message.endswith("classes.kind 058.recall and 141 more")


# Confident gates


def judged(text: str, **changes: object) -> GateResult:
    """A fall from 38 of 40 to 36, which may be chance, or as `changes` say."""
    told = {"low": -0.15, "high": 0.05, "p": 0.5, "note": "within chance", "images": 40}
    values = {"variant": "baseline", "metric": "test.accuracy", "old": 0.95, "new": 0.9, "status": "worse"}
    (result,) = hold(parse_gates([text]), [MetricChange(**{**values, **told, **changes})])  # type: ignore[arg-type]
    return result


@pytest.mark.parametrize(
    ("text", "p", "passed"),
    [
        ("test.accuracy=-0.02", 0.5, False),
        ("test.accuracy=-0.02 confident", 0.5, True),
        ("test.accuracy=-0.02  confident", 0.049, False),
        ("test.accuracy=-2% confident", 0.5, True),
        ("test.accuracy=-0.2 confident", 0.001, True),  # more than chance, but within the limit
        ("test.accuracy=0 confident", 0.05, True),
    ],
)
def test_a_confident_gate_is_missed_only_by_more_than_chance(text: str, p: float, passed: bool) -> None:
    assert judged(text, p=p).passed is passed


def test_a_gate_says_whether_a_fall_may_be_chance() -> None:
    assert str(judged("test.accuracy=-0.04")) == (
        "baseline: test.accuracy: 0.95 before, 0.9 now, limit -0.04; within chance, p = 0.5000"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [("=-0.02", True), ("=-2%", True), ("=-0.025", False), ("=0", False), ("=-0.02 confident", True), ("=-5%", False)],
)
def test_a_limit_below_one_image_says_so(text: str, told: bool) -> None:
    note = judged(f"test.accuracy{text}").note
    assert note.endswith("the limit is below one of 40 images (0.025)") is told


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        ("epochs.head.loss", "no interval is known of epochs.head.loss; take 'confident' away"),
        ("over_runs.test.loss", "no interval is known of over_runs.test.loss; take 'confident' away"),
        (
            "test.loss",
            "nothing tells by how much chance moves test.loss here: that needs predictions.csv on both sides and the "
            "same images (accuracies, the counts alone); take 'confident' away or gate another metric",
        ),
    ],
)
def test_a_confident_gate_on_what_chance_is_unknown_of_is_refused(metric: str, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        judged(f"{metric}=-0.1 confident", metric=metric, old=0.1, new=0.5, p=None)
    assert str(caught.value) == f"gate '{metric}=-0.1 confident': baseline got worse, and {told}"
    assert judged("epochs.head.loss=-0.5 confident", metric="epochs.head.loss", old=0.1, new=0.5, p=None).passed


@pytest.mark.parametrize(
    ("text", "passed"),
    [("test.loss=0 confident", True), ("test.loss=0", True), ("test.loss=0.0000004", False), ("test.loss=1%", False)],
)
@pytest.mark.parametrize("new", [0.4000005, 0.3999995])
def test_a_metric_reported_as_unchanged_neither_fell_nor_gained(text: str, passed: bool, new: float) -> None:
    assert held(text, 0.4, new, "test.loss") is passed


def test_a_confident_gate_that_asks_for_a_gain_is_refused() -> None:
    with pytest.raises(BadInput, match="give a limit of 0 or below"):
        parse_gates(["test.accuracy=0.01 confident"])


@pytest.mark.parametrize(
    "text", ["test.accuracy=-0.02 sure", "test.accuracy=confident", "test.accuracy=-1 % confident"]
)
def test_another_word_is_a_usage_error(text: str) -> None:
    with pytest.raises(BadInput, match="expected METRIC=LIMIT"):
        parse_gates([text])
