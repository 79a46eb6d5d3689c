"""Faults of where a build writes: odd paths, places that cannot be written, files of somebody else in the way.

Rows 61 and 64 of the table in `docs/reliability.md`. What can be refused is refused before anything is trained.
"""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import pytest

from generator import cli, pipeline
from generator.experiment import figure_names
from generator.post import manifest
from generator.post.jekyll import layout
from generator.publishing import deliver, destinations, publish, verify
from generator.support.errors import BadInput, BuildFailed
from generator.support.places import STORE_FOLDERS
from tests import fakes, links
from tests.fakes import Project, Recorder, make_project, tree
from tests.rendered import JEKYLL, REASON, jekyll

POST = "_posts/2023-01-31-image-classification-with-cnn-and-transfer-learning.md"


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    with fakes.installed():
        project = make_project(tmp_path_factory.mktemp("template"))
        project.build()
    return project


@pytest.fixture
def built(template: Project, tmp_path: Path) -> Project:
    shutil.copytree(template.folder, tmp_path / "built")
    return Project(tmp_path / "built")


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    return make_project(tmp_path / "fresh")


def everything(folder: Path) -> dict[str, bytes | None]:
    """Every file with its content, every folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


def trained(project: Project) -> bool:
    return (project.places.store / "stages").exists()


# ---- Odd paths -------------------------------------------------------------------------------------------

ODD = [
    "a#b",
    "a?b=c",
    'a"b',
    "a'b",
    "a%41b",
    "a b",
    "a&amp;b",
    "<a>",
    "a:b",
    "猫 é",
    "a\nb",
    "a\\b",
    os.fsdecode(b"a\xe9"),
]


def shown(page: Path) -> list[Path]:
    """The files that the links of a page on this machine lead to, as a browser finds them."""
    found = []
    for target in links.read(page).targets:
        parts = urlsplit(urljoin(page.absolute().as_uri(), target))
        if parts.scheme == "file" and not target.startswith("#"):
            found.append(Path(os.fsdecode(unquote_to_bytes(parts.path))))
    return found


@pytest.mark.parametrize("name", ODD)
def test_fault_61_links_are_right_whatever_the_paths_are_called(
    built: Project, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    odd = built.folder / name / name
    site, page, one = odd / name, built.folder / name / f"{name}.html", odd / f"{name} alone.html"
    where = ["--site", str(site), "--preview", str(page), "--export", str(one)]
    assert cli.main(built.arguments(*where)) == 0, capsys.readouterr().err
    found = shown(page)
    assert len([path for path in found if path.suffix == ".webp"]) >= 10
    assert [path for path in found if not path.is_file()] == []
    exported = one.read_text("utf-8")
    assert exported.count("data:image/webp;base64,") >= 10
    assert shown(one) == []
    assert verify.verify(site) == ()


def test_fault_61_a_link_on_the_way_to_the_preview(built: Project) -> None:
    (built.folder / "deep" / "er").mkdir(parents=True)
    (built.folder / "link").symlink_to(built.folder / "deep" / "er")
    page = built.folder / "link" / "preview.html"
    one = built.folder / "one.html"
    assert cli.main(built.arguments("--preview", str(page), "--export", str(one))) == 0
    assert "data:image/webp;base64," in one.read_text("utf-8")


# ---- Places that cannot be written -----------------------------------------------------------------------

Prepare = Callable[[Path], list[str]]
"""Makes something in a folder and gives the options that name it."""


def file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    return path


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def linked(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


LONG = "x" * 300
REFUSED: dict[str, tuple[str, Prepare]] = {
    "site is a file": ("--site", lambda at: ["--site", str(file(at / "f"))]),
    "store is a file": ("--store", lambda at: ["--store", str(file(at / "f"))]),
    "site below a file": ("--site", lambda at: ["--site", str(file(at / "f") / "site")]),
    "preview below a file": ("--preview", lambda at: ["--preview", str(file(at / "f") / "p.html")]),
    "preview is a folder": ("--preview", lambda at: ["--preview", str(folder(at / "d"))]),
    "export is a folder": ("--export", lambda at: ["--export", str(folder(at / "d"))]),
    "export is a device": ("no regular file", lambda at: ["--export", "/dev/null"]),
    "export of an unknown kind": ("ends in .html or", lambda at: ["--export", str(at / "post.docx")]),
    "export of no kind": ("ends in .html or", lambda at: ["--export", str(at / "post")]),
    "site in /proc": ("--site", lambda at: ["--site", "/proc/measured-post/site"]),
    "store in /proc": ("--store", lambda at: ["--store", "/proc/measured-post/store"]),
    "preview in /proc": ("--preview", lambda at: ["--preview", "/proc/measured-post.html"]),
    "export in /proc": ("--export", lambda at: ["--export", "/proc/new/measured-post.html"]),
    "site's name too long": ("--site", lambda at: ["--site", str(at / LONG)]),
    "store's name too long": ("--store", lambda at: ["--store", str(at / LONG)]),
    "preview's name too long": ("--preview", lambda at: ["--preview", str(at / ("x" * 250))]),
    "export's folder too long": ("--export", lambda at: ["--export", str(at / LONG / "e.html")]),
    "site a dangling link": ("--site", lambda at: ["--site", str(linked(at / "l", at / "nowhere"))]),
    "site a circle of links": ("--site", lambda at: ["--site", str(linked(at / "l", at / "l") / "site")]),
    "export onto the preview": ("both", lambda at: ["--preview", str(at / "p"), "--export", str(at / "d/../p")]),
    "export by a link": ("both", lambda at: ["--preview", str(at / "p"), "--export", str(linked(at / "l", at) / "p")]),
    "site and store": ("both", lambda at: ["--site", str(at / "s"), "--store", str(at / "s")]),
    "preview is the site": ("both", lambda at: ["--site", str(at / "s"), "--preview", str(at / "s")]),
    "site below the preview": ("lies below", lambda at: ["--site", str(at / "p/site"), "--preview", str(at / "p")]),
    "export below the preview": ("lies below", lambda at: ["--export", str(at / "p/e"), "--preview", str(at / "p")]),
    "export is a page": ("the build writes", lambda at: ["--site", str(at), "--export", str(at / "docs/index.html")]),
    "preview is a page": ("the build writes", lambda at: ["--site", str(at), "--preview", str(at / "index.md")]),
    "a part of the store is a file": ("--store", lambda at: ["--store", str(file(at / "s/history").parent)]),
    "checkpoints are a file": ("--store", lambda at: ["--store", str(file(at / "s/checkpoints").parent)]),
    "the worker's log is a folder": ("worker.log", lambda at: ["--store", str(folder(at / "s/worker.log").parent)]),
    "a folder where the post must be": ("is a folder", lambda at: ["--site", str(folder(at / POST).parents[1])]),
    "a file where a folder must be": ("is a file", lambda at: ["--site", str(file(at / "s/assets").parent)]),
    "a link where a folder must be": ("link", lambda at: ["--site", str(linked(at / "_posts", at).parent)]),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_fault_61_what_cannot_be_written_is_refused_before_training_and_leaves_nothing(
    fresh: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    named, prepare = REFUSED[case]
    options = prepare(folder(tmp_path / "places"))
    before = everything(tmp_path / "places")
    assert cli.main(fresh.arguments(*options)) == 2
    said = capsys.readouterr().err
    *warnings, error = said.splitlines()
    assert all(line.startswith("warning: ") for line in warnings), said
    assert named in error
    assert "…" not in said, "a stage ran"
    assert {
        p: c for p, c in everything(tmp_path / "places").items() if "/sample" not in p and "lock" not in p
    } == before


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is forbidden to root")
@pytest.mark.parametrize("option", ["--site", "--store", "--preview", "--export"])
def test_fault_61_a_folder_without_permission(
    fresh: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    closed = folder(tmp_path / "closed")
    closed.chmod(0o555)
    assert cli.main(fresh.arguments(option, str(closed / "new"))) == 2
    assert option in capsys.readouterr().err


def test_fault_61_a_part_of_the_site_without_permission(
    fresh: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    posts = folder(fresh.places.site / "_posts")
    monkeypatch.setattr(destinations.os, "access", lambda path, mode: Path(path) != posts)
    assert cli.main(fresh.arguments()) == 2
    error = capsys.readouterr().err
    assert str(posts) in error
    assert "--site" in error
    assert not trained(fresh)


def test_fault_61_where_the_disk_of_the_preview_is_full_another_place_for_that_is_advised(
    built: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def full(path: Path, target: Path) -> Path:
        if target == built.places.preview:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", full)
    advice = r"preview\.html: cannot be written \(No space .*\); free space there or name another with --preview$"
    with pytest.raises(BuildFailed, match=advice):
        built.build("post.title=Another")


def test_fault_61_an_export_beside_the_sites_own_files_is_allowed(built: Project) -> None:
    page = built.places.site / "assets" / "post.html"
    assert cli.main(built.arguments("--export", str(page))) == 0
    assert cli.main(built.arguments("--export", str(page), "--set", "post.title=Another")) == 0
    assert "Another" in page.read_text("utf-8")


# ---- Files of somebody else ------------------------------------------------------------------------------

IN_THE_WAY = [
    POST,
    "assets/data/CV_HW_2/metrics.json",
    "assets/data/CV_HW_2/provenance.json",
    "assets/images/CV_HW_2/baseline/confusion-matrix.png",
    "assets/images/CV_HW_2/augmentation/wrong-predictions.webp",
    "assets/images/CV_HW_2/comparison/comparison.png",
    "assets/css/post.css",
]


@pytest.mark.parametrize("path", IN_THE_WAY)
@pytest.mark.parametrize("how", [[], ["--force"]], ids=["plain", "force"])
def test_fault_64_somebodys_file_is_refused_before_training(
    fresh: Project, capsys: pytest.CaptureFixture[str], path: str, how: list[str]
) -> None:
    file(fresh.places.site / path)
    before = everything(fresh.places.site)
    assert cli.main(fresh.arguments(*how)) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1] == (
        f"build.py: {fresh.places.site / path} was not written by this program; move it away, or use --overwrite to "
        "replace it and keep a copy"
    )
    assert not trained(fresh)
    assert everything(fresh.places.site) == before


def test_fault_64_a_blogs_own_post_is_replaced_if_asked_and_kept_where_it_can_be_committed(
    fresh: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    site = fresh.places.site
    (folder(site) / "_config.yml").write_text("title: mine\n")
    mine = file(site / POST)
    assert cli.main(fresh.arguments()) == 2
    assert not trained(fresh)
    assert cli.main(fresh.arguments("--overwrite")) == 0
    out = capsys.readouterr().out
    assert f"kept     {publish.REPLACED}/{POST}: what --overwrite replaced" in out
    assert mine.read_text("utf-8") != "mine"
    assert (site / publish.REPLACED / POST).read_text() == "mine"
    assert verify.verify(site) == ()
    assert cli.main(fresh.arguments()) == 0, "the next build needs no option"


def test_fault_64_overwriting_trains_nothing_again_and_recomputing_overwrites_nothing(built: Project) -> None:
    post = built.places.site / POST
    ours, edited = post.read_bytes(), post.read_bytes() + b"My own words.\n"
    post.write_bytes(edited)
    with pytest.raises(BadInput, match="was edited since the last build; move it away, or use --overwrite"):
        built.build(force=True)
    assert post.read_bytes() == edited
    outcome = built.build(overwrite=True)
    assert (outcome.ran, outcome.published.kept) == ((), (f"{publish.REPLACED}/{POST}",))
    assert post.read_bytes() == ours
    assert (built.places.site / publish.REPLACED / POST).read_bytes() == edited


def test_fault_64_an_edited_post_is_refused_before_what_changed_is_trained(built: Project) -> None:
    (built.places.site / POST).write_bytes(b"my own words")
    display = Recorder()
    with pytest.raises(BadInput, match="was edited since the last build"):
        built.build("head.learning_rate=0.02", display=display)
    assert display.lines == []


def test_fault_64_a_broken_manifest_is_refused_before_training(built: Project) -> None:
    place = built.places.site / manifest.path_for("CV_HW_2")
    place.write_text('{"schema_version": 1}')
    display = Recorder()
    with pytest.raises(BadInput, match=r"was edited since the build wrote it .*--overwrite"):
        built.build("head.epochs=4", display=display)
    assert display.lines == []
    assert built.build("head.epochs=4", overwrite=True).published.kept != ()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("permalink=/", "post.permalink = '/': index.html is the page of index.md; choose an address"),
        ("permalink=//", "post.permalink = '//': index.html is the page of index.md"),
        ("permalink=/docs/", "post.permalink = '/docs/': docs/index.html is the page of docs/index.html"),
        ("permalink=/404", "post.permalink = '/404': 404.html is the page of 404.md"),
        ("permalink=/provenance/:title:output_ext", "is the page of provenance/image-classification-with-cnn"),
        ("permalink=/about.html", "post.permalink = '/about.html': about.html is the page of about.md"),
        ("layout=pots", "post.layout = 'pots': the site has no such layout; did you mean 'post'? choose"),
    ],
)
def test_fault_64_another_page_s_address_and_a_layout_that_is_not_there_are_refused_before_training(
    fresh: Project, capsys: pytest.CaptureFixture[str], setting: str, said: str
) -> None:
    file(fresh.places.site / "about.md")
    assert cli.main(fresh.arguments("--set", f"post.{setting}")) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]
    assert not trained(fresh)


def test_fault_64_a_published_post_is_not_moved_onto_another_page_either(built: Project) -> None:
    before, config = built.site(), built.config("post.permalink=/index.html")
    for anew in (pipeline.build, pipeline.render_again):
        with pytest.raises(BadInput, match=r"index\.html is the page of index\.md"):
            anew(config, built.places, Recorder())
    assert built.site() == before


def copied_root(folder: Path) -> Path:
    """The project with templates of its own, to be changed."""
    root = folder / "root"
    shutil.copytree(fakes.ROOT / "templates", root / "templates", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(fakes.ROOT / "requirements.txt", root)
    (root / "generator").symlink_to(fakes.ROOT / "generator")
    return root


def test_fault_64_a_broken_page_of_the_site_is_found_before_training(fresh: Project, tmp_path: Path) -> None:
    root = copied_root(tmp_path)
    (root / "templates" / "site" / "_config.yml.j2").write_text("title: {{ nothing.there }}")
    fresh.root = root
    with pytest.raises(BadInput, match=r"_config\.yml\.j2:1: 'nothing' is undefined"):
        fresh.build()
    assert not trained(fresh)


@pytest.mark.parametrize("name", ["post.md.j2", "site/_config.yml.j2"])
def test_fault_64_a_template_that_is_not_utf_8_is_named_before_training(
    fresh: Project, tmp_path: Path, name: str
) -> None:
    root = copied_root(tmp_path)
    path = root / "templates" / name
    path.write_bytes(path.read_bytes() + b"# caf\xe9\n")
    fresh.root = root
    with pytest.raises(BadInput, match=rf"{path.name}: not text in UTF-8"):
        fresh.build()
    assert not trained(fresh)


def test_fault_64_a_slip_in_a_users_own_template_is_found_before_training(fresh: Project, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "sections").mkdir(parents=True)
    (own / "sections" / "goal.md.j2").write_text("## Goal\n")
    with pytest.raises(BadInput, match=r"^own/sections/goal\.md\.j2: .*none includes it"):
        fresh.build(f"post.templates={own}")
    assert not trained(fresh)


def test_fault_64_a_style_sheet_that_is_gone_is_named_before_training(fresh: Project, tmp_path: Path) -> None:
    fresh.root = copied_root(tmp_path)
    (fresh.root / "templates" / "site" / "assets" / "css" / "post.css").unlink()
    with pytest.raises(BadInput, match=r"post\.css: cannot be read .*; restore the file"):
        fresh.build()
    assert not trained(fresh)


def test_fault_64_documents_that_are_missing_are_named_before_training(
    fresh: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(fresh.arguments("--set", 'site.docs="none"')) == 2
    missing = Path.cwd() / "none" / "index.md"
    expected = f"build.py: {missing}: cannot be read (No such file or directory); site.docs asks for it."
    assert capsys.readouterr().err.splitlines()[-1] == expected
    assert not trained(fresh)


def test_fault_64_what_is_expected_is_what_is_published(built: Project) -> None:
    built.variants = "all"
    built.build()
    place = layout.find(built.places.site, built.config().post)
    files = deliver.expected(built.config(), built.places, place)
    # Neither transparent images nor near-duplicates nor images to measure with are in this data set, and no label is
    # in doubt.
    drawn = (figure_names.ALPHA, *figure_names.OF_NEAR, *figure_names.OF_MEASUREMENT, *figure_names.OF_LABELS)
    absent = (*drawn, "measure", "measure-images")
    assert {path for path in files if PurePosixPath(path).stem not in absent} == set(built.site())
    static = {path: content for path, content in files.items() if path.startswith("_layouts/")}
    assert static
    assert static.items() <= built.site().items()


def test_fault_64_a_copy_can_be_committed(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.copy(fakes.ROOT / ".gitignore", tmp_path)
    asked = ["git", "-C", str(tmp_path), "check-ignore", f"site/{publish.REPLACED}/{POST}"]
    assert subprocess.run(asked, check=False).returncode == 1, "git passes it over"


@pytest.mark.jekyll
@pytest.mark.skipif(JEKYLL is None, reason=REASON)
def test_fault_64_jekyll_does_not_publish_a_copy(built: Project, tmp_path: Path) -> None:
    site = built.places.site
    (site / POST).write_bytes((site / POST).read_bytes() + b"\nMy own words.\n")
    shutil.copy(site / "index.md", site / "about.md")
    built.build(overwrite=True)
    assert (site / publish.REPLACED / POST).is_file()
    assert jekyll(site, tmp_path / "target", "--baseurl", "") == []
    assert not [path for path, content in tree(tmp_path / "target").items() if b"My own words" in content]


def test_the_store_is_given_what_it_is_checked_for(built: Project) -> None:
    made = {path.name for path in built.places.store.iterdir() if path.is_dir()}
    assert made <= {*STORE_FOLDERS}
