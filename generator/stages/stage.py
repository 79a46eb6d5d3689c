"""What a row of `stages.table` says of a stage."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from generator.backbones.weights import Weights
from generator.experiment.config.settings import Recipe

Condition = Callable[[Recipe, Weights], bool]

Given = Literal[
    "classes",
    "dataset",
    "measure",
    "attributes",
    "backbone",
    "weights",
    "precision",
    "titles",
    "runs",
    "questions",
    "points",
]

Sharding = Literal["images", "rows", "passes"]
"""A way to split a stage into shards of images, by its name in `stages.sharding`."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One kind of step of a build."""

    name: str
    runs: str
    """Its function, `module:name`, called with a `Job`, a folder for its files and where to report to."""
    scope: Literal["build", "variant", "run", "runs", "variants", "trial", "sweep"]
    """Runs once with the baseline's settings and files, once a variant with those of its first run, once a run, once a
    variant over all its runs, or once over all runs of all variants; once a run of a point of a sweep, or once a sweep
    over all these."""
    settings: tuple[str, ...] = ()
    """Paths of the settings it may read: those of a variant's recipe, those below `data.`, and below `seeds.` the
    seeds of the run."""
    sometimes: Mapping[str, Condition] = field(default_factory=dict)
    """Settings that it may read only where the condition holds."""
    given: tuple[Given, ...] = ()
    """What else it is given."""
    draws: tuple[Literal["classes", "files", "titles", "attributes"], ...] = ()
    """Names from outside that it draws: the fonts that have their letters are part of its key."""
    needs: tuple[str, ...] = ()
    """Stages whose files it reads."""
    uses: tuple[str, ...] = ()
    """Stages whose files spare it work if they are there; its outcome is the same without them, to the bit."""
    packages: tuple[str, ...]
    """Packages whose version its outcome depends on."""
    decodes: Literal["samples", "test"] | None = None
    """Which images of its data set it decodes: then the packages that decode some of them count among those."""
    for_stages: bool = False
    """Whether its files serve other stages alone; then it runs only where one of these runs."""
    where: Condition | None = None
    """Whether a run has it; None: every run."""
    on_request: bool = False
    """Whether it runs only where the results ask for it; then it is counted among no build's stages."""
    shards: Sharding | None = None
    """How it may be split into shards of images; None: it always runs whole."""
    measures: bool = False
    """Whether it is there only where there are images to measure with."""

    @property
    def tensorflow(self) -> bool:
        """Whether it runs in the process that has TensorFlow."""
        return "tensorflow" in self.packages
