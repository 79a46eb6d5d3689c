"""ImageNet weights in Keras' own cache: looked for, checked, downloaded whole or not at all, failures remembered."""

import hashlib
import io
import json
import os
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generator.backbones.backbone import Backbone
from generator.support.files import known_hash, write_atomically

URL_VARIABLE = "MEASURED_POST_IMAGENET_URL"
"""Environment variable that names another folder to download from."""

CONNECT_SECONDS = 4.0
"""Longest wait for a connection, and for each piece of the file after it."""
DOWNLOAD_SECONDS = 600.0
RETRY_SECONDS = 24 * 3600.0
"""How long `auto` remembers a failed download: behind a silent firewall every build would wait again."""

Progress = Callable[[int, int], None]
"""Called with the bytes so far and in all (0 if unknown)."""


def cached_path(backbone: Backbone) -> Path:
    """Where Keras keeps the ImageNet weights: below `$KERAS_HOME`, else below `~/.keras`."""
    home = os.environ.get("KERAS_HOME")
    return (Path(home) if home else Path.home() / ".keras") / "models" / backbone.imagenet_file


def address(backbone: Backbone) -> str:
    folder = os.environ.get(URL_VARIABLE) or backbone.imagenet_folder
    return folder.rstrip("/") + "/" + backbone.imagenet_file


def fault_of_cached(backbone: Backbone) -> str:
    """What is wrong with the file in Keras' cache; empty if nothing."""
    try:
        digest = known_hash(cached_path(backbone), "md5")
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    wanted = backbone.imagenet_md5
    return "" if digest == wanted else f"is not the published file (MD5 {digest}, not {wanted})"


def fetch(backbone: Backbone, progress: Progress | None) -> None:
    """Download the file into Keras' cache, whole or not at all, if it has the MD5 that Keras knows.

    Raises `OSError`, `HTTPException` or `ValueError` where it cannot be had.
    """
    target = cached_path(backbone)
    target.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(address(backbone), timeout=CONNECT_SECONDS) as response:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
        part = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                digest = _copy(response, stream, progress)
                stream.flush()
                os.fsync(stream.fileno())
            if digest != backbone.imagenet_md5:
                raise OSError(f"what came has the MD5 {digest}, not {backbone.imagenet_md5}")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def remembered_failure(backbone: Backbone, memory: Path) -> str | None:
    """What a download of the same address failed with less than a day ago."""
    try:
        table = json.loads(memory.read_text(encoding="utf-8"))
        recent = 0 <= time.time() - table["at"] < RETRY_SECONDS
        return str(table["detail"]) if recent and table["url"] == address(backbone) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_failure(backbone: Backbone, memory: Path, detail: str) -> None:
    write_atomically(memory, json.dumps({"url": address(backbone), "at": time.time(), "detail": detail}).encode())


def _copy(response: Any, stream: io.BufferedWriter, progress: Progress | None) -> str:
    """Copy a response to a stream and return its MD5."""
    total, done, start = int(response.headers.get("Content-Length") or 0), 0, time.monotonic()
    md5 = hashlib.md5(usedforsecurity=False)
    while piece := response.read(2**18):
        stream.write(piece)
        md5.update(piece)
        done += len(piece)
        if progress is not None:
            progress(done, total)
        if time.monotonic() - start > DOWNLOAD_SECONDS:
            raise TimeoutError(f"{done} of {total} bytes in {DOWNLOAD_SECONDS:.0f} s")
    return md5.hexdigest()
