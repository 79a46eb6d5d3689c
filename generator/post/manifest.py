"""What a build put into the site and where every number, figure and excerpt in it comes from.

`make` builds a `Manifest` from the files and from what rendering recorded, `to_text` and `from_text` are its
JSON; `read` and `find` get the manifests of a site; `pixels_of` and `fingerprint_of_code` are what is compared.
"""

import hashlib
import html
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field

from generator.support import newlines, strict_json
from generator.support.errors import BadInput
from generator.support.strict_json import Record

NAME = "manifest.json"
DIGEST = "sha256"
"""Key of the manifest's own hash: that of the rest, as `strict_json.to_json` writes it."""

_BEFORE_DIGEST, _END = f',\n  "{DIGEST}": "', "\n}\n"
_PLACE = f"assets/data/*/{NAME}"
_PICTURES = (".png", ".webp")
_HASH = r"^[0-9a-f]{64}$"
_OPENING = re.compile(r"`{3,}|<pre><code>")


class Number(Record):
    """A number in the post: what stands where, and which result it is."""

    line: int = Field(ge=1)
    column: int = Field(ge=1)
    """Of its first character, counted in characters from 1."""
    text: str = Field(min_length=1)
    format: str
    """Name of its format in `formats.FORMATS`."""
    source: str
    """Path of the result, as in `variants.baseline.test.accuracy`, a function of results, or a sum or difference of
    these: `A - B` (`bound`)."""


class Excerpt(Record):
    """A piece of the program's code in the post."""

    line: int = Field(ge=1)
    """Of its first line of code."""
    symbol: str
    """As in `generator.training.network:build_head`."""
    sha256: str = Field(pattern=_HASH)
    """Of the code as it stands in the post, from that line to the end of its block."""


class Figure(Record):
    """A picture and the fingerprint of its pixels, which tells a re-encoded picture from another one."""

    path: str
    scope: str
    name: str
    pixels: str = Field(pattern=_HASH)


class Text(Record):
    """A page of text, and where its numbers and excerpts come from."""

    path: str
    numbers: tuple[Number, ...]
    excerpts: tuple[Excerpt, ...]


class Manifest(Record):
    """Everything a build owns in a site."""

    schema_version: int
    post: str
    """Site path of the post."""
    files: dict[str, str]
    """Site path → SHA-256 of every file of the build but this one, as `newlines.fingerprint` gives it."""
    numbers: tuple[Number, ...]
    excerpts: tuple[Excerpt, ...]
    figures: tuple[Figure, ...]
    appendix: Text | None = None
    """The page of the post's long listings, where there is one."""

    @property
    def texts(self) -> tuple[Text, ...]:
        """The post, and its appendix."""
        post = Text(path=self.post, numbers=self.numbers, excerpts=self.excerpts)
        return (post, self.appendix) if self.appendix else (post,)


def make(
    post: str,
    files: Mapping[str, bytes],
    numbers: Iterable[Number] = (),
    excerpts: Iterable[Excerpt] = (),
    *,
    appendix: Text | None = None,
    before: Manifest | None = None,
) -> Manifest:
    """The manifest of `files` (site path → content, without the manifest itself), of which `post` and `appendix` are.

    `before` saves time: a picture whose bytes it knows is not decoded again.
    """
    hashes = {path: newlines.fingerprint(content) for path, content in sorted(files.items())}
    pictures = list(_pictures(files))
    pixels = _pixels({hashes[path]: files[path] for path, _, _ in pictures}, before)
    return Manifest(
        schema_version=strict_json.SCHEMA_VERSION,
        post=post,
        files=hashes,
        numbers=tuple(numbers),
        excerpts=tuple(excerpts),
        figures=tuple(
            Figure(path=path, scope=scope, name=name, pixels=pixels[hashes[path]]) for path, scope, name in pictures
        ),
        appendix=appendix,
    )


def fingerprint_of_code(text: str, line: int) -> str:
    """SHA-256 of the code from `line` of a post to the end of its block. Raises `ValueError` if it is in none."""
    lines = text.split("\n")
    opening = next((content for content in reversed(lines[: line - 1]) if _OPENING.match(content)), "")
    fence = _OPENING.match(opening)
    if fence is None or opening == fence[0]:
        raise ValueError(f"no code block at line {line}")
    # A block without fence is HTML: it stands where a fence would not hold.
    closing = re.compile(r"(.*)</code></pre>" if fence[0].startswith("<") else re.escape(fence[0]))
    code = []
    for content in lines[line - 1 :]:
        end = closing.fullmatch(content)
        if end is None:
            code.append(content)
            continue
        code += end.groups()
        body = "\n".join(code)
        return hashlib.sha256((html.unescape(body) if end.groups() else body).encode()).hexdigest()
    raise ValueError(f"the code block at line {line} is not closed")


