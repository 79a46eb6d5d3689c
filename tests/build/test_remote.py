"""A store elsewhere: whole entries or none, broken ones and silent addresses do no harm, builders side by side."""

import errno
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from generator.build.storage import exchange, machines
from generator.build.storage.key import Key
from generator.build.storage.remote import Remote
from generator.build.storage.shared import ELSEWHERE, UNRECORDED, SharedStore
from generator.build.storage.store import ENTRY, Store
from generator.experiment.config.store_settings import StoreSettings
from generator.support import addresses, hardware
from generator.support.addresses import Place, Unreachable
from generator.support.errors import BadInput, BuildFailed
from generator.training.checkpoint_files import write_checkpoint
from tests.build.test_machines import job

fsspec = pytest.importorskip("fsspec")

KEY = Key("head", "baseline.head", {"setting head.epochs": 30})
OTHER = Key("evaluation", "baseline.evaluation", {"stage head": KEY.digest})
CONTENT = {"result.json": b'{"loss": 0.5}', "variables.npz": bytes(range(200))}

Damage = Callable[[Path], None]


class Builder(SharedStore):
    """A store of one builder, which keeps what it was told."""

    def __init__(self, root: Path, remote: str, **settings: bool) -> None:
        self.warnings: list[str] = []
        self.lines: list[str] = []
        super().__init__(root, StoreSettings(remote=remote, **settings), self.warnings.append, self.lines.append)


