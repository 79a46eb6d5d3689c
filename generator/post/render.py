"""Results and templates to the post: text in which every number, excerpt and figure is accounted for.

`render` returns the page with the places and sources of its numbers and writes nothing; `check` finds faults
of the templates before anything is trained. Templates see the results through `bound.view`, print text from
outside escaped and numbers only through a format.
"""

import hashlib
import json
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, Undefined
from markupsafe import Markup

from generator.experiment.config.post_settings import PostSettings
from generator.experiment.results import BuildResults
from generator.post import bound, example, lint, templating
from generator.post.bound import Unbound
from generator.post.formats import appendix, citation, tidying
from generator.post.formats.preview import address
from generator.post.formats.preview import page as preview_page
from generator.post.jekyll import layout
from generator.post.jekyll.layout import Layout
from generator.post.manifest import Excerpt, Number, Text
from generator.post.prose import claims, networks, sweeping, wording, writeup
from generator.post.shape import Shape
from generator.support import escape, program
from generator.support.errors import BuildFailed
from generator.support.places import ROOT, TEMPLATES, compiled
from generator.support.source import PACKAGE
from generator.support.source import excerpt as find_excerpt

POST = "post.md.j2"
APPENDIX = "appendix.md.j2"


@dataclass(frozen=True)
class Page:
    """A text file of the site."""

    path: str
    """Below the site's root, with forward slashes."""
    text: str


@dataclass(frozen=True)
class Rendered:
    """The pages, and where their numbers and excerpts come from."""

    pages: tuple[Page, ...]
    """The post, then its appendix where it has one."""
    numbers: tuple[Number, ...]
    """Every number of the post, in order."""
    excerpts: tuple[Excerpt, ...]
    whole: str
    """The post with its appendix at the end: all of it on one page."""
    appendix: Text | None = None
    """Where the numbers and excerpts of the appendix come from."""
    unlinked: tuple[str, ...] = ()
    """Anchors that the templates link to and that the post has not: their links became plain text."""

    @property
    def post(self) -> str:
        """Path of the post below the site's root."""
        return self.pages[0].path

    @property
    def text(self) -> str:
        """The post, front matter included."""
        return self.pages[0].text


@dataclass(frozen=True)
class ShownFigure:
    """What a template needs to show a figure."""

    png: Markup
    """Link to the full-size image."""
    webp: Markup
    """Link to the image for the page."""
    undrawn: Any
    """Names whose characters it lacks, bound."""
    width: Any
    """Of the latter, pixels, bound."""
    height: Any


def render(
    post: PostSettings,
    results: BuildResults,
    place: Layout | None = None,
    *,
    templates: Path = TEMPLATES,
    root: Path = ROOT,
) -> Rendered:
    """The post for `results`, at its `place` (by default in a site of its own); code is quoted from below `root`.

    Raises `BadInput` where a template is at fault, naming file and line, and `BuildFailed` where it asks for
    code or figures that do not exist.
    """
    quoted: dict[str, str] = {}
    place = place or layout.own(post)
    names = _names(post, place, results, root, quoted)
    environment = markdown_environment(templates, post.templates)
    with templating.guarded(templates, post.templates):
        text = environment.get_template(POST).render(names)
        linked, unlinked = tidying.linked(tidying.tidy(text, foreign=place.foreign))
        marked, listings, whole = _parted(linked, place, environment, names) if post.appendix else (linked, "", linked)
    page, record = _page(place.post, marked, quoted)
    tidying.check_headings(page.text)
    beside = _page(appendix.file(place), listings, quoted) if listings else None
    return Rendered(
        pages=(page, beside[0]) if beside else (page,),
        numbers=record.numbers,
        excerpts=record.excerpts,
        whole=bound.extract(whole)[0],
        appendix=beside[1] if beside else None,
        unlinked=unlinked,
    )


def _parted(text: str, place: Layout, environment: Environment, names: Mapping[str, Any]) -> tuple[str, str, str]:
    """A marked post without its long listings, the appendix with these, and both as one page; no appendix of none."""

    def page(sections: tuple[appendix.Section, ...], told: Mapping[str, Any]) -> str:
        found = environment.get_template(APPENDIX).render({**names, "appendix": {**told, "sections": sections}})
        return tidying.spaced(found)

    rest, sections = appendix.parted(text, appendix.link(place), lambda part: appendix.readdressed(part, place))
    if not sections:
        return text, "", text
    within = appendix.parted(text)
    return rest, page(sections, appendix.of_page(place)), f"{within[0]}\n{page(within[1], {'alone': False})}"


