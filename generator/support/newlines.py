"""Files compared without regard to how their lines end.

git and editors turn the line feeds of a text into CR LF and back, and the text stays the same. `normalised` gives
the bytes with line feeds, `fingerprint` their hash. What is no text, pictures among it, is taken byte for byte.
"""

import hashlib


def normalised(content: bytes) -> bytes:
    r"""`content` with `\n` for every `\r\n` if it is a text: if no NUL byte is in it, as git tells.

    A carriage return that stands alone is kept: it is part of the text. PNG, WebP, JPEG and font files have NUL
    bytes in their headers.
    """
    return content if b"\0" in content else content.replace(b"\r\n", b"\n")


def fingerprint(content: bytes) -> str:
    """SHA-256 of `content`, normalised."""
    return hashlib.sha256(normalised(content)).hexdigest()
