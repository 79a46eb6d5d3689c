"""Draws the sample data set: camels and horses, or other `KINDS`, that behave like the write-up's cut-out photographs.

`draw` writes training and test images, `draw_measure` further ones with what befell each; `picture` draws one image
from its own seed, so the order of drawing and the number of workers change nothing. A picture is made in three steps:
a `Plan` (the animal's measures, taken from `RANGES`, where the two species overlap, or from `kinds`), its `Strokes`,
and paint, which is `drawing`'s.
"""

import csv
import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from generator.data.drawn.drawing import cut_out, stage
from generator.data.drawn.kinds import FURTHER, Range
from generator.data.drawn.strokes import Array, Random, Strokes, dense, stroke
from generator.support.threads import CORES

VERSION = 2
"""Raised when the drawing changes: the same seed then gives other images."""

SPECIES = ("camel", "horse")
KINDS = (*SPECIES, *FURTHER)
"""What can be drawn; a kind's place in this order enters the seed of its images."""

TRAIN, TEST, MEASURE = range(3)
"""Part of the set, as it enters the seed of each image."""

ATTRIBUTES = ("load", "occluder", "companion", "crop", "size", "pose")
"""What is recorded of each image; columns of `attributes.csv` behind `file`."""


@dataclass(frozen=True)
class Picture:
    """One image of the set and what befell it."""

    image: Image.Image
    attributes: dict[str, str]
    """One value for each of `ATTRIBUTES`."""


def draw(folder: Path, *, train: int, test: int, seed: int, classes: tuple[str, ...] = SPECIES) -> None:
    """Write `folder/{train,test}/<class>/N.png` (RGBA), N from 1, as many for each class of each split.

    Where a count is no multiple of the number of classes, it is rounded down. The same arguments give the same pixels
    for the same versions of Pillow and NumPy.
    """
    for part, name, count in ((TRAIN, "train", train), (TEST, "test", test)):
        for _ in _written(folder / name, part, count, seed, classes):
            pass  # Taking the results raises what a worker raised.


def draw_measure(folder: Path, *, count: int, seed: int, classes: tuple[str, ...] = SPECIES) -> None:
    """Write `folder/<class>/N.png`, as many of `count` per class, and `folder/attributes.csv`.

    The table has a row for each image: `file`, its path below `folder`, then `ATTRIBUTES`. No image is one of `draw`'s,
    not even with the same seed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "attributes.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(("file", *ATTRIBUTES))
        table.writerows(
            (path.relative_to(folder).as_posix(), *(attributes[name] for name in ATTRIBUTES))
            for path, attributes in _written(folder, MEASURE, count, seed, classes)
        )


def _written(
    folder: Path, part: int, count: int, seed: int, classes: tuple[str, ...]
) -> Iterator[tuple[Path, dict[str, str]]]:
    """Draw one part of the set on all cores; each file with its attributes, in order of class and number."""
    # The order in which classes are named changes nothing.
    drawn_kinds = tuple(kind for kind in KINDS if kind in classes)
    jobs = [(kind, number) for kind in drawn_kinds for number in range(1, count // len(drawn_kinds) + 1)]
    for kind in drawn_kinds:
        (folder / kind).mkdir(parents=True, exist_ok=True)

    def write(job: tuple[str, int]) -> tuple[Path, dict[str, str]]:
        species, number = job
        rng = np.random.default_rng([seed, part, KINDS.index(species), number])
        drawn = picture(rng, species, drawn_kinds)
        path = folder / species / f"{number}.png"
        drawn.image.save(path)
        return path, drawn.attributes

    with ThreadPoolExecutor(CORES) as pool:
        yield from pool.map(write, jobs)


def picture(rng: Random, species: str, classes: tuple[str, ...] = SPECIES) -> Picture:
    """One image of a set of `classes`: see `drawing.cut_out`."""
    animal, staging = plan(rng, species, classes), stage(rng)
    other = classes[rng.integers(len(classes))] if rng.random() < ACCOMPANIED else None
    companion = figure(rng, plan(rng, other, classes)) if other else None
    return Picture(
        cut_out(rng, staging, figure(rng, animal), companion),
        {
            "load": animal.load,
            "occluder": staging.occluder,
            "companion": "none" if other is None else "same species" if other == species else "other species",
            "crop": staging.cropped,
            "size": staging.size,
            "pose": animal.pose,
        },
    )


# ---- The animal's measures ----------------------------------------------------------------------------

RANGES: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    # measure: (camel, horse); about a hundredth of the animal's length each, angles in degrees
    "length": ((23, 27), (22, 27)),
    "depth": ((8.5, 10.5), (8.5, 10.5)),
    "leg": ((22, 28), (20, 26)),
    "leg_width": ((1.2, 1.8), (1.3, 2.0)),
    "neck": ((18, 25), (15, 22)),
    "neck_angle": ((15, 60), (25, 62)),
    "neck_sag": ((0.5, 7.5), (-2.5, 3.5)),
    "neck_width": ((3.8, 6.6), (4.6, 7.5)),
    "head": ((9, 11.5), (9.5, 12.5)),
    "head_angle": ((-10, 42), (2, 55)),
    "head_width": ((2.8, 3.6), (2.9, 3.9)),
    "ear": ((1.8, 4.0), (2.4, 4.8)),
    "hump": ((7, 12), (0, 0)),
    "mane": ((0, 1.6), (0.3, 2.2)),
    "tail": ((9, 16), (11, 19)),
    "tail_width": ((0.5, 1.8), (0.8, 2.4)),
}

MOST_BLEND = 0.1
"""How far an animal may go towards another species: at 0.5 nothing would tell them apart."""


ACCOMPANIED = 0.1
"""Share of images with a second animal, of any species of the set."""
POSES = {"standing": 0.86, "grazing": 0.07, "lying": 0.07}
"""How the animal holds itself, with what probability."""
LOADS = {"none": 0.82, "blanket": 0.06, "pack": 0.06, "rider": 0.06}
"""What is on the animal's back, with what probability; each hides where a hump is or is not."""


