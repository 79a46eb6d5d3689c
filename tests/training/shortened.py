"""ResNet50 with fewer blocks: every kind of layer, shape and name that it has, and less to trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from generator.stages import workspace

if TYPE_CHECKING:
    import keras


def resnet(size: int, blocks: tuple[int, ...] = (1, 1, 1, 1)) -> "keras.Model":
    """A ResNet50 for images of `size` pixels with so many blocks in its groups, where that has 3, 4, 6 and 3."""
    from keras.src.applications.resnet import ResNet, stack_residual_blocks_v1

    def groups(x: Any) -> Any:
        for number, (filters, count) in enumerate(zip((64, 128, 256, 512), blocks, strict=True), 2):
            strides = 1 if number == 2 else 2
            x = stack_residual_blocks_v1(x, filters, count, stride1=strides, name=f"conv{number}")
        return x

    return ResNet(groups, False, True, weights=None, include_top=False, input_shape=(size, size, 3), name="resnet50")


@cache
def _base(name: str, image_size: int) -> "keras.Model":
    assert name == "ResNet50"
    base = resnet(image_size, (1, 2, 1, 1))
    base.trainable = False
    return base


@contextmanager
def in_stages() -> Iterator[None]:
    """Stages of this process that ask for ResNet50 are given one of 65 layers, with ResNet50's own weights for these.

    Two of its blocks are a group, so that there is one whose sum takes what came in as it is.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(workspace, "_base", _base)
        yield