def pixels_of(picture: bytes) -> str:
    """SHA-256 over size and RGBA pixels of a PNG or WebP file. Raises `ValueError`."""
    from PIL import Image  # Late: a build that changes no figure need not load it.

    try:
        with Image.open(io.BytesIO(picture)) as image:
            pixels = image.convert("RGBA")
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files.
        raise ValueError(f"not a picture: {error}") from None
    return hashlib.sha256(f"{pixels.width}x{pixels.height}\n".encode() + pixels.tobytes()).hexdigest()


def to_text(manifest: Manifest) -> str:
    """JSON that carries its own hash under `DIGEST`."""
    return signed(manifest.model_dump(mode="json", exclude_none=True))


@lru_cache(maxsize=8)
def from_text(text: str, where: str) -> Manifest:
    """Raises `BadInput` naming `where` and the wrong key, also for a newer schema or a text edited by hand.

    Kept for a while: a build asks several times whose the files of the site are.
    """
    table = strict_json.parse_json(text, where)
    # A build replaces what an older one put into the site, so it must know what that was.
    strict_json.check_version(table, where, oldest=1)
    told = table.pop(DIGEST, None)
    if told != _digest_of_rest(text) and told != _digest(strict_json.to_json(table)):
        raise BadInput(
            f"{where}: was edited since the build wrote it ({DIGEST}); restore it, or build with --overwrite"
        )
    return strict_json.validated(Manifest, table, where)


def signed(table: dict[str, Any]) -> str:
    """`table` as JSON, its hash added. This finds mishaps; it is no proof against somebody who signs again."""
    rest = strict_json.to_json(table)
    # The hash stands last, as `_digest_of_rest` reads it.
    return f'{rest.removesuffix(_END)}{_BEFORE_DIGEST}{_digest(rest)}"{_END}'


def read(site: Path, path: str) -> Manifest | None:
    """The manifest at the site path `path`; None if there is none. Raises `BadInput`."""
    where = site / path
    try:
        return from_text(where.read_text(encoding="utf-8"), str(where))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{where}: cannot be read ({error}); restore it or build again") from None


def find(site: Path) -> tuple[str, ...]:
    """Site paths of the manifests of all posts that this program put into `site`, also of those that are damaged."""
    return tuple(sorted(path.relative_to(site).as_posix() for path in site.glob(_PLACE) if not _is_foreign(path)))


def _is_foreign(path: Path) -> bool:
    """Whether it is plainly another program's, as a web app's `manifest.json` is."""
    try:
        content = path.read_bytes()
        # Ours are large, and are looked for several times in a build: what is signed need not be parsed.
        table = {} if (signed := _BEFORE_DIGEST.encode() in content) else json.loads(content)
    except (OSError, ValueError, RecursionError):
        return False
    return not signed and isinstance(table, dict) and table.keys().isdisjoint(("schema_version", "post", DIGEST))


def readable(site: Path) -> dict[str, Manifest]:
    """Site path → manifest of each that `find` finds and that can be read."""
    found: dict[str, Manifest] = {}
    for path in find(site):
        with suppress(BadInput):
            record = read(site, path)
            found |= {path: record} if record is not None else {}
    return found


def path_for(asset_folder: str) -> str:
    """Site path of the manifest of the post whose assets are in `asset_folder`."""
    return _PLACE.replace("*", asset_folder)


def _digest(rest: str) -> str:
    return hashlib.sha256(rest.encode()).hexdigest()


def _digest_of_rest(text: str) -> str:
    """The same from a manifest's text as `to_text` gives it, in which the hash stands last; of another text empty.

    To write the rest once more takes as long as all else that is read of a site.
    """
    rest, hash_follows, _ = text.rpartition(_BEFORE_DIGEST)
    return _digest(f"{rest}{_END}") if hash_follows else ""


def _pixels(pictures: Mapping[str, bytes], before: Manifest | None) -> dict[str, str]:
    """Hash of a picture's bytes → fingerprint of its pixels; of those that `before` does not know they are decoded."""
    known = {} if before is None else {before.files[f.path]: f.pixels for f in before.figures if f.path in before.files}
    unknown = {digest: picture for digest, picture in pictures.items() if digest not in known}
    with ThreadPoolExecutor() as pool:  # Decoding and hashing leave Python's lock to others.
        return known | dict(zip(unknown, pool.map(pixels_of, unknown.values()), strict=True))


def _pictures(paths: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """(path, scope, name) of those that are figures: `assets/images/<folder>/<scope>/<name>.png`."""
    for path in sorted(paths):
        parts = PurePosixPath(path)
        if parts.suffix in _PICTURES and parts.parts[:2] == ("assets", "images") and len(parts.parts) == 5:
            yield path, parts.parts[3], parts.stem
