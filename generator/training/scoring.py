"""From a trained model to predictions and scores; standard metrics come from scikit-learn."""

from collections.abc import Iterable, Sequence
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from generator.experiment.outcomes import ClassificationScore, ConfusionMatrix, Prediction, Score
from generator.experiment.task import TASK


def predict(model: keras.Model, batches: Iterable[tuple[tf.Tensor, tf.Tensor]]) -> np.ndarray:
    """Logits, float64 (n,), of all images of `batches`, in their order."""
    # One graph for all operations, as in training.
    forward = tf.function(partial(model, training=False), autograph=False)
    logits = [forward(images) for images, _ in batches]
    return np.concatenate([np.asarray(part, np.float64)[:, 0] for part in logits])


def score(logits: np.ndarray, labels: np.ndarray) -> Score:
    """Loss and count of correct images. Binary cross-entropy of a logit z and a label y: log(1 + e^z) - y z."""
    losses = np.logaddexp(0, logits) - labels * logits
    return Score(loss=float(losses.mean()), correct=int(((logits > TASK.threshold) == labels).sum()), total=len(labels))


def classification_score(logits: np.ndarray, labels: np.ndarray) -> ClassificationScore:
    """`score` with precision, recall, F1 and the area under the ROC curve, class 1 being positive."""
    predicted = (logits > TASK.threshold).astype(int)
    precision, recall, f1, _ = precision_recall_fscore_support(labels, predicted, labels=[0, 1], zero_division=0)
    both = len(set(labels.tolist())) == 2
    return ClassificationScore(
        **score(logits, labels).model_dump(),
        precision=float(precision[1]),
        recall=float(recall[1]),
        f1=float(f1[1]),
        roc_auc=float(roc_auc_score(labels, logits)) if both else None,
    )


def confusion(logits: np.ndarray, labels: np.ndarray) -> ConfusionMatrix:
    """Counts by actual class (rows) and predicted class (columns)."""
    cells = confusion_matrix(labels, (logits > TASK.threshold).astype(int), labels=[0, 1])
    (true_negative, false_positive), (false_negative, true_positive) = cells.tolist()
    return ConfusionMatrix(
        true_negative=true_negative,
        false_positive=false_positive,
        false_negative=false_negative,
        true_positive=true_positive,
    )


def predictions(logits: np.ndarray, labels: np.ndarray, files: Sequence[str]) -> tuple[Prediction, ...]:
    """One record per image, in order; the probability is the sigmoid of the logit."""
    probabilities = 0.5 * (1 + np.tanh(logits / 2))  # the sigmoid, without overflow
    return tuple(
        Prediction(
            index=i,
            file=file,
            actual=int(labels[i]),
            predicted=int(logits[i] > TASK.threshold),
            logit=float(logits[i]),
            probability=float(probabilities[i]),
        )
        for i, file in enumerate(files)
    )
