"""How the post is cited, as an entry for BibTeX and Biber."""

from generator.experiment.config.post_settings import PostSettings, organisation

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    # BibTeX and Biber count braces, escaped ones, too.
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    **{character: f"\\{character}" for character in "&%$#_"},
}


def bibtex(post: PostSettings, title: str) -> str:
    """The entry of a post of this title; its address is that of the page, which is not known here."""
    authors = " and ".join(_name(author) for author in post.authors)
    fields = {
        "author": authors,
        "title": f"{{{_plain(title)}}}",
        "year": f"{post.date:%Y}",
        "month": f"{post.date:%m}",
        "note": "Written by Measured Post from the run that it reports",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join([f"@misc{{{post.slug}-{post.date:%Y},", *lines, "}"])


def _name(author: str) -> str:
    """A name; that of an organisation stays in the braces that keep BibTeX from taking it apart."""
    group = organisation(author)
    return f"{{{_plain(group)}}}" if group else _plain(author)


def _plain(text: str) -> str:
    """Text with what TeX would take for a command."""
    return "".join(_SPECIAL.get(character, character) for character in text)
