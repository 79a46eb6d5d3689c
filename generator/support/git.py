"""Asks git about the repository in which a thing lies, and passes git's own reason on where it refuses.

`find` gives the `Repository` around a path, whatever repository the caller was started from. Nothing is written:
not even the index is refreshed.
"""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from generator.support.errors import BadInput, printable

SECONDS = 30
"""Longest wait for one answer; a blob of a partial clone may have to be fetched."""

FOREIGN = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG", "GIT_DIR", "GIT_GRAFT_FILE",
        "GIT_GLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE",
        "GIT_INTERNAL_SUPER_PREFIX", "GIT_LITERAL_PATHSPECS", "GIT_NAMESPACE", "GIT_NOGLOB_PATHSPECS",
        "GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_QUARANTINE_PATH",
        "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE",
    }
)  # fmt: skip
"""Variables that say which repository is meant, as `git rev-parse --local-env-vars` lists them, and how a path is.

A hook has them from the repository it runs for. Settings given by variables (`GIT_CONFIG_*`) are the user's own,
`safe.directory` among them, and stay.
"""

_SETTINGS = {"LC_ALL": "C", "LANGUAGE": "", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
"""Reasons in the language in which they are looked for; read only; no questions."""

_REMEDY = re.compile(r"git config --global --add safe\.directory .+")
"""What git proposes where a repository belongs to another user."""

_MOST = 300
"""Characters of a reason."""


class Refused(BadInput):
    """Git cannot or will not answer; the message is its reason, on one line."""


class NoRepository(Refused):
    """The path lies in no repository, or there is no git to ask."""


@dataclass(frozen=True)
class Repository:
    """A repository with a working tree."""

    folder: Path
    """Top of the working tree, without links."""

    def commit(self, revision: str) -> str | None:
        """The full hash of the commit that `revision` names; None if it names none. Raises `Refused`."""
        # A name that begins with a dash would be an option to git, and one of several lines several names.
        if revision.startswith("-") or not revision.isprintable():
            return None
        done = _run(self.folder, "rev-parse", "--verify", f"{revision}^{{commit}}")
        if done.returncode == 0:
            return done.stdout.decode().strip()
        reason = _reason(done)
        if "ambiguous" in reason:
            raise Refused(reason)
        return None

    def has_commits(self) -> bool:
        """Whether anything is checked out."""
        return _run(self.folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode == 0

    def is_shallow(self) -> bool:
        """Whether the history was cloned to a depth only."""
        return _run(self.folder, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"

    def read(self, commit: str, path: str) -> bytes | None:
        """The file at `path`, from the top, in `commit`; None if there is none. Raises `Refused`."""
        done = _run(self.folder, "cat-file", "blob", f"{commit}:{path}")
        if done.returncode == 0:
            return done.stdout
        reason = _reason(done)
        if "does not exist in" in reason or "exists on disk, but not in" in reason:
            return None
        raise Refused(f"{path} of {commit[:7]} cannot be read: {reason}")

    def files(self, commit: str, folder: str) -> list[str]:
        """Paths from the top of all files below `folder` in `commit`; none where there is no such folder.

        Raises `Refused`.
        """
        found = _answer(self.folder, "ls-tree", "-r", "-z", "--name-only", commit, "--", f"{folder}/")
        return os.fsdecode(found).split("\0")[:-1]

    def commits_of(self, path: str, commit: str, most: int) -> list[str]:
        """Abbreviated hashes of the newest commits up to `commit` that changed `path`, newest first.

        Raises `Refused`.
        """
        command = ("--literal-pathspecs", "log", f"-{most}", "--format=%h", commit, "--", path)
        return _answer(self.folder, *command).decode().split()


def find(thing: Path) -> Repository:
    """The repository in whose working tree `thing` lies or would lie. Raises `Refused`."""
    folder = _existing(thing)
    done = _run(folder, "rev-parse", "--show-toplevel")
    if done.returncode == 0:
        return Repository(Path(os.fsdecode(done.stdout.removesuffix(b"\n"))))
    reason = _reason(done)
    if "not a git repository (or any" in reason:
        raise NoRepository(f"{thing} is in no git repository")
    if "must be run in a work tree" in reason:
        raise Refused(f"{thing} is in a bare repository or a .git folder, where no files are checked out")
    raise Refused(f"git does not answer for {thing}: {reason}")


def described(folder: Path, made: Path | None = None) -> str | None:
    """The commit checked out in the repository of which `folder` is a part, marked if files were changed since.

    Those in the folder `made` do not count: a build writes them, and is not made from them.
    None where `folder` is in no repository, or in one that keeps none of its files or has no commits. Raises `Refused`
    where there is a repository and git does not read it.
    """
    try:
        repository = find(folder)
    except NoRepository:
        return None
    if not _answer(folder, "ls-files", "--", ".") or not repository.has_commits():
        return None
    parts = [":/"]
    if made and (written := made.resolve()).is_relative_to(repository.folder) and written != repository.folder:
        parts.append(f":(top,exclude,literal){written.relative_to(repository.folder).as_posix()}")
    changed = _answer(repository.folder, "status", "--porcelain", "--untracked-files=no", "--", *parts)
    commit = _answer(folder, "rev-parse", "HEAD").decode().strip()
    return f"{commit}-dirty" if changed else commit


def environment() -> dict[str, str]:
    """The environment for git: without what says that another repository is meant."""
    return {name: value for name, value in os.environ.items() if name not in FOREIGN} | _SETTINGS


def _existing(thing: Path) -> Path:
    """The folder of `thing`, or the nearest one above that is there."""
    return next(path for path in (thing.resolve(), *thing.resolve().parents) if path.is_dir())


def _answer(folder: Path, *arguments: str) -> bytes:
    """What git prints. Raises `Refused`."""
    done = _run(folder, *arguments)
    if done.returncode != 0:
        raise Refused(f"git does not answer for {folder}: {_reason(done)}")
    return done.stdout


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=SECONDS, env=environment())
    except subprocess.TimeoutExpired:
        raise Refused(f"git did not answer within {SECONDS} s for {folder}") from None
    except OSError as error:
        raise NoRepository(f"git cannot be run ({error.strerror}); name a folder or a file instead") from None


def _reason(done: subprocess.CompletedProcess[bytes]) -> str:
    """What git says it stopped for, on one line, with the remedy that it proposes."""
    said = os.fsdecode(done.stderr)
    remedy = _REMEDY.search(said)
    if remedy:
        return printable(f"{_told(said)[0]}; if you trust it: {remedy[0].strip()}")
    return printable(" ".join(_told(said)) or f"exit code {done.returncode}")[:_MOST]


def _told(said: str) -> list[str]:
    """The lines from the first that git marks as its reason, without the mark."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    first = next((i for i, line in enumerate(lines) if line.startswith(("fatal: ", "error: "))), 0)
    return [line.removeprefix("fatal: ").removeprefix("error: ") for line in lines[first:]]
