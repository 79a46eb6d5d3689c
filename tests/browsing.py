"""A real browser on pages of this machine: Chromium without a network, and what went wrong while it showed one."""

import contextlib
import functools
import http.server
import importlib.resources
import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = [package for package, program in (("chromium", CHROMIUM), ("chromium-driver", DRIVER)) if program is None]
REASON = f"no {' and no '.join(MISSING)}: apt-get install chromium chromium-driver"

PHONE, DESKTOP = 390, 1280
"""Widths of the two windows, CSS pixels."""

_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip


class Browser:
    """One Chromium; `open` shows a page at a width and in a colour scheme, the rest asks about it."""

    def __init__(self, profile: Path) -> None:
        options = Options()
        options.binary_location = str(CHROMIUM)
        for option in (*_OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
        self.driver.set_script_timeout(60)

    def open(self, address: str, width: int = DESKTOP, scheme: str = "light", height: int = 900) -> None:
        """Load `address` with all its images, folded parts open."""
        self.resize(width, height)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.driver.get("about:blank")
        self.logs()
        self.driver.get(address)
        self.driver.execute_async_script(_LOAD_EVERYTHING)

    def resize(self, width: int, height: int) -> None:
        self.width = width
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)

    def command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def script(self, source: str) -> Any:
        return self.driver.execute_script(source)

    def logs(self) -> dict[str, list[Any]]:
        """Console messages and network events since the last call."""
        return {
            "console": self.driver.get_log("browser"),
            "network": [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")],
        }

    def faults(self, origin: str) -> list[str]:
        """Broken images, console messages, failed or foreign requests, and sideways scrolling of the page."""
        logs = self.logs()
        faults = [f"broken image {source}" for source in self.script(_BROKEN_IMAGES)]
        faults += [f"console: {entry['message']}" for entry in logs["console"] if entry["level"] != "DEBUG"]
        for event in logs["network"]:
            if event["method"] == "Network.requestWillBeSent":
                url = event["params"]["request"]["url"]
                faults += [] if url.startswith((origin, "data:", "about:")) else [f"request to {url}"]
            if event["method"] == "Network.responseReceived":
                response = event["params"]["response"]
                faults += [f"{response['status']} {response['url']}"] if response["status"] >= 400 else []
        needed = self.script("return Math.max(innerWidth, document.documentElement.scrollWidth)")
        wide = f"the page is {needed} px wide in a window of {self.width} px"
        return [*faults, wide] if needed > self.width else faults

    def requests(self) -> list[str]:
        """Addresses asked for since the last look at the logs, data URIs aside."""
        sent = [e for e in self.logs()["network"] if e["method"] == "Network.requestWillBeSent"]
        addresses = [event["params"]["request"]["url"] for event in sent]
        return [address for address in addresses if not address.startswith(("data:", "about:"))]

    def violations(self) -> list[str]:
        """What axe-core, with all its rules, finds wrong with the page; contrast in one text of each kind."""
        self.script(_axe())
        self.script(_MARK_KINDS)
        found = self.driver.execute_async_script(_RUN_AXE)
        return [f"{v['id']}: {node['html'][:160]}" for v in found for node in v["nodes"]]

    def screenshot(self, path: Path, tallest: int = 16_000) -> None:
        """The page as it is first seen, folded parts closed, or its first `tallest` pixels, as a PNG file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.script("for (const part of document.querySelectorAll('details')) part.open = false;")
        width, height = self.script("return [innerWidth, document.documentElement.scrollHeight]")
        self.resize(width, min(height, tallest))
        self.driver.save_screenshot(str(path))


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        session = Browser(Path(profile))
        try:
            yield session
        finally:
            session.driver.quit()


@contextlib.contextmanager
def served(folder: Path, baseurl: str = "") -> Iterator[str]:
    """`folder` served on this machine under `baseurl`; gives the address of its root, without a slash."""
    handler = functools.partial(_Handler, directory=str(folder), baseurl=baseurl)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{baseurl}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".webp": "image/webp"}  # noqa: RUF012

    def __init__(self, *arguments: Any, baseurl: str, **names: Any) -> None:
        self.baseurl = baseurl
        super().__init__(*arguments, **names)

    def translate_path(self, path: str) -> str:
        inside = path.startswith(f"{self.baseurl}/")
        return super().translate_path(path.removeprefix(self.baseurl) if inside else "/outside/the/site")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silent: the tests say what went wrong."""


def _axe() -> str:
    package = importlib.resources.files("selenium_axe_python")
    return (package / "axe-core" / "axe.min.js").read_text("utf-8")


_RUN_AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then((report) => done(report.violations));
"""
_MARK_KINDS = """
// To find what lies behind a text takes axe long, and a page has thousands in cells and code. What it finds follows
// from its own style and from what is painted by all that it lies in: the first text of each kind stands for the rest.
const painted = new Map([[null, ""]]), seen = new Set();
for (const each of document.querySelectorAll("*")) {
  const style = getComputedStyle(each);
  const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.position, style.filter];
  painted.set(each, `${painted.get(each.parentElement)} / ${own}`);
  const font = [style.color, style.fontSize, style.fontWeight, style.textShadow, style.visibility];
  const hides = [each.hidden, each.disabled, each.getClientRects().length > 0];
  const kind = `${font} ${hides} ${painted.get(each)}`;
  const text = [...each.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  each.toggleAttribute("data-first-of-kind", !text || !seen.has(kind));
  if (text) seen.add(kind);
}
axe.configure({rules: [{id: "color-contrast", selector: "[data-first-of-kind]"}]});
"""
_BROKEN_IMAGES = "return [...document.images].filter((i) => i.naturalWidth === 0).map((i) => i.src)"
_LOAD_EVERYTHING = """
const done = arguments[arguments.length - 1];
for (const part of document.querySelectorAll("details")) part.open = true;
for (const image of document.images) image.loading = "eager";
const waiting = [...document.images].map((image) => image.decode().catch(() => null));
Promise.all(waiting).then(() => requestAnimationFrame(() => requestAnimationFrame(() => done(null))));
"""
