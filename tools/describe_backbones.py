"""Writes what is known of every backbone from Keras' own: `python tools/describe_backbones.py`.

Its layers to `generator/backbones/layers/`, where they are known without TensorFlow before anything is trained, and the
tables of docs/backbones.md.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from generator.backbones import layers, preparation  # noqa: E402  # found below ROOT
from generator.backbones.backbone import Backbone  # noqa: E402
from generator.backbones.layers import Layer  # noqa: E402
from generator.backbones.registry import BACKBONES  # noqa: E402
from generator.commands.backbones import facts  # noqa: E402

DOCUMENT = ROOT / "docs" / "backbones.md"


def main() -> None:
    layers.FOLDER.mkdir(exist_ok=True)
    for backbone in BACKBONES.values():
        layers.write(backbone.name, layers_of(backbone))
        print(layers.path_of(backbone.name))
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text("utf-8")), "utf-8")


def layers_of(backbone: Backbone) -> list[Layer]:
    """The layers of a network as Keras builds it, with their arrays' shapes."""
    import keras  # late: with it comes TensorFlow

    from generator.training import network

    keras.backend.clear_session()  # numbers the layers from the start that Keras names by itself
    base = network.build_base(backbone.name, backbone.least_size)
    arrays = {layer.name: network.variables_of(layer) for layer in base.layers}
    return [Layer(name, {key: tuple(v.shape) for key, v in found.items()}) for name, found in arrays.items()]


def with_tables(text: str) -> str:
    """The document with its tables as they are now."""
    return _filled(_filled(text, "table", _networks()), "preparation", _preparations())


def _networks() -> str:
    rows = list(map(facts, BACKBONES.values()))
    return _table(list(rows[0]), [list(row.values()) for row in rows])


def _preparations() -> str:
    def names(words: str, *, within: bool) -> str:
        found = [b for b in BACKBONES.values() if b.preparation.words == words and bool(b.preparation.until) == within]
        return ", ".join(backbone.name for backbone in found)

    ways = (preparation.CENTRED, preparation.SCALED, preparation.NORMALISED)
    rows = [[words, names(words, within=False), names(words, within=True)] for words in ways]
    return _table(["what is done", "by a function", "by layers of the network"], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _filled(text: str, name: str, content: str) -> str:
    found = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
    return found.sub(lambda match: f"{match[1]}\n{content}\n{match[2]}", text)


if __name__ == "__main__":
    main()
