"""Reads the project's own source: excerpts for the post, and fingerprints of what a stage executes.

A fingerprint covers a function and everything of `generator/` that it refers to, followed through names and
imports, each definition by itself. It is taken from the syntax tree without docstrings, so that a comment, a
docstring or formatting does not count and a changed constant in an imported helper does. Nothing is imported:
TensorFlow modules are read as text.
"""

import ast
import hashlib
import symtable
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from generator.support.errors import BuildFailed
from generator.support.places import ROOT

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
    module = _module(module_name, root)
    node = module.definitions.get(name) if module else None
    if module is None or node is None:
        raise BuildFailed(f"{symbol}: no such definition to quote; a template names it, the code does not have it")
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(d.lineno for d in decorators)])
    lines = module.text.splitlines()[first - 1 : node.end_lineno]
    return Passage(symbol, module.file, first, textwrap.dedent("\n".join(lines)) + "\n")


def fingerprint(symbols: Iterable[str], root: Path = ROOT) -> dict[str, str]:
    """`module:name` → SHA-256 for each of `symbols` and every definition of the package they lead to."""
    digests: dict[str, str] = {}
    modules: dict[str, _Module | None] = {}
    waiting = list(symbols)
    while waiting:
        symbol = waiting.pop()
        if symbol in digests:
            continue
        module_name, _, name = symbol.partition(":")
        if module_name not in modules:
            modules[module_name] = _module(module_name, root)
        module = modules[module_name]
        if module is None:
            raise BuildFailed(f"{symbol}: no such module in {PACKAGE}/")
        digests[symbol] = module.digest(name)
        waiting += module.references(name)
        waiting.append(f"{module_name}:{_STATEMENTS}")
    return {symbol: digests[symbol] for symbol in sorted(digests) if digests[symbol]}


_STATEMENTS = "<module statements>"
"""Stands for what a module executes when it is imported, apart from definitions and imports."""


@dataclass(frozen=True)
class _Module:
    name: str
    file: str
    text: str
    root: Path

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
    def _digests(self) -> dict[str, str]:
        return {}

    @cached_property
    def _references(self) -> dict[str, list[str]]:
        return {}

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
    def imports(self) -> dict[str, tuple[str, str | None]]:
        """Local name → (module, name in it), the name being None where the module itself is meant."""
        found: dict[str, tuple[str, str | None]] = {}
        # Late imports inside functions count too, hence the walk over the whole tree.
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
                for alias in node.names:
                    as_module = f"{node.module}.{alias.name}"
                    known = _path(as_module, self.root).is_file()
                    target = (as_module, None) if known else (node.module, alias.name)
                    found[alias.asname or alias.name] = target
        return found

    def digest(self, name: str) -> str:
        """SHA-256 of one definition, empty if the module has none of that name."""
        if name not in self._digests:
            text = "\n".join(ast.dump(node) for node in self._nodes(name))
            self._digests[name] = hashlib.sha256(text.encode()).hexdigest() if text else ""
        return self._digests[name]

    def references(self, name: str) -> list[str]:
        """Symbols of the package that one definition refers to."""
        if name not in self._references:
            node = self.definitions.get(name)
            self._references[name] = sorted(set(self._referred(node, self._own_names(name, node)))) if node else []
        return self._references[name]

    def _nodes(self, name: str) -> list[ast.stmt]:
        if name != _STATEMENTS:
            return [self.definitions[name]] if name in self.definitions else []
        plain = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
        return [node for node in self.tree.body if not isinstance(node, plain)]

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

    def _referred(self, node: ast.stmt, own: set[str]) -> Iterator[str]:
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in own:
                continue
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id not in own:
                module, inner = self.imports.get(part.value.id, ("", None))
                if module and inner is None:
                    yield f"{module}:{part.attr}"
            elif isinstance(part, ast.Name) and part.id in self.definitions:
                yield f"{self.name}:{part.id}"
            elif isinstance(part, ast.Name) and part.id in self.imports:
                module, inner = self.imports[part.id]
                if inner is not None:
                    yield f"{module}:{inner}"


def _module(name: str, root: Path) -> _Module | None:
    path = _path(name, root)
    if name.split(".")[0] != PACKAGE or not path.is_file():
        return None
    # Keyed by the text as well: a file edited while `serve` runs must be read afresh.
    return _parsed(name, path.relative_to(root).as_posix(), path.read_text("utf-8"), root)


def _path(name: str, root: Path) -> Path:
    return root.joinpath(*name.split(".")).with_suffix(".py")


@cache
def _parsed(name: str, file: str, text: str, root: Path) -> _Module:
    return _Module(name, file, text, root)


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
