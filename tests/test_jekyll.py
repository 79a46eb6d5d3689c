"""The real Jekyll builds the site: without a warning, with every link right, and nothing from outside runs."""

import shutil
import subprocess
from pathlib import Path

import pytest

from generator.experiment.results import BuildResults
from generator.post.jekyll import layout
from tests import blogs, links
from tests.factories import make_data, make_results, with_measurement
from tests.rendered import DOCS, JEKYLL, REASON, jekyll, make_post, make_site
from tests.sites import put

pytestmark = [pytest.mark.jekyll, pytest.mark.skipif(JEKYLL is None, reason=REASON)]

POST = "posts/image-classification-with-cnn-and-transfer-learning.html"
APPENDIX = "appendix/image-classification-with-cnn-and-transfer-learning.html"
HOSTILE = [
    ("a|b", "_under_"),
    ("<script>alert(1)</script>", "{{ site.time }}"),
    ("{% raw %}", "{% endraw %}"),
    ("<img src=x onerror=alert(1)", "<3kg & >2kg"),
    (r"$\foo$ `x` *y*", "[z](http://example.org) ~~s~~"),
    ("جمل", "🐪 & horse"),
]


def built(folder: Path, build: BuildResults | None = None, baseurl: str = "", docs: Path | None = None) -> Path:
    source, target = put(folder / "source", make_site(build, docs=docs)), folder / "target"
    assert jekyll(source, target, "--baseurl", baseurl) == []
    return target


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("jekyll"))


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site below /repo with documents of its own."""
    folder = tmp_path_factory.mktemp("documented")
    return built(folder, baseurl="/repo", docs=put(folder / "docs", DOCUMENTS))


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of classes of which the post says no more than of others, as it does of the original's."""
    return built(tmp_path_factory.mktemp("ordinary"), make_results(data=make_data(class_names=("first", "second"))))


@pytest.mark.parametrize("baseurl", ["", "/repo"])
def test_every_link_image_and_anchor_resolves(tmp_path: Path, baseurl: str) -> None:
    assert links.broken(built(tmp_path, baseurl=baseurl, docs=DOCS), baseurl) == []


def test_nothing_is_loaded_from_outside(site: Path) -> None:
    assert links.outside(site) == []


def test_the_link_check_sees_what_is_broken(site: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(site, tmp_path / "copy"))
    (copy / "assets/images/CV_HW_2/data/alpha.png").unlink()
    page = copy / POST
    page.write_text(page.read_text().replace('href="#goal"', 'href="#gaol"').replace("../assets/data", "/assets/data"))
    faults = links.broken(copy, "/repo")
    assert f"{POST}: ../assets/images/CV_HW_2/data/alpha.png: no such file" in links.broken(copy, "")
    assert f"{POST}: #gaol: no such anchor" in links.broken(copy, "")
    assert any("leaves /repo/" in fault for fault in faults)


def test_the_index_lists_the_post_with_its_own_date(site: Path) -> None:
    index = (site / "index.html").read_text()
    assert f'<a href="/{POST}">Image classification with CNN and Transfer Learning</a>' in index
    assert '<time datetime="2023-01-31T12:38:00-06:00">31 January 2023</time>' in index


def test_the_provenance_page_shows_the_run_and_links_the_data(site: Path) -> None:
    page = (site / "provenance" / Path(POST).name).read_text()
    assert "<code>0123abc</code>" in page
    assert "x86_64 &lt;fast&gt; &amp; {{ wide }}" in page
    assert "<td>Two &amp; more, H100 &lt;80 GB&gt;</td>" in page
    assert "<td>not recorded</td>" in page
    for name in ("metrics.json", "history.csv", "predictions.csv", "record.json", "provenance.json", "manifest.json"):
        assert f'href="../assets/data/CV_HW_2/{name}"' in page
    assert f'href="/provenance/{Path(POST).name}"' in (site / POST).read_text()


def test_documents_are_pages_that_lead_to_each_other(documented: Path) -> None:
    assert links.broken(documented, "/repo") == []
    page = (documented / "docs/first.html").read_text()
    assert "<title>First &amp; foremost · Measured posts</title>" in page
    assert page.count("<h1>") == 1
    assert "<code>{{ x }} {% if %}</code>" in page.replace("&#123;", "{")
    listed = page.split('<ul class="contents documents">')[1]
    assert '<a href="/repo/docs/first.html" aria-current="page">First</a>' in listed
    assert '<a href="#a-part">A part</a>' in listed
    assert listed.index("Overview") < listed.index("Beginning") < listed.index(">Second<")


def test_documentation_is_linked_where_there_is_any(site: Path, documented: Path) -> None:
    without, footer = ((folder / POST).read_text().partition("<footer")[2] for folder in (site, documented))
    assert 'href="/repo/docs/">Documentation</a>' in footer
    assert "<footer" in (site / POST).read_text()
    assert "Documentation" not in without


DOCUMENTS = {
    "index.md": b"# Manual\n\n## Beginning\n\n- [First](first.md): this.\n- [Second](deep/second.md): that.\n",
    "first.md": b"# First & foremost\n\n`{{ x }} {% if %}`, [on](deep/second.md#there), [x](../x.py).\n\n## A part\n",
    "deep/second.md": b"# Second\n\n## There\n\n[Back](../first.md#a-part), [data](../file.json).\n",
    "file.json": b"{}\n",
}


def test_the_contents_list_every_section(site: Path) -> None:
    page = links.read(site / POST)
    text = (site / POST).read_text()
    contents = text.split('<ul class="contents">')[1].split("</ul>")[0]
    sections = [i for i in page.ids if f'<h2 id="{i}"' in text or f'<h3 id="{i}"' in text]
    assert len(sections) > 20
    assert [i for i in sections if f'href="#{i}"' not in contents] == []


