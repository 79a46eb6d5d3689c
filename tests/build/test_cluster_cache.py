"""What a node keeps of the builder's files."""

import os
from pathlib import Path

from generator.build.clusters import cluster_cache


def test_the_longest_unused_inputs_go_first(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "old", "older")):
        (tmp_path / name).write_bytes(bytes(10))
        (tmp_path / f"{name}.lock").touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    assert [path.name for path in cluster_cache._beyond(20, tmp_path)] == ["older"]
    assert [path.name for path in cluster_cache._beyond(5, tmp_path)] == ["older", "old", "new"]
    assert list(cluster_cache._beyond(30, tmp_path)) == []
