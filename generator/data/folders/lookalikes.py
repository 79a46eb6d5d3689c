"""Tells why two different names look the same on a screen, in words that show the difference.

`difference` compares two names, `escaped` shows one with everything spelled out that the eye does not see.
"""

import unicodedata

_LATIN = str.maketrans(
    "аеорсухіјѕԁԛԝһАВЕКМНОРСТХУЅІЈοαρνικυΑΒΕΖΗΙΚΜΝΟΡΤΥΧı",
    "aeopcyxijsdqwhABEKMHOPCTXYSIJoapvikuABEZHIKMNOPTYXi",
)
"""Cyrillic and Greek letters, and the dotless i → the Latin letter that they are drawn like."""


def difference(one: str, other: str) -> str | None:
    """What sets apart two names that look alike, as the end of "they differ only …"; None where one can see it."""
    if one == other:
        return None
    for words, simplified in (
        ("by Unicode normalisation (a composed letter, or a letter with a combining mark)", _normal),
        ("by a blank at the beginning or end", _stripped),
        ("by blanks", _without_blanks),
        ("by invisible characters", _visible),
        ("by the form of characters (full width, ligatures)", _compatible),
        ("by letters of different scripts that look alike", _latin),
        ("in capitals and small letters", simplest),
    ):
        if simplified(one) == simplified(other):
            return f"{words}{_code_points(one, other)}"
    return None


def drawn(name: str) -> str:
    """What is seen of `name`: names that share it differ in blanks that add to others, invisible characters or
    normalisation, and no figure tells them apart."""
    return "".join(c for c in " ".join(_normal(name).split()) if unicodedata.category(c) not in ("Cc", "Cf"))


def simplest(name: str) -> str:
    """What is left of `name` without anything that `difference` names: of names that look alike the same."""
    return _latin(name.casefold())


def escaped(name: str) -> str:
    """`name` in quotes, with every character beyond ASCII as its escape."""
    return ascii(name)


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _stripped(name: str) -> str:
    return _normal(name).strip()


def _without_blanks(name: str) -> str:
    return "".join(_normal(name).split())


def _visible(name: str) -> str:
    return _without_blanks(drawn(name))


def _compatible(name: str) -> str:
    return _visible(unicodedata.normalize("NFKC", name))


def _latin(name: str) -> str:
    return _compatible(name).translate(_LATIN)


def _code_points(one: str, other: str) -> str:
    """The characters beyond ASCII that only one of the two has, by number and name."""
    found = sorted({c for c in (*one, *other) if not c.isascii() and (c in one) != (c in other)})
    named = ", ".join(f"U+{ord(c):04X} {unicodedata.name(c, 'without a name')}" for c in found[:4])
    return f": {named}" if named else ""
