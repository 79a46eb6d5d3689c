"""The README's picture of the post: of the committed site, and small."""

import json
from pathlib import Path

import pytest
from PIL import Image

from generator.support.files import file_hash
from tests import browsing, committed, rendered
from tests.rendered import make_site
from tests.sites import put
from tools import take_picture
from tools.take_picture import COMMAND, MOST_BYTES, PICTURE, RECORD, shown


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return put(tmp_path / "site", make_site())


def test_the_picture_is_of_the_committed_post(tmp_path: Path) -> None:
    recorded = json.loads(RECORD.read_text("utf-8"))
    found = any(recorded["site"] == shown(site) for site in committed.sites(tmp_path))
    assert found, f"docs/post.png shows another site; renew it with `{COMMAND}`"
    assert recorded["picture"] == file_hash(PICTURE), f"docs/post.png was not taken by `{COMMAND}`"


def test_the_picture_is_small() -> None:
    assert PICTURE.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize(
    ("part", "counts"), [("_config.yml", True), ("_posts", True), ("assets/css", True), ("assets/data", False)]
)
def test_a_change_of_what_can_be_seen_is_another_picture(site: Path, part: str, counts: bool) -> None:
    before = shown(site)
    path = next(path for path in (site / part, *(site / part).rglob("*")) if path.is_file())
    path.write_bytes(path.read_bytes() + b"\n")
    assert (shown(site) != before) is counts


def test_line_ends_are_no_change(site: Path) -> None:
    before = shown(site)
    for path in (site / "_posts").iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert shown(site) == before


def test_without_a_browser_the_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(browsing, "MISSING", ["chromium"])
    monkeypatch.setattr(browsing, "REASON", "no chromium: apt-get install chromium chromium-driver")
    assert take_picture.main() == 2
    assert capsys.readouterr().err == "no chromium: apt-get install chromium chromium-driver\n"


@pytest.mark.browser
@pytest.mark.jekyll
@pytest.mark.skipif(bool(browsing.MISSING), reason=browsing.REASON)
@pytest.mark.skipif(rendered.JEKYLL is None, reason=rendered.REASON)
def test_a_picture_is_the_first_screen_in_few_colours(site: Path, tmp_path: Path) -> None:
    picture, record = tmp_path / "post.png", tmp_path / "post.json"
    assert take_picture.main(site, picture, record) == 0
    with Image.open(picture) as image:
        assert (image.size, image.mode) == (take_picture.WINDOW, "P")
    assert json.loads(record.read_text("utf-8")) == {"site": shown(site), "picture": file_hash(picture)}
