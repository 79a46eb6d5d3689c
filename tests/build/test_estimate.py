"""What a build is expected to take: the work of its stages, the last run's time in proportion, the probe's."""

from pathlib import Path

import pytest

from generator.build import estimate, timings
from generator.build.estimate import Counts, Expected, Forecast, Speed, Work
from generator.build.timings import Timing
from generator.experiment.config.settings import Config
from generator.stages.table import STAGES
from tests.fakes import Project, make_project

COUNTS = Counts(all=400, training=296, validation=64)
SPEED = Speed(base=1.0, lower=0.002, upper=0.003, augment=0.001, decode=0.01, stored=800_000)
COSTS = estimate.Costs(fixed=dict.fromkeys(estimate.COSTLY, 0.5), step={"float32": 3.0}, head_step=0.001)
PLENTY = 2**40


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("estimate"))


def work_of(project: Project, name: str, *overrides: str, variant: str = "baseline", **circumstances: object) -> Work:
    """The work of a stage whose images are `COUNTS`."""
    settings: Config = project.config("head.epochs=30", "fine_tuning.epochs=11", "data.batch_size=32", *overrides)
    recipe = next(v.recipe for v in settings.variants if v.name == variant)
    return estimate.work(name, recipe, "float32", settings.data, COUNTS, **circumstances)  # type: ignore[arg-type]


def seconds(todo: Work, most_stored: int = PLENTY) -> float:
    return estimate.predicted(todo, "float32", COUNTS.all, SPEED, COSTS, most_stored)


# ---- Work and what the probe makes of it -----------------------------------------------------------------


def test_what_is_frozen_is_passed_once_and_only_the_upper_part_is_trained(project: Project) -> None:
    assert seconds(work_of(project, "cut")) == pytest.approx(0.5 + 400 * 0.002)
    assert seconds(work_of(project, "features")) == pytest.approx(0.5 + 400 * 0.003)
    assert seconds(work_of(project, "features", cut=False)) == pytest.approx(0.5 + 400 * 0.005)
    assert seconds(work_of(project, "head")) == pytest.approx(0.5 + 30 * (10 + 2) * 0.001)
    assert seconds(work_of(project, "fine_tuning")) == pytest.approx(0.5 + 11 * (296 * 3 + 64) * 0.003)
    assert seconds(work_of(project, "evaluation")) == pytest.approx(0.5 + 400 * 0.003)


def test_augmented_images_pass_what_is_frozen_in_every_epoch(project: Project) -> None:
    passed = 30 * 296 * (0.002 + 0.003 + 0.001)
    assert seconds(work_of(project, "augmented", variant="augmentation")) == pytest.approx(0.5 + passed)
    assert seconds(work_of(project, "head", variant="augmentation")) == pytest.approx(0.5 + 30 * 12 * 0.001)
    alone = work_of(project, "head", "variants.augmentation.head.patience=3", variant="augmentation")
    assert seconds(alone) == pytest.approx(0.5 + passed + 30 * 12 * 0.001), "nothing is passed in advance"
    tuning = work_of(project, "fine_tuning", variant="augmentation")
    assert seconds(tuning) == pytest.approx(0.5 + 11 * (296 * (0.002 + 0.001 + 3 * 0.003) + 64 * 0.003))


def test_outputs_past_the_budget_are_computed_again(project: Project) -> None:
    budget = 400 * 800_000 - 1
    assert seconds(work_of(project, "cut"), budget) == pytest.approx(0.5)
    for name, images in (("features", 400), ("fine_tuning", 11 * (296 + 64)), ("evaluation", 400)):
        todo = work_of(project, name)
        assert seconds(todo, budget) - seconds(todo) == pytest.approx(images * 0.002)
    augmented = work_of(project, "fine_tuning", variant="augmentation")
    assert seconds(augmented, budget) - seconds(augmented) == pytest.approx(11 * 64 * 0.002)


def test_finished_epochs_are_not_counted_again(project: Project) -> None:
    whole, rest = (work_of(project, "fine_tuning", done=done) for done in (0, 9))
    assert rest.volume / whole.volume == pytest.approx(2 / 11)
    assert rest.kind == whole.kind


def test_every_stage_has_its_measured_costs(project: Project) -> None:
    found = estimate.costs()
    assert {stage.name for stage in STAGES} == set(found.fixed)
    assert set(found.step) == {"float32", "bfloat16"}
    # A step passes forward and back.
    assert all(ratio > 1 for ratio in found.step.values())


# ---- The last run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "ratio"),
    [("fine_tuning.epochs=22", 2.0), ("fine_tuning.learning_rate=0.5", 1.0), ("fine_tuning.epochs=3", 3 / 11)],
)
def test_the_last_run_counts_in_proportion(project: Project, override: str, ratio: float) -> None:
    before = work_of(project, "fine_tuning")
    known = {before.kind: Timing(before.volume, 55.0)}
    assert estimate.scaled(work_of(project, "fine_tuning", override), known) == pytest.approx(55 * ratio)


@pytest.mark.parametrize(
    "override",
    ["fine_tuning.epochs=100", "fine_tuning.epochs=2", "data.image_size=64", "fine_tuning.from_layer=50"],
)
def test_a_last_run_of_much_more_or_less_or_another_kind_does_not_count(project: Project, override: str) -> None:
    before = work_of(project, "fine_tuning")
    known = {before.kind: Timing(before.volume, 55.0)}
    assert estimate.scaled(work_of(project, "fine_tuning", override), known) is None


