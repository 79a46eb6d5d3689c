"""What an alpha channel tells apart, and what a map has of each."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.data import regions
from generator.data.drawn import sample

SIZE = 16


def cut_out(margin: tuple[int, int, int] = (255, 255, 255), *, hidden: bool = True) -> np.ndarray:
    """16 × 16: a margin of four pixels, in it a box of background, in its middle a subject of 4 × 4."""
    rgba = np.zeros((SIZE, SIZE, 4), np.uint8)
    rgba[..., :3] = margin
    if hidden:
        rgba[4:12, 4:12, :3] = np.random.default_rng(0).integers(1, 200, (8, 8, 3))
        rgba[5, 5, :3] = margin
    rgba[6:10, 6:10] = (90, 60, 30, 255)
    return rgba


@pytest.mark.parametrize("margin", [(255, 255, 255), (0, 0, 0), (10, 200, 30)])
def test_the_margin_is_told_by_its_one_colour_and_a_spot_of_it_in_the_background_is_background(
    margin: tuple[int, int, int],
) -> None:
    subject, background, padding = regions.regions(cut_out(margin), SIZE)
    assert subject.sum() == 16
    assert background.sum() == 64 - 16
    assert padding.sum() == 256 - 64
    assert padding[5, 5] == 0
    assert background[5, 5] == 1


def test_where_nothing_is_hidden_all_that_is_transparent_is_padding() -> None:
    subject, background, padding = regions.regions(cut_out(hidden=False), SIZE)
    assert (subject.sum(), background.sum(), padding.sum()) == (16, 0, 240)


def test_half_transparent_pixels_are_the_subjects() -> None:
    rgba = cut_out()
    rgba[6:10, 6:10, 3] = 1
    assert regions.regions(rgba, SIZE)[0].sum() == 16


@pytest.mark.parametrize("size", [7, 16, 50])
def test_regions_add_up_to_one_at_any_size(size: int) -> None:
    found = regions.regions(cut_out(), size)
    assert found.shape == (3, size, size)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)


def test_images_without_a_wholly_transparent_pixel_tell_nothing(tmp_path: Path) -> None:
    pixels = cut_out()
    Image.fromarray(pixels[..., :3]).save(tmp_path / "opaque.png")
    pixels[..., 3] = np.maximum(pixels[..., 3], 1)
    Image.fromarray(pixels).save(tmp_path / "glass.png")
    Image.fromarray(cut_out()).save(tmp_path / "cut.png")
    assert regions.of_image(tmp_path / "opaque.png", SIZE) is None
    assert regions.of_image(tmp_path / "glass.png", SIZE) is None
    found = regions.of_image(tmp_path / "cut.png", SIZE)
    assert found is not None
    assert found.sum((1, 2)).tolist() == [16, 48, 192]


def test_enlarging_keeps_the_mean_and_the_places() -> None:
    places = np.random.default_rng(0).normal(0, 1, (7, 7))
    large = regions.enlarged(places, 224)
    assert large.mean() == pytest.approx(places.mean(), abs=1e-5)
    np.testing.assert_allclose(large[16::32, 16::32], places, atol=0.1)


def test_an_even_map_has_of_each_region_what_the_region_has_of_the_image() -> None:
    found = regions.regions(cut_out(), SIZE)
    even = regions.shares(np.full((SIZE, SIZE), 0.3, np.float32), found)
    assert even is not None
    assert even.model_dump() == pytest.approx({"subject": 16 / 256, "background": 48 / 256, "padding": 192 / 256})


def test_only_what_is_above_zero_counts() -> None:
    found = regions.regions(cut_out(), SIZE)
    weights = np.full((SIZE, SIZE), -5, np.float32)
    assert regions.shares(weights, found) is None
    weights[7, 7] = 0.1
    looked = regions.shares(weights, found)
    assert looked is not None
    assert looked.subject == pytest.approx(1)


def test_the_sample_has_all_three_and_its_padding_is_white(tmp_path: Path) -> None:
    sample.draw(tmp_path, train=2, test=2, seed=5)
    for path in sorted(tmp_path.rglob("*.png")):
        rgba = np.asarray(Image.open(path))
        subject, background, padding = regions.regions(rgba, len(rgba)) > 0.5
        assert min(subject.mean(), background.mean(), padding.mean()) > 0.01
        assert (rgba[padding][:, :3] == 255).all()
        assert (rgba[background][:, :3] < 255).any(1).mean() > 0.9
