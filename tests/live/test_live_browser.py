"""A real browser watches a build: closed and opened again in between, quiet, accessible, and led to the preview."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from generator.post.server import PAGE
from tests import browsing
from tests.browsing import DESKTOP, Browser
from tests.factories import ROOT
from tests.fakes import make_project
from tests.live.typed import PATIENCE, running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(browsing.MISSING), reason=browsing.REASON),
]

SCREENSHOTS = ROOT / "build-output" / "screenshots"
NARROW = 360
"""Width of a small phone, CSS pixels."""
WAITS = "augmentation.head epoch 2"
"""Where the build waits to be looked at."""


@pytest.fixture
def build(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of a build that waits, and the file that lets it go on."""
    go = tmp_path / "go"
    with running(make_project(tmp_path / "project"), f"wait={WAITS}:{go}", terminal=True) as (address, process):
        yield address, go
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


def test_a_browser_that_comes_back_sees_the_build_as_it_is_and_ends_at_the_preview(build: tuple[str, Path]) -> None:
    address, go = build
    with browsing.browser() as first:
        first.open(f"{address}/")
        check(first, address, "1-beginning")
        # By itself: nothing is loaded again.
        until(first, "return document.getElementById('curves').textContent.includes('Data augmentation')")
        kept = said(first)
        check(first, address, "2-middle")
    with browsing.browser() as again:
        for scheme in ("light", "dark"):
            again.open(f"{address}/", NARROW, scheme)
            assert said(again) == kept
            check(again, address, f"2-middle-again-{scheme}", NARROW)
        again.open(f"{address}/", DESKTOP)
        go.touch()
        until(again, f"return location.pathname === {PAGE!r}")
        until(again, "return document.readyState === 'complete'")
        assert "Reproduction Notes" in again.script("return document.body.textContent")
        # Images further down are loaded when they come into sight; `open` loads them all.
        assert [fault for fault in again.faults(address) if not fault.startswith("broken image")] == []
        again.open(address + PAGE)
        assert again.faults(address) == []
        again.screenshot(SCREENSHOTS / "live-3-end.png", tallest=3000)


def test_without_scripts_the_page_is_complete_and_loads_itself_again(build: tuple[str, Path]) -> None:
    address, go = build
    with browsing.browser() as session:
        session.command("Emulation.setScriptExecutionDisabled", value=True)
        session.driver.get(f"{address}/")
        deadline = time.monotonic() + PATIENCE
        while "Data augmentation" not in seen(session, "No epoch"):
            assert time.monotonic() < deadline
            time.sleep(1)
        assert "data: " in seen(session)
        go.touch()
        while "Reproduction Notes" not in seen(session):
            assert time.monotonic() < deadline
            time.sleep(1)


def check(session: Browser, address: str, name: str, width: int = DESKTOP) -> None:
    faults, violations = session.faults(address), session.violations()
    session.screenshot(SCREENSHOTS / f"live-{name}.png")
    session.resize(width, 900)
    assert faults == []
    assert violations == []


def said(session: Browser) -> list[str]:
    """Each run's curves, and how it stands with the runs."""
    return [session.script(f"return document.getElementById({part!r}).textContent") for part in ("curves", "runs")]


def seen(session: Browser, absent: str = "") -> str:
    """Every text of the page, without running a script in it; nothing where `absent` is one."""
    snapshot = session.command("DOMSnapshot.captureSnapshot", computedStyles=[])
    text = "\n".join(snapshot["strings"])
    return "" if absent and absent in text else text


def until(session: Browser, condition: str, limit: float = PATIENCE) -> None:
    deadline = time.monotonic() + limit
    while not session.script(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.2)
