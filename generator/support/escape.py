"""Text from outside made safe for a page that Liquid, kramdown, Python-Markdown and GitHub all read.

`markdown` for prose, table cells, headings and HTML attributes alike; `plain` takes it back; `code_fence`
for code and program output; `yaml_string` for front matter. Liquid runs first and knows no escapes, hence
numeric character references, which all four leave alone until a browser reads them.
"""

import json
import re
import string
import unicodedata

_REFERENCES = {ord(character): f"&#{ord(character)};" for character in string.punctuation}
_REFERENCE = re.compile(r"&#(\d+);")
_LANGUAGE = re.compile(r"[a-z]+")
_BACKTICKS = re.compile(r"`+")
_BREAKS = re.compile(r"[ \t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
_UNSAFE_CATEGORIES = ("Cc", "Cs", "Co", "Cn")
_DIRECTION_CONTROLS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str) -> str:
    """`text` on one line, without what is invisible or reverses the text around it.

    Runs of blanks become one space; control, private-use and unassigned characters, lone surrogates and
    direction controls become U+FFFD. Letters of every script stay.
    """
    spaced = _BREAKS.sub(" ", text).strip(" ")
    return spaced if spaced.isascii() and spaced.isprintable() else "".join(map(_visible, spaced))


def visible(text: str) -> str:
    """`text` with the same replaced as in `clean`, its lines and blanks as they are: for `code_fence`."""
    return "".join(character if character in "\t\n" else _visible(character) for character in text)


def markdown(text: str) -> str:
    """`text` for prose, table cells and the attributes of raw HTML: each ASCII punctuation as `&#N;`."""
    return clean(text).translate(_REFERENCES)


def plain(text: str) -> str:
    """The inverse of `markdown`, for places where references are not read: code and front matter."""
    return _REFERENCE.sub(lambda match: chr(int(match[1])), text)


def code_fence(code: str, language: str = "text") -> str:
    """`code` as a fenced block that no renderer misreads; `language` is one bare word.

    The fence is longer than every run of backticks inside. Liquid is told to keep away where the code holds
    its brackets; where it also holds the word that would end that, a `<pre>` is the only safe form.
    """
    if not _LANGUAGE.fullmatch(language):
        raise ValueError(f"language {language!r}: expected one word of lower-case letters")
    lines = [line.rstrip() for line in code.expandtabs(4).replace("\r", "").strip("\n").split("\n")]
    body = "\n".join(lines)
    if "endraw" in body:
        return f"<pre><code>{_html(body)}</code></pre>"
    longest = max(map(len, _BACKTICKS.findall(body)), default=0)
    fence = "`" * max(3, longest + 1)
    block = f"{fence}{language}\n{body}\n{fence}"
    if "{{" in body or "{%" in body:
        return f"<!-- {{% raw %}} -->\n{block}\n<!-- {{% endraw %}} -->"
    return block


def yaml_string(text: str) -> str:
    """`text` as a double-quoted YAML scalar on one line."""
    return json.dumps(clean(text), ensure_ascii=False)


def _visible(character: str) -> str:
    unsafe = unicodedata.category(character) in _UNSAFE_CATEGORIES or character in _DIRECTION_CONTROLS
    return "\ufffd" if unsafe else character


def _html(text: str) -> str:
    for character in "&<>{":
        text = text.replace(character, f"&#{ord(character)};")
    return text
