"""One file to hand in: the preview page with its images and styles inside, which opens with no network.

`export` takes the page's text and the folder that its relative links start from, and gives the text of the
self-contained page. A browser shows it without a single request; a policy in the page makes sure of that.
"""

import base64
import os
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

from generator.support.addresses import beside
from generator.support.errors import BadInput

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What the page may load: nothing that is not in the file itself."""

_MEDIA_TYPES = {
    ".webp": "image/webp",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
}


def export(page: str, folder: Path) -> str:
    """`page` with all that it shows put into it.

    Images become data URIs and style sheets `<style>` elements; links to other files of the site, which the
    reader of a single file does not have, become plain text; links to the web and within the page stay. A figure that
    links to its larger file becomes one that fills the window instead, by the style sheet alone (`.enlarge`).
    Raises `BadInput` naming the first file that is missing.
    """
    packer = _Packer(folder)
    packer.feed(page)
    packer.close()
    return "".join(packer.parts)


def data_uri(path: Path) -> str:
    """The image at `path` as a `data:` URI. Raises `BadInput`."""
    media_type = _MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise BadInput(f"{path}: cannot be put into one file; images end in {', '.join(_MEDIA_TYPES)}")
    return f"data:{media_type};base64,{base64.b64encode(_read(path)).decode('ascii')}"


class _Packer(HTMLParser):
    """Copies a page tag by tag, and rewrites the tags that name a file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(convert_charrefs=False)
        self.folder = folder
        self.parts: list[str] = []
        self.figures = 0
        self.enlarged = ""
        """Anchor of the figure whose link is open, empty elsewhere."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        file = self._local(names.get("href"))
        if tag == "head":
            policy = f'<meta http-equiv="Content-Security-Policy" content="{escape(POLICY)}">'
            self.parts += [self._original(), "\n", policy]
        elif tag == "img":
            self._write(tag, {**names, "src": self._embedded(names.get("src"))})
        elif tag == "link" and names.get("rel") == "stylesheet" and file:
            self.parts.append(f"<style>\n{_read(file).decode()}</style>")
        elif tag == "link" and names.get("rel") == "icon":
            self._write(tag, {**names, "href": self._embedded(names.get("href"))})
        elif tag == "figure":
            self.figures += 1
            self._write(tag, {**names, "id": f"figure-{self.figures}"})
        elif tag == "a" and file and file.suffix in _MEDIA_TYPES:
            self.enlarged = f"figure-{self.figures}"
            own = f"{self.enlarged}-enlarged"
            self._write(tag, {**names, "id": own, "class": "enlarge", "href": f"#{own}"})
        elif tag == "a" and file:
            self._write(tag, {name: value for name, value in names.items() if name != "href"})
        else:
            self.parts.append(self._original())

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag: str) -> None:
        self.parts.append(f"</{tag}>")
        if tag == "a" and self.enlarged:
            self.parts.append(f'<a class="reduce" href="#{self.enlarged}">Close</a>')
            self.enlarged = ""

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        self.parts.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.parts.append(f"<!{decl}>")

    def _original(self) -> str:
        return self.get_starttag_text() or ""

    def _write(self, tag: str, attributes: dict[str, str | None]) -> None:
        written = [name if value is None else f'{name}="{escape(value)}"' for name, value in attributes.items()]
        self.parts.append(f"<{' '.join([tag, *written])}>")

    def _embedded(self, address: str | None) -> str | None:
        file = self._local(address)
        return data_uri(file) if file else address

    def _local(self, address: str | None) -> Path | None:
        """The file beside the page to which a link leads; None where it leads elsewhere."""
        parts = beside(address or "")
        # As a browser does it: `..` takes a name away, even that of a link to elsewhere.
        return Path(os.path.normpath(self.folder / os.fsdecode(unquote_to_bytes(parts.path)))) if parts else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); build the site again") from None
