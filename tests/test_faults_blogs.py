"""Blogs that are already there, each by the real command and built by the real Jekyll: the post is where Jekyll looks,
has the blog's layout, every link leads somewhere, and nothing else of the blog is touched.

Named after the lines of the tables in `docs/reliability.md`. TensorFlow's stages and the figures are fakes.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from generator import cli
from tests import fakes, links
from tests.blogs import CHIRPY_LIKE, MINIMA, MINIMAL_MISTAKES_LIKE, POST_NAME
from tests.fakes import Project, make_project, tree
from tests.rendered import JEKYLL, MINIMA_REASON, REASON, jekyll, minima_is_missing
from tests.sites import put

SLUG = POST_NAME.removeprefix("2023-01-31-").removesuffix(".md")
BLOGS = {"minima": MINIMA, "chirpy": CHIRPY_LIKE, "minimal-mistakes": MINIMAL_MISTAKES_LIKE}


def by_jekyll(test: Any) -> Any:
    """Marks a test that the real Jekyll is needed for."""
    return pytest.mark.jekyll(pytest.mark.skipif(JEKYLL is None, reason=REASON)(test))


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    fakes.install(monkeypatch.setattr)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A store in which everything has run, so that the builds of the tests only render and publish."""
    made = make_project(tmp_path_factory.mktemp("project"))
    made.variants = "baseline"
    with pytest.MonkeyPatch.context() as patch:
        fakes.install(patch.setattr)
        assert cli.main(made.arguments()) == 0
    return made


def build(project: Project, site: Path, *settings: str) -> int:
    options = [part for setting in settings for part in ("--set", setting)]
    return cli.main(project.arguments("--site", str(site), *options))


def added(site: Path, before: dict[str, bytes]) -> list[str]:
    """Files that are new, after checking that all others are as they were."""
    after = tree(site)
    assert {path: content for path, content in after.items() if path in before} == before
    return sorted(after.keys() - before.keys())


def only_the_post(paths: list[str], post: str, folder: str = "") -> bool:
    places = (f"{folder}assets/images/CV_HW_2/", f"{folder}assets/data/CV_HW_2/", post)
    return post in paths and all(path.startswith(places) for path in paths)


def page_of(target: Path) -> Path:
    """The post in a built site."""
    (found,) = [path for path in target.rglob("*.html") if "Reproduction Notes" in path.read_text("utf-8")]
    return found


def followed(site: Path, target: Path, baseurl: str) -> Path:
    """The post's page, after a build by Jekyll without a warning and with every link right."""
    assert jekyll(site, target, "--baseurl", baseurl) == []
    assert links.broken(target, baseurl) == []
    page = page_of(target)
    assert len([t for t in links.read(page).targets if "/CV_HW_2/" in t]) > 10
    return page


# ---- 46: permalinks --------------------------------------------------------------------------------------

PERMALINKS = {
    "/posts/camels/": "posts/camels/index.html",
    "/:categories/:title/": f"computer-vision/{SLUG}/index.html",
    "/camels": "camels.html",
    "pretty": f"computer-vision/2023/01/31/{SLUG}/index.html",
    "none": f"computer-vision/{SLUG}.html",
}


@pytest.mark.parametrize("permalink", PERMALINKS)
@by_jekyll
def test_fault_46_links_are_right_under_every_permalink(project: Project, tmp_path: Path, permalink: str) -> None:
    assert build(project, tmp_path / "site", f"post.permalink={permalink}") == 0
    page = followed(tmp_path / "site", tmp_path / "target", "/repo")
    assert page.relative_to(tmp_path / "target").as_posix() == PERMALINKS[permalink]
    assert cli.main(["verify", "--site", str(tmp_path / "site")]) == 0


def test_fault_46_a_permalink_that_jekyll_would_refuse_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh = make_project(tmp_path)
    assert build(fresh, tmp_path / "site", "post.permalink=/:categores/:title/") == 2
    said = capsys.readouterr().err.splitlines()
    assert [line[:79] for line in said] == [
        "build.py: post.permalink = '/:categores/:title/': Jekyll has no placeholder :categores"[:79]
    ]
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("permalink", ["/posts/camels/", "/camels", "pretty"])
@by_jekyll
def test_fault_46_the_appendix_is_found_under_every_permalink_and_goes_with_its_setting(
    project: Project, tmp_path: Path, permalink: str
) -> None:
    site, target = tmp_path / "site", tmp_path / "target"
    assert build(project, site, f"post.permalink={permalink}", "post.appendix=true") == 0
    page, appendix = followed(site, target, "/repo"), target / f"appendix/{SLUG}.html"
    there = [each.partition("#") for each in links.read(page).targets if f"appendix/{SLUG}.html#" in each]
    assert {(page.parent / address).resolve() for address, _, _ in there} == {appendix.resolve()}
    assert {anchor for _, _, anchor in there} <= set(links.read(appendix).ids)
    assert cli.main(["verify", "--site", str(site)]) == 0
    assert build(project, site, f"post.permalink={permalink}") == 0
    assert not (site / "appendix").exists()
    assert cli.main(["verify", "--site", str(site)]) == 0


