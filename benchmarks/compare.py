"""A peer and the project side by side: seconds per phase and in all, their ratios, both accuracies.

The peer is plain Keras, as the write-up runs it, or with `--peer` another one (`peer.py`).

Both run the same recipe on the same images with the same weights, split and epochs, each in processes of its own,
in turn: the baseline on both sides, then the other variants on both sides, so that a machine whose speed drifts hits
both alike. The project is the real command, so its seconds hold figures, post and preview too: first the baseline
with an empty store, then the other variants as they are added to it.

Prints Markdown with the medians of all rounds. `--json FILE` keeps every figure after each round, and a later run
with the same options adds its rounds to it, so that hours of measuring need not be one piece.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import asdict
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine, peer, project, record
from benchmarks.peer import PEERS
from generator.data.drawn import sample
from generator.experiment.config import loading
from generator.experiment.config.settings import BASELINE, DataSettings
from generator.support.errors import BadInput
from generator.support.places import ROOT
from generator.support.statistics import noise

PHASES = {
    "head": ("features", "head"),
    "fine_tuning": ("cut", "fine_tuning"),
    "evaluation": ("evaluation",),
}
"""Phase of the recipe → the project's stages that do its work."""

PRECISIONS = ("float32", "bfloat16")

GOALS = {
    ("keras", "float32", "baseline"): 3.6,
    ("keras", "float32", "all"): 1.8,
    ("keras", "bfloat16", "baseline"): 8,
    ("keras", "bfloat16", "all"): 4,
    ("torch", "bfloat16", "baseline"): 4,
    ("torch", "bfloat16", "all"): 1.8,
    ("cached", "float32", "baseline"): 1.3,
    ("cached", "float32", "all"): 1.3,
    ("cached", "bfloat16", "baseline"): 1.3,
    ("cached", "bfloat16", "all"): 1.3,
}
"""Peer, the project's precision and variants → how many times as fast as the peer the whole run should be."""

GOALS_WITH_TILES = {("keras", "bfloat16", "baseline"): 9.5, ("keras", "bfloat16", "all"): 5.5}
"""The same where the processor multiplies tiles of bfloat16 (AMX)."""

Table = dict[str, Any]

Seconds = Callable[[Table], float]
"""Of a round."""


def main() -> None:
    options = _options()
    print(machine.as_markdown(machine.describe()), flush=True)
    report = _begun(options)
    with tempfile.TemporaryDirectory() as folder:
        copies = {p: project.copy(Path(folder) / p) for p in PRECISIONS if p in options.precision}
        # Beforehand, for both: how long drawing takes says nothing about training.
        images = options.data or _drawn(Path(folder) / "images", options.images)
        _check_alike(images, options, Path(folder))
        for _ in range(options.repeats):
            report["rounds"].append(one_round(copies, images, options))
            record.write(options.json, report)
    rounds = report["rounds"]
    print(as_markdown(rounds), against_goals(rounds), agreement(rounds), sep="\n\n")


def _begun(options: argparse.Namespace) -> Table:
    """The report with the rounds that are already in `--json`."""
    chosen = {name: str(value) for name, value in vars(options).items() if name not in ("json", "repeats")}
    if not (options.json and options.json.exists()):
        return {"options": chosen, "rounds": []}
    begun = json.loads(options.json.read_text("utf-8"))
    if {"peer": "keras", **begun["options"]} != chosen:
        sys.exit(f"{options.json}: holds rounds with other options; name another file")
    return {"options": chosen, "rounds": begun["rounds"]}


def one_round(copies: dict[str, Path], images: Path, options: argparse.Namespace) -> Table:
    """Both sides measured once; `copies` holds a copy of the project for each precision.

    With what it was measured with `{"peer": …, "plain": {variant: …}, "plain_runs": {selection: …}, "project":
    {precision: {selection: …}}}`, of which `plain` is the peer's.
    """
    for copied, name in product(copies.values(), (".store", "site")):
        shutil.rmtree(copied / name, ignore_errors=True)
    found = record.of(peer=options.peer, plain={}, plain_runs={}, project={p: {} for p in copies})
    found["machine"] |= machine.packages(PEERS[options.peer].package)
    for selection in dict.fromkeys((BASELINE, options.variants)):
        run, variants = run_peer(selection, images, options)
        found["plain"] |= variants
        found["plain_runs"][selection] = asdict(run)
        for precision, copied in copies.items():
            found["project"][precision][selection] = build(copied, precision, selection, images, options)
    return found


def run_peer(selection: str, images: Path, options: argparse.Namespace) -> tuple[project.Run, Table]:
    """The variants that `selection` adds to the baseline, or the baseline, by the peer: the run, and each."""
    chosen = PEERS[options.peer]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "peer.json"
        arguments = ["--config", str(project.ROOT / "experiment.toml"), "--store", folder, "--out", str(out)]
        arguments += ["--variants", selection, *([] if selection == BASELINE else ["--added"])]
        arguments += [*_settings(images, options), *(["--xla"] if options.xla else [])]
        run = project.run([sys.executable, "-m", chosen.module, *arguments], project.ROOT)
        print(f"{chosen.label}, {selection}: {run.seconds:.1f} s", flush=True)
        return run, json.loads(out.read_text("utf-8"))


