"""Small git repositories with a site in them, for tests of what is compared with what."""

import os
import subprocess
from pathlib import Path

import pytest

from generator.experiment.results import BuildResults
from generator.support import strict_json
from tests.factories import ROOT
from tests.sites import FOLDER, make_files, put

DATA = f"assets/data/{FOLDER}"

IDENTITY = ("user.name=T", "user.email=t@example.org", "commit.gpgsign=false", "protocol.file.allow=always")


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder`, apart from any repository of whoever runs the tests."""
    settings = [part for setting in IDENTITY for part in ("-c", setting)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(folder), *settings, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=clean).stdout.strip()


def provenance(build_id: str, **changes: object) -> bytes:
    """A build's `provenance.json`, of one variant, `baseline`."""
    stages = {"baseline.evaluation": {"key": "a" * 64, "work": "b" * 64, "seconds": 1.0}}
    machine = {"platform": "Linux x86_64", "processor": "One", "cpuid": None, "python": "3.11.7"}
    table = {"schema_version": 1, "id": build_id, "commit": None, **machine, "stages": stages}
    return strict_json.to_json(table | changes).encode()


def make_site(
    site: Path, build: BuildResults | None = None, build_id: str = "20230131-000000", shade: int = 100
) -> Path:
    return put(site, {**make_files(build, shade), f"{DATA}/provenance.json": provenance(build_id)})


def commit_all(repository: Path, message: str = "a build") -> str:
    git(repository, "add", "--all")
    git(repository, "commit", "-q", "--allow-empty", "-m", message)
    return git(repository, "rev-parse", "HEAD")


def make_config(folder: Path) -> Path:
    """Settings whose post has the sites' folder of assets."""
    text = (ROOT / "experiment.toml").read_text("utf-8")
    assert 'asset_folder = "CV_HW_2"' in text
    path = folder / "experiment.toml"
    path.write_text(text.replace('asset_folder = "CV_HW_2"', f'asset_folder = "{FOLDER}"'), "utf-8")
    return path


def isolate(put: pytest.MonkeyPatch, folder: Path) -> None:
    """Let git know neither settings of whoever runs the tests nor a repository around the tests' folder."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        put.delenv(name)
    put.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    put.setenv("GIT_CONFIG_NOSYSTEM", "1")
    put.setenv("GIT_CEILING_DIRECTORIES", str(folder.resolve()))
