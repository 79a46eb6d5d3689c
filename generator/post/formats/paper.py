"""The post on paper: the exported page printed to a PDF file by a browser that the machine has, without a window.

`browser` finds one of the Chromium family, `to_pdf` has it print. How paper differs from the screen (its margins, page
numbers, what is not split) is said in the style sheet's `@media print`.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from generator.support.errors import BadInput, BuildFailed, printable
from generator.support.files import FREE_SPACE_OR_NAME, refused

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "msedge",
)
"""Names under which systems install browsers that print without a window."""

MOST_SECONDS = 600

_OPTIONS = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND",
    # The style sheet numbers the pages; the browser's own header would name the file.
    "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip
_FOLDED = re.compile(r"<details\b(?! open)(?! class=\"contents)")
_LAZY = ' loading="lazy"'
_SIZED = re.compile(r'<img (?=[^>]*\bwidth="(\d+)" height="(\d+)")')
_TALL = 1.6
"""Height of a picture by its width from which the page's height is needed to read it."""


def browser() -> Path:
    """The browser that prints. Raises `BadInput` where there is none on the PATH."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise BadInput(
            f"--export: a PDF needs Chromium, Chrome or Edge, and none of {', '.join(BROWSERS)} is on the PATH; install"
            " one (Debian: apt-get install chromium), or export FILE.html and print that"
        )
    return Path(found)


def to_pdf(page: str, folder: Path) -> bytes:
    """The self-contained `page` as a PDF file; what is folded away is printed open.

    Raises `BadInput` where no browser is there, and `BuildFailed` where it prints nothing. `folder` holds the page for
    the time being, because a browser that is installed as a snap or a flatpak does not see the system's temporary one.
    """
    program = browser()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # A browser that has printed may still write into its profile.
        with tempfile.TemporaryDirectory(prefix="printing-", dir=folder, ignore_cleanup_errors=True) as scratch:
            source, target = Path(scratch, "post.html"), Path(scratch, "post.pdf")
            source.write_text(_for_paper(page), "utf-8")
            _print(program, source, target)
            return target.read_bytes()
    except OSError as error:
        raise refused(folder, error, FREE_SPACE_OR_NAME) from None


def _for_paper(page: str) -> str:
    """`page` with all parts open, all pictures loaded, and the tall ones marked, which a style sheet cannot tell."""

    def marked(image: re.Match[str]) -> str:
        return '<img class="tall" ' if int(image[2]) > _TALL * int(image[1]) else image[0]

    return _SIZED.sub(marked, _FOLDED.sub("<details open", page).replace(_LAZY, ""))


def _print(program: Path, source: Path, target: Path) -> None:
    # A profile of its own: one that is open elsewhere is locked. Root, as in a container, has no sandbox.
    own = [f"--user-data-dir={source.parent / 'profile'}", *(["--no-sandbox"] if _is_root() else [])]
    command = [str(program), *_OPTIONS, *own, f"--print-to-pdf={target}", source.resolve().as_uri()]
    try:
        run = subprocess.run(command, capture_output=True, timeout=MOST_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildFailed(f"{program}: could not print the post ({error}); export FILE.html and print that") from None
    if not target.is_file() or not target.read_bytes().startswith(b"%PDF-"):
        said = run.stderr.decode(errors="replace").strip().splitlines()
        last = printable(said[-1]) if said else "it said nothing"
        raise BuildFailed(
            f"{program}: printed no PDF (exit status {run.returncode}: {last}); try another browser of"
            f" {', '.join(BROWSERS)}, or export FILE.html and print that"
        )


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
