"""From a trained model to predictions and scores; standard metrics come from scikit-learn."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from generator.experiment.confusion import ConfusionMatrix
from generator.experiment.data_summary import Part
from generator.experiment.measurement import Measured
from generator.experiment.outcomes import ClassificationScore, PhaseOutcome, Prediction, Score
from generator.experiment.task import Task


def predict(model: keras.Model, batches: Iterable[tuple[tf.Tensor, tf.Tensor]]) -> np.ndarray:
    """Logits, float64 (n, outputs), of all images of `batches`, in their order."""
    # One graph for all operations, as in training.
    forward = tf.function(partial(model, training=False), autograph=False)
    return _written(np.concatenate([np.asarray(forward(images)) for images, _ in batches]))


def _written(logits: np.ndarray) -> np.ndarray:
    """As they will stand in the files: of several classes with the fewest digits that tell a float32 from its
    neighbours, because every class of every image has one."""
    return logits.astype(str).astype(np.float64) if logits.shape[1] > 1 else logits.astype(np.float64)


def score(task: Task, logits: np.ndarray, labels: np.ndarray) -> Score:
    """Mean cross-entropy and count of correct images."""
    losses = task.losses(logits, labels)
    return Score(loss=float(losses.mean()), correct=int((task.decisions(logits) == labels).sum()), total=len(labels))


def classification_score(task: Task, logits: np.ndarray, labels: np.ndarray) -> ClassificationScore:
    """`score` with precision, recall, F1 and the area under the ROC curve.

    Of two classes, class 1 is positive; of more, each is the mean over the classes that have images.
    """
    present = np.unique(labels)
    counted = [1] if task.classes == 2 else present
    ratios = precision_recall_fscore_support(labels, task.decisions(logits), labels=counted, zero_division=0)
    precision, recall, f1 = (float(ratio.mean()) for ratio in ratios[:3])
    area = roc_auc(task, logits, labels) if len(present) == task.classes else None
    return ClassificationScore(
        **score(task, logits, labels).model_dump(), precision=precision, recall=recall, f1=f1, roc_auc=area
    )


def roc_auc(task: Task, logits: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve of images of every class: by the logit of two classes, else the mean of each one
    against the rest, by its probability."""
    if task.classes == 2:
        return float(roc_auc_score(labels, logits[:, 0]))
    each = task.probabilities(logits)
    return float(np.mean([roc_auc_score(labels == label, each[:, label]) for label in range(task.classes)]))


def confusion(task: Task, logits: np.ndarray, labels: np.ndarray) -> ConfusionMatrix:
    """Counts by actual class (rows) and predicted class (columns)."""
    cells = confusion_matrix(labels, task.decisions(logits), labels=range(task.classes))
    return ConfusionMatrix(rows=cells.tolist())


def measured(task: Task, logits: np.ndarray, labels: np.ndarray, files: Sequence[str]) -> Measured:
    """All of this for the images to measure with."""
    found = predictions(task, logits, labels, files)
    return Measured(**classification_score(task, logits, labels).model_dump(), predictions=found)


def outcome(
    task: Task, logits: np.ndarray, labels: np.ndarray, files: Sequence[str], parts: Mapping[Part, Sequence[int]]
) -> PhaseOutcome:
    """Scores and predictions of the images of every part; `parts` says which rows of the arrays are its images."""
    z, y = ({part: values[list(rows)] for part, rows in parts.items()} for values in (logits, labels))
    return PhaseOutcome(
        train=score(task, z["train"], y["train"]),
        validation=score(task, z["validation"], y["validation"]),
        test=classification_score(task, z["test"], y["test"]),
        confusion=confusion(task, z["test"], y["test"]),
        predictions_by_part={
            part: predictions(task, z[part], y[part], [files[row] for row in rows]) for part, rows in parts.items()
        },
    )


def predictions(task: Task, logits: np.ndarray, labels: np.ndarray, files: Sequence[str]) -> tuple[Prediction, ...]:
    """One record per image, in order."""
    several = task.outputs > 1
    predicted, probabilities = task.decisions(logits), task.probabilities(logits)
    return tuple(
        Prediction(
            index=i,
            file=file,
            actual=int(labels[i]),
            predicted=int(predicted[i]),
            logit=float(logits[i, predicted[i] if several else 0]),
            probability=float(probabilities[i, predicted[i] if several else 1]),
            logits=tuple(logits[i].tolist()) if several else (),
        )
        for i, file in enumerate(files)
    )
