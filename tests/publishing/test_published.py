"""What is published is rendered anew from its own results: with other prose, and nothing else."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from generator import cli, pipeline
from generator.experiment import provenance
from generator.experiment.config import loading
from generator.experiment.config.settings import Config
from generator.post import bound
from generator.publishing import verify
from generator.publishing.deliver import Outcome
from generator.support.errors import BadInput
from generator.support.places import ROOT
from tests import fakes
from tests.fakes import Project, make_project, timeless

ASKED = 'questions.turning={ ask = "Does turning help?", compare = ["baseline", "augmentation"] }'
SWEEP = "sweeps.rates.head.learning_rate=[1e-5, 1e-4]"
BEFORE = 'questions.before={ ask = "And before?", compare = ["baseline:head", "augmentation:head"] }'


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A site that was built once, without store and data, as in a clone on another machine."""
    with fakes.installed():
        project = make_project(tmp_path_factory.mktemp("template"))
        project.build()
    shutil.rmtree(project.places.store)
    shutil.rmtree(project.data)
    return project


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One with a sweep, of data without test images; nothing is written into it."""
    with fakes.installed():
        project = make_project(tmp_path_factory.mktemp("swept"), train=10)
        shutil.rmtree(project.data / "test")
        project.variants = "baseline,augmentation,rates"
        project.build(SWEEP)
    shutil.rmtree(project.data)
    return project


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One of the sample; nothing is written into it."""
    project = Project(tmp_path_factory.mktemp("drawn"))
    with fakes.installed():
        pipeline.build(of_sample(), project.places, fakes.Recorder())
    return project