def build(copied: Path, precision: str, selection: str, images: Path, options: argparse.Namespace) -> Table:
    """The project's own command; what its store holds is not computed again."""
    # A peer does not measure beside the test images.
    settings = ["--set", f"model.precision={precision}", "--set", "data.measure=0", *_settings(images, options)]
    done = project.build(copied, "--variants", selection, *settings)
    print(f"project, {precision}, {selection}: {done.run.seconds:.1f} s", flush=True)
    return {**asdict(done.run), "stages": done.stages, "ran": done.ran, "variants": done.metrics["variants"]}


def as_markdown(rounds: list[Table]) -> str:
    """Per phase of the baseline, added variant and whole run the medians of all rounds; the last round's scores.

    A ratio is the median of the rounds' own ratios, not the ratio of the medians: the two sides of a round met the
    same machine, rounds may have met different ones. The lowest and the highest stand behind it.
    """
    return "\n".join(line for precision in rounds[0]["project"] for line in _tables(rounds, precision))


def against_goals(rounds: list[Table]) -> str:
    """The whole runs' ratios beside what the project set out to reach."""
    lines = ["| whole run | goal | median | lowest round | |", "|---|---:|---:|---:|---|"]
    for precision, built in rounds[0]["project"].items():
        lines += [_against_goal(rounds, precision, selection) for selection in built]
    return "\n".join(line for line in lines if line)


def _against_goal(rounds: list[Table], precision: str, selection: str) -> str:
    """A row; none where no goal was set. Every selection's runs begin with the baseline's."""
    tiles = "amx_bf16" in rounds[0]["machine"]["bfloat16 units"]
    goals = GOALS | (GOALS_WITH_TILES if tiles else {})
    goal = goals.get((_peer(rounds), precision, selection))
    if goal is None:
        return ""
    runs = dict.fromkeys((BASELINE, selection))
    ratios = [_sum(r["plain_runs"], runs, "seconds") / _sum(r["project"][precision], runs, "seconds") for r in rounds]
    met = "met by every round" if min(ratios) >= goal else "met" if median(ratios) >= goal else "not met"
    return f"| {selection}, {precision} | {goal:g}× | {median(ratios):.2f}× | {min(ratios):.2f}× | {met} |"


def agreement(rounds: list[Table]) -> str:
    """By how many images both sides' accuracies after fine-tuning differ at most, and whether that may be chance.

    Fisher's test takes the two sides' images for different ones; they are the same, so that it sees less than there is.
    """
    counts: dict[str, list[tuple[int, int, int]]] = {"validation": [], "test": []}
    for found, precision in product(rounds, rounds[0]["project"]):
        for name, built in list(found["project"][precision].values())[-1]["variants"].items():
            theirs = found["plain"][name]
            shares = {"validation": theirs["fine_tuning"]["val_accuracy"], "test": theirs["test"]["accuracy"]}
            for part, share in shares.items():
                total = built[part]["total"]
                counts[part].append((round(share * total), built[part]["correct"], total))
    told = [f"{max(abs(a - b) for a, b, _ in of)} of {of[0][2]} {part} images" for part, of in counts.items()]
    least = min(noise.fisher(a, total, b, total) for of in counts.values() for a, b, total in of)
    verdict = "may be chance" if least >= noise.SIGNIFICANT else "is more than chance"
    return (
        f"After fine-tuning both sides' accuracies differ by at most {' and '.join(told)}, which {verdict} "
        f"(Fisher's exact test, least p {least:.2f})."
    )


def _peer(rounds: list[Table]) -> str:
    """Which one was compared with; rounds from before there were several do not say it."""
    return str(rounds[0].get("peer", "keras"))


def _tables(rounds: list[Table], precision: str) -> list[str]:
    selection = list(rounds[0]["project"][precision])[-1]
    label = PEERS[_peer(rounds)].label

    def phase(name: str) -> str:
        labels = [f"{BASELINE}.{stage}" for stage in PHASES[name]]
        return _row(
            f"baseline, {name.replace('_', '-')}",
            rounds,
            lambda r: r["plain"][BASELINE]["seconds"][name],
            lambda r: sum(r["project"][precision][BASELINE]["stages"][label] for label in labels),
        )

    def whole(name: str, *selections: str, what: str = "seconds") -> str:
        return _row(
            name,
            rounds,
            lambda r: _sum(r["plain_runs"], selections, what),
            lambda r: _sum(r["project"][precision], selections, what),
        )

    lines = ["", f"| {precision}, median of {len(rounds)} | {label}, s | project, s | ratio |"]
    lines += ["|---|---:|---:|---:|", *map(phase, PHASES), whole("baseline, whole", BASELINE)]
    if selection != BASELINE:
        lines += [whole("the other variants, added", selection), whole(f"{selection}, whole")]
    lines.append(whole(f"{selection}, whole, processor time", what="processor"))
    lines += _added(rounds, precision, selection)
    lines += ["", f"| scores ({label} / project) | head val. acc. | fine-tuned val. acc. | test acc. | test loss |"]
    lines += ["|---|---|---|---|---|"]
    lines += [_scores(name, rounds[-1], precision, selection) for name in rounds[-1]["plain"]]
    return lines


