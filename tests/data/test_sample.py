"""The drawn sample: the same for the same seed, cut out like the write-up's photographs, fair to both classes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.data import drawing, sample


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "RGBA"
        return np.asarray(image)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    sample.draw(folder, train=12, test=4, seed=3)
    return folder


def box(pixels: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of the bounding box: everything that is not the white padding."""
    inside = (pixels[..., :3] < 255).any(-1)
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def test_the_set_has_both_splits_half_of_each_class_numbered_from_one(folder: Path) -> None:
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.png"))
    expected = [
        f"{split}/{species}/{number}.png"
        for split, count in (("test", 2), ("train", 6))
        for species in ("camel", "horse")
        for number in range(1, count + 1)
    ]
    assert names == expected


def test_the_same_seed_draws_the_same_pixels_in_a_set_of_any_size(folder: Path, tmp_path: Path) -> None:
    sample.draw(tmp_path, train=4, test=2, seed=3)
    paths = [path.relative_to(tmp_path) for path in tmp_path.rglob("*.png")]
    assert len(paths) == 6
    for path in paths:
        assert np.array_equal(read(tmp_path / path), read(folder / path))


def test_seed_split_class_and_number_each_give_another_picture(folder: Path, tmp_path: Path) -> None:
    sample.draw(tmp_path, train=2, test=2, seed=4)
    paths = [*folder.rglob("*.png"), *tmp_path.rglob("*.png")]
    assert len({read(path).tobytes() for path in paths}) == len(paths)


def test_each_animal_is_opaque_its_surroundings_hidden_and_the_rest_white(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        pixels = read(path)
        assert pixels.shape == (drawing.SIZE, drawing.SIZE, 4)
        opaque = pixels[..., 3] == 255
        assert opaque.sum() > 400, path
        rows, columns = box(pixels)
        inside = np.zeros_like(opaque)
        inside[rows, columns] = True
        assert not opaque[~inside].any()
        assert (pixels[~inside] == (255, 255, 255, 0)).all()
        hidden = inside & (pixels[..., 3] == 0)
        assert hidden.sum() > 100, path
        assert pixels[hidden][:, :3].mean() < 250, path


def test_only_camels_have_humps_though_some_are_flat() -> None:
    plans = {s: [sample.plan(np.random.default_rng(i), s) for i in range(300)] for s in sample.SPECIES}
    assert all(plan.hump == 0 for plan in plans["horse"])
    humps = np.array([plan.hump for plan in plans["camel"]])
    assert humps.min() < 5 < 8 < humps.max()


def test_the_two_species_overlap_in_every_other_measure() -> None:
    plans = {s: [sample.plan(np.random.default_rng(i), s) for i in range(300)] for s in sample.SPECIES}
    for measure in sample.RANGES.keys() - {"hump"}:
        camels, horses = ([getattr(plan, measure) for plan in plans[s]] for s in sample.SPECIES)
        assert max(min(camels), min(horses)) < min(max(camels), max(horses)), measure


def test_poses_and_loads_do_not_depend_on_the_species() -> None:
    def loads(species: sample.Species) -> list[str]:
        return [sample.plan(np.random.default_rng(i), species).load for i in range(200)]

    assert loads("camel") == loads("horse")
    assert set(loads("camel")) == set(sample.LOADS)


def test_colour_and_size_alone_do_not_tell_the_classes_apart() -> None:
    def features(species: sample.Species, number: int) -> list[float]:
        pixels = np.asarray(sample.picture(np.random.default_rng([9, number]), species))
        opaque = pixels[pixels[..., 3] == 255][:, :3]
        return [*opaque.mean(0), *opaque.std(0), len(opaque) / 100]

    camels, horses = (np.array([features(s, i) for i in range(25)]) for s in sample.SPECIES)
    spread = np.vstack([camels, horses]).std(0)
    assert (np.abs(camels.mean(0) - horses.mean(0)) < 0.7 * spread).all()


def test_a_stroke_passes_through_its_knots_without_gaps() -> None:
    line = drawing.stroke((0, 0, 1), (10, 5, 2), (30, 0, 1))
    for knot in ((0, 0, 1), (10, 5, 2), (30, 0, 1)):
        assert np.abs(line - knot).max(1).min() < 0.4
    assert np.hypot(*np.diff(line[:, :2], axis=0).T).max() < 1


def test_what_stands_in_front_is_cut_out_of_the_animal(monkeypatch: pytest.MonkeyPatch) -> None:
    def opaque(what: str) -> int:
        monkeypatch.setattr(drawing, "IN_FRONT", {what: 1.0})
        pictures = [sample.picture(np.random.default_rng([1, i]), "camel") for i in range(3)]
        return sum(int((np.asarray(picture)[..., 3] == 255).sum()) for picture in pictures)

    alone = opaque("nothing")
    for what in ("bush", "fence", "grass", "trunk"):
        assert 0.3 * alone < opaque(what) < alone, what