@pytest.fixture
def built(template: Project, tmp_path: Path) -> Project:
    shutil.copytree(template.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def again(project: Project, *overrides: str) -> Outcome:
    return pipeline.render_again(project.config(*overrides), project.places, fakes.Recorder())


def recorded(project: Project) -> dict[str, Any]:
    (path,) = project.places.site.rglob(provenance.NAME)
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def own_root(project: Project, folder: Path) -> Path:
    """Have the project quote and render from a copy of code and templates."""
    project.root = fakes.copy_program(folder)
    return folder


def built_with(project: Project) -> list[str]:
    """The options of the build."""
    settings = [part for override in fakes.SMALL for part in ("--set", override)]
    return [*settings, "--data", str(project.data), "--weights", "random", *project.where]


def of_sample(*overrides: str) -> Config:
    """Settings of a build of the sample data set."""
    few = ("data.sample_train=8", "data.sample_test=4", "data.measure=4")
    options = {"data.path": "sample", "weights": "random"}
    return loading.load(ROOT / "experiment.toml", overrides=[*fakes.SMALL, *few, *overrides], options=options)


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def test_nothing_changed_writes_nothing(built: Project) -> None:
    before = built.site()
    outcome = again(built)
    assert built.site() == before
    assert outcome.ran == ()
    assert not outcome.published.written


def test_a_changed_title_is_rendered_and_everything_else_stays(built: Project) -> None:
    before, origin = timeless(built.site()), recorded(built)
    outcome = again(built, 'post.title="Another title"')
    after = timeless(built.site())
    assert "Another title" in outcome.post.read_text("utf-8")
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert {Path(path).suffix for path in changed} <= {".md", ".json", ".html", ".yml"}
    assert not {path for path in changed if path.endswith((".csv", "metrics.json"))}
    assert verify.verify(built.places.site) == ()
    now = recorded(built)
    assert (now["stages"], now["machines"], now["ran"]) == (origin["stages"], origin["machines"], [])
    assert now["results_of"] == {name: origin[name] for name in ("id", "time", "commit")}


def test_rendered_twice_it_still_names_the_build_that_computed(built: Project) -> None:
    origin = recorded(built)
    again(built, 'post.title="Another title"')
    again(built, 'post.title="A third title"')
    assert recorded(built)["results_of"]["id"] == origin["id"]


def test_a_changed_template_is_rendered(built: Project, tmp_path: Path) -> None:
    section = next((own_root(built, tmp_path / "root") / "templates" / "sections").glob("*.j2"))
    append(section, "\nA sentence more.\n")
    assert "A sentence more." in again(built).post.read_text("utf-8")


def test_code_that_is_not_what_ran_is_not_quoted(built: Project, tmp_path: Path) -> None:
    module = own_root(built, tmp_path / "root") / "generator" / "training" / "network.py"
    text = module.read_text("utf-8")
    before, definition, rest = text.partition("def build_head(")
    module.write_text(f"{before}# Stands before the definition.\n{definition}{rest}", "utf-8")
    again(built)
    module.write_text(before + definition + rest.replace("    return", "    # Not as it ran.\n    return", 1), "utf-8")
    site = built.site()
    with pytest.raises(BadInput, match=r"network:build_head: the page quotes this code, and what ran was other code"):
        again(built)
    assert built.site() == site


def test_code_that_no_page_quoted_is_not_quoted(built: Project, tmp_path: Path) -> None:
    section = next((own_root(built, tmp_path / "root") / "templates" / "sections").glob("*.j2"))
    macros = '{% import "macros.md.j2" as m with context %}'
    quoting = next(
        line
        for path in (built.root / "templates").rglob("*.j2")
        for line in path.read_text("utf-8").splitlines()
        if "generator.training.network:build_head" in line
    )
    append(section, f"\n{macros}\n{quoting.replace('network:build_head', 'network:below')}\n")
    with pytest.raises(BadInput, match=r"network:below: no page quoted this code"):
        again(built)


def test_what_is_asked_of_variants_that_were_not_built_is_no_other_experiment(built: Project) -> None:
    before = built.site()
    built.variants = "all"
    sweep = "sweeps.rates.head.learning_rate=[1e-5, 1e-4]"
    again(built, sweep, 'questions.best={ ask = "Does choosing help?", compare = ["baseline", "rates"] }')
    assert built.site() == before


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["head.epochs=4"], "baseline: head.epochs was 3, is 4"),
        (["seeds=2"], "seeds.count was 1, is 2"),
        (['variants.augmentation.title="Turned"'], 'augmentation: title was "'),
        ([ASKED], "questions.turning"),
        (["data.image_size=64"], "data.image_size was 32, is 64"),
        (["data.batch_size=2"], "data.batch_size was 4, is 2"),
        (['data.group="folder"'], 'data.group was null, is "folder"'),
        (['data.near_duplicates="report"'], 'data.near_duplicates was "group", is "report"'),
        (['data.layout="names"'], 'data.layout was "parts", is "names"'),
    ],
    ids=["recipe", "seeds", "title", "question", "size", "batch", "group", "near-duplicates", "layout"],
)
def test_another_experiment_is_refused(built: Project, overrides: list[str], told: str) -> None:
    before = built.site()
    with pytest.raises(BadInput, match="the settings ask for another experiment") as refused:
        again(built, *overrides)
    assert told in str(refused.value)
    assert built.site() == before


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["sweeps.rates.head.learning_rate=[1e-5, 2e-4]"], "rates.points.2.head.learning_rate was 0.0001, is 0.0002"),
        ([SWEEP, "sweeps.rates.title=Best rate"], 'sweeps.rates.title was "Rates", is "Best rate"'),
        ([SWEEP, "sweeps.rates.of=augmentation"], 'sweeps.rates.of was "baseline", is "augmentation"'),
        ([SWEEP, "sweeps.rates.draw=2"], "sweeps.rates.draw_seed was null, is 0"),
        ([SWEEP, "fine_tuning.epochs=3"], "rates: fine_tuning.epochs was 2, is 3"),
        ([], "the settings have no sweep rates"),
        ([SWEEP, "data.test_fraction=0.3"], "data.test_fraction was 0.2, is 0.3"),
        ([SWEEP, "data.test_seed=1"], "data.test_seed was 0, is 1"),
    ],
    ids=["values", "title", "of", "draw", "recipe", "gone", "test-fraction", "test-seed"],
)
def test_another_sweep_and_other_test_images_are_refused(swept: Project, overrides: list[str], told: str) -> None:
    swept.variants = "baseline,augmentation" + (",rates" if overrides else "")
    with pytest.raises(BadInput, match="the settings ask for another experiment") as refused:
        again(swept, *overrides)
    assert told in str(refused.value)


