"""The stages that draw: results and pixels of other stages to figures.

Imported only where one of them runs: Matplotlib and seaborn take a second.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from generator.data import decoding, regions, summary
from generator.data.dataset import Sample
from generator.data.pixels import example_with_alpha
from generator.experiment.data_summary import Part
from generator.experiment.label_review import LabelReview
from generator.experiment.measurement import Measured
from generator.experiment.outcomes import PHASES, Epoch, Phase, PhaseOutcome, Prediction, Score
from generator.experiment.showcase import MOST_PAIRS, doubtful
from generator.experiment.statistics.answers import Scored, answers
from generator.experiment.statistics.two_way import interval
from generator.experiment.stopping import kept
from generator.figures import charts
from generator.figures.accuracies import Accuracies, Runs
from generator.figures.canvas import Drawing, Pixels
from generator.figures.curves import History
from generator.figures.near import Side
from generator.stages import artifacts
from generator.stages.job import Job
from generator.stages.pixels import found_in, near_in
from generator.support.errors import printable
from generator.support.progress import Report
from generator.support.strict_json import validated


def data_figures(job: Job, out: Path, report: Report) -> None:
    pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)
    example = alpha_example(job)
    drawings = charts.draw_data(
        job.dataset.class_names,
        test_pixels=pixels[job.dataset.first_test :],
        test_labels=[sample.label for sample in job.dataset.test],
        alpha_example=decoding.read_rgba(example.path) if example else None,
        alpha_name=example.name if example else None,
        augmented=np.load(job.inputs["augmentation"] / artifacts.COPIES),
        original=pixels[0],
    )
    artifacts.write_drawings(out, (*drawings, *_near(job, pixels)))


def alpha_example(job: Job) -> Sample | None:
    """A training image with transparent pixels, to show it; none is looked for where decoding has seen none."""
    return example_with_alpha(job.dataset) if found_in(job.inputs["pixels"]).transparent else None


def _near(job: Job, pixels: Pixels) -> tuple[Drawing, ...]:
    """The first pairs of near-duplicates, if there are any."""
    pairs = near_in(job.inputs["near"]).pairs
    validation = frozenset(artifacts.read_split(job.inputs["split"]).validation)

    def side(position: int) -> Side:
        sample, part = job.dataset.samples[position], summary.part_of(job.dataset, position, validation)
        return Side(pixels[position], sample.name, job.dataset.class_names[sample.label], summary.CALLED[part])

    shown = [(side(pair.first), side(pair.second)) for pair in pairs[:MOST_PAIRS]]
    return charts.draw_near(shown, len(pairs))


def curves(job: Job, out: Path, report: Report) -> None:
    # Of each run its two phases, in order.
    runs = dict.fromkeys(name.partition(".")[0] for name in job.inputs)
    artifacts.write_drawings(out, charts.draw_curves([_history(job, run) for run in runs]))


def figures(job: Job, out: Path, report: Report) -> None:
    test_pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)[job.dataset.first_test :]
    outcome = _outcome(job)
    # Confidences are judged on as many images as there are, as `post.prose.confidence` does.
    measured = "measurement" in job.inputs
    judged = (_measured(job, "measurement", "fine_tuning") if measured else outcome).predictions
    artifacts.write_drawings(out, charts.draw_variant(outcome, job.dataset.class_names, test_pixels, judged))


def examples(job: Job, out: Path, report: Report) -> None:
    test_pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)[job.dataset.first_test :]
    artifacts.write_drawings(out, charts.draw_examples(_outcome(job), job.dataset.class_names, test_pixels))


def map_figures(job: Job, out: Path, report: Report) -> None:
    outcome = _outcome(job)
    test_pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)[job.dataset.first_test :]
    maps = artifacts.rows(job.inputs["activation_maps"] / artifacts.MAPS)
    size = test_pixels.shape[1]
    drawn = [(p, test_pixels[p.index], regions.enlarged(maps[p.index], size)) for p in doubtful(outcome.predictions)]
    artifacts.write_drawings(out, charts.draw_maps(drawn, job.dataset.class_names))


def label_figures(job: Job, out: Path, report: Report) -> None:
    found = artifacts.read_records(job.inputs["labels"])["labels"]
    review = validated(LabelReview, found, _where(job))
    pixels = artifacts.rows(job.inputs["pixels"] / artifacts.PIXELS)
    artifacts.write_drawings(out, charts.draw_labels(review, job.dataset.class_names, pixels))


def measure_figures(job: Job, out: Path, report: Report) -> None:
    found = artifacts.read_records(job.inputs["measurement"])["fine_tuning"] | {"attributes": job.attributes}
    measured = validated(Measured, found, _where(job))
    pixels = artifacts.rows(job.inputs["measure_pixels"] / artifacts.PIXELS)
    artifacts.write_drawings(out, charts.draw_measurement(measured, job.dataset.class_names, pixels))


def comparison(job: Job, out: Path, report: Report) -> None:
    drawings = charts.draw_comparison([_accuracies(job, *row) for row in job.titles.items()])
    measured = any(name.endswith(".measurement") for name in job.inputs)
    found = answers(job.questions, lambda name, phase: _scored(job, name, phase, measured=measured), measured=measured)
    artifacts.write_drawings(out, (*drawings, *charts.draw_answers(list(found.values()))))


def _scored(job: Job, name: str, phase: Phase, *, measured: bool) -> Scored:
    """What the runs of a variant made, after `phase`, of the images that questions are answered with."""
    last = "head_evaluation" if phase == "head" else "evaluation"
    runs = [
        _measured(job, f"{run}.measurement", phase) if measured else _outcome(job, f"{run}.{last}")
        for run in job.runs_of[name]
    ]
    return Scored(job.titles[name], phase, tuple(run.predictions for run in runs))


def _measured(job: Job, stage: str, phase: Phase) -> Measured:
    return validated(Measured, artifacts.read_records(job.inputs[stage])[phase], _where(job))


def sweep_figures(job: Job, out: Path, report: Report) -> None:
    points: Sequence[Sequence[str]] = job.given["points"]
    losses = [fmean(_validated(job, run).loss for run in runs) for runs in points]
    artifacts.write_drawings(out, charts.draw_sweep(losses))


def _validated(job: Job, run: str) -> Score:
    table = artifacts.read_records(job.inputs[f"{run}.validation"])["score"]
    return validated(Score, table, _where(job))


def _accuracies(job: Job, name: str, title: str) -> Accuracies:
    """Scores of a variant's runs, those on images to measure with where that was done."""
    runs = job.runs_of[name]
    head, last = ([_outcome(job, f"{run}.{stage}") for run in runs] for stage in ("head_evaluation", "evaluation"))
    stages = [f"{run}.measurement" for run in runs if f"{run}.measurement" in job.inputs]
    measured = [_measured(job, stage, "fine_tuning") for stage in stages]
    return Accuracies(
        title=title,
        head_validation=_part(head, "validation"),
        head_test=_part(head, "test"),
        validation=_part(last, "validation"),
        test=_part(last, "test"),
        measured=_runs(measured, [each.predictions for each in measured]) if measured else None,
    )


def _part(outcomes: Sequence[PhaseOutcome], part: Part) -> Runs:
    scores = [getattr(outcome, part) for outcome in outcomes]
    return _runs(scores, [outcome.predictions_by_part[part] for outcome in outcomes])


def _runs(scores: Sequence[Score], predictions: Sequence[Sequence[Prediction]]) -> Runs:
    """`scores` of runs with the interval that their predictions give."""
    return Runs.one(scores[0]) if len(scores) == 1 else Runs(scores, interval(predictions))


def _history(job: Job, run: str) -> History:
    phases = {}
    for phase in PHASES:
        rows = artifacts.read_records(job.inputs[f"{run}.{phase}"])["history"]
        phases[phase] = [validated(Epoch, row, _where(job)) for row in rows]
    chosen = [kept(epochs, "best") for phase, epochs in phases.items() if job.setting(f"{phase}.keep") == "best"]
    return History(phases["head"], phases["fine_tuning"], chosen)


def _outcome(job: Job, stage: str = "evaluation") -> PhaseOutcome:
    return validated(PhaseOutcome, artifacts.read_records(job.inputs[stage])["outcome"], _where(job))


def _where(job: Job) -> str:
    return f"{printable(job.label)}: results in the store"
