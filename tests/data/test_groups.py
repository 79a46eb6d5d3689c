"""Images that belong together, told by their folder or by their name."""

from pathlib import Path

import pytest

from generator.data import dataset, groups
from generator.data.groups import FOLDER
from generator.experiment.config import loading
from generator.experiment.config.settings import DataSettings
from generator.support.errors import BadInput
from tests import fakes
from tests.factories import ROOT


def test_a_folder_within_that_of_the_class_is_a_group_across_classes_and_parts() -> None:
    names = ["train/cat/anna/1.png", "train/dog/anna/2.png", "test/dog/anna/trip/2.png", "train/cat/3.png"]
    places = ["train", "train", "test", "train"]
    assert groups.keys(names, FOLDER, "parts", places, "x") == ["anna", "anna", "anna/trip", ""]


@pytest.mark.parametrize(
    ("layout", "name", "folder", "key"),
    [
        ("classes", "cat/anna/1.png", ".", "anna"),
        ("parts", "a/train/cat/anna/1.png", "a/train", "anna"),
        ("table", "images/anna/1.png", "images", "anna"),
        ("table", "anna/1.png", ".", "anna"),
        ("names", "train/cat.1.png", "train", ""),
    ],
)
def test_what_lies_above_the_images_is_no_group(layout: groups.Layout, name: str, folder: str, key: str) -> None:
    other = "train/cat/x/1.png" if layout in ("parts", "classes") else "x/1.png"
    assert groups.keys([name, other], FOLDER, layout, [folder, "." if "x/" in other[:2] else "train"], "x")[0] == key


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"s\d+", ["s1", "s1", "s2", ""]),
        (r"(s\d+)_(\d)", ["s1\0" + "1", "s1\0" + "2", "s2\0" + "1", ""]),
        (r"/(s\d+)_", ["s1", "s1", "s2", ""]),
        (r"^(train|test)/", ["train", "test", "train", "train"]),
        (r"(s\d+)?_?(\d)?\.", ["s1\0" + "1", "s1\0" + "2", "s2\0" + "1", ""]),
        (r"s(9)?", ["", "", "", "s"]),
    ],
)
def test_a_pattern_is_searched_in_the_name_and_its_groups_tell(pattern: str, expected: list[str]) -> None:
    names = ["train/cat/s1_1.png", "test/cat/s1_2.png", "train/dog/s2_1.png", "train/dog/dogs.png"]
    if pattern == r"s(9)?":
        expected = ["", "", "", ""]
        with pytest.raises(BadInput, match="matches no image"):
            groups.keys(names, pattern, "parts", ["train"] * 4, "x")
        return
    assert groups.keys(names, pattern, "parts", ["train"] * 4, "x") == expected


@pytest.mark.parametrize(
    ("by", "words"), [("nobody", "it matches no image's name"), (FOLDER, "no image lies in a fol")]
)
def test_a_grouping_without_groups_is_refused_with_an_example(by: str, words: str) -> None:
    with pytest.raises(BadInput, match=f"pets: data.group = '{by}': {words}.*as in train/cat/1.png"):
        groups.keys(["train/cat/1.png"], by, "parts", ["train"], "pets")


def test_a_pattern_that_is_none_is_refused_before_anything_is_read() -> None:
    with pytest.raises(BadInput, match=r"data\.group = '\(': '\(' is no regular expression"):
        loading.load(ROOT / "experiment.toml", variants="baseline", overrides=["data.group='('"])


def make_bursts(folder: Path, test: bool) -> Path:
    """Ten bursts of three images in each of two classes, and none or some test images."""
    for label, name in enumerate(("camel", "horse")):
        for burst in range(10):
            for shot in range(3):
                path = folder / f"train/{name}/b{burst}/{shot}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                fakes.write_image(path, shade=100 * label + 10 * burst + shot)
        if test:
            (folder / f"test/{name}").mkdir(parents=True)
            fakes.write_image(folder / f"test/{name}/1.png", shade=240 + label)
    return folder


@pytest.mark.parametrize("by", [FOLDER, r"train/\w+/(b\d)"])
@pytest.mark.parametrize("seed", range(4))
def test_groups_are_on_one_side_of_every_split(tmp_path: Path, by: str, seed: int) -> None:
    folder = make_bursts(tmp_path / "bursts", test=False)
    by_folder = by == FOLDER
    if not by_folder:
        for path in sorted(folder.rglob("*.png")):
            path.rename(path.parent.parent / f"{path.parent.name}_{path.name}")
    settings = DataSettings(path=str(folder), group=by, test_seed=seed)
    found = dataset.find(settings, tmp_path / "store")
    assert len(found.samples) == 60
    split = dataset.split(found, 0.2, 4, seed)
    sides = [{found.samples[i].group for i in side} for side in (split.train, split.validation)]
    sides.append({sample.group for sample in found.test})
    # A burst of the same number is one group in both classes: six images.
    assert sorted(len(side) for side in sides) == [1, 2, 7]
    assert len(set.union(*sides)) == 10
    assert (
        found.fingerprint
        != dataset.find(DataSettings(path=str(folder), test_seed=seed + 1, group=by), tmp_path).fingerprint
    )


def test_without_the_setting_folders_within_classes_are_passed_over(tmp_path: Path) -> None:
    folder = make_bursts(tmp_path / "bursts", test=True)
    for name in ("camel", "horse"):
        fakes.write_image(folder / f"train/{name}/1.png", shade=3)
    found = dataset.find(DataSettings(path=str(folder)), tmp_path)
    assert (len(found.train), found.grouped) == (2, ())