def test_the_same_sweep_is_rendered(swept: Project) -> None:
    before = swept.site()
    swept.variants = "baseline,augmentation,rates"
    again(swept, SWEEP)
    assert swept.site() == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--data", "other.zip"], 'data.path was "animals", is "other.zip"'),
        (["--data", "sample"], 'data.path was "animals", is "sample"'),
        (["--data", "kaggle:somebody/animals"], "data.path was"),
        (["--data", "s3://bucket/animals/more"], "data.path was"),
        (["--weights", "embedded"], 'weights.ResNet50 was "random", is "embedded"'),
        (["--weights", "mine/random.h5"], 'weights.ResNet50 was "random", is "random.h5"'),
    ],
)
def test_other_data_and_weights_are_refused(
    built: Project, capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    before = built.site()
    assert cli.main(["render", *built_with(built), *options]) == 2
    assert told in capsys.readouterr().err
    assert built.site() == before


@pytest.mark.parametrize("place", ["elsewhere/animals", "s3://bucket/animals", "link"])
def test_the_same_data_may_lie_elsewhere(
    built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "animals").mkdir()
    (tmp_path / "link").symlink_to("animals")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["render", *built_with(built), "--data", place]) == 0


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("data.sample_train=10", "data.sample_train was 8, is 10"),
        ('data.sample_classes=["camel", "llama"]', 'data.sample_classes was ["camel", "horse"], is ["camel", "llama"]'),
        ("data.measure=0", "data.measure was 4, is 0"),
        ("data.measure_seed=7", "data.measure_seed was 91733, is 7"),
    ],
)
def test_another_sample_is_refused(drawn: Project, override: str, told: str) -> None:
    assert not pipeline.render_again(of_sample(), drawn.places, fakes.Recorder()).published.written
    with pytest.raises(BadInput) as refused:
        pipeline.render_again(of_sample(override), drawn.places, fakes.Recorder())
    assert told in str(refused.value)


def test_a_variant_that_the_settings_no_longer_have_is_refused(built: Project) -> None:
    built.variants = "baseline"
    with pytest.raises(BadInput, match="the settings have no variant augmentation"):
        again(built)


def test_an_edited_site_is_refused(built: Project) -> None:
    (post,) = (built.places.site / "_posts").iterdir()
    append(post, "\nBetter by 99 %.\n")
    with pytest.raises(BadInput, match="is not the file that the build wrote, so the site is not what was built"):
        again(built)


def test_what_is_computed_otherwise_by_now_is_rendered_anew(built: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a newer version of the program mended a formula: no training is asked for."""
    computed = bound.value_of

    def otherwise(sources: Any, source: str) -> Any:
        value = computed(sources, source)
        return value / 2 if source.startswith("wilson_low(") else value

    with monkeypatch.context() as patch:
        patch.setattr(verify.bound, "value_of", otherwise)
        findings = verify.verify(built.places.site)
        assert {finding.kind for finding in findings} == {"outdated"}
        assert all(str(finding).endswith("if this is all, render the post anew") for finding in findings)
        again(built)
    assert verify.verify(built.places.site) == ()


def test_the_figure_of_an_answer_that_is_worked_out_otherwise_by_now_is_drawn_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It follows from the results alone; the others stay as the build drew them."""
    project, computed = make_project(tmp_path), bound.value_of
    project.build(ASKED)

    def otherwise(sources: Any, source: str) -> Any:
        value = computed(sources, source)
        return value / 2 + 0.1 if source.startswith("answers.") and source.endswith(".low") else value

    before = project.site()
    with monkeypatch.context() as patch:
        patch.setattr(verify.bound, "value_of", otherwise)
        assert {finding.kind for finding in verify.verify(project.places.site)} == {"outdated"}
        again(project, ASKED)
    after = project.site()
    drawn = {path for path in before if path.endswith((".png", ".webp")) and before[path] != after[path]}
    folder = "assets/images/CV_HW_2/comparison"
    assert drawn == {f"{folder}/question-turning.png", f"{folder}/question-turning.webp"}
    assert verify.verify(project.places.site) == ()


def test_an_empty_site_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no build of this post"):
        again(Project(tmp_path))


def test_the_command_writes_another_form_too(
    built: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "post.html"
    assert cli.main(["render", *built_with(built), "--export", str(target)]) == 0
    assert "(unchanged)" in capsys.readouterr().out
    assert target.stat().st_size > 10_000


def test_a_store_that_cannot_be_written_is_not_needed(built: Project, capsys: pytest.CaptureFixture[str]) -> None:
    store, title = built.places.store, ("--set", "post.title=Another")
    store.write_text("a file")
    assert cli.main(["render", *built_with(built), *title]) == 0
    warning = f"warning: this render will not be in the history: --store: {store} cannot be written (it is no folder); "
    assert warning in capsys.readouterr().err
    assert "Another" in next((built.places.site / "_posts").iterdir()).read_text("utf-8")
    assert verify.verify(built.places.site) == ()
    assert store.read_text() == "a file"


def test_questions_keep_the_order_of_the_settings(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    project.build(ASKED, BEFORE)
    before = project.site()
    shutil.rmtree(project.places.store)
    again(project, ASKED, BEFORE)
    assert project.site() == before
