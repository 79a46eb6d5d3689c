"""What is kept of the same objects is worked out once, and of equal ones again."""

from generator.support.remembered import remembered


def test_the_same_objects_are_asked_once_and_equal_ones_again() -> None:
    asked = []

    @remembered
    def total(name: str, numbers: list[int]) -> int:
        asked.append((name, numbers))
        return sum(numbers)

    first, equal = [1, 2], [1, 2]
    assert [total("a", first), total("a", first), total("a", equal)] == [3, 3, 3]
    assert len(asked) == 2


def test_texts_are_told_apart_by_what_they_say() -> None:
    asked = []

    @remembered
    def length(name: str, of: tuple[int, ...]) -> int:
        asked.append(name)
        return len(name) + len(of)

    images = (1, 2, 3)
    for name in ("loss", "".join(("lo", "ss")), "f1"):
        length(name, images)
    assert asked == ["loss", "f1"]