@pytest.fixture(params=["folder", "file", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield {
        "folder": str(tmp_path / "remote"),
        "file": f"file://{tmp_path}/remote",
        "memory": "memory://bucket/prefix",
    }[request.param]
    memory = fsspec.filesystem("memory")
    if memory.exists("/bucket"):
        memory.rm("/bucket", recursive=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "remote"


def write(out: Path) -> None:
    for name, content in CONTENT.items():
        (out / name).write_bytes(content)
    machines.note(job(precision="float32"), out, (2, ()))


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


# ---- Entries ---------------------------------------------------------------------------------------------


def test_what_one_builder_pushed_another_finds(address: str, tmp_path: Path) -> None:
    one, two = Builder(tmp_path / "one", address, push=True), Builder(tmp_path / "two", address)
    assert not one.has(KEY)
    made = one.create(KEY, write)
    assert not two.is_here(KEY)
    assert two.has(KEY)
    found = two.find(KEY, thorough=True)
    assert found is not None
    # As it was made: the seconds are not those of the download, the machine is not the one that downloads.
    assert (found.seconds, found.resumed, found.made) == (made.seconds, made.resumed, made.made)
    assert files(found.folder) == files(made.folder)
    assert two.lines == ["baseline.head: from the remote store"]
    assert one.warnings == two.warnings == []
    assert not list((tmp_path / "two").glob("temporary/*"))
    assert Store(tmp_path / "two").find(KEY) is not None


def test_who_is_stopped_while_pushing_has_kept_nothing_and_pushes_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*entry: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Remote, "push", stopped)
        with pytest.raises(KeyboardInterrupt):
            Builder(tmp_path / "one", str(folder), push=True).create(KEY, write)
    again = Builder(tmp_path / "one", str(folder), push=True)
    assert again.find(KEY) is None
    again.create(KEY, write)
    assert Builder(tmp_path / "two", str(folder)).find(KEY) is not None


def test_nothing_is_pushed_that_was_not_asked_for(address: str, tmp_path: Path) -> None:
    Builder(tmp_path / "one", address).create(KEY, write)
    assert Remote(address).entries() == []
    assert Builder(tmp_path / "two", address).find(KEY) is None


def test_an_entry_is_there_when_its_last_file_is(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, put = Builder(tmp_path / "one", str(folder), push=True), Place.put
    seen = []

    def watched(self: Place, source: Path, name: str, unfinished: str) -> None:
        assert Builder(tmp_path / "two", str(folder)).find(KEY) is None
        seen.append(source.name)
        put(self, source, name, unfinished)

    monkeypatch.setattr(Place, "put", watched)
    one.create(KEY, write)
    assert seen[-1] == ENTRY
    assert set(seen) == {*CONTENT, ENTRY}
    assert not list(folder.rglob("*.writing"))
    assert Builder(tmp_path / "two", str(folder)).find(KEY) is not None


def test_two_builders_who_push_one_entry_at_once_leave_one_that_is_whole(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one's push falls between the files of this one's, at every place."""
    put = Place.put

    def other(out: Path) -> None:
        write(out)
        (out / "result.json").write_bytes(b'{"loss": 0.25}')  # as of another processor

    for place in range(len(CONTENT) + 1):
        shutil.rmtree(folder, ignore_errors=True)
        second = Builder(tmp_path / f"second-{place}", str(folder), push=True)
        count = iter(range(len(CONTENT) + 1))

        def between(
            self: Place,
            source: Path,
            name: str,
            unfinished: str,
            place: int = place,
            count: Iterator[int] = count,
            second: Builder = second,
        ) -> None:
            if next(count, None) == place:
                with monkeypatch.context() as patch:
                    patch.setattr(Place, "put", put)
                    second.create(KEY, other)
            put(self, source, name, unfinished)

        first = Builder(tmp_path / f"first-{place}", str(folder), push=True)
        with monkeypatch.context() as patch:
            patch.setattr(Place, "put", between)
            made = first.create(KEY, write)
        reader = Builder(tmp_path / f"reader-{place}", str(folder))
        found = reader.find(KEY, thorough=True)
        assert found is not None
        assert files(found.folder) == files(made.folder)
        assert reader.warnings == []


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)


def of_another_key(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "digest": "0" * 64}))


def leading_out(path: Path) -> None:
    table = json.loads(path.read_text())
    table["files"]["../../../../outside"] = table["files"].pop("result.json")
    path.write_text(json.dumps(table))


def no_table(path: Path) -> None:
    path.write_text("[]")


def saying(name: str, value: Any) -> Damage:
    """An entry that says something of itself which no store writes."""
    return lambda path: cast(None, path.write_text(json.dumps({**json.loads(path.read_text()), name: value})))


@pytest.mark.parametrize(
    ("name", "damage", "told"),
    [
        ("result.json.*", cut_short, "size or checksum"),
        ("variables.npz.*", flip, "size or checksum"),
        ("variables.npz.*", Path.unlink, "is missing"),
        (ENTRY, cut_short, "cannot be read"),
        (ENTRY, no_table, "cannot be read"),
        (ENTRY, of_another_key, "another key"),
        (ENTRY, leading_out, "no name of a file"),
        *((ENTRY, saying("seconds", value), "cannot be read") for value in (None, [], "soon", -1, math.nan, 10**400)),
        (ENTRY, saying("files", {"result.json": {"sha256": "0" * 64, "bytes": math.inf}}), "cannot be read"),
    ],
)
def test_a_broken_entry_there_is_a_miss_with_a_warning_and_is_replaced(
    folder: Path, tmp_path: Path, name: str, damage: Damage, told: str
) -> None:
    Builder(tmp_path / "one", str(folder), push=True).create(KEY, write)
    (path,) = folder.rglob(name)
    damage(path)
    two = Builder(tmp_path / "two", str(folder), push=True)
    assert two.find(KEY) is None
    assert two.find(KEY) is None
    (warning,) = two.warnings
    assert warning.startswith("baseline.head: its entry in the remote store is broken")
    assert told in warning
    assert not list(tmp_path.rglob("outside*"))
    assert not list((tmp_path / "two").glob("temporary/*"))
    two.create(KEY, write)
    assert Builder(tmp_path / "three", str(folder)).find(KEY, thorough=True) is not None


def test_a_broken_entry_here_is_taken_from_there(folder: Path, tmp_path: Path) -> None:
    one = Builder(tmp_path / "one", str(folder), push=True)
    flip(one.create(KEY, write).folder / "result.json")
    again = Builder(tmp_path / "one", str(folder))
    found = again.find(KEY)
    assert found is not None
    assert found.read_bytes("result.json") == CONTENT["result.json"]


# ---- What goes wrong on the way ---------------------------------------------------------------------------


def test_of_what_is_here_nothing_is_asked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Builder(tmp_path / "one", str(folder))
    one.create(KEY, write)
    asked = []
    monkeypatch.setattr(Remote, "entry", lambda self, stage, digest: asked.append(digest))
    assert not one.is_remote(KEY)
    assert asked == []
    assert not one.is_remote(OTHER)
    assert asked == [OTHER.digest]


def test_a_store_that_does_not_answer_is_one_warning(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Builder(tmp_path / "one", str(folder), push=True).create(KEY, write)
    two = Builder(tmp_path / "two", str(folder), push=True)
    asked = []

    def silent(self: Any, path: str, *args: Any, **how: Any) -> bytes:
        asked.append(path)
        raise ConnectionError("nobody is there")

    monkeypatch.setattr(fsspec.get_filesystem_class("file"), "cat_file", silent)
    assert not two.has(KEY)
    assert two.find(OTHER) is None
    two.create(KEY, write)
    two.create(OTHER, write)
    assert two.find(KEY) is not None
    (warning,) = two.warnings
    assert "cannot be reached (nobody is there)" in warning
    assert len(asked) == 1


def test_a_connection_that_was_lost_while_it_rested_is_made_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Builder(tmp_path / "one", str(folder), push=True).create(KEY, write)
    two, opened = Builder(tmp_path / "two", str(folder), push=True), list[str]()
    assert two.has(KEY)
    lost = [ConnectionError("Socket is closed")]
    put_file, url_to_fs = fsspec.get_filesystem_class("file").put_file, fsspec.url_to_fs

    def put(self: Any, *arguments: Any, **how: Any) -> None:
        if lost:
            raise lost.pop()
        put_file(self, *arguments, **how)

    def open_anew(address: str, **how: Any) -> Any:
        opened.append(address)
        return url_to_fs(address, **how)

    monkeypatch.setattr(fsspec.get_filesystem_class("file"), "put_file", put)
    monkeypatch.setattr(fsspec, "url_to_fs", open_anew)
    two.create(OTHER, write)
    assert two.warnings == []
    assert len(opened) == 1
    assert Builder(tmp_path / "three", str(folder)).has(OTHER)


def test_a_full_disk_here_is_none_of_the_remote_store(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Builder(tmp_path / "one", str(folder), push=True).create(KEY, write)

    def full(self: Any, path: str, target: str, **how: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", target)

    monkeypatch.setattr(fsspec.get_filesystem_class("file"), "get_file", full)
    with pytest.raises(BuildFailed, match=r"two: cannot be written \(No space left on device\); free space there"):
        Builder(tmp_path / "two", str(folder)).find(KEY)


def test_a_store_that_goes_away_in_a_transfer_leaves_nothing_half(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Builder(tmp_path / "one", str(folder), push=True).create(KEY, write)
    two = Builder(tmp_path / "two", str(folder))

    def half(self: Any, path: str, target: str, **how: Any) -> None:
        Path(target).write_bytes(b"half")
        raise TimeoutError("no answer")

    monkeypatch.setattr(fsspec.get_filesystem_class("file"), "get_file", half)
    assert two.find(KEY) is None
    assert len(two.warnings) == 1
    assert not list((tmp_path / "two").glob("temporary/*"))
    assert not Store(tmp_path / "two").has(KEY)


def test_a_push_that_fails_keeps_the_entry_here(folder: Path, tmp_path: Path) -> None:
    folder.write_text("a file where the folder should be")
    one = Builder(tmp_path / "one", str(folder), push=True)
    one.create(KEY, write)
    assert Store(tmp_path / "one").find(KEY) is not None
    assert len(one.warnings) == 1


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(BadInput, match=r"^s3://bucket/prefix: needs the package s3fs; pip install s3fs$"):
        Builder(tmp_path, "s3://bucket/prefix")
    with pytest.raises(BadInput, match=r"nothing is known of nowhere://"):
        Builder(tmp_path, "nowhere://bucket")


def test_messages_show_no_password() -> None:
    assert addresses.shown("sftp://me:secret@host:22/a@b") == "sftp://host:22/a@b"
    assert addresses.shown("s3://bucket/a@b") == "s3://bucket/a@b"
    assert addresses.shown("sftp://me:p@ss@host/data") == "sftp://host/data"
    assert addresses.Place("memory://me:p@ss@host").name == "host"


@pytest.mark.parametrize(
    ("address", "protocol"),
    [("s3://b/p", "s3"), ("/a/b", "file"), ("C:/a", "file"), ("SFTP://h/p", "sftp"), ("a", "file")],
)
def test_the_protocol_of_an_address(address: str, protocol: str) -> None:
    assert addresses.protocol(address) == protocol


# ---- Machines --------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Moves this process to another processor."""

    def move() -> None:
        machines.here.cache_clear()
        monkeypatch.setattr(hardware, "processor", lambda: "Another processor")

    yield move
    machines.here.cache_clear()


def test_only_entries_of_this_kind_of_machine_are_taken_if_asked(
    folder: Path, tmp_path: Path, elsewhere: Callable[[], None]
) -> None:
    Builder(tmp_path / "one", str(folder), push=True).create(KEY, write)
    assert Builder(tmp_path / "two", str(folder), same_machine=True).find(KEY) is not None
    elsewhere()
    for root in ("one", "three"):  # where the entry lies, and where only the remote store has it
        picky = Builder(tmp_path / root, str(folder), same_machine=True)
        assert not picky.has(KEY)
        assert picky.find(KEY) is None
        assert picky.refusal(KEY) == ELSEWHERE
        assert picky.warnings == []
    assert Builder(tmp_path / "one", str(folder)).find(KEY) is not None  # which refusing has not removed
    picky.create(KEY, write)
    assert picky.find(KEY) is not None
    assert picky.refusal(KEY) == ""


def write_elsewhere(out: Path) -> None:
    """As `write`, on another kind of machine."""
    write(out)
    record = machines.left(out)
    record["made"]["machine"]["processor"] = "Another processor"
    (out / machines.RECORD).write_text(json.dumps(record))


def test_an_entry_that_is_refused_and_in_use_is_waited_for(tmp_path: Path) -> None:
    other = Store(tmp_path)
    other.create(KEY, write_elsewhere)
    with other.using([KEY]), pytest.raises(BuildFailed, match=r"another build is using the entry .* wait for it"):
        SharedStore(tmp_path, StoreSettings(same_machine=True)).create(KEY, write)


def test_one_that_is_refused_and_in_use_is_not_taken_for_what_was_fetched(folder: Path, tmp_path: Path) -> None:
    Builder(tmp_path / "one", str(folder), push=True).create(KEY, write)
    other = Store(tmp_path / "two")
    other.create(KEY, write_elsewhere)
    picky = Builder(tmp_path / "two", str(folder), same_machine=True)
    with other.using([KEY]), pytest.raises(BuildFailed, match=r"another build is using the entry .* wait for it"):
        picky.find(KEY)
    assert picky.lines == []


def test_the_checkpoint_of_a_stage_whose_entry_is_refused_stays(tmp_path: Path, elsewhere: Callable[[], None]) -> None:
    Store(tmp_path).create(KEY, write)
    elsewhere()
    picky = SharedStore(tmp_path, StoreSettings(same_machine=True))
    for store, stays in ((picky, True), (Store(tmp_path), False)):
        write_checkpoint(store.checkpoint(KEY), {"state": np.arange(3)}, "epoch 1")
        store.clean()
        assert store.checkpoint_path(KEY).exists() == stays


def test_an_entry_without_a_record_is_of_no_known_kind(folder: Path, tmp_path: Path) -> None:
    def write_as_before(out: Path) -> None:
        (out / "result.json").write_bytes(b"{}")

    Builder(tmp_path / "one", str(folder), push=True).create(KEY, write_as_before)
    picky = Builder(tmp_path / "two", str(folder), same_machine=True)
    assert picky.find(KEY) is None
    assert picky.refusal(KEY) == UNRECORDED
    assert Builder(tmp_path / "three", str(folder)).find(KEY) is not None


# ---- Whole stores ----------------------------------------------------------------------------------------


def test_whole_stores_are_pushed_and_pulled(address: str, tmp_path: Path) -> None:
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    made = [one.create(key, write) for key in (KEY, OTHER)]
    lines: list[str] = []
    warnings: list[str] = []
    remote = Remote(address)
    assert exchange.push(one, remote, lines.append, warnings.append) == 2
    assert exchange.push(one, remote, lines.append, warnings.append) == 0
    assert {(each.stage, each.digest) for each in remote.entries()} == {(k.stage, k.digest) for k in (KEY, OTHER)}
    assert all(each.size > sum(map(len, CONTENT.values())) for each in remote.entries())
    assert exchange.pull(two, remote, lines.append, warnings.append) == 2
    assert exchange.pull(two, remote, lines.append, warnings.append) == 0
    for entry, key in zip(made, (KEY, OTHER), strict=True):
        found = two.find(key, thorough=True)
        assert found is not None
        assert files(found.folder) == files(entry.folder)
    assert warnings == []
    assert len(lines) == 4


def test_what_is_pushed_is_not_pruned_meanwhile(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, push = Store(tmp_path / "one"), Remote.push
    one.create(KEY, write)

    def pruned(self: Remote, *what: Any) -> None:
        assert Store(tmp_path / "one").prune(0) == 0
        push(self, *what)

    monkeypatch.setattr(Remote, "push", pruned)
    assert exchange.push(one, Remote(str(folder)), lambda line: None, lambda line: None) == 1
    assert Store(tmp_path / "one").prune(0) > 0


def test_what_is_broken_is_left_out_of_an_exchange(folder: Path, tmp_path: Path) -> None:
    one, warnings = Store(tmp_path / "one"), []
    flip(one.create(KEY, write).folder / "result.json")
    cut_short(one.create(OTHER, write).folder / ENTRY)
    assert exchange.push(Store(tmp_path / "one", warnings.append), Remote(str(folder)), print, warnings.append) == 0
    assert len(warnings) == 2
    fresh = Store(tmp_path / "two")
    for key in (KEY, OTHER):
        fresh.create(key, write)
    exchange.push(fresh, Remote(str(folder)), print, print)
    (path,) = folder.rglob("evaluation/*/result.json.*")
    flip(path)
    told: list[str] = []
    assert exchange.pull(Store(tmp_path / "three"), Remote(str(folder)), print, told.append) == 1
    assert len(told) == 1


def test_an_exchange_with_a_store_that_does_not_answer_fails(folder: Path, tmp_path: Path) -> None:
    folder.write_text("no folder")
    one = Store(tmp_path / "one")
    one.create(KEY, write)
    with pytest.raises(Unreachable, match="cannot be reached"):
        exchange.push(one, Remote(str(folder)), print, print)
    assert issubclass(Unreachable, BuildFailed)
