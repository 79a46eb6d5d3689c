"""Further animals that the sample can draw, by the measures in which they differ from camel and horse.

Each has the measures of `sample.RANGES`, in the same units. No further kind has a hump: that is the camel's alone.
"""

from collections.abc import Mapping
from typing import Final

Range = tuple[float, float]

FURTHER: Final[Mapping[str, Mapping[str, Range]]] = {
    # Long ears, short legs, a thin tail.
    "donkey": {
        "length": (21, 25), "depth": (8.5, 10.5), "leg": (15, 20), "leg_width": (1.1, 1.7), "neck": (11, 15),
        "neck_angle": (20, 52), "neck_sag": (-2, 2.5), "neck_width": (4.2, 6.2), "head": (10.5, 13),
        "head_angle": (10, 50), "head_width": (3.2, 4.2), "ear": (6, 9), "hump": (0, 0), "mane": (0.3, 1.2),
        "tail": (9, 14), "tail_width": (0.5, 1.1),
    },
    # A neck as long as the legs.
    "giraffe": {
        "length": (19, 23), "depth": (8, 10), "leg": (30, 38), "leg_width": (1.1, 1.7), "neck": (38, 50),
        "neck_angle": (52, 74), "neck_sag": (-2, 3), "neck_width": (4.2, 5.6), "head": (8.5, 10.5),
        "head_angle": (5, 40), "head_width": (2.6, 3.4), "ear": (2, 3.6), "hump": (0, 0), "mane": (0.5, 1.4),
        "tail": (11, 17), "tail_width": (0.5, 1.1),
    },
    # An upright neck, a small head, a short tail.
    "llama": {
        "length": (18, 22), "depth": (8.5, 11), "leg": (16, 21), "leg_width": (1.2, 1.8), "neck": (18, 24),
        "neck_angle": (66, 88), "neck_sag": (-1.5, 2.5), "neck_width": (3.8, 5.2), "head": (6, 8),
        "head_angle": (-5, 30), "head_width": (2.5, 3.3), "ear": (3.4, 5.4), "hump": (0, 0), "mane": (0, 0.3),
        "tail": (4, 7), "tail_width": (1.4, 2.6),
    },
    # A long, deep body, a low head.
    "cow": {
        "length": (26, 31), "depth": (11, 14), "leg": (13, 18), "leg_width": (1.5, 2.2), "neck": (8, 12),
        "neck_angle": (5, 34), "neck_sag": (-2, 2), "neck_width": (6, 8.5), "head": (10, 12.5),
        "head_angle": (12, 52), "head_width": (3.6, 4.8), "ear": (2.4, 4), "hump": (0, 0), "mane": (0, 0.3),
        "tail": (16, 23), "tail_width": (0.6, 1.4),
    },
    # Legs shorter than the body is deep, hardly a neck.
    "pig": {
        "length": (21, 26), "depth": (10.5, 13.5), "leg": (6, 10), "leg_width": (1.4, 2.1), "neck": (4, 7),
        "neck_angle": (-8, 20), "neck_sag": (-1, 1), "neck_width": (7.5, 9.5), "head": (9, 12),
        "head_angle": (5, 40), "head_width": (4, 5.4), "ear": (3, 5), "hump": (0, 0), "mane": (0, 0.2),
        "tail": (2, 4), "tail_width": (0.4, 0.9),
    },
    # A round body on thin legs.
    "sheep": {
        "length": (16, 20), "depth": (10, 13), "leg": (9, 14), "leg_width": (0.8, 1.3), "neck": (6, 9),
        "neck_angle": (18, 55), "neck_sag": (-1, 1.5), "neck_width": (4.5, 6.2), "head": (6.5, 8.5),
        "head_angle": (15, 52), "head_width": (2.5, 3.3), "ear": (2.4, 4), "hump": (0, 0), "mane": (0, 0.2),
        "tail": (3, 6), "tail_width": (1.2, 2.2),
    },
}  # fmt: skip
"""Kind → measure → its range."""
