"""What concerns the tests that train."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="session")
def modules_left_out_of_collections() -> Iterator[None]:
    """Keras collects garbage wherever a session is cleared, and most of that time goes into TensorFlow's modules."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
