"""Near-duplicates are found however a copy was altered, and pictures that only look alike are not taken for such."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image

from benchmarks.near_duplicates import ALTERATIONS
from generator.data import near
from generator.data.drawn import sample
from generator.experiment.config.loading import load
from generator.support.places import ROOT

SIZE = 96


@cache
def drawings() -> tuple[Image.Image, ...]:
    """Pictures of one composition: an animal in a box on white."""
    return tuple(
        Image.fromarray(np.asarray(sample.picture(np.random.default_rng([5, i]), species).image.convert("RGB")))
        for i in range(10)
        for species in ("camel", "horse")
    )


def scene(seed: int) -> Image.Image:
    """Blurred noise: coarse and fine structure everywhere, as a photograph has it."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((240, 200), Image.Resampling.BICUBIC)


def decoded(*images: Image.Image, size: int = SIZE) -> np.ndarray:
    return np.stack(
        [np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)) for image in images]
    )


def found(*images: Image.Image, size: int = SIZE) -> list[tuple[int, int]]:
    return [(pair.first, pair.second) for pair in near.find(decoded(*images, size=size))]


SPECIFIED = [name for name in ALTERATIONS if name != "mirrored, cropped, JPEG of 70"]


@pytest.mark.parametrize("alter", [ALTERATIONS[name] for name in SPECIFIED], ids=SPECIFIED)
def test_an_altered_copy_is_found_beside_others_alike(alter: Callable[[Image.Image], Image.Image]) -> None:
    others = drawings()
    assert found(*others, alter(others[4])) == [(4, len(others))]
    scenes = [scene(seed) for seed in range(6)]
    assert found(*scenes, alter(scenes[2])) == [(2, 6)]


def test_drawings_of_one_composition_are_no_near_duplicates() -> None:
    assert found(*drawings()) == []


@pytest.mark.parametrize("size", [64, 128, 224])
def test_the_most_alike_drawings_of_the_published_sample_are_no_near_duplicates(size: int) -> None:
    seed = load(ROOT / "experiment.toml").data.sample_seed
    alike = (
        ("camel", 110, "horse", 153),
        ("camel", 88, "horse", 13),
    )
    for one, first, other, second in alike:
        images = [published(seed, *which) for which in ((one, first), (other, second))]
        assert found(*images, size=size) == []


def published(seed: int, species: str, number: int) -> Image.Image:
    """A training image of the sample."""
    rng = np.random.default_rng([seed, sample.TRAIN, sample.KINDS.index(species), number])
    return sample.picture(rng, species).image.convert("RGB")


def test_a_mirrored_copy_is_told_from_a_plain_one() -> None:
    image = scene(1)
    mirrored, plain = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), image.crop((5, 4, 236, 196))
    pairs = near.find(decoded(image, mirrored, plain))
    assert [(pair.first, pair.second, pair.mirrored) for pair in pairs] == [(0, 1, True), (0, 2, False), (1, 2, True)]
    assert pairs[0].correlation > 0.99
    assert all(near.LEAST <= pair.correlation <= 1.0001 and pair.distance <= near.FARTHEST for pair in pairs)


def test_images_without_details_are_not_alike() -> None:
    flat = [Image.new("RGB", (SIZE, SIZE), (grey, grey, grey)) for grey in (0, 128, 255)]
    assert found(*flat) == []
    halves = np.full((2, SIZE, SIZE, 3), ((((40,),),), (((90,),),)), np.uint8)
    halves[:, : SIZE // 2] = 200
    assert near.find(halves) == ()


def test_only_the_images_asked_for_are_held_against_each_other() -> None:
    image = scene(1)
    pixels = decoded(image, scene(2), image, image)
    assert [(p.first, p.second) for p in near.find(pixels, [0, 1, 3])] == [(0, 3)]
    assert near.find(pixels, [1]) == near.find(pixels, []) == ()


@pytest.mark.parametrize("size", [32, 64, 150])
def test_images_of_any_size_are_compared(size: int) -> None:
    image = scene(3)
    assert found(image, scene(4), ALTERATIONS["JPEG of quality 60"](image), size=size) == [(0, 2)]


def test_the_hash_is_that_of_zauner() -> None:
    """Against the definition, coefficient by coefficient."""
    from scipy.fft import dctn

    small = near.thumbs(decoded(scene(1), scene(2)), range(2))
    grey = small.reshape(2, 32, 2, 32, 2).mean((2, 4))
    for thumb, found in zip(grey, near.hashes(small), strict=True):
        low = dctn(thumb, type=2)[1:9, 1:9].ravel()
        bits = np.unpackbits(np.array([found], dtype=np.uint64).view(np.uint8))
        assert (bits == (low > np.median(low))).all()


def test_each_image_has_a_limited_number_of_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near, "NEAREST", 2)
    plain = near.hashes(near.thumbs(decoded(*(scene(1) for _ in range(9))), range(9)))
    found = list(near._candidates(plain, plain))
    assert len(found) == 18
    assert {distance for _, _, distance in found} == {0}


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = [scene(seed) for seed in range(9)]
    pixels = decoded(*scenes, *(ALTERATIONS["mirrored"](image) for image in scenes))
    whole = near.find(pixels)
    monkeypatch.setattr(near, "_BLOCK", 5)
    steps: list[tuple[int, int]] = []
    parts = near.find(pixels, progress=lambda done, of: steps.append((done, of)))
    assert [(p.first, p.second, p.mirrored, p.distance) for p in parts] == [
        (p.first, p.second, p.mirrored, p.distance) for p in whole
    ]
    assert steps[-1] == (18, 18)
    assert len(whole) == 9
