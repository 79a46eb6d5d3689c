"""What concerns the whole test run."""

from pathlib import Path

import pytest

IMPORT_TENSORFLOW = {"test_model.py", "test_training.py"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where training tests are left out, do not import TensorFlow only to find them."""
    left_out = "not train" in config.getoption("markexpr")
    return True if left_out and collection_path.name in IMPORT_TENSORFLOW else None
