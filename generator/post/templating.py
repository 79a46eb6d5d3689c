"""How the project uses Jinja: environments for folders of templates, and where in a template something failed.

`environment` makes the former. Inside `guarded`, what goes wrong in a template becomes `BadInput` with its file
and line; `place` finds these two for whoever writes a message of their own.

A user's folder may be laid over that of the project: a template of the same name takes the place of the project's,
which is still to be had as `!name`, as in Sphinx.
"""

import hashlib
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import (
    Environment,
    FileSystemBytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.bccache import Bucket
from jinja2.sandbox import SandboxedEnvironment

from generator.support import escape, formats, newlines
from generator.support.errors import BadInput
from generator.support.places import compiled

_SUFFIX = ".j2"
TEMPLATE = ".md.j2"
"""What the name of every template of the post ends in."""
OF_PROJECT = "!"
"""What a template's name begins with where the project's own is meant, whatever is laid over it."""

_CALLED = (escape.__file__, formats.__file__)
"""Modules of other rooms that templates call."""

_SLIPS = (TemplateError, TypeError, ValueError, LookupError, ZeroDivisionError, RecursionError)
"""What a template's own mistakes raise, if they raise it while a template runs."""


def environment(
    folder: Path,
    own: Path | None = None,
    *,
    autoescape: bool = False,
    filters: Mapping[str, Callable[..., Any]] | None = None,
    finalize: Callable[..., Any] | None = None,
    kept: Path | None = None,
) -> Environment:
    """For the templates of `folder`: undefined names fail, lines of block tags leave nothing behind.

    Those of a user's `own` folder are laid over them. `filters` are added to Jinja's own. With `kept`, the project's
    templates, what is compiled is kept for the next process; filters are then those of this room and of `_CALLED`.
    A template that is not text in UTF-8, or one of `own` that leads out of it, raises `BadInput` when it is loaded.
    """
    # Sandboxed: a template computes with what it is given, and reaches nothing else of the program or the machine.
    made = SandboxedEnvironment(
        loader=_Loader(folder, own),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Never by the file's name: Jinja's default would not escape in a file called *.html.j2.
        autoescape=autoescape,
        finalize=finalize,
        bytecode_cache=None if kept is None else _Compiled(kept),
    )
    made.filters.update(filters or {})
    return made


@contextmanager
def guarded(folder: Path, own: Path | None = None, *, in_full: bool = False, advice: str = "") -> Iterator[None]:
    """What goes wrong in the templates of `folder` and `own`, raised as `BadInput`: `file:line: what`, then `advice`.

    A file is named from the folder's own name on, or `in_full`. What no template raised passes.
    """
    folders = (folder,) if own is None else (own, folder)
    below = () if in_full else [each.parent for each in folders]
    try:
        yield
    except TemplateNotFound as error:
        missing = f"template {error.name} is missing in {' and '.join(map(str, folders))}"
        raise BadInput(f"{_at(place(error), below)}{missing}{advice}") from None
    except OSError as error:
        raise BadInput(f"{error.filename}: cannot be read ({error.strerror}); restore the file") from None
    except _SLIPS as error:
        found = place(error)
        if found is None:
            raise
        raise BadInput(f"{_at(found, below)}{error}{advice}") from None


def place(error: BaseException) -> str | None:
    """`file:line` of the innermost template that `error` passed through."""
    if isinstance(error, TemplateSyntaxError):
        return f"{error.filename}:{error.lineno}"
    lines = ((frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__))
    passed = [f"{file}:{line}" for file, line in lines if PurePosixPath(file).suffix == _SUFFIX]
    return passed[-1] if passed else None


def _at(found: str | None, below: Iterable[Path]) -> str:
    """What a message begins with."""
    parent = next((folder for folder in below if found and Path(found).is_relative_to(folder)), None)
    if found and parent:
        found = Path(found).relative_to(parent).as_posix()
    return f"{found}: " if found else ""


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates, kept because compiling takes longer than rendering.

    What cannot be written is compiled again the next time. Constants are escaped when a template is compiled,
    hence the hash of the code that does it in the files' names.
    """

    def __init__(self, templates: Path) -> None:
        super().__init__(str(compiled(templates)), f"%s.{code()}.j2c")

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            Path(self.directory).mkdir(parents=True, exist_ok=True)
            super().dump_bytecode(bucket)


@cache
def code() -> str:
    """A fingerprint of the code of this process that a template may call."""
    # That is a module of this room; which of them, only their imports say.
    return fingerprint(contents([*sorted(Path(__file__).parent.rglob("*.py")), *map(Path, _CALLED)]))


def contents(files: Iterable[Path]) -> list[bytes]:
    """Of text files, whatever ends their lines."""
    return [newlines.normalised(path.read_bytes()) for path in files]


def fingerprint(texts: Iterable[bytes]) -> str:
    """A short hash of all of them, for the name of a file."""
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


class _Loader(FileSystemLoader):
    """Looks into the user's folder, then into the project's; names the file that is no text."""

    def __init__(self, folder: Path, own: Path | None) -> None:
        super().__init__([folder] if own is None else [own, folder], encoding="utf-8-sig")
        self.project = FileSystemLoader(folder)
        self.own = own

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        name = template.removeprefix(OF_PROJECT)
        # Others of the user's folder are none: lint does not read them.
        owned = self.own is not None and name.endswith(TEMPLATE) and (self.own / name).is_file()
        of_project = name != template or not owned
        path = Path(self.searchpath[-1 if of_project else 0], name)
        if self.own is not None and not of_project:
            check_inside(path, self.own)
        try:
            return (self.project.get_source if of_project else super().get_source)(environment, name)
        except UnicodeDecodeError as error:
            raise BadInput(f"{path}: not text in UTF-8 ({error}); mend the template") from None


def check_inside(path: Path, folder: Path) -> None:
    """Raise `BadInput` where a file of a folder, followed through links, is not in it.

    A link could put any text file of the machine onto a page that is published.
    """
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f"{path}: leads out of {folder}; put the file itself there")
