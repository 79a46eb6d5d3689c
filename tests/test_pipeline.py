"""The build without TensorFlow: what runs, what stays, what is said, and what a failure leaves."""

import html
import json
import os
import shutil
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from generator import pipeline
from generator.build import plan as planning
from generator.build.estimate import Expected
from generator.build.storage import machines
from generator.build.storage.store import Store
from generator.post import render
from generator.post.formats import export
from generator.publishing import verify
from generator.publishing.outcome import Outcome
from generator.stages.job import Job
from generator.support import hardware, source
from generator.support.errors import BadInput, BuildFailed
from generator.support.places import HISTORY
from tests import fakes
from tests.fakes import Project, Recorder, make_project, timeless, tree, write_image

MAPPING = ("activation_maps", "map_figures")
EVERYTHING = {
    "all.near",
    "all.augmentation",
    "all.data_figures",
    "all.labels",
    "all.label_figures",
    "all.examples",
    "all.comparison",
    "augmentation.augmented",
    # Pixels, split, features and cut are shared by the two variants.
    *(f"baseline.{name}" for name in ("pixels", "split", "features", "cut")),
    *(
        f"{variant}.{name}"
        for variant in ("baseline", "augmentation")
        for name in (
            "architecture",
            "head",
            "head_evaluation",
            "fine_tuning",
            "evaluation",
            "curves",
            "figures",
            *MAPPING,
        )
    ),
}


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was built once; tests work on copies."""
    with fakes.installed():
        project = make_project(tmp_path_factory.mktemp("template"))
        assert set(project.build().ran) == EVERYTHING
    return project


@pytest.fixture
def built(template: Project, tmp_path: Path) -> Project:
    shutil.copytree(template.folder, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    return make_project(tmp_path / "fresh")


def states(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file's content, time and identity."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    return {str(p.relative_to(folder)): (p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_ino) for p in files}


def age(folder: Path) -> None:
    """Give every file the time of the epoch's first day, so that one written again is seen."""
    for path in folder.rglob("*"):
        os.utime(path, (86_400, 86_400))


# ---- Nothing changed, only prose changed -----------------------------------------------------------------


def test_a_build_can_be_verified(built: Project) -> None:
    assert verify.verify(built.places.site) == ()


def test_nothing_changed_runs_and_writes_nothing(built: Project) -> None:
    age(built.places.site)
    before = states(built.places.site)
    outcome = built.build()
    assert outcome.ran == ()
    assert (outcome.published.written, outcome.published.removed) == ((), ())
    assert states(built.places.site) == before


def test_a_post_of_the_users_own_templates_is_rendered_and_verified(built: Project, tmp_path: Path) -> None:
    sections = tmp_path / "own" / "sections"
    sections.mkdir(parents=True)
    (sections / "introduction.md.j2").write_text("## Mine\n\n{{ data.test_total | integer }} images.\n")
    listed = ("first-screen", "introduction", "data", "environment")
    included = "".join(f'{{% include "sections/{name}.md.j2" %}}\n' for name in listed)
    (sections.parent / "post.md.j2").write_text('{% include "front-matter.md.j2" %}\n\n' + included)
    display = Recorder()
    outcome = built.build(f"post.templates={sections.parent}", display=display)
    assert outcome.ran == ()
    text = outcome.post.read_text("utf-8")
    assert f"## Mine\n\n{outcome.results.data.test_total} images.\n" in text
    assert "the page's own templates in <code>own</code>, and the settings of" in text
    (warned,) = [line for line in display.warnings if line.startswith("post: links to ")]
    assert "#image-by-image" in warned
    assert "Mine" in export.export(outcome.preview.read_text("utf-8"), outcome.preview.parent)
    assert verify.verify(built.places.site) == ()
    images = built.places.site / "assets/images/CV_HW_2"
    assert (images / "comparison/accuracies.webp").is_file(), "which the first screen shows"
    assert not (images / "baseline/confusion-matrix.png").exists(), "which no section of these shows"


def test_a_changed_title_renders_and_runs_nothing(built: Project) -> None:
    images = {p: c for p, c in built.site().items() if p.startswith("assets/images/")}
    outcome = built.build('post.title="Another title"')
    assert outcome.ran == ()
    assert str(outcome.post.relative_to(built.places.site)) in outcome.published.written
    assert "Another title" in outcome.post.read_text("utf-8")
    assert images == {p: c for p, c in built.site().items() if p.startswith("assets/images/")}


def test_a_changed_template_renders_and_runs_nothing(built: Project, tmp_path: Path) -> None:
    root = fakes.copy_program(tmp_path / "root")
    section = next((root / "templates" / "sections").glob("*.j2"))
    section.write_text(section.read_text("utf-8") + "\nA sentence more.\n", "utf-8")
    built.root = root
    outcome = built.build()
    assert outcome.ran == ()
    assert "A sentence more." in outcome.post.read_text("utf-8")


