"""Says what a file is by its first bytes, and which image files are read.

`kind` names the content, whatever the suffix says; `accepted` tells whether a suffix is one of an image that is read
here: AVIF depends on how Pillow was built, HEIC on the package pillow-heif.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import features

HEAD = 1024
"""Bytes from the beginning of a file by which `kind` tells what it is."""

_ALWAYS = {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff"}
_HEIF = {".heic", ".heif", ".hif"}


@dataclass(frozen=True)
class Kind:
    """What a file is."""

    name: str
    """With its article: `a PDF document`."""
    plural: str
    mend: str = "which is not read; save it as PNG or JPEG, or remove it"
    """What can be done where it is not read."""


def _image(name: str, article: str = "a") -> Kind:
    return Kind(f"{article} {name} image", f"{name} images")


def _video(name: str) -> Kind:
    return Kind(
        f"a video ({name})", f"videos ({name})", "which is not read; take single pictures from it, or remove it"
    )


JPEG, PNG, GIF, BMP, TIFF, WEBP = map(_image, ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WebP"))
AVIF = Kind("an AVIF image", "AVIF images", "not read by this build of Pillow; save it as PNG or JPEG")
HEIC = Kind(
    "a HEIC image", "HEIC images", "readable with pillow-heif only: pip install pillow-heif, or save it as JPEG"
)
WEB_PAGE = Kind("a web page", "web pages", "")
TEXT = Kind("a text file", "text files", "not an image; remove it")
_READ = frozenset({JPEG, PNG, GIF, BMP, TIFF, WEBP})

_RAW = Kind("a camera's raw photograph", "raw photographs", "which is not read; develop it and save it as PNG or JPEG")
_PACKED = Kind("an archive", "archives", "which is not looked into here; unpack it")
_DOCUMENT = "not an image; save its pictures as PNG or JPEG, or remove it"
_DATA = "not an image; remove it"

_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"BM", BMP),
    (b"IIRO", _RAW),
    (b"IIRS", _RAW),
    (b"IIU\0", _RAW),
    (b"FUJIFILMCCD-RAW", _RAW),
    (b"FOVb", _RAW),
    (b"II\xbc", _image("JPEG XR")),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"\xff\x0a", _image("JPEG XL")),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _image("JPEG XL")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", _image("JPEG 2000")),
    (b"\xff\x4f\xff\x51", _image("JPEG 2000")),
    (b"8BPS", _image("Photoshop")),
    (b"gimp xcf", _image("GIMP")),
    (b"\x76\x2f\x31\x01", _image("OpenEXR", "an")),
    (b"#?RADIANCE", _image("Radiance HDR")),
    (b"DDS ", _image("DDS")),
    (b"qoif", _image("QOI")),
    (b"icns", _image("icon", "an")),
    (b"\0\0\1\0", _image("icon", "an")),
    (b"SIMPLE  =", _image("FITS")),
    (b"%PDF", Kind("a PDF document", "PDF documents", _DOCUMENT)),
    (b"%!PS", Kind("a PostScript document", "PostScript documents", _DOCUMENT)),
    (b"\xd0\xcf\x11\xe0", Kind("an Office document", "Office documents", _DOCUMENT)),
    (b"\x1a\x45\xdf\xa3", _video("Matroska or WebM")),
    (b"\0\0\1\xba", _video("MPEG")),
    (b"\0\0\1\xb3", _video("MPEG")),
    (b"FLV\1", _video("Flash")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", _video("Windows Media")),
    (b"PK\3\4", _PACKED),
    (b"\x1f\x8b", _PACKED),
    (b"7z\xbc\xaf\x27\x1c", _PACKED),
    (b"Rar!", _PACKED),
    (b"\x93NUMPY", Kind("a NumPy array", "NumPy arrays", _DATA)),
    (b"\x89HDF", Kind("an HDF5 file", "HDF5 files", _DATA)),
    (b"MATLAB 5.0", Kind("a MATLAB file", "MATLAB files", _DATA)),
    (
        b"version https://git-lfs",
        Kind("a Git LFS pointer", "Git LFS pointers", "not the image itself; run git lfs pull"),
    ),
)

_BRANDS: dict[bytes, Kind] = {
    **dict.fromkeys((b"avif", b"avis"), AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), HEIC),
    b"crx ": _RAW,
}
"""Brands of the ISO base media file format (ISO/IEC 14496-12, `ftyp`), whose other users are videos."""
_GENERAL = (b"mif1", b"msf1", b"miaf")
"""Brands of any image in that format; the compatible brands then tell which."""

_RIFF = {b"WEBP": WEBP, b"AVI ": _video("AVI")}


def kind(head: bytes) -> Kind | None:
    """What a file is that begins with `head` (its first `HEAD` bytes, or all of it); None where that is not known."""
    for tell in (_by_container, _by_start, _by_text):
        found = tell(head)
        if found:
            return found
    return None


def kind_of(path: Path) -> Kind | None:
    """What the file at `path` is; None too where it cannot be read."""
    try:
        with path.open("rb") as stream:
            return kind(stream.read(HEAD))
    except OSError:
        return None


def decoder(head: bytes) -> str | None:
    """The package beside Pillow that decodes a file beginning with `head`; None too where it is not installed."""
    # Most files are told by their first bytes; this is asked of every file of a data set.
    return "pillow-heif" if head[4:8] == b"ftyp" and kind(head) is HEIC and reads(HEIC) else None


def accepted(suffix: str) -> bool:
    """Whether files with this suffix (`.JPG`) are taken for images to be read; their content decides how."""
    suffix = suffix.lower()
    return suffix in _ALWAYS or (suffix == ".avif" and reads(AVIF)) or (suffix in _HEIF and reads(HEIC))


@cache
def reads(what: Kind) -> bool:
    """Whether images of this kind are read on this machine."""
    return what in _READ or (what is AVIF and features.check("avif") is True) or (what is HEIC and _has_heif())


@cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the decoders that are tried.

    Others (PostScript, icons, …) would only be reached by hostile files. Registers pillow-heif's, where it is there.
    """
    names = ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"]
    if reads(AVIF):
        names.append("AVIF")
    if reads(HEIC):
        import pillow_heif  # Optional, and late: it loads a library of some megabytes.

        pillow_heif.register_heif_opener()
        names.append("HEIF")
    return tuple(names)


