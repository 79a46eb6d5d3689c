"""Data sets as people have them, by the real command: copies, validation images of their own, names of folders.

Named after the lines of the second table in `docs/reliability.md`. TensorFlow's stages and the figures are fakes.
"""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from generator import cli
from tests import fakes
from tests.fakes import Project, make_project, write_image

POST = "_posts/2023-01-31-image-classification-with-cnn-and-transfer-learning.md"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    fakes.install(monkeypatch.setattr)
    made = make_project(tmp_path / "project")
    made.variants = "baseline"
    return made


def add_validation(project: Project, folder: str = "valid", images: int = 2) -> None:
    for label, name in enumerate(("camel", "horse")):
        for number in range(1, images + 1):
            path = project.data / folder / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_image(path, shade=40 * number + 13 * label + 21)


def metrics(project: Project) -> Any:
    return json.loads(project.site()["assets/data/CV_HW_2/metrics.json"])


def verified(project: Project) -> bool:
    return cli.main(["verify", "--site", str(project.places.site)]) == 0


def test_fault_52_copies_are_reported_and_kept_together(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    train, test = project.data / "train", project.data / "test"
    for name in ("camel", "horse"):
        for number in range(1, 5):
            shutil.copy(train / name / f"{number}.png", train / name / f"{number} (1).png")
    # Other bytes, the same pixels, and the other class.
    Image.open(train / "camel/5.png").save(train / "horse/also-5.bmp")
    shutil.copy(train / "camel/6.png", test / "camel/9.png")
    for seed in range(4):
        assert cli.main(project.arguments("--set", f"seed={seed}")) == 0
        found = metrics(project)["data"]["duplicates"]
        assert len(found) == 10
        for copies in (duplicate["copies"] for duplicate in found):
            assert len({copy["part"] for copy in copies} - {"test"}) == 1
        assert verified(project)
    error = capsys.readouterr().err
    assert "10 pictures are in more than one file, each on one side of the split: " in error
    assert "1 picture is both learnt from and tested with, so the test is easier than it should be: " in error
    assert "in both classes, which cannot both be right: train/camel/5.png = train/horse/also-5.bmp" in error
    # All of it is said before anything is trained.
    assert error.index("cannot both be right") < error.index("baseline.head …")
    post = project.site()[POST].decode()
    assert "All copies of a picture are on the same side of it" in post
    assert "No image is on both sides of it" not in post


def test_fault_52_nothing_is_said_where_no_image_stands_twice(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(project.arguments()) == 0
    assert "warning" not in capsys.readouterr().err
    assert metrics(project)["data"]["duplicates"] == []
    assert "No image is on both sides of it, and there are no copies that could be." in project.site()[POST].decode()


def test_fault_52_copies_of_one_picture_alone_are_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (project.data / "train").rglob("*.png"):
        write_image(path, shade=1)
    assert cli.main(project.arguments()) == 2
    error = capsys.readouterr().err
    assert "animals: the training images that belong together are each time more than validation has room for" in error
    assert "…" not in error
    assert not project.places.site.exists()


def add_near_duplicates(project: Project) -> None:
    """Three scenes in altered copies: within the training folder, across the classes, and in the test."""
    train, test = project.data / "train", project.data / "test"
    for number, copy in enumerate((train / "camel/a-copy.png", train / "horse/b-copy.png", test / "horse/c-copy.png")):
        scene(number).save(train / f"{'horse' if number == 2 else 'camel'}/scene-{number}.png")
        ImageOps.mirror(scene(number)).crop((3, 2, 119, 117)).save(copy)


def scene(seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((120, 120), Image.Resampling.BICUBIC)


def test_near_duplicates_stay_on_one_side_and_are_told(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    add_near_duplicates(project)
    for seed in range(4):
        assert cli.main(project.arguments("--set", f"seed={seed}")) == 0
        found = metrics(project)["data"]["near"]
        assert found["handling"] == "group"
        assert len(found["pairs"]) == 3
        assert all(pair["mirrored"] for pair in found["pairs"])
        for pair in found["pairs"][:2]:
            assert pair["first"][0]["part"] == pair["second"][0]["part"]
        assert verified(project)
    error = capsys.readouterr().err
    assert "3 pairs of near-duplicates are in the data set: train/camel/scene-0.png ~ " in error or "a-copy" in error
    assert "1 pair of near-duplicates is both learnt from and tested with" in error
    assert all(pair["features"]["rank"] >= 1 for pair in found["pairs"]), "the features' opinion"
    assert "1 pair of near-duplicates is in both classes" in error
    assert error.index("near-duplicates is in both") < error.index("baseline.head …")


def test_near_duplicates_are_refused_before_training_or_only_reported(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    add_near_duplicates(project)
    assert cli.main(project.arguments("--set", 'data.near_duplicates="refuse"')) == 2
    error = capsys.readouterr().err
    assert "data.near_duplicates is refuse, and there are 3 pairs of near-duplicates: train/camel/" in error
    assert "baseline.head" not in error.partition("stages run")[2]
    for seed in range(6):  # Until chance has parted the two.
        assert cli.main(project.arguments("--set", 'data.near_duplicates="report"', "--set", f"seed={seed}")) == 0
        pair = metrics(project)["data"]["near"]["pairs"][0]
        if apart := pair["first"][0]["part"] != pair["second"][0]["part"]:
            break
    assert apart
    assert "is both trained on and validated with" in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["valid", "val", "validation", "dev", "Val"])
def test_fault_53_validation_images_of_its_own_are_used(
    project: Project, capsys: pytest.CaptureFixture[str], folder: str
) -> None:
    add_validation(project, folder)
    shutil.copy(project.data / folder / "camel/1.png", project.data / "train/camel/9.png")
    assert cli.main(project.arguments()) == 0
    error = capsys.readouterr().err
    assert f"13 for training in train/, 4 for validation in {folder}/, 6 for test in test/; split.validation" in error
    assert (
        f"both trained on and validated with, so validation looks better than it should: train/camel/9.png = {folder}"
        in error
    )
    found = metrics(project)["data"]
    assert found["folders"] == {"train": "train", "validation": folder, "test": "test"}
    assert (found["training_images"], found["validation_images"]) == (13, 4)
    predicted = project.site()["assets/data/CV_HW_2/predictions.csv"].decode().splitlines()[1:]
    counts = Counter(tuple(row.split(",")[:3]) for row in predicted)
    assert counts == {
        (variant, phase, part): images
        for variant in ("baseline",)
        for phase in ("head", "fine_tuning")
        for part, images in (("train", 13), ("validation", 4), ("test", 6))
    }
    assert all(f",{folder}/" in row for row in predicted if ",validation," in row)
    post = project.site()[POST].decode()
    assert "The data set has no validation images of its own" not in post
    assert "1 picture stands [in both folders](#data-download)" in post
    assert verified(project)


@pytest.mark.parametrize("options", [("--set", 'split.mode="reshuffled"'), ("--variants", "all", "--config")])
def test_fault_53_settings_without_effect_are_refused_before_anything_runs(
    project: Project, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    add_validation(project)
    if "--config" in options:
        mine = project.folder / "experiment.toml"
        table = "\n[variants.more]\nsplit.validation_fraction = 0.4\n"
        mine.write_text((fakes.ROOT / "experiment.toml").read_text() + table)
        options = (*options, str(mine))
    assert cli.main(project.arguments(*options)) == 2
    error = capsys.readouterr().err
    assert error.startswith("build.py: animals: the validation images are those of valid/, so ")
    assert error.count("\n") == 1


def test_fault_53_diff_tells_that_the_data_set_got_validation_images(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(project.arguments()) == 0
    before = project.folder / "before"
    shutil.copytree(project.places.site, before)
    add_validation(project)
    assert cli.main(project.arguments()) == 0
    capsys.readouterr()
    assert cli.main(["diff", str(before), str(project.places.site)]) == 0
    said = capsys.readouterr().out
    for line in ("data.folders.validation", "data.validation.camel", "data.training_images"):
        assert line in said


@pytest.mark.parametrize(
    ("train", "test"),
    [("training_set/training_set", "test_set/test_set"), ("Train", "Test"), ("training", "testing")],
)
def test_fault_68_split_folders_as_people_name_them(
    project: Project, capsys: pytest.CaptureFixture[str], train: str, test: str
) -> None:
    for plain, named in (("train", train), ("test", test)):
        content = project.folder / plain
        (project.data / plain).rename(content)
        (project.data / named).parent.mkdir(exist_ok=True)
        content.rename(project.data / named)
    shutil.copy(project.data / train / "camel/1.png", project.data / test / "camel/9.png")
    assert cli.main(project.arguments()) == 0
    error = capsys.readouterr().err
    assert f"images of camel and horse: 12 for training in {train}/, 7 for test in {test}/\n" in error
    assert (
        f"learnt from and tested with, so the test is easier than it should be: {train}/camel/1.png = {test}" in error
    )
    assert metrics(project)["data"]["folders"] == {"train": train, "test": test}
    assert "By their names, " in project.site()[POST].decode()
    assert verified(project)


@pytest.mark.parametrize(
    ("moved", "said", "counts"),
    [
        ({"test": "val"}, ": 10 for training in train/, 6 for validation in val/, 2 for test, set", (10, 6, 2)),
        ({"test": ".test"}, ": 10 for training in train/, 2 for test, set aside by data.test_fraction", (10, 0, 2)),
        (
            {"test": ".test", "train/camel": "camel", "train/horse": "horse", "train": ".train"},
            "images of camel and horse, a folder each: 10 for training, 2 for test, set",
            (10, 0, 2),
        ),
    ],
)
def test_fault_68_test_images_are_set_aside_where_there_are_none(
    project: Project, capsys: pytest.CaptureFixture[str], moved: dict[str, str], said: str, counts: tuple[int, ...]
) -> None:
    for old, new in moved.items():
        (project.data / old).rename(project.data / new)
    tested = []
    for choice in ("seed=0", "seed=1", "data.test_seed=1"):
        assert cli.main(project.arguments("--set", choice)) == 0
        found = metrics(project)["data"]
        assert [sum(row["images"] for row in found[part]) for part in ("train", "validation", "test")] == list(counts)
        rows = project.site()["assets/data/CV_HW_2/predictions.csv"].decode().splitlines()
        tested.append([row["file"] for row in csv.DictReader(rows) if row["part"] == "test"])
        assert verified(project)
    assert tested[0] == tested[1] != tested[2]
    assert found["held_out"] == {"fraction": 0.2, "seed": 1}
    assert said in capsys.readouterr().err
    sentence = "20.0% of the images of each class, rounded to whole images and 2 in all, were set aside"
    assert sentence in project.site()[POST].decode()


def test_fault_68_files_with_the_class_in_their_names(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("train", "test"):
        for path in sorted((project.data / part).rglob("*.png")):
            path.rename(project.data / part / f"{path.parent.name}.{path.name}")
        for name in ("camel", "horse"):
            (project.data / part / name).rmdir()
    assert cli.main(project.arguments()) == 0
    said = "by the names of the files: 12 for training in train/, 6 for test in test/"
    assert f"images of camel and horse {said}\n" in capsys.readouterr().err
    assert "told by the name of its file" in project.site()[POST].decode()
    assert metrics(project)["data"]["layout"] == "names"
    assert verified(project)


def test_fault_68_a_table_of_files_and_classes(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["filename,label,split"]
    for number, path in enumerate(sorted(project.data.rglob("*.png"))):
        rows.append(f"{number}.png,{path.parent.name},{path.parent.parent.name}")
        path.rename(project.data / f"{number}.png")
    shutil.rmtree(project.data / "train")
    shutil.rmtree(project.data / "test")
    (project.data / "labels.csv").write_text("\n".join(rows))
    assert cli.main(project.arguments()) == 0
    assert "of camel and horse as labels.csv says: 12 for training, 6 for test\n" in capsys.readouterr().err
    before = metrics(project)["data"]
    assert (before["layout"], before["tables"]) == ("table", ["labels.csv"])
    assert verified(project)
    # Another class of the same bytes is another data set.
    (project.data / "labels.csv").write_text("\n".join(rows).replace("0.png,camel", "0.png,horse", 1))
    assert cli.main(project.arguments()) == 0
    assert metrics(project)["data"]["fingerprint"] != before["fingerprint"]


def test_fault_68_two_folders_for_one_part_are_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    add_validation(project, "val")
    add_validation(project, "valid")
    assert cli.main(project.arguments()) == 2
    assert "val/ and valid/ may both hold validation images; rename the one that does not" in capsys.readouterr().err


def test_images_that_belong_together_stay_on_one_side_and_the_post_says_so(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    for label, name in enumerate(("camel", "horse")):
        for number in range(12):
            path = project.data / f"train/{name}/s{number // 3}_{number}.png"
            write_image(path, shade=90 * label + 7 * number + 100)
    grouped = ("--set", "data.group='/(s.)_'", "--set", "data.batch_size=6")
    for seed in range(3):
        assert cli.main(project.arguments(*grouped, "--set", f"seed={seed}")) == 0
        found = metrics(project)["data"]["grouping"]
        assert found == {"by": "/(s.)_", "groups": 4, "images": 24, "crossing": 0, "known": 0}
    post = project.site()[POST].decode()
    assert "There are 4 such groups, of 24 images in all. None of them is both learnt from and tested with." in post
    assert "Images that belong together are on the same side of it" in post
    assert verified(project)
    write_image(project.data / "test/camel/s1_9.png", shade=5)
    assert cli.main(project.arguments(*grouped)) == 0
    assert "1 of 4 groups by data.group are both learnt from and tested with" in capsys.readouterr().err
    assert "**1 of them is both learnt from and tested with**" in project.site()[POST].decode()
