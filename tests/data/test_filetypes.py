"""Files are named for what they are, whatever their suffix says."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from generator import cli
from generator.build import plan as planning
from generator.data import dataset, decoding, filetypes
from generator.data.filetypes import HEIC, kind
from generator.data.folders import listing
from generator.experiment.config.settings import DataSettings
from tests import fakes
from tests.data.test_decoding import decoded, encoded

PICTURE = Image.fromarray(
    np.kron(np.arange(0, 240, 10, dtype=np.uint8).reshape(2, 4, 3), np.ones((16, 16, 1), np.uint8))
)


def box(major: bytes, *compatible: bytes) -> bytes:
    """The beginning of a file of the ISO base media format."""
    brands = major + bytes(4) + b"".join(compatible)
    return (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands + bytes(40)


HEADS = {
    "a HEIC image": [box(b"heic", b"mif1"), box(b"mif1", b"heic"), box(b"msf1"), box(b"heix"), box(b"mif1", b"miaf")],
    "an AVIF image": [box(b"avif", b"mif1"), box(b"mif1", b"avif"), box(b"avis", b"msf1")],
    "a video (MP4 or QuickTime)": [box(b"isom", b"mp41"), box(b"qt  "), box(b"M4V ")],
    "a video (Matroska or WebM)": [b"\x1a\x45\xdf\xa3" + bytes(30)],
    "a video (AVI)": [b"RIFF\0\0\0\0AVI LIST"],
    "a camera's raw photograph": [box(b"crx "), b"II*\0\x10\0\0\0CR\2\0", b"FUJIFILMCCD-RAW 0201", b"IIRO\x08\0"],
    "a JPEG XL image": [b"\xff\x0a\xfa\x7f", b"\0\0\0\x0cJXL \r\n\x87\n"],
    "a JPEG 2000 image": [b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51\0"],
    "an SVG image": [b'<?xml version="1.0"?>\n<svg xmlns=', b"<svg>", b"\xef\xbb\xbf\n<SVG "],
    "a web page": [b"<!DOCTYPE html><html>", b"  <html>", b"\xef\xbb\xbf<html>"],
    "a Photoshop image": [b"8BPS\0\1"],
    "a DICOM image": [bytes(128) + b"DICM"],
    "a PDF document": [b"%PDF-1.7\n"],
    "an archive": [b"PK\3\4", b"\x1f\x8b\x08", b"Rar!\x1a"],
    "a Git LFS pointer": [b"version https://git-lfs.github.com/spec/v1\noid sha256:00"],
    "a text file": [b"label,name\n1,cat\n", "Nachtrag: größer als é\n".encode()],
}
NOT_IMAGES = [(name, head) for name, heads in HEADS.items() for head in heads]


@pytest.mark.parametrize(("name", "head"), NOT_IMAGES, ids=[name for name, _ in NOT_IMAGES])
def test_fault_65_a_file_is_named_by_its_first_bytes(name: str, head: bytes) -> None:
    found = kind(head)
    assert found is not None
    assert found.name == name
    if not filetypes.reads(found):
        with pytest.raises(decoding.BadImage, match=f"^{re.escape(name)}") as caught:
            decoded(head)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("head", [b"", b"\0" * 99, b"GIF?", b"abc", bytes(range(200)), b"\xff\xfe\xfd" * 9])
def test_fault_65_what_is_not_known_is_not_guessed(head: bytes) -> None:
    assert kind(head) is None


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "AVIF"])
def test_fault_65_what_is_read_is_known_too(file_format: str) -> None:
    found = kind(encoded(PICTURE, file_format)[: filetypes.HEAD])
    assert found is not None
    assert found.plural.upper() == f"{file_format} IMAGES"


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
@pytest.mark.parametrize("suffix", [".avif", ".jpg"])
def test_fault_65_avif_is_read_under_any_suffix(tmp_path: Path, suffix: str) -> None:
    project = fakes.make_project(tmp_path)
    path = project.data / f"train/camel/1{suffix}"
    path.write_bytes(encoded(PICTURE, "AVIF", quality=95))
    names = [sample.name for sample in dataset.find(DataSettings(path=str(project.data)), tmp_path).train]
    assert f"train/camel/1{suffix}" in names
    expected = np.asarray(PICTURE.resize((8, 8), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(decoded(path.read_bytes()).pixels - expected).max() < 16


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(filetypes, "find_spec", lambda package: None)
    filetypes.reads.cache_clear()
    filetypes.formats.cache_clear()
    yield
    filetypes.reads.cache_clear()
    filetypes.formats.cache_clear()


@pytest.mark.usefixtures("without_heif")
def test_fault_65_a_heic_named_jpg_says_what_it_is_and_what_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = fakes.make_project(tmp_path)
    (project.data / "train/camel/1.jpg").write_bytes(box(b"heic", b"mif1"))
    fakes.install(monkeypatch.setattr)
    assert cli.main(project.arguments()) == 2
    error = capsys.readouterr().err
    assert "animals: train/camel/1.jpg: a HEIC image, readable with pillow-heif only: pip install pillow-heif" in error


@pytest.mark.usefixtures("without_heif")
def test_fault_65_what_is_passed_over_is_counted_by_what_it_is(tmp_path: Path) -> None:
    project = fakes.make_project(tmp_path)
    files = {
        "1.heic": box(b"heic"), "2.HEIC": box(b"heic"), "a.mov": box(b"qt  "), "b.pdf": b"%PDF-1.4", "c": b"%PDF-1.4",
        "d.data": encoded(PICTURE), "readme.txt": b"These are camels.\n", "e.nef": b"", "f": b"",
    }  # fmt: skip
    for name, content in files.items():
        (project.data / "train/camel" / name).write_bytes(content)
    assert dataset.find(DataSettings(path=str(project.data)), tmp_path).ignored == {
        f"HEIC images, {HEIC.mend}": 2,
        "videos (MP4 or QuickTime)": 1,
        "PDF documents": 2,
        "PNG images without the suffix of one": 1,
        listing.OTHER: 1,
        listing.NOT_READ: 1,
        listing.NO_SUFFIX: 1,
    }


@pytest.mark.usefixtures("without_heif")
def test_fault_65_a_class_of_heic_files_alone_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = fakes.make_project(tmp_path)
    for path in (project.data / "test/camel").iterdir():
        path.write_bytes(box(b"heic"))
        path.rename(path.with_suffix(".heic"))
    assert cli.main(project.arguments()) == 2
    error = capsys.readouterr().err
    assert "test/camel holds no image (passed over: HEIC images, readable with pillow-heif only" in error


def test_fault_65_heic_is_accepted_and_its_package_a_part_of_the_key_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filetypes, "find_spec", lambda package: package)
    monkeypatch.setattr(planning, "version", lambda package: f"version of {package}")
    filetypes.reads.cache_clear()
    try:
        project = fakes.make_project(tmp_path)
        assert "package pillow-heif" not in pixels_key(project)
        (project.data / "train/camel/0.HEIC").write_bytes(box(b"heic"))
        assert pixels_key(project)["package pillow-heif"] == "version of pillow-heif"
    finally:
        filetypes.reads.cache_clear()


def pixels_key(project: fakes.Project) -> Any:
    """What the pixels' outcome depends on."""
    return project.plan().runs["baseline"]["pixels"].key.parts


