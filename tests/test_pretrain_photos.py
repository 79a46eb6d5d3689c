"""Training the embedded weights, as far as it needs no PyTorch: photographs, schedule, command line, record."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generator.support.errors import BadInput
from tools import photo_folder, pretrain_photos
from tools.photo_recipe import Recipe


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes in different depths and sizes, and a third that can be left out."""
    for name, count in (("cat/images", 10), ("dog", 20), ("camel", 3)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(count):
            image = Image.new("RGB", (40 + i, 30), (10 * i, 100, 0))
            image.save(tmp_path / "photos" / name / f"{i:02}.PNG")
    (tmp_path / "photos" / "dog" / "notes.txt").write_text("not a photograph", "utf-8")
    return tmp_path / "photos"


def test_photographs_are_squares_by_class_and_a_share_of_each_is_held_back(folder: Path) -> None:
    found = photo_folder.read(folder, side=8, without=["camel"], share=0.2, seed=3)
    assert (found.pixels.shape, found.pixels.dtype) == ((30, 8, 8, 3), np.uint8)
    assert (found.classes, found.left_out) == (("cat", "dog"), ("camel",))
    assert np.bincount(found.labels).tolist() == [10, 20]
    assert np.bincount(found.labels[found.held_back]).tolist() == [2, 4]


def test_what_is_held_back_follows_from_the_seed(folder: Path) -> None:
    first, same, other = (photo_folder.read(folder, side=8, seed=seed).held_back.tolist() for seed in (0, 0, 1))
    assert first == same != other


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_each_class_trains_and_validates_whatever_the_share(folder: Path, share: float) -> None:
    found = photo_folder.read(folder, side=8, share=share)
    for label in range(3):
        assert 0 < found.held_back[found.labels == label].mean() < 1


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_a_share_is_between_nothing_and_all(folder: Path, share: float) -> None:
    with pytest.raises(BadInput, match=f"validation share {share:g}: must lie between 0 and 1"):
        photo_folder.read(folder, side=8, share=share)


def test_a_class_that_is_not_there_cannot_be_left_out(folder: Path) -> None:
    with pytest.raises(BadInput, match=r"--without camels: .* has no such class; did you mean camel\?"):
        photo_folder.read(folder, side=8, without=["camels"])


def test_one_class_is_nothing_to_tell_apart(folder: Path) -> None:
    with pytest.raises(BadInput, match="1 class to tell apart"):
        photo_folder.read(folder, side=8, without=["camel", "cat"])


def test_a_class_without_photographs_is_named(folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(BadInput, match=r"empty: 0 photographs; .*--without empty"):
        photo_folder.read(folder, side=8)


def test_a_damaged_photograph_is_named(folder: Path) -> None:
    (folder / "dog" / "03.PNG").write_bytes(b"no image")
    with pytest.raises(BadInput, match=r"03\.PNG: cannot be read as an image"):
        photo_folder.read(folder, side=8)


def test_images_grow_in_equal_parts_and_have_their_last_size_for_the_last_fifth() -> None:
    sides = [Recipe().side(i / 100) for i in range(101)]
    assert sides == sorted(sides)
    assert set(sides) == {96, 128, 160}
    assert sides[80:] == [160] * 21
    assert Recipe(sides=(64,)).side(0.5) == 64


def test_the_rate_rises_shortly_and_falls_along_a_cosine_in_proportion_to_the_batch() -> None:
    recipe = Recipe()
    rates = [recipe.rate(i / 1000, recipe.batch) for i in range(1001)]
    assert max(rates) == rates[60] == pytest.approx(1.6)
    assert rates[:56] == sorted(rates[:56])
    assert rates[60:] == sorted(rates[60:], reverse=True)
    assert rates[530] == pytest.approx(0.8)
    assert rates[0] == rates[-1] == 1e-4
    assert recipe.rate(0.3, 256) == pytest.approx(recipe.rate(0.3, 512) / 2)


def test_the_record_says_what_was_trained_on(folder: Path) -> None:
    options = pretrain_photos._parser().parse_args(
        ["train", str(folder), "out.npz", "--steps", "9", "--without", "camel", "--batch", "4", "--data", "Pets"]
    )
    photographs = photo_folder.read(folder, side=8, without=options.without)
    found = pretrain_photos.described(options, photographs, Recipe(batch=options.batch), 9)
    assert found["data"] == "Pets"
    assert (found["classes"], found["left_out"]) == (2, ["camel"])
    assert (found["training_images"], found["validation_images"]) == (27, 3)
    assert (found["images_seen"], found["epochs"]) == (36, 36 / 27)
    assert found["recipe"]["batch"] == 4


def test_a_training_ends_by_steps_or_by_the_clock() -> None:
    parse = pretrain_photos._parser().parse_args
    by_steps = pretrain_photos.progress(parse(["train", "photos", "out.npz", "--steps", "4"]))
    assert [by_steps(steps) for steps in (0, 1, 4)] == [0, 0.25, 1]
    by_clock = pretrain_photos.progress(parse(["train", "photos", "out.npz", "--seconds", "1e-9"]))
    assert by_clock(0) >= 1


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read"),
        (b"", "cannot be read"),
        (b"no archive", "cannot be read"),
        ({"weights": np.zeros(3)}, "conv1_conv/kernel is missing"),
    ],
)
def test_what_cannot_be_converted_ends_with_a_line(
    content: bytes | dict[str, np.ndarray] | None, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "other.npz"
    if isinstance(content, dict):
        np.savez(source, **content)
    elif content is not None:
        source.write_bytes(content)
    assert pretrain_photos.main(["convert", str(source), str(tmp_path / "out.npz")]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"pretrain_photos.py: {source}: ")
    assert fault in error
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize("option", ["--steps=0", "--seconds=-1", "--steps=2 --batch=0", "--steps=2 --sides 96 0"])
def test_numbers_that_nothing_can_be_made_of_are_refused_at_once(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        pretrain_photos.main(["train", "photos", "out.npz", *option.split()])
    assert "must be more than 0" in capsys.readouterr().err


def test_without_pytorch_training_says_what_it_needs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with without_torch():
        assert pretrain_photos.main(["train", str(folder), "out.npz", "--steps", "1"]) == 2
    assert "needs PyTorch, in an environment of its own" in capsys.readouterr().err


@contextmanager
def without_torch() -> Iterator[None]:
    """As if PyTorch were not installed, also where it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", None)
        yield
