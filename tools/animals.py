"""Draws the animals that the embedded weights are pre-trained on: sixteen kinds, no camel and no horse.

They share the sample's strokes and paint, so what is learned from them (outlines, legs, necks, coats,
surroundings) carries over; the two species that the experiment tells apart never occur.
"""

import math

import numpy as np
from PIL import Image

from generator.data.drawing import Array, Random, Strokes, cut_out, stroke
from generator.data.sample import LOADS, LYING, Plan, figure

MEASURES = {
    # kind: length, depth, leg, leg width, neck, neck angle, neck width, head, head angle, head width, ear,
    # tail, tail width; the units of generator.sample, angles in degrees
    "giraffe": (17, 8, 29, 1.5, 36, 65, 4, 7.5, 25, 2.6, 2.5, 14, 0.7),
    "elephant": (23, 15, 16, 4, 6, 25, 9, 9, 40, 5.5, 3, 12, 0.8),
    "rhinoceros": (24, 12, 12, 3.4, 8, -5, 7, 11, 20, 4.6, 2.5, 10, 0.8),
    "dog": (17, 6, 14, 1.6, 8, 45, 4.5, 8, 10, 3.2, 3.5, -6, 1.6),
    "pig": (20, 11, 9, 2.2, 4, 5, 7.5, 8, 15, 4.6, 3.5, 2, 0.8),
    "cow": (23, 11, 16, 2, 9, 15, 6.5, 10, 30, 3.8, 2.5, 18, 0.9),
    "deer": (17, 7, 23, 1.1, 15, 60, 3.6, 8, 20, 2.6, 3.2, 3, 1.2),
    "sheep": (16, 11, 11, 1.3, 5, 25, 5, 7, 25, 3, 2, 4, 1.6),
    "crocodile": (25, 5, 5, 1.8, 5, 0, 4.6, 15, 3, 2.6, 0.6, 4, 3),
    "stegosaurus": (21, 10, 12, 2.8, 10, -5, 4, 7, 10, 2.6, 0.6, 5, 2.6),
    "cat": (16, 6, 10, 1.6, 4, 35, 4, 5, 5, 4, 4, -12, 1.2),
    "turtle": (18, 8, 5, 2.4, 9, 20, 3, 4.5, 10, 2.5, 0.6, 6, 1),
    "bison": (24, 13, 13, 2.2, 7, 0, 9, 10, 45, 5.5, 1.5, 12, 1),
    "zebu": (23, 10, 17, 1.9, 10, 30, 5.5, 10, 35, 3.4, 4, 16, 1),
    "llama": (16, 8.5, 19, 1.7, 21, 75, 4.6, 7, 20, 2.8, 4.5, 4, 1.6),
    "donkey": (17, 8, 15, 1.6, 11, 40, 5.5, 9.5, 35, 3.4, 7, 12, 1.2),
}
NAMES = tuple(MEASURES)
SPREAD = 0.13
"""Standard deviation of a measure, as a share of it."""


def picture(rng: Random, name: str) -> Image.Image:
    """One animal as an RGBA image (256×256), cut out as in the sample."""
    companion = figure_of(rng, NAMES[rng.integers(len(NAMES))]) if rng.random() < 0.1 else None
    return cut_out(rng, figure_of(rng, name), companion)


def figure_of(rng: Random, name: str) -> Strokes:
    """The strokes of one animal of the kind `name`, facing right."""
    plan = _plan(rng, name)
    drawn = figure(rng, plan)
    _add_back(drawn, rng, name, plan)
    _add_head_gear(drawn, rng, name, plan)
    return drawn


