"""How the project uses Jinja: environments for folders of templates, and where in a template something failed.

`environment` makes the former. Inside `guarded`, what goes wrong in a template becomes `BadInput` with its file
and line; `place` finds these two for whoever writes a message of their own.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)

from generator.support.errors import BadInput

_SUFFIX = ".j2"

_SLIPS = (TemplateError, TypeError, ValueError, LookupError, ZeroDivisionError, RecursionError)
"""What a template's own mistakes raise, if they raise it while a template runs."""


def environment(
    folder: Path,
    *,
    autoescape: bool = False,
    filters: Mapping[str, Callable[..., Any]] | None = None,
    finalize: Callable[..., Any] | None = None,
    bytecode_cache: BytecodeCache | None = None,
) -> Environment:
    """For the templates of `folder`: undefined names fail, lines of block tags leave nothing behind.

    `filters` are added to Jinja's own. A template that is not text in UTF-8 raises `BadInput` when it is loaded.
    """
    made = Environment(
        loader=_Loader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # Never by the file's name: Jinja's default would not escape in a file called *.html.j2.
        autoescape=autoescape,
        finalize=finalize,
        bytecode_cache=bytecode_cache,
    )
    made.filters.update(filters or {})
    return made


@contextmanager
def guarded(folder: Path, *, in_full: bool = False, advice: str = "") -> Iterator[None]:
    """What goes wrong in the templates of `folder`, raised as `BadInput`: `file:line: what`, and then `advice`.

    A file is named from the folder's own name on, or `in_full`. What no template raised passes.
    """
    below = None if in_full else folder.parent
    try:
        yield
    except TemplateNotFound as error:
        missing = f"template {error.name} is missing in {folder}"
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


def _at(found: str | None, below: Path | None) -> str:
    """What a message begins with."""
    if found and below and Path(found).is_relative_to(below):
        found = Path(found).relative_to(below).as_posix()
    return f"{found}: " if found else ""


class _Loader(FileSystemLoader):
    """Names the file that is no text; the error alone does not know it."""

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        try:
            return super().get_source(environment, template)
        except UnicodeDecodeError as error:
            path = Path(self.searchpath[0], template)
            raise BadInput(f"{path}: not text in UTF-8 ({error}); mend the template") from None
