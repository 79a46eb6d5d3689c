"""A folder for temporary files that is this user's alone."""

import os
import tempfile
from pathlib import Path

import pytest

from generator.support import temporary
from generator.support.errors import BuildFailed


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the folder is to be."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"measured-post-{os.getuid()}"


def test_it_is_made_for_this_user_alone(place: Path) -> None:
    assert temporary.own_folder() == place
    assert place.stat().st_mode & 0o777 == 0o700
    assert temporary.own_folder() == place, "also when it is there"


def test_one_that_others_could_read_is_closed(place: Path) -> None:
    place.mkdir(mode=0o755)
    temporary.own_folder()
    assert place.stat().st_mode & 0o777 == 0o700


def test_what_is_no_folder_is_refused(place: Path) -> None:
    place.touch()
    with pytest.raises(BuildFailed, match=rf"^{place}: expected a folder of this user's, .*; remove it, or set TMPDIR"):
        temporary.own_folder()


def test_a_link_is_refused_wherever_it_leads(place: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    place.symlink_to("elsewhere")
    with pytest.raises(BuildFailed, match="expected a folder of this user's"):
        temporary.own_folder()


def test_a_folder_of_another_user_is_refused(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    (tmp_path / f"measured-post-{other}").mkdir()
    with pytest.raises(BuildFailed, match="expected a folder of this user's"):
        temporary.own_folder()


def test_a_disk_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(BuildFailed, match=r"cannot be written .*; set TMPDIR to a folder of your own"):
        temporary.own_folder()