@pytest.mark.parametrize("suffix", [".jpe", ".JFIF", ".mpo", ".apng", ".dib", ".png", ".tiff"])
def test_fault_65_rarer_suffixes_of_what_is_read_are_accepted(suffix: str) -> None:
    assert filetypes.accepted(suffix)


@pytest.mark.parametrize(
    ("suffix", "file_format", "options"),
    [
        (".jfif", "JPEG", {"quality": 95}),
        (
            ".mpo",
            "MPO",
            {"quality": 95, "save_all": True, "append_images": [PICTURE.transpose(Image.Transpose.ROTATE_180)]},
        ),
        (".webp", "WEBP", {"lossless": True}),
        (".tif", "TIFF", {"compression": "tiff_lzw"}),
        (".dib", "BMP", {}),
        (".apng", "PNG", {}),
    ],
)
def test_fault_65_rarer_files_are_read_as_what_they_show(
    tmp_path: Path, suffix: str, file_format: str, options: dict[str, Any]
) -> None:
    project = fakes.make_project(tmp_path)
    path = project.data / f"train/camel/0{suffix}"
    path.write_bytes(encoded(PICTURE, file_format, **options))
    found = dataset.find(DataSettings(path=str(project.data)), tmp_path)
    assert found.train[0].path == path
    result = decoded(path.read_bytes())
    expected = np.asarray(PICTURE.resize((8, 8), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(result.pixels - expected).max() < 16
    assert result.notes == ()


def test_fault_65_avif_has_a_message_where_pillow_lacks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda name: False)
    filetypes.reads.cache_clear()
    filetypes.formats.cache_clear()
    try:
        assert not filetypes.accepted(".avif")
        with pytest.raises(decoding.BadImage, match="an AVIF image, not read by this build"):
            decoded(encoded(PICTURE, "AVIF"))
    finally:
        filetypes.reads.cache_clear()
        filetypes.formats.cache_clear()