def _page(path: str, marked: str, quoted: Mapping[str, str]) -> tuple[Page, Text]:
    """A marked text as a page; `quoted` has symbol → SHA-256 of the code that it quotes."""
    text, numbers, quotations = bound.extract(marked)
    excerpts = tuple(Excerpt(line=q.line, symbol=q.symbol, sha256=quoted[q.symbol]) for q in quotations)
    return Page(path, text), Text(path=path, numbers=numbers, excerpts=excerpts)


def preview(rendered: Rendered, place: Layout, *, templates: Path = TEMPLATES, site: Path, target: Path) -> str:
    """The post as an HTML page that will stand at `target` and shows the images of `site`."""
    # The post's links lead from where it is published; those of the preview from where that file stands.
    prefix = address(site / "assets", target)
    return preview_page(rendered.whole, templates=templates, assets=place.bases, prefix=prefix)


def check(
    templates: Path = TEMPLATES,
    root: Path = ROOT,
    *,
    post: PostSettings | None = None,
    place: Layout | None = None,
    shape: Shape | None = None,
) -> None:
    """As `check_rules`, and render `post` for its `place` with made-up results, of this `shape` where it is known.

    Takes a fraction of a second, so that a slip in a template does not come to light after an hour of training; what
    passed is passed over until something changes that could fail. Raises as `render`.
    """
    state = check_rules(templates, root, post.templates if post else None)
    if post:
        told = [post.model_dump_json(exclude={"templates"}), json.dumps(place and asdict(place)), str(shape), state]
        of_post = templating.fingerprint(map(str.encode, told))
        made_up = shape.results if shape else example.results
        _once(templates, of_post, lambda: render(post, made_up(), place, templates=templates, root=root))


def check_rules(templates: Path = TEMPLATES, root: Path = ROOT, own: Path | None = None) -> str:
    """Compile and lint all templates, those of the user in `own` too, and look for undefined names.

    The program's are rendered as well, with made-up results of all shapes. Gives a fingerprint of all that they depend
    on. Raises as `render`.
    """
    state = _state(templates, root, None)
    _once(templates, state, lambda: _check_all(templates, root))
    if own:
        state = _state(templates, root, own)
        _once(templates, state, lambda: _lint(templates, root, own))
    return state


def _check_all(templates: Path, root: Path) -> None:
    _lint(templates, root, None)
    results = example.results
    made = ((True, results()), (False, results()), (False, results(classes=3)), (True, results(runs=2)))
    for told, found in made:
        asked = dict.fromkeys(("writeup", "bibtex", "appendix"), told)
        render(example.post().model_copy(update=asked), found, templates=templates, root=root)
    preview_page("", templates=templates, assets=(), prefix="")


def _lint(templates: Path, root: Path, own: Path | None) -> None:
    post, environment = example.post(), markdown_environment(templates, own)
    known = {"appendix", *_names(post, layout.own(post), example.results(), root, {}), *environment.globals}
    with templating.guarded(templates, own):
        lint.check(templates, environment, known, own)


