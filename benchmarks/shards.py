"""What the stages that pass all images take in shards: whole, one shard after the other, several at a time, on nodes.

Decodes images of the sample, has them pass the frozen base (`cut`, `features`) and the training images pass it
augmented anew in each epoch (`augmented`), each time in a process and a store of its own. The arrays must be the same
to the byte; where they are not the benchmark fails. Memory is the most that the process and its workers hold at once,
mapped files not counted. With `--nodes N` also on so many nodes of Ray on this machine, each with folders of its own:
nothing is faster there, but it shows what crosses the network and what each node holds, Ray's own processes included.
Prints Markdown, `--json FILE` keeps it.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import machine, project, record
from benchmarks.record import Record
from generator.build.clusters.cluster import Cluster
from generator.build.executor import Executor, Local
from generator.build.plan import plan
from generator.build.runner import Runner
from generator.build.start import start
from generator.build.storage.store import Store
from generator.experiment.config import loading
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.support.display import Display
from generator.support.files import file_hash
from generator.support.places import ROOT
from tests.stations import SECRET, Nodes

STAGES = ("pixels", "near", "split", "cut", "features", "augmented")
"""Those of the variant; `near` and `split`, which are never in shards, because `augmented` needs them."""
VARIANT = "augmentation"


def main() -> None:
    options = _options()
    if options.store:
        print(json.dumps(_stages(options)))
        return
    asked = {name: getattr(options, name) for name in ("images", "image_size", "epochs", "shard_images", "precision")}
    measured = record.of(**asked)
    print(machine.as_markdown(measured["machine"]), flush=True)
    kinds = {
        "whole": (0, 1, 0),
        "shards, one job": (options.shard_images, 1, 0),
        f"shards, {options.jobs} jobs": (options.shard_images, options.jobs, 0),
    }
    if options.nodes:
        kinds[f"shards, {options.nodes} nodes"] = (options.shard_images, options.nodes, options.nodes)
    # Ray's sockets lie below, whose names may be no longer than a hundred characters.
    with tempfile.TemporaryDirectory(prefix="s", dir="/tmp" if options.nodes else None) as name:
        # Drawn before the clock runs.
        start(_config(options), Path(name) / "data", download=False)
        measured["kinds"] = {kind: _measure(Path(name), options, *how) for kind, how in kinds.items()}
    print(as_markdown(measured))
    record.write(options.json, measured)


def _measure(folder: Path, options: argparse.Namespace, shard_images: int, jobs: int, nodes: int) -> dict[str, Any]:
    store, told = folder / f"store-{shard_images}-{jobs}-{nodes}", folder / "told.json"
    passed = {"--images": options.images, "--image-size": options.image_size, "--epochs": options.epochs}
    passed |= {"--precision": options.precision, "--jobs": jobs, "--shard-images": shard_images}
    passed |= {"--store": store, "--data-store": folder / "data", "--told": told}
    watches = []
    with ExitStack() as stack:
        if nodes:
            os.environ.update(SECRET)
            # The head runs no stage.
            started = stack.enter_context(Nodes(folder / "nodes", (0, *[1] * nodes)))
            passed["--ray"] = started.address
            watches = [project.Watch(partial(started.processes, number)) for number in range(1, nodes + 1)]
        arguments = [str(part) for pair in passed.items() for part in pair]
        run = project.run([sys.executable, "-m", "benchmarks.shards", *arguments], ROOT)
        held = [watch.stop() for watch in watches]
    found = json.loads(told.read_text("utf-8"))
    where = f"on {nodes} nodes" if nodes else f"{jobs} at a time"
    print(f"{shard_images or 'all'} images a shard, {where}: {run.seconds:.0f} s", flush=True)
    return {**asdict(run), **({"nodes": held} if held else {}), **found}


def _stages(options: argparse.Namespace) -> dict[str, Any]:
    """Run the stages in this process; seconds of each, and hashes of their arrays."""
    config = _config(options)
    planned = plan(config, start(config, options.store, data_store=options.data_store, download=False))
    nodes = {**planned.shared, **planned.runs[VARIANT]}
    execution = ExecutionSettings(jobs=options.jobs, shard_images=options.shard_images, ray=options.ray)
    executor = _executor(execution, options.store)
    runner = Runner(Store(options.store), executor, Display(), execution=execution)
    entries = {name: runner.require(nodes[name]) for name in STAGES}
    executor.close()
    found = {
        "stages": {name: entry.seconds for name, entry in entries.items()},
        "arrays": {name: file_hash(path) for name, e in entries.items() for path in e.folder.glob("*.npy")},
    }
    options.told.write_text(json.dumps(found), "utf-8")
    return found


def _executor(execution: ExecutionSettings, store: Path) -> Executor:
    if execution.ray:
        return Cluster(execution, store / "ray.log", print, print)
    return Local(*(store / f"worker-{number}.log" for number in range(execution.jobs)))


def _config(options: argparse.Namespace) -> Any:
    settings = {
        "weights": "embedded",
        "data.sample_train": options.images * 9 // 10 // 2 * 2,
        "data.sample_test": options.images // 10 // 2 * 2,
        "data.measure": 0,
        "data.image_size": options.image_size,
        "head.epochs": options.epochs,
        "model.precision": options.precision,
    }
    overrides = [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    return loading.load(ROOT / "experiment.toml", variants=f"baseline,{VARIANT}", overrides=overrides)


def as_markdown(measured: Record) -> str:
    """A line for each kind: time, memory and the stages, as multiples of the whole."""
    kinds = measured["kinds"]
    whole, *sharded = kinds.values()
    if any(each["arrays"] != whole["arrays"] for each in sharded):
        sys.exit("the arrays differ")
    split = [name for name in STAGES if name not in ("near", "split")]
    header = ["", "seconds", "processor seconds", "peak memory, MiB", "of each node", *split]
    lines = ["", f"| {' | '.join(header)} |", "|---|" + "---:|" * (len(header) - 1)]
    for kind, each in kinds.items():
        # What the nodes spent is not known: they are no children of the build.
        shown = {"seconds": each["seconds"]} if each.get("nodes") else each
        cells = [_cell(shown, whole, name, "") for name in ("seconds", "processor")]
        cells.append(_cell({"memory": each["memory"] / 2**20}, {"memory": whole["memory"] / 2**20}, "memory", ""))
        cells.append(", ".join(f"{bytes_ / 2**20:.0f}" for bytes_ in each.get("nodes", ())))
        cells += [_cell(each["stages"], whole["stages"], name, " s") for name in split]
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    size = f"{measured['images']} images of {measured['image_size']} pixels, at most {measured['shard_images']} a shard"
    return "\n".join(
        [*lines, "", f"{size}, {measured['epochs']} augmented epochs; every array was the same to the byte."]
    )


def _cell(each: dict[str, float], whole: dict[str, float], name: str, unit: str) -> str:
    if name not in each:
        return ""
    ratio = "" if each is whole or each[name] == whole[name] else f" ({each[name] / whole[name]:.2f}×)"
    return f"{each[name]:.0f}{unit}{ratio}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shards", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=2, help="augmented passes")
    parser.add_argument("--shard-images", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--nodes", type=int, default=0, help="of Ray, on this machine")
    parser.add_argument("--precision", default="auto", choices=("float32", "bfloat16", "auto"))
    parser.add_argument("--json", type=Path, help="file for every figure")
    parser.add_argument("--ray", help=argparse.SUPPRESS)
    for name in ("--store", "--data-store", "--told"):
        parser.add_argument(name, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    # The program's own calls of itself name a store, and run one shard at a time, too.
    if options.jobs < 2 and not options.store:
        parser.error(f"--jobs {options.jobs}: one at a time is measured anyway; give 2 or more, to compare with it")
    return options


if __name__ == "__main__":
    main()
