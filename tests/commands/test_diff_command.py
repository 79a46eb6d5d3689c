"""`build.py diff` by the command line: nothing to compare, long reports, unknown environments, other processors."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from generator import cli
from generator.data import dataset
from generator.diff import fitting, report
from generator.experiment.files import result_files
from generator.experiment.outcomes import Prediction
from generator.experiment.results import BuildResults, Environment, VariantResult
from generator.support.errors import BadInput, BuildFailed, MeasuredPostError
from tests import repositories
from tests.factories import make_data, make_results, make_variant, outcome_of
from tests.repositories import DATA, commit_all, isolate, make_site, provenance
from tests.repositories import git as run_git
from tests.sites import picture, put

GATE = "--gate=test.accuracy=-0.02"

Diff = Callable[..., int]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)
    # Thumbnails come from the data set, which would be drawn first.
    found = SimpleNamespace(root=tmp_path / "no data", fingerprint=make_data().fingerprint, source="animals")
    monkeypatch.setattr(dataset, "find", lambda settings, store, **how: found)


@pytest.fixture
def diff(tmp_path: Path) -> Diff:
    """`build.py diff` for the site of `repository`; gives the exit code."""
    settings = repositories.make_config(tmp_path)
    where = ["--site", str(tmp_path / "project" / "site"), "--store", str(tmp_path / "store")]
    return lambda *arguments: cli.main(["diff", *arguments, *where, "--config", str(settings)])


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits, each with a build of its own; the newest is checked out."""
    folder = tmp_path_factory.mktemp("committed")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch, folder)
        run_git(folder, "init", "-q")
        for number, build in enumerate((make_results(), with_baseline(wrong=())), start=1):
            make_site(folder / "site", build, f"2023013{number}-000000", shade=number)
            commit_all(folder)
    return folder


@pytest.fixture
def repository(tmp_path: Path, committed: Path) -> Path:
    """A copy of `committed`."""
    return Path(shutil.copytree(committed, tmp_path / "project"))


def with_baseline(**changes: Any) -> BuildResults:
    return make_results(variants={**make_results().variants, "baseline": make_variant(**changes)})


