"""What a stage is given: plain data, no more of it than its row in `stages.table` declares."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generator.backbones.backbone import Backbone
from generator.backbones.weights import Weights
from generator.data.dataset import Dataset
from generator.data.measure import MeasureSet
from generator.experiment.config.questions import Question
from generator.experiment.config.settings import PhaseSettings
from generator.support.hardware import Precision
from generator.support.progress import Report


class Undeclared(LookupError):
    """A stage asked for what its row does not declare, so that its key does not know of it."""


@dataclass(frozen=True)
class Job:
    """One stage of one variant, ready to be sent to an executor."""

    stage: str
    label: str
    runs: str
    """Its function, `module:name`."""
    tensorflow: bool
    """Whether it needs the process that has TensorFlow."""
    settings: Mapping[str, Any]
    """Setting path → value, for the settings that are declared."""
    given: Mapping[str, Any]
    """Name → value, for what else is declared."""
    inputs: Mapping[str, Path]
    """Stage → folder of its files, for the stages this one needs, and those it uses that are there.

    A stage over several runs finds them under `<run>.<stage>`.
    """
    checkpoint: Path

    @property
    def body(self) -> "Body":
        """The function to run."""
        module, _, name = self.runs.partition(":")
        body: Body = getattr(importlib.import_module(module), name)
        return body

    def setting(self, path: str) -> Any:
        """Value of a declared setting. Raises `Undeclared` for any other."""
        return self._declared(self.settings, path)

    def phase(self, name: str) -> PhaseSettings:
        """Settings of one training phase."""
        fields = PhaseSettings.model_fields
        return PhaseSettings(**{field: self.setting(f"{name}.{field}") for field in fields})

    @property
    def dataset(self) -> Dataset:
        found: Dataset = self._declared(self.given, "dataset")
        return found

    @property
    def measure(self) -> MeasureSet:
        """The images to measure with."""
        found: MeasureSet = self._declared(self.given, "measure")
        return found

    @property
    def attributes(self) -> Mapping[str, tuple[str, ...]]:
        """What is to be told apart in them: attribute → its value of each."""
        found: Mapping[str, tuple[str, ...]] = self._declared(self.given, "attributes")
        return found

    @property
    def backbone(self) -> Backbone:
        """The facts of the network that images pass first."""
        found: Backbone = self._declared(self.given, "backbone")
        return found

    @property
    def weights(self) -> Weights:
        found: Weights = self._declared(self.given, "weights")
        return found

    @property
    def precision(self) -> Precision:
        found: Precision = self._declared(self.given, "precision")
        return found

    @property
    def classes(self) -> int:
        """How many there are."""
        found: int = self._declared(self.given, "classes")
        return found

    @property
    def questions(self) -> Mapping[str, Question]:
        """Name → question that the post asks."""
        found: Mapping[str, Question] = self._declared(self.given, "questions")
        return found

    @property
    def titles(self) -> Mapping[str, str]:
        """Variant → its title, in the post's order."""
        found: Mapping[str, str] = self._declared(self.given, "titles")
        return found

    @property
    def runs_of(self) -> Mapping[str, Sequence[str]]:
        """Variant → the names of its runs, in order."""
        found: Mapping[str, Sequence[str]] = self._declared(self.given, "runs")
        return found

    def _declared(self, table: Mapping[str, Any], name: str) -> Any:
        if name not in table:
            raise Undeclared(f"{self.label} reads {name}, which the row of {self.stage} does not declare here")
        return table[name]


Body = Callable[[Job, Path, Report], None]
"""Runs a stage: its job, a folder for its files, where to report to."""