# ---- The three kinds of blogs ----------------------------------------------------------------------------


@pytest.mark.parametrize("baseurl", ["", "/my-notes"])
@pytest.mark.parametrize(
    ("permalink", "address"),
    [("pretty", f"computer-vision/2023/01/31/{SLUG}/index.html"), ("/:year/:title", f"2023/{SLUG}.html")],
    ids=["pretty", "plain"],
)
@pytest.mark.parametrize("kind", BLOGS)
@by_jekyll
def test_fault_46_47_50_a_post_in_each_kind_of_blog(
    project: Project, tmp_path: Path, kind: str, permalink: str, address: str, baseurl: str
) -> None:
    if kind == "minima" and minima_is_missing():
        pytest.skip(MINIMA_REASON)
    config = re.sub(r"permalink: '?[^'}\n]*'?", f"permalink: {permalink}", BLOGS[kind]["_config.yml"].decode())
    config += "" if permalink in config else f"permalink: {permalink}\n"
    files = BLOGS[kind] | {"_config.yml": config.replace("permalink: pretty}", f"permalink: '{PRETTY}'}}").encode()}
    site = put(tmp_path / "blog", files)
    assert build(project, site) == 0
    assert only_the_post(added(site, files), f"_posts/{POST_NAME}")
    page = followed(site, tmp_path / "target", baseurl)
    assert page.relative_to(tmp_path / "target").as_posix() == address
    assert MARKS[kind] in page.read_text("utf-8")
    assert cli.main(["verify", "--site", str(site)]) == 0


PRETTY = "/:categories/:year/:month/:day/:title/"
"""In `defaults` Jekyll knows no names of styles."""

MARKS = {
    "minima": '<article class="post h-entry"',
    "chirpy": '<body class="post">',
    "minimal-mistakes": '<body class="single">',
}
"""What a page of each has by its layout."""


@pytest.mark.parametrize("mode", ["liquid", "theme"])
@by_jekyll
def test_fault_47_a_theme_that_rewrites_sources_gets_them_without_the_baseurl(
    project: Project, tmp_path: Path, mode: str
) -> None:
    site = put(tmp_path / "blog", CHIRPY_LIKE)
    assert build(project, site, f"post.assets={mode}") == 0
    page = followed(site, tmp_path / "target", "/my-notes")
    assert page.relative_to(tmp_path / "target").as_posix() == f"posts/{SLUG}/index.html"
    targets = [target for target in links.read(page).targets if "CV_HW_2" in target]
    assert [target for target in targets if not target.startswith("/my-notes/assets/")] == []


@pytest.mark.parametrize("mode", ["auto", "relative", "absolute", "liquid", "theme"])
def test_fault_47_preview_and_export_show_the_images_in_every_mode(project: Project, tmp_path: Path, mode: str) -> None:
    site, out = put(tmp_path / "blog", CHIRPY_LIKE), tmp_path / "out"
    assert cli.main(
        project.arguments(
            "--site", str(site), "--set", f"post.assets={mode}",
            "--preview", str(out / "p.html"), "--export", str(out / "e.html"),
        )
    ) == 0  # fmt: skip
    sources = [t for t in links.read(out / "p.html").targets if "CV_HW_2" in t]
    assert len(sources) > 10
    assert [source for source in sources if not (out / source).is_file()] == []
    shown = [source for source in sources if source.endswith(".webp")]
    assert (out / "e.html").read_text("utf-8").count("data:image/webp") == len(shown)


# ---- 48: where posts lie ---------------------------------------------------------------------------------

PLACES = {
    "collections_dir": ({"_config.yml": b"collections_dir: collections\n"}, "", "collections/_posts/"),
    "yaml": ({"_config.yaml": b"collections_dir: c\n"}, "", "c/_posts/"),
    "toml": ({"_config.toml": b'collections_dir = "c"\n'}, "", "c/_posts/"),
    "source": ({"_config.yml": b"source: src\n"}, "src/", "src/_posts/"),
    "both": ({"_config.yml": b"source: src\ncollections_dir: c\n"}, "src/", "src/c/_posts/"),
}


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("given", ["the blog", "its source"])
def test_fault_48_the_post_goes_where_jekyll_looks(project: Project, tmp_path: Path, kind: str, given: str) -> None:
    config, source, posts = PLACES[kind]
    files = {f"{source}{path}": content for path, content in MINIMAL_MISTAKES_LIKE.items() if path != "_config.yml"}
    root = put(tmp_path / "blog", config | files)
    site, before = root if given == "the blog" else root / source, tree(root)
    assert build(project, site) == 0
    assert only_the_post(added(root, before), f"{posts}{POST_NAME}", source)
    # Whatever else looks for the post finds it, by either name.
    where = ["--site", str(site), "--store", str(project.places.store)]
    assert cli.main(["verify", *where]) == 0
    assert cli.main(["diff", str(site), str(root), *where]) == 0
    assert build(project, site) == 0
    assert only_the_post(added(root, before), f"{posts}{POST_NAME}", source)


