"""Finds a finished build by what a user calls it: a folder, a metrics file, a revision, a build of the history.

`find` turns such a name into a `Build`: its results, checked, and a way to read its figures. Where only
`metrics.json` is there, the results lack epochs and predictions and are otherwise the same.
"""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from generator.experiment import provenance
from generator.experiment.files import result_files
from generator.experiment.outcomes import Epoch
from generator.experiment.provenance import Provenance
from generator.experiment.results import BuildResults
from generator.post.jekyll import blog
from generator.support import git, strict_json
from generator.support.errors import BadInput, printable
from generator.support.places import HISTORY

Reader = Callable[[str], bytes | None]


@dataclass(frozen=True)
class SearchPlaces:
    """Where builds are looked for."""

    root: Path
    """The project."""
    site: Path
    """The site of the working tree; a revision is one of the repository it lies in, and has it at the same path."""
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
    provenance: Provenance | None = None
    """None where it was not kept, as with a `metrics.json` alone."""
    folder: Path | None = None
    """Of the data files; None for those of a revision."""
    metrics: str = result_files.METRICS
    """What the metrics file in the folder is called."""
    commit: "Commit | None" = None
    """None for files of a folder."""


@dataclass(frozen=True)
class Commit:
    """The files of a build in a revision."""

    repository: git.Repository
    hash: str
    metrics: str
    """Path of the metrics file from the top of the repository."""

    @property
    def is_checked_out(self) -> bool:
        return self.repository.commit("HEAD") == self.hash

    def before(self) -> str:
        """How to come to the last build before this one, as a clause."""
        found = self.repository.commits_of(self.metrics, self.hash, most=2)
        if len(found) == 2:
            return f"the build before it is in {found[1]} (build.py diff {found[1]})"
        if self.repository.is_shallow():
            return "what was before it is not in this shallow clone: `git fetch --unshallow` gets it"
        return "it is the first that is committed"


def is_one_build(old: Build, new: Build) -> bool:
    """Whether the two, whose results are the same, were made by one run and not by two that agree."""
    if old.provenance is not None and new.provenance is not None:
        return old.provenance.id == new.provenance.id
    return is_one_place(old, new)


def is_one_place(old: Build, new: Build) -> bool:
    """Whether one build was named twice: the same files, or a checked out commit and its working tree."""
    if (old.commit is None) == (new.commit is None):
        return is_same_files(old, new)
    committed, tree = (old.commit, new) if old.commit else (new.commit, old)
    assert committed is not None  # one of the two is
    return _metrics(tree) == (committed.repository.folder / committed.metrics).resolve() and committed.is_checked_out


def is_same_files(old: Build, new: Build) -> bool:
    """Whether the two were read from the same files, so that they agree whatever was built."""
    if old.commit is not None or new.commit is not None:
        return old.commit == new.commit
    return _metrics(old) == _metrics(new)


def _metrics(build: Build) -> Path:
    assert build.folder is not None  # every build has a commit or a folder
    return (build.folder / build.metrics).resolve()


def another(old: Build, new: Build) -> str:
    """How to name another build than these two, which are one."""
    committed = old.commit or new.commit
    return committed.before() if committed else "name another: a revision, or one that `build.py history` lists"


def find(name: str, places: SearchPlaces) -> Build:
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


def _short(path: Path, places: SearchPlaces) -> str:
    """`path` as seen from the project, where it is inside: a report should not tell where that lies."""
    full, root = path.resolve(), places.root.resolve()
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
    return replace(_build(label, str(folder), read, images, metrics), folder=folder, metrics=metrics)


def _from_revision(revision: str, places: SearchPlaces) -> Build:
    repository, commit = _commit(revision, places.site)
    # Both without links: git names the top of the working tree so.
    site = PurePosixPath(places.site.resolve().relative_to(repository.folder).as_posix())
    folder = _committed_folder(repository, commit, revision, site / "assets" / "data", places.asset_folder)

    def read(path: str) -> bytes | None:
        # A figure's path goes up by `..`, which git does not know.
        return repository.read(commit, posixpath.normpath(folder / path))

    label = revision if commit.startswith(revision) else f"{revision} ({commit[:7]})"
    built = _build(label, f"{revision}:{folder}", read, f"../../images/{folder.name}")
    return replace(built, commit=Commit(repository, commit, str(folder / result_files.METRICS)))


