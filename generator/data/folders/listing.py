"""Looks at files and folders: which are images of a data set, and why the others are passed over.

`images` lists those of one folder; `pass_over` counts what is left out, by its reason.
"""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from generator.data import filetypes
from generator.support.errors import BadInput, printable

SHOWN = 20
"""Problems or names listed in one message."""

MACOS = "resource files of macOS"
HIDDEN = "hidden files and folders"
NO_SUFFIX = "files without a suffix"
NOT_READ = "image formats that are not read"
UNNAMED = "%s without the suffix of one"
OTHER = "files that are not images"
SPECIAL = "devices, pipes and sockets"
NESTED = "files in a folder inside a class folder"
BESIDE = "files outside the class folders"
UNLABELLED = "images without a class"

_OTHER_IMAGES = frozenset(
    {".avif", ".heic", ".heif", ".jp2", ".jxl", ".svg", ".psd", ".eps", ".ico", ".tga", ".ppm", ".pgm", ".pbm"}
    | {".raw", ".dng", ".cr2", ".nef", ".arw"}
)
_OF_SYSTEMS = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information", "lost+found", "@eadir"}
)
"""What Windows, Linux and network storage leave behind, in small letters; the last holds thumbnails of all images."""


def natural(name: str) -> tuple[list[object], str]:
    """A sorting key by which `2.png` comes before `10.png`."""
    # Splitting by a group alternates text and digits, so that keys compare text with text.
    parts = re.split("([0-9]+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def entries(folder: Path) -> list[Path]:
    """What lies in `folder`, in natural order."""
    return sorted(folder.iterdir(), key=lambda path: natural(path.name))


def folders(folder: Path) -> list[Path]:
    """The folders in `folder`, links to folders among them, nothing hidden."""
    return [entry for entry in entries(folder) if entry.is_dir() and not junk(entry.name)]


def plain_folders(folder: Path) -> list[Path]:
    """The folders in `folder` that may hold data: no links, nothing hidden."""
    return [entry for entry in entries(folder) if is_plain_folder(entry)]


def is_dangling(path: Path) -> bool:
    """Whether `path` is a link to what is not there."""
    return path.is_symlink() and not path.exists()


def is_plain_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not junk(path.name)


def images(
    folder: Path, ignored: Counter[str], otherwise: str | None = None, *, nested: bool = False
) -> tuple[Path, ...]:
    """The image files in `folder`, in natural order, dangling links among them; the rest counts as `ignored`.

    With `nested` also those in folders within it. Else `otherwise` is the reason for which these are passed over.
    """
    files: list[Path] = []
    for entry in entries(folder):
        reason = junk(entry.name) or other_kind(entry)
        if nested and reason == NESTED and not entry.is_symlink():
            files += images(entry, ignored, nested=True)
        elif reason:
            pass_over(entry, otherwise if otherwise and reason == NESTED else reason, ignored)
        else:
            files.append(entry)
    return tuple(files)


def holds_images(folder: Path, *, nested: bool = False) -> bool:
    """Whether an image lies directly in `folder` or, with `nested`, in a folder within it."""
    inner = plain_folders(folder) if nested else []
    return any(is_image(entry) for entry in folder.iterdir()) or any(holds_images(sub, nested=True) for sub in inner)


def is_image(path: Path) -> bool:
    """Whether `path` is taken for an image of a data set; its suffix is asked first, which opens no file."""
    return not junk(path.name) and not other_kind(path)


def junk(name: str) -> str | None:
    """Why a file or folder of that name is never data."""
    if name == "__MACOSX" or name.startswith("._"):
        return MACOS
    if name.startswith(".") or name.casefold() in _OF_SYSTEMS:
        return HIDDEN
    return None


def other_kind(path: Path) -> str | None:
    """Why a file or folder is not an image file; None for images and dangling links."""
    try:
        mode = path.stat().st_mode
    except OSError:
        if path.is_symlink():
            return None
        raise
    if stat.S_ISDIR(mode):
        return NESTED
    if not stat.S_ISREG(mode):
        return SPECIAL
    if filetypes.accepted(path.suffix):
        return None
    found = filetypes.kind_of(path)
    if found and found is not filetypes.TEXT:
        return _passed_over(found)
    if not path.suffix:
        return NO_SUFFIX
    return NOT_READ if path.suffix.lower() in _OTHER_IMAGES else OTHER


def _passed_over(kind: filetypes.Kind) -> str:
    """The reason, in the plural, for which files of that kind are no images of the data set."""
    if filetypes.reads(kind):
        return UNNAMED % kind.plural
    return f"{kind.plural}, {kind.mend}" if kind in (filetypes.HEIC, filetypes.AVIF) else kind.plural


def pass_over(path: Path, reason: str, ignored: Counter[str]) -> None:
    """Count a file, or all the files in a folder, as ignored."""
    count = 1
    if path.is_dir() and not path.is_symlink():
        count = sum(len(files) for _, _, files in os.walk(path))
    if count:
        ignored[junk(path.name) or reason] += count


def counted(path: Path, reason: str) -> Counter[str]:
    """What `pass_over` counts."""
    found: Counter[str] = Counter()
    pass_over(path, reason, found)
    return found


def pass_over_beside(folder: Path, taken: Iterable[Path], ignored: Counter[str]) -> None:
    """Count what lies beside the way from `folder` down to the folders `taken`."""
    taken = tuple(taken)
    passed = {f for path in taken for f in path.parents if f.is_relative_to(folder)}
    way = {*passed, *taken}
    for entry in (entry for f in sorted(passed) for entry in entries(f) if entry not in way):
        pass_over(entry, BESIDE, ignored)


def file_problem(path: Path, root: Path) -> str | None:
    """What is wrong with an image file before it is opened."""
    name = printable(path.relative_to(root))
    if not path.exists():
        return f"{name}: a link to a file that does not exist"
    if any(map(is_unusable, path.relative_to(root).parts)):
        return f"{name}: names must be UTF-8 without control characters"
    return None


def is_unusable(name: str) -> bool:
    """Whether a name cannot stand in a text file's line: control characters, or bytes that are not UTF-8."""
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in name)


def problem_list(source: str, what: str, problems: list[str]) -> BadInput:
    """One error for many problems, one per line; a single one stays on one line."""
    if len(problems) == 1:
        return BadInput(f"{source}: {problems[0]}")
    shown = problems[:SHOWN]
    if len(problems) > SHOWN:
        shown.append(f"and {len(problems) - SHOWN} more")
    return BadInput("\n  ".join([f"{source}: {len(problems)} {what}:", *shown]))


def joined(names: Iterable[str]) -> str:
    """`train/, valid/ and test/`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def listed(names: Iterable[object]) -> str:
    """Names in one line, at most twenty, sorted."""
    shown = sorted(printable(name) for name in names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return (", ".join(shown[:SHOWN]) or "nothing") + more
