"""`build.py backbones`: the networks that there are, or one of them with its layers."""

import textwrap

from generator.backbones import downloads
from generator.backbones.backbone import Backbone
from generator.backbones.registry import BACKBONES, find
from generator.commands.options import make_parser, print_table
from generator.support.program import COMMAND

FLOAT_BYTES = 4


def run(arguments: list[str]) -> int:
    parser = make_parser("backbones", "List the networks that model.backbone may name; of one, its layers.")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a network, to see what it is and its layers")
    options = parser.parse_args(arguments)
    if options.name is None:
        _print_all()
    else:
        _print_one(find(options.name))
    return 0


def facts(backbone: Backbone) -> dict[str, str]:
    """Column → cell of a table of networks."""
    return {
        "backbone": backbone.name,
        "layers": str(len(backbone.layers)),
        "parameters": f"{backbone.parameters:,}",
        "weights": f"{FLOAT_BYTES * backbone.parameters / 1e6:.0f} MB",
        "features": str(backbone.features),
        "least": f"{backbone.least_size} px",
        "usual": f"{backbone.usual_size} px",
        "fine-tuned from": str(backbone.from_layer),
    }


def _print_all() -> None:
    rows = [{**facts(backbone), "weights here": _weights_here(backbone)} for backbone in BACKBONES.values()]
    print_table(list(rows[0]), [list(row.values()) for row in rows])
    print(f"{COMMAND} backbones NAME lists the layers of one; --set model.backbone=NAME uses it")


def _weights_here(backbone: Backbone) -> str:
    """Which weights of it can be had without network."""
    cached = not downloads.fault_of_cached(backbone)
    found = [*(["imagenet"] if cached else []), *(["embedded"] if backbone.embedded else [])]
    return ", ".join(found) or "none"


def _print_one(backbone: Backbone) -> None:
    fault = downloads.fault_of_cached(backbone)
    _print_fact(backbone.name, backbone.about)
    _print_fact("published in", f"{backbone.paper.title}, {backbone.paper.address}")
    _print_fact("images", f"at least {backbone.least_size} px, usually {backbone.usual_size} px")
    _print_fact("preparation", backbone.preparation.words)
    _print_fact("ImageNet's", downloads.address(backbone))
    _print_fact("", f"{downloads.cached_path(backbone)} {fault or 'is there'}")
    _print_fact("fine-tuned", f"from {backbone.from_layer} unless fine_tuning.from_layer says otherwise")
    rows = [[str(i), layer.name, f"{layer.parameters:,}"] for i, layer in enumerate(backbone.layers)]
    print_table(["index", "layer", "parameters"], rows)


def _print_fact(name: str, text: str) -> None:
    lines = textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False)
    for first, line in zip([name, *[""] * len(lines)], lines, strict=False):
        print(f"{first:<16}  {line}")