def _committed_folder(
    repository: git.Repository, commit: str, revision: str, data: PurePosixPath, asset_folder: str
) -> PurePosixPath:
    """As `_data_folder`, in a commit, of whose site `data` is the folder of all posts' data files."""
    named = data / asset_folder / result_files.METRICS
    if repository.read(commit, str(named)) is not None:
        return named.parent
    files = map(PurePosixPath, repository.files(commit, str(data)))
    found = [path for path in files if path == data / path.parent.name / result_files.METRICS]
    if len(found) == 1:
        return found[0].parent
    if not found:
        raise BadInput(f"{revision}: holds no {named}; commit a build, or name another side")
    listed = ", ".join(map(str, found))
    raise BadInput(
        f"{revision}: expected {named} or one {result_files.METRICS} beside it, found {listed}; "
        "set post.asset_folder to the folder of the post that is meant"
    )


def _commit(revision: str, site: Path) -> tuple[git.Repository, str]:
    """The commit of the repository in which the site lies; raises `BadInput` with what git says against it."""
    shown = printable(revision)
    try:
        repository = git.find(site)
        commit = repository.commit(revision)
    except git.NoRepository as error:
        raise BadInput(f"{shown!r} is no build: {_EXPECTED}; {error}") from None
    except git.Refused as error:
        raise BadInput(f"{shown!r} cannot be looked up: {error}") from None
    if commit is not None:
        return repository, commit
    if not repository.has_commits():
        raise BadInput(f"{shown!r}: {repository.folder} has no commits yet; commit a build, or name another side")
    if repository.is_shallow():
        raise BadInput(
            f"{shown!r} is not in {repository.folder}, which is a shallow clone: get its history by"
            " `git fetch --unshallow` (GitHub's checkout action: fetch-depth: 0), or name another side"
        )
    raise BadInput(f"{shown!r} is no build: {_EXPECTED} of {repository.folder}")


_EXPECTED = f"expected a site folder, a {result_files.METRICS}, a build of the history, or a git revision"


def _build(label: str, where: str, read: Reader, images: str, metrics: str = result_files.METRICS) -> Build:
    """The build whose files `read` gives by paths relative to its data folder."""
    # Beside a file of another name may lie the files of another build.
    names = result_files.EVERY if metrics == result_files.METRICS else (result_files.METRICS,)
    contents = {name: read(metrics if name == result_files.METRICS else name) for name in names}
    called = {name: f"{where}/{metrics if name == result_files.METRICS else name}" for name in names}
    files = {name: _text(content, called[name]) for name, content in contents.items() if content is not None}
    if result_files.METRICS not in files:
        raise BadInput(f"{where}: holds no {metrics}; name another build")
    table = strict_json.parse_json(files[result_files.METRICS], f"{where}/{metrics}")
    strict_json.check_version(table, f"{where}/{metrics}")
    build = result_files.from_files({**_neighbours(table, f"{where}/{metrics}"), **files}, where)
    _check_figures(build, f"{where}/{result_files.RECORD}")
    epochs = {name: _epochs(variant, f"{where}/{metrics}: {name}") for name, variant in table["variants"].items()}
    made = provenance.parse(read(provenance.NAME)) if metrics == result_files.METRICS else None
    return Build(label, build, epochs, lambda scope, name: read(f"{images}/{scope}/{name}.png"), made)


def _check_figures(build: BuildResults, where: str) -> None:
    """Raise `BadInput` where a figure's name, which leads to a file, could lead elsewhere or to none."""
    for figure in build.figures:
        for name in (figure.scope, figure.name):
            if not name or "/" in name or name.startswith(".") or not name.isprintable():
                raise BadInput(f"{where}: {printable(name)!r} is no name of a figure; restore the file or build again")


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
    return result_files.empty_neighbours(variants, table.get("data"), runs=result_files.several(table))
