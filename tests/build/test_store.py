"""The store: whole entries or none, broken ones computed again, the longest unused removed first."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from generator.build.storage import key as keys
from generator.build.storage import store as cache
from generator.build.storage.key import Key
from generator.build.storage.store import ENTRY, Store
from generator.support.errors import BuildFailed
from generator.support.files import temporary_beside, write_atomically
from generator.support.places import ROOT
from generator.training.checkpoint_files import read_checkpoint, write_checkpoint

KEY = Key("head", "baseline.head", {"setting head.epochs": 30, "package numpy": "2.0"})
CONTENT = {"result.json": b'{"loss": 0.5}', "variables.npz": bytes(range(200))}

Damage = Callable[[Path], None]


class Warned(Store):
    """A store that keeps its warnings."""

    def __init__(self, root: Path) -> None:
        self.warnings: list[str] = []
        super().__init__(root, self.warnings.append)


@pytest.fixture
def store(tmp_path: Path) -> Warned:
    return Warned(tmp_path / "store")


def write(folder: Path) -> None:
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)


def key(number: int) -> Key:
    return Key("head", f"v{number}.head", {"number": number})


def flip_a_bit(path: Path, position: int = 5) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


# ---- Entries ---------------------------------------------------------------------------------------------


def test_what_was_kept_is_found(store: Warned) -> None:
    assert store.find(KEY) is None
    assert not store.has(KEY)
    store.create(KEY, write)
    found = store.find(KEY, thorough=True)
    assert found is not None
    assert found.read_json("result.json") == {"loss": 0.5}
    assert {p.name: p.read_bytes() for p in found.folder.iterdir() if p.name != ENTRY} == CONTENT
    assert store.has(KEY)
    assert store.warnings == []


def test_every_part_of_a_key_counts(store: Warned) -> None:
    store.create(KEY, write)
    for name in KEY.parts:
        assert store.find(Key(KEY.stage, KEY.label, {**KEY.parts, name: "other"})) is None
    assert store.find(Key("fine_tuning", KEY.label, KEY.parts)) is None
    assert store.find(Key(KEY.stage, "another.label", KEY.parts)) is not None


def test_what_fails_leaves_nothing(store: Warned) -> None:
    def fail(folder: Path) -> None:
        write(folder)
        raise BuildFailed("the loss is not a number")

    with pytest.raises(BuildFailed, match="not a number"):
        store.create(KEY, fail)
    assert store.find(KEY) is None
    assert [p for p in store.root.rglob("*") if p.is_file()] == []
    assert list((store.root / "temporary").iterdir()) == []


def test_an_entry_appears_in_one_step(store: Warned, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    rename = Path.rename

    def watched(self: Path, target: Path) -> Path:
        assert not target.exists()
        assert {p.name for p in self.iterdir()} == {*CONTENT, ENTRY}
        seen.append(target)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", watched)
    entry = store.create(KEY, write)
    assert seen == [entry.folder]


def test_what_a_killed_build_left_half_written_is_cleaned(store: Warned) -> None:
    store.create(KEY, write)
    half = store.root / "temporary" / "writing-abc"
    half.mkdir()
    write(half)
    store.clean()
    assert not half.exists()
    assert store.find(KEY) is not None


def test_fault_31_the_checkpoint_of_a_stage_that_was_kept_goes_and_that_of_another_stays(store: Warned) -> None:
    store.create(KEY, write)
    for each in (KEY, key(1)):
        write_checkpoint(store.checkpoint(each), ARRAYS, "")
    store.clean()
    assert [store.checkpoint_path(each).exists() for each in (KEY, key(1))] == [False, True]


def test_a_file_lost_during_the_build_is_named_in_one_line(store: Warned) -> None:
    entry = store.create(KEY, write)
    shutil.rmtree(store.root)
    with pytest.raises(BuildFailed, match=r"result\.json: lost during the build .*; build again$"):
        entry.read_json("result.json")


# ---- Broken entries --------------------------------------------------------------------------------------


def edit_entry(**changes: object) -> Damage:
    def damage(folder: Path) -> None:
        table = json.loads((folder / ENTRY).read_text())
        (folder / ENTRY).write_text(json.dumps({k: v for k, v in {**table, **changes}.items() if v is not None}))

    return damage


DAMAGES: dict[str, Damage] = {
    "a truncated file": lambda folder: truncate(folder / "result.json"),
    "a flipped bit": lambda folder: flip_a_bit(folder / "variables.npz"),
    "an empty file": lambda folder: (folder / "result.json").write_bytes(b""),
    "a missing file": lambda folder: (folder / "variables.npz").unlink(),
    "garbage": lambda folder: (folder / "result.json").write_bytes(os.urandom(len(CONTENT["result.json"]))),
    "a truncated record": lambda folder: truncate(folder / ENTRY),
    "an empty record": lambda folder: (folder / ENTRY).write_bytes(b""),
    "a record of garbage": lambda folder: (folder / ENTRY).write_bytes(b"\x00\xff\xfe" * 50),
    "a record that nests": lambda folder: (folder / ENTRY).write_bytes(b"[" * 100_000),
    "a missing record": lambda folder: (folder / ENTRY).unlink(),
    "a record of another version": edit_entry(digest="0" * 64),
    "a record without files": edit_entry(files=None),
    "a record with files of another kind": edit_entry(files=["result.json"]),
    "a record without checksums": edit_entry(files={"result.json": {}}),
    "a record with a time that is none": edit_entry(seconds="long"),
    "a record with a time that no float holds": edit_entry(seconds=10**400),
    "a list": lambda folder: (folder / ENTRY).write_text("[1, 2]"),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_fault_36_a_broken_entry_is_a_miss_with_a_warning(store: Warned, damage: Damage) -> None:
    damage(store.create(KEY, write).folder)
    assert store.find(KEY) is None
    (warning,) = store.warnings
    assert warning.startswith("baseline.head: its entry in the store is broken (")
    assert warning.endswith("; computing it again")
    assert "\n" not in warning
    assert not store.has(KEY)
    store.create(KEY, write)
    assert store.find(KEY) is not None
    assert len(store.warnings) == 1


def test_fault_36_an_entry_of_another_version_of_the_store_is_not_found(
    store: Warned, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.create(KEY, write)
    monkeypatch.setattr(keys, "VERSION", keys.VERSION + 1)
    assert store.find(Key(KEY.stage, KEY.label, KEY.parts)) is None
    assert store.warnings == []


def test_large_files_are_checked_before_a_stage_reads_them(store: Warned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SMALL", 100)
    flip_a_bit(store.create(KEY, write).folder / "variables.npz")
    assert store.find(KEY) is not None
    assert store.find(KEY, thorough=True) is None
    assert "variables.npz has another checksum" in store.warnings[0]


# ---- Memory of the newest keys ---------------------------------------------------------------------------


def test_the_newest_key_of_a_label_is_remembered(store: Warned) -> None:
    assert store.remembered(KEY.label) is None
    other = Key(KEY.stage, KEY.label, {**KEY.parts, "setting head.epochs": 5})
    for each in (KEY, other):
        store.create(each, write)
        store.remember(each)
    parts, seconds = store.remembered(KEY.label) or ({}, -1)
    assert parts == other.parts
    assert seconds >= 0
    store.remember(KEY)
    assert (store.remembered(KEY.label) or ({},))[0] == KEY.parts


def test_a_key_without_an_entry_is_not_remembered(store: Warned) -> None:
    store.remember(KEY)
    assert store.remembered(KEY.label) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"parts": 3, "seconds": 1}', b"[" * 100_000, b"\xff"])
def test_a_broken_memory_is_no_memory(store: Warned, content: bytes) -> None:
    store.create(KEY, write)
    store.remember(KEY)
    (store.root / "latest" / f"{KEY.label}.json").write_bytes(content)
    assert store.remembered(KEY.label) is None
    store.remember(KEY)
    assert store.remembered(KEY.label) is not None


def test_changed_parts_are_named_with_both_values() -> None:
    assert keys.changed({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 5, "d": 4}) == {
        "b": (2, 5),
        "c": (3, None),
        "d": (None, 4),
    }


# ---- Pruning ---------------------------------------------------------------------------------------------


@pytest.fixture
def full(store: Warned) -> Warned:
    """Four entries of one size, used in the order of their numbers."""
    for number in range(4):
        folder = store.create(key(number), write).folder
        os.utime(folder, (1000 + number, 1000 + number))
    return store


def left(store: Store) -> list[int]:
    return [number for number in range(4) if store.has(key(number))]


def sizes(store: Store) -> list[int]:
    return [size for _, size, _ in store.entries()]


def test_pruning_removes_the_longest_unused_and_no_more_than_needed(full: Warned) -> None:
    zero, one, two, three = sizes(full)
    assert full.prune(zero + one + two + three) == 0
    assert full.prune(zero + one + two + three - 1) == zero
    assert left(full) == [1, 2, 3]
    assert full.prune(three) == one + two
    assert left(full) == [3]
    assert full.prune(0) == three
    assert left(full) == []


def test_being_found_counts_as_use(full: Warned) -> None:
    full.find(key(0))
    full.prune(2 * max(sizes(full)))
    assert left(full) == [0, 3]


def test_pruning_keeps_what_is_in_use(full: Warned) -> None:
    checkpoint = full.checkpoint(key(2))
    write_checkpoint(checkpoint, ARRAYS, "")
    with full.using([key(1), key(2)]):
        full.prune(0)
        assert left(full) == [1, 2]
        assert checkpoint.exists()
    full.prune(0)
    assert left(full) == []
    assert not checkpoint.exists()


def test_checkpoints_that_nobody_went_on_with_are_pruned_too(full: Warned) -> None:
    path = full.checkpoint(key(9))
    write_checkpoint(path, {"a": np.zeros(1000)}, "")
    temporary_beside(path).write_bytes(b"half")
    os.utime(path, (1, 1))
    assert next(full.entries())[0] == path
    full.prune(sum(sizes(full)) - 1)
    assert not path.exists()
    assert left(full) == [0, 1, 2, 3]
    full.clean()
    assert list(path.parent.iterdir()) == []


def test_entries_are_listed_the_longest_unused_first(full: Warned) -> None:
    assert [folder.name for folder, _, _ in full.entries()] == [key(number).digest for number in range(4)]


def test_a_store_that_is_not_there_is_empty(store: Warned) -> None:
    assert list(store.entries()) == []
    assert store.prune(0) == 0


# ---- Checkpoints -----------------------------------------------------------------------------------------

ARRAYS = {"model/0": np.arange(50, dtype=np.float32), "optimizer/0": np.array(7)}


def test_a_checkpoint_is_read_as_it_was_written(store: Warned) -> None:
    path = store.checkpoint(KEY)
    assert read_checkpoint(path) is None
    for text in ("first", "second, née zweite"):
        write_checkpoint(path, ARRAYS, text)
        found = read_checkpoint(path)
        assert found is not None
        assert found[1] == text
        assert set(found[0]) == set(ARRAYS)
        assert all(np.array_equal(found[0][name], array) for name, array in ARRAYS.items())
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_checkpoint_cut_anywhere_is_ignored(store: Warned) -> None:
    path = store.checkpoint(KEY)
    write_checkpoint(path, ARRAYS, "history")
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert read_checkpoint(path) is None, length


def test_a_flipped_bit_in_a_checkpoint_never_gives_other_numbers(store: Warned) -> None:
    path = store.checkpoint(KEY)
    write_checkpoint(path, ARRAYS, "history")
    whole = path.read_bytes()
    ignored = 0
    for position in range(0, len(whole), 3):
        path.write_bytes(whole)
        flip_a_bit(path, position)
        found = read_checkpoint(path)
        ignored += found is None
        # A bit of the archive's own times, say, may change and nothing that is read with it.
        if found is not None and set(found[0]) == set(ARRAYS):
            assert found[1] == "history"
            assert all(found[0][name].tobytes() == array.tobytes() for name, array in ARRAYS.items()), position
    assert ignored > len(whole) // 6


def test_nothing_in_a_checkpoint_is_unpickled(store: Warned) -> None:
    path = store.checkpoint(KEY)
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = {"model/0": np.array([Path("x")], dtype=object), "text": np.frombuffer(b"x", np.uint8)}
    np.savez(path, **objects)  # type: ignore[arg-type]
    assert read_checkpoint(path) is None


# ---- Disks that refuse -----------------------------------------------------------------------------------

LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from generator.build.storage import store as cache
from generator.build.storage.key import Key
from generator.training.checkpoint_files import write_checkpoint
from generator.support.errors import MeasuredPostError
from generator.support.files import write_atomically
what, root = sys.argv[1], Path(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
store, key = cache.Store(root), Key("head", "baseline.head", {"number": 2})
try:
    if what == "entry":
        store.create(key, lambda folder: (folder / "outputs.npy").write_bytes(bytes(10_000)))
    elif what == "checkpoint":
        write_checkpoint(store.checkpoint(key), {"a": np.zeros(10_000)}, "history")
    else:
        write_atomically(root / "page.html", bytes(10_000))
except MeasuredPostError as error:
    print(f"{type(error).__name__}: {error}")
"""


