"""Where the images come from: drawn, a folder, an unpacked archive, a download, or an address.

`locate` reads `data.path` and says where the folder is or will be; `obtain` makes it in the store if it is
not there as it was made. A folder in the store appears whole or not at all, and beside it stands the
fingerprint of all its files, so that one damaged later is made again and never trained on.
"""

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
import PIL

from generator.data import fetched
from generator.data.archives import archive
from generator.data.drawn import sample
from generator.data.folders import listing
from generator.data.listed import Progress
from generator.experiment.config.settings import DataSettings
from generator.experiment.data_summary import Kind
from generator.support import lock
from generator.support.addresses import is_address, name_of
from generator.support.errors import BadInput, choices, encodable, printable
from generator.support.files import DISK_FULL, file_hash, replacing

MEASURE = "measure"
"""Folder of the drawings to measure with."""
_KAGGLE = re.compile(r"kaggle:([\w-]+/[\w.-]+)", re.ASCII)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """Where a data set comes from."""

    source: str
    """What the user named, without folders."""
    kind: Kind
    folder: Path
    make: Callable[[Path], None] | None = None
    """Fills an empty folder, which becomes `folder`; None where `folder` is not the project's own."""
    used: Callable[[], None] = lambda: None
    """Called when `folder` is there, made or found as it was made."""


class Hashed(Protocol):
    """A file that was read."""

    @property
    def path(self) -> Path: ...

    @property
    def digest(self) -> str:
        """SHA-256 of its bytes."""
        ...


class Read(Protocol):
    """What reading a folder gives."""

    @property
    def samples(self) -> Iterable[Hashed]: ...


Content = TypeVar("Content", bound=Read)


def locate(settings: DataSettings, store: Path, progress: Progress | None = None, copy: bool | None = True) -> Origin:
    """The origin that `settings.path` names; from Kaggle it downloads, the rest `obtain` makes. Raises `BadInput`.

    What `copy` decides of a folder at an address, `fetched.find` tells.
    """
    if settings.path == "sample":
        return _sample(settings, store)
    if settings.path.startswith("kaggle:"):
        return Origin(settings.path, "kaggle", _downloaded(settings.path))
    if is_address(settings.path):
        found = fetched.find(settings.path, _limits(settings), store, progress, copy)
        return Origin(found.source, found.kind, found.folder, found.make, found.used)
    try:
        path = Path(settings.path).expanduser()
        if settings.path and path.is_dir():
            return Origin(encodable(path.resolve().name), "folder", path)
        if path.is_file():
            return _archive(path, settings, store)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{printable(settings.path)}: cannot be read ({reason}); name another") from None
    raise BadInput(
        f"{printable(settings.path) or '(empty)'}: no such file or folder; give a folder or archive of images, "
        "kaggle:OWNER/NAME, an address such as s3://BUCKET/FOLDER, or sample"
    )


def may_be(path: str, source: str, kind: Kind) -> bool:
    """Whether `path`, at which nothing need be any more, may name what `locate` once called `source`."""
    if "sample" in (path, kind):
        return path == kind
    if path.startswith("kaggle:"):
        return path == source
    if is_address(path):
        return name_of(path) == source
    names = {Path(path).name}
    with suppress(OSError, RuntimeError, ValueError):  # As it lies here, where it does: a link has another name.
        names.add(Path(path).expanduser().resolve().name)
    return source in map(encodable, names)


def drawn_measure(settings: DataSettings, store: Path) -> Origin:
    """The drawings of the sample to measure with, which lie in `measure/` as in anybody's data set."""
    count, seed, classes = settings.measure, settings.measure_seed, _kinds(settings)

    def draw(folder: Path) -> None:
        sample.draw_measure(folder / MEASURE, count=count, seed=seed, classes=classes)

    return Origin("sample", "sample", store / f"measure-{_drawing(classes, seed, count)}", draw)


def obtain(origin: Origin, read: Callable[[Path], Content]) -> Content:
    """What `read` gives of the origin's folder, made first if it is missing or not what was made."""
    if origin.make is None:
        return read(origin.folder)
    # Another build may be making it at this moment.
    with lock.wait_for(lock.for_folder(origin.folder), f"making {origin.folder.name}"):
        return _made(origin, origin.make, read)


def _made(origin: Origin, make: Callable[[Path], None], read: Callable[[Path], Content]) -> Content:
    """As `obtain`, alone."""
    seal = origin.folder.with_name(f"{origin.folder.name}.sha256")
    if origin.folder.is_dir():
        found, fault = _tried(origin.folder, read)
        if _unchanged(origin.folder, seal, found):
            origin.used()
            return _given(found, fault)
        _log.warning("%s: incomplete or changed since it was made; making it again", origin.folder)
    with archive.whole(origin.folder) as partial:
        make(partial)
        # Not before there is another: what is at an address may not answer, and this may be the only copy.
        if origin.folder.is_dir():
            shutil.rmtree(origin.folder)
    origin.used()  # Before it is read, which may break off: the next try then knows what was read.
    found, fault = _tried(origin.folder, read)
    with replacing(seal, DISK_FULL) as stream:
        stream.write(_fingerprint(origin.folder, found).encode("ascii"))
    return _given(found, fault)


