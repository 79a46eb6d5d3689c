"""What may be set of how stages are run, here and on a cluster."""

from typing import Literal

from pydantic import Field, model_validator

from generator.support.strict_json import Record

MOST_JOBS = 64
"""Most stages that run at a time."""


class ExecutionSettings(Record):
    """How stages are run: no part of the experiment, whose outcome is the same for any of this but several `nodes`."""

    jobs: int = Field(default=1, ge=1, le=MOST_JOBS)
    """How many stages that need TensorFlow run at a time; where `ray` is set and this is not, all that have room."""
    shard_images: int = Field(default=4096, ge=0)
    """Most images of a shard: stages that pass more are split, and a kill costs a shard; 0: every stage runs whole."""
    copy_data: bool | Literal["auto"] = "auto"
    """Whether a folder of images at an address is copied into the store; else each image is read there where it is
    needed. `auto`: not where `ray` is set; else as the last build did, at first copied."""
    ray: str | None = Field(
        default=None,
        pattern=r"^(auto|local|(ray://)?([\w.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5})$",
        examples=["auto", "local", "HOST:6379", "ray://HOST:10001"],
    )
    """The cluster of Ray that runs them: `auto`, the one that this machine belongs to; `HOST:PORT`, its head as a
    machine of it knows it; `ray://HOST:PORT`, that from outside; `local`, one for this build on this machine."""
    cpus: int | None = Field(default=None, ge=1)
    """What a stage asks the cluster for, in processors. None: as many as there are here, or its largest node has."""
    gpus: int = Field(default=0, ge=0)
    """The same in GPUs."""
    memory: float | None = Field(default=None, gt=0)
    """The same in GiB of memory. None: it asks for none, and takes what it takes."""
    nodes: int = Field(default=1, ge=1, le=64)
    """How many nodes share the batches of each fine-tuning, which moves its outcome by rounding and dropout."""

    @property
    def copies(self) -> bool | None:
        """`copy_data`; None: as the last time."""
        if self.copy_data == "auto":
            return False if self.ray else None
        return self.copy_data

    @model_validator(mode="after")
    def _somebody_is_asked(self) -> "ExecutionSettings":
        asked = [name for name in ("cpus", "gpus", "memory", "nodes") if name in self.model_fields_set]
        if asked and self.ray is None:
            raise ValueError(f"{asked[0]} is what a cluster is asked for; set ray, its address, too")
        return self
