"""Answers of a network as one page that needs nothing else: each image, where the network looks, what is like it."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image as Pillow

from generator.data import regions
from generator.data.decoding import Pixels
from generator.experiment.predicted import Answer, Answers
from generator.figures import maps
from generator.models.found import Found
from generator.models.images import Image
from generator.post import templating
from generator.post.prose import wording
from generator.stages import artifacts
from generator.support import escape, formats
from generator.support.places import TEMPLATES

TEMPLATE = "predicted.html.j2"
SIDE = 224
"""Least side of a picture on the page, pixels: smaller ones are enlarged, so that a map can be seen."""


@dataclass(frozen=True)
class Shown:
    """An answer with its pictures, as addresses that hold them."""

    answer: Answer
    picture: str
    map: str
    neighbours: tuple[str, ...]


def to_html(answers: Answers, images: Sequence[Image], found: Found) -> str:
    """The page; `images` are those of the answers, in their order."""
    pixels = artifacts.rows(found.folder("pixels") / artifacts.PIXELS)
    strongest = max(float(np.abs(answer.activation_map.rows).max()) for answer in answers.images) or 1.0
    shown = [
        Shown(
            answer,
            _address(_enlarged(image.pixels)),
            _address(_overlaid(image.pixels, answer, strongest)),
            tuple(_address(pixels[neighbour.row]) for neighbour in answer.nearest),
        )
        for answer, image in zip(answers.images, images, strict=True)
    ]
    filters: dict[str, Callable[..., Any]] = {
        "text": escape.clean,
        "probability": formats.probability,
        "rounded": formats.rounded,
        "percent": formats.percent,
    }
    with templating.guarded(TEMPLATES):
        environment = templating.environment(TEMPLATES, autoescape=True, filters=filters)
        return environment.get_template(TEMPLATE).render(wording.WORDING, answers=answers, shown=shown)


def _enlarged(pixels: Pixels) -> Pixels:
    """By whole factors, pixel by pixel, to `SIDE` at least."""
    factor = -(-SIDE // len(pixels))
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _overlaid(pixels: Pixels, answer: Answer, strongest: float) -> Pixels:
    large = _enlarged(pixels)
    places = np.asarray(answer.activation_map.rows, np.float32)
    return maps.overlaid(large, regions.enlarged(places / strongest, len(large)))


def _address(pixels: Pixels) -> str:
    stream = io.BytesIO()
    Pillow.fromarray(np.asarray(pixels)).save(stream, "WEBP", quality=85)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
