"""What a build puts into Ray's object store for its stages."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from generator.build.clusters import cluster_offers
from generator.build.clusters.cluster_cache import Offered
from generator.build.clusters.cluster_offers import Offers
from tests import rays
from tests.rays import Rays


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were put there; each waits until somebody else could have asked as well."""
    names, put, waited = list[str](), cluster_offers._put, threading.Event()

    def watched(path: Path) -> Offered:
        names.append(path.name)
        waited.wait(0.1)
        return put(path)

    rays.install(monkeypatch, Rays())
    monkeypatch.setattr(cluster_offers, "_put", watched)
    return names


def test_a_file_is_put_there_once_however_many_ask_at_a_time(put: list[str], tmp_path: Path) -> None:
    (tmp_path / "pooled.npy").write_bytes(b"features")
    offers = Offers()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(offers.of, [tmp_path / "pooled.npy"] * 8))
    assert put == ["pooled.npy"]
    assert len({id(offered) for offered in found}) == 1
    assert found[0].pieces == (b"features",)
    (tmp_path / "pooled.npy").write_bytes(b"other features")
    assert offers.of(tmp_path / "pooled.npy").pieces == (b"other features",)


def test_what_is_kept_for_later_has_a_limit(put: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_offers, "MOST", 20)
    for name in "abc":
        (tmp_path / name).write_bytes(8 * name.encode())
    offers = Offers()
    for name in "abacab":
        offers.of(tmp_path / name)
    assert put == ["a", "b", "c", "b"], "of c only a was newer"


def test_a_file_that_cannot_be_read_can_be_asked_for_again(put: list[str], tmp_path: Path) -> None:
    offers = Offers()
    with pytest.raises(FileNotFoundError):
        offers.of(tmp_path / "a")
    (tmp_path / "a").mkdir()
    for _ in range(2):
        with pytest.raises(IsADirectoryError):
            offers.of(tmp_path / "a")
    assert put == ["a", "a"]
