"""What a node keeps of the builder's files. No Ray."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.build.clusters import cluster_cache
from generator.build.clusters.cluster_cache import Offered, make_room, place
from tests import rays
from tests.rays import Rays


@pytest.fixture(autouse=True)
def ray(monkeypatch: pytest.MonkeyPatch) -> None:
    rays.install(monkeypatch, Rays())


def offered(content: bytes) -> Offered:
    return Offered(hashlib.sha256(content).hexdigest(), (content[:2], content[2:]))


def gone_before(monkeypatch: pytest.MonkeyPatch, name: str) -> Callable[[Path], None]:
    """A function of files to remove: each is gone before `os.NAME` first looks at it, as if another made room."""
    removed: list[Path] = []
    real = getattr(os, name)

    def late(path: Any, *arguments: Any, **options: Any) -> Any:
        if path in removed:
            removed.remove(path)
            path.unlink()
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, name, late)
    return removed.append


def test_what_was_fetched_once_is_taken_from_there(tmp_path: Path) -> None:
    place(offered(b"pixels"), tmp_path / "a" / "one", tmp_path / "files")
    place(Offered(offered(b"pixels").digest, ()), tmp_path / "b" / "two", tmp_path / "files")
    assert (tmp_path / "b" / "two").read_bytes() == b"pixels"


def test_what_is_damaged_there_is_fetched_again(tmp_path: Path) -> None:
    kept = tmp_path / "files" / offered(b"pixels").digest
    kept.parent.mkdir()
    kept.write_bytes(b"pix")
    place(offered(b"pixels"), tmp_path / "one", kept.parent)
    assert (kept.read_bytes(), (tmp_path / "one").read_bytes()) == (b"pixels", b"pixels")


def test_a_file_that_another_station_removes_meanwhile_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "files" / offered(b"pixels").digest
    place(offered(b"pixels"), tmp_path / "one", kept.parent)
    gone_before(monkeypatch, "link")(kept)
    place(offered(b"pixels"), tmp_path / "two", kept.parent)
    assert (tmp_path / "two").read_bytes() == b"pixels"


def test_what_is_too_much_goes_and_stays_where_a_stage_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_cache, "MOST", 6)
    folder = tmp_path / "files"
    make_room(folder)
    place(offered(b"old"), tmp_path / "one", folder)
    os.utime(tmp_path / "one", (1000, 1000))
    place(offered(b"pixels"), tmp_path / "two", folder)
    make_room(folder)
    assert [path.name for path in folder.iterdir()] == [offered(b"pixels").digest], "and no lock is left"
    assert (tmp_path / "one").read_bytes() == b"old"


def test_two_that_make_room_at_once_do_not_disturb_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(bytes(10))
    gone_before(monkeypatch, "stat")(tmp_path / "a")
    assert [path.name for path in cluster_cache._beyond(0, tmp_path)] == ["b"]


def test_the_longest_unused_inputs_go_first(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "old", "older")):
        (tmp_path / name).write_bytes(bytes(10))
        (tmp_path / f"{name}.lock").touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    assert [path.name for path in cluster_cache._beyond(20, tmp_path)] == ["older"]
    assert [path.name for path in cluster_cache._beyond(5, tmp_path)] == ["older", "old", "new"]
    assert list(cluster_cache._beyond(30, tmp_path)) == []
