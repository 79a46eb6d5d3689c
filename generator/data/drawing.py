"""Draws one animal as a photograph that was cut out: strokes in, an RGBA image out.

`Strokes` are an animal made of tapered strokes; `cut_out` places it in a bounding box, paints surroundings,
coat, light and shadow, perhaps something in front of it, and adds what a camera adds. Which animal it is, is
the caller's matter.
"""

import math
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SIZE = 256
"""Side of an image, pixels."""

Array = NDArray[np.float64]
Random = np.random.Generator

# ---- Strokes: tapered lines in the animal's own units, x forward, y down, the torso's centre at (0, 0) ---


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


# ---- Paint ----------------------------------------------------------------------------------------------
SMALLEST, LARGEST = 0.48, 0.95
"""Longer side of the bounding box, as a share of the image's."""
CROPPED = 0.07
"""Share of images in which a side of the animal lies outside the box."""
CAMOUFLAGED = 0.06
"""Share of animals whose coat has half of the surroundings' colour."""
IN_FRONT = {"nothing": 0.84, "bush": 0.05, "fence": 0.04, "grass": 0.04, "trunk": 0.03}
"""What stands before the animal, with what probability."""

COATS = (
    (150, 100, 60),
    (110, 70, 40),
    (62, 46, 40),
    (190, 150, 105),
    (222, 212, 200),
    (92, 82, 76),
    (172, 122, 84),
)
CLOTHS = (
    (150, 40, 45),
    (40, 70, 130),
    (60, 105, 70),
    (205, 175, 90),
    (120, 60, 110),
    (225, 220, 210),
    (60, 55, 60),
)
SKINS = ((224, 180, 150), (180, 130, 95), (120, 82, 58))
SCENES = (
    # sky at the top, sky at the horizon, far ground, near ground
    ((96, 150, 210), (205, 222, 235), (214, 186, 132), (188, 152, 98)),  # desert
    ((110, 160, 215), (214, 228, 238), (122, 150, 84), (82, 120, 56)),  # meadow
    ((150, 165, 180), (222, 222, 214), (150, 134, 100), (122, 104, 76)),  # steppe
    ((235, 170, 110), (250, 215, 160), (150, 110, 80), (110, 78, 58)),  # dusk
    ((130, 140, 150), (190, 195, 198), (170, 172, 172), (140, 142, 142)),  # paved yard
    ((120, 92, 66), (140, 110, 80), (120, 100, 80), (96, 80, 62)),  # stable wall
)


def cut_out(rng: Random, figure: Strokes, companion: Strokes | None = None) -> Image.Image:
    """`figure` as an RGBA image (256×256): opaque, its surroundings in its box under alpha 0, the rest white.

    `companion` is a second animal partly behind it; what stands in front of the first is surroundings too.
    """
    placed, (width, height) = _placed(rng, figure)
    scene = _scene(rng, width, height)
    if companion is not None:
        _paint_companion(rng, scene, placed, companion)
    alpha = _paint_figure(rng, scene, placed, _coat(rng, scene))
    alpha *= 1 - _occlude(rng, scene)
    return _on_white(rng, _photographed(rng, scene), alpha)


def _placed(rng: Random, figure: Strokes) -> tuple[Strokes, tuple[int, int]]:
    """The figure placed in its bounding box, and the box's width and height, pixels."""
    figure = figure.moved(1, rng.normal(0, 0.06), bool(rng.random() < 0.5), 0, 0)
    left, top, right, bottom = figure.extent()
    wide, high = right - left, bottom - top
    margins = rng.uniform(0.01, 0.1, 4) * np.array([wide, high, wide, high])
    if rng.random() < CROPPED:
        side = int(rng.integers(4))
        margins[side] = -rng.uniform(0.08, 0.35) * (high if side % 2 else wide)
    left, top, right, bottom = left - margins[0], top - margins[1], right + margins[2], bottom + margins[3]
    scale = SIZE * rng.uniform(SMALLEST, LARGEST) / max(right - left, bottom - top)
    box = min(SIZE, round((right - left) * scale)), min(SIZE, round((bottom - top) * scale))
    return figure.moved(scale, 0, False, -left * scale, -top * scale), box


