"""Data at an address: copied once, whole or not at all, within limits, used again where nobody answers."""

import io
import logging
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from generator.data import dataset as data
from generator.data import fetched
from generator.data.archives.archive import Limits
from generator.experiment.config.settings import DataSettings
from generator.support.addresses import Place, Unreachable
from generator.support.errors import BadInput, BuildFailed
from tests.data.test_origins import NAMES, make_zip, picture

fsspec = pytest.importorskip("fsspec")

ADDRESS = "memory://bucket/animals"


@pytest.fixture(autouse=True)
def memory() -> Iterator[Any]:
    there = fsspec.filesystem("memory")
    yield there
    there.store.clear()
    there.pseudo_dirs[:] = [""]


def put_folder(memory: Any, shade: int = 0) -> None:
    for i, name in enumerate(NAMES):
        memory.pipe_file(f"/bucket/animals/{name}", picture(i + shade))


def put_zip(memory: Any, tmp_path: Path) -> bytes:
    content = make_zip(tmp_path / "animals.zip").read_bytes()
    memory.pipe_file("/bucket/animals.zip", content)
    return content


def find(address: str, store: Path, **changes: Any) -> data.Dataset:
    return data.find(DataSettings(path=address, **changes), store)


def go_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*args: Any, **how: Any) -> None:
        raise ConnectionError("nobody is there")

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "info", silent)


def names_in(found: data.Dataset) -> set[str]:
    return {sample.path.relative_to(found.root).as_posix() for sample in found.samples}


def test_a_folder_is_copied_once(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_folder(memory)
    found = find(ADDRESS, tmp_path)
    assert (found.kind, found.source) == ("folder", "animals")
    assert names_in(found) == set(NAMES)
    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "get", None)
    assert find(ADDRESS, tmp_path) == found


def test_an_archive_is_copied_and_unpacked_once(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_zip(memory, tmp_path)
    store = tmp_path / "store"
    told: list[tuple[int, int]] = []
    found = data.find(DataSettings(path=f"{ADDRESS}.zip"), store, lambda done, total: told.append((done, total)))
    assert (found.kind, found.source) == ("archive", "animals.zip")
    assert names_in(found) == set(NAMES)
    assert told[-1][0] == told[-1][1] == (tmp_path / "animals.zip").stat().st_size
    assert not list(store.glob("*.part*"))
    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "open", None)
    assert find(f"{ADDRESS}.zip", store) == found


