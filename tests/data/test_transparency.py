"""What is shown of an image with an alpha channel."""

import numpy as np
import pytest
from PIL import Image

from generator.data import transparency
from generator.experiment.config.settings import Alpha, Crop

WHITE, GREY, SUBJECT, HIDDEN = (255, 255, 255), (128, 128, 128), (90, 60, 30), (10, 200, 30)


def cut_out() -> np.ndarray:
    """12 × 16: a white margin, in it a box of background, in it a subject of 4 × 2; one edge pixel is half opaque."""
    rgba = np.zeros((12, 16, 4), np.uint8)
    rgba[..., :3] = WHITE
    rgba[2:10, 3:13, :3] = HIDDEN
    rgba[4:8, 6:8] = (*SUBJECT, 255)
    rgba[4, 6, 3] = 128
    return rgba


def shown(alpha: Alpha) -> np.ndarray:
    return np.asarray(transparency.to_rgb(Image.fromarray(cut_out()), alpha))


@pytest.mark.parametrize(
    ("alpha", "margin", "background", "subject"),
    [
        ("drop", WHITE, HIDDEN, SUBJECT),
        ("white", WHITE, WHITE, SUBJECT),
        ("grey", GREY, GREY, SUBJECT),
        ("background", WHITE, HIDDEN, WHITE),
    ],
)
def test_each_way_of_showing_an_image(
    alpha: Alpha, margin: tuple[int, ...], background: tuple[int, ...], subject: tuple[int, ...]
) -> None:
    found = shown(alpha)
    assert found.shape == (12, 16, 3)
    assert tuple(found[0, 0]) == margin
    assert tuple(found[2, 3]) == background
    assert tuple(found[7, 7]) == subject


def test_what_is_half_opaque_is_blended_unless_alpha_is_dropped() -> None:
    assert tuple(shown("drop")[4, 6]) == SUBJECT
    for alpha in ("white", "background"):
        assert np.abs(shown(alpha)[4, 6].astype(int) - [(128 * c + 127 * 255) // 255 for c in SUBJECT]).max() <= 1


@pytest.mark.parametrize(
    ("crop", "size", "first"), [("none", (16, 12), WHITE), ("picture", (10, 8), HIDDEN), ("subject", (2, 4), SUBJECT)]
)
def test_a_crop_leaves_its_box(crop: Crop, size: tuple[int, int], first: tuple[int, ...]) -> None:
    found = transparency.framed(Image.fromarray(cut_out()), crop)
    assert found.size == size
    assert np.asarray(found)[0, 0, :3].tolist() == list(first)


@pytest.mark.parametrize("opacity", [0, 255])
@pytest.mark.parametrize("crop", ["picture", "subject"])
def test_what_is_all_clear_or_all_opaque_is_left_whole(crop: Crop, opacity: int) -> None:
    rgba = cut_out()
    rgba[..., 3] = opacity
    if opacity == 0:
        rgba[..., :3] = WHITE
    assert transparency.framed(Image.fromarray(rgba), crop).size == (16, 12)


@pytest.mark.parametrize("hidden", [True, False])
def test_every_pixel_is_of_one_part(hidden: bool) -> None:
    rgba = cut_out()
    if not hidden:
        rgba[..., :3] = WHITE
    found = transparency.parts(rgba)
    assert (np.sum(found, 0) == 1).all()
    assert found.subject.sum() == 8
    assert found.background.sum() == (72 if hidden else 0)
