"""Finds a finished build by what a user calls it: a folder, a metrics file, a revision, a build of the history.

`find` turns such a name into a `Build`: its results, checked, and a way to read its figures. Where only
`metrics.json` is there, the results lack epochs and predictions and are otherwise the same.
"""

import posixpath
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from generator import blog, result_files, strict_json
from generator.errors import BadInput, printable
from generator.results import BuildResults, Epoch

HISTORY = "history"
"""Folder of the store with one folder per build."""

Reader = Callable[[str], bytes | None]


@dataclass(frozen=True)
class Places:
    """Where builds are looked for."""

    repository: Path
    site: Path
    """The site of the working tree; in a revision the folder of the same path."""
    store: Path
    asset_folder: str
    """Of the post, below `assets/data/`."""


@dataclass(frozen=True)
class Build:
    """One finished build."""

    label: str
    """As the user may call it, for headings."""
    results: BuildResults
    last_epochs: dict[str, dict[str, Epoch]]
    """Variant → phase → its last epoch, which `metrics.json` holds too, and that may be all there is."""
    figure: Callable[[str, str], bytes | None]
    """(scope, name) → PNG; None where the build keeps no figures."""


def find(name: str, places: Places) -> Build:
    """The build that `name` stands for: a path, a build of the history, or a git revision, in this order.

    Raises `BadInput` where there is none, or where its files are broken, naming the file and the key.
    """
    path = Path(name)
    if path.is_file():
        return _from_folder(path.parent, label=_short(path, places), metrics=path.name)
    if path.is_dir():
        return _from_folder(_data_folder(path, places.asset_folder), label=_short(path, places))
    kept = _in_history(name, places.store)
    if kept is not None:
        return _from_folder(kept, label=f"build {kept.name}")
    return _from_revision(name, places)


def _short(path: Path, places: Places) -> str:
    """`path` as seen from the repository, where it is inside: a report should not tell where that lies."""
    full, root = path.resolve(), places.repository.resolve()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else str(path)


def _data_folder(folder: Path, asset_folder: str) -> Path:
    """The folder of the data files in a site, or `folder` itself if they are in it."""
    if (folder / result_files.METRICS).is_file():
        return folder
    folder = blog.source(folder)
    named = folder / "assets" / "data" / asset_folder
    if (named / result_files.METRICS).is_file():
        return named
    found = sorted(folder.glob(f"assets/data/*/{result_files.METRICS}"))
    if len(found) == 1:
        return found[0].parent
    listed = ", ".join(str(path) for path in found) or "none"
    raise BadInput(f"{folder}: expected one {result_files.METRICS} below assets/data/, found {listed}; name the file")


def _in_history(name: str, store: Path) -> Path | None:
    """The folder of the only build whose id begins with `name`."""
    folder = store / HISTORY
    if not folder.is_dir() or "/" in name:
        return None
    found = sorted(path for path in folder.iterdir() if path.name.startswith(name) and path.is_dir())
    exact = [path for path in found if path.name == name]
    if len(found) > 1 and not exact:
        raise BadInput(f"{name!r} begins the names of {len(found)} builds of the history; give more of it")
    return next(iter(exact or found), None)


def _from_folder(folder: Path, label: str, metrics: str = result_files.METRICS) -> Build:
    def read(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise BadInput(f"{folder / path}: cannot be read ({error.strerror})") from None

    # In a site the data files lie in assets/data/<folder>; elsewhere no figures are found, and none are kept.
    images = f"../../images/{folder.resolve().name}"
    return _build(label, str(folder), read, images, metrics)


def _from_revision(revision: str, places: Places) -> Build:
    commit = _commit(revision, places)
    site = places.site.resolve()
    if not site.is_relative_to(places.repository.resolve()):
        raise BadInput(f"{site} is not in the repository {places.repository}, so {revision!r} has no build of it")
    prefix = PurePosixPath(site.relative_to(places.repository.resolve()).as_posix())
    folder = prefix / "assets" / "data" / places.asset_folder

    def read(path: str) -> bytes | None:
        # A figure's path goes up by `..`, which git does not know.
        done = _git(places.repository, "cat-file", "blob", f"{commit}:{posixpath.normpath(folder / path)}")
        return done.stdout if done.returncode == 0 else None

    if read(result_files.METRICS) is None:
        raise BadInput(f"{revision}: holds no {folder / result_files.METRICS}; commit a build, or name another side")
    label = revision if commit.startswith(revision) else f"{revision} ({commit[:7]})"
    images = f"../../images/{places.asset_folder}"
    return _build(label, f"{revision}:{folder}", read, images)


def _commit(revision: str, places: Places) -> str:
    # A name that begins with a dash would be an option to git.
    named = (
        None
        if revision.startswith("-")
        else _git(places.repository, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    )
    if named is None or named.returncode != 0:
        raise BadInput(
            f"{printable(revision)!r} is no build: expected a site folder, a {result_files.METRICS}, a build of the"
            " history, or a git revision of this repository"
        )
    return named.stdout.decode().strip()


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=False)
    except OSError as error:
        raise BadInput(f"git cannot be run ({error.strerror}); name a folder or a file instead") from None


def _build(label: str, where: str, read: Reader, images: str, metrics: str = result_files.METRICS) -> Build:
    """The build whose files `read` gives by paths relative to its data folder."""
    # Beside a file of another name may lie the files of another build.
    names = result_files.FILES if metrics == result_files.METRICS else (result_files.METRICS,)
    contents = {name: read(metrics if name == result_files.METRICS else name) for name in names}
    files = {name: _text(content, f"{where}/{name}") for name, content in contents.items() if content is not None}
    if result_files.METRICS not in files:
        raise BadInput(f"{where}: holds no {metrics}; name another build")
    table = strict_json.parse_json(files[result_files.METRICS], f"{where}/{metrics}")
    strict_json.check_version(table, f"{where}/{metrics}")
    build = result_files.from_files({**_neighbours(table, f"{where}/{metrics}"), **files}, where)
    epochs = {name: _epochs(variant, f"{where}/{metrics}: {name}") for name, variant in table["variants"].items()}
    return Build(label, build, epochs, lambda scope, name: read(f"{images}/{scope}/{name}.png"))


def _epochs(variant: dict[str, Any], where: str) -> dict[str, Epoch]:
    phases = variant.get("epochs")
    if not isinstance(phases, dict):
        raise BadInput(f"{where}: the key 'epochs' is missing; restore it or build again")
    return {name: strict_json.validated(Epoch, epoch, f"{where}.epochs.{name}") for name, epoch in phases.items()}


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{where}: not a text file in UTF-8; restore it or build again") from None


def _neighbours(table: Any, where: str) -> dict[str, str]:
    """Empty neighbours for a `metrics.json` that was kept alone."""
    variants = table.get("variants")
    if not isinstance(variants, dict) or not all(isinstance(variant, dict) for variant in variants.values()):
        raise BadInput(f"{where}: the key 'variants' is missing or holds no variants; restore it or build again")
    return result_files.empty_neighbours(variants)
