"""Reads the project's own source: excerpts for the post, and fingerprints of what a stage executes.

A fingerprint covers a function and everything of `generator/` that it refers to, followed through names and
imports, each definition by itself. It is taken from the syntax tree without docstrings, so that a comment, a
docstring or formatting does not count and a changed constant in an imported helper does. Nothing is imported:
TensorFlow modules are read as text.
"""

import ast
import hashlib
import json
import symtable
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TypedDict

from generator.support.errors import BuildFailed
from generator.support.files import write_atomically
from generator.support.places import ROOT, compiled

PACKAGE = "generator"

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Passage:
    """A definition as it stands in its file."""

    symbol: str
    """`module:name`, as in `generator.training.network:connect`."""
    file: str
    """Path below the project's root, with forward slashes."""
    line: int
    """First line of the code in the file, from 1."""
    code: str


def excerpt(symbol: str, root: Path = ROOT) -> Passage:
    """The source of `module:name`, decorators and docstring included. Raises `BuildFailed` if absent."""
    module_name, _, name = symbol.partition(":")
    text = _text(module_name, root)
    # Keyed by the text as well: a file edited while `serve` runs must be read afresh.
    module = None if text is None else _parsed(module_name, text)
    node = module.definitions.get(name) if module else None
    if module is None or node is None:
        raise BuildFailed(f"{symbol}: no such definition to quote; a template names it, the code does not have it")
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    lines = module.text.splitlines()[first - 1 : node.end_lineno]
    return Passage(symbol, module.file, first, textwrap.dedent("\n".join(lines)) + "\n")


class Reading:
    """The source as it is now: whoever asks for several fingerprints has each module read once for all of them."""

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._kept = _kept(root)
        self._modules: dict[str, _Told | None] = {}
        self._is_module: dict[str, bool] = {}
        self._known: dict[str, tuple[str, tuple[str, ...]]] = {}
        """Symbol → its digest, empty where there is no such definition, and the symbols that it refers to."""

    def fingerprint(self, symbols: Iterable[str]) -> dict[str, str]:
        """`module:name` → SHA-256 for each of `symbols` and every definition of the package they lead to.

        Raises `BuildFailed` where a module is missing.
        """
        digests: dict[str, str] = {}
        waiting = list(symbols)
        while waiting:
            symbol = waiting.pop()
            if symbol not in digests:
                digests[symbol], further = self._of(symbol)
                waiting += further
        self._kept.write()
        return {symbol: digests[symbol] for symbol in sorted(digests) if digests[symbol]}

    def _of(self, symbol: str) -> tuple[str, tuple[str, ...]]:
        if symbol not in self._known:
            module, _, name = symbol.partition(":")
            if module not in self._modules:
                self._modules[module] = self._kept.told(module)
            told = self._modules[module]
            if told is None:
                raise BuildFailed(f"{symbol}: no such module in {PACKAGE}/")
            found = told["definitions"].get(name)
            further = self._references(module, found, told["imports"]) if found else ()
            self._known[symbol] = (found["digest"] if found else "", (*further, f"{module}:{_STATEMENTS}"))
        return self._known[symbol]

    def _references(self, module: str, found: "_Definition", imports: "_Imports") -> Iterator[str]:
        """Symbols of the package that one definition refers to."""
        is_module = {name: self._leads_to_module(imports[name]) for name in found["imported"]}
        yield from (f"{module}:{name}" for name in found["own"])
        yield from (":".join(imports[name]) for name in found["imported"] if not is_module[name])
        yield from (f"{'.'.join(imports[name])}:{asked}" for name, asked in found["attributes"] if is_module[name])

    def _leads_to_module(self, imported: tuple[str, str]) -> bool:
        name = ".".join(imported)
        if name not in self._is_module:
            self._is_module[name] = _path(name, self._root).is_file()
        return self._is_module[name]


_STATEMENTS = "<module statements>"
"""Stands for what a module executes when it is imported, apart from definitions and imports."""


_Imports = Mapping[str, tuple[str, str]]


class _Definition(TypedDict):
    """What the text of a definition says, whatever other modules there are."""

    digest: str
    own: list[str]
    """Definitions of the same module that it refers to."""
    imported: list[str]
    """Local names of what is imported that stand in it."""
    attributes: list[tuple[str, str]]
    """Such a name, and what of it is asked for."""


class _Told(TypedDict):
    """What the text of a module says."""

    imports: _Imports
    """Local name → (module, name in it, which may be a module of it)."""
    definitions: dict[str, _Definition]


