"""Finds the images of a two-class data set below a folder, and accounts for everything that is passed over.

`discover` looks for the folders of training and test images, and of validation images where there are some
(`part_names`: what they are called), takes the class names from the folders in them and lists the image files. What
is no image is counted with its reason; what would quietly shift labels is an error.
"""

import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generator.data import filetypes, lookalikes, part_names
from generator.experiment.data_summary import Part
from generator.support.errors import BadInput, printable

_DEPTH = 3  # levels of extra folders an archive may have above train/ and test/
_NEEDED: tuple[Part, ...] = ("train", "test")
_CALLED: dict[Part, str] = {"train": "training images", "validation": "validation images", "test": "test images"}
_SHOWN = 20  # problems or names listed in one message

MACOS = "resource files of macOS"
HIDDEN = "hidden files and folders"
NO_SUFFIX = "files without a suffix"
NOT_READ = "image formats that are not read"
UNNAMED = "%s without the suffix of one"
OTHER = "files that are not images"
SPECIAL = "devices, pipes and sockets"
NESTED = "files in a folder inside a class folder"
BESIDE = "files outside the class folders"

_OTHER_IMAGES = frozenset(
    {".avif", ".heic", ".heif", ".jp2", ".jxl", ".svg", ".psd", ".eps", ".ico", ".tga", ".ppm", ".pgm", ".pbm"}
    | {".raw", ".dng", ".cr2", ".nef", ".arw"}
)

_EXPECTED = "needs the folders train/ and test/, each with a folder per class; valid/ may stand beside them"


@dataclass(frozen=True)
class Found:
    """Where the images of a data set lie."""

    root: Path
    """The folder that holds those of the parts."""
    folders: dict[Part, Path]
    """`train`, `validation` where there is one, and `test` → the folder that holds its class folders."""
    class_names: tuple[str, str]
    """In alphabetical order: the class's index is its label."""
    files: dict[Part, tuple[tuple[Path, int], ...]]
    """For each of `folders` (file, label), in order of class, then natural order of names."""
    ignored: dict[str, int]
    """Reason → number of files passed over."""


def discover(folder: Path, source: str) -> Found:
    """The data set below `folder`, which messages call `source`. Raises `BadInput`."""
    source = printable(source)
    ignored: Counter[str] = Counter()
    try:
        root, folders = _layout(folder, source, ignored)
        shown = {part: f"{printable(path.relative_to(root).as_posix())}/" for part, path in folders.items()}
        classes = {shown[part]: _class_folders(path, shown[part], source, ignored) for part, path in folders.items()}
        names = _class_names(classes, source)
        files, problems = {}, []
        for part, where in shown.items():
            counts: list[Counter[str]] = [Counter(), Counter()]
            listed = [_image_files(classes[where][n], count) for n, count in zip(names, counts, strict=True)]
            files[part] = tuple((path, label) for label, paths in enumerate(listed) for path in paths)
            problems += [
                f"{where}{printable(n)} holds no image{_only(c)}"
                for n, p, c in zip(names, listed, counts, strict=True)
                if not p
            ]
            ignored += sum(counts, Counter())
            problems += [p for paths in listed for path in paths if (p := _file_problem(path, root))]
    except OSError as error:
        raise BadInput(f"{printable(error.filename)}: cannot be read ({error.strerror})") from None
    if problems:
        raise problem_list(source, "files or folders must be mended or removed", problems)
    return Found(root, folders, names, files, dict(sorted(ignored.items())))


def problem_list(source: str, what: str, problems: list[str]) -> BadInput:
    """One error for many problems, one per line; a single one stays on one line."""
    if len(problems) == 1:
        return BadInput(f"{source}: {problems[0]}")
    shown = problems[:_SHOWN]
    if len(problems) > _SHOWN:
        shown.append(f"and {len(problems) - _SHOWN} more")
    return BadInput("\n  ".join([f"{source}: {len(problems)} {what}:", *shown]))