def test_two_builds_are_identical(site: Path, tmp_path: Path) -> None:
    other = built(tmp_path)
    names = sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    assert [name for name in names if (site / name).read_bytes() != (other / name).read_bytes()] == []


@pytest.mark.parametrize("names", HOSTILE, ids=["pipe", "script", "raw", "open-tag", "markup", "scripts-of-the-world"])
def test_hostile_class_names_stay_text(ordinary: Path, tmp_path: Path, names: tuple[str, str]) -> None:
    target = built(tmp_path, make_results(data=make_data(class_names=names)))
    assert links.broken(target, "") == []
    page = links.read(target / POST)
    assert [name for name in names if name not in page.text] == []
    # Names from outside neither add nor remove an element.
    assert page.tags == links.read(ordinary / POST).tags
    assert links.read(target / "index.html").tags == links.read(ordinary / "index.html").tags
    assert [name for name in names if name not in links.read(target / "index.html").text] == []


def test_a_post_in_the_future_is_on_the_page(tmp_path: Path) -> None:
    post = make_post(date=make_post().date.replace(year=2999))
    source, target = put(tmp_path / "source", make_site(post=post)), tmp_path / "target"
    assert jekyll(source, target) == []
    assert (target / POST).is_file()


def test_a_blog_that_is_already_there_gets_the_post_and_its_assets_only(tmp_path: Path) -> None:
    source = tmp_path / "blog"
    put(source, BLOG)
    subprocess.run(["git", "init", "-q", source], check=True)
    git = ["git", "-C", str(source), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "A blog"], check=True)
    put(source, make_site(place=layout.find(source, make_post())))
    status = subprocess.run([*git, "status", "--porcelain", "-uall"], check=True, capture_output=True, text=True)
    changed = [line.split(maxsplit=1) for line in status.stdout.splitlines()]
    assert {kind for kind, _ in changed} == {"??"}
    places = ("_posts/2023-01-31-image", "assets/images/CV_HW_2/", "assets/data/CV_HW_2/")
    assert [name for _, name in changed if not name.startswith(places)] == []
    assert jekyll(source, tmp_path / "target", "--baseurl", "/blog") == []
    assert links.broken(tmp_path / "target", "/blog") == []
    assert (tmp_path / "target/computer-vision/2023/01/31" / Path(POST).name).is_file()


@pytest.mark.parametrize("baseurl", ["", "/repo"])
def test_an_appendix_is_a_page_that_leads_to_the_post_and_back(tmp_path: Path, baseurl: str) -> None:
    files = make_site(with_measurement(make_results()), make_post(appendix=True))
    target = tmp_path / "target"
    assert jekyll(put(tmp_path / "source", files), target, "--baseurl", baseurl) == []
    assert links.broken(target, baseurl) == []
    post, page = ((target / name).read_text() for name in (POST, APPENDIX))
    assert f'<a href="../{APPENDIX}#listing-log-of-all-epochs">Log of all epochs</a>' in post
    assert f'href="{baseurl}/{POST}"' in page
    assert '<h3 id="listing-log-of-all-epochs">Log of all epochs</h3>' in page
    contents = page.split('<ul class="contents">')[1].split("</ul>")[0]
    assert '<a href="#listing-log-of-all-epochs">Log of all epochs</a>' in contents
    # The page is none of the posts that the index lists.
    assert APPENDIX not in (target / "index.html").read_text()


@pytest.mark.parametrize("kind", ["plain", "rewriting", "liquid-turned-off"])
def test_a_blog_gets_the_appendix_at_an_address_of_its_own(tmp_path: Path, kind: str) -> None:
    blog = {
        "plain": BLOG,
        "rewriting": blogs.CHIRPY_LIKE,
        "liquid-turned-off": {**BLOG, "_config.yml": BLOG["_config.yml"] + NO_LIQUID},
    }[kind]
    source, target = put(tmp_path / "blog", blog), tmp_path / "target"
    post = make_post(appendix=True)
    put(source, make_site(with_measurement(make_results()), post, layout.find(source, post)))
    assert jekyll(source, target, "--baseurl", "/blog") == []
    assert links.broken(target, "/blog") == []
    page = links.read(target / APPENDIX)
    assert page.text.count(f"Appendix to {post.title}") == 1
    assert "def train(" in page.text
    (post_page,) = (path for path in target.rglob("*.html") if 'id="goal"' in path.read_text())
    assert f"/blog/{APPENDIX}#listing-" in post_page.read_text()


NO_LIQUID = (
    b"defaults:\n- scope: {path: _posts}\n  values: {render_with_liquid: false}\n"
    b"- scope: {path: appendix}\n  values: {render_with_liquid: false}\n"
)

BLOG = {
    "_config.yml": b'title: "A blog"\nstrict_front_matter: true\n',
    "_layouts/default.html": b"<html><head><title>{{ page.title }}</title></head><body>{{ content }}</body></html>\n",
    "_layouts/post.html": b"---\nlayout: default\n---\n<h1>{{ page.title }}</h1>\n{{ content }}\n",
    "_posts/2020-01-01-first.md": b'---\nlayout: post\ntitle: "First"\n---\nHello.\n',
    "index.html": b"---\nlayout: default\ntitle: Home\n---\n"
    b"{% for post in site.posts %}<a href='{{ post.url | relative_url }}'>{{ post.title }}</a>{% endfor %}\n",
}
