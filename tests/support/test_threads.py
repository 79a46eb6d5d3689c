"""Results in order, computed some ahead of who asks for them."""

import threading
import time

import pytest

from generator.support.threads import mapped_ahead


def test_results_come_in_order_whoever_is_ready_first() -> None:
    def late(number: int) -> int:
        time.sleep(0.002 * (number % 3 == 0))
        return number

    assert list(mapped_ahead(late, range(20), ahead=5, threads=4)) == list(range(20))
    assert list(mapped_ahead(late, [], ahead=5, threads=4)) == []
    assert list(mapped_ahead(late, range(2), ahead=5, threads=4)) == [0, 1]


@pytest.mark.parametrize("ahead", [0, 2])
def test_no_more_are_taken_than_are_wanted_ahead(ahead: int) -> None:
    taken: list[int] = []

    def items() -> object:
        for number in range(9):
            taken.append(number)
            yield number

    found = mapped_ahead(str, items(), ahead=ahead, threads=1)  # type: ignore[arg-type, var-annotated]
    assert taken == []
    assert [next(found) for _ in range(3)] == ["0", "1", "2"]
    assert taken == list(range(3 + ahead))


def test_an_error_comes_in_its_turn() -> None:
    found = mapped_ahead(lambda number: 1 // number, [2, 1, 0, 1], ahead=3, threads=2)
    assert (next(found), next(found)) == (0, 1)
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_who_asks_for_no_more_leaves_no_thread_and_no_work() -> None:
    begun: list[int] = []
    go = threading.Event()

    def wait(number: int) -> int:
        begun.append(number)
        if number:
            go.wait(60)
        return number

    before = threading.active_count()
    found = mapped_ahead(wait, range(9), ahead=4, threads=1)
    assert next(found) == 0
    threading.Timer(0.05, go.set).start()
    found.close()  # type: ignore[attr-defined]
    assert begun in ([0], [0, 1])
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    assert threading.active_count() == before
