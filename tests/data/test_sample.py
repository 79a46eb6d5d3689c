"""The drawn sample: the same for the same seed, cut out like the write-up's photographs, fair to both classes."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from generator.data.drawn import drawing, occluders, sample, strokes


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
    assert humps.min() < 6.5 < 10 < humps.max()


def test_no_measure_but_the_hump_tells_the_species_apart() -> None:
    plans = [sample.plan(np.random.default_rng([i, j]), s) for i in range(400) for j, s in enumerate(sample.SPECIES)]
    labels = np.tile([0, 1], 400)
    for measure in sample.RANGES.keys() - {"hump"}:
        auc = roc_auc_score(labels, [getattr(plan, measure) for plan in plans])
        assert 0.1 < auc < 0.9, measure


def test_poses_and_loads_do_not_depend_on_the_species() -> None:
    def seen(species: str) -> list[tuple[str, str]]:
        plans = [sample.plan(np.random.default_rng(i), species) for i in range(200)]
        return [(plan.load, plan.pose) for plan in plans]

    assert seen("camel") == seen("horse")
    assert {load for load, _ in seen("camel")} == set(sample.LOADS)
    assert {pose for _, pose in seen("camel")} == set(sample.POSES)


def test_images_to_measure_with_say_what_befell_them_and_are_no_others(folder: Path, tmp_path: Path) -> None:
    sample.draw_measure(tmp_path, count=60, seed=3)
    with (tmp_path / "attributes.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["file", *sample.ATTRIBUTES]
    assert [row["file"] for row in rows] == [f"{s}/{n}.png" for s in sample.SPECIES for n in range(1, 31)]
    assert all(len({row[name] for row in rows}) > 1 for name in sample.ATTRIBUTES)
    others = {read(path).tobytes() for path in folder.rglob("*.png")}
    assert not others & {read(tmp_path / row["file"]).tobytes() for row in rows}


def test_an_attribute_is_what_the_picture_shows() -> None:
    for number in range(40):
        rng = np.random.default_rng([5, number])
        drawn = sample.picture(np.random.default_rng([5, number]), "horse")
        assert drawn.attributes["load"] == sample.plan(rng, "horse").load
        rows, columns = box(np.asarray(drawn.image))
        longer = max(rows.stop - rows.start, columns.stop - columns.start) / drawing.SIZE
        low, high = {"small": (0.48, 0.64), "medium": (0.63, 0.80), "large": (0.79, 0.95)}[drawn.attributes["size"]]
        assert low - 0.01 < longer < high + 0.01


def test_colour_and_size_alone_do_not_tell_the_classes_apart() -> None:
    def features(species: str, number: int) -> list[float]:
        pixels = np.asarray(sample.picture(np.random.default_rng([9, number]), species).image)
        opaque = pixels[pixels[..., 3] == 255][:, :3]
        return [*opaque.mean(0), *opaque.std(0), len(opaque) / 100]

    camels, horses = (np.array([features(s, i) for i in range(25)]) for s in sample.SPECIES)
    spread = np.vstack([camels, horses]).std(0)
    assert (np.abs(camels.mean(0) - horses.mean(0)) < 0.7 * spread).all()


def test_a_stroke_passes_through_its_knots_without_gaps() -> None:
    line = strokes.stroke((0, 0, 1), (10, 5, 2), (30, 0, 1))
    for knot in ((0, 0, 1), (10, 5, 2), (30, 0, 1)):
        assert np.abs(line - knot).max(1).min() < 0.4
    assert np.hypot(*np.diff(line[:, :2], axis=0).T).max() < 1


def test_what_stands_in_front_is_cut_out_of_the_animal(monkeypatch: pytest.MonkeyPatch) -> None:
    def opaque(what: str) -> int:
        monkeypatch.setattr(drawing, "IN_FRONT", {what: 1.0})
        pictures = [sample.picture(np.random.default_rng([1, i]), "camel").image for i in range(3)]
        return sum(int((np.asarray(picture)[..., 3] == 255).sum()) for picture in pictures)

    alone = opaque("none")
    for what in occluders.SHAPES:
        assert 0.3 * alone < opaque(what) < alone, what


def test_further_kinds_have_all_measures_and_no_hump() -> None:
    assert len(sample.KINDS) >= 6
    for kind in sample.KINDS:
        assert sample.ranges(kind).keys() == sample.RANGES.keys()
        assert all(low <= high for low, high in sample.ranges(kind).values())
        assert kind == "camel" or sample.ranges(kind)["hump"] == (0, 0)


def test_any_kinds_may_be_the_classes_in_any_order(tmp_path: Path) -> None:
    sample.draw(tmp_path / "one", train=7, test=3, seed=3, classes=("pig", "camel", "llama"))
    sample.draw(tmp_path / "other", train=7, test=3, seed=3, classes=("llama", "pig", "camel"))
    files = {path.relative_to(tmp_path / "one"): read(path) for path in (tmp_path / "one").rglob("*.png")}
    assert len(files) == 3 * (2 + 1), "as many of each class, rounded down"
    assert all(np.array_equal(read(tmp_path / "other" / path), pixels) for path, pixels in files.items())
    assert len({pixels.tobytes() for pixels in files.values()}) == 9


def test_two_classes_are_drawn_as_if_there_were_no_more_kinds(folder: Path, tmp_path: Path) -> None:
    sample.draw(tmp_path, train=12, test=4, seed=3, classes=("horse", "camel"))
    assert all(np.array_equal(read(tmp_path / p.relative_to(folder)), read(p)) for p in folder.rglob("*.png"))