@dataclass(frozen=True)
class Plan:
    """One animal's measures (see `RANGES`), pose and what it carries."""

    length: float
    depth: float
    leg: float
    leg_width: float
    neck: float
    neck_angle: float
    neck_sag: float
    neck_width: float
    head: float
    head_angle: float
    head_width: float
    ear: float
    hump: float
    mane: float
    tail: float
    tail_width: float
    humps: int
    pose: str
    load: str


def plan(rng: Random, species: str, classes: tuple[str, ...] = SPECIES) -> Plan:
    """Measures of one animal, between its own species' and those of another of `classes`."""
    others = [kind for kind in classes if kind != species]
    # No draw where there is no choice, so that camels and horses look as they did before there were more kinds.
    other = others[0] if len(others) == 1 else others[rng.integers(len(others))]
    own, theirs = ranges(species), ranges(other)
    blend = MOST_BLEND * rng.beta(1.0, 1.6)
    hump = rng.uniform(*own["hump"]) * (1 - 1.8 * blend)  # a flat hump, but never a horse with one
    measures = {name: (1 - blend) * rng.uniform(*own[name]) + blend * rng.uniform(*theirs[name]) for name in RANGES}
    measures["hump"] = hump
    pose = _chosen(rng, POSES)
    if pose == "grazing":  # head to the ground
        measures["neck_angle"] = rng.uniform(-55, -20)
        measures["head_angle"] = rng.uniform(20, 60)
    return Plan(**measures, humps=int(rng.integers(1, 3)), pose=pose, load=_chosen(rng, LOADS))


def ranges(kind: str) -> Mapping[str, Range]:
    """Measure → its range, of one of `KINDS`."""
    if kind in SPECIES:
        return {name: both[SPECIES.index(kind)] for name, both in RANGES.items()}
    return FURTHER[kind]


def _chosen(rng: Random, shares: dict[str, float]) -> str:
    return str(rng.choice(list(shares), p=list(shares.values())))


def figure(rng: Random, animal: Plan) -> Strokes:
    """The strokes of an animal that faces right."""
    drawn = Strokes()
    _add_legs(drawn, rng, animal)
    _add_torso(drawn, animal)
    _add_neck_and_head(drawn, animal)
    _add_tail(drawn, rng, animal)
    _add_humps(drawn, rng, animal)
    if animal.load != "none":
        _add_load(drawn, rng, animal)
    return drawn


def _add_torso(drawn: Strokes, a: Plan) -> None:
    x, d = a.length * 0.66, a.depth
    drawn.body.append(stroke((-x, -0.5, d * 0.86), (-x * 0.2, 0.8, d * 0.9), (x, 0.6, d)))


def _add_legs(drawn: Strokes, rng: Random, a: Plan) -> None:
    stride = rng.uniform(0, 8)
    for side in (drawn.far, drawn.body):
        for hip in (-a.length * 0.72, a.length * 0.74):
            if a.pose == "lying":
                side.append(_folded_leg(rng, a, hip))
            else:
                side.append(_leg(rng, a, hip, rng.uniform(-stride, stride)))
            x, y, r = side[-1][-1]
            drawn.dark.append(np.array([[x, y, r * 1.05]]))


def _leg(rng: Random, a: Plan, hip: float, swing: float) -> Array:
    w, foot = a.leg_width, a.depth + a.leg - abs(swing) * 0.25
    bend = rng.uniform(-1.2, 1.2)
    return stroke(
        (hip, 1, w * 3),
        (hip + swing * 0.15, a.depth, w * 2.1),
        (hip + swing * 0.3 + bend, a.depth + a.leg * 0.38, w * 1.15),
        (hip + swing * 0.8, a.depth + a.leg * 0.85, w * 0.75),
        (hip + swing + 0.8, foot, w * 1.05),
    )