def _plan(rng: Random, name: str) -> Plan:
    length, depth, leg, leg_width, neck, neck_angle, neck_width, head, head_angle, head_width, ear, tail, tail_width = (
        value * rng.normal(1, SPREAD) for value in MEASURES[name]
    )  # fmt: skip
    return Plan(
        length=length, depth=depth, leg=leg, leg_width=leg_width, neck=neck,
        neck_angle=neck_angle + rng.normal(0, 12), neck_sag=rng.normal(0, 1), neck_width=neck_width,
        head=head, head_angle=head_angle + rng.normal(0, 10), head_width=head_width, ear=ear, hump=0, mane=0,
        tail=tail, tail_width=tail_width, humps=0, lying=bool(rng.random() < LYING),
        load=str(rng.choice(list(LOADS), p=list(LOADS.values()))),
    )  # fmt: skip


def _add_back(drawn: Strokes, rng: Random, name: str, plan: Plan) -> None:
    """What grows on the torso: shell, wool, plates, shoulders."""
    length, depth = plan.length, plan.depth
    if name in ("bison", "zebu"):
        width, height = (8.0, rng.uniform(3, 7)) if name == "bison" else (4.5, rng.uniform(4, 8))
        x = length * rng.uniform(0.4, 0.6)
        drawn.body.append(stroke((x, -2, width), (x - 1, -depth * 0.9 - height, width * 0.5)))
    if name == "turtle":
        drawn.mane.append(stroke((-length * 0.8, 0, 4), (0, -depth, 7), (length * 0.8, 0, 4)))
    if name == "sheep":
        around = rng.uniform(0, 2 * math.pi, 16)
        drawn.body.append(
            np.column_stack([length * 0.9 * np.cos(around), depth * 0.9 * np.sin(around), rng.uniform(2.5, 4.5, 16)])
        )
    if name == "stegosaurus":
        for x in np.linspace(-0.85, 0.8, 7) * length:
            height = depth * math.sqrt(1 - (x / length) ** 2)
            drawn.mane.append(stroke((x, -height + 1, 2.4), (x, -height - rng.uniform(4, 8), 0.5)))
    if name in ("crocodile", "stegosaurus"):
        drop = rng.uniform(2, 8)
        drawn.body.append(stroke((-length * 0.8, 0, depth * 0.6), (-length * 1.7, drop, 0.8)))


def _add_head_gear(drawn: Strokes, rng: Random, name: str, plan: Plan) -> None:
    """Trunk, horns or antlers."""
    poll, muzzle = head_of(plan)
    x, y = poll
    if name == "elephant":
        curl = rng.uniform(-4, 7)
        drawn.body.append(
            stroke((*muzzle, 3), (muzzle[0] + 3, muzzle[1] + 8, 2.2), (muzzle[0] + curl, muzzle[1] + 16, 1.4))
        )
        drawn.mane.append(stroke((x - 4, y - 3, 4), (x - 4, y + 4, 4)))
    if name == "rhinoceros":
        drawn.body.append(
            stroke((muzzle[0] - 1, muzzle[1] - 2, 1.6), (muzzle[0] + 2, muzzle[1] - rng.uniform(7, 10), 0.4))
        )
    if name == "cow":
        for side in (-1, 2):
            drawn.mane.append(stroke((x + side, y - 2, 0.9), (x + side + rng.uniform(0, 3), y - 8, 0.4)))
    if name == "deer":
        for side in (-1.0, 2.0):
            tip = (x + side + rng.uniform(-4, 4), y - rng.uniform(11, 15))
            middle = ((x + side + tip[0]) / 2, (y + tip[1]) / 2)
            drawn.mane.append(stroke((x + side, y - 2, 0.8), (*tip, 0.5)))
            drawn.mane.append(stroke((*middle, 0.6), (middle[0] + 4, middle[1] - 4, 0.4)))


def head_of(plan: Plan) -> tuple[Array, Array]:
    """Where the head of `generator.sample.figure` begins and ends: poll and muzzle, each (x, y)."""
    neck, head = math.radians(plan.neck_angle), math.radians(plan.head_angle)
    poll = np.array([plan.length * 0.78, -2.5]) + plan.neck * np.array([math.cos(neck), -math.sin(neck)])
    return poll, poll + plan.head * np.array([math.cos(head), math.sin(head)])