def test_a_number_typed_into_a_template_is_refused_although_nothing_has_to_run(built: Project, tmp_path: Path) -> None:
    built.root = fakes.copy_program(tmp_path / "root")
    before = built.site()
    section = next((built.root / "templates" / "sections").glob("*.j2"))
    section.write_text(section.read_text("utf-8") + "\nAccuracy was 97%.\n", "utf-8")
    for again in (built.build, lambda: pipeline.render_again(built.config(), built.places, Recorder())):
        with pytest.raises(BadInput, match="the number 97% is typed in"):
            again()
    assert built.site() == before


def test_fault_37_times_of_files_and_a_clock_set_back_do_not_matter(built: Project) -> None:
    future = 4_000_000_000
    for path in [*built.data.rglob("*"), *built.places.store.rglob("*")]:
        os.utime(path, (future, future))
    assert built.build().ran == ()


def test_features_are_given_the_outputs_at_the_cut_where_the_build_has_them(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, set[str]] = {}

    def noted(job: Job, *arguments: Any) -> None:
        given[job.label] = set(job.inputs)
        run(job, *arguments)

    run = fakes.STAGES["features"]
    monkeypatch.setitem(fakes.STAGES, "features", noted)
    fresh.build()
    assert given == {"baseline.features": {"pixels", "cut"}}


# ---- Something changed -----------------------------------------------------------------------------------


def test_exactly_what_depends_on_a_setting_runs(built: Project) -> None:
    outcome = built.build("fine_tuning.learning_rate=0.5")
    follows = ("fine_tuning", "evaluation", "curves", "figures", *MAPPING)
    shared = {"all.comparison", "all.examples"}
    assert set(outcome.ran) == {f"{v}.{n}" for v in ("baseline", "augmentation") for n in follows} | shared
    assert built.build().ran == ()


def test_another_variant_runs_its_own_stages_alone(built: Project) -> None:
    built.variants = "all"
    new = "augmentation-no-preprocessing"
    assert {label.partition(".")[0] for label in built.build().ran} == {new, "all"}


def test_a_variant_left_out_leaves_the_site_without_a_trace(built: Project) -> None:
    built.variants = "baseline"
    outcome = built.build()
    assert set(outcome.ran) == {"all.comparison"}
    assert [path for path in built.site() if "/augmentation/" in path] == []
    assert verify.verify(built.places.site) == ()


def test_force_runs_everything_and_gives_the_same_bytes(built: Project) -> None:
    before = timeless(built.site())
    assert set(built.build(force=True).ran) == EVERYTHING
    assert timeless(built.site()) == before


def test_two_builds_in_different_places_give_the_same_bytes(built: Project, fresh: Project) -> None:
    fresh.build()
    assert timeless(fresh.site()) == timeless(built.site())


def test_any_way_through_settings_ends_where_a_clean_build_ends(built: Project, fresh: Project) -> None:
    for override in ("seed=4", "fine_tuning.epochs=3", "model.rotation=0.3", "model.dropout=0.4", "data.batch_size=3"):
        built.build(override)
    last = ("model.dropout=0.4", "fine_tuning.epochs=3")
    built.build(*last)
    fresh.build(*last)
    assert timeless(built.site()) == timeless(fresh.site())


# ---- Questions -------------------------------------------------------------------------------------------

ASKED = 'questions.rotation={ ask = "Does turning help?", compare = ["baseline", "augmentation", "baseline:head"] }'


def test_a_question_draws_its_figure_and_is_answered_in_the_post(built: Project) -> None:
    outcome = built.build(ASKED)
    assert outcome.ran == ("all.comparison",)
    text = outcome.post.read_text("utf-8")
    assert "### On rotation" in text
    assert "comparison/question-rotation.png" in text
    assert (built.places.site / "assets/images/CV_HW_2/comparison/question-rotation.webp").is_file()
    assert verify.verify(built.places.site) == ()
    assert built.build(ASKED).ran == ()
    assert "On rotation" not in built.build().post.read_text("utf-8")
    assert not (built.places.site / "assets/images/CV_HW_2/comparison/question-rotation.webp").exists()


def test_a_second_post_stands_beside_the_first(built: Project) -> None:
    before = built.site()
    outcome = built.build(ASKED, "post.slug=another", "post.asset_folder=another", "post.writeup=false")
    after = built.site()
    assert {path: after[path] for path in before} == before
    assert outcome.post.name == "2023-01-31-another.md"
    assert verify.verify(built.places.site) == ()
    assert built.build().ran == ()


@pytest.mark.parametrize(
    ("override", "named"),
    [("post.date=2023-02-01T12:00:00Z", "post.asset_folder"), ("post.asset_folder=other", "name")],
)
def test_another_experiment_does_not_take_a_posts_place_by_chance(built: Project, override: str, named: str) -> None:
    before = built.site()
    for part in ("train", "test"):
        folder = next((built.data / part).iterdir())
        folder.rename(folder.with_name("zebra"))
    with pytest.raises(
        BadInput, match=rf"_posts/.*\.md: a post on .* is there already, with the same {named}; give this"
    ):
        built.build(override)
    assert built.site() == before
    assert built.build(override, overwrite=True).published.removed


