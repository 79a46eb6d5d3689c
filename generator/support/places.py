"""Where the program lies, where an experiment's file is found, and where a build reads and writes.

The program is a checkout, with `templates/` beside `generator/`, or it is installed; then they lie in `generator/`.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.support.errors import BadInput, printable

ROOT = Path(__file__).parents[2]
"""The folder that `generator/` lies in: a checkout, or one of Python's folders of packages. Code is quoted from it."""

EXPERIMENT = "experiment.toml"
"""What the file with the settings is called; what a user names in it, and what a build makes, lies beside it."""

HISTORY = "history"
"""Folder of the store with one folder per build."""

PUBLISHED = "published"
"""Folder of the store with a note per site and post of what was put there."""

REPLACED = "_replaced"
"""Folder of the site where copies of what was overwritten are kept: to be committed, and passed over by Jekyll."""

WORKER_LOG = "worker.log"
"""File of the store with what TensorFlow printed; further processes at the same time have further ones."""


def worker_logs(store: Path, name: str = WORKER_LOG) -> Iterator[Path]:
    """`worker.log`, `worker-2.log`, … of the store, or those of another first one."""
    yield store / name
    yield from (store / f"{Path(name).stem}-{number}.log" for number in itertools.count(2))


STORE_FOLDERS = ("stages", "temporary", "latest", "checkpoints", "locks", "in-use", HISTORY, PUBLISHED, "weights")
"""Folders of the store with fixed names; files, and folders named for what is in them, lie beside."""


def templates_of(root: Path) -> Path:
    """The templates of the program in `root`."""
    packaged = root / "generator" / "templates"
    return packaged if packaged.is_dir() else root / "templates"


TEMPLATES = templates_of(ROOT)

INSTALLED = TEMPLATES.parent != ROOT
"""Whether this is an installation; else a checkout."""


def compiled(folder: Path) -> Path:
    """The folder for what was made of the files of `folder`, templates or code, and can be made again.

    In a checkout named as Python names its own; of an installation, which may be read-only and is none of ours to
    write to, below the user's caches.
    """
    if not INSTALLED or not folder.is_relative_to(TEMPLATES.parent):
        return folder / "__pycache__"
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "measured-post" / folder.name


def experiment() -> Path:
    """The file with the settings where none is named: a checkout's own; else the nearest from here upwards.

    Where there is none, what it would be called here.
    """
    if not INSTALLED:
        return ROOT / EXPERIMENT
    here = Path(EXPERIMENT)
    above = (folder / EXPERIMENT for folder in Path.cwd().parents)
    return next((path for path in (here, *above) if path.is_file()), here)


def expanded(path: str | Path, named_by: str) -> Path:
    """`path` with a home folder in place of `~` or `~USER`. Raises `BadInput` for no such user and no path."""
    if not str(path):
        raise BadInput(f"{named_by} = '': expected a path")
    try:
        return Path(path).expanduser()
    except RuntimeError:
        wrong = f"{named_by}: {printable(path)}: no home folder is known of that user"
        raise BadInput(f"{wrong}; write the path out, or ./~… for a name that begins so") from None


@dataclass(frozen=True)
class Places:
    """Folders and files of one build."""

    root: Path
    """The program: templates, quoted source, lock file."""
    store: Path
    site: Path
    preview: Path
    project: Path | None = None
    """The folder of the experiment, where it is not the program's own checkout."""

    @property
    def templates(self) -> Path:
        return templates_of(self.root)

    @property
    def repository(self) -> Path:
        """The folder whose commit the build is of."""
        return self.project or self.root
