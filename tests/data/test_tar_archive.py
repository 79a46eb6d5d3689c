"""Tar archives are held to the rules of zip archives, and to more, because tarfile mends more."""

import bz2
import gzip
import io
import os
import random
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.data.archives.archive import Limits
from generator.support.errors import BadInput
from tests.data.test_archive import LIMITS, refusal, unpack

PHOTO = os.urandom(3_000)


def make_tar(path: Path, members: dict[str, bytes], mode: str = "w:gz", form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, mode, format=form) as target:
        for name, content in members.items():
            add(target, name, content)
    return path


def add(target: tarfile.TarFile, name: str, content: bytes = b"", **fields: object) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    if name.endswith("/"):
        info.type = tarfile.DIRTYPE
    for field, value in fields.items():
        setattr(info, field, value)
    target.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize(("suffix", "mode"), [("tar", "w"), ("tar.gz", "w:gz"), ("tgz", "w:gz"), ("tar.bz2", "w:bz2")])
def test_fault_68_members_are_unpacked_as_they_were_packed(tmp_path: Path, suffix: str, mode: str, form: int) -> None:
    long = f"train/{'a' * 90}/{'b' * 90}.png" if form != tarfile.USTAR_FORMAT else "train/c.png"
    members = {"train/a/1.png": b"one", "train/b/ü.png": os.urandom(3_000_000), "empty/": b"", "x": b"", long: PHOTO}
    unpack(make_tar(tmp_path / f"a.{suffix}", members, mode, form), tmp_path / "out", LIMITS)
    files = {p.relative_to(tmp_path / "out").as_posix(): p for p in (tmp_path / "out").rglob("*")}
    assert files["empty"].is_dir()
    assert {name: p.read_bytes() for name, p in files.items() if p.is_file()} == {
        name: content for name, content in members.items() if name != "empty/"
    }


