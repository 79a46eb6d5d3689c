"""The preview server: a saved template is on the page, a broken one is reported and the last good page stays."""

import asyncio
import contextlib
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from generator.experiment.files import result_files
from generator.post import server
from generator.post.jekyll import layout
from generator.post.server import PAGE, Preview, Server, read_results, serve
from generator.publishing import transaction
from generator.support.errors import BadInput, Terminated
from tests.blogs import MINIMA
from tests.factories import ROOT, make_results, make_variant
from tests.rendered import TEMPLATES, make_post, make_site
from tests.sites import put

SECTION = "sections/introduction.md.j2"

PATIENCE = 300
"""Most seconds that a test waits: where it takes as long, something hangs."""
SERVER = """
import sys
sys.modules["tensorflow"] = None  # importing it would fail
from pathlib import Path
from generator.post.server import serve
from tests.rendered import make_post
def announce(line): print(line, flush=True)
folder = Path(sys.argv[1])
templates = (folder / "templates").resolve()
serve(make_post(), templates=templates, root=Path(sys.argv[2]), site=folder / "site", announce=announce)
"""


@functools.cache
def built() -> dict[str, bytes]:
    return make_site()


@pytest.fixture
def folder(tmp_path: Path, templates: Path) -> Path:
    (tmp_path / "templates").symlink_to(templates)
    put(tmp_path / "site", built())
    return tmp_path


@pytest.fixture
def preview(folder: Path, templates: Path) -> Preview:
    return Preview(make_post(), templates, ROOT, folder / "site")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_a_changed_template_changes_the_page(preview: Preview) -> None:
    preview.refresh()
    before = preview.shown()
    replace(preview.templates / SECTION, "## Goal", "## Goal of the whole")
    preview.refresh()
    assert preview.error == ""
    assert "Goal of the whole" not in before
    assert "Goal of the whole" in preview.shown()


def test_in_a_blog_the_page_shows_the_images_too(tmp_path: Path) -> None:
    blog = put(tmp_path / "blog", MINIMA)
    put(blog, make_site(place=layout.find(blog, make_post())))
    preview = Preview(make_post(), TEMPLATES, ROOT, blog)
    preview.refresh()
    assert preview.error == ""
    shown = re.findall(r'<img src="([^"]+)"', preview.shown())
    assert len(shown) == len(make_results().figures)
    assert [source for source in shown if not (blog / "preview" / source).resolve().is_file()] == []


@pytest.mark.parametrize(
    "fault", ["{% if %}", "{{ no_such_name }}", "{{ baseline.test.accuracy }}", "{% include 'nothing.j2' %}"]
)
def test_an_error_is_shown_with_its_place_and_the_last_good_page_stays(preview: Preview, fault: str) -> None:
    preview.refresh()
    replace(preview.templates / SECTION, "## Goal", f"## Goal\n{fault}")
    line = (preview.templates / SECTION).read_text().split("\n").index(fault) + 1
    preview.refresh()
    page = preview.shown()
    assert f"introduction.md.j2:{line}" in preview.error or "nothing.j2" in preview.error
    alert = re.search(r'<div role="alert"[^>]*>(.*?)</div>', page, re.DOTALL)
    assert alert is not None
    assert alert[1].startswith(preview.error.split("'")[0].split("<")[0])
    assert 'id="goal"' in page
    replace(preview.templates / SECTION, f"\n{fault}", "")
    preview.refresh()
    assert 'role="alert"' not in preview.shown()


def test_what_breaks_in_the_program_is_shown_too(preview: Preview, monkeypatch: pytest.MonkeyPatch) -> None:
    preview.refresh()
    monkeypatch.setattr("generator.post.render.render", lambda *_, **__: 1 // 0)
    preview.refresh()
    assert "ZeroDivisionError" in preview.error
    assert 'id="goal"' in preview.shown()


def test_a_new_build_changes_the_page(preview: Preview) -> None:
    preview.refresh()
    assert "0.8750" in preview.shown()
    variants = make_results().variants | {"baseline": make_variant(wrong=(0,))}
    files = result_files.to_files(make_results(variants=variants))
    put(preview.data, {name: text.encode() for name, text in files.items()})
    preview.refresh()
    assert "0.9750" in preview.shown()


def test_the_page_waits_for_the_next_version(preview: Preview) -> None:
    preview.refresh()
    assert f'event.data !== "{preview.version}"' in preview.shown()
    assert preview.shown().count("</body>") == 1


def test_images_are_those_of_the_site(preview: Preview) -> None:
    preview.refresh()
    sources = re.findall(r'<img src="([^"]*)"', preview.shown())
    assert len(sources) == len(make_results().figures)
    target = preview.site / PAGE.strip("/")
    assert [source for source in sources if not Path(os.path.normpath(target / source)).is_file()] == []


def test_a_site_without_a_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"metrics\.json is missing; build the site again"):
        serve(make_post(), templates=TEMPLATES, root=ROOT, site=tmp_path)


def test_results_that_are_no_text_are_refused(folder: Path) -> None:
    data = folder / "site/assets/data/CV_HW_2"
    (data / "metrics.json").write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="build the site again"):
        read_results(data)


