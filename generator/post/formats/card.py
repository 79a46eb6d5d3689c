"""The model card of a network in a file of its own, as Hugging Face has it: Markdown whose numbers are all bound.

Its numbers come from the results of the build and, below `export`, from what was found when the file was written.
"""

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from generator.experiment.config.post_settings import PostSettings
from generator.experiment.exported import SOURCE, Exported
from generator.experiment.results import BuildResults
from generator.post import bound, render, templating
from generator.post.formats import tidying
from generator.post.manifest import Number
from generator.post.prose import claims, networks, wording, writeup
from generator.support import program
from generator.support.places import TEMPLATES

TEMPLATE = "model/card.md.j2"
NAME = "README.md"

_SEEN = ("data", "measure", "weights", "environment", "seeds", "profile", "variants")
"""Parts of the results that the template sees by these names."""


@dataclass(frozen=True)
class Card:
    """The card, and where its numbers come from."""

    text: str
    numbers: tuple[Number, ...]


def render_card(
    post: PostSettings,
    results: BuildResults,
    exported: Exported,
    *,
    commands: tuple[str, str],
    licence: str,
    folder: str,
    templates: Path = TEMPLATES,
) -> Card:
    """The card of a network of `results`, whose only variant is the network's.

    `commands` build the network and write its files, `folder` is where the build's results lie beside the card. Raises
    `BadInput` where the template is at fault.
    """
    seen = bound.view(results)
    variant = seen.variants[exported.variant]
    names = {
        **{name: getattr(seen, name) for name in _SEEN},
        "variant": variant,
        "run": variant if exported.run == 1 else variant.runs[exported.run - 2],
        "network": networks.network_of(results.variants[exported.variant]),
        "original": bound.original(),
        "writeup": False,
        "title": bound.view(writeup.title(post.model_copy(update={"title": None}), results.data.class_names)),
        "slug": bound.view(post.slug),
        "export": bound.view(exported, SOURCE),
        "commands": bound.view(commands),
        "licence": bound.view(licence),
        "command": Markup(program.as_typed("python build.py")),
        "files": Markup(folder),
        "has_figure": lambda scope, name: False,
        **claims.CLAIMS,
        **wording.WORDING,
        **bound.functions(),
    }
    with templating.guarded(templates):
        marked = render.markdown_environment(templates).get_template(TEMPLATE).render(names)
    # As it is, but for blank lines: whoever shows a card has styles for wide tables.
    text, numbers, _ = bound.extract(tidying.BLANKS.sub("\n\n", marked).strip("\n") + "\n")
    return Card(text, numbers)
