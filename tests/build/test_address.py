"""Builds whose data set is at an address: the results of a build of a folder here, and no image on any disk."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generator.data import ahead, pixels
from generator.data.listed import ImageThere
from generator.experiment.config.settings import Config
from generator.stages import artifacts, drawing
from generator.stages.reading import made_ready
from generator.support.addresses import Unreachable
from generator.support.errors import BuildFailed
from tests import fakes
from tests.build.test_cluster import NEEDS_RAY
from tests.fakes import Project, Recorder, add_measure, make_project, timeless, tree
from tests.stations import Nodes

pytest.importorskip("fsspec")

STAYS = "execution.copy_data=false"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that was built of a folder."""
    project = make_project(tmp_path_factory.mktemp("template"))
    add_measure(project)
    with pytest.MonkeyPatch.context() as patch:
        fakes.install(patch.setattr)
        project.build()
    return project


@dataclass
class Distant(Project):
    """A project whose data set is at an address."""

    address: str = ""

    def config(self, *overrides: str) -> Config:
        config = super().config(*overrides)
        return config.model_copy(update={"data": config.data.model_copy(update={"path": self.address})})


@pytest.fixture
def fresh(template: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the same data set, at an address, of which nothing was built."""
    fakes.install(monkeypatch.setattr)
    return Distant(tmp_path / "project", address=f"file://{template.data}")


def keys(project: Project) -> set[str]:
    return {path.relative_to(project.places.store).as_posix() for path in project.places.store.glob("stages/*/*")}


def images_below(folder: Path, project: Project) -> list[str]:
    """Files in a folder that hold an image of the project's data set."""
    content = {bytes_ for name, bytes_ in tree(project.data).items() if name.endswith(".png")}
    return [name for name, found in tree(folder).items() if found in content]


@pytest.mark.parametrize("how", [(STAYS,), (STAYS, "execution.shard_images=4"), ("execution.copy_data=true",)])
def test_keys_and_files_are_those_of_a_folder(template: Project, fresh: Project, how: tuple[str, ...]) -> None:
    fresh.build(*how)
    assert keys(fresh) == keys(template)
    assert timeless(fresh.site()) == timeless(template.site())
    assert bool(images_below(fresh.places.store, template)) == (STAYS not in how)


def test_no_image_is_on_the_disk_at_any_moment(
    template: Project, fresh: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    found: list[list[str]] = []
    real = pixels.decoding.decode_bytes

    def looking(data: bytes, **how: Any) -> Any:
        found.append(images_below(tmp_path, template))
        return real(data, **how)

    monkeypatch.setattr(pixels.decoding, "decode_bytes", looking)
    fresh.build(STAYS, "execution.shard_images=4")
    assert len(found) > len(tree(template.data)) / 2
    assert not any(found)


def test_it_is_told_that_the_images_stay(fresh: Project) -> None:
    display = Recorder()
    fresh.build(STAYS, display=display)
    assert "data: the images stay at their address, and each is read there where it is needed" in display.lines


def test_a_shard_whose_images_do_not_come_costs_itself(
    template: Project, fresh: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ImageThere.fetched

    def breaking(self: ImageThere) -> bytes:
        if self.name_there == "train/horse/4.png":
            raise Unreachable("the bucket is gone")
        return real(self)

    how = (STAYS, "execution.shard_images=4")
    with monkeypatch.context() as patch:
        patch.setattr(ImageThere, "fetched", breaking)
        with pytest.raises(BuildFailed, match="the bucket is gone"):
            fresh.build(*how)
    told = " ".join(fresh.explain(*how)["baseline.pixels"].causes)
    assert "8 of 18 images are done: shards of a build that ended before" in told
    fresh.build(*how)
    assert timeless(fresh.site()) == timeless(template.site())


@NEEDS_RAY
@pytest.mark.cluster
def test_nodes_read_at_the_address_themselves(nodes: Nodes, template: Project, fresh: Project) -> None:
    display = Recorder()
    fresh.build("execution.shard_images=4", f"execution.ray={nodes.address}", display=display)
    assert display.warnings == []
    assert timeless(fresh.site()) == timeless(template.site())
    assert images_below(fresh.places.store, template) == []
    assert images_below(nodes.folder, template) == []


# ---- What is read for a job ------------------------------------------------------------------------------


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    real = ImageThere.fetched

    def noted(self: ImageThere) -> bytes:
        names.append(self.name_there)
        return real(self)

    monkeypatch.setattr(ImageThere, "fetched", noted)
    return names


def test_for_a_job_each_image_is_read_once(template: Project, fresh: Project, read: list[str]) -> None:
    node = fresh.plan(STAYS).runs["baseline"]["pixels"]
    with made_ready(node.job({}, fresh.folder / "none")) as ready:
        for sample in ready.dataset.samples:
            assert sample.path.read_bytes() == (template.data / sample.name).read_bytes()
    assert sorted(read) == sorted(sample.name for sample in ready.dataset.samples)


@pytest.mark.parametrize("transparent", [0, 1])
def test_none_is_read_to_find_transparency_that_decoding_did_not_see(
    fresh: Project, read: list[str], tmp_path: Path, transparent: int
) -> None:
    node = fresh.plan(STAYS).shared["data_figures"]
    report = pixels.PixelReport(notes={}, transparent=transparent, copies=(), scales={})
    (tmp_path / artifacts.REPORT).write_text(report.model_dump_json())
    with made_ready(node.job({"pixels": tmp_path}, tmp_path)) as ready:
        assert drawing.alpha_example(ready) is None
    assert {sample.name for sample in ready.dataset.train} <= set(read) if transparent else read == []


def test_a_job_whose_images_are_here_stays_as_it_is(template: Project) -> None:
    job = template.plan().runs["baseline"]["pixels"].job({}, template.folder)
    with made_ready(job) as ready:
        assert ready is job


def images(folder: Path, count: int = 40) -> tuple[ImageThere, ...]:
    folder.mkdir()
    found = []
    for i in range(count):
        Image.new("RGB", (1, 1 + i)).save(folder / f"{i}.png")
        digest = fakes._digest(folder / f"{i}.png")
        found.append(ImageThere.of("/nowhere", f"{i}.png", f"file://{folder}", digest))
    return tuple(found)


def test_few_are_read_ahead_of_who_begins_elsewhere(tmp_path: Path, read: list[str]) -> None:
    there = images(tmp_path / "there")
    with ahead.reading(there) as reading:
        order = [30, 31, 32, 33, 5, 6, 4, 7]
        assert [reading.read(there[i]) for i in order] == [
            (tmp_path / "there" / f"{i}.png").read_bytes() for i in order
        ]
    assert {f"{i}.png" for i in order} <= set(read)
    assert "0.png" not in read
    assert len(read) < len(there)


def test_what_is_read_ahead_takes_no_more_memory_than_is_said(
    tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = images(tmp_path / "there")
    monkeypatch.setattr(ahead, "BYTES", 3 * (tmp_path / "there" / "39.png").stat().st_size)
    most = 0
    with ahead.reading(there) as reading:
        for asked, image in enumerate(there, start=1):
            reading.read(image)
            most = max(most, len(reading._coming))
            assert asked <= len(there)
    assert 0 < most <= 5
    assert len(read) == len(there)


def test_where_only_some_are_asked_for_few_others_are_read_or_held(tmp_path: Path, read: list[str]) -> None:
    there = images(tmp_path / "there", 300)
    asked, most = there[::2], 0
    with ahead.reading(there) as reading:
        for image in asked:
            assert reading.read(image) == (tmp_path / "there" / image.name).read_bytes()
            most = max(most, len(reading._coming))
    assert most <= 2 * ahead.LATE
    assert len(read) <= len(asked) + 2 * ahead.LATE


def test_threads_that_share_them_read_none_twice(tmp_path: Path, read: list[str]) -> None:
    there = images(tmp_path / "there", 200)
    with ahead.reading(there) as reading, ThreadPoolExecutor(4) as threads:
        found = list(threads.map(reading.read, there))
    assert found == [(tmp_path / "there" / image.name).read_bytes() for image in there]
    assert len(read) == len(there)


def test_a_thread_that_comes_late_loses_nothing(tmp_path: Path, read: list[str]) -> None:
    there = images(tmp_path / "there", 100)
    late = (0, 3, 4, 20, 21, 40)  # of these 0 and 4 are not on their way when they are passed
    with ahead.reading(there) as reading:
        for place in (*(i for i in range(90) if i not in late), *late, *range(90, 100)):
            assert reading.read(there[place]) == (tmp_path / "there" / f"{place}.png").read_bytes()
            assert len(reading._coming) <= len(late) + reading._most
    assert len(read) == len(there)


def test_what_fails_ahead_fails_who_asks_for_it(tmp_path: Path) -> None:
    there = images(tmp_path / "there")
    (tmp_path / "there" / "3.png").write_bytes(b"other")
    with ahead.reading(there) as reading:
        assert reading.read(there[2])
        with pytest.raises(BuildFailed, match=r"3\.png: has changed since it was fingerprinted"):
            reading.read(there[3])
        assert reading.read(there[4])