def _folded_leg(rng: Random, a: Plan, hip: float) -> Array:
    w, low = a.leg_width, a.depth + rng.uniform(0.5, 2)
    return stroke((hip, 3, w * 2.6), (hip + 6, low, w * 1.2), (hip - 1, low + 1, w), (hip - 6, low + 1, w))


def _add_neck_and_head(drawn: Strokes, a: Plan) -> None:
    angle, w = math.radians(a.neck_angle), a.neck_width
    root = np.array([a.length * 0.78, -2.5])
    along, across = (
        np.array([math.cos(angle), -math.sin(angle)]),
        np.array([math.sin(angle), math.cos(angle)]),
    )
    middle, poll = root + along * a.neck * 0.5 + across * a.neck_sag, root + along * a.neck
    neck = stroke((*root, w * 1.15), (*middle, w * 0.8), (*poll, w * 0.58))
    drawn.body.append(neck)
    if a.mane > 0.4:
        upper = neck[len(neck) // 4 :]
        crest = upper - np.array([*(across * 0.75), 0]) * upper[:, 2:]
        drawn.mane.append(dense(np.column_stack([crest[:, :2], np.full(len(crest), a.mane)])))
    _add_head(drawn, a, poll)


def _add_head(drawn: Strokes, a: Plan, poll: Array) -> None:
    angle, w = math.radians(a.head_angle), a.head_width
    forward, down = (
        np.array([math.cos(angle), math.sin(angle)]),
        np.array([-math.sin(angle), math.cos(angle)]),
    )
    cheek, muzzle = poll + forward * a.head * 0.35 + down * 0.4, poll + forward * a.head
    drawn.body.append(stroke((*poll, w * 0.9), (*cheek, w), (*muzzle, w * 0.62)))
    ear = poll - down * w * 0.6 - forward * 0.4
    tip = ear - down * a.ear - forward * 0.8
    drawn.body.append(stroke((*ear, 0.9), (*tip, 0.3)))
    eye = poll + forward * a.head * 0.32 - down * w * 0.35
    nostril = muzzle + forward * w * 0.25 - down * w * 0.1
    drawn.dark += [np.array([[*eye, 0.55]]), np.array([[*nostril, 0.4]])]


def _add_tail(drawn: Strokes, rng: Random, a: Plan) -> None:
    x, w, lift = -a.length * 0.95, a.tail_width, rng.uniform(1, 5)
    drawn.tail.append(
        stroke(
            (x, -a.depth * 0.45, w * 0.7),
            (x - lift, a.tail * 0.35, w),
            (x - lift * rng.uniform(0.6, 1.6), a.tail * 0.85, w * 1.2),
        )
    )


def _add_humps(drawn: Strokes, rng: Random, a: Plan) -> None:
    if a.hump < 0.5:
        return
    places = (0.0,) if a.humps == 1 else (-a.length * 0.42, a.length * 0.34)
    for place in places:
        x, width, lean = place + rng.uniform(-2.5, 2.5), rng.uniform(5.5, 7.5), rng.uniform(-2, 2)
        top = -a.depth * 0.9 - a.hump
        drawn.body.append(
            stroke((x, -2, width), (x + lean * 0.5, (top - 2) / 2, width * 0.8), (x + lean, top + 2, 2.2))
        )


def _add_load(drawn: Strokes, rng: Random, a: Plan) -> None:
    x, back = rng.uniform(-5, 4), -a.depth * 0.9
    seat = back - a.hump * rng.uniform(0.4, 0.8)
    width = rng.uniform(5, 9)
    drawn.blanket.append(stroke((x, seat - 8, width), (x + 0.5, rng.uniform(-4, 1), width * 0.9)))
    if a.load == "pack":
        top, wide = seat - rng.uniform(0, 5), rng.uniform(3, 6)
        drawn.pack.append(stroke((x - wide, top + 3, 3), (x, top, rng.uniform(3, 4.5)), (x + wide, top + 3, 3)))
        drawn.pack.append(stroke((x - 2.5, seat + 6, 3), (x + 2.5, seat + 6.5, 3)))
    if a.load == "rider":
        _add_rider(drawn, rng, x, seat)


def _add_rider(drawn: Strokes, rng: Random, x: float, seat: float) -> None:
    lean = rng.uniform(-1, 4)
    shoulder = (x + lean, seat - rng.uniform(10, 13))
    drawn.person.append(stroke((x, seat - 1, 3.2), (*shoulder, 2.8)))
    drawn.person.append(stroke((x, seat, 2.4), (x + 4, seat + 5, 2), (x + 2, seat + 14, 1.3)))
    drawn.person.append(stroke((*shoulder, 1.3), (x + lean + 4, seat - 6, 1.1), (x + lean + 8, seat - 4, 0.8)))
    drawn.skin.append(np.array([[x + lean + 0.6, shoulder[1] - 4.6, 2.5]]))
    if rng.random() < 0.5:
        drawn.person.append(stroke((x + lean - 2.4, shoulder[1] - 6, 1), (x + lean + 3.6, shoulder[1] - 6, 1)))