def test_what_changed_there_is_copied_anew(memory: Any, tmp_path: Path) -> None:
    put_folder(memory)
    first = find(ADDRESS, tmp_path)
    memory.pipe_file(f"/bucket/animals/{NAMES[0]}", picture(99) + b"longer")
    second = find(ADDRESS, tmp_path)
    assert second.root != first.root
    assert second.fingerprint != first.fingerprint


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_where_nobody_answers_the_copy_is_used(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    put_folder(memory)
    put_zip(memory, tmp_path)
    address = ADDRESS if kind == "folder" else f"{ADDRESS}.zip"
    found = find(address, tmp_path / "store")
    go_silent(monkeypatch)
    with caplog.at_level(logging.WARNING):
        assert find(address, tmp_path / "store") == found
    (line,) = caplog.messages
    assert "cannot be reached (nobody is there)" in line
    assert line.endswith("the copy that was made of it is used")
    with pytest.raises(BadInput, match=r"nobody is there.*; no copy of it was made here before"):
        find(address, tmp_path / "empty")


def test_where_nobody_answers_it_is_the_copy_of_the_last_build(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_zip(memory, tmp_path)
    first, address, content = find(f"{ADDRESS}.zip", tmp_path / "store"), "/bucket/animals.zip", memory.store
    before = content[address]
    memory.pipe_file(address, make_zip(tmp_path / "other.zip", NAMES[:-1]).read_bytes())
    assert find(f"{ADDRESS}.zip", tmp_path / "store").fingerprint != first.fingerprint
    content[address] = before
    assert find(f"{ADDRESS}.zip", tmp_path / "store") == first
    go_silent(monkeypatch)
    assert find(f"{ADDRESS}.zip", tmp_path / "store") == first


def test_a_damaged_copy_is_made_again_or_refused(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put_folder(memory)
    found = find(ADDRESS, tmp_path)
    found.samples[0].path.write_bytes(picture(77))
    assert find(ADDRESS, tmp_path) == found
    assert "making it again" in caplog.text
    found.samples[0].path.write_bytes(picture(77))
    go_silent(monkeypatch)
    with pytest.raises(BadInput, match="the copy that was made of it is damaged"):
        find(ADDRESS, tmp_path)
    assert found.samples[0].path.read_bytes() == picture(77)
    found.samples[0].path.write_bytes(picture(0))
    assert find(ADDRESS, tmp_path) == found


def test_an_archive_goes_on_where_its_download_broke_off(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = put_zip(memory, tmp_path)
    monkeypatch.setattr(fetched, "CHUNK", 64)
    store, read, most = tmp_path / "store", [], 5

    def opened(self: Any, path: str, mode: str = "rb", **how: Any) -> io.BytesIO:
        class Breaking(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                if len(read) == most:
                    raise ConnectionResetError("gone")
                read.append(self.tell())
                return super().read(size)

        return Breaking(content)

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "open", opened)
    with pytest.raises(Unreachable, match=r"\(gone\); run again, and it goes on where it stopped"):
        find(f"{ADDRESS}.zip", store)
    assert read == [0, 64, 128, 192, 256]
    assert not [path for path in store.iterdir() if path.is_dir() and not path.name.endswith(".part")]
    read.clear()
    most = 10_000
    found = find(f"{ADDRESS}.zip", store)
    assert read[0] == 320
    assert names_in(found) == set(NAMES)


def test_more_than_there_is_was_another_archive(memory: Any, tmp_path: Path) -> None:
    """What an earlier try left is longer than the file at the address is now."""
    content, path = put_zip(memory, tmp_path), tmp_path / "part"
    path.write_bytes(content + b"more")
    limits = Limits(len(NAMES), 10**9, 200)
    fetched._download(Place(f"{ADDRESS}.zip"), path, len(content), limits, lambda done, total: None)
    assert path.read_bytes() == content


def test_a_folder_that_breaks_off_leaves_nothing(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_folder(memory)
    get = fsspec.get_filesystem_class("memory").get

    def half(self: Any, sources: list[str], targets: list[str], **how: Any) -> None:
        get(self, sources[:2], targets[:2])
        raise TimeoutError("too slow")

    with monkeypatch.context() as patch:
        patch.setattr(fsspec.get_filesystem_class("memory"), "get", half)
        with pytest.raises(Unreachable, match=r"\(too slow\); run again"):
            find(ADDRESS, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert names_in(find(ADDRESS, tmp_path)) == set(NAMES)


def test_what_goes_away_while_it_is_copied_is_said(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_folder(memory)

    def gone(*args: Any, **how: Any) -> None:
        raise FileNotFoundError("train/bear/1.png")

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "get", gone)
    with pytest.raises(BuildFailed, match="memory://bucket/animals: changed while it was read"):
        find(ADDRESS, tmp_path)


@pytest.mark.parametrize(
    ("limit", "told"),
    [({"max_entries": 3}, "8 files are more than data.max_entries = 3"), ({"max_bytes": 50}, "data.max_bytes = 50")],
)
def test_too_much_is_refused_before_it_is_copied(
    memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: dict[str, int], told: str
) -> None:
    put_folder(memory)
    put_zip(memory, tmp_path)
    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "get", None)
    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "open", None)
    with pytest.raises(BadInput, match=told):
        find(ADDRESS, tmp_path, **limit)
    if "max_bytes" in limit:
        with pytest.raises(BadInput, match=told):
            find(f"{ADDRESS}.zip", tmp_path, **limit)


def test_a_file_larger_than_was_said_is_cut_off(memory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_zip(memory, tmp_path)
    info = fsspec.get_filesystem_class("memory").info
    monkeypatch.setattr(
        fsspec.get_filesystem_class("memory"), "info", lambda self, path, **how: {**info(self, path), "size": None}
    )
    monkeypatch.setattr(fetched, "CHUNK", 64)
    with pytest.raises(BadInput, match=r"data\.max_bytes = 100"):
        find(f"{ADDRESS}.zip", tmp_path / "store", max_bytes=100)
    assert not list((tmp_path / "store").iterdir())


@pytest.mark.parametrize("name", ["../outside.png", "a//b.png", "Train/bear/1.png", "con\x07trol.png"])
def test_names_that_lead_elsewhere_or_fall_together_are_refused(memory: Any, tmp_path: Path, name: str) -> None:
    put_folder(memory)
    # As a bucket may have it; a file system would not take it.
    memory.store[f"/bucket/animals/{name}"] = memory.store[f"/bucket/animals/{NAMES[0]}"]
    with pytest.raises(BadInput, match=r"^memory://bucket/animals: member "):
        find(ADDRESS, tmp_path)
    assert not list(tmp_path.rglob("outside*"))


def test_what_is_not_there_or_no_archive_is_refused(memory: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is nothing"):
        find("memory://bucket/nothing", tmp_path)
    memory.pipe_file("/bucket/page.zip", b"<!DOCTYPE html><html></html>")
    with pytest.raises(BadInput, match=r"page\.zip: a web page"):
        find("memory://bucket/page.zip", tmp_path)
    assert not list(tmp_path.iterdir())
    hostile = io.BytesIO()
    with zipfile.ZipFile(hostile, "w") as target:
        target.writestr("../x.png", picture(1))
    memory.pipe_file("/bucket/hostile.zip", hostile.getvalue())
    with pytest.raises(BadInput, match="leaves the archive"):
        find("memory://bucket/hostile.zip", tmp_path)


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "paramiko", None)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.sftp", raising=False)
    with pytest.raises(BadInput, match="needs the package paramiko"):
        find("sftp://host/animals", tmp_path)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("memory://bucket/animals/", "animals"),
        ("memory://me:secret@bucket", "bucket"),
        ("memory://bucket/a b.zip", "a b.zip"),
        ("memory://me:secret@bucket/a@2.zip", "a@2.zip"),
    ],
)
def test_the_name_of_an_address_tells_no_secret(address: str, name: str) -> None:
    assert Place(address).name == name


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server on loopback that gives the files of `tmp_path`, whole ones alone."""
    pytest.importorskip("aiohttp")
    handler = partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *what: object) -> None:
        pass


def test_an_archive_on_a_web_server_is_copied(server: str, tmp_path: Path) -> None:
    make_zip(tmp_path / "animals.zip")
    found = find(f"{server}/animals.zip?token=secret", tmp_path / "store")
    assert (found.kind, found.source) == ("archive", "animals.zip")
    assert names_in(found) == set(NAMES)
    with pytest.raises(BadInput, match=r"/nothing\.zip: there is nothing"):
        find(f"{server}/nothing.zip?token=secret", tmp_path / "store")


def test_a_web_server_that_does_not_answer_is_not_one_without_the_file(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp")
    with pytest.raises(BadInput, match=r"^http://127\.0\.0\.1:1/animals\.zip: cannot be reached") as caught:
        find("http://127.0.0.1:1/animals.zip?token=secret", tmp_path)
    assert "secret" not in str(caught.value)