def _state(templates: Path, root: Path, own: Path | None) -> str:
    """A fingerprint of what all templates depend on: they, the program, and the code that is quoted."""
    code = sorted({*Path(__file__).parents[1].rglob("*.py"), *(root / PACKAGE).rglob("*.py")})
    projects = sorted(path for path in templates.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    owned = lint.own_templates(own) if own else []
    # What one of the user's is laid over, its name says.
    names = [*(path.relative_to(templates).as_posix() for path in projects), *map(str, owned)]
    return templating.fingerprint([json.dumps(names).encode(), *templating.contents([*code, *projects, *owned])])


def _once(templates: Path, state: str, passes: Callable[[], object]) -> None:
    """Have what has this fingerprint checked, unless it was; where `passes` raises nothing, that is kept."""
    stamp = compiled(templates) / f"{state}.checked"
    if stamp.exists():
        return
    passes()
    with suppress(OSError):
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()


@cache
def markdown_environment(templates: Path, own: Path | None = None) -> Environment:
    """One for each pair of folders: compiled templates are kept, and read again when a file changes."""
    # Escaping is on, so that blocks and macros give Markup and joining asks each part to escape itself.
    environment = templating.environment(templates, own, autoescape=True, finalize=_printed, kept=templates)
    # None of Jinja's own filters: some of them lose escaping, others the source of a number.
    of_text = {"code": _code, "yaml": _yaml, "oneline": _one_line, "beside": _beside, "shell": _shell}
    environment.filters = {**of_text, **bound.filters()}
    environment.globals = {"range": range}
    return environment


_SEEN = ("data", "measure", "labels", "weights", "environment", "seeds", "variants", "sweeps", "profile", "answers")
"""Parts of the results that templates see by these names."""


def _names(
    post: PostSettings, place: Layout, results: BuildResults, root: Path, quoted: dict[str, str]
) -> dict[str, Any]:
    """Everything a template can name. `quoted` receives symbol → SHA-256 for each excerpt printed."""
    seen = bound.view(results)
    figures = {(file.scope, file.name): file for file in seen.figures}

    def figure(scope: str, name: str) -> ShownFigure:
        file = figures.get((scope, name))
        if file is None:
            raise BuildFailed(f"figure {scope}/{name} was not drawn; a template shows it, the build lacks it")
        png = Markup(place.link(f"{place.images}/{scope}/{name}.png"))
        webp = Markup(place.source(f"{place.images}/{scope}/{name}.webp"))
        return ShownFigure(png, webp, file.undrawn, file.width, file.height)

    def excerpt(symbol: str) -> Markup:
        found = find_excerpt(symbol, root)
        code = found.code.strip("\n")
        shown = "\n".join(line.rstrip() for line in code.expandtabs(4).split("\n"))
        quoted[symbol] = hashlib.sha256(shown.encode()).hexdigest()
        return Markup(escape.code_fence(f"# {found.file}\n{bound.quotation_mark(symbol)}{code}", "python"))

    return {
        **{name: getattr(seen, name) for name in _SEEN},
        "baseline": seen.variants[results.baseline.name],
        "network": networks.network_of(results.baseline),
        "original": bound.original(),
        "writeup": writeup.is_told(post, results),
        "post": _post_names(post, place, results),
        "files": Markup(place.link(place.data)),
        "figure": figure,
        "has_figure": lambda scope, name: (scope, name) in figures,
        "excerpt": excerpt,
        "command": Markup(program.as_typed("python build.py")),
        "own_sections": bool(post.templates and lint.own_templates(post.templates)),
        "text_block": lambda text: Markup(escape.code_fence(escape.visible(str(text)))),
        **claims.CLAIMS,
        **{claim.__name__: claim for claim in (*sweeping.CLAIMS, *writeup.CLAIMS)},
        **wording.WORDING,
        **bound.functions(),
    }


def _post_names(post: PostSettings, place: Layout, results: BuildResults) -> dict[str, Any]:
    title = writeup.title(post, results.data.class_names)
    tags = networks.retagged(post.tags, results.variants)
    texts = {"title": bound.view(title), "categories": bound.view(post.categories), "tags": bound.view(tags)}
    texts["description"] = bound.view(post.description)
    texts["bibtex"] = bound.view(citation.bibtex(post, title) if post.bibtex else None)
    texts["templates"] = bound.view(post.templates.name if post.templates else None)
    front = {"layout": bound.view(place.name), "permalink": bound.view(place.permalink), "liquid": place.says_liquid}
    # Not quoted: Jekyll reads a date, and nothing but digits and punctuation can be in it.
    return {**texts, **front, "date": Markup(f"{post.date:%Y-%m-%d %H:%M:%S %z}")}


def _printed(value: Any) -> Any:
    """What `{{ value }}` puts on the page; numbers without a format and whole objects are refused."""
    if isinstance(value, Markup):
        return value
    if isinstance(value, Undefined | bound.Bound):
        return str(value)  # raises, saying what is wrong
    if isinstance(value, str):
        return Markup(escape.markdown(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise Unbound(f"the number {value!r} does not come from the results")
    raise Unbound(f"{value!r} is neither text nor a number of the results")


def _code(block: str) -> Markup:
    return Markup(escape.code_fence(escape.plain(block)) + "\n")


def _yaml(block: str) -> Markup:
    return Markup(escape.yaml_string(escape.plain(block)))


def _shell(word: str) -> str:
    """A word of a command as a shell takes it, whatever is in it."""
    return shlex.quote(str(word))


def _one_line(block: str) -> Markup:
    return Markup(" ".join(block.split()))


def _beside(block: str) -> Markup:
    """The figures of `block` beside each other where there is room for two, as on no phone; in a blog of any style."""
    column = '<figure style="flex: 1 1 19rem; min-width: 0; margin: 0">'
    row = '<div style="display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; margin-bottom: 1rem">'
    figures = "\n".join(line for line in block.split("\n") if line.strip())
    return Markup(f"{row}\n{figures.replace('<figure>', column)}\n</div>\n")
