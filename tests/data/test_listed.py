"""A data set that stays at its address: told as a copy of it, read once for that, then image by image."""

import io
import os
import pickle
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generator.data import dataset as data
from generator.data import fetched, listed, measure, pixels
from generator.data.listed import ImageThere
from generator.experiment.config.settings import DataSettings
from generator.support import addresses
from generator.support.addresses import Unreachable
from generator.support.errors import BadInput, BuildFailed
from tests.fakes import add_measure, make_project, tree

fsspec = pytest.importorskip("fsspec")

SQUARE = pixels.Square(size=32, alpha="drop", max_pixels=10**6)
LABELS = "file,label\n" + "".join(f"{i}.png,{'cat' if i % 2 else 'dog'}\n" for i in range(8))


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder of images, with some to measure with, and files of all kinds beside them."""
    project = make_project(tmp_path / "project")
    add_measure(project)
    (project.data / "README.md").write_text("What this is.\n" * 100)
    (project.data / "train" / "camel" / "page").write_text("<!DOCTYPE html><html></html>")
    (project.data / "train" / "camel" / "empty").touch()
    image = Image.new("RGB", (4, 4))
    image.save(project.data / "train" / "camel" / "unnamed", "JPEG")
    (project.data / ".hidden").write_bytes(b"x" * 5000)
    return project.data


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files as they are read, wherever in the address."""
    names: list[str] = []
    real = addresses.Place.read

    def noted(self: addresses.Place, name: str, most: int | None = None) -> bytes:
        names.append(name)
        return real(self, name, most)

    monkeypatch.setattr(addresses.Place, "read", noted)
    return names


def settings(there: Path, **changes: Any) -> DataSettings:
    return DataSettings(path=f"file://{there}", **changes)


def find(there: Path, store: Path, **changes: Any) -> data.Dataset:
    return data.find(settings(there, **changes), store, copy=False)


def images(dataset: data.Dataset) -> list[str]:
    return sorted(sample.name for sample in dataset.samples)


def told(dataset: data.Dataset) -> dict[str, Any]:
    """All of a data set but where it lies, and what it is called."""
    rows = {name: value for name, value in vars(dataset).items() if name not in ("root", "train", "test", "validation")}
    return rows | {"samples": [(s.name, s.label, s.digest, s.group) for s in dataset.samples]}


def by_table(folder: Path) -> None:
    folder.mkdir()
    for i in range(8):
        Image.new("RGB", (4, 4), (20 * i, 0, 0)).save(folder / f"{i}.png")
    (folder / "labels.csv").write_text(LABELS)


def in_classes(folder: Path) -> None:
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for i in range(6):
            Image.new("RGB", (4, 4), (20 * i, 0, len(name + str(i)) * (name == "cat"))).save(folder / name / f"{i}.jpg")


def test_it_is_told_as_the_folder_itself(there: Path, store: Path) -> None:
    stays, here = find(there, store), data.find(DataSettings(path=str(there)), store)
    assert told(stays) == told(here)
    measured = [measure.find(settings(there), store, each) for each in (stays, here)]
    assert all(measured)
    assert [(s.name, s.digest) for s in measured[0].samples] == [(s.name, s.digest) for s in measured[1].samples]  # type: ignore[union-attr]
    assert len({(each.fingerprint, str(each.attributes), str(each.ignored)) for each in measured if each}) == 1


@pytest.mark.parametrize("make", [by_table, in_classes])
def test_so_it_is_in_another_layout(make: Callable[[Path], None], tmp_path: Path, store: Path) -> None:
    make(tmp_path / "animals")
    stays = find(tmp_path / "animals", store)
    assert told(stays) == told(data.find(DataSettings(path=str(tmp_path / "animals")), store))


def test_no_byte_of_an_image_lies_in_the_store(there: Path, store: Path) -> None:
    found = find(there, store)
    measured = measure.find(settings(there), store, found)
    assert measured
    for sample in (*found.samples, *measured.samples):
        assert isinstance(sample.path, ImageThere)
        assert sample.path.stat().st_size == 0
    names = {name for name, content in tree(store).items() if content}
    kept = {name.rpartition("/")[2] for name in names if name.endswith((".png", ".jpg"))}
    assert kept == set()