def natural(name: str) -> tuple[list[object], str]:
    """A sorting key by which `2.png` comes before `10.png`."""
    # Splitting by a group alternates text and digits, so that keys compare text with text.
    parts = re.split("([0-9]+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def _layout(folder: Path, source: str, ignored: Counter[str]) -> tuple[Path, dict[Part, Path]]:
    """The one folder at or below `folder` that holds training and test images, and the folder of each part."""
    level, nearest = [folder], folder
    for _ in range(_DEPTH + 1):
        found = {f: part_names.candidates(sub for sub in _entries(f) if sub.is_dir()) for f in level}
        roots = [f for f, parts in found.items() if all(part in parts for part in _NEEDED)]
        if len(roots) > 1:
            raise BadInput(f"{source}: train/ and test/ stand in several folders ({_names(roots)}); name one")
        if roots:
            folders = _one_each(found[roots[0]], source)
            _count_beside(folder, folders.values(), ignored)
            return roots[0], folders
        if nearest == folder:
            nearest = next((f for f, parts in found.items() if parts), folder)
        level = [sub for f in level for sub in _entries(f) if _is_plain_folder(sub)]
    raise BadInput(f"{source}: {_missing(nearest)}")


def _one_each(found: dict[Part, list[Path]], source: str) -> dict[Part, Path]:
    for part, several in found.items():
        if len(several) > 1:
            names = " and ".join(f"{printable(f.name)}/" for f in several)
            raise BadInput(f"{source}: {names} may both hold {_CALLED[part]}; rename the one that does not")
    return {part: _undoubled(several[0], part) for part, several in found.items()}


def _undoubled(folder: Path, part: Part) -> Path:
    """`training_set/training_set/` for `training_set/` that holds no other folder: some archives are packed so."""
    inner = [] if folder.is_symlink() else [f for f in _entries(folder) if _is_plain_folder(f)]
    if len(inner) == 1 and part_names.part(inner[0].name) == part:
        return _undoubled(inner[0], part)
    return folder


def _missing(folder: Path) -> str:
    """What `folder` lacks to be a data set, and what it has."""
    entries = [f for f in _entries(folder) if not _junk(f.name)]
    if len(entries) == 1 and _is_plain_folder(entries[0]) and not part_names.part(entries[0].name):
        return _missing(entries[0])
    found = part_names.candidates(f for f in entries if f.is_dir())
    if found:
        have = ", ".join(f"{printable(f.name)}/ ({_CALLED[part]})" for part in found for f in found[part])
        lacking = " and ".join(_CALLED[part] for part in _NEEDED if part not in found)
        return f"has no folder of {lacking}; {_EXPECTED}; found {have}"
    classes = [f for f in entries if f.is_dir() and _holds_images(f)]
    alone = "class folders alone: " if len(classes) > 1 else ""
    return f"{_EXPECTED}; found {alone}{_names(f'{f.name}/' if f.is_dir() else f.name for f in entries)}"


def _holds_images(folder: Path) -> bool:
    return any(not _junk(f.name) and not _other_kind(f) for f in folder.iterdir())


def _count_beside(folder: Path, parts: Iterable[Path], ignored: Counter[str]) -> None:
    """Count what lies beside the way from `folder` down to the folders of the parts."""
    parts = tuple(parts)
    passed = {f for part in parts for f in part.parents if f.is_relative_to(folder)}
    way = {*passed, *parts}
    for entry in (entry for f in sorted(passed) for entry in _entries(f) if entry not in way):
        _pass_over(entry, BESIDE, ignored)


def _class_folders(folder: Path, where: str, source: str, ignored: Counter[str]) -> dict[str, Path]:
    """Name in Unicode's composed form → folder of each class in the folder of one part, which messages call `where`.

    macOS writes é as two characters, other systems as one: canonically equivalent names are one name, as Unicode
    has it. Any other difference is one.
    """
    links = [f for f in (folder, *_entries(folder)) if f.is_symlink()]
    if links:
        names = ", ".join(printable(link.relative_to(folder.parent)) for link in links)
        raise BadInput(f"{source}: {names}: symbolic links; put the folders themselves there")
    classes: dict[str, Path] = {}
    for entry in _entries(folder):
        if _is_plain_folder(entry):
            name = unicodedata.normalize("NFC", entry.name)
            if name in classes:
                raise BadInput(f"{source}: {where}: {_alike(classes[name].name, entry.name)}; put them together")
            classes[name] = entry
        else:
            _pass_over(entry, BESIDE, ignored)
    if not classes and _holds_images(folder):
        raise BadInput(
            f"{source}: {where} holds images in no class folder; give each class a folder of its own, as in {where}cat/"
        )
    return classes


def _class_names(classes: dict[str, dict[str, Path]], source: str) -> tuple[str, str]:
    """The classes, which all parts must have; `classes` is a part's folder as messages call it → name → folder."""
    places: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys(name for folders in classes.values() for name in folders):
        places.setdefault(tuple(where for where in classes if name in classes[where]), []).append(name)
    everywhere = places.pop(tuple(classes), [])
    if places:
        only = [f"only in {_joined(where)}: {_names(names)}" for where, names in places.items()]
        partial = sorted(name for names in places.values() for name in names)
        only += [_alike(one, other) for one, other in _lookalikes(partial, partial)]
        raise BadInput(f"{source}: {_joined(classes)} must hold the same classes; {'; '.join(only)}")
    if len(everywhere) != 2:
        listed = [_names(everywhere), *(_alike(one, other) for one, other in _lookalikes(everywhere, everywhere))]
        raise BadInput(
            f"{source}: needs two class folders in {_joined(classes)}, found {len(everywhere)}: {'; '.join(listed)}"
        )
    first, second = sorted(everywhere)
    if lookalikes.indistinguishable(first, second):
        raise BadInput(f"{source}: {_alike(first, second)}; rename one, or put them together if they are one class")
    if bad := [name for name in (first, second) if _is_unusable(name)]:
        raise BadInput(f"{source}: class names must be UTF-8 without control characters; rename {_names(bad)}")
    return first, second


def _lookalikes(names: Iterable[str], others: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs, of a name and one of `others`, that look alike, each once and a few at most."""
    pairs = {(min(a, b), max(a, b)) for a in names for b in others if lookalikes.difference(a, b)}
    return sorted(pairs)[:3]


def _alike(one: str, other: str) -> str:
    names = f"{lookalikes.escaped(one)} and {lookalikes.escaped(other)}"
    return f"{names} differ only {lookalikes.difference(one, other)}"


def _image_files(folder: Path, ignored: Counter[str]) -> list[Path]:
    """The image files of a class in natural order; dangling links among them."""
    files = []
    for entry in _entries(folder):
        reason = _junk(entry.name) or _other_kind(entry)
        if reason:
            _pass_over(entry, reason, ignored)
        else:
            files.append(entry)
    return files


def _only(passed_over: Counter[str]) -> str:
    """What a class without images holds instead."""
    listed = ", ".join(f"{reason}: {count}" for reason, count in sorted(passed_over.items()))
    return f" (passed over: {listed})" if listed else ""


def _file_problem(path: Path, root: Path) -> str | None:
    name = printable(path.relative_to(root))
    if not path.exists():
        return f"{name}: a link to a file that does not exist"
    if _is_unusable(path.name):
        return f"{name}: names must be UTF-8 without control characters"
    return None


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir(), key=lambda path: natural(path.name))


def _is_plain_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not _junk(path.name)


def _junk(name: str) -> str | None:
    """Why a file or folder of that name is never data."""
    if name == "__MACOSX" or name.startswith("._"):
        return MACOS
    if name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini"):
        return HIDDEN
    return None


def _other_kind(path: Path) -> str | None:
    """Why the entry of a class folder is not an image file; None for images and dangling links."""
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


def _pass_over(path: Path, reason: str, ignored: Counter[str]) -> None:
    """Count a file, or all the files in a folder, as ignored."""
    count = 1
    if path.is_dir() and not path.is_symlink():
        count = sum(len(files) for _, _, files in os.walk(path))
    if count:
        ignored[_junk(path.name) or reason] += count


def _is_unusable(name: str) -> bool:
    """Whether a name cannot stand in a text file's line: control characters, or bytes that are not UTF-8."""
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in name)


def _joined(folders: Iterable[str]) -> str:
    """`train/, valid/ and test/`."""
    *first, last = folders
    return f"{', '.join(first)} and {last}" if first else last


def _names(names: Iterable[object]) -> str:
    """Names in one line, at most twenty, sorted."""
    listed = sorted(printable(name) for name in names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return (", ".join(listed[:_SHOWN]) or "nothing") + more