def test_a_second_post_of_the_same_address_is_refused_before_anything_runs(built: Project) -> None:
    before = built.site()
    with pytest.raises(BadInput, match=r"post\.slug = .*2023-01-31-.*\.md has the address posts/"):
        built.build("post.asset_folder=another", "post.date=2023-02-01T12:00:00Z", "seed=7")
    assert built.site() == before


# ---- Images to measure with ------------------------------------------------------------------------------

MEASURING = {f"{v}.{s}" for v in ("baseline", "augmentation") for s in ("measurement", "measure_figures")} | {
    "baseline.measure_pixels",
    "baseline.measure_features",
}


def test_a_folder_to_measure_with_runs_its_stages_alone_and_leaves_with_them(built: Project) -> None:
    before = timeless(built.site())
    folder = fakes.add_measure(built)
    outcome = built.build()
    shown = {"all.comparison", "baseline.figures", "augmentation.figures"}
    assert set(outcome.ran) == MEASURING | shown, "which show what was measured"
    assert verify.verify(built.places.site) == ()
    measured = outcome.results.baseline.measurement
    assert measured is not None
    assert measured.head.attributes == {"load": ("none", "rider") * 5}
    assert built.build().ran == ()
    shutil.rmtree(folder)
    assert built.build().ran == ()
    assert timeless(built.site()) == before


def test_other_attributes_are_read_without_scoring_again(built: Project) -> None:
    table = fakes.add_measure(built) / "attributes.csv"
    built.build()
    table.write_text(table.read_text("utf-8").replace("rider", "pack"), "utf-8")
    outcome = built.build()
    assert set(outcome.ran) == {"baseline.measure_figures", "augmentation.measure_figures"}
    assert outcome.results.measure is not None
    assert outcome.results.measure.attributes == {"load": ("none", "pack")}


def test_a_bad_image_to_measure_with_stops_before_anything_is_trained(fresh: Project) -> None:
    (fakes.add_measure(fresh) / "camel/2.png").write_bytes(b"no image")
    display = Recorder()
    with pytest.raises(BadInput, match=r"measure/camel/2\.png"):
        fresh.build(display=display)
    assert not any("head" in line and "…" in line for line in display.lines)


def test_what_is_odd_about_the_images_to_measure_with_is_said(fresh: Project) -> None:
    folder = fakes.add_measure(fresh, count=2)
    shutil.copy(fresh.data / "train/camel/1.png", folder / "camel/2.png")
    display = Recorder()
    fresh.build(display=display)
    assert "data: 4 images to measure with, in measure/; told apart by load" in display.lines
    assert [text.partition(" image")[0] for text in display.warnings] == ["data: 4", "data: 1"]


# ---- Explained -------------------------------------------------------------------------------------------


def causes(project: Project, *overrides: str) -> dict[str, tuple[str, ...]]:
    return {label: row.causes for label, row in project.explain(*overrides).items() if row.runs}


def test_explaining_a_first_build_says_that_nothing_ever_ran(fresh: Project) -> None:
    assert causes(fresh) == dict.fromkeys(EVERYTHING, ("never ran",))


def test_explaining_says_how_the_data_set_is_read(fresh: Project) -> None:
    display = Recorder()
    fresh.explain(display=display)
    assert any(line.startswith("data: ") and "for training in train/" in line for line in display.lines)
    assert any(line.startswith("weights of ") for line in display.lines)


def test_a_variant_that_is_another_ones_network_is_told(fresh: Project) -> None:
    fresh.variants = "baseline,turned"
    recorder = fakes.Recorder()
    fresh.explain("variants.turned.model.rotation=0.4", display=recorder)
    assert recorder.warnings == ["variants.turned: what it changes (model.rotation) leaves it the network of baseline"]
    fresh.build("variants.turned.model.rotation=0.4", display=(built := fakes.Recorder()))
    assert recorder.warnings[0] in built.warnings
    fresh.explain("variants.turned.model.augment=true", display=(recorder := fakes.Recorder()))
    assert recorder.warnings == []


def test_explaining_an_unchanged_build_names_nothing_and_writes_nothing(built: Project) -> None:
    before = states(built.folder)
    rows = built.explain()
    assert set(rows) == EVERYTHING
    assert not any(row.runs or row.causes for row in rows.values())
    assert all(row.expected is None for row in rows.values())
    built.explain("seed=5")
    assert states(built.folder) == before


def test_explaining_a_changed_learning_rate(built: Project) -> None:
    named = causes(built, "head.learning_rate=0.02")
    assert named["baseline.head"] == ("setting head.learning_rate: 0.0001 → 0.02",)
    assert named["baseline.fine_tuning"] == ("needs head, which changed",)
    needed = [f"{v}.{s}" for v in ("baseline", "augmentation") for s in ("head_evaluation", "evaluation")]
    assert named["all.comparison"] == (f"needs {', '.join(needed)}, which changed",)
    assert set(named) == set(built.build("head.learning_rate=0.02").ran)


def test_explaining_a_changed_image(built: Project) -> None:
    write_image(built.data / "train" / "horse" / "2.png", shade=1)
    named = causes(built)
    assert named["baseline.pixels"] == ("dataset changed",)
    assert named["baseline.features"] == ("dataset changed",)
    assert named["all.augmentation"] == ("needs pixels, which changed",)
    assert "baseline.architecture" not in named
    assert set(named) == set(built.build().ran)


