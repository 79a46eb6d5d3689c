"""Data is drawn, unpacked or fetched once, appears whole, and is made again if it was damaged."""

import io
import logging
import os
import sys
import tarfile
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from generator.data import dataset as data
from generator.data import origins
from generator.experiment.config.settings import DataSettings
from generator.support.errors import BadInput

NAMES = tuple(f"{split}/{name}/{i}.png" for split in ("train", "test") for name in ("bear", "cat") for i in (1, 2))


def picture(shade: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), (shade, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


def make_zip(path: Path, names: tuple[str, ...] = NAMES) -> Path:
    with zipfile.ZipFile(path, "w") as target:
        for i, name in enumerate(names):
            target.writestr(name, picture(i))
    return path


def draw(folder: Path, *, train: int, test: int, seed: int, classes: tuple[str, ...] = ()) -> None:
    for i, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(picture(i + train + test + seed))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were drawn, by a stand-in for the real drawing."""
    calls: list[Path] = []

    def counted(folder: Path, **sizes: Any) -> None:
        calls.append(folder)
        draw(folder, **sizes)

    monkeypatch.setattr(origins.sample, "draw", counted)
    return calls


def find(path: object, store: Path, **changes: Any) -> data.Dataset:
    return data.find(DataSettings(path=str(path), **changes), store)


def test_the_sample_is_drawn_once_for_its_sizes_and_version(
    tmp_path: Path, drawn: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find("sample", tmp_path)
    assert (first.kind, first.source) == ("sample", "sample")
    assert find("sample", tmp_path) == first
    assert len(drawn) == 1
    other = find("sample", tmp_path, sample_train=100)
    assert other.root != first.root
    assert other.fingerprint != first.fingerprint
    monkeypatch.setattr(origins.sample, "VERSION", -1)
    assert find("sample", tmp_path).root not in (first.root, other.root)
    assert len(drawn) == 3


def test_a_drawing_that_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(folder: Path, **_: int) -> None:
        (folder / "train").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(origins.sample, "draw", interrupted)
    with pytest.raises(KeyboardInterrupt):
        find("sample", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_is_unpacked_once_for_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = tmp_path / "store"
    path = make_zip(tmp_path / "pets.zip")
    first = find(path, store)
    assert (first.kind, first.source, first.class_names) == ("archive", "pets.zip", ("bear", "cat"))
    path.rename(tmp_path / "renamed.zip")
    monkeypatch.setattr(origins.archive, "unpack_into", None)  # calling it would fail
    again = find(tmp_path / "renamed.zip", store)
    assert (again.root, again.fingerprint) == (first.root, first.fingerprint)


def test_another_archive_of_the_same_name_is_another_data_set(tmp_path: Path) -> None:
    first = find(make_zip(tmp_path / "pets.zip"), tmp_path / "store")
    second = find(make_zip(tmp_path / "pets.zip", tuple(reversed(NAMES))), tmp_path / "store")
    assert second.fingerprint != first.fingerprint


@pytest.mark.parametrize("damage", ["change", "remove", "empty", "no seal", "add"])
def test_fault_21_a_damaged_copy_in_the_store_is_unpacked_again(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, store = make_zip(tmp_path / "pets.zip"), tmp_path / "store"
    first = find(path, store)
    victim = first.train[0].path
    if damage == "change":
        victim.write_bytes(b"other")
        os.utime(victim, (0, 0))
    elif damage == "remove":
        victim.unlink()
    elif damage == "empty":
        for sample in first.train:
            sample.path.unlink()
    elif damage == "no seal":
        next(store.glob("*.sha256")).unlink()
    else:
        victim.with_name("new.png").write_bytes(picture(9))
    with caplog.at_level(logging.WARNING):
        assert find(path, store) == first
    assert "making it again" in caplog.text
    assert sorted(p.name for p in store.iterdir()) == [first.root.name, f"{first.root.name}.sha256"]


def test_what_a_file_browser_leaves_in_a_copy_is_no_damage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = make_zip(tmp_path / "pets.zip", (*NAMES, "__MACOSX/x"))
    first = find(path, tmp_path / "store")
    (first.root / "train" / ".DS_Store").touch()
    assert find(path, tmp_path / "store").samples == first.samples
    # As older versions sealed it.
    seal = next((tmp_path / "store").glob("*.sha256"))
    seal.write_text(origins._fingerprint(seal.with_suffix(""), first, junk=True))
    assert find(path, tmp_path / "store").samples == first.samples
    assert not caplog.messages


@pytest.mark.parametrize("damaged", [False, True])
def test_a_copy_that_cannot_be_read_as_asked_is_not_unpacked_again_unless_it_is_damaged(
    tmp_path: Path, damaged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    path, store = make_zip(tmp_path / "pets.zip"), tmp_path / "store"
    for _ in range(2):
        with pytest.raises(BadInput, match=r"cannot be read as data\.layout"):
            find(path, store, layout="table")
    if damaged:
        next(store.rglob("1.png")).write_bytes(b"other")
    assert find(path, store).layout == "parts"
    assert ("making it again" in caplog.text) == damaged


def test_fault_68_a_tar_is_unpacked_as_a_zip_is(tmp_path: Path) -> None:
    make_zip(tmp_path / "pets.zip")
    with zipfile.ZipFile(tmp_path / "pets.zip") as source, tarfile.open(tmp_path / "pets.tgz", "w:gz") as target:
        source.extractall(tmp_path / "pets")
        target.add(tmp_path / "pets", ".")
    packed, zipped = (find(tmp_path / f"pets.{suffix}", tmp_path / "store") for suffix in ("tgz", "zip"))
    assert (packed.kind, packed.source) == ("archive", "pets.tgz")
    assert packed.fingerprint == zipped.fingerprint


def test_an_archive_that_is_refused_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    make_zip(tmp_path / "evil.zip", (*NAMES, "../evil.png"))
    with pytest.raises(BadInput, match="leaves the archive"):
        find(tmp_path / "evil.zip", tmp_path / "store")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["evil.zip", "store"]


@pytest.mark.parametrize("path", ["missing", "", "a\0b", "~no-such-user/x", "x" * 5000, "file/below"])
def test_fault_01_a_path_that_is_not_there_is_named(tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with pytest.raises(BadInput) as caught:
        find(path, tmp_path / "store")
    assert "\n" not in str(caught.value)
    assert (path or "(empty)").replace("\0", r"\x00") in str(caught.value)


def test_a_folder_is_read_where_it_is_and_named_without_its_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "pets", train=0, test=0, seed=0)
    monkeypatch.chdir(tmp_path / "pets")
    dataset = find(".", tmp_path / "store")
    assert (dataset.kind, dataset.source) == ("folder", "pets")
    assert not (tmp_path / "store").exists()


def test_kaggle_without_its_client_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(BadInput) as caught:
        find("kaggle:someone/pets", tmp_path)
    assert "pip install kagglehub" in str(caught.value)
    assert "https://www.kaggle.com/datasets/someone/pets" in str(caught.value)


def test_kaggle_data_is_read_where_the_client_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw(tmp_path / "download/deep", train=0, test=0, seed=0)
    asked: list[str] = []

    def dataset_download(handle: str) -> str:
        asked.append(handle)
        return str(tmp_path / "download")

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=dataset_download))
    dataset = find("kaggle:someone/pets.v2", tmp_path)
    assert asked == ["someone/pets.v2"]
    assert (dataset.kind, dataset.source) == ("kaggle", "kaggle:someone/pets.v2")
    assert len(dataset.train) == 4


def test_kaggle_failing_is_one_line_with_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dataset_download(handle: str) -> str:
        raise ConnectionError("Max retries\nexceeded")

    monkeypatch.setitem(sys.modules, "kagglehub", SimpleNamespace(dataset_download=dataset_download))
    with pytest.raises(BadInput, match=r"Max retries exceeded.*or download https") as caught:
        find("kaggle:someone/pets", tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["kaggle:", "kaggle:pets", "kaggle:a/b/c", "kaggle:../..", "kaggle:a/b?x", "kaggle:a/"]
)
def test_kaggle_names_are_checked(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="expected kaggle:OWNER/NAME"):
        find(name, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_classes": ("camel", "hores")}, r"no animal 'hores'; did you mean 'horse'\? choose from camel, horse"),
        ({"sample_classes": ("camel",)}, "needs two animals or more of camel, horse, donkey"),
        ({"sample_classes": ("camel", "camel")}, "needs two animals or more"),
        ({"sample_classes": ("camel", "horse", "cow"), "sample_test": 2}, "data.sample_test = 2: 3 classes need one"),
    ],
)
def test_animals_that_the_sample_cannot_show_are_refused(
    tmp_path: Path, drawn: list[Path], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        find("sample", tmp_path, **changes)
    assert not drawn


def test_other_animals_are_another_sample(tmp_path: Path, drawn: list[Path]) -> None:
    for classes in (("camel", "horse"), ("camel", "horse", "cow"), ("cow", "horse", "camel")):
        find("sample", tmp_path, sample_classes=classes)
    assert len(set(drawn)) == len(drawn) == 2
