"""Draws one animal as a photograph that was cut out: strokes in, an RGBA image out.

`stage` decides what befalls the image; `cut_out` places the animal in a bounding box, paints surroundings, coat, light
and shadow, perhaps something in front of it, and adds what a camera adds. Which animal it is, is the caller's matter.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from generator.data.drawn.occluders import GREEN, SHAPES
from generator.data.drawn.strokes import Array, Random, Strokes

SIZE = 256
"""Side of an image, pixels."""

# ---- What befalls an image ------------------------------------------------------------------------------
SMALLEST, LARGEST = 0.48, 0.95
"""Longer side of the bounding box, as a share of the image's."""
CROPPED = 0.1
"""Share of images in which a side of the animal lies outside the box."""
CAMOUFLAGED = 0.06
"""Share of animals whose coat has half of the surroundings' colour."""
IN_FRONT = {"none": 0.8, "bush": 0.05, "fence": 0.05, "grass": 0.05, "trunk": 0.05}
"""What stands before the animal, with what probability."""
SIDES = ("left", "top", "right", "bottom")

Size = Literal["small", "medium", "large"]


@dataclass(frozen=True)
class Staging:
    """What befalls an image besides its animal."""

    occluder: str
    """What stands before the animal, a key of `IN_FRONT`."""
    cropped: str
    """The side of the animal that lies outside the box, one of `SIDES`, or `none`."""
    share: float
    """Longer side of the bounding box, as a share of the image's."""

    @property
    def size(self) -> Size:
        """Which third of the range of sizes it is in."""
        third = (LARGEST - SMALLEST) / 3
        return "small" if self.share < SMALLEST + third else "large" if self.share > LARGEST - third else "medium"


def stage(rng: Random) -> Staging:
    """What befalls one image; it does not depend on the animal."""
    return Staging(
        occluder=str(rng.choice(list(IN_FRONT), p=list(IN_FRONT.values()))),
        cropped=str(rng.choice(SIDES)) if rng.random() < CROPPED else "none",
        share=float(rng.uniform(SMALLEST, LARGEST)),
    )


# ---- Paint ----------------------------------------------------------------------------------------------
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


def cut_out(rng: Random, staging: Staging, figure: Strokes, companion: Strokes | None = None) -> Image.Image:
    """`figure` as an RGBA image (256×256): opaque, its surroundings in its box under alpha 0, the rest white.

    `companion` is a second animal partly behind it; what stands in front of the first is surroundings too.
    """
    placed, (width, height) = _placed(rng, staging, figure)
    scene = _scene(rng, width, height)
    if companion is not None:
        _paint_companion(rng, scene, placed, companion)
    alpha = _paint_figure(rng, scene, placed, _coat(rng, scene))
    if staging.occluder != "none":
        alpha *= 1 - _occlude(rng, scene, staging.occluder)
    return _on_white(rng, _photographed(rng, scene), alpha)


def _placed(rng: Random, staging: Staging, figure: Strokes) -> tuple[Strokes, tuple[int, int]]:
    """The figure placed in its bounding box, and the box's width and height, pixels."""
    figure = figure.moved(1, rng.normal(0, 0.06), bool(rng.random() < 0.5), 0, 0)
    left, top, right, bottom = figure.extent()
    wide, high = right - left, bottom - top
    margins = rng.uniform(0.01, 0.1, 4) * np.array([wide, high, wide, high])
    if staging.cropped != "none":
        side = SIDES.index(staging.cropped)
        margins[side] = -rng.uniform(0.08, 0.35) * (high if side % 2 else wide)
    left, top, right, bottom = left - margins[0], top - margins[1], right + margins[2], bottom + margins[3]
    scale = SIZE * staging.share / max(right - left, bottom - top)
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


def _occlude(rng: Random, scene: Array, kind: str) -> Array:
    """Paint what stands before the animal; return its coverage (height, width)."""
    height, width = scene.shape[:2]
    mask = _mask(SHAPES[kind](rng, width, height), width, height)
    green, brown = np.array([74, 100, 52]), np.array([112, 86, 62])
    colour = (green if kind in GREEN else brown) + rng.normal(0, 14, 3)
    _paint(scene, mask, colour * (1 + 0.3 * _noise(rng, width, height, 3))[..., None], 1.5)
    return mask


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
