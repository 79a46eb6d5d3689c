"""What may stand before an animal, as strokes in pixels of its bounding box."""

from collections.abc import Callable, Mapping

import numpy as np

from generator.data.drawn.strokes import Array, Random, stroke


def _bush(rng: Random, width: int, height: int) -> list[Array]:
    x, reach = rng.uniform(0.1, 0.9) * width, rng.uniform(0.12, 0.28) * width
    count = int(rng.integers(25, 60))
    top = rng.uniform(0.3, 0.75) * height
    across, up = rng.normal(0, 0.5, count), rng.uniform(0, 1, count)
    radii = rng.uniform(0.03, 0.08, count) * max(width, height)
    return [np.column_stack([x + across * reach, height - up * (height - top), radii])]


def _fence(rng: Random, width: int, height: int) -> list[Array]:
    thick = rng.uniform(0.008, 0.02) * max(width, height)
    rails = rng.uniform(0.35, 0.55) * height + np.arange(3) * rng.uniform(0.12, 0.18) * height
    posts = np.arange(rng.uniform(0, 0.2), 1, rng.uniform(0.2, 0.4)) * width
    lines = [stroke((-9, y, thick), (width + 9, y + rng.normal(0, 2), thick)) for y in rails]
    lines += [stroke((x, rails[0] - 6, thick * 1.4), (x, height + 9, thick * 1.4)) for x in posts]
    return lines


def _grass(rng: Random, width: int, height: int) -> list[Array]:
    blades, tall = [], rng.uniform(0.15, 0.4) * height
    for x in np.arange(0, width, 3.0):
        tip = rng.uniform(0.4, 1) * tall
        blades.append(
            stroke(
                (x, height, 1.1),
                (x + rng.normal(0, 3), height - tip * 0.6, 0.8),
                (x + rng.normal(0, 7), height - tip, 0.4),
            )
        )
    return blades


def _trunk(rng: Random, width: int, height: int) -> list[Array]:
    x, thick = rng.uniform(0.15, 0.85) * width, rng.uniform(0.03, 0.09) * max(width, height)
    return [
        (
            stroke(
                (x, -thick, thick * 0.9),
                (x + rng.normal(0, 4), height / 2, thick),
                (x, height + thick, thick * 1.2),
            )
        )
    ]


Shape = Callable[[Random, int, int], list[Array]]

SHAPES: Mapping[str, Shape] = {"bush": _bush, "fence": _fence, "grass": _grass, "trunk": _trunk}
"""Name → what draws it in a box of (width, height) pixels."""
GREEN = ("bush", "grass")
"""Those that are green; the others are brown."""