def _mask(strokes: list[Array], width: int, height: int) -> Array:
    """Coverage (height, width), 0 to 1, with smooth edges: drawn twice as large, then halved."""
    image = Image.new("L", (2 * width, 2 * height))
    pen = ImageDraw.Draw(image)
    for discs in strokes:
        corners = 2 * np.column_stack([discs[:, :2] - discs[:, 2:], discs[:, :2] + discs[:, 2:]])
        for corner in corners.tolist():
            pen.ellipse(corner, fill=255)
    return np.asarray(image.reduce(2), dtype=np.float64) / 255


def _noise(rng: Random, width: int, height: int, cell: float) -> Array:
    """Smooth noise (height, width) between -1 and 1 whose blotches are about `cell` pixels wide."""
    rows, columns = max(2, round(height / cell) + 1), max(2, round(width / cell) + 1)
    coarse = Image.fromarray(rng.integers(0, 256, (rows, columns), dtype=np.uint8))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64) / 127.5 - 1


def _blurred(mask: Array, radius: float) -> Array:
    image = Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(image, dtype=np.float64) / 255


def _scene(rng: Random, width: int, height: int) -> Array:
    """Sky, hills and ground (height, width, 3), 0 to 255."""
    top, low, far, near = np.array(SCENES[rng.integers(len(SCENES))]) + rng.normal(0, 10, (4, 3))
    y = np.linspace(0, 1, height)[:, None]
    horizon = rng.uniform(0.35, 0.75)
    ridge = horizon - 0.06 - 0.05 * _noise(rng, width, 1, width / 3)
    sky = top + (low - top) * np.clip(y / horizon, 0, 1)[..., None]
    sky = sky + 14 * np.clip(_noise(rng, width, height, height / 4), 0, 1)[..., None]
    ground = far + (near - far) * np.clip((y - horizon) / (1 - horizon), 0, 1)[..., None]
    texture = 9 * _noise(rng, width, height, 14) + 7 * _noise(rng, width, height, 4) + rng.normal(0, 4, (height, width))
    ground = ground + texture[..., None]
    hills = 0.5 * far + 0.5 * low + 5 * _noise(rng, width, height, 10)[..., None]
    scene: Array = np.where(y[..., None] > horizon, ground, np.where((y > ridge)[..., None], hills, sky))
    return scene


def _coat(rng: Random, scene: Array) -> Array:
    """The coat's colour; now and then nearly the surroundings' own."""
    colour = np.array(COATS[rng.integers(len(COATS))]) + rng.normal(0, 12, 3)
    if rng.random() < CAMOUFLAGED:
        colour = 0.5 * colour + 0.5 * (scene.mean((0, 1)) + rng.normal(0, 10, 3))
    return np.clip(colour, 25, 235)


def _paint(scene: Array, mask: Array, colour: Array, relief: float) -> None:
    """Lay `colour` ((3,) or one per pixel) over `scene`, lit from above as if the mask were rounded."""
    height = _blurred(mask, relief)
    down, right = np.gradient(height)
    light = np.clip(1 + relief * (1.1 * down + 0.35 * right), 0.45, 1.5)
    scene += mask[..., None] * (np.clip(colour * light[..., None], 0, 255) - scene)


def _fur(rng: Random, coat: Array, width: int, height: int, unit: float) -> Array:
    """The coat with blotches and, on some animals, patches of another colour: (height, width, 3)."""
    shade = 1 + 0.1 * _noise(rng, width, height, 12 * unit) + 0.06 * _noise(rng, width, height, 2 * unit)
    fur = coat * shade[..., None]
    if rng.random() < 0.15:
        patches = np.clip(3 * _noise(rng, width, height, 14 * unit), 0, 1)[..., None]
        fur = fur + patches * (np.array(COATS[rng.integers(len(COATS))]) - fur)
    return np.asarray(fur)