def test_an_unchanged_folder_is_read_once(there: Path, store: Path, read: list[str]) -> None:
    found = find(there, store)
    measured = measure.find(settings(there), store, found)
    assert measured
    of_images = [name for name in read if name.endswith(".png")]
    assert sorted(of_images) == sorted([*images(found), *(sample.name for sample in measured.samples)])
    read.clear()
    assert find(there, store) == found
    assert measure.find(settings(there), store, found) == measured
    assert read == []


def test_of_a_changed_folder_what_changed_is_read(there: Path, store: Path, read: list[str]) -> None:
    before = find(there, store)
    Image.new("RGB", (5, 5), "red").save(there / "train" / "camel" / "2.png")
    Image.new("RGB", (6, 6), "blue").save(there / "train" / "camel" / "99.png")
    read.clear()
    after = find(there, store)
    assert [name for name in read if name.endswith(".png")] == ["train/camel/2.png", "train/camel/99.png"]
    assert after.fingerprint != before.fingerprint
    assert told(after) == told(data.find(DataSettings(path=str(there)), store))


def test_where_the_service_marks_nothing_all_is_read_anew(store: Path, read: list[str]) -> None:
    memory = fsspec.filesystem("memory")
    for i in range(4):
        for name in ("cat", "dog"):
            stream = io.BytesIO()
            Image.new("RGB", (4, 4), (20 * i, len(name), 5 * (name == "cat"))).save(stream, "PNG")
            memory.pipe_file(f"/listed/animals/{name}/{i}.png", stream.getvalue())
    try:
        one = data.find(DataSettings(path="memory://listed/animals"), store, copy=False)
        read.clear()
        assert data.find(DataSettings(path="memory://listed/animals"), store, copy=False) == one
        assert sorted(set(read)) == images(one)
    finally:
        memory.rm("/listed", recursive=True)


def test_a_zip_is_read_member_by_member(there: Path, store: Path, tmp_path: Path, read: list[str]) -> None:
    with zipfile.ZipFile(tmp_path / "animals.zip", "w") as target:
        for name, content in tree(there).items():
            target.writestr(name, content)
    path = f"zip://::file://{tmp_path / 'animals.zip'}"
    found = data.find(DataSettings(path=path), store, copy=False)
    assert told(found) == told(data.find(DataSettings(path=str(there)), store)) | {"source": "animals.zip"}
    assert found.samples[0].path.read_bytes() == (there / found.samples[0].name).read_bytes()
    read.clear()
    assert data.find(DataSettings(path=path), store, copy=False) == found
    assert read == []
    assert [path.name for path in store.iterdir() if not path.name.startswith("listed-")] == [
        path.name for path in store.glob("fetched-*.json")
    ]


def test_the_pixels_are_those_of_a_copy(there: Path, store: Path, tmp_path: Path) -> None:
    stays, here = find(there, store), data.find(DataSettings(path=str(there)), store)
    reports = [pixels.read_pixels(each, SQUARE, tmp_path / f"{i}.npy") for i, each in enumerate((stays, here))]
    assert reports[0] == reports[1]
    assert np.array_equal(np.load(tmp_path / "0.npy"), np.load(tmp_path / "1.npy"))
    assert all(sample.path.stat().st_size == 0 for sample in stays.samples)


def test_an_image_reads_itself_in_another_process(there: Path, store: Path, read: list[str]) -> None:
    sample = find(there, store).samples[3]
    read.clear()
    again = pickle.loads(pickle.dumps(sample))
    assert again == sample
    assert again.path.read_bytes() == (there / sample.name).read_bytes()
    assert read == [sample.name]


def test_an_image_is_found_by_its_name(there: Path, store: Path) -> None:
    found = find(there, store)
    measure.find(settings(there), store, found)
    located = listed.located(found.root, f"file://{there}")
    for name in ("test/camel/1.png", "measure/horse/2.png"):
        assert located(name).read_bytes() == (there / name).read_bytes()
    assert located("test/camel/none.png") == found.root / "test/camel/none.png"
    assert listed.located(there, str(there))("test/camel/1.png") == there / "test/camel/1.png"