@pytest.mark.parametrize("kind", ["collections_dir", "source", "both"])
@by_jekyll
def test_fault_48_jekyll_finds_it_there(project: Project, tmp_path: Path, kind: str) -> None:
    config, source, _ = PLACES[kind]
    files = {f"{source}{path}": content for path, content in MINIMAL_MISTAKES_LIKE.items() if path != "_config.yml"}
    root = put(tmp_path / "blog", config | files)
    assert build(project, root) == 0
    options = ["--config", str(root / "_config.yml"), "--baseurl", "/b"]
    assert jekyll(root / source, tmp_path / "target", *options) == []
    assert links.broken(tmp_path / "target", "/b") == []
    assert '<body class="single">' in page_of(tmp_path / "target").read_text("utf-8")


# ---- 49: whose site --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        {"_config.yaml": b"theme: minima\npermalink: /:year/:title/\n", "index.html": b"Hi\n", "about.md": b"About\n"},
        {"_config.toml": b'theme = "minima"\n', "index.md": b"Hi\n"},
        {"_posts/2024-04-25-a.md": b"---\n---\nHi\n"},
        {"index.markdown": b"---\n---\nHome\n", "404.md": b"mine\n"},
        {"Gemfile": b'gem "jekyll"\n'},
    ],
    ids=["yaml", "toml", "posts", "index", "gemfile"],
)
def test_fault_49_somebodys_site_gets_the_post_and_its_assets_only(
    project: Project, tmp_path: Path, files: dict[str, bytes]
) -> None:
    site = put(tmp_path / "blog", files)
    assert build(project, site) == 0
    assert only_the_post(added(site, files), f"_posts/{POST_NAME}")


def test_fault_49_a_part_of_somebodys_site_is_refused(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = put(tmp_path / "blog", {"_config.yml": b"collections_dir: c\n", "c/_posts/2024-04-25-a.md": b"Hi\n"})
    for part in ("c", "c/_posts"):
        assert build(project, root / part) == 2
        (message,) = capsys.readouterr().err.splitlines()
        assert message.startswith(f"build.py: {root / part}: is a")
        assert "--site" in message
    assert len(tree(root)) == 2


def test_fault_49_the_program_s_own_site_stays_its_own(project: Project, tmp_path: Path) -> None:
    assert build(project, tmp_path / "site") == 0
    first = tree(tmp_path / "site")
    assert {"_config.yml", "index.md", "_layouts/post.html"} <= set(first)
    assert build(project, tmp_path / "site", "post.asset_folder=elsewhere") == 0
    assert {"_config.yml", "index.md", "assets/data/elsewhere/metrics.json"} <= set(tree(tmp_path / "site"))
    assert build(project, tmp_path / "site", "post.slug=another") == 0
    assert {"_config.yml", "index.md", "_posts/2023-01-31-another.md"} <= set(tree(tmp_path / "site"))


# ---- 50: layouts -----------------------------------------------------------------------------------------


@by_jekyll
def test_fault_50_the_layout_that_exists_is_used(project: Project, tmp_path: Path) -> None:
    site = put(tmp_path / "blog", MINIMAL_MISTAKES_LIKE)
    assert build(project, site) == 0
    page = followed(site, tmp_path / "target", "")
    assert '<body class="single">' in page.read_text("utf-8")


def test_fault_50_where_no_layout_fits_the_setting_is_named(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = put(tmp_path / "blog", {"_config.yml": b"", "_layouts/default.html": b"", "_layouts/wide.html": b""})
    assert build(project, site) == 0
    warning = f"warning: {site}: no layout for posts among default, wide; the post takes 'default'"
    assert f"{warning}; name one in post.layout" in capsys.readouterr().err.splitlines()
    assert build(project, site, "post.layout=wide") == 0
    assert 'layout: "wide"' in (site / "_posts" / POST_NAME).read_text()
    assert build(project, site, "post.layout=post") == 2
    assert "post.layout = 'post'" in capsys.readouterr().err
