"""What a trained network says of images, as plain data: `docs/schemas/predicted.json.schema.json`."""

from typing import Literal

from pydantic import Field

from generator.experiment.data_summary import Part
from generator.support import strict_json
from generator.support.hardware import Precision
from generator.support.strict_json import Record

NAME = "predicted.json"


class Known(Record):
    """An image of the data set that is the image itself."""

    file: str
    """Path below the data set's root, with forward slashes."""
    class_name: str
    part: Part
    """What this run used it for."""
    same: Literal["bytes", "pixels"]
    """Whether the files are the same, or only what is decoded from them, at the size that is used."""


class Neighbour(Record):
    """An image that was trained on."""

    file: str
    class_name: str
    cosine: float
    """Of the angle between its features and those of the image, of the frozen base, at most 1."""
    row: int = Field(ge=0, exclude=True)
    """Its position in the data set."""


class ClassProbability(Record):
    class_name: str
    probability: float = Field(ge=0, le=1)
    calibrated: float | None = Field(default=None, ge=0, le=1)
    """With the logits divided by the temperature; None where there is none."""


class ActivationMap(Record):
    """What each place of the last features adds to the logit of the class that is named, rows from top to bottom.

    The mean of all places, and a constant that is the same for every image, is that logit; of two classes it is the
    logit of the one against the other.
    """

    rows: tuple[tuple[float, ...], ...]


class Answer(Record):
    """What the network says of one image."""

    file: str
    """As it was named, or was found in a folder that was."""
    class_name: str
    probability: float = Field(ge=0, le=1)
    """Of that class."""
    calibrated: float | None = Field(default=None, ge=0, le=1)
    probabilities: tuple[ClassProbability, ...]
    """Of every class, in the order of labels."""
    known: tuple[Known, ...]
    """Where the image is in the data set; empty where it is not."""
    nearest: tuple[Neighbour, ...]
    """The images that were trained on whose features are most like its own, the image itself left out."""
    activation_map: ActivationMap
    notes: tuple[str, ...]
    """What was odd about the file, and was handled."""


class NotRead(Record):
    """A file that cannot be asked about."""

    file: str
    reason: str


class Answers(Record):
    """What one network says of some images."""

    variant: str
    run: int = Field(ge=1)
    network: str
    precision: Precision
    class_names: tuple[str, ...]
    temperature: float | None
    """What validation chose to divide the logits by; None where no temperature is best."""
    images: tuple[Answer, ...]
    """In the order in which they were named."""
    not_read: tuple[NotRead, ...]


def to_text(answers: Answers) -> str:
    return strict_json.to_json({"schema_version": strict_json.SCHEMA_VERSION, **answers.model_dump(mode="json")})
