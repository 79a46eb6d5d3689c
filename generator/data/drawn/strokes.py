"""Tapered lines, of which animals and what stands before them are made.

In the animal's own units: x forward, y down, the torso's centre at (0, 0).
"""

import math
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Random = np.random.Generator


def stroke(*knots: tuple[float, float, float]) -> Array:
    """A smooth line through knots (x, y, radius) as an array (n, 3) of discs that overlap."""
    points = np.array(knots, dtype=np.float64)
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, 9)[:-1, None]
    pieces = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        # Catmull–Rom: the curve passes through every knot.
        a, b = end - before, 2 * before - 5 * start + 4 * end - after
        c = 3 * (start - end) + after - before
        pieces.append(start + 0.5 * (a * t + b * t**2 + c * t**3))
    return dense(np.vstack([*pieces, points[-1:]]))


def dense(line: Array) -> Array:
    """The same line with discs close enough to each other to look like one piece."""
    steps = np.hypot(*np.diff(line[:, :2], axis=0).T)
    position = np.concatenate([[0], np.cumsum(steps)])
    count = int(position[-1] / max(0.25, 0.6 * line[:, 2].min())) + 2
    wanted = np.linspace(0, position[-1], count)
    return np.column_stack([np.interp(wanted, position, column) for column in line.T])


@dataclass
class Strokes:
    """An animal by layer, in the order in which they are painted."""

    tail: list[Array] = field(default_factory=list)
    far: list[Array] = field(default_factory=list)
    body: list[Array] = field(default_factory=list)
    mane: list[Array] = field(default_factory=list)
    dark: list[Array] = field(default_factory=list)
    blanket: list[Array] = field(default_factory=list)
    """Painted where it lies on the body only."""
    pack: list[Array] = field(default_factory=list)
    skin: list[Array] = field(default_factory=list)
    person: list[Array] = field(default_factory=list)

    def layers(self) -> dict[str, list[Array]]:
        return {f.name: strokes for f in fields(self) if (strokes := getattr(self, f.name))}

    def moved(self, scale: float, turn: float, flip: bool, x: float, y: float) -> "Strokes":
        """The figure turned by `turn` radians, mirrored if `flip`, enlarged, and shifted to (x, y)."""
        cos, sin = math.cos(turn), math.sin(turn)
        matrix = scale * np.array([[cos, -sin], [sin, cos]]) @ np.diag([-1.0 if flip else 1.0, 1.0])

        def move(points: Array) -> Array:
            return np.column_stack([points[:, :2] @ matrix.T + (x, y), points[:, 2] * scale])

        return Strokes(**{name: [move(s) for s in strokes] for name, strokes in self.layers().items()})

    def extent(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of all strokes."""
        discs = np.vstack([s for strokes in self.layers().values() for s in strokes])
        low, high = discs[:, :2] - discs[:, 2:], discs[:, :2] + discs[:, 2:]
        (left, top), (right, bottom) = low.min(0), high.max(0)
        return float(left), float(top), float(right), float(bottom)
