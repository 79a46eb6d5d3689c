"""A built site's links, held against its files: every link, image and anchor must lead somewhere."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

ORIGIN = "http://site.invalid"


@dataclass
class Page(HTMLParser):
    """What one page points at, and what can be pointed at in it."""

    targets: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    images_without_alt: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    """The elements, in order."""
    text: str = ""
    """What a reader sees, and the page's scripts."""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.tags.append(tag)
        self.targets += [value for name in ("href", "src") if (value := names.get(name)) is not None]
        if names.get("id"):
            self.ids.append(str(names["id"]))
        if tag == "img" and not names.get("alt"):
            self.images_without_alt.append(str(names.get("src")))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text("utf-8"))
    page.close()
    return page


def broken(site: Path, baseurl: str) -> list[str]:
    """One line per fault of the built `site` that is served under `baseurl` ("" or "/repo")."""
    pages = {path.relative_to(site).as_posix(): read(path) for path in sorted(site.rglob("*.html"))}
    faults = []
    for name, page in pages.items():
        doubles = sorted({i for i in page.ids if page.ids.count(i) > 1})
        faults += [f"{name}: id {i} stands twice" for i in doubles]
        faults += [f"{name}: image {source} has no alternative text" for source in page.images_without_alt]
        for target in page.targets:
            fault = _fault(site, baseurl, pages, urljoin(f"{ORIGIN}{baseurl}/{name}", target))
            faults += [f"{name}: {target}: {fault}"] if fault else []
    return faults


def outside(site: Path) -> list[str]:
    """Addresses outside the site that a page would load (not merely link to)."""
    found = []
    for path in sorted(site.rglob("*.html")):
        loader = _Loads()
        loader.feed(path.read_text("utf-8"))
        found += [f"{path.name}: {target}" for target in loader.targets if urlsplit(target).netloc]
    return found


class _Loads(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        name = "href" if tag == "link" else "src"
        if names.get(name):
            self.targets.append(str(names[name]))


def _fault(site: Path, baseurl: str, pages: dict[str, Page], address: str) -> str | None:
    parts = urlsplit(address)
    if f"{parts.scheme}://{parts.netloc}" != ORIGIN:
        return None if parts.scheme in ("http", "https", "data", "mailto") else f"scheme {parts.scheme}"
    if not parts.path.startswith(f"{baseurl}/"):
        return f"leaves {baseurl}/"
    name = unquote(parts.path.removeprefix(f"{baseurl}/"))
    name = f"{name}index.html" if name == "" or name.endswith("/") else name
    if not (site / name).is_file() and name:
        name = f"{name}.html"  # as a web server finds a page whose address has no suffix
    if not (site / name).is_file():
        return "no such file"
    if parts.fragment and unquote(parts.fragment) not in pages[name].ids:
        return "no such anchor"
    return None
