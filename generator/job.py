"""What a TensorFlow stage is given: plain data, so that it can be sent to another process."""

from dataclasses import dataclass
from pathlib import Path

from generator.config import Recipe
from generator.hardware import Precision
from generator.splits import Split
from generator.weights import Weights


@dataclass(frozen=True)
class Job:
    """One stage of one variant, with all that it needs."""

    stage: str
    label: str
    recipe: Recipe
    precision: Precision
    image_size: int
    batch_size: int
    most_stored_bytes: int
    """Budget of the `cut` stage; past it, its outputs are computed whenever they are needed."""
    files: tuple[str, ...]
    """Names of all images, training images first."""
    labels: tuple[int, ...]
    training_images: int
    """How many of the images are training images (validation included)."""
    split: Split
    weights: Weights
    inputs: dict[str, Path]
    """Stage → folder of its files, for the stages this one needs, and those it uses that are there."""
    checkpoint: Path
