"""On a node of a cluster: `Station` runs stages there, one after the other, in files of its own.

A job's paths are the builder's. On a node they lie below a folder of the station's (`mirrored`), where what a stage
reads is put before it runs (`cluster_cache`). Nodes share no file.
"""

import io
import os
import pickle
import platform
import shutil
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from generator.build.clusters import cluster_cache
from generator.build.clusters.cluster_cache import Offered
from generator.build.storage import machines
from generator.build.worker import ALONE, MESSAGES, Killed, Place, Worker, of_a_file, told_as
from generator.data.listed import ImageThere
from generator.experiment.machine import Kind, Made
from generator.stages.job import Job
from generator.support import hardware, temporary
from generator.support.addresses import Unreachable
from generator.support.errors import BadInput, BuildFailed
from generator.support.files import file_hash
from generator.support.progress import Figures

PIECE = 32 * 2**20
"""Bytes of a file that travel as one object."""
PATIENCE = 1.0
"""Longest wait of `take` for something to tell, seconds."""
GRACE = 5.0
"""Seconds before a process that was killed is told of: one that dies with its node tells nobody."""

_State = tuple[int, int, int]
NONE: _State = (0, 0, 0)
"""State of a file that is not there."""


@dataclass(frozen=True)
class Order:
    """A stage to run."""

    job: bytes
    """`packed`."""
    versions: Mapping[str, str]
    """Package → the builder's version, of all that its outcome depends on."""
    python: str
    files: Mapping[str, Offered] = field(default_factory=dict)
    """The builder's path of a file → the file."""
    image: ImageThere | None = None
    """One of those that the node is to read at an address itself."""
    place: Place = ALONE
    """Among the stations that run it together."""
    kind: Kind | None = None
    """Of machine that the node must be; None: of any."""


class Returned(NamedTuple):
    """A file that a stage made, to be `read`."""

    name: str
    path: str
    size: int
    digest: str


class _Packer(pickle.Pickler):
    def persistent_id(self, thing: Any) -> str | None:
        # Images at an address are read there, wherever their names lie.
        return absolute(thing) if isinstance(thing, PurePath) and not isinstance(thing, ImageThere) else None


class _Unpacker(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, place: Callable[[str], Path]) -> None:
        super().__init__(stream)
        self._place = place

    def persistent_load(self, known: str) -> Path:
        return self._place(known)


def absolute(path: PurePath) -> str:
    """What a path of the builder is called on its way to a node."""
    # Not resolved: where a link leads is no business of the node's.
    return os.path.normpath(Path(path).absolute())


def packed(job: Job) -> bytes:
    """`job`, whose paths are left to whoever unpacks it."""
    stream = io.BytesIO()
    _Packer(stream).dump(job)
    return stream.getvalue()


def unpacked(content: bytes, place: Callable[[str], Path]) -> Job:
    """The job with every path where `place` puts it."""
    job: Job = _Unpacker(io.BytesIO(content), place).load()
    return job


def mirrored(folder: Path, path: str) -> Path:
    """Where the builder's `path`, an absolute one, lies below `folder`."""
    return folder / path.lstrip("/")


def differing(versions: Mapping[str, str], python: str, node: Mapping[str, str]) -> str:
    """What of a node is not the builder's, in words; empty where all is. `node` has Python as a package."""
    wanted = {"Python": python, **versions}
    return ", ".join(
        f"{name} {node.get(name, 'missing')} and not {version}"
        for name, version in wanted.items()
        if node.get(name) != version
    )


