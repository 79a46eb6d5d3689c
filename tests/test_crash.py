"""Builds killed at every event, at random moments and at random events, then run to the end.

What a killed and resumed build leaves must be what a build that nobody disturbed leaves, byte for byte. The
real command is killed, with the fakes in place of TensorFlow's stages and of the figures; the real ones are killed in
`test_build`. Every random choice comes from a seed that is printed.
"""

import argparse
import random
import shutil
import signal
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import record
from generator import pipeline
from generator.build.storage import exchange
from generator.build.storage.remote import Remote
from generator.build.storage.store import Store
from generator.publishing import verify
from tests import fakes
from tests.driven import Driven, run_command
from tests.fakes import Project, Recorder, make_project, timeless

EVENTS = 5
MOMENTS = 5
OF_TWO = 4
"""Kills in one run of the tests; `python -m tests.test_crash 100` makes more."""

OVERRIDES = ("--set", "seed=3")
"""What the second build differs in from the first."""


def clean_build(folder: Path) -> tuple[dict[str, object], dict[str, object], int, float]:
    """The sites of two undisturbed builds after each other, and the events and seconds of the second."""
    project = make_project(folder)
    assert run_command(project).returncode == 0
    old = timeless(project.site())
    started = time.monotonic()
    done = run_command(project, "say", *OVERRIDES)
    seconds = time.monotonic() - started
    assert done.returncode == 0
    events = done.stdout.partition("variant  ")[0].splitlines()
    assert "synced" in events
    return old, timeless(project.site()), len(events), seconds


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], dict[str, object], int, float]:
    return clean_build(tmp_path_factory.mktemp("clean"))


@pytest.fixture
def seed() -> int:
    """Of each test its own, so that the output of the one that fails holds it."""
    chosen = random.SystemRandom().randrange(10**6)
    print(f"seed {chosen}")
    return chosen


def check_site(project: Project, *allowed: dict[str, object]) -> None:
    """The site is wholly one of the `allowed` ones."""
    assert timeless(project.site()) in allowed
    if project.places.site.exists():
        assert verify.verify(project.places.site) == ()


def finish(project: Project, new: dict[str, object]) -> None:
    """Run to the end; nothing of the kill may be left."""
    done = run_command(project, *OVERRIDES)
    assert done.returncode == 0, done.stderr
    assert timeless(project.site()) == new
    assert sorted(p.name for p in project.folder.iterdir()) == ["animals", "preview.html", "site", "store"]
    checkpoints = project.places.store / "checkpoints"
    assert not checkpoints.exists() or list(checkpoints.iterdir()) == []
    assert not list((project.places.store / "temporary").glob("*"))
    assert run_command(project, *OVERRIDES, "say").stdout.splitlines()[0].startswith("variant")


def killed_at_event(project: Project, number: int) -> bool:
    """Whether the build came to its event of this number and died there."""
    code = run_command(project, f"kill={number}", *OVERRIDES).returncode
    assert code in (0, -signal.SIGKILL)
    return code != 0


def killed_after(project: Project, seconds: float) -> bool:
    process = Driven(project, *OVERRIDES)
    time.sleep(seconds)
    process.kill()
    process.communicate()
    return process.returncode != 0


def crash_at_events(folder: Path, chance: random.Random, clean: tuple[dict, dict, int, float], kills: int) -> int:  # type: ignore[type-arg]
    """Kill the build at random events, one kill after the other, until `kills` are made; gives their number."""
    old, new, events, _ = clean
    made = 0
    while made < kills:
        project = start(folder / f"{made}-{chance.randrange(10**9)}", chance)
        site = (old,) if project.places.site.exists() else ({},)
        while made < kills and killed_at_event(project, chance.randint(1, events)):
            made += 1
            check_site(project, *site, new)
        finish(project, new)
    return made


def crash_at_moments(folder: Path, chance: random.Random, clean: tuple[dict, dict, int, float], kills: int) -> int:  # type: ignore[type-arg]
    """Kill the build at random moments."""
    old, new, _, seconds = clean
    made = 0
    while made < kills:
        project = start(folder / f"{made}-{chance.randrange(10**9)}", chance)
        site = (old,) if project.places.site.exists() else ({},)
        while made < kills and killed_after(project, chance.uniform(0.2, 1.1) * seconds):
            made += 1
            check_site(project, *site, new)
        finish(project, new)
    return made


def crash_at_every_event(folder: Path, clean: tuple[dict, dict, int, float]) -> int:  # type: ignore[type-arg]
    """Kill a build that follows another at each of its events in turn; gives their number."""
    old, new, events, _ = clean
    built = make_project(folder / "built")
    assert run_command(built).returncode == 0
    for number in range(1, events + 1):
        project = Project(folder / str(number))
        shutil.copytree(built.folder, project.folder)
        assert killed_at_event(project, number)
        check_site(project, old, new)
        finish(project, new)
        shutil.rmtree(project.folder)
    return events


