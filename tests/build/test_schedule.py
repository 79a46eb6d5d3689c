"""Stages side by side: order, what runs at a time, what a failure takes along, and how it is stopped."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, cast

import pytest

from generator.build import schedule
from generator.build.plan import Node
from generator.build.storage.key import Key
from generator.support.errors import BadInput, BuildFailed

PATIENCE = 60
"""Seconds after which a test that waits has failed."""


class Stage:
    def __init__(self, tensorflow: bool) -> None:
        self.tensorflow = tensorflow


class Fake:
    """As much of a node as a schedule looks at."""

    def __init__(
        self, name: str, needs: Sequence["Fake"] = (), uses: Sequence["Fake"] = (), here: bool = False
    ) -> None:
        self.key = Key(name, name, {})
        self.label = name
        self.stage = Stage(not here)
        self.needs = {each.label: each for each in needs}
        self.uses = {each.label: each for each in uses}


def nodes(*fakes: Fake) -> list[Node]:
    return cast(Any, list(fakes))


def run(fakes: Sequence[Fake], jobs: int, make: Callable[[Node], None]) -> list[str]:
    """Names in the order in which they were begun, and whether it was interrupted as the last one."""
    begun: list[str] = []

    def noted(node: Node) -> None:
        begun.append(node.label)
        make(node)

    schedule.run(nodes(*fakes), jobs, noted, lambda: begun.append("interrupted"))
    return begun


def chain() -> list[Fake]:
    pixels = Fake("pixels", here=True)
    cut = Fake("cut", [pixels])
    features = Fake("features", [pixels], uses=[cut])
    head = Fake("head", [features])
    return [pixels, cut, features, head, Fake("figures", [head], here=True)]


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_nothing_begins_before_what_it_needs_or_uses(jobs: int) -> None:
    fakes, done = chain(), set()

    def make(node: Node) -> None:
        assert {each.label for each in (*node.needs.values(), *node.uses.values())} <= done
        done.add(node.label)

    assert run(fakes, jobs, make) == ["pixels", "cut", "features", "head", "figures"]


def test_what_was_asked_for_first_begins_first() -> None:
    names = [f"{run}.{stage}" for run in ("one", "two") for stage in ("head", "evaluation")]
    one, two = Fake(names[0]), Fake(names[2])
    assert run([one, Fake(names[1], [one]), two, Fake(names[3], [two])], 1, lambda node: None) == names


def test_as_many_run_at_a_time_as_there_are_jobs() -> None:
    together = threading.Barrier(3)
    run([Fake(str(number)) for number in range(3)], 3, lambda node: cast(None, together.wait(PATIENCE)))


def test_no_more_run_at_a_time_than_there_are_jobs() -> None:
    together, met = threading.Barrier(3), []

    def make(node: Node) -> None:
        # Were there a third job, it would come.
        with suppress(threading.BrokenBarrierError):
            met.append(together.wait(0.2))

    run([Fake(str(number)) for number in range(6)], 2, make)
    assert met == []


def test_what_needs_no_process_runs_in_the_thread_that_asked() -> None:
    threads = {}
    run(chain(), 2, lambda node: threads.update({node.label: threading.current_thread()}))
    here = {label for label, thread in threads.items() if thread is threading.main_thread()}
    assert here == {"pixels", "figures"}


def test_a_failure_takes_along_what_needs_it_and_nothing_else() -> None:
    pixels, cut, features, head, figures = chain()
    other = Fake("other", [features])

    def make(node: Node) -> None:
        if node.label in ("cut", "head"):
            raise BuildFailed("no")

    begun = run([pixels, cut, features, head, figures, other], 2, make)
    assert set(begun) == {"pixels", "cut", "features", "head", "other"}, "features only use what failed"


@pytest.mark.parametrize("here", [True, False])
def test_any_other_error_ends_it_all_and_what_runs(here: bool) -> None:
    stopped = threading.Event()
    slow = Fake("slow")
    bad = Fake("bad", here=here)
    begun = []

    def make(node: Node) -> None:
        begun.append(node.label)
        if node.label == "bad":
            raise BadInput("weights.h5: holds NaN")
        assert stopped.wait(PATIENCE)
        raise BuildFailed("killed")

    with pytest.raises(BadInput, match="holds NaN"):
        schedule.run(nodes(slow, bad, Fake("after", [slow])), 2, make, stopped.set)
    assert set(begun) == {"slow", "bad"}


def test_an_interrupt_while_threads_begin_ends_what_runs_already(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped, begun = threading.Event(), threading.Event()
    submit = ThreadPoolExecutor.submit

    def interrupted(threads: ThreadPoolExecutor, *what: Any) -> Any:
        if begun.is_set():
            raise KeyboardInterrupt
        working = submit(threads, *what)
        assert begun.wait(PATIENCE)
        return working

    def make(node: Node) -> None:
        begun.set()
        assert stopped.wait(PATIENCE)
        raise BuildFailed("killed")

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        schedule.run(nodes(Fake("slow")), 2, make, stopped.set)
    assert stopped.is_set()