@dataclass
class _Kept:
    """What modules of a root say, kept beside them by the hash of their text: to read all of them takes a second."""

    root: Path
    file: Path
    told_of: dict[str, tuple[str, _Told]] = field(default_factory=dict)
    """Module → hash of its text, what it says."""
    changed: bool = False

    def told(self, name: str) -> _Told | None:
        """What the module says as it is now: a file may be edited while `serve` runs. None where there is none."""
        text = _text(name, self.root)
        if text is None:
            return None
        digest = hashlib.sha256(text.encode()).hexdigest()
        if name not in self.told_of or self.told_of[name][0] != digest:
            self.told_of[name] = digest, _Module(name, _file(name), text).told()
            self.changed = True
        return self.told_of[name][1]

    def write(self) -> None:
        if self.changed:
            with suppress(BuildFailed):
                write_atomically(self.file, json.dumps(self.told_of).encode())
            self.changed = False


@cache
def _kept(root: Path) -> _Kept:
    # Syntax trees differ between versions of Python, and what is read from them with this module.
    how = hashlib.sha256(f"{sys.version}\n{Path(__file__).read_text('utf-8')}".encode()).hexdigest()[:16]
    file = compiled(root / PACKAGE) / f"source.{how}.json"
    try:
        return _Kept(root, file, json.loads(file.read_bytes()))
    except (OSError, ValueError):
        return _Kept(root, file)


@dataclass(frozen=True)
class _Module:
    name: str
    file: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree without docstrings."""
        tree = ast.parse(self.text)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [part for part in body if not _is_string(part)]  # type: ignore[attr-defined]
        return tree

    @cached_property
    def definitions(self) -> dict[str, Definition]:
        found: dict[str, Definition] = {}
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found[node.name] = node
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                found.update(dict.fromkeys(_targets(node), node))
        return found

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        # Late imports inside functions count too, hence the walk over the whole tree.
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
                for alias in node.names:
                    found[alias.asname or alias.name] = (node.module, alias.name)
        return found

    def told(self) -> _Told:
        plain = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
        statements = [node for node in self.tree.body if not isinstance(node, plain)]
        definitions = {name: self._told(name, node) for name, node in self.definitions.items()}
        if statements:
            definitions[_STATEMENTS] = _Definition(digest=_digest(*statements), own=[], imported=[], attributes=[])
        return _Told(imports=self.imports, definitions=definitions)

    def _told(self, name: str, node: Definition) -> _Definition:
        own, attributes = self._own_names(name, node), set[tuple[str, str]]()
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - own
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id not in own:
                attributes.add((part.value.id, part.attr))
        return _Definition(
            digest=_digest(node),
            own=sorted(names & self.definitions.keys()),
            imported=sorted(names & self.imports.keys() - self.definitions.keys()),
            attributes=sorted(pair for pair in attributes if pair[0] in self.imports),
        )

    @cached_property
    def _table(self) -> symtable.SymbolTable:
        return symtable.symtable(self.text, self.file, "exec")

    def _own_names(self, name: str, node: ast.stmt) -> set[str]:
        """Names that mean a variable of the definition itself wherever they stand in it, not the module's."""
        own: set[str] = set()
        modules = {n.id for part in _evaluated_outside(node) for n in ast.walk(part) if isinstance(n, ast.Name)}
        tables = [table for table in self._table.get_children() if table.get_name() == name]
        while tables:
            table = tables.pop()
            for symbol in table.get_symbols():
                # A late import is known to `imports`.
                (modules if symbol.is_global() or symbol.is_imported() else own).add(symbol.get_name())
            tables += table.get_children()
        return own - modules


def _text(name: str, root: Path) -> str | None:
    """A module of the package; None where there is none of that name."""
    path = _path(name, root)
    return path.read_text("utf-8") if name.split(".")[0] == PACKAGE and path.is_file() else None


def _path(name: str, root: Path) -> Path:
    return root / _file(name)


def _file(name: str) -> str:
    return name.replace(".", "/") + ".py"


@cache
def _parsed(name: str, text: str) -> _Module:
    return _Module(name, _file(name), text)


def _digest(*nodes: ast.stmt) -> str:
    return hashlib.sha256("\n".join(ast.dump(node) for node in nodes).encode()).hexdigest()


def _targets(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _evaluated_outside(node: ast.stmt) -> Iterator[ast.AST]:
    """What of a definition is evaluated where it stands: decorators, defaults, annotations, base classes."""
    for name in ("decorator_list", "args", "returns", "bases", "keywords"):
        part = getattr(node, name, None)
        yield from part if isinstance(part, list) else [part] if part else []


def _is_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
