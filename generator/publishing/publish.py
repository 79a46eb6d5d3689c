"""Puts a build's files into a site: the whole build or nothing, and never over anybody else's work.

`publish` compares the files with the site and with the manifest of the build before, refuses what it did not
write itself, and hands the difference to `transaction`; `check` refuses it before the files are known. `recover`
completes what a killed run began. A text whose lines end in another way is the same text.
"""

import errno
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from generator.post import manifest
from generator.publishing import destinations, durable, transaction
from generator.support import newlines
from generator.support.errors import BadInput, BuildFailed
from generator.support.files import FULL
from generator.support.places import REPLACED

recover = transaction.recover

_BAD_PLACE = (
    errno.ENOTDIR,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EEXIST,
    errno.ELOOP,
    errno.ENAMETOOLONG,
)


@dataclass(frozen=True)
class Published:
    """What publishing did; site paths in order of name."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    """Copies, below `REPLACED`, of other people's files that were overwritten or removed."""


def check(
    site: Path,
    files: Mapping[str, bytes | None],
    *,
    manifest_path: str,
    overwrite: bool = False,
    option: str = "--site",
) -> None:
    """Raise now what `publish` will raise for `files` of these names; the content is None where it is not known yet.

    A file that is not the program's own and whose new content is not known is taken to be another one. `option` is what
    named `site`.
    """
    try:
        recover(site)
        owned = _owned(site, files, manifest_path, overwrite)
        plan = _plan(site, files, owned)
        if plan.foreign and not overwrite:
            raise BadInput(_refusal(site, plan.foreign, owned))
        for path in (*plan.written, *dict(_copies(site, plan.foreign))):
            destinations.writable((site / path).parent)
    except OSError as error:
        raise _explained(site, error, option) from None


def publish(
    site: Path,
    files: Mapping[str, bytes],
    *,
    manifest_path: str,
    overwrite: bool = False,
    option: str = "--site",
) -> Published:
    """Make `site` hold `files` (site path → content) in place of those of the build before.

    `manifest_path` is the site path of this post's manifest, itself one of `files`; the one found there says
    which files are the program's own. Files that stay the same are not touched, files that the build no
    longer makes are removed, everything else in the site is left alone. `option` is what named `site`.

    Raises `BadInput` where a file is in the way that the program did not write or that was edited since
    (`overwrite` replaces it and keeps a copy), or where `site` cannot be a folder; `BuildFailed` where writing
    fails. In both cases the old site is intact, unless the message says that it is not.
    """
    try:
        recover(site)
        owned = _owned(site, files, manifest_path, overwrite)
        plan = _plan(site, files, owned)
        if plan.foreign and not overwrite:
            raise BadInput(_refusal(site, plan.foreign, owned))
        copies = dict(_copies(site, plan.foreign))
        writes = {path: files[path] for path in plan.written} | copies
        if writes or plan.removed:
            transaction.apply(site, writes, plan.removed)
    except OSError as error:
        raise _explained(site, error, option) from None
    return Published(plan.written, plan.unchanged, plan.removed, tuple(sorted(copies)))


@dataclass(frozen=True)
class _Plan:
    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    foreign: tuple[str, ...]
    """To be written or removed, though what is there is not what the program wrote."""


def _owned(site: Path, files: Collection[str], manifest_path: str, overwrite: bool) -> dict[str, str | None]:
    """Site path → hash of every file the build before wrote; None where any content is the program's."""
    owned: dict[str, str | None] = {}
    for path in {manifest_path, *manifest.find(site)}:
        try:
            before = manifest.read(site, path)
        except BadInput:
            if path == manifest_path and not overwrite:
                raise
            continue
        # The same post with its assets elsewhere is the same build's, under its folder's old name.
        if before is not None and (path == manifest_path or before.post in files):
            owned |= {**before.files, path: None}
    return owned


def _plan(site: Path, files: Mapping[str, bytes | None], owned: Mapping[str, str | None]) -> _Plan:
    there = {path: _content(site, path) for path in {*files, *owned}}
    same = {path for path, content in files.items() if _is_same(there[path], content)}
    written = {*files} - same
    removed = {path for path in owned if path not in files and there[path] is not None}
    foreign = {path for path in written | removed if not _is_own(there[path], path, owned)}
    return _Plan(*(tuple(sorted(paths)) for paths in (written, same, removed, foreign)))


def _content(site: Path, path: str) -> bytes | None:
    """What is at `path`: None if nothing. Raises `BadInput` where no file can be."""
    durable.check(site, path)
    target = site / path
    if target.is_dir() and not target.is_symlink():
        raise BadInput(f"{target} is a folder, and the build has a file of this name; move it away")
    if target.is_symlink() and not target.exists():
        raise BadInput(f"{target} is a symbolic link that leads nowhere; move it away")
    for parent in target.relative_to(site).parents:
        if (site / parent).exists() and not (site / parent).is_dir():
            raise BadInput(f"{site / parent} is a file where a folder is needed; move it away")
    return target.read_bytes() if target.is_file() else None


def _is_same(there: bytes | None, content: bytes | None) -> bool:
    return there is not None and content is not None and newlines.normalised(there) == newlines.normalised(content)


def _is_own(content: bytes | None, path: str, owned: Mapping[str, str | None]) -> bool:
    if content is None:
        return True
    return path in owned and owned[path] in (None, newlines.fingerprint(content))


def _refusal(site: Path, foreign: tuple[str, ...], owned: Mapping[str, str | None]) -> str:
    edited = [path for path in foreign if path in owned]
    path = (edited or foreign)[0]
    if edited:
        what = "was edited since the last build"
    elif any(path in record.files for record in manifest.readable(site).values()):
        what = "is of another post of this program"
    else:
        what = "was not written by this program"
    more = f" (and {len(foreign) - 1} more)" if len(foreign) > 1 else ""
    return f"{site / path}{more} {what}; move it away, or use --overwrite to replace it and keep a copy"


def _copies(site: Path, foreign: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """(site path, content) of the copies to keep; a copy of the same content may be there already."""
    for path in foreign:
        content = _content(site, path)
        number, copy = 0, f"{REPLACED}/{path}"
        while content is not None and (there := _content(site, copy)) is not None:
            if there == content:
                content = None
            number, copy = number + 1, f"{REPLACED}/{path}.{number + 1}"
        if content is not None:
            yield copy, content


def _explained(site: Path, error: OSError, option: str) -> BadInput | BuildFailed:
    reason = error.strerror or str(error)
    if error.errno in _BAD_PLACE:
        where = error.filename or site
        return BadInput(f"{site}: cannot be written ({where}: {reason}); name another folder with {option} DIR")
    advice = "make room and run again" if error.errno in FULL else "run again"
    return BuildFailed(f"{site}: not published ({reason}), the old site is intact; {advice}")