def test_what_another_variant_took_counts(project: Project) -> None:
    before = work_of(project, "augmented", variant="augmentation")
    todo = work_of(project, "augmented", "variants.augmentation.seed=3", variant="augmentation")
    assert estimate.scaled(todo, {before.kind: Timing(before.volume, 70.0)}) == 70
    assert estimate.scaled(work_of(project, "head"), {before.kind: Timing(before.volume, 70.0)}) is None


def test_the_last_run_goes_before_the_probe() -> None:
    todo = {"a.head": Work("head", "one", 10), "a.cut": Work("cut", "two", 10)}
    found = estimate.forecast(todo, 3, {"one": Timing(5, 1.0)}, {"a.head": 9.0, "a.cut": 7.0})
    assert found.stages == (Expected("a.head", 2.0, "the last run"), Expected("a.cut", 7.0, "a probe of one batch"))


# ---- What is said ----------------------------------------------------------------------------------------


def row(
    label: str, seconds: float | None, source: estimate.Source | None = "the last run", *, beside: bool = False
) -> Expected:
    return Expected(label, seconds, None if seconds is None else source, beside)


def test_what_needs_no_tensorflow_is_drawn_beside_what_does() -> None:
    trained = (row("a.head", 40.0), row("a.fine_tuning", 80.0))
    found = Forecast((*trained, row("a.curves", 30.0, beside=True)), 3)
    assert found.sentence() == "3 of 3 stages run, about 2 min on this machine (from the last run)"
    assert found.lines() == ["  a: head, fine_tuning, curves; about 2 min"]
    assert found.seconds == pytest.approx({"a.head": 32, "a.fine_tuning": 64, "a.curves": 24})
    assert Forecast((row("a.curves", 30.0, beside=True),), 3).seconds == {"a.curves": 30}


def test_a_forecast_is_one_sentence_and_a_line_for_each_variant() -> None:
    found = Forecast((row("all.pixels", 1.0), row("baseline.head", 20.0), row("baseline.fine_tuning", 400.0)), 14)
    assert found.sentence() == "3 of 14 stages run, about 7 min on this machine (from the last run)"
    assert found.lines() == ["  all: pixels; about 1 s", "  baseline: head, fine_tuning; about 7 min"]


def test_a_forecast_says_where_it_is_from() -> None:
    both = Forecast((row("a.cut", 3.0), row("a.head", 40.0, "a probe of one batch")), 2)
    assert (
        both.sentence() == "2 of 2 stages run, about 45 s on this machine (from a probe of one batch and the last run)"
    )


def test_what_is_not_known_is_said_and_no_share_of_a_whole_is_claimed() -> None:
    found = Forecast((row("a.head", 40.0), row("a.figures", None)), 9)
    assert found.sentence("would run") == (
        "2 of 9 stages would run; 1 of them about 40 s on this machine (from the last run), 1 never ran here"
    )
    assert found.seconds == {}
    assert (
        Forecast((row("a.figures", None),), 9).sentence() == "1 of 9 stages run; none of them ever ran on this machine"
    )


# ---- Memory ----------------------------------------------------------------------------------------------


def test_what_was_recorded_is_read_and_other_kinds_stay(tmp_path: Path) -> None:
    timings.record(tmp_path, {"a": Timing(1, 2.0), "b": Timing(3, 4.0)})
    timings.record(tmp_path, {"b": Timing(5, 6.0)})
    assert timings.read(tmp_path) == {"a": Timing(1, 2.0), "b": Timing(5, 6.0)}


def test_times_that_are_no_numbers_are_not_known(tmp_path: Path) -> None:
    timings.record(tmp_path, {"a": Timing(1, 2.0), "b": Timing(3, 4.0)})
    (file,) = (path for path in tmp_path.rglob("*.json"))
    file.write_text(file.read_text().replace("2.0", "9" * 400))
    assert timings.read(tmp_path) == {"b": Timing(3, 4.0)}


def test_what_another_machine_took_is_kept_and_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timings.record(tmp_path, {"a": Timing(1, 2.0)})
    with monkeypatch.context() as patch:
        patch.setattr(timings.hardware, "machine", lambda: "another, 64 cores")
        assert timings.read(tmp_path) == {}
        timings.record(tmp_path, {"a": Timing(1, 0.1)})
    assert timings.read(tmp_path) == {"a": Timing(1, 2.0)}


@pytest.mark.parametrize(
    "row",
    ["3", "{}", '{"volume": 0, "seconds": 1}', '{"volume": 1, "seconds": NaN}', '{"volume": "x", "seconds": 1}'],
)
def test_a_broken_memory_is_no_memory(tmp_path: Path, row: str) -> None:
    timings.record(tmp_path, {"a": Timing(1, 2.0)})
    path = tmp_path / timings.FILE
    machine = timings.hardware.machine()
    path.write_text(f'{{"{machine}": {{"a": {row}, "b": {{"volume": 1, "seconds": 1}}}}}}')
    assert timings.read(tmp_path) == {"b": Timing(1, 1.0)}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"' + timings.hardware.machine().encode() + b'": 3}'])
def test_a_broken_file_is_no_memory_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / timings.FILE).write_bytes(content)
    assert timings.read(tmp_path) == {}
    timings.record(tmp_path, {"a": Timing(1, 2.0)})
    assert timings.read(tmp_path) == {"a": Timing(1, 2.0)}