class Station:
    """Runs stages in a process for TensorFlow of its own; what it is asked for is asked by one thread."""

    def __init__(self, threads: int, gpus: int) -> None:
        """`threads` of one operation: the builder's, whatever processors are here, because sums follow them.

        `gpus` that Ray was asked for: with none it computes on processors, also where there are some.
        """
        # Ray's own would have it count for OpenMP; without a cluster nothing does.
        os.environ.pop("OMP_NUM_THREADS", None)
        # Else the process for TensorFlow would begin with Ray's program, which is this one's.
        vars(sys.modules["__main__"]).pop("__file__", None)
        # The parent is Ray's process of this node: with it, or its machine, goes what is kept here.
        # The host, because its processes are known here alone, and several may have one such folder.
        root = temporary.own_folder() / "ray" / socket.gethostname()
        self._node = root / str(os.getppid())
        self._own = self._node / "stages" / str(os.getpid())
        for dead in (path for folder in (root, self._own.parent) for path in _of_dead(folder)):
            shutil.rmtree(dead, ignore_errors=True)
        self._threads = threads
        # Ray names those that it gives; where none was asked for, it names none, and all would be taken.
        self._devices = os.environ.get("CUDA_VISIBLE_DEVICES") if gpus else ""
        self._worker = self._new_worker(ALONE)
        self._told: deque[tuple[str, Any]] = deque()
        self._changed = threading.Condition()
        self._checkpoint, self._seen = Path(), NONE

    def where(self) -> tuple[str, str]:
        """The node's name in Ray, and its address."""
        import ray  # Late: tests of the rest need none.

        return str(ray.get_runtime_context().get_node_id()), str(ray.util.get_node_ip_address())

    def port(self) -> int:
        """One that is free here at this moment."""
        with socket.socket() as one:
            one.bind(("", 0))
            return int(one.getsockname()[1])

    def begin(self, order: Order) -> str:
        """Begin with a stage; gives why this node may not run it, empty where it may."""
        try:
            here = {"Python": platform.python_version(), **_versions(order.versions)}
            different = differing(order.versions, order.python, here)
            if different:
                return different
            if order.kind and machines.here().kind != order.kind:
                return f"{_machine()}, and store.same_machine takes only what a machine like the builder's made"
            folder = self._own / "builder"
            shutil.rmtree(folder, ignore_errors=True)
            job = unpacked(order.job, lambda path: mirrored(folder, path))
            hardware.precision(job.given.get("precision", "float32"))
        except BadInput as error:
            return str(error)
        if order.image and (reason := _out_of_reach(order.image)):
            return reason
        self._checkpoint, self._seen = job.checkpoint, NONE
        if order.place.addresses:
            self._worker.close()
            self._worker = self._new_worker(order.place)
        threading.Thread(target=self._run, args=(job, order, folder), daemon=True).start()
        return ""

    def take(self) -> list[tuple[str, Any]]:
        """What is new since it was last asked, waited for a moment: pairs of a kind and what of it.

        `progress` with figures, `checkpoint` with a `Returned`, and at the end `done` with a list of these, or the name
        of an error with its message.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._told, PATIENCE)
            told = list(self._told)
            self._told.clear()
        kept = None if any(kind not in ("progress", "checkpoint") for kind, _ in told) else self._new_checkpoint()
        return [*told, ("checkpoint", kept)] if kept else told

    def read(self, file: Returned, offset: int) -> bytes:
        """A piece of what was returned."""
        with Path(file.path).open("rb") as stream:
            stream.seek(offset)
            return stream.read(PIECE)

    def end(self) -> None:
        """End the process and remove its files; what was fetched stays for others."""
        self._worker.close()
        shutil.rmtree(self._own, ignore_errors=True)

    def _new_worker(self, place: Place) -> Worker:
        return Worker(self._own / "worker.log", self._devices, self._threads, place)

    def _run(self, job: Job, order: Order, folder: Path) -> None:
        out = self._own / "out"
        try:
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            job.checkpoint.parent.mkdir(parents=True, exist_ok=True)
            for path, offered in order.files.items():
                self._place(offered, mirrored(folder, path))
            cluster_cache.make_room(self._node / "files")
            self._seen = self._state()
            self._worker.run(job, out, self._report)
            self._tell("done", [_returned(path, path.name) for path in sorted(out.iterdir())])
        except Killed as error:
            threading.Event().wait(GRACE)
            self._tell("BuildFailed", str(error))
        except tuple(MESSAGES.values()) as error:
            self._tell(told_as(error), str(error))
        except OSError as error:
            self._tell("BuildFailed", f"{job.label}: {of_a_file(error, out)}")
        except Exception as error:
            self._tell("unexpected", f"{type(error).__name__}: {error}")

    def _report(self, figures: Figures) -> None:
        self._tell("progress", dict(figures))

    def _tell(self, kind: str, content: Any) -> None:
        with self._changed:
            # Of the figures between two ends of epochs only the last ones are news.
            if self._told and self._told[-1][0] == "progress" and "val_loss" not in self._told[-1][1]:
                self._told.pop()
            self._told.append((kind, content))
            self._changed.notify_all()

    def _place(self, offered: Offered, path: Path) -> None:
        if path == self._checkpoint:
            # The stage may write into it, so it must share its bytes with nobody.
            cluster_cache.fetch(offered, path)
        else:
            cluster_cache.place(offered, path, self._node / "files")

    def _new_checkpoint(self) -> Returned | None:
        """The checkpoint, if it is another one than when it was last looked at."""
        if self._state() in (NONE, self._seen):
            return None
        copy = self._own / "checkpoint"  # the one before was fetched: else nobody would ask
        with suppress(OSError):  # replaced at this moment, or gone with its stage
            seen = self._state()
            # Not linked: some stages append to theirs, and what is read later must be what was hashed. An epoch that
            # is cut off in the copy is one that the stage notices when it goes on from there.
            shutil.copyfile(self._checkpoint, copy)
            self._seen = seen
            return _returned(copy, "checkpoint")
        return None

    def _state(self) -> _State:
        with suppress(OSError):
            status = self._checkpoint.stat()
            return status.st_ino, status.st_mtime_ns, status.st_size
        return NONE


def _machine() -> str:
    return Made(machine=machines.here(), precision=None).where


def _out_of_reach(image: ImageThere) -> str:
    """Why images at an address cannot be read here; empty where they can, or are others now, which the stage says."""
    try:
        image.read_bytes()
    except (BadInput, Unreachable) as error:
        return f"no way to the images ({error}); or have the builder send them: --set execution.copy_data=true"
    except BuildFailed:
        pass
    return ""


def _returned(path: Path, name: str) -> Returned:
    return Returned(name, str(path), path.stat().st_size, file_hash(path))


def _versions(packages: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name in packages:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _of_dead(folder: Path) -> Iterator[Path]:
    """The folders in `folder` that are named for processes which are no more."""
    for path in folder.glob("[0-9]*"):
        try:
            os.kill(int(path.name), 0)
        except ProcessLookupError:
            yield path
        except (ValueError, OSError):
            continue
