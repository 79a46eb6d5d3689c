"""A trained network as a folder of its own: the file, what is needed to use it, a model card whose numbers are bound.

README.md             the model card
model.keras           the network; model.tflite where it was asked for
labels.txt            a class a line, in the order of the network's answers
preprocessing.json    how an image becomes what the network takes
build/                the build's results, what is known of the file, and the manifest of all this
"""

import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from generator.build.executor import Executor
from generator.data.pixels import PixelReport
from generator.experiment import exported
from generator.experiment.exported import Exported
from generator.experiment.files import result_files
from generator.experiment.results import BuildResults
from generator.models.found import Found
from generator.post import manifest
from generator.post.formats import card
from generator.publishing import publish
from generator.publishing.publish import Published
from generator.publishing.verify import OF_MODEL
from generator.stages import asked
from generator.stages.pixels import found_in
from generator.support import escape, strict_json
from generator.support.display import Display
from generator.support.errors import BuildFailed

LABELS, PREPROCESSING = "labels.txt", "preprocessing.json"
BUILD = str(PurePosixPath(OF_MODEL).parent)
"""Folder of the build's results beside the card."""


@dataclass(frozen=True)
class Options:
    """What is wanted beside the network."""

    lite: bool
    licence: str
    commands: tuple[str, str]
    """That build the network, and that write its folder, on any machine."""
    overwrite: bool


@dataclass(frozen=True)
class Outcome:
    """What was written."""

    published: Published
    exported: Exported


def export(found: Found, folder: Path, display: Display, options: Options, executor: Executor | None = None) -> Outcome:
    """Write the network that was `found` into `folder`, in place of what an earlier call wrote there.

    The file is loaded again and tried on test images. Raises `BuildFailed` where it does not give the build's
    predictions, or the converter refuses; `BadInput` where other files are in the way; `folder` stays as it was.
    """
    results = found.results()
    names: list[str] = [card.NAME, asked.MODEL, *([asked.MODEL_LITE] if options.lite else []), LABELS, PREPROCESSING]
    place: dict[str, Any] = {"manifest_path": OF_MODEL, "overwrite": options.overwrite, "option": "--out"}
    publish.check(folder, dict.fromkeys(names), **place)
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch)
        with closing(executor) if executor else found.executor() as running:
            for stage in (asked.EXPORT, *([asked.LITE] if options.lite else [])):
                with display.stage(f"{found.run.name}.{stage.name}") as report:
                    running.run(found.job(stage, {asked.WRITTEN: written}), written, report)
        known = _compared(found, results, written, lite=options.lite)
        networks = {name: (written / name).read_bytes() for name in names if (written / name).is_file()}
    files = networks | _texts(found, results, known)
    made = card.render_card(
        found.config.post, results, known, commands=options.commands, licence=options.licence, folder=BUILD
    )
    files[card.NAME] = made.text.encode()
    files[OF_MODEL] = manifest.to_text(manifest.make(card.NAME, files, made.numbers)).encode()
    return Outcome(publish.publish(folder, files, **place), known)


def _compared(found: Found, results: BuildResults, written: Path, *, lite: bool) -> Exported:
    """What the written files say of test images, held against the build. Raises `BuildFailed`."""
    variant = results.variants[found.run.variant.name]
    dataset, predictions = found.begun.dataset, variant.every_run[found.run.number - 1].predictions
    tried = asked.tried(range(dataset.first_test, len(dataset.samples)))
    tested = [predictions[row - dataset.first_test] for row in tried]
    said = np.array([prediction.probabilities for prediction in tested])
    given = np.load(written / asked.PROBABILITIES)
    known = Exported(
        variant=variant.name,
        run=found.run.number,
        precision=variant.precision,
        images=len(tested),
        difference=float(np.abs(given - said).max()),
        changed=int((given.argmax(1) != said.argmax(1)).sum()),
        lite_difference=float(np.abs(np.load(written / asked.PROBABILITIES_LITE) - said).max()) if lite else None,
    )
    most = exported.tolerance(known.precision, max(abs(z) for p in tested for z in (p.logit, *p.logits)))
    for name, difference in ((asked.MODEL, known.difference), (asked.MODEL_LITE, known.lite_difference or 0.0)):
        if not difference <= most:
            raise BuildFailed(
                f"{name}: its probabilities differ from those of the build by up to {difference:.1e}, more than "
                f"rounding explains ({most:.1g} for {known.precision}), so nothing was written"
            )
    return known


def _texts(found: Found, results: BuildResults, known: Exported) -> dict[str, bytes]:
    """The files beside the network and the card."""
    labels = "".join(f"{escape.clean(name)}\n" for name in results.data.class_names)
    texts = {
        LABELS: labels,
        PREPROCESSING: strict_json.to_json(_preprocessing(found, found_in(found.folder("pixels")))),
        f"{BUILD}/{exported.NAME}": exported.to_text(known),
        **{f"{BUILD}/{name}": text for name, text in result_files.to_files(results).items()},
    }
    return {name: text.encode() for name, text in texts.items()}


_ALPHA = {
    "drop": "colours as they are stored, also hidden ones",
    "white": "blended with white",
    "grey": "blended with grey, 128 in every channel",
    "background": "hidden colours as they are stored, white in place of what is opaque",
}
_CROP = {
    "none": "nothing is cut off",
    "picture": "to the box of all but the even padding that transparency hides",
    "subject": "to the box of what is not wholly transparent",
}


def _preprocessing(found: Found, report: PixelReport) -> Mapping[str, Any]:
    """How a file becomes what the network takes and its answer an answer, for programs."""
    data = found.data
    return {
        "schema_version": strict_json.SCHEMA_VERSION,
        "input": {
            "channels": "RGB",
            "dtype": ["uint8", "float32"],
            "range": [0, 255],
            "shape": [None, data.image_size, data.image_size, 3],
        },
        "decoding": {
            "alpha": _ALPHA[data.alpha],
            "crop": _CROP[data.crop],
            "animation": "the first frame",
            "exif_orientation": "applied",
            "more_than_8_bits": {kind: vars(scale) for kind, scale in report.scales.items()},
        },
        "resizing": {
            "filter": "Pillow's BILINEAR, which averages when it shrinks",
            "to": "a square, whatever the image's own shape",
        },
        "inside_the_network": found.run.variant.recipe.model.preprocess,
        "output": {
            "labels": [escape.clean(name) for name in found.begun.dataset.class_names],
            "logits": "the layer classification",
            "values": "probabilities by softmax, one for each class in the order of the labels",
        },
    }