def _added(rounds: list[Table], precision: str, selection: str) -> list[str]:
    """What each variant cost that was added to the baseline: only the stages that it does not share."""

    def built(found: Table) -> Table:
        added: Table = found["project"][precision][selection]
        return added

    def row(name: str, labels: list[str]) -> str:
        seconds = {label: median(built(r)["stages"][label] for r in rounds) for label in labels}
        stages = ", ".join(f"{label.split('.')[1].replace('_', '-')} {took:.1f}" for label, took in seconds.items())
        ratio = _row(
            name,
            rounds,
            lambda r: sum(r["plain"][name]["seconds"].values()),
            lambda r: sum(built(r)["stages"][label] for label in labels),
        )
        return f"{ratio} {stages} |"

    ran = {
        name: [label for label in built(rounds[-1])["ran"] if label.startswith(f"{name}.")]
        for name in rounds[-1]["plain"]
    }
    lines = [row(name, labels) for name, labels in ran.items() if name != BASELINE and labels]
    head = [
        "",
        f"| added | {PEERS[_peer(rounds)].label}, s | project's stages, s | ratio | which ran |",
        "|---|---:|---:|---:|---|",
    ]
    return [*head, *lines] if lines else []


def _sum(runs: Table, selections: Collection[str], what: str) -> float:
    """`what` of the runs for `selections` together; of all if none is named."""
    return sum(runs[selection][what] for selection in selections or runs)


def _row(name: str, rounds: list[Table], theirs: Seconds, ours: Seconds) -> str:
    plain, project = [theirs(r) for r in rounds], [ours(r) for r in rounds]
    ratios = [p / o for p, o in zip(plain, project, strict=True)]
    spread = f" ({min(ratios):.2f}–{max(ratios):.2f})" if len(rounds) > 1 else ""
    return f"| {name} | {median(plain):.1f} | {median(project):.1f} | {median(ratios):.2f}×{spread} |"


def _scores(name: str, found: Table, precision: str, selection: str) -> str:
    plain, ours = found["plain"][name], found["project"][precision][selection]["variants"][name]
    pairs = [
        (plain["head"]["val_accuracy"], ours["epochs"]["head"]["val_accuracy"]),
        (plain["fine_tuning"]["val_accuracy"], ours["epochs"]["fine_tuning"]["val_accuracy"]),
        (plain["test"]["accuracy"], ours["test"]["accuracy"]),
        (plain["test"]["loss"], ours["test"]["loss"]),
    ]
    return f"| {name} | " + " | ".join(f"{a:.4f} / {b:.4f}" for a, b in pairs) + " |"


def _drawn(folder: Path, images: int) -> Path:
    """Sample images: `images` for training and a ninth of that for the test, as in the project's sample."""
    sample.draw(folder, train=images, test=max(2, round(images / 9 / 2) * 2), seed=DataSettings().sample_seed)
    return folder


def _check_alike(images: Path, options: argparse.Namespace, folder: Path) -> None:
    """Refuse images that both sides would split in two ways, before the clock runs."""
    settings = loading.load(ROOT / "experiment.toml", overrides=_settings(images, options)[1::2])
    try:
        peer.check_alike(settings, folder)
    except BadInput as error:
        sys.exit(f"--data: {error}")


def _settings(images: Path, options: argparse.Namespace) -> list[str]:
    """The options that both commands understand."""
    settings = {"data.path": json.dumps(str(images)), "data.image_size": options.image_size, "seed": options.seed}
    if options.epochs:
        head, tuning = options.epochs
        settings |= {"head.epochs": head, "fine_tuning.epochs": tuning}
    return [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--peer", default="keras", choices=PEERS, help="what the project is compared with")
    parser.add_argument("--variants", default=BASELINE, help="as of build.py; the baseline is timed alone as well")
    parser.add_argument("--precision", nargs="+", default=["float32"], choices=PRECISIONS, help="the project's")
    parser.add_argument("--repeats", type=int, default=1, help="rounds; the table holds medians")
    parser.add_argument("--data", type=Path, help="a folder of your images instead of the sample")
    parser.add_argument("--images", type=int, default=360, help="training images of the sample")
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--epochs", type=int, nargs=2, metavar=("HEAD", "TUNING"), help="instead of 30 11")
    parser.add_argument("--xla", action="store_true", help="let Keras, as a peer, use XLA, its default; slower on CPUs")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="file for every figure")
    options = parser.parse_args()
    try:
        peer.check(options.peer, xla=options.xla)
    except BadInput as error:
        parser.error(str(error))
    return options


if __name__ == "__main__":
    main()
