"""Archives from outside are unpacked whole, or refused before anything is left on the disk."""

import io
import lzma
import os
import random
import re
import shutil
import stat
import struct
import warnings
import zipfile
from pathlib import Path

import pytest

from generator.data.archives import archive
from generator.data.archives.archive import Limits
from generator.support.errors import BadInput, BuildFailed

LIMITS = Limits(entries=1000, bytes=50_000_000, ratio=200.0)


def make_zip(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return path


def unpack(path: Path, into: Path, limits: Limits) -> None:
    """Unpack as the folder `into`, as a build does."""
    with archive.whole(into) as folder:
        archive.unpack_into(path, folder, limits)


def refusal(path: Path, limits: Limits = LIMITS) -> str:
    """The one line with which unpacking is refused; checks that nothing is left and nothing stands elsewhere."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(BadInput) as caught:
        unpack(path, path.parent / "out", limits)
    assert sorted(path.parent.rglob("*")) == before
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def patched(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert old in data
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new))
    return path


def headers(path: Path, offset_local: int, offset_central: int, value: int) -> Path:
    """Set a two-byte field in every local header and every entry of the table of contents."""
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\3\4", offset_local), (b"PK\1\2", offset_central)):
        position = data.find(signature)
        while position >= 0:
            struct.pack_into("<H", data, position + offset, value)
            position = data.find(signature, position + 4)
    path.write_bytes(data)
    return path


def test_members_are_unpacked_as_they_were_packed(tmp_path: Path) -> None:
    members = {"train/a/1.png": b"one", "train/b/ü.png": os.urandom(3_000_000), "empty/": b"", "x": b""}
    path = make_zip(tmp_path / "a.zip", members)
    unpack(path, tmp_path / "out", LIMITS)
    files = {p.relative_to(tmp_path / "out").as_posix(): p for p in (tmp_path / "out").rglob("*")}
    assert files["empty"].is_dir()
    assert {name: p.read_bytes() for name, p in files.items() if p.is_file()} == {
        name: content for name, content in members.items() if name != "empty/"
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "out"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_common_methods_are_read(tmp_path: Path, method: int) -> None:
    path = make_zip(tmp_path / "a.zip", {"x": b"content" * 9}, method)
    unpack(path, tmp_path / "out", LIMITS)
    assert (tmp_path / "out/x").read_bytes() == b"content" * 9


def test_fault_01_missing_archive_is_named(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "missing.zip")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n<html>Sign in</html>", "web page"),
        (b"Rar!\x1a\x07", "a RAR archive, not a zip"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive, not a zip"),
        (lzma.compress(b"x"), "a file compressed by xz, not a zip or tar archive; give a folder, or"),
        (b"\x28\xb5\x2f\xfd", "a file compressed by Zstandard, not a zip"),
        (b"PK\3\4", "truncated"),
    ],
)
def test_fault_01_files_that_are_no_zip_are_told_apart(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    assert words in refusal(tmp_path / "a.zip")


def test_fault_01_truncated_zip_is_named(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {f"{i}.png": os.urandom(500) for i in range(9)})
    data = path.read_bytes()
    for length in (len(data) - 1, len(data) - 100, len(data) // 2):
        path.write_bytes(data[:length])
        assert "truncated or damaged" in refusal(path)


def test_fault_02_crc_error_names_the_member_and_leaves_nothing(tmp_path: Path) -> None:
    members = {"good.png": b"A" * 50, "train/bad.png": b"B" * 50}
    path = make_zip(tmp_path / "a.zip", members, zipfile.ZIP_STORED)
    patched(path, b"B" * 50, b"B" * 49 + b"C")
    message = refusal(path)
    assert "train/bad.png" in message
    assert "CRC" in message


def test_fault_02_damaged_compressed_bytes_name_the_member(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"train/bad.png": bytes(range(256)) * 40})
    data = bytearray(path.read_bytes())
    data[50:60] = b"\xff" * 10
    path.write_bytes(data)
    assert "train/bad.png" in refusal(path)


def test_fault_03_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = headers(make_zip(tmp_path / "a.zip", {"a.png": b"x"}), 6, 8, 1)
    assert "encrypted; unpack it yourself" in refusal(path)


def test_fault_03_unsupported_method_is_refused(tmp_path: Path) -> None:
    path = headers(make_zip(tmp_path / "a.zip", {"a.png": b"x"}), 8, 10, 9)
    assert "compression method 9 is not supported" in refusal(path)


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/evil", "C:/evil", "c:evil", "..\\evil", "a\\b", "a//b", "./a", "..", "a/."],
)
def test_fault_04_path_traversal_is_rejected(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "a.zip", {"train/a/1.png": b"x", name: b"evil"})
    message = refusal(path)
    assert name in message.replace("\\\\", "\\")


def test_fault_04_names_cut_by_a_null_are_rejected(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"train/a.png_.exe": b"x"})
    assert "control characters" in refusal(patched(path, b"a.png_", b"a.png\0"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_fault_05_links_and_devices_are_rejected(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("train/link.png")
    info.create_system = 3
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target:
        target.writestr(info, "/etc/passwd")
    assert "train/link.png: a link or device" in refusal(tmp_path / "a.zip")


def test_fault_06_bomb_is_refused_by_ratio(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"zeros.bmp": bytes(20_000_000)})
    assert "data.max_ratio = 200" in refusal(path)


def test_fault_06_bomb_of_overlapping_members_is_refused(tmp_path: Path) -> None:
    # One compressed body, many entries in the table of contents that point at it.
    path = make_zip(tmp_path / "a.zip", {"0.bmp": bytes(100_000)})
    data = path.read_bytes()
    start, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    entry = data[start:end]
    entries = b"".join(entry.replace(b"0.bmp", b"%05d" % i) for i in range(400))
    directory = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 400, 400, len(entries), start, 0)
    path.write_bytes(data[:start] + entries + directory)
    assert "data.max_ratio" in refusal(path)


def test_fault_06_entries_and_bytes_are_capped(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {str(i): os.urandom(1000) for i in range(20)})
    assert "20 entries are more than data.max_entries = 19" in refusal(path, Limits(19, 10**9, 200))
    assert "data.max_bytes = 19999" in refusal(path, Limits(100, 19_999, 200))
    unpack(path, tmp_path / "out", Limits(20, 20_000, 200))


def test_fault_67_every_limit_names_the_setting_with_a_value_that_does(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {str(i): bytes(1000) for i in range(20)})
    limits = {"entries": 19, "bytes": 19_999, "ratio": 2.5}
    for name in ("entries", "bytes", "ratio"):
        message = refusal(path, Limits(**limits))
        found = re.search(rf"raise the limit: --set data\.max_{name}=(\d+)$", message)
        limits[name] = int(found[1]) if found else 0
    unpack(path, tmp_path / "out", Limits(**limits))
    assert limits["entries"] == 20
    assert limits["bytes"] == 20_000
    assert limits["ratio"] > 2.5


def test_fault_06_a_size_that_lies_does_not_help(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"zeros.bmp": bytes(20_000_000)})
    patched(path, struct.pack("<I", 20_000_000), struct.pack("<I", 10))
    assert "zeros.bmp" in refusal(path)


def test_fault_07_duplicate_names_are_rejected(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own, on writing the same name twice
        target.writestr("train/1.png", b"first")
        target.writestr("train/1.png", b"second")
    assert "train/1.png: collides" in refusal(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("first", "second"),
    [("train/a.png", "train/A.png"), ("train/a.png", "Train/b.png"), ("é", "e\u0301"), ("a", "a/b"), ("a/b", "a")],
)
def test_fault_07_names_that_are_one_file_elsewhere_are_rejected(tmp_path: Path, first: str, second: str) -> None:
    message = refusal(make_zip(tmp_path / "a.zip", {first: b"1", second: b"2"}))
    assert "collides with" in message


def test_fault_07_folders_may_be_listed_or_not_and_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as target, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("train/a/1.png", "train/", "train/a/", "train/"):
            target.writestr(name, b"")
    unpack(tmp_path / "a.zip", tmp_path / "out", LIMITS)
    assert (tmp_path / "out/train/a/1.png").is_file()


def test_fault_08_names_that_are_not_utf8_are_refused_readably(tmp_path: Path) -> None:
    path = patched(make_zip(tmp_path / "a.zip", {"train/caf_.png": b"x"}), b"caf_", b"caf\xe9")
    message = refusal(path)
    assert r"caf\xe9" in message.replace("\\\\", "\\")
    assert "not UTF-8" in message


def test_fault_08_utf8_without_its_flag_is_utf8(tmp_path: Path) -> None:
    path = patched(make_zip(tmp_path / "a.zip", {"train/caf__.png": b"x"}), b"caf__", "café".encode())
    unpack(path, tmp_path / "out", LIMITS)
    assert (tmp_path / "out/train/café.png").read_bytes() == b"x"


@pytest.mark.parametrize("name", ["a" * 256, "é" * 128, "/".join(["abc"] * 300)])
def test_fault_08_over_long_names_are_refused(tmp_path: Path, name: str) -> None:
    assert "too long" in refusal(make_zip(tmp_path / "a.zip", {name: b"x"}))


def test_whole_replaces_the_leftovers_of_a_killed_process(tmp_path: Path) -> None:
    leftovers = tmp_path / ".out.partial"
    leftovers.mkdir()
    (leftovers / "old").touch()
    with archive.whole(tmp_path / "out") as folder:
        (folder / "new").touch()
        assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "new"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_whole_leaves_nothing_after_an_error(tmp_path: Path, error: type[BaseException]) -> None:
    def interrupted() -> None:
        with archive.whole(tmp_path / "out") as folder:
            (folder / "half").touch()
            raise error

    with pytest.raises(error):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_failed_build(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"x": b"x"})
    (tmp_path / "file").touch()
    with pytest.raises(BuildFailed, match="cannot be written"):
        unpack(path, tmp_path / "file/below/out", LIMITS)


def test_fuzzed_archives_are_unpacked_or_refused(tmp_path: Path) -> None:
    """Archives with random bytes changed: no other error, and nothing outside the folder."""
    original = io.BytesIO()
    with zipfile.ZipFile(original, "w", zipfile.ZIP_DEFLATED) as target:
        for i in range(4):
            target.writestr(f"train/a/{i}.png", bytes(range(i, 90)) * 4)
    rng = random.Random(0)
    for _ in range(150):
        data = bytearray(original.getvalue())
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / "a.zip").write_bytes(data)
        before = set(tmp_path.iterdir())
        expected = before | {tmp_path / "out"}
        try:
            unpack(tmp_path / "a.zip", tmp_path / "out", LIMITS)
        except BadInput:
            expected = before
        assert set(tmp_path.iterdir()) == expected
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