@pytest.mark.parametrize("port", [70_000, None])
def test_a_port_that_cannot_be_used_is_named(folder: Path, port: int | None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = port or taken.getsockname()[1]
        with pytest.raises(BadInput, match=rf"port {number} cannot be used .*name another, or 0"):
            serve(make_post(), templates=folder / "templates", root=ROOT, site=folder / "site", port=number)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The server in a process of its own that cannot import TensorFlow; gives the page's address."""
    command = [sys.executable, "-c", SERVER, str(folder), str(ROOT)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )
    limit = threading.Timer(PATIENCE, process.kill)
    limit.start()
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip(), process
    finally:
        limit.cancel()
        process.kill()
        process.communicate()


def test_a_saved_change_is_announced_and_served(folder: Path) -> None:
    with running(folder) as (address, process):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/preview/", address)
        assert 'id="goal"' in get(address)
        changes = urllib.request.urlopen(address.replace(PAGE, "/changes"), timeout=PATIENCE)
        assert changes.readline() == b"data: 1\n"
        replace(folder / "templates" / SECTION, "## Goal", "## Goal of the whole")
        assert changes.readline() == b"\n"
        assert changes.readline() == b"data: 2\n"
        assert "Goal of the whole" in get(address)
        replace(folder / "templates" / SECTION, "## Goal", "{% if %}\n## Goal")
        assert process.stdout is not None
        assert re.search(r"introduction\.md\.j2:\d+: ", process.stdout.readline())
        assert "Goal of the whole" in get(address)
        # The open stream does not hold up the end.
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=PATIENCE)
        assert (output, errors, process.returncode) == ("", "", 0)


def test_every_build_is_announced_though_each_exchanges_the_site(folder: Path) -> None:
    with running(folder) as (address, _):
        changes = urllib.request.urlopen(address.replace(PAGE, "/changes"), timeout=PATIENCE)
        seen = int(changes.readline().split()[1])
        (site,) = (path for path in folder.iterdir() if (path / "assets").is_dir())
        for _ in range(3):
            transaction.apply(site, {"assets/note.txt": os.urandom(8)}, ())
            assert changes.readline() == b"\n"
            now = int(changes.readline().split()[1])
            assert now > seen
            seen = now


@pytest.mark.parametrize("gone", ["site/assets", "site"])
def test_a_folder_that_is_gone_for_a_while_is_watched_again(folder: Path, gone: str) -> None:
    with running(folder) as (address, _):
        changes = urllib.request.urlopen(address.replace(PAGE, "/changes"), timeout=PATIENCE)
        assert changes.readline() == b"data: 1\n"

        def next_version() -> bytes:
            assert changes.readline() == b"\n"
            return bytes(changes.readline())

        shutil.rmtree(folder / gone)
        next_version()
        while 'role="alert"' not in get(address):
            next_version()
        put(folder / "site", built())
        while 'role="alert"' in get(address):
            next_version()
        variants = make_results().variants | {"baseline": make_variant(wrong=(0,))}
        files = result_files.to_files(make_results(variants=variants))
        put(folder / "site/assets/data/CV_HW_2", {name: text.encode() for name, text in files.items()})
        while "0.9750" not in get(address):
            next_version()


def test_where_nothing_can_be_watched_that_is_said(preview: Preview, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*_: Path, **__: object) -> AsyncIterator[None]:
        raise OSError("OS file watch limit reached")
        yield

    said: list[str] = []
    monkeypatch.setattr(server, "awatch", none)
    asyncio.run(server._watch(preview, said.append))
    assert said == ["what is saved from now on is not noticed (OS file watch limit reached); begin again"]


def test_what_is_saved_while_the_post_is_rendered_is_another_change(
    preview: Preview, monkeypatch: pytest.MonkeyPatch
) -> None:
    section, rendered = preview.templates / SECTION, list[str]()

    def refresh() -> None:
        rendered.append(section.read_text("utf-8"))
        if len(rendered) == 1:
            section.write_text("saved meanwhile", "utf-8")

    async def watch() -> None:
        watching = asyncio.create_task(server._watch(preview, print))
        await asyncio.sleep(0.1)
        section.write_text("saved first", "utf-8")
        async with asyncio.timeout(PATIENCE):
            while len(rendered) < 2:
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    monkeypatch.setattr(preview, "refresh", refresh)
    asyncio.run(watch())
    assert rendered == ["saved first", "saved meanwhile"]


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, Terminated])
def test_whatever_stops_the_server_is_its_ordinary_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stopped: type[BaseException]
) -> None:
    def interrupted(self: Server, sockets: list[socket.socket]) -> None:
        raise stopped

    monkeypatch.setattr(Server, "run", interrupted)
    said: list[str] = []
    serve(make_post(), templates=folder / "templates", root=ROOT, site=folder / "site", announce=said.append)
    assert len(said) == 1


def test_assets_and_the_front_door_are_served_and_nothing_else(folder: Path) -> None:
    (folder / "secret.txt").write_text("secret")
    with running(folder) as (address, _):
        base = address.removesuffix(PAGE)
        image = folder / "site/assets/images/CV_HW_2/data/alpha.webp"
        assert urllib.request.urlopen(f"{base}/assets/images/CV_HW_2/data/alpha.webp").read() == image.read_bytes()
        assert 'id="goal"' in get(f"{base}/")
        for path in ("/assets/../../secret.txt", "/assets/%2e%2e/%2e%2e/secret.txt", "/_config.yml"):
            with pytest.raises(urllib.error.HTTPError, match="404") as refused:
                get(base + path)
            refused.value.close()
        with pytest.raises(urllib.error.HTTPError, match="400") as refused:
            get(address, host="example.org")
        refused.value.close()


def get(address: str, host: str | None = None) -> str:
    request = urllib.request.Request(address, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return str(response.read(), "utf-8")