def _tried(folder: Path, read: Callable[[Path], Content]) -> tuple[Content | None, BadInput | None]:
    """What `read` gives, or why it gives nothing: which may be the data's fault or a setting's, or the copy's."""
    try:
        return read(folder), None
    except BadInput as error:
        return None, error


def _given(found: Content | None, fault: BadInput | None) -> Content:
    if found is None:
        raise fault or AssertionError("neither read nor refused")
    return found


def _unchanged(folder: Path, seal: Path, found: Content | None) -> bool:
    try:
        # Seals of before were over hidden files, too.
        return seal.read_text("ascii") in (_fingerprint(folder, found, junk=junk) for junk in (False, True))
    except (OSError, ValueError):
        return False


def _fingerprint(folder: Path, found: Content | None, *, junk: bool = False) -> str:
    """SHA-256 over names and contents of all files in `folder`, those that are read and the rest.

    What is never data, as a file browser leaves it behind, counts only with `junk`.
    """
    known = {item.path: item.digest for item in found.samples} if found else {}
    files = {Path(at, name).relative_to(folder): Path(at, name) for at, _, names in os.walk(folder) for name in names}
    kept = sorted(name for name in files if junk or not any(map(listing.junk, name.parts)))
    lines = [f"{known.get(files[name]) or file_hash(files[name])} {name.as_posix()}\n" for name in kept]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _sample(settings: DataSettings, store: Path) -> Origin:
    """The project's own data set; its folder's name stands for all that its pixels depend on."""
    train, test, seed = settings.sample_train, settings.sample_test, settings.sample_seed
    classes = _kinds(settings)

    def draw(folder: Path) -> None:
        sample.draw(folder, train=train, test=test, seed=seed, classes=classes)

    return Origin("sample", "sample", store / f"sample-{_drawing(classes, seed, train, test)}", draw)


def _drawing(classes: tuple[str, ...], *numbers: int) -> str:
    """Stands for all that the pixels of a drawn set depend on."""
    parts = (sample.VERSION, classes, *numbers, PIL.__version__, np.__version__)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _kinds(settings: DataSettings) -> tuple[str, ...]:
    """The animals that the sample shows, in the order of `sample.KINDS`. Raises `BadInput`."""
    wanted = settings.sample_classes
    for kind in wanted:
        if kind not in sample.KINDS:
            raise BadInput(f"data.sample_classes: no animal {printable(kind)!r}; {choices(kind, sample.KINDS)}")
    found = tuple(kind for kind in sample.KINDS if kind in wanted)
    if len(found) < 2:
        raise BadInput(f"data.sample_classes: needs two animals or more of {', '.join(sample.KINDS)}")
    for name, images in (("sample_train", settings.sample_train), ("sample_test", settings.sample_test)):
        if images < len(found):
            raise BadInput(f"data.{name} = {images}: {len(found)} classes need one image each; use a larger number")
    if 0 < settings.measure < len(found):
        raise BadInput(f"data.measure = {settings.measure}: {len(found)} classes need one image each; use more, or 0")
    return found


def _archive(path: Path, settings: DataSettings, store: Path) -> Origin:
    """A zip or tar file, unpacked once for each content of the file."""
    digest = file_hash(path)
    limits = _limits(settings)

    def unpack(folder: Path) -> None:
        archive.unpack_into(path, folder, limits)

    return Origin(encodable(path.name), "archive", store / f"unpacked-{digest}", unpack)


def _limits(settings: DataSettings) -> archive.Limits:
    return archive.Limits(settings.max_entries, settings.max_bytes, settings.max_ratio)


def on_kaggle(name: str) -> str:
    """What Kaggle calls the data set `kaggle:OWNER/NAME`. Raises `BadInput` for a `name` that is none."""
    match = _KAGGLE.fullmatch(name)
    if not match:
        raise BadInput(f"{printable(name)}: expected kaggle:OWNER/NAME, as in the address of the data set's page")
    return match[1]


def _downloaded(name: str) -> Path:
    """The folder to which kagglehub downloaded `kaggle:OWNER/NAME`, now or earlier."""
    asked = on_kaggle(name)
    by_hand = f"or download https://www.kaggle.com/datasets/{asked} and give the zip file"
    try:
        import kagglehub  # Optional: only this origin needs it.
    except ImportError:
        hint = "pip install kagglehub"
        raise BadInput(f"{name}: needs the package kagglehub; {hint}, {by_hand}") from None
    try:
        return Path(kagglehub.dataset_download(asked))
    except Exception as error:  # Its own kinds, those of requests, and those of the disk.
        reason = printable(" ".join(str(error).split()) or type(error).__name__)
        raise BadInput(f"{name}: cannot be downloaded ({reason}); check name and network, {by_hand}") from None