def test_explaining_a_changed_helper(built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(
        fakes.ROOT / "generator", tmp_path / "generator", ignore=shutil.ignore_patterns("__pycache__", "emb*")
    )
    helper = tmp_path / "generator" / "training" / "epochs.py"
    helper.write_text(helper.read_text("utf-8").replace("jit_compile=False", "jit_compile=True"), "utf-8")
    monkeypatch.setattr(source, "Reading", partial(source.Reading, tmp_path))
    named = causes(built)
    assert named["baseline.head"] == ("generator/training/epochs.py: compile_model changed",)
    assert named["baseline.fine_tuning"] == ("generator/training/epochs.py: compile_model changed",)
    assert "baseline.features" not in named


def test_explaining_an_upgraded_package(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    version = planning.version
    old = version("tensorflow")
    monkeypatch.setattr(planning, "version", lambda name: "99.0" if name == "tensorflow" else version(name))
    named = causes(built)
    assert named["baseline.features"] == (f'package tensorflow: "{old}" → "99.0"',)
    assert "baseline.pixels" not in named


def test_explaining_an_entry_that_was_pruned(built: Project) -> None:
    shutil.rmtree(built.places.store / "stages" / "head")
    named = causes(built)
    assert named == {f"{v}.head": ("its entry is not in the store any more",) for v in ("baseline", "augmentation")}
    assert set(named) == set(built.build().ran)


def test_what_is_pruned_and_not_needed_does_not_run(built: Project) -> None:
    shutil.rmtree(built.places.store / "stages" / "features")
    assert causes(built) == {}
    assert {label for label, row in built.explain().items() if not row.needed} == {"baseline.features"}
    assert built.build().ran == ()
    assert set(causes(built, "head.epochs=4")) >= {"baseline.features", "baseline.head"}


def test_a_shared_stage_is_remembered_for_each_variant(built: Project) -> None:
    named = causes(built, "variants.augmentation.model.preprocess=false")
    assert named["augmentation.features"] == ("setting model.preprocess: true → false",)


def test_going_back_to_older_settings_is_remembered_as_the_newest(built: Project) -> None:
    built.build("head.epochs=4")
    built.build()
    assert causes(built, "head.epochs=5")["baseline.head"] == ("setting head.epochs: 3 → 5",)


# ---- Announced -------------------------------------------------------------------------------------------


def announced(display: Recorder) -> str:
    """The one line that says what runs."""
    (line,) = [line for line in display.lines if " stages run" in line]
    return line


def without_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody ask for the probe."""

    def refuse(*arguments: object) -> None:
        raise AssertionError("probed")

    monkeypatch.setattr(pipeline, "probe", refuse)


def test_a_first_build_is_estimated_from_a_probe_before_any_stage_runs(fresh: Project) -> None:
    display = Recorder()
    fresh.build(display=display)
    line = announced(display)
    assert line.startswith("30 of 30 stages run, about ")
    assert line.endswith(" on this machine (from a probe of one batch)")
    where = display.lines.index(line)
    assert display.lines[where + 2].startswith(
        "  all: near, augmentation, data_figures, labels, label_figures, examples, comparison; about "
    )
    assert display.lines.index("baseline.architecture …") > where
    shares = [text for text in display.lines if "; build " in text]
    assert len([text for text in shares if ": done in " in text]) == len(EVERYTHING)
    assert any(text.startswith("baseline.head: epoch 1/3") for text in shares)
    assert "; build 100%" in shares[-1]
    assert not (fresh.places.store / machines.RECORD).exists()


def test_the_next_build_is_estimated_from_the_last_one(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    without_estimate(monkeypatch)
    display = Recorder()
    built.build("fine_tuning.learning_rate=0.5", "fine_tuning.epochs=4", display=display)
    assert announced(display).startswith("14 of 30 stages run, about ")
    assert announced(display).endswith(" on this machine (from the last run)")


def test_a_rebuild_that_runs_nothing_announces_nothing(built: Project) -> None:
    display = Recorder()
    built.build(display=display)
    assert not any("stages run" in line for line in display.lines)


def test_on_another_machine_the_last_run_does_not_count(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.support.hardware.machine", lambda: "another, 64 cores")
    rows = built.explain("fine_tuning.learning_rate=0.5").values()
    assert all(row.expected.seconds is None for row in rows if row.expected)
    display = Recorder()
    built.build("fine_tuning.learning_rate=0.5", display=display)
    assert announced(display).endswith("(from a probe of one batch)")


def test_explaining_estimates_without_a_probe(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    without_estimate(monkeypatch)
    expected = {label: row.expected for label, row in built.explain("fine_tuning.epochs=4").items() if row.expected}
    assert {each.source for each in expected.values()} == {"the last run"}
    assert built.explain("data.image_size=64")["baseline.cut"].expected == Expected("baseline.cut", None, None)


@pytest.mark.parametrize("failure", [BuildFailed("its process was killed by SIGKILL"), RuntimeError("a slip\nat line")])
def test_a_build_goes_on_without_an_estimate(
    fresh: Project, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    fakes.install(monkeypatch.setattr, {"a probe of one batch": failure})
    display = Recorder()
    assert set(fresh.build(display=display).ran) == EVERYTHING
    assert display.warnings == [f"no estimate: {str(failure).splitlines()[0]}"]
    assert announced(display) == "30 of 30 stages run; none of them ever ran on this machine"
    assert not any("; build " in line for line in display.lines)


def test_a_probe_changes_nothing_but_what_is_said(
    fresh: Project, built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.install(monkeypatch.setattr, {"a probe of one batch": BuildFailed("no probe")})
    fresh.build()
    assert timeless(fresh.site()) == timeless(built.site())


def test_what_finished_before_a_failure_is_known_to_the_next_build(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, baseline__fine_tuning=BuildFailed("the loss is not a number"))
    with pytest.raises(BuildFailed):
        fresh.build()
    expected = {label: row.expected for label, row in fresh.explain("head.learning_rate=0.5").items() if row.expected}
    assert expected["baseline.head"].source == "the last run"
    # By the other variant, whose images are augmented: another kind of work.
    assert expected["baseline.fine_tuning"].source is None


def test_epochs_that_a_killed_build_has_finished_are_not_counted(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(event: str) -> None:
        if event == "baseline.fine_tuning epoch 5":
            raise KeyboardInterrupt

    changed = "fine_tuning.learning_rate=0.5"
    whole = built.explain(changed, "fine_tuning.epochs=4")["baseline.fine_tuning"].expected
    fakes.install(monkeypatch.setattr, hook=interrupt)
    with pytest.raises(KeyboardInterrupt):
        built.build(changed, "fine_tuning.epochs=4")
    rest = built.explain(changed, "fine_tuning.epochs=4")["baseline.fine_tuning"].expected
    assert whole
    assert rest
    assert rest.seconds == pytest.approx((whole.seconds or 0) / 2)


# ---- Failures --------------------------------------------------------------------------------------------


def fail(monkeypatch: pytest.MonkeyPatch, **failures: Exception) -> None:
    fakes.install(monkeypatch.setattr, {name.replace("__", "."): error for name, error in failures.items()})


def test_one_failing_variant_leaves_the_others_finished_and_the_site_as_it_was(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = states(built.places.site)
    built.variants = "all"
    nan = BuildFailed("head: the loss is not a number any more in epoch 2; lower head.learning_rate (now 0.9)")
    fail(monkeypatch, augmentation__head=nan)
    with pytest.raises(BuildFailed) as caught:
        built.build("head.learning_rate=0.9")
    lines = str(caught.value).splitlines()
    assert lines[0] == f"augmentation failed: {nan}"
    assert lines[1] == ("the site stays as it was; finished and kept: baseline, augmentation-no-preprocessing")
    assert caught.value.exit_code == 1
    assert states(built.places.site) == before
    fail(monkeypatch)
    ran = built.build("head.learning_rate=0.9").ran
    assert {label.partition(".")[2] for label in ran if label.startswith("augmentation.")} == {
        "head", "head_evaluation", "fine_tuning", "evaluation", "curves", "figures", *MAPPING
    }  # fmt: skip
    assert {label for label in ran if not label.startswith("augmentation.")} <= {
        *(f"baseline.{drawn}" for drawn in ("curves", "figures", "map_figures")),
        *(f"augmentation-no-preprocessing.{drawn}" for drawn in ("curves", "figures", "map_figures")),
        "all.examples", "all.comparison",
    }  # fmt: skip


def test_fault_44_every_failure_is_listed(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = BuildFailed("its process was killed by SIGKILL")
    fail(monkeypatch, baseline__fine_tuning=killed, augmentation__head=BuildFailed("the loss is not a number"))
    display = Recorder()
    with pytest.raises(BuildFailed) as caught:
        fresh.build(display=display)
    assert str(caught.value).splitlines() == [
        "baseline failed: its process was killed by SIGKILL",
        "augmentation failed: the loss is not a number",
        "the site stays as it was",
    ]
    assert display.warnings == str(caught.value).splitlines()[:2]
    assert not fresh.places.site.exists()
    fail(monkeypatch)
    assert "baseline.head" not in fresh.build().ran


def test_fault_43_a_broken_template_is_found_before_any_stage_runs(
    fresh: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    shutil.copytree(fakes.ROOT / "templates", root / "templates", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(fakes.ROOT / "requirements.txt", root)
    (root / "generator").symlink_to(fakes.ROOT / "generator")
    section = next((root / "templates" / "sections").glob("*.j2"))
    section.write_text("{{ results.no_such_name }}", "utf-8")
    fresh.root = root
    display = Recorder()
    with pytest.raises(BadInput, match="'results' is undefined") as caught:
        fresh.build(display=display)
    assert caught.value.exit_code == 2
    assert display.lines == []
    section.unlink()
    with pytest.raises(BadInput, match=section.name.split(".")[0]):
        fresh.build()


def test_an_unchanged_build_does_not_check_templates_again(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("checked")

    built.build()  # The folder is a copy, in which nothing was published yet.
    monkeypatch.setattr(render, "check", refuse)
    built.build()


def test_fault_42_a_post_edited_by_hand_is_not_overwritten(built: Project) -> None:
    post = built.build().post
    edited = post.read_text("utf-8") + "\nMy own words.\n"
    post.write_text(edited, "utf-8")
    with pytest.raises(BadInput, match="was edited since the last build; move it away, or use --overwrite"):
        built.build('post.title="Another"')
    assert post.read_text("utf-8") == edited
    kept = built.build('post.title="Another"', overwrite=True).published.kept
    assert [(built.places.site / path).read_text("utf-8") for path in kept] == [edited]


def test_the_users_own_files_stay(built: Project) -> None:
    mine = {"CNAME": b"example.org", "about.md": b"mine", "_posts/2020-01-01-mine.md": b"my post"}
    for path, content in mine.items():
        (built.places.site / path).write_bytes(content)
    built.build('post.slug="elsewhere"')
    assert {path: (built.places.site / path).read_bytes() for path in mine} == mine


# ---- The store loses or spoils what it kept --------------------------------------------------------------


def entries(project: Project, stage: str) -> list[Path]:
    return sorted((project.places.store / "stages" / stage).iterdir())


@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * 100], ids=["empty", "truncated", "garbage"])
@pytest.mark.parametrize(
    "stage", ["pixels", "head", "head_evaluation", "fine_tuning", "evaluation", "architecture", "figures"]
)
def test_fault_36_a_broken_store_is_computed_again_to_the_same_site(built: Project, stage: str, content: bytes) -> None:
    before = timeless(built.site())
    for folder in entries(built, stage):
        for path in folder.iterdir():
            path.write_bytes(content)
    display = Recorder()
    ran = built.build(display=display).ran
    assert {label.partition(".")[2] for label in ran} == {stage}
    assert len(display.warnings) == len(ran)
    assert all("its entry in the store is broken" in warning for warning in display.warnings)
    assert timeless(built.site()) == before


def test_fault_36_an_input_spoilt_since_it_was_made_is_made_again_before_it_is_used(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("generator.build.storage.store.SMALL", 100)
    (features,) = entries(built, "features")
    content = (features / "pooled.npy").read_bytes()
    (features / "pooled.npy").write_bytes(content[:-1] + b"\x7f")
    display = Recorder()
    ran = built.build("head.epochs=4", display=display).ran
    assert "baseline.features" in ran
    assert any("pooled.npy has another checksum" in warning for warning in display.warnings)
    assert (entries(built, "features")[0] / "pooled.npy").read_bytes() == content


@pytest.mark.parametrize("moment", ["baseline.head", "baseline.fine_tuning epoch 4", "augmentation.evaluation"])
def test_fault_37_a_store_deleted_during_the_build_is_one_line_and_the_next_build_completes(
    fresh: Project, built: Project, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def delete(event: str) -> None:
        while event == moment and fresh.places.store.exists():
            shutil.rmtree(fresh.places.store, ignore_errors=True)  # into which a drawing is written meanwhile

    fakes.install(monkeypatch.setattr, hook=delete)
    with pytest.raises(BuildFailed) as caught:
        fresh.build()
    assert "cannot be written (No such file or directory)" in str(caught.value)
    assert not fresh.places.site.exists()
    fakes.install(monkeypatch.setattr)
    fresh.build()
    assert timeless(fresh.site()) == timeless(built.site())


def test_fault_37_a_store_deleted_before_publishing_leaves_the_site_as_it_was(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, figure_files = states(built.places.site), pipeline.figure_files

    def delete_and_read(*arguments: Any) -> dict[str, bytes]:
        shutil.rmtree(built.places.store)
        return figure_files(*arguments)

    monkeypatch.setattr(pipeline, "figure_files", delete_and_read)
    with pytest.raises(BuildFailed, match=r"lost during the build .*; build again"):
        built.build('post.title="Another"')
    assert states(built.places.site) == before


def test_the_store_is_pruned_to_its_limit_and_keeps_the_newest_build(built: Project) -> None:
    limit = sum(size for _, size, _ in Store(built.places.store).entries()) + 1000
    built.build("seed=3", limit=limit)
    assert built.build("seed=3").ran == ()
    assert sum(size for _, size, _ in Store(built.places.store).entries()) <= limit
    assert built.build().ran != ()


# ---- History and provenance ------------------------------------------------------------------------------


def history(project: Project) -> list[Path]:
    return sorted((project.places.store / HISTORY).iterdir())


def test_each_build_is_recorded_once_with_its_metrics(built: Project) -> None:
    assert len(history(built)) == 1
    built.build()
    assert len(history(built)) == 1
    built.build("head.epochs=4")
    built.build("head.epochs=5")
    names = [folder.name for folder in history(built)]
    assert len(names) == 3
    epochs = {
        json.loads((folder / "metrics.json").read_text())["variants"]["baseline"]["recipe"]["head"]["epochs"]
        for folder in history(built)
    }
    assert epochs == {3, 4, 5}
    for folder in history(built):
        record = json.loads((folder / "provenance.json").read_text())
        assert record["id"] == folder.name
        assert record["stages"]["baseline.head"]["seconds"] >= 0


def test_the_record_of_a_run_tells_the_machine_and_what_a_step_took(built: Project) -> None:
    record = json.loads(built.site()["assets/data/CV_HW_2/provenance.json"])
    assert record["cores"] >= 1
    head, tuning = record["stages"]["baseline.head"], record["stages"]["augmentation.fine_tuning"]
    # Eight images are trained on, in two batches.
    assert (head["steps"], tuning["steps"]) == (3 * 2, 2 * 2)
    assert head["seconds_per_step"] == pytest.approx(head["seconds"] / 6, abs=0.005)
    assert "steps" not in record["stages"]["baseline.evaluation"]


def test_every_stage_names_its_machine_once_told(built: Project) -> None:
    record = json.loads(built.site()["assets/data/CV_HW_2/provenance.json"])
    (machine,) = record["machines"]
    assert machine["processor"] == record["processor"]
    assert {stage["machine"] for stage in record["stages"].values()} == {0}
    assert record["stages"]["baseline.head"]["threads"] == 2
    assert not {"threads", "accelerators", "precision"} & set(record["stages"]["baseline.pixels"])
    assert record["stages"]["baseline.head"]["precision"] == record_precision(built)


def record_precision(project: Project) -> str:
    table = json.loads(project.site()["assets/data/CV_HW_2/metrics.json"])
    return str(table["variants"]["baseline"]["precision"])


def test_a_post_names_the_machines_where_they_differ(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = built.site()
    section = "The networks were not all computed on one kind of machine."
    assert section not in built.build().post.read_text("utf-8")
    machines.here.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(hardware, "processor", lambda: "Another processor")
        outcome = built.build("variants.augmentation.head.epochs=4")
    machines.here.cache_clear()
    text = outcome.post.read_text("utf-8")
    assert section in text
    (row,) = [line for line in html.unescape(text).splitlines() if line.startswith("| Another processor ")]
    assert "<code>augmentation.head</code>, <code>augmentation.head_evaluation</code>" in row
    assert "baseline" not in row
    # What is decoded and drawn is the same on any machine.
    assert "figures" not in row
    assert verify.verify(built.places.site) == ()
    assert built.build("variants.augmentation.head.epochs=4").ran == ()
    assert text == outcome.post.read_text("utf-8")
    # The baseline alone is of one machine again, and reads as before.
    built.build()
    assert timeless(built.site()) == timeless(before)


def test_a_stage_that_went_on_after_a_kill_does_not_tell_what_a_step_took(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(event: str) -> None:
        if event == "baseline.head epoch 2":
            raise BuildFailed("killed")

    with pytest.MonkeyPatch.context() as patch:
        fakes.install(patch.setattr, hook=killed)
        with pytest.raises(BuildFailed):
            fresh.build()
    fresh.build()
    stages = json.loads(fresh.site()["assets/data/CV_HW_2/provenance.json"])["stages"]
    assert "steps" not in stages["baseline.head"]
    assert "steps" in stages["baseline.fine_tuning"]


def test_fault_31_a_record_lost_by_a_kill_after_publishing_is_made_up_for(built: Project) -> None:
    (record,) = history(built)
    before = tree(record)
    (record / "provenance.json").unlink()
    (record / "metrics.json").write_text("{")
    built.build()
    assert history(built) == [record]
    assert tree(record) == before


def test_provenance_edited_by_hand_is_not_taken_over(built: Project) -> None:
    (path,) = built.places.site.rglob("provenance.json")
    path.write_text('{"id": "../../elsewhere"}')
    with pytest.raises(BadInput, match=r"provenance\.json .*was edited since the last build"):
        built.build()
    assert len(history(built)) == 1


def test_what_a_user_may_read_of_a_build_is_returned(built: Project) -> None:
    outcome = built.build()
    assert outcome.preview.is_file()
    assert list(outcome.results.variants) == ["baseline", "augmentation"]
    assert isinstance(outcome, Outcome)


# ---- A remote store --------------------------------------------------------------------------------------


def test_a_build_that_finds_all_elsewhere_computes_nothing(
    fresh: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fsspec")
    remote = f"store.remote={tmp_path / 'remote'}"
    first = fresh.build(remote, "store.push=true")
    assert set(first.ran) == EVERYTHING
    site = fresh.site()
    assert not [path for path, content in site.items() if str(tmp_path).encode() in content]
    shutil.rmtree(fresh.places.store)
    rows = fresh.explain(remote)
    wanted = {node.key.digest for node in fresh.plan().wanted}
    listed = {node.label for node in fresh.plan().once if node.key.digest in wanted}
    assert {label for label, row in rows.items() if row.remote} >= listed
    assert not [label for label, row in rows.items() if row.runs]
    assert not (fresh.places.store / "stages").exists()

    fakes.install(monkeypatch.setattr, failures={label: BuildFailed("computed") for label in EVERYTHING})
    display = Recorder()
    second = fresh.build(remote, display=display)
    assert second.ran == ()
    assert (second.published.written, second.published.removed) == ((), ())
    assert fresh.site() == site
    assert "baseline.evaluation: from the remote store" in display.lines
    # Not what only served other stages.
    assert "baseline.cut: from the remote store" not in display.lines
    shutil.rmtree(fresh.places.site)
    shutil.rmtree(tmp_path / "remote")
    fresh.build(remote)
    assert timeless(fresh.site()) == timeless(site)
    assert verify.verify(fresh.places.site) == ()


def test_a_remote_store_is_no_setting_of_the_experiment(built: Project, tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    site = built.site()
    outcome = built.build(f"store.remote={tmp_path / 'nothing'}", "store.same_machine=true")
    assert outcome.ran == ()
    assert built.site() == site


def test_an_address_that_nothing_reads_is_refused_before_anything_is_read(fresh: Project) -> None:
    pytest.importorskip("fsspec")
    with pytest.raises(BadInput, match="nowhere://bucket: nothing is known of"):
        fresh.build("store.remote=nowhere://bucket", "data.path=/no/such/folder")
    with pytest.raises(BadInput, match=r"push = true needs remote"):
        fresh.build("store.push=true")


def test_explain_says_what_another_kind_of_machine_made(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    machines.here.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(hardware, "processor", lambda: "Another processor")
        rows = built.explain("store.same_machine=true")
    machines.here.cache_clear()
    assert rows["baseline.head"].causes == ("made on another kind of machine",)
    assert not built.explain("store.same_machine=true")["baseline.head"].runs


# ---- Several stages at a time ----------------------------------------------------------------------------


def test_several_jobs_give_the_same_bytes_and_run_the_same_stages(fresh: Project, built: Project) -> None:
    display = Recorder()
    outcome = fresh.build("execution.jobs=3", display=display)
    assert set(outcome.ran) == EVERYTHING
    assert len(outcome.ran) == len(EVERYTHING), "a stage ran twice"
    assert timeless(fresh.site()) == timeless(built.site())
    assert "up to 3 stages run at a time; the times are those of one after the other" in display.lines
    assert verify.verify(fresh.places.site) == ()


def test_several_jobs_run_only_what_is_missing(built: Project) -> None:
    shutil.rmtree(built.places.store / "stages" / "features")
    assert built.build("execution.jobs=3").ran == ()
    ran = built.build("execution.jobs=3", "fine_tuning.learning_rate=0.5").ran
    assert not any(label.endswith((".features", ".cut", ".head")) for label in ran)
    assert built.build("fine_tuning.learning_rate=0.5").ran == ()


def test_several_jobs_may_be_forced(built: Project) -> None:
    before = timeless(built.site())
    assert set(built.build("execution.jobs=2", force=True).ran) == EVERYTHING
    assert timeless(built.site()) == before


def test_with_several_jobs_a_failing_variant_leaves_the_others_finished(
    fresh: Project, built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, augmentation__head=BuildFailed("the loss is not a number"))
    with pytest.raises(BuildFailed) as caught:
        fresh.build("execution.jobs=3")
    assert str(caught.value).splitlines() == [
        "augmentation failed: the loss is not a number",
        "the site stays as it was; finished and kept: baseline",
    ]
    fail(monkeypatch)
    assert not any("baseline.evaluation" in label for label in fresh.build("execution.jobs=3").ran)
    assert timeless(fresh.site()) == timeless(built.site())


def test_with_several_jobs_bad_input_ends_the_build_at_once(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, baseline__cut=BadInput("weights.h5: holds NaN"))
    with pytest.raises(BadInput, match="holds NaN"):
        fresh.build("execution.jobs=3")
    assert not fresh.places.site.exists()


def test_what_ran_beside_another_stage_is_no_measure_of_its_time(
    fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)

    def meet(event: str) -> None:
        if event in ("baseline.fine_tuning", "augmentation.fine_tuning"):
            together.wait(60)

    fakes.install(monkeypatch.setattr, hook=meet)
    fresh.build("execution.jobs=2")
    kinds = [kind.split()[0] for rows in timings_of(fresh).values() for kind in rows]
    assert "fine_tuning" not in kinds
    assert "pixels" in kinds


def test_what_another_machine_took_is_no_measure_of_this_one(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a node of a cluster."""
    here = machines.here()
    other = here.model_copy(update={"processor": "another"})
    monkeypatch.setattr(machines, "leave", lambda made, out: leave(made.model_copy(update={"machine": other}), out))
    fresh.build()
    monkeypatch.undo()
    assert not (fresh.places.store / "timings.json").exists()


def test_what_went_on_after_a_kill_is_no_measure_of_the_whole(fresh: Project) -> None:
    (node,) = (node for node in fresh.plan().nodes if node.label == "augmentation.augmented")
    Store(fresh.places.store).checkpoint(node.key).touch()
    fresh.build()
    kinds = [kind.split()[0] for rows in timings_of(fresh).values() for kind in rows]
    assert "augmented" not in kinds
    assert "fine_tuning" in kinds


leave = machines.leave


def timings_of(project: Project) -> dict[str, dict[str, Any]]:
    """Machine → kind of work → what it took."""
    table: dict[str, dict[str, Any]] = json.loads((project.places.store / "timings.json").read_text("utf-8"))
    return table
