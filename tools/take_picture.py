"""Takes the README's picture: the first screen of the committed post, as Jekyll and a browser show it: `make picture`.

Writes docs/post.png, and docs/post.json beside it with what the picture shows, so that `tests/test_picture.py` can say
when the site has changed since. Needs Debian's jekyll, chromium and chromium-driver, as the browser tests do.
"""

import hashlib
import io
import json
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402

from generator.experiment.config import loading  # noqa: E402
from generator.support import newlines  # noqa: E402
from generator.support.errors import BadInput, MeasuredPostError  # noqa: E402
from generator.support.files import file_hash, write_atomically  # noqa: E402
from tests import browsing, rendered  # noqa: E402  # found below ROOT

PICTURE, RECORD = ROOT / "docs" / "post.png", ROOT / "docs" / "post.json"

WINDOW = (browsing.DESKTOP, 940)
"""Width and height, CSS pixels, of which each is one of the picture."""

MOST_BYTES = 300_000
"""The repository keeps every picture it ever had."""

SHOWN = ("_config.yml", "_posts", "_layouts", "_includes", "assets/css", "assets/images")
"""What of a site the picture could show."""

COMMAND = "make picture"


def shown(site: Path) -> str:
    """SHA-256 of everything that the page is made of; line ends do not count."""
    parts = [site / part for part in SHOWN]
    paths = sorted(path for part in parts for path in (part, *part.rglob("*")) if path.is_file())
    hashes = {path.relative_to(site).as_posix(): newlines.fingerprint(path.read_bytes()) for path in paths}
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def first_screen(site: Path) -> bytes:
    """The post at the top, light, with folded parts closed, as a PNG. Raises `BadInput` where a program is missing."""
    if browsing.MISSING or rendered.JEKYLL is None:
        raise BadInput(browsing.REASON if browsing.MISSING else rendered.REASON)
    with tempfile.TemporaryDirectory() as folder:
        if problems := rendered.jekyll(site, Path(folder)):
            raise BadInput(f"{site}: Jekyll says: {problems[0]}")
        slug = loading.load(ROOT / "experiment.toml").post.slug
        with browsing.served(Path(folder)) as address, browsing.browser() as browser:
            browser.open(f"{address}/posts/{slug}.html", *WINDOW[:1], height=WINDOW[1])
            browser.script("for (const part of document.querySelectorAll('details')) part.open = false; scrollTo(0, 0)")
            return browser.driver.get_screenshot_as_png()


def packed(picture: bytes) -> bytes:
    """The picture in 256 colours, which is a third of its size; of all kinds, or small marks would lose theirs."""
    stream = io.BytesIO()
    with Image.open(io.BytesIO(picture)) as image:
        few = image.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def main(site: Path = ROOT / "site", picture: Path = PICTURE, record: Path = RECORD) -> int:
    try:
        content = packed(first_screen(site))
        if len(content) > MOST_BYTES:
            raise BadInput(f"{len(content):,} bytes are more than {MOST_BYTES:,}; make WINDOW smaller")
        write_atomically(picture, content)
        write_record(site, picture, record)
    except MeasuredPostError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{picture}: {len(content):,} bytes")
    return 0


def write_record(site: Path, picture: Path, record: Path) -> None:
    found = {"site": shown(site), "picture": file_hash(picture)}
    write_atomically(record, (json.dumps(found, indent=1) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
