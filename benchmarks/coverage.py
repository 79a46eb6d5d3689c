"""How often the intervals of 95% hold the true value: draws test sets from models whose truth is known.

Each row is a method of `generator/support` at 40 and at 1,000 images: `DRAWS` test sets are drawn, half of the images
of either class, and the share of intervals that hold the truth is told, with how many lie wholly below and above it.
Prints Markdown; `--json FILE` keeps every figure.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import record
from generator.support.statistics import bootstrap, calibration, few_runs, noise, ranking
from generator.support.statistics.noise import Pairs

DRAWS = 2000
FEWER = 10
"""Of those that say how often calibration is called wrong: each draws a thousand times itself."""
SIZES = (40, 1000)
SEED = 95

Random = np.random.RandomState
Ends = tuple[float, float]
Vector = NDArray[np.float64]

CELLS = (0.85, 0.08, 0.03, 0.04)
"""Both right, mended, broken, both wrong."""
MARGIN, SPREAD = 3.0, 2.5
"""Of the logit by which the actual class wins: normal. Such a model has 88 % right."""


def accuracy(share: float) -> Callable[[Random, int], tuple[Ends, float]]:
    return lambda random, size: (noise.wilson(random.binomial(size, share), size), share)


def two_accuracies(random: Random, size: int) -> tuple[Ends, float]:
    one, other = random.binomial(size, 0.93), random.binomial(size, 0.88)
    return noise.unpaired(one, size, other, size), 0.05


def paired_accuracies(random: Random, size: int) -> tuple[Ends, float]:
    return noise.newcombe(Pairs(*random.multinomial(size, CELLS).tolist())), CELLS[1] - CELLS[2]


def area(shift: float) -> Callable[[Random, int], tuple[Ends, float]]:
    def draw(random: Random, size: int) -> tuple[Ends, float]:
        labels = np.arange(size) % 2
        found = ranking.area(shift * labels + random.normal(size=size), labels)
        assert found is not None
        return ranking.interval(found), NormalDist().cdf(shift / math.sqrt(2))

    return draw


def two_areas(random: Random, size: int) -> tuple[Ends, float] | None:
    labels, shared = np.arange(size) % 2, random.normal(size=size)
    scores = [shift * labels + (shared + random.normal(size=size)) / math.sqrt(2) for shift in (1.6, 2.2)]
    old, new = (ranking.area(each, labels) for each in scores)
    found = ranking.compared(old, new) if old and new else None
    truth = NormalDist().cdf(2.2 / math.sqrt(2)) - NormalDist().cdf(1.6 / math.sqrt(2))
    return found and (found[:2], truth)


def margins(random: Random, size: int) -> Vector:
    return np.asarray(random.normal(MARGIN, SPREAD, size))


def losses(logits: Vector) -> Vector:
    return np.asarray(np.logaddexp(0, -logits))


def _mean(of: Callable[[Vector], Vector], margin: float = MARGIN) -> float:
    """The true mean of a function of the margin."""
    z, step = np.linspace(-9, 9, 20_001, retstep=True)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return float((of(margin + SPREAD * z) * density).sum() * step)


def loss(random: Random, size: int) -> tuple[Ends, float]:
    return bootstrap.of_mean(tuple(losses(margins(random, size)).tolist()))[:2], LOSS


def brier(random: Random, size: int) -> tuple[Ends, float]:
    squares = (1 / (1 + np.exp(margins(random, size)))) ** 2
    return bootstrap.of_mean(tuple(squares.tolist()))[:2], BRIER


def two_losses(random: Random, size: int) -> tuple[Ends, float]:
    """Of models that find the same images hard."""
    old = margins(random, size)
    new = MARGIN + 0.5 + 0.8 * (old - MARGIN) + 0.6 * random.normal(0, SPREAD, size)
    return bootstrap.of_mean(tuple((losses(new) - losses(old)).tolist()))[:2], LOSS_OF_BETTER - LOSS


def f1(random: Random, size: int) -> tuple[Ends, float]:
    half = size // 2
    right = random.binomial(half, 0.9, 2)
    cells = [int(right[0]), half - int(right[0]), half - int(right[1]), int(right[1])]
    found = bootstrap.of_counts(cells, lambda n: 2 * n[:, 3] / np.maximum(1, 2 * n[:, 3] + n[:, 1] + n[:, 2]))
    return found[:2], 0.9


def seeds_and_images(random: Random, size: int) -> Vector:
    """Of five seeds, with a mean of 0.1; seeds give as much of its spread as forty images do."""
    seeds, images = random.normal(0, 0.35, (5, 1)), random.normal(0, 1, (1, size))
    return np.asarray(0.1 + seeds + images + random.normal(0, 1, (5, size)))


def drawn_again(random: Random, size: int) -> tuple[Ends, float]:
    return bootstrap.two_way(seeds_and_images(random, size))[:2], 0.1


def drawn_again_or_student(random: Random, size: int) -> tuple[Ends, float]:
    table = seeds_and_images(random, size)
    return few_runs.wider(bootstrap.two_way(table), few_runs.crossed(table))[:2], 0.1


LOSS, LOSS_OF_BETTER = _mean(losses), _mean(losses, MARGIN + 0.5)
BRIER = _mean(lambda z: (1 / (1 + np.exp(z))) ** 2)

METHODS: dict[str, Callable[[Random, int], tuple[Ends, float] | None]] = {
    "accuracy 0.90: Wilson": accuracy(0.9),
    "accuracy 0.975: Wilson": accuracy(0.975),
    "two accuracies, same images: Newcombe, paired": paired_accuracies,
    "two accuracies, other images: Newcombe, unpaired": two_accuracies,
    "ROC-AUC 0.92: DeLong, logit": area(2.0),
    "ROC-AUC 0.98: DeLong, logit": area(3.0),
    "two ROC-AUCs, same images: DeLong": two_areas,
    "loss: BCa bootstrap": loss,
    "Brier score: BCa bootstrap": brier,
    "two losses, same images: BCa bootstrap": two_losses,
    "F1 0.90: BCa bootstrap": f1,
    "five seeds × images: two-way bootstrap": drawn_again,
    "five seeds × images: that or Student's t, the wider": drawn_again_or_student,
}
"""What is bounded, by which method → draws a test set; gives the interval and the truth, or None for no interval."""


def simulated(draw: Callable[[Random, int], tuple[Ends, float] | None], size: int, draws: int) -> dict[str, float]:
    random = Random(SEED)
    found = [drawn for drawn in (draw(random, size) for _ in range(draws)) if drawn]
    below = sum(high < truth for (_, high), truth in found)
    above = sum(low > truth for (low, _), truth in found)
    width = float(np.mean([high - low for (low, high), _ in found]))
    shares = {"holds": 1 - (below + above) / len(found), "below": below / len(found), "above": above / len(found)}
    return {"draws": len(found), **shares, "width": width}


def level(size: int, draws: int) -> float:
    """How often confidences that are right are called miscalibrated."""
    random = Random(SEED)
    called = 0
    for _ in range(draws):
        confidence = random.uniform(0.5, 1, size)
        right = random.random_sample(size) < confidence
        answers = tuple(zip(confidence.tolist(), map(bool, right), strict=True))
        called += calibration.chance.__wrapped__(answers).p < noise.SIGNIFICANT
    return called / draws


def as_markdown(record: dict[str, Any]) -> str:
    sizes = record["sizes"]
    heads = "".join(f" {size:,} images | below | above |" for size in sizes)
    lines = [f"| interval |{heads}", "|---|" + "---:|" * 3 * len(sizes)]
    for name, by_size in record["intervals"].items():
        lines.append(f"| {name} |" + "".join(_cells(by_size[str(size)]) for size in sizes))
    return "\n".join(lines)


def _cells(found: dict[str, float]) -> str:
    return f" {found['holds']:.1%} | {found['below']:.1%} | {found['above']:.1%} |"


def level_in_words(record: dict[str, Any]) -> str:
    shares = [f"{record['calibration'][str(size)]:.1%} at {size:,} images" for size in record["sizes"]]
    return f"{' and '.join(shares)}, of {record['draws'] // FEWER:,} each"


def _rows(draws: int) -> Iterator[tuple[str, dict[str, dict[str, float]]]]:
    for name, draw in METHODS.items():
        yield name, {str(size): simulated(draw, size, draws) for size in SIZES}
        print(name, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the figures")
    parser.add_argument("--draws", type=int, default=DRAWS, help="test sets drawn for each row")
    options = parser.parse_args()
    # As many replicates as past a few thousand images: the ends of one interval wobble more, their coverage does not.
    bootstrap.DRAWS = 1999
    found = record.of(sizes=list(SIZES), draws=options.draws, replicates=bootstrap.DRAWS)
    found["intervals"] = dict(_rows(options.draws))
    found["calibration"] = {str(size): level(size, options.draws // FEWER) for size in SIZES}
    record.write(options.json, found)
    print(as_markdown(found))
    print(f"Called miscalibrated though right: {level_in_words(found)}.")


if __name__ == "__main__":
    main()
