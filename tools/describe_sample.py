"""Measures how far the sample's animals tell their species by what they are made of; prints it, or keeps it as JSON.

    python -m tools.describe_sample [--out tools/records/sample.json]

Of animals drawn with a seed of its own, and of no image: for each measure the area under the ROC curve, for all
measures but the hump together that of a logistic regression on other animals, and the shares of what befalls images.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from generator.data.drawn import drawing, sample

SEED = 71
ANIMALS = 20_000
"""Of each species; half of them fit the regression."""


def describe() -> dict[str, object]:
    """What is measured, as plain data."""
    # Imported late: the regression takes a second to load, and who asks for help need not wait.
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names = list(sample.RANGES)
    measures, labels = _animals(names)
    auc = {
        name: _either_way(float(roc_auc_score(labels, column))) for name, column in zip(names, measures.T, strict=True)
    }
    others = [i for i, name in enumerate(names) if name != "hump"]
    fitted, held = slice(0, ANIMALS), slice(ANIMALS, None)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    model.fit(measures[fitted][:, others], labels[fitted])
    together = float(roc_auc_score(labels[held], model.decision_function(measures[held][:, others])))
    return {
        "version": sample.VERSION,
        "animals_per_species": ANIMALS,
        "auc": auc,
        "most_but_the_hump": max(value for name, value in auc.items() if name != "hump"),
        "all_but_the_hump": together,
        "accuracy_all_but_the_hump": float(model.score(measures[held][:, others], labels[held])),
        "lowest_hump": float(measures[labels == 0, names.index("hump")].min()),
        "highest_hump": float(measures[:, names.index("hump")].max()),
        "shares": {
            "load": sample.LOADS,
            "occluder": drawing.IN_FRONT,
            "companion": sample.ACCOMPANIED,
            "crop": drawing.CROPPED,
            "pose": sample.POSES,
            "camouflage": drawing.CAMOUFLAGED,
        },
    }


def one_in(accuracy: float) -> str:
    """How many animals there are for each that is told wrongly, as a document says it."""
    return f"{1 / (1 - accuracy):.0f}"


def _animals(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Measures of all animals, float64 (n, m), and their labels, int64 (n,), species in turn."""
    plans = [
        sample.plan(np.random.default_rng([SEED, number, label]), species)
        for number in range(ANIMALS)
        for label, species in enumerate(sample.SPECIES)
    ]
    labels = np.tile(np.arange(len(sample.SPECIES)), ANIMALS)
    return np.array([[getattr(p, name) for name in names] for p in plans]), labels


def _either_way(auc: float) -> float:
    """At least one half: which species has more of a measure does not matter."""
    return max(auc, 1 - auc)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write JSON there")
    options = parser.parse_args()
    text = json.dumps(describe(), indent=2) + "\n"
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, "utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
