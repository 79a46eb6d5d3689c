"""Images to measure with: found beside the parts or drawn, apart from the data set, never a reason to train again."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.data import dataset as data
from generator.data import measure, origins, pixels, summary
from generator.data.dataset import Dataset
from generator.data.measure import MeasureSet
from generator.experiment.config.settings import DataSettings
from generator.support.errors import BadInput
from tests.fakes import Project, add_measure, make_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = make_project(tmp_path)
    add_measure(found)
    return found


def find(path: Path, **changes: Any) -> tuple[Dataset, MeasureSet | None]:
    settings, store = DataSettings(path=str(path), **changes), path.parent / "store"
    dataset = data.find(settings, store)
    return dataset, measure.find(settings, store, dataset)


def found(path: Path) -> MeasureSet:
    _, images = find(path)
    assert images is not None
    return images


def test_a_folder_beside_the_parts_is_found_in_order_with_its_attributes(project: Project) -> None:
    images = found(project.data)
    assert [s.name for s in images.samples[:2]] == ["measure/camel/1.png", "measure/camel/2.png"]
    assert [s.label for s in images.samples] == [0] * 5 + [1] * 5
    assert images.attributes == {"load": ("none", "rider") * 5}
    assert images.ignored == {}


def test_without_the_folder_or_with_measure_0_there_is_nothing(project: Project) -> None:
    assert find(project.data, measure=0)[1] is None
    shutil.rmtree(project.data / "measure")
    assert find(project.data)[1] is None


def test_it_is_no_part_of_the_data_set(project: Project) -> None:
    with_it, _ = find(project.data)
    shutil.rmtree(project.data / "measure")
    without, _ = find(project.data)
    assert with_it == without


def test_beside_images_in_groups_it_is_no_class_and_may_have_such_folders_too(project: Project, tmp_path: Path) -> None:
    """Where images within class folders count, those of measure/camel/ lay within a class called measure."""
    (project.data / "measure" / "attributes.csv").unlink()
    for part in ("train", "measure"):
        (project.data / part / "camel" / "burst").mkdir()
        (project.data / part / "camel" / "1.png").rename(project.data / part / "camel" / "burst" / "1.png")
    dataset, images = find(project.data, group="folder")
    assert images is not None
    assert (dataset.layout, dataset.class_names, dataset.ignored) == ("parts", ("camel", "horse"), {})
    assert "measure/camel/burst/1.png" in {sample.name for sample in images.samples}
    # As folders of classes alone, too.
    alone = tmp_path / "alone"
    shutil.copytree(project.data / "train", alone)
    shutil.copytree(project.data / "measure", alone / "measure")
    dataset, images = find(alone, group="folder")
    assert images is not None
    assert (dataset.layout, dataset.class_names, dataset.ignored) == ("classes", ("camel", "horse"), {})


@pytest.mark.parametrize("name", ["Measure", "measure_set", "MEASURE images"])
def test_its_name_may_be_written_like_those_of_the_parts(project: Project, name: str) -> None:
    (project.data / "measure").rename(project.data / name)
    assert found(project.data).samples[0].name == f"{name}/camel/1.png"


@pytest.mark.parametrize("layout", ["parts", "classes"])
@pytest.mark.parametrize("link", ["measure", "measure/camel"])
def test_fault_16_links_to_such_folders_are_refused(project: Project, tmp_path: Path, layout: str, link: str) -> None:
    if layout == "classes":
        shutil.rmtree(project.data / "test")
        for folder in (project.data / "train").iterdir():
            folder.rename(project.data / folder.name)
        (project.data / "train").rmdir()
    (project.data / link).rename(tmp_path / "elsewhere")
    (project.data / link).symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(BadInput, match=f"animals: {link}: symbolic links; put the folders themselves there"):
        find(project.data)


def test_two_tables_of_attributes_are_refused_and_one_is_called_as_it_is(project: Project) -> None:
    table = project.data / "measure/attributes.csv"
    (project.data / "measure/Attributes.csv").write_text("file,weather\n")
    with pytest.raises(BadInput, match=r"animals: measure: Attributes\.csv and attributes\.csv may both be the table"):
        find(project.data)
    table.unlink()
    with pytest.raises(BadInput, match=r"animals: measure/Attributes\.csv: must have one row for each image"):
        find(project.data)


@pytest.mark.parametrize("alone", [True, False])
def test_images_in_no_class_folder_are_refused(project: Project, alone: bool) -> None:
    (project.data / "measure/camel/1.png").rename(project.data / "measure/1.png")
    if alone:
        for name in ("camel", "horse"):
            shutil.rmtree(project.data / "measure" / name)
    with pytest.raises(BadInput, match=r"animals: measure/: expected a folder for each .* --set data\.measure=0"):
        find(project.data)
    assert find(project.data, measure=0)[1] is None


def test_a_class_may_be_called_measure(project: Project, tmp_path: Path) -> None:
    classes = tmp_path / "classes"
    shutil.copytree(project.data / "train", classes)
    (classes / "horse").rename(classes / "measure")
    dataset, images = find(classes)
    assert (dataset.class_names, images) == (("camel", "measure"), None)


@pytest.mark.parametrize("name", ["attribute.csv", "attributes.xlsx", "Labels.TSV"])
def test_a_table_that_is_called_otherwise_is_said_to_be_passed_over(project: Project, name: str) -> None:
    (project.data / "measure/notes.txt").touch()
    (project.data / "measure/attributes.csv").rename(project.data / "measure" / name)
    images = found(project.data)
    assert images.attributes == {}
    assert images.ignored == {"tables that are not called attributes.csv": 1, "files outside the class folders": 1}


def test_two_such_folders_are_refused(project: Project) -> None:
    shutil.copytree(project.data / "measure", project.data / "measure_set")
    with pytest.raises(BadInput, match="measure/ and measure_set/ may both hold images to measure with"):
        find(project.data)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: shutil.rmtree(folder / "camel"), "no images of camel"),
        (lambda folder: [path.unlink() for path in (folder / "horse").iterdir()], "no images of horse"),
        (lambda folder: (folder / "llama").mkdir(), "llama/ is none of its classes"),
    ],
)
def test_other_classes_than_those_of_the_data_set_are_refused(project: Project, change: Any, told: str) -> None:
    change(project.data / "measure")
    with pytest.raises(BadInput, match=f"animals: measure/ must hold the classes of the data set, .*{told}"):
        find(project.data)


def test_images_of_the_data_set_among_them_are_told(project: Project) -> None:
    shutil.copy(project.data / "train/camel/3.png", project.data / "measure/camel/2.png")
    dataset, images = find(project.data)
    assert images is not None
    (remark,) = summary.measure_remarks(images, dataset)
    assert remark == (
        "1 image to measure with is in the data set too, so the measurement is easier than it should be: "
        "measure/camel/2.png = train/camel/3.png"
    )


def test_too_few_of_them_are_told(project: Project) -> None:
    shutil.rmtree(project.data / "measure")
    add_measure(project, count=3)
    dataset, images = find(project.data)
    assert images is not None
    assert [text.partition(" are")[0] for text in summary.measure_remarks(images, dataset)] == [
        "6 images to measure with"
    ]


def test_the_fingerprint_follows_the_images_and_not_their_attributes(project: Project) -> None:
    before = found(project.data)
    table = project.data / "measure/attributes.csv"
    table.write_text(table.read_text("utf-8").replace("rider", "pack"), "utf-8")
    described = found(project.data)
    assert described.fingerprint == before.fingerprint
    assert measure.described(described.attributes) != measure.described(before.attributes)
    shutil.copy(project.data / "measure/camel/1.png", project.data / "measure/camel/2.png")
    assert found(project.data).fingerprint != before.fingerprint


def test_an_archive_that_was_damaged_in_the_store_is_unpacked_again(project: Project) -> None:
    path = project.folder / "animals.zip"
    with zipfile.ZipFile(path, "w") as target:
        for file in sorted(project.data.rglob("*.*")):
            target.write(file, file.relative_to(project.data.parent))
    before = found(path)
    assert len(before.samples) == 10
    victim = before.samples[0].path
    shutil.copy(before.samples[1].path, victim)
    assert found(path) == before


# ---- The sample ------------------------------------------------------------------------------------------


def test_drawings_have_a_seed_of_their_own_and_their_attributes(tmp_path: Path) -> None:
    settings = DataSettings(sample_train=4, sample_test=2, measure=6)
    dataset = data.find(settings, tmp_path)
    images = measure.find(settings, tmp_path, dataset)
    assert images is not None
    assert (len(images.samples), images.kind) == (6, "drawn")
    assert {len(values) for values in images.attributes.values()} == {6}
    assert "load" in images.attributes
    assert list(measure.known(images, dataset)) == []
    other = measure.find(settings.model_copy(update={"measure_seed": 5}), tmp_path, dataset)
    assert other is not None
    assert other.fingerprint != images.fingerprint
    fewer = measure.find(settings.model_copy(update={"measure": 4}), tmp_path, dataset)
    assert fewer is not None
    assert {s.digest for s in fewer.samples} < {s.digest for s in images.samples}


def test_what_is_not_drawn_need_not_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = DataSettings(sample_train=4, sample_test=2, measure=6)
    dataset = data.find(settings, tmp_path)
    monkeypatch.setattr(origins.sample, "draw_measure", None)
    images = measure.find(settings, tmp_path, dataset, draw=False)
    assert images is not None
    assert len(images.samples) == 6


# ---- Their pixels ----------------------------------------------------------------------------------------


def test_more_than_8_bits_are_scaled_as_the_data_set_is(tmp_path: Path) -> None:
    def write(name: str, high: int) -> None:
        path = tmp_path / "deep" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 4), high, np.uint16)).save(path)

    for name in ("bear", "cat"):
        write(f"train/{name}/1.png", 4000)
        write(f"test/{name}/1.png", 4000)
        write(f"measure/{name}/1.png", 1000)
        write(f"measure/{name}/2.png", 5000)
    dataset, images = find(tmp_path / "deep")
    assert images is not None
    square = pixels.Square(size=32, alpha="drop", max_pixels=100)
    report = pixels.read_pixels(dataset, square, tmp_path / "pixels.npy")
    pixels.read_pixels(images, square, tmp_path / "measured.npy", scales=report.scales)
    # What goes beyond is as light as can be.
    assert [image.max() for image in np.load(tmp_path / "measured.npy")] == [1000 >> 4, 255] * 2
    # By their own scale, 1,023, they would be four times as light.
    pixels.read_pixels(images, square, tmp_path / "measured.npy")
    assert np.load(tmp_path / "measured.npy")[0].max() > 30


def test_an_image_that_cannot_be_decoded_is_named(project: Project) -> None:
    (project.data / "measure/camel/4.png").write_bytes(b"no image")
    square = pixels.Square(size=32, alpha="drop", max_pixels=100)
    with pytest.raises(BadInput, match=r"measure/camel/4\.png"):
        pixels.read_pixels(found(project.data), square, project.folder / "pixels.npy")