@pytest.mark.parametrize("what", ["entry", "checkpoint", "file"])
def test_fault_33_a_full_disk_keeps_nothing_half_written(tmp_path: Path, what: str) -> None:
    root = tmp_path / "store"
    kept = Store(root).create(key(1), write).folder
    command = [sys.executable, "-c", LIMITED, what, root]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("BuildFailed: ")
    assert "cannot be written (File too large); free space there or name another folder with --store" in done.stdout
    assert done.stdout.count("\n") == 1
    assert {p.parent for p in root.rglob("*") if p.is_file() and p.name != "lock"} == {kept}


@pytest.mark.parametrize("name", ["", ".", "folder"])
def test_a_folder_is_not_replaced_by_a_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BuildFailed, match="cannot be written"):
        write_atomically(Path(name), b"page")
    assert [p.name for p in tmp_path.rglob("*")] == ["folder"]


def test_fault_34_a_store_below_a_regular_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = Store(tmp_path / "file" / "store")
    for attempt in (
        lambda: store.create(KEY, write),
        lambda: write_checkpoint(store.checkpoint(KEY), ARRAYS, ""),
        lambda: write_atomically(store.root / "page.html", b""),
    ):
        with pytest.raises(BuildFailed, match=r"cannot be written \(Not a directory\); .*--store"):
            attempt()
    assert store.find(KEY) is None
    assert (tmp_path / "file").read_text() == "not a folder"
