"""Where the project lies, and where a build reads and writes."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The project: `generator/`, `templates/`, `experiment.toml`."""

HISTORY = "history"
"""Folder of the store with one folder per build."""

WORKER_LOG = "worker.log"
"""File of the store with what TensorFlow printed."""

STORE_FOLDERS = ("stages", "temporary", "latest", "checkpoints", HISTORY, "weights")
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
