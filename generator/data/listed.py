"""A folder of images at an address that stays there: its names lie here, each image is read where it is needed.

`lay_out` makes a folder of the store that can be looked through as the one at the address: images are empty files in
it, tables whole, other files as much as tells what they are. `Index`, a file beside it, keeps what the bytes of each
image gave, which are read once for that and kept nowhere; that a file has changed, the service's marks of it tell.
`ImageThere` is such an image as a path, so that whoever decodes it reads the bytes that were fingerprinted, anywhere.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path, PosixPath
from typing import Any, NamedTuple

from generator.data import filetypes
from generator.data.folders.layouts.rows import SUFFIXES
from generator.support import addresses
from generator.support.addresses import Unreachable, is_address
from generator.support.errors import BadInput, BuildFailed, printable
from generator.support.files import DISK_FULL, refused, write_atomically

BATCH = 2**15
"""Images that are read before what they gave is kept: a broken connection costs these at most."""

Progress = Callable[[int, int], None]
"""Called with the bytes so far and in all."""

Told = Sequence[Any]
"""What the service says of a file: its size, and marks that change with its content, if it has such."""

_FOLDER = re.compile("listed-[0-9a-f]{24}")


class Content(NamedTuple):
    """What the bytes of an image file gave."""

    path: Path
    """Where they can be read."""
    digest: str
    """SHA-256 of them."""
    package: str | None
    """The package beside Pillow that decodes them, if one does."""


class ImageThere(PosixPath):
    """An image at an address. Of its name alone there is a file here; the bytes are read there, each time anew."""

    folder: str
    """In which the names lie."""
    name_there: str
    address: str
    """Of the folder."""
    digest: str
    _read: Callable[["ImageThere"], bytes] | None = None

    @classmethod
    def of(cls, folder: str, name: str, address: str, digest: str) -> "ImageThere":
        """`name` is that below the address, as it is below `folder`; `digest` the SHA-256 that its bytes must have."""
        path = cls(folder, name)
        path.folder, path.name_there, path.address, path.digest = folder, name, address, digest
        return path

    def read_by(self, read: Callable[["ImageThere"], bytes]) -> "ImageThere":
        """The same image, read by somebody else; in another process it reads itself."""
        path = ImageThere.of(self.folder, self.name_there, self.address, self.digest)
        path._read = read
        return path

    def read_bytes(self) -> bytes:
        """The bytes that were fingerprinted. Raises `BuildFailed` where others are there, or none can be read."""
        return self._read(self) if self._read else self.fetched()

    def fetched(self) -> bytes:
        """As `read_bytes`, now."""
        data = _bytes(self.address, self.name_there)
        if hashlib.sha256(data).hexdigest() != self.digest:
            where = f"{addresses.shown(self.address)}: {printable(self.name_there)}"
            raise BuildFailed(
                f"{where}: has changed since it was fingerprinted; build again, and if that says the same, "
                f"remove {self.folder}.json"
            )
        return data

    def __reduce__(self) -> tuple[Any, ...]:
        return ImageThere.of, (self.folder, self.name_there, self.address, self.digest)


def name_of(digest: str) -> str:
    """The name of the folder of the store for what is at an address, which `digest` stands for."""
    return f"listed-{digest}"


def is_listed(folder: Path) -> bool:
    """Whether a folder has names alone."""
    return _FOLDER.fullmatch(folder.name) is not None


def lay_out(address: str, files: Mapping[str, Told], folder: Path) -> None:
    """Fill the empty `folder` with the names of `files`, and with what finding a data set reads of them."""
    try:
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        plain = [name for name, told in files.items() if told[0] != 0 and not filetypes.accepted(Path(name).suffix)]
        for name, content in _side_by_side(address, plain, _beginning):
            (folder / name).write_bytes(content)
    except OSError as error:
        raise refused(folder, error, DISK_FULL) from None


class Index:
    """What is known of the images whose names lie in a folder."""

    def __init__(self, folder: Path, files: Mapping[str, Told]) -> None:
        self.folder, self._files = folder, files
        self._known: dict[str, tuple[str, str | None]] = {}

    @classmethod
    def beside(cls, folder: Path) -> "Index | None":
        """The one that was kept of `folder`; None where there is none that can be read."""
        try:
            table = json.loads(_file(folder).read_text("utf-8"))
            index = cls(folder, {name: told for name, (told, _, _) in table.items()})
            index._known = {name: (digest, package) for name, (_, digest, package) in table.items() if digest}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return None
        return index

    def take_over(self, other: "Index") -> None:
        """What another knows of files of which the service says the same, with a mark."""
        same = {name for name, told in self._files.items() if len(told) > 1 and other._files.get(name) == told}
        self._known |= {name: known for name, known in other._known.items() if name in same}

    def keep(self) -> None:
        """Write it beside its folder."""
        table = {name: (told, *self._known.get(name, (None, None))) for name, told in self._files.items()}
        write_atomically(_file(self.folder), json.dumps(table).encode("utf-8", "surrogateescape"))

    def contents(self, paths: Sequence[Path], address: str, progress: Progress | None = None) -> dict[Path, Content]:
        """Path in the folder → what its bytes gave; those that nobody read yet are read at the `address`, and kept.

        Raises `BuildFailed` where they cannot be read; what was read before is kept. Raises `BadInput` where the folder
        has other names than it was laid out with.
        """
        names = {path: path.relative_to(self.folder).as_posix() for path in paths}
        if strange := names.values() - self._files.keys():
            raise BadInput(
                f"{self.folder}: {printable(min(strange))} was never at {addresses.shown(address)}; remove it"
            )
        self._read([name for name in names.values() if not self._knows(name)], address, progress)
        folder = str(self.folder)
        return {
            path: Content(ImageThere.of(folder, name, address, self._known[name][0]), *self._known[name])
            for path, name in names.items()
        }

    def image(self, path: Path, address: str) -> ImageThere | None:
        """The image whose name lies at `path`; None of one that nobody read."""
        name = path.relative_to(self.folder).as_posix()
        return ImageThere.of(str(self.folder), name, address, self._known[name][0]) if name in self._known else None

    def _knows(self, name: str) -> bool:
        return name in self._known and len(self._files[name]) > 1

    def _read(self, names: Sequence[str], address: str, progress: Progress | None) -> None:
        done, total = 0, sum(self._files[name][0] or 0 for name in names)
        waiting = iter(names)
        while batch := list(islice(waiting, BATCH)):
            try:
                for name, found in _side_by_side(address, batch, _fingerprint):
                    self._known[name] = found
                    done += self._files[name][0] or 0
                    if progress:
                        progress(done, total)
            finally:
                self.keep()


def index_of(paths: Sequence[Path], path: str) -> Index | None:
    """The index of the images at `paths`, if the data set is at the address `path` and stayed there."""
    if not paths or not is_address(path):
        return None
    folder = next((folder for folder in paths[0].parents if is_listed(folder)), None)
    return Index.beside(folder) if folder else None


def located(root: Path, path: str) -> Callable[[str], Path]:
    """Gives where an image can be read, by its name below the `root` of a data set that `path` named."""
    index = index_of([root / "image"], path)

    def there(name: str) -> Path:
        found = index.image(root / name, path) if index else None
        return found or root / name

    return there


def _file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def _side_by_side(address: str, names: Sequence[str], read: Any) -> Iterator[tuple[str, Any]]:
    """Each name with what `read` gives of the address and it, in order; several are read at a time."""
    with ThreadPoolExecutor(addresses.side_by_side(address)) as pool:
        try:
            yield from zip(names, pool.map(lambda name: read(address, name), names), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)


def _beginning(address: str, name: str) -> bytes:
    """As much of a file that is no image as is asked of it."""
    whole = Path(name).suffix.lower() in SUFFIXES
    return _bytes(address, name, None if whole else filetypes.HEAD)


def _fingerprint(address: str, name: str) -> tuple[str, str | None]:
    data = _bytes(address, name)
    return hashlib.sha256(data).hexdigest(), filetypes.decoder(data[: filetypes.HEAD])


def _bytes(address: str, name: str, most: int | None = None) -> bytes:
    """Of a file there, `most` of them unless None. Raises `Unreachable`, also where it is not there."""
    try:
        return addresses.opened(address).read(name, most)
    except FileNotFoundError:
        where = f"{addresses.shown(address)}: {printable(name)}"
        raise Unreachable(f"{where}: is not there any more; build again") from None