def _paint_figure(rng: Random, scene: Array, placed: Strokes, coat: Array) -> Array:
    """Paint an animal and what it carries; return its coverage (height, width)."""
    height, width = scene.shape[:2]
    left, top, right, bottom = placed.extent()
    unit = max(right - left, bottom - top) / 75
    fur = _fur(rng, coat, width, height, unit)
    cloth, pack, person = (np.array(CLOTHS[i]) + rng.normal(0, 12, 3) for i in rng.integers(len(CLOTHS), size=3))
    hair = coat * rng.uniform(0.35, 0.9)
    paints = {
        "tail": hair, "far": 0.68 * fur, "body": fur, "mane": hair, "dark": 0.25 * coat,
        "blanket": cloth, "pack": pack, "person": person, "skin": np.array(SKINS[rng.integers(len(SKINS))]),
    }  # fmt: skip
    _shadow(scene, (left + right) / 2, bottom, (right - left) / 2)
    covered = np.zeros((height, width))
    for name, strokes in placed.layers().items():
        mask = _mask(strokes, width, height)
        if name == "blanket":
            mask *= covered
        _paint(scene, mask, paints[name], max(1.0, 2.2 * unit))
        covered = np.maximum(covered, mask)
    return covered


def _shadow(scene: Array, x: float, y: float, reach: float) -> None:
    """Darken the ground around (x, y)."""
    rows, columns = np.ogrid[: scene.shape[0], : scene.shape[1]]
    distance = ((columns - x) / reach) ** 2 + ((rows - y) / (reach * 0.16)) ** 2
    scene *= (1 - 0.4 * np.exp(-1.5 * distance))[..., None]


def _paint_companion(rng: Random, scene: Array, placed: Strokes, companion: Strokes) -> None:
    """Paint a second animal, further off and partly behind the first."""
    left, top, right, bottom = placed.extent()
    extent = companion.extent()
    scale = (right - left) / (extent[2] - extent[0]) * rng.uniform(0.6, 0.95)
    x = (left + right) / 2 + rng.choice([-1, 1]) * rng.uniform(0.35, 0.6) * (right - left)
    y = bottom - extent[3] * scale - rng.uniform(0.02, 0.12) * (bottom - top)
    _paint_figure(rng, scene, companion.moved(scale, 0, bool(rng.random() < 0.5), x, y), _coat(rng, scene))


# ---- What stands in front, and the camera ---------------------------------------------------------------


def _occlude(rng: Random, scene: Array) -> Array:
    """Paint what stands before the animal, if anything; return its coverage (height, width)."""
    height, width = scene.shape[:2]
    kind = rng.choice(list(IN_FRONT), p=list(IN_FRONT.values()))
    if kind == "nothing":
        return np.zeros((height, width))
    strokes = {"bush": _bush, "fence": _fence, "grass": _grass, "trunk": _trunk}[kind](rng, width, height)
    mask = _mask(strokes, width, height)
    green, brown = np.array([74, 100, 52]), np.array([112, 86, 62])
    colour = (green if kind in ("bush", "grass") else brown) + rng.normal(0, 14, 3)
    _paint(scene, mask, colour * (1 + 0.3 * _noise(rng, width, height, 3))[..., None], 1.5)
    return mask


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


def _photographed(rng: Random, scene: Array) -> Array:
    """What a camera adds: exposure, haze, blur, grain."""
    contrast, level = rng.uniform(0.55, 1.1), rng.uniform(-18, 18)
    scene = 128 + (scene - 128) * contrast + level
    image = Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.6)))
    return np.clip(np.asarray(image, dtype=np.float64) + rng.normal(0, 3.5, scene.shape), 0, 255)


def _on_white(rng: Random, scene: Array, alpha: Array) -> Image.Image:
    height, width = alpha.shape
    pixels = np.full((SIZE, SIZE, 4), 255, dtype=np.uint8)
    pixels[..., 3] = 0
    x, y = int(rng.integers(SIZE - width + 1)), int(rng.integers(SIZE - height + 1))
    pixels[y : y + height, x : x + width] = np.dstack([scene, np.round(alpha * 255)])
    return Image.fromarray(pixels)
