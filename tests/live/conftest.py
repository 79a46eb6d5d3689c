"""One build that was watched from beginning to end."""

import pytest

from tests.fakes import make_project
from tests.live.watching import WatchedBuild


@pytest.fixture(scope="package")
def watched(tmp_path_factory: pytest.TempPathFactory) -> WatchedBuild:
    return WatchedBuild(make_project(tmp_path_factory.mktemp("watched")))