def test_an_image_that_changes_in_between_is_refused(there: Path, store: Path, tmp_path: Path) -> None:
    found = find(there, store)
    (there / found.samples[2].name).write_bytes(b"other")
    message = rf"^file://.*/animals: {found.samples[2].name}: has changed since it was fingerprinted; build again"
    with pytest.raises(BuildFailed, match=message):
        pixels.read_pixels(found, SQUARE, tmp_path / "pixels.npy")
    (there / found.samples[2].name).unlink()
    with pytest.raises(BuildFailed, match=r"animals: train/camel/3\.png: is not there any more; build again"):
        found.samples[2].path.read_bytes()


def test_a_change_that_no_mark_told_ends_with_what_the_message_says(there: Path, store: Path) -> None:
    found = find(there, store)
    file = there / found.samples[0].name
    before, content = file.stat(), bytearray(file.read_bytes())
    content[-13] ^= 1
    file.write_bytes(bytes(content))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(BuildFailed, match=r"remove (.*)\.json$") as caught:
        find(there, store).samples[0].path.read_bytes()
    Path(str(caught.value).rpartition("remove ")[2]).unlink()
    after = find(there, store)
    assert after.samples[0].path.read_bytes() == bytes(content)
    assert after.fingerprint != found.fingerprint


def test_what_was_read_before_it_broke_off_is_kept(
    there: Path, store: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "BATCH", 4)
    real = addresses.Place.read

    def breaking(self: addresses.Place, name: str, most: int | None = None) -> bytes:
        if name == "train/horse/3.png":
            raise Unreachable("gone")
        return real(self, name, most)

    with monkeypatch.context() as patch:
        patch.setattr(addresses.Place, "read", breaking)
        with pytest.raises(Unreachable, match="gone"):
            find(there, store)
    first = set(read)
    read.clear()
    found = find(there, store)
    assert {name for name in read if name.startswith("train/camel") and name.endswith(".png")} == set()
    assert "train/camel/1.png" in first
    assert told(found) == told(data.find(DataSettings(path=str(there)), store))


def test_where_nobody_answers_what_was_read_is_used(
    there: Path, store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = find(there, store)

    def silent(place: addresses.Place) -> fetched.There:
        raise Unreachable("nobody is there")

    monkeypatch.setattr(fetched, "_there", silent)
    assert find(there, store) == found
    assert caplog.messages == ["nobody is there; what was read of it before is used"]
    with pytest.raises(BadInput, match="no copy of it was made here before"):
        find(there, store / "empty")


def test_damaged_names_are_laid_out_again(there: Path, store: Path, read: list[str]) -> None:
    found = find(there, store)
    (found.root / found.samples[0].name).unlink()
    (found.root / "train" / "camel" / "strange.png").touch()
    index = found.root.with_name(f"{found.root.name}.json")
    read.clear()
    assert find(there, store) == found
    assert not [name for name in read if name.endswith(".png") and name != "train/camel/strange.png"]
    index.write_text("{")
    assert find(there, store) == found


def test_unless_it_is_told_it_is_as_the_last_time(there: Path, store: Path) -> None:
    def stays(copy: bool | None) -> bool:
        found = data.find(settings(there), store, copy=copy)
        return isinstance(found.samples[0].path, ImageThere)

    assert [stays(copy) for copy in (None, True, False)] == [False, False, True]
    assert stays(None)
    # Also where both are here already.
    assert [stays(copy) for copy in (True, None, False, None)] == [False, False, True, True]


def test_what_stays_may_be_larger_than_what_is_copied(there: Path, store: Path) -> None:
    assert find(there, store, max_bytes=100).samples
    with pytest.raises(BadInput, match=r"data\.max_bytes = 100"):
        data.find(settings(there, max_bytes=100), store)
    with pytest.raises(BadInput, match=r"data\.max_entries = 3"):
        find(there, store, max_entries=3)


def test_threads_have_connections_of_their_own_where_one_is_not_for_all() -> None:
    places: list[addresses.Place] = []

    def open_twice() -> None:
        places.extend((addresses.opened("file:///tmp"), addresses.opened("file:///tmp")))

    threads = [threading.Thread(target=open_twice) for _ in range(2)]
    for thread in threads:
        thread.start()
        thread.join()
    assert places[0] is places[1]
    assert places[1] is not places[2]