def test_names_as_tar_itself_writes_them_are_plain(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tgz", {"./": b"", "./train/": b"", "./train/1.png": PHOTO, "./train/._1.png": b""})
    unpack(path, tmp_path / "out", LIMITS)
    assert (tmp_path / "out/train/1.png").read_bytes() == PHOTO


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "C:/evil", "..\\evil", "a//b", "././a", ".."])
def test_fault_04_path_traversal_is_rejected(tmp_path: Path, name: str) -> None:
    path = make_tar(tmp_path / "a.tar", {"train/a/1.png": b"x", name: b"evil"}, "w")
    assert name.removeprefix("./") in refusal(path).replace("\\\\", "\\")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"]
)
def test_fault_05_links_and_devices_are_rejected(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as target:
        add(target, "train/1.png", PHOTO)
        add(target, "train/link.png", type=kind, linkname="/etc/passwd")
    message = refusal(tmp_path / "a.tar")
    assert "train/link.png: a link or device" in message


def test_fault_06_bombs_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tgz", {"zeros.bmp": bytes(20_000_000)})
    assert "data.max_ratio = 200" in refusal(path)
    assert "data.max_bytes = 1e+06" in refusal(path, Limits(1000, 1_000_000, 1e9))


def test_fault_06_a_bomb_behind_the_end_is_not_unpacked_either(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", {"1.png": PHOTO}, "w")
    (tmp_path / "a.tgz").write_bytes(gzip.compress(path.read_bytes() + bytes(20_000_000)))
    assert "data.max_ratio" in refusal(tmp_path / "a.tgz")


def test_fault_06_a_header_that_announces_a_long_name_is_not_read(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 30_000_000
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(30_000_000))
    assert "a header of 30000128 bytes" in refusal(tmp_path / "a.tar")


def test_fault_06_entries_are_capped_and_counted(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", {str(i): b"x" for i in range(20)}, "w")
    assert refusal(path, Limits(19, 10**9, 200)).endswith("raise the limit: --set data.max_entries=20")
    unpack(path, tmp_path / "out", Limits(20, 20, 200))


@pytest.mark.parametrize(("first", "second"), [("a.png", "a.png"), ("a.png", "A.png"), ("é", "e\u0301"), ("a", "a/b")])
def test_fault_07_names_that_are_one_file_are_rejected(tmp_path: Path, first: str, second: str) -> None:
    assert "collides with" in refusal(make_tar(tmp_path / "a.tgz", {first: b"1"} | {f"./{second}": b"2"}))


def test_fault_08_names_that_are_not_utf8_are_refused_readably(tmp_path: Path) -> None:
    path = make_tar(tmp_path / "a.tar", {"train/caf_.png": b"x"}, "w", tarfile.USTAR_FORMAT)
    data = bytearray(path.read_bytes())
    data[9] = 0xE9
    data[148:156] = b"%06o\0 " % (sum(data[:148]) + 8 * 32 + sum(data[156:512]))
    path.write_bytes(data)
    assert "its name is not UTF-8" in refusal(path)


def test_fault_01_and_02_damage_is_named(tmp_path: Path) -> None:
    plain = make_tar(tmp_path / "a.tar", {f"{i}.png": os.urandom(700) for i in range(9)}, "w").read_bytes()
    packed = gzip.compress(plain)
    flipped = bytearray(packed)
    flipped[len(flipped) // 2] ^= 255
    header = bytearray(plain)
    header[3 * 1536] ^= 255  # the fourth member's name no longer fits its sum: tarfile takes that for the end
    cases = {
        "cut.tgz": packed[: len(packed) // 2],
        "sum.tgz": packed[:-5] + bytes([packed[-5] ^ 255]) + packed[-4:],
        "flipped.tgz": bytes(flipped),
        "header.tar": bytes(header),
        "cut.tar": plain[: 2 * 1536],
        "inside.tar": plain[: 2 * 1536 + 900],
        "cut.tar.bz2": bz2.compress(plain)[:-20],
        "noise.tgz": gzip.compress(b"\1" * 700),
        "first.tgz": gzip.compress(b"BM" + plain[2:]),
    }
    (tmp_path / "a.tar").unlink()
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        message = refusal(tmp_path / name)
        assert "damaged" in message, (name, message)
        (tmp_path / name).unlink()


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\3\4" + bytes(700), "a zip archive"),
        (b"\x89PNG\r\n\x1a\n" + bytes(700), "a PNG image"),
        (gzip.compress(b"x"), "a file compressed by gzip"),
        (b"file,label\n1.png,cat\n", "a text file"),
    ],
)
def test_what_is_compressed_and_no_tar_archive_is_named(
    tmp_path: Path, compress: Callable[[bytes], bytes], content: bytes, what: str
) -> None:
    (tmp_path / "a.gz").write_bytes(compress(content))
    expected = "unpack it once, or pack the images as .zip or .tar.gz"
    assert refusal(tmp_path / "a.gz") == f"{tmp_path / 'a.gz'}: holds {what}, not a tar archive; {expected}"


@pytest.mark.parametrize("seed", range(2))
def test_fuzzed_archives_are_unpacked_or_refused(tmp_path: Path, seed: int) -> None:
    """Archives with random bytes changed: no other error, and nothing outside the folder."""
    original = make_tar(tmp_path / "o.tar", {f"train/a/{i}.png": bytes(range(i, 90)) * 4 for i in range(4)}, "w")
    plain = original.read_bytes()
    original.unlink()
    rng = random.Random(seed)
    for _ in range(120):
        data = bytearray(plain if seed else gzip.compress(plain))
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(min(len(data), 4096))] = rng.randrange(256)
        (tmp_path / "a.tar").write_bytes(data)
        expected = {tmp_path / "a.tar", tmp_path / "out"}
        try:
            unpack(tmp_path / "a.tar", tmp_path / "out", LIMITS)
        except BadInput:
            expected.remove(tmp_path / "out")
        assert set(tmp_path.iterdir()) == expected
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
