"""A folder of documents → pages of the site, with the site's own layout: Markdown as people read it on a code host.

`index.md` lists the documents, each in an item of a list that begins with a link, below the headings that group them.
What it lists becomes a page, in this order; other files do where a document links to them, as they are. Links between
documents lead from page to page. Others lead into the repository, or are plain text where its address is not known.
"""

import html
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from generator.experiment.config.post_settings import SiteSettings
from generator.post import templating
from generator.post.formats import preview
from generator.support import escape, git, newlines
from generator.support.addresses import beside
from generator.support.errors import BadInput

FOLDER = "docs"
"""Of the site, for the pages."""

INDEX = "index.md"

LAYOUT = "document"
"""Jekyll's, in `templates/site/_layouts/`."""

_LISTED = re.compile(
    r"^## +(?P<group>.+?) *$"
    r"|^ *(?:[-*+]|\d+[.)]) +\[(?P<entry>[^\]]+)\]\((?P<link><[^>\n]+>|[^)\s]+)(?: +(?:\"[^\"\n]*\"|'[^'\n]*'))? *\)",
    re.MULTILINE,
)
_TITLE = re.compile(r"(?>(?:\s|<!--.*?-->)*)^# +([^\n]+?) *$", re.DOTALL | re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_LINK = re.compile(r'<a href="([^"]*)"( [^>]*)?>(.*?)</a>', re.DOTALL)
_CELL = re.compile(r"<t[dh].*?</t[dh]>", re.DOTALL)
_SOURCE = re.compile(r'(<img [^>]*?src=")([^"]*)(")')


@dataclass(frozen=True)
class Document:
    """One line of the index."""

    source: str
    """Its file below the folder, with forward slashes."""
    entry: str
    """What it is called among the others."""
    group: str

    @property
    def page(self) -> str:
        """Its page, below the pages' folder."""
        return posixpath.splitext(self.source)[0] + ".html"


@dataclass
class _Folder:
    """The documents, and what was found on the way."""

    path: Path
    repository: str | None
    inside: str
    """Where the folder lies in the repository."""
    pages: Mapping[str, str]
    """Source → page."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Other files that documents link to, by their paths below the folder."""

    def address(self, target: str, document: Document) -> str | None:
        """Where a link in a document leads on its page; None where a reader of the site could not follow it."""
        parts = beside(target)
        if parts is None:
            return target
        here = posixpath.dirname(document.source)
        path = posixpath.normpath(posixpath.join(here, unquote(parts.path)))
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        if path in self.pages or self._is_beside(path):
            return quote(posixpath.relpath(self.pages.get(path, path), here or ".")) + fragment
        inside = posixpath.normpath(posixpath.join(self.inside, path))
        if self.repository is None or inside.startswith(".."):
            return None
        return f"{self.repository.rstrip('/')}/blob/HEAD/{quote(inside)}{fragment}"

    def _is_beside(self, path: str) -> bool:
        """Whether a file that is no document is published too."""
        file = self.path / path
        if path.startswith("..") or path.endswith(".md") or not file.is_file():
            return False
        templating.check_inside(file, self.path)
        self.files[path] = file.read_bytes()
        return True


def pages(settings: SiteSettings) -> dict[str, bytes]:
    """Site path → content of all pages; none where the settings ask for none.

    Raises `BadInput` where the folder, its index or a document that it lists cannot be read.
    """
    if settings.docs is None:
        return {}
    listed = documents(settings.docs)
    inside = _inside(settings.docs) if settings.repository else ""
    folder = _Folder(settings.docs, settings.repository, inside, {each.source: each.page for each in listed})
    made = {each.page: _page(each, order, folder) for order, each in enumerate(listed)}
    return {f"{FOLDER}/{path}": content for path, content in {**made, **folder.files}.items()}


def documents(folder: Path) -> list[Document]:
    """The index, and the documents that it lists, in order."""
    return [Document(INDEX, "Overview", ""), *_listed(_text(folder, INDEX))]


def anchor(heading: str, _separator: str = "-") -> str:
    """The anchor that a code host gives a heading, as in https://github.com/gjtorikian/html-pipeline (toc_filter)."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _inside(folder: Path) -> str:
    """Where a folder lies below the top of its repository; in none, as if it lay at the top."""
    try:
        return folder.resolve().relative_to(git.find(folder).folder).as_posix()
    except git.Refused:
        return folder.name


def _listed(index: str) -> Iterator[Document]:
    group, seen = "", {INDEX}
    for line in _LISTED.finditer(index):
        group = line["group"] or group
        source = _source(line["link"] or "")
        if source.endswith(".md") and source not in seen:
            seen.add(source)
            yield Document(source, line["entry"], group)


def _source(link: str) -> str:
    """The file below the folder to which a link of the index leads; empty where it leads elsewhere."""
    parts = beside(link.removeprefix("<").removesuffix(">"))
    return posixpath.normpath(unquote(parts.path)) if parts else ""


def _text(folder: Path, name: str) -> str:
    path = folder / name
    try:
        templating.check_inside(path, folder)
        return newlines.normalised(path.read_bytes()).decode("utf-8-sig")
    except OSError as error:
        listed = "" if name == INDEX else f" It is listed in {folder / INDEX}."
        raise BadInput(f"{path}: cannot be read ({error.strerror}); site.docs asks for it.{listed}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not text in UTF-8 ({error}); mend the document") from None


def _page(document: Document, order: int, folder: _Folder) -> bytes:
    text = _text(folder.path, document.source)
    found = _TITLE.match(text)
    title = found[1].replace("`", "") if found else document.entry
    body = preview.html(text[found.end() :] if found else text, anchor)
    matter = {"layout": LAYOUT, "title": title, "entry": document.entry, "group": document.group}
    lines = [f"{name}: {escape.yaml_string(value)}" for name, value in matter.items()]
    return "\n".join(["---", *lines, f"order: {order}", "---", _linked(body, document, folder), ""]).encode()


def _linked(body: str, document: Document, folder: _Folder) -> str:
    """The page's HTML: its links lead somewhere, comments are gone, and nothing in it is Liquid."""

    def link(found: re.Match[str]) -> str:
        address = folder.address(html.unescape(found[1]), document)
        return found[3] if address is None else f'<a href="{html.escape(address)}"{found[2] or ""}>{found[3]}</a>'

    def source(found: re.Match[str]) -> str:
        address = folder.address(html.unescape(found[2]), document)
        return f"{found[1]}{found[2] if address is None else html.escape(address)}{found[3]}"

    # A bar that is escaped, as it must be in a table, is a bar in code, too: https://github.github.com/gfm/#tables-extension-
    unescaped = _CELL.sub(lambda cell: cell[0].replace("\\|", "|"), _COMMENT.sub("", body))
    text = _SOURCE.sub(source, _LINK.sub(link, unescaped)).strip()
    return text.replace("{{", "&#123;&#123;").replace("{%", "&#123;%")
