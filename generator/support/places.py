"""Where the project lies, and where a build reads and writes."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The project: `generator/`, `templates/`, `experiment.toml`."""

HISTORY = "history"
"""Folder of the store with one folder per build."""

WORKER_LOG = "worker.log"
"""File of the store with what TensorFlow printed; further processes at the same time have further ones."""


def worker_logs(store: Path) -> Iterator[Path]:
    """`worker.log`, `worker-2.log`, … of the store."""
    yield store / WORKER_LOG
    yield from (store / f"{Path(WORKER_LOG).stem}-{number}.log" for number in itertools.count(2))


STORE_FOLDERS = ("stages", "temporary", "latest", "checkpoints", "locks", "in-use", HISTORY, "weights")
"""All that a build makes in the store."""


@dataclass(frozen=True)
class Places:
    """Folders and files of one build."""

    root: Path
    """The project: templates, lock file, git repository."""
    store: Path
    site: Path
    preview: Path

    @property
    def templates(self) -> Path:
        return self.root / "templates"
