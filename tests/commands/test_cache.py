"""`build.py cache`: what it shows, and what it exchanges with a remote store."""

from pathlib import Path

import pytest

from generator import cli
from generator.build.storage.key import Key
from generator.build.storage.store import Store

KEY = Key("head", "baseline.head", {"setting head.epochs": 30})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    Store(tmp_path / "store").create(KEY, lambda out: (out / "result.json").write_bytes(b"{}") and None)
    return tmp_path / "store"


def test_it_lists_entries(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cache", "--store", str(store)]) == 0
    told = capsys.readouterr().out
    assert KEY.digest[:12] in told
    assert "1 entries" in told


def test_it_pushes_lists_and_pulls(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fsspec")
    remote = str(tmp_path / "remote")
    assert cli.main(["cache", "--store", str(store), "--push", "--remote", remote]) == 0
    assert f"1 entries pushed to {remote}" in capsys.readouterr().out
    assert cli.main(["cache", "--ls", "--remote", remote]) == 0
    assert KEY.digest[:12] in capsys.readouterr().out
    other = tmp_path / "other"
    assert cli.main(["cache", "--store", str(other), "--pull", "--remote", remote]) == 0
    assert "baseline.head: pulled" in capsys.readouterr().out
    assert Store(other).find(KEY) is not None


@pytest.mark.parametrize("beside", [(), ("--prune", "1")])
def test_an_address_alone_is_refused(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], beside: tuple[str, ...]
) -> None:
    assert cli.main(["cache", "--store", str(store), "--remote", str(tmp_path), *beside]) == 2
    assert capsys.readouterr().err == (
        "build.py: --remote: names a store with which nothing is to be done; add --push, --pull or --ls\n"
    )


def test_the_address_is_that_of_the_settings(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("fsspec")
    settings = tmp_path / "experiment.toml"
    text = Path("experiment.toml").read_text("utf-8")
    settings.write_text(f'{text}\n[store]\nremote = "{tmp_path / "remote"}"\n')
    assert cli.main(["cache", "--store", str(store), "--push", "--config", str(settings)]) == 0
    assert list((tmp_path / "remote").rglob("entry.json"))


def test_without_an_address_it_says_where_one_belongs(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cache", "--store", str(store), "--ls"]) == 2
    assert "there is no remote store: give --remote ADDRESS" in capsys.readouterr().err


def test_what_was_pushed_can_be_pruned_at_once(store: Path, tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    remote = str(tmp_path / "remote")
    assert cli.main(["cache", "--store", str(store), "--push", "--remote", remote, "--prune", "0"]) == 0
    assert Store(store).find(KEY) is None