def crash_two_at_once(
    folder: Path,
    chance: random.Random,
    clean: tuple[dict, dict, int, float],  # type: ignore[type-arg]
    kills: int,
    *,
    remote: bool,
) -> int:
    """Kill one or both of two builders at random moments, until `kills` are made; gives their number.

    They have one store, or each its own and one remote store behind both. Whoever is not killed must end well, and
    after that both; nothing of what they share may be broken then, and a third must find all of it there.
    """
    old, new, _, seconds = clean
    made = 0
    while made < kills:
        shared = folder / f"{made}-{chance.randrange(10**9)}"
        where = f"store.remote={shared / 'remote'}", "store.push=true"
        common = [part for each in where for part in ("--set", each)] if remote else ["--store", str(shared / "store")]
        # Alike they want every stage at the same time; else they share some.
        second = chance.choice(((OVERRIDES, new), ((), old)))
        builders = [
            (make_project(shared / name), (*common, *overrides), site)
            for name, (overrides, site) in (("one", (OVERRIDES, new)), ("two", second))
        ]
        while made < kills and (killed := _killed_of_two(builders, chance, 2 * seconds)):
            made += killed
        _killed_of_two(builders, chance, None)
        _all_is_there(shared, where[:1] if remote else (), new)
    return made


def _killed_of_two(
    builders: list[tuple[Project, tuple[str, ...], dict[str, object]]], chance: random.Random, seconds: float | None
) -> int:
    """Run builders at once; how many of them were killed within `seconds`, if that is not None, before they ended."""
    running = [Driven(project, *arguments) for project, arguments, _ in builders]
    if seconds is not None:
        time.sleep(chance.uniform(0.1, 1.1) * seconds)
        for process in chance.sample(running, chance.randint(1, len(running))):
            process.kill()
    killed = 0
    for process, (project, _, site) in zip(running, builders, strict=True):
        _, errors = process.communicate()
        check_site(project, {}, site)
        if seconds is not None and process.returncode == -signal.SIGKILL:
            killed += 1
        else:
            assert process.returncode == 0, errors
            assert timeless(project.site()) == site
            assert "warning: " not in errors, errors
    return killed


def _all_is_there(shared: Path, where: tuple[str, ...], new: dict[str, object]) -> None:
    """Another builder finds every stage of the first one in what they share, and nothing there is broken."""
    third, display = make_project(shared / "three"), Recorder()
    store = third.places.store if where else shared / "store"
    with fakes.installed():
        outcome = pipeline.build(third.config("seed=3", *where), replace(third.places, store=store), display)
    assert outcome.ran == ()
    assert display.warnings == []
    assert timeless(third.site()) == new
    broken: list[str] = []
    exchange.push(Store(store, broken.append), Remote(str(shared / "checked")), lambda line: None, broken.append)
    assert broken == []


def start(folder: Path, chance: random.Random) -> Project:
    """A project that was built before, or not."""
    project = make_project(folder)
    if chance.random() < 0.5:
        assert run_command(project).returncode == 0
    return project


def test_fault_31_killed_at_random_events(
    tmp_path: Path, clean: tuple[dict[str, object], dict[str, object], int, float], seed: int
) -> None:
    assert crash_at_events(tmp_path, random.Random(seed), clean, EVENTS) == EVENTS


def test_fault_31_killed_at_random_moments(
    tmp_path: Path, clean: tuple[dict[str, object], dict[str, object], int, float], seed: int
) -> None:
    assert crash_at_moments(tmp_path, random.Random(seed), clean, MOMENTS) == MOMENTS


@pytest.mark.parametrize("remote", [False, True], ids=["one store", "one remote store"])
def test_fault_31_two_builders_at_once_killed_at_random_moments(
    remote: bool, tmp_path: Path, clean: tuple[dict[str, object], dict[str, object], int, float], seed: int
) -> None:
    assert crash_two_at_once(tmp_path, random.Random(seed), clean, OF_TWO, remote=remote) >= OF_TWO


def test_fault_31_killed_at_every_step_of_the_order_of_publishing(
    tmp_path: Path, clean: tuple[dict[str, object], dict[str, object], int, float]
) -> None:
    """The last events, one by one: the exchange of the folders and what follows."""
    old, new, events, _ = clean
    project = make_project(tmp_path / "project")
    assert run_command(project).returncode == 0
    for number in range(3, -1, -1):
        # What ran stays kept, so that only publishing's own events are left after the first kill.
        killed_at_event(project, events - number)
        check_site(project, old, new)
    finish(project, new)


def main(kills: int, chosen: int, kept: Path | None) -> None:
    """Make `kills` kills, half at events and half at moments, and say how it went; the counts go to `kept`."""
    print(f"seed {chosen}", flush=True)
    measured = record.of(seed=chosen)
    with tempfile.TemporaryDirectory() as name:
        folder, chance = Path(name), random.Random(chosen)
        clean = clean_build(folder / "clean")
        print(f"a clean build has {clean[2]} events and takes {clean[3]:.1f} s", flush=True)
        made = measured["events"] = crash_at_events(folder / "events", chance, clean, kills // 2)
        print(f"{made} kills at events: every build ended as a clean one", flush=True)
        made = measured["moments"] = crash_at_moments(folder / "moments", chance, clean, kills - kills // 2)
        print(f"{made} kills at moments: every build ended as a clean one", flush=True)
        for name, remote in (("one store", False), ("one remote store", True)):
            made = measured[f"two on {name}"] = crash_two_at_once(
                folder / name, chance, clean, kills // 2, remote=remote
            )
            print(f"{made} kills of two builders on {name}: every build ended as a clean one", flush=True)
        made = measured["each event"] = crash_at_every_event(folder / "every", clean)
        print(f"{made} kills, one at each event: every build ended as a clean one", flush=True)
    record.write(kept, measured)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.test_crash")
    parser.add_argument("kills", type=int, help="half at random events, half at random moments")
    parser.add_argument("seed", type=int, nargs="?", default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", type=Path, help="file for the counts, if every build ended as a clean one")
    given = parser.parse_args()
    main(given.kills, given.seed, given.json)