def _has_heif() -> bool:
    return find_spec("pillow_heif") is not None


def _by_container(head: bytes) -> Kind | None:
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[:4] in (b"II*\0", b"MM\0*") and head[8:10] == b"CR":
        return _RAW
    if head[128:132] == b"DICM":
        return _image("DICOM")
    if head[4:8] != b"ftyp":
        return None
    length = min(int.from_bytes(head[:4], "big"), len(head))
    major, *compatible = (head[i : i + 4] for i in (8, *range(16, length - 3, 4)))
    if major in _GENERAL:
        return next((_BRANDS[brand] for brand in compatible if brand in _BRANDS), HEIC)
    return _BRANDS.get(major, _video("MP4 or QuickTime"))


def _by_start(head: bytes) -> Kind | None:
    return next((found for start, found in _STARTS if head.startswith(start)), None)


def _by_text(head: bytes) -> Kind | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"<":
        return _image("SVG", "an") if b"<svg" in head.lower() else WEB_PAGE
    if re.match(rb"P[1-7][\s#]", text):
        return _image("Netpbm")
    printed = all(byte >= 32 or byte in b"\t\n\r\f" for byte in head)
    return TEXT if len(text) >= 8 and printed and _decodes(head) else None


def _decodes(head: bytes) -> bool:
    try:
        head[: max(1, len(head) - 3)].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 7  # a character cut in two at the end
    return True