def test_a_confident_gate_lets_a_fall_within_chance_through(
    diff: Diff, repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five images that are lost are more than the limit, and may be chance: typed, and in the settings."""
    assert diff("HEAD", "HEAD~1", GATE) == 1
    assert "gate missed: baseline: test.accuracy: 1 before, 0.875 now, limit -0.02; within chance" in said(capsys)
    assert diff("HEAD", "HEAD~1", f"{GATE} confident") == 0
    assert "gate passed: baseline: test.accuracy: 1 before, 0.875 now, limit -0.02 confident" in said(capsys)
    settings = repositories.make_config(tmp_path)
    settings.write_text(settings.read_text("utf-8") + '\n[gates]\n"test.accuracy" = "-0.02 confident"\n', "utf-8")
    assert diff("HEAD", "HEAD~1") == 0
    assert "limit -0.02 confident" in said(capsys)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


# ---- 58: nothing to compare ------------------------------------------------------------------------------


def test_fault_58_a_gate_on_a_clean_checkout_is_not_passed(
    repository: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    head, before = run_git(repository, "log", "--format=%h").split()
    assert diff(GATE) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err == (
        f"build.py: nothing to compare and no gate held: HEAD ({head}) and project/site are one build,"
        f" 20230132-000000; the build before it is in {before} (build.py diff {before})\n"
    )
    assert diff(before, GATE) == 0
    assert "gate passed" in capsys.readouterr().out


@pytest.mark.parametrize("sides", [(), ("HEAD",), ("HEAD", "HEAD"), ("SITE", "SITE"), ("SITE", "HEAD"), ("main",)])
def test_fault_58_however_a_build_is_named_twice(
    repository: Path, tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str], sides: Any
) -> None:
    run_git(repository, "branch", "-M", "main")
    given, page = [str(repository / "site") if side == "SITE" else side for side in sides], tmp_path / "report.html"
    for form in ((), ("--md",), ("--json",), ("--html", str(page))):
        assert diff(*given, *form) == 0, "without a gate it is an answer"
        assert "No differences" not in capsys.readouterr().out
        page.unlink(missing_ok=True)
        assert diff(*given, *form, GATE) == 2
        found = capsys.readouterr()
        said = found.out + found.err + (page.read_text() if "--html" in form else "")
        assert "gate passed" not in said
        assert "othing to compare and no gate held" in said


def test_fault_58_a_variant_held_against_itself_passes_no_gate(
    repository: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff("--variants", "baseline,baseline", GATE) == 2
    assert capsys.readouterr().err.endswith("are one build, 20230132-000000; give two variants, or two builds\n")
    assert diff("HEAD~1", "HEAD", "--variants", "baseline,baseline", GATE) == 0
    assert diff("--variants", "baseline,augmentation", GATE) in (0, 1)


def test_fault_58_a_metrics_file_is_named_twice_or_two_of_one_folder_are(
    repository: Path, tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("main", "other"):
        shutil.copy(repository / "site" / DATA / "metrics.json", tmp_path / f"{name}.json")
    main, other = str(tmp_path / "main.json"), str(tmp_path / "other.json")
    assert diff(main, main, GATE) == 2
    assert "nothing to compare and no gate held" in capsys.readouterr().err
    assert diff(main, other, GATE) == 0
    assert "gate passed" in capsys.readouterr().out


def test_fault_58_another_commit_with_the_same_build_is_an_answer_and_passes_no_gate(
    repository: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "README.md").write_text("A pull request that changes no result.")
    commit_all(repository)
    assert diff("HEAD~1", GATE) == 0
    said = capsys.readouterr().out
    assert "Nothing to compare and no gate held: HEAD~1 (" in said
    assert "gate passed" not in said


def test_fault_58_two_runs_that_agree_are_compared(
    repository: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    put(repository / "site", {f"{DATA}/provenance.json": provenance("20230301-000000")})
    assert diff(GATE) == 0
    assert "No differences." in (said := capsys.readouterr().out)
    assert "gate passed" in said


def test_fault_58_the_first_build_and_a_shallow_clone_say_why_none_is_named(
    repository: Path, tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff("HEAD~1", "HEAD~1", GATE) == 2
    assert capsys.readouterr().err.endswith("; it is the first that is committed\n")
    repository.rename(tmp_path / "origin")
    run_git(tmp_path, "clone", "-q", "--depth", "1", (tmp_path / "origin").as_uri(), "project")
    assert diff(GATE) == 2
    assert "is not in this shallow clone: `git fetch --unshallow` gets it" in capsys.readouterr().err


# ---- 59: what fits into a comment ------------------------------------------------------------------------


def few_others(variant: VariantResult, test: tuple[Prediction, ...]) -> dict[str, Any]:
    """The outcome with these test images, and one of each other part: a report on the former needs no more."""
    others = {part: found[:1] for part, found in variant.predictions_by_part.items()}
    return dict(outcome_of({**others, "test": test}, classes=2))


def many_images(variants: int, images: int, name: str) -> tuple[BuildResults, BuildResults]:
    """Two builds whose every test image changes, in every variant; `name` is a pattern for file names."""
    made, base = [], make_variant()
    for right in (True, False):
        half = images // 2
        predictions = tuple(
            p.model_copy(update={"index": i, "file": name % i, "actual": int(i >= half), "predicted": int(i >= half)})
            for i, p in enumerate(base.predictions[0] for _ in range(images))
        )
        wrong = tuple(p.model_copy(update={"predicted": 1 - p.predicted}) for p in predictions)
        names = ["baseline", *(f"variant-{number}" for number in range(1, variants))]
        outcomes = [few_others(base, rows) for rows in (wrong, predictions)]
        found = {
            name: base.model_copy(update={"name": name, **outcomes[right == bool(n % 2)]})
            for n, name in enumerate(names)
        }
        made.append(make_results(variants=found, figures=()))
    return made[0], made[1]


SHAPES = [
    (3, 200, "test/camel/" + "a long name, as cameras and archives give them " * 3 + "%d.png"),
    (3, 600, "test/camel/%d.png"),
    (1, 2000, "test/*_*/`%d`.png"),
    (40, 16, "🐪" * 60 + "%d.png"),
    (80, 2, "x" * 4000 + "%d"),
]


@pytest.mark.parametrize("shape", SHAPES, ids=range(len(SHAPES)))
def test_fault_59_markdown_fits_into_a_comment_and_the_page_has_the_rest(
    tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str], shape: tuple[int, int, str]
) -> None:
    for side, build in zip("ab", many_images(*shape), strict=True):
        make_site(tmp_path / side, build, f"build-{side}")
    assert diff(str(tmp_path / "a"), str(tmp_path / "b"), "--md") == 0
    text = capsys.readouterr().out
    assert fitting.characters(text) <= fitting.GITHUB
    assert "Left out, to stay within 65,536 characters: " in text
    assert "`build.py diff --html FILE` writes a page with more of them, `--json` has all." in text
    assert_whole(text)
    assert diff(str(tmp_path / "a"), str(tmp_path / "b"), "--html", str(tmp_path / "page.html")) == 0
    page = (tmp_path / "page.html").read_text()
    assert page.count("was called") == shape[0] * min(shape[1], report.LISTED)


def assert_whole(text: str) -> None:
    """Tables keep their columns, blocks are closed, and what was left out adds up."""
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1
    assert text.count("<details") == text.count("</details>")
    assert all(line.count("`") % 2 == 0 for line in text.splitlines())
    assert "\n\n\n" not in text.rstrip("\n")


def test_fault_59_every_list_is_shortened_and_missed_gates_come_first(
    tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["baseline", *(f"variant-{n}-with-a-name" + "-of-some-length" * 100 for n in range(40))]
    old, new = (
        make_results(
            variants={
                n: variant.model_copy(update={"name": n, **few_others(variant, variant.predictions)}) for n in names
            },
            environment=Environment(python="3.11.7", packages={f"package-{n}": v for n in range(1000)}),
            data=make_data(ignored={f"reason {n}": len(v) for n in range(900)}),
            figures=(),
        )
        for variant, v in ((make_variant(wrong=()), "1.0"), (make_variant(wrong=(0, 1)), "22.0"))
    )
    for side, build in (("a", old), ("b", new)):
        put(tmp_path / side, {f"{DATA}/{n}": t.encode() for n, t in result_files.to_files(build).items()})
    assert diff(str(tmp_path / "a"), str(tmp_path / "b"), "--md", GATE) == 1
    text = capsys.readouterr().out
    assert fitting.characters(text) <= fitting.GITHUB
    assert "**41 of 41 gates missed**" in text
    assert text.index("**missed**") < text.index("And ")
    assert_whole(text)


def test_fault_59_a_short_report_leaves_nothing_out(
    repository: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    assert diff("HEAD~1", "--md") == 0
    text = capsys.readouterr().out
    assert "Left out" not in text
    assert_whole(text)


# ---- 69: environments ------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path: Path, repository: Path) -> str:
    """A `metrics.json` that was kept alone."""
    put(tmp_path / "kept", {"metrics.json": result_files.to_files(make_results())["metrics.json"].encode()})
    return str(tmp_path / "kept" / "metrics.json")


@pytest.mark.parametrize("form", ["", "--md", "--html"])
def test_fault_69_an_unknown_environment_is_one_line(
    kept: str, tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    page = tmp_path / "page.html"
    assert diff(kept, *([form] if form else []), *([str(page)] if form == "--html" else [])) == 0
    said = page.read_text() if form == "--html" else capsys.readouterr().out
    assert said.count("is not known, so packages are not compared") == 1 or "not known&#44;" in said
    assert "keras" not in said
    assert "none" not in said.partition("metrics unchanged")[0].replace('charset="none"', "")


def test_fault_69_two_bare_files_and_json(kept: str, diff: Diff, capsys: pytest.CaptureFixture[str]) -> None:
    copy = Path(kept).with_name("another.json")
    copy.write_bytes(Path(kept).read_bytes())
    assert diff(kept, str(copy), "--json") == 0
    table = json.loads(capsys.readouterr().out)
    assert table["environment"] == {
        "summary": "the environment of both sides is not known, so packages are not compared",
        "changes": [],
    }


def test_fault_69_packages_are_folded_into_one_row(
    tmp_path: Path, diff: Diff, capsys: pytest.CaptureFixture[str]
) -> None:
    versions = {"keras": "3.15.1", "numpy": "2.1", "pillow": "11", "rich": "14", "tensorflow": "2.21.0"}
    newer = {**{name: f"{version}.9" for name, version in versions.items() if name != "rich"}, "new": "1"}
    make_site(tmp_path / "a", make_results(environment=Environment(python="3.11.7", packages=versions)), "a")
    make_site(tmp_path / "b", make_results(environment=Environment(python="3.12.1", packages=newer)), "b")
    sides = str(tmp_path / "a"), str(tmp_path / "b")
    assert diff(*sides) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Python and 6 packages differ: Python 3.11.7 → 3.12.1, keras 3.15.1 → 3.15.1.9" in said
    assert "and 4 more" in said
    assert diff(*sides, "--all") == 0
    said = capsys.readouterr().out
    assert "  rich 14 → none" in said
    assert "  new none → 1" in said
    assert diff(*sides, "--md") == 0
    said = capsys.readouterr().out
    assert '<details markdown="1"><summary>Python and 6 packages differ</summary>' in said
    assert "| rich | 14 | none |" in said
    assert diff(*sides, "--html", str(tmp_path / "page.html")) == 0
    assert "<details><summary>Python and 6 packages differ</summary>" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("error", [BadInput, BuildFailed])
def test_a_report_is_written_where_the_data_set_cannot_be_had(
    tmp_path: Path,
    diff: Diff,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: type[MeasuredPostError],
) -> None:
    def gone(*arguments: object, **how: object) -> None:
        raise error("animals: no such folder")

    monkeypatch.setattr(dataset, "find", gone)
    for side, build in zip("ab", many_images(*SHAPES[0]), strict=True):
        make_site(tmp_path / side, build, f"build-{side}")
    assert diff(str(tmp_path / "a"), str(tmp_path / "b"), "--html", str(tmp_path / "page.html")) == 0
    assert "warning: the report shows no images: animals: no such folder" in capsys.readouterr().err
    assert "was called" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("same", [True, False])
def test_a_report_shows_no_images_of_another_data_set(
    tmp_path: Path, diff: Diff, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], same: bool
) -> None:
    """Of the same names, as the sample's images have them whatever classes are drawn."""
    sides = make_results(), with_baseline(wrong=())
    for side, build in zip("ab", sides, strict=True):
        make_site(tmp_path / side, build, f"build-{side}")
    names = [image.file for image in sides[0].variants["baseline"].predictions]
    put(tmp_path / "data", {name: picture() for name in names})
    fingerprint = make_data().fingerprint if same else "0" * 64
    found = SimpleNamespace(root=tmp_path / "data", fingerprint=fingerprint, source="animals")
    monkeypatch.setattr(dataset, "find", lambda settings, store, **how: found)
    page = tmp_path / "page.html"
    assert diff(str(tmp_path / "a"), str(tmp_path / "b"), "--html", str(page)) == 0
    assert (f'alt="{names[0]}"' in page.read_text()) is same
    warning = "the report shows no images: the data set animals is not, or no longer, the one of the builds"
    assert (warning in capsys.readouterr().err) is not same


def test_a_data_set_that_cannot_be_the_builds_is_not_fetched_for_a_report(
    tmp_path: Path, diff: Diff, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dataset, "find", lambda *_, **how: pytest.fail("it was drawn"))
    for side, wrong in zip("ab", ((), (1,)), strict=True):
        variants = {"baseline": make_variant(wrong=wrong)}
        build = make_results(data=make_data(source="my-animals", kind="folder"), variants=variants)
        make_site(tmp_path / side, build, f"build-{side}")
    assert diff(str(tmp_path / "a"), str(tmp_path / "b"), "--html", str(tmp_path / "page.html")) == 0
    assert (
        "no images: data.path is sample, the builds' data set is my-animals: name it with --data"
        in capsys.readouterr().err
    )


def test_the_data_set_of_a_report_may_be_named(
    tmp_path: Path, diff: Diff, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_data(source="my-animals", kind="folder")
    for side, wrong in zip("ab", ((), (1,)), strict=True):
        build = make_results(data=data, variants={"baseline": make_variant(wrong=wrong)})
        make_site(tmp_path / side, build, f"build-{side}")
    asked = []
    found = SimpleNamespace(root=tmp_path, fingerprint=data.fingerprint, source="my-animals")
    monkeypatch.setattr(dataset, "find", lambda settings, *_, **how: asked.append(settings.path) or found)
    where = str(tmp_path / "my-animals")
    (tmp_path / "my-animals").mkdir()
    sides = str(tmp_path / "a"), str(tmp_path / "b")
    assert diff(*sides, "--html", str(tmp_path / "page.html"), "--data", where) == 0
    assert asked == [where]
    assert "no images" not in capsys.readouterr().err
