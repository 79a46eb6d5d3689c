"""The store's entries at an address elsewhere, where several builders may put them and take them from.

    PREFIX/stages/<stage>/<digest>/entry.json
    PREFIX/stages/<stage>/<digest>/<name>.<start of its SHA-256>

A file's name holds a part of its content's hash, so that two builders who push the same entry at once, of which each
took other seconds and wrote other files, never write one file; `entry.json`, put last, decides which files the entry
has, and where there is none there is no entry.
"""

import json
import math
import re
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from generator.build.storage import machines
from generator.build.storage.store import ENTRY
from generator.support.addresses import Place
from generator.support.errors import BuildFailed
from generator.support.files import file_hash

_HASH = 16
"""Characters of a file's hash in its name."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names that stages give their files; another one may lead out of the folder."""

Table = Mapping[str, Any]
"""What `entry.json` says."""


class Broken(BuildFailed):
    """An entry there is not what it should be; the message is a phrase that says in what."""


class Listed(NamedTuple):
    """An entry there."""

    stage: str
    digest: str
    size: int
    """Of all its files, bytes."""


class Remote:
    """The entries at an address. Every method raises `Unreachable` where that does not answer."""

    def __init__(self, address: str) -> None:
        """Raises `BadInput` where no package here reads such addresses."""
        self._place = Place(address)
        self.address = self._place.shown

    def entry(self, stage: str, digest: str) -> Table | None:
        """What the `entry.json` there says; None where there is no entry. Raises `Broken`."""
        try:
            table = json.loads(self._place.read(f"{_folder(stage, digest)}/{ENTRY}"))
            if table["digest"] != digest:
                raise Broken("it belongs to another key")
            files = {str(name): _expected(row) for name, row in table["files"].items()}
            return {**table, "files": files, "seconds": _seconds(table["seconds"])}
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise Broken(f"{ENTRY} cannot be read ({error})") from None

    def fetch(self, stage: str, digest: str, table: Table, folder: Path) -> None:
        """Copy the files of the entry that `table` tells of into `folder`. Raises `Broken`."""
        for name, (digest_of_file, size) in table["files"].items():
            if not _NAME.fullmatch(name) or name == ENTRY:
                raise Broken(f"{name!r} is no name of a file")
            path = folder / name
            try:
                self._place.fetch(f"{_folder(stage, digest)}/{_named(name, digest_of_file)}", path)
            except FileNotFoundError:
                raise Broken(f"{name} is missing") from None
            if path.stat().st_size != size or file_hash(path) != digest_of_file:
                raise Broken(f"{name} has another size or checksum")
        machines.hand_on(table, folder)

    def push(self, stage: str, digest: str, folder: Path) -> None:
        """Put the entry in `folder` there, instead of one that is there; `entry.json` last."""
        where = _folder(stage, digest)
        unfinished = f"{where}/.{uuid.uuid4().hex}.writing"
        files = json.loads((folder / ENTRY).read_text("utf-8"))["files"]
        for name, row in files.items():
            self._place.put(folder / name, f"{where}/{_named(name, row['sha256'])}", unfinished)
        self._place.put(folder / ENTRY, f"{where}/{ENTRY}", unfinished)

    def entries(self) -> list[Listed]:
        """Every entry there, by stage."""
        with self._place.reaching():
            self._place.fs.invalidate_cache()
            try:
                found = self._place.fs.find(f"{self._place.path}/stages", detail=True)
            except FileNotFoundError:
                return []
        return sorted(_listed((path, int(row["size"] or 0)) for path, row in found.items()))


def _listed(files: Iterable[tuple[str, int]]) -> Iterable[Listed]:
    sizes: dict[tuple[str, str], int] = {}
    finished = set()
    for path, size in files:
        *_, stage, digest, name = path.split("/")
        sizes[stage, digest] = sizes.get((stage, digest), 0) + size
        if name == ENTRY:
            finished.add((stage, digest))
    return [Listed(*which, size) for which, size in sizes.items() if which in finished]


def _folder(stage: str, digest: str) -> str:
    return f"stages/{stage}/{digest}"


def _named(name: str, sha256: str) -> str:
    return f"{name}.{sha256[:_HASH]}"


def _expected(row: Mapping[str, Any]) -> tuple[str, int]:
    sha256, size = str(row["sha256"]), int(row["bytes"])
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ValueError(f"{sha256!r} is no SHA-256")
    return sha256, size


def _seconds(told: Any) -> float:
    seconds = float(told)
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ValueError(f"{told!r} are no seconds")
    return seconds
