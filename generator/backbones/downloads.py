"""ImageNet weights in Keras' own cache: looked for, checked, downloaded whole or not at all, failures remembered."""

import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from generator.backbones.backbone import Backbone
from generator.support import lock
from generator.support.errors import BadInput
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
    return (Path(home) if home else Path.home() / ".keras") / "models" / backbone.imagenet.file


def address(backbone: Backbone) -> str:
    folder = os.environ.get(URL_VARIABLE) or backbone.imagenet.folder
    return folder.rstrip("/") + "/" + backbone.imagenet.file


def fault_of_cached(backbone: Backbone) -> str:
    """What is wrong with the file in Keras' cache; empty if nothing."""
    try:
        return _fault(cached_path(backbone), backbone)
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def fetch(backbone: Backbone, progress: Progress | None) -> None:
    """Download the file into Keras' cache, whole or not at all, if it is the one that Keras knows.

    Raises `OSError`, `HTTPException` or `ValueError` where it cannot be had.
    """
    import urllib.request  # Late: it takes longer than to see whether anything must be fetched.

    target = cached_path(backbone)
    target.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(address(backbone), timeout=CONNECT_SECONDS) as response:
        # Not tempfile's, which nobody else may read: the cache may be several users'.
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as stream:
                _copy(response, stream, progress)
                stream.flush()
                os.fsync(stream.fileno())
            fault = _fault(part, backbone)
            if fault:
                raise OSError(f"what came {fault}")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)


def _fault(path: Path, backbone: Backbone) -> str:
    """What tells that a file is not the published one: its hash, or where Keras knows none what is in it."""
    wanted = backbone.imagenet
    if wanted.algorithm:
        digest = known_hash(path, wanted.algorithm)
        fits = digest == wanted.digest
        return "" if fits else f"is not the published file ({wanted.algorithm} {digest}, not {wanted.digest})"
    path.stat()
    from generator.backbones import weight_files  # Late: arrays, which a list of the networks does without.

    try:
        weight_files.check(path, backbone, by_position=True)
    except BadInput:
        return f"does not hold the weights of {backbone.name}"
    return ""


def remembered_failure(backbone: Backbone, memory: Path) -> str | None:
    """What a download of the same address failed with less than a day ago."""
    try:
        table = json.loads(memory.read_text(encoding="utf-8"))
        recent = 0 <= time.time() - table["at"] < RETRY_SECONDS
        return str(table["detail"]) if recent and table["url"] == address(backbone) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_failure(backbone: Backbone, memory: Path, detail: str) -> None:
    with lock.wait_for(lock.for_folder(memory), f"writing {memory.name}"):
        write_atomically(memory, json.dumps({"url": address(backbone), "at": time.time(), "detail": detail}).encode())


def _copy(response: Any, stream: io.BufferedWriter, progress: Progress | None) -> None:
    """Copy a response to a stream. Raises `OSError` where it ends before its time."""
    total, done, start = int(response.headers.get("Content-Length") or 0), 0, time.monotonic()
    while piece := response.read(2**18):
        stream.write(piece)
        done += len(piece)
        if progress is not None:
            progress(done, total)
        if time.monotonic() - start > DOWNLOAD_SECONDS:
            raise TimeoutError(f"{done} of {total} bytes in {DOWNLOAD_SECONDS:.0f} s")
    if done < total:
        raise OSError(f"only {done} of {total} bytes came")
