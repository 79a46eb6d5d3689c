"""What stages side by side save: builds with one job and with several, each with an empty store, in turns.

The sites must be the same to the byte but for the files that tell when things were computed, or hash one that does
(`TIMED`); where they are not the benchmark fails. Prints Markdown, `--json FILE` keeps it.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine, project, record
from benchmarks.record import Record

TIMED = ("provenance.json", "ro-crate-metadata.json", "manifest.json")
"""Names of the published files that tell when a build was, or hash one that does."""


def main() -> None:
    options = _options()
    measured = record.of(arguments=options.arguments, jobs=options.jobs)
    print(machine.as_markdown(measured["machine"]), flush=True)
    rounds: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        for _ in range(options.rounds):
            rounds.append(_round(copied, options))
            one, several = (rounds[-1][kind]["seconds"] for kind in ("one", "several"))
            print(f"one job {one:.1f} s, {options.jobs} jobs {several:.1f} s", flush=True)
    measured["rounds"] = rounds
    print(as_markdown(measured))
    record.write(options.json, measured)


def _round(copied: Path, options: argparse.Namespace) -> dict[str, Any]:
    runs, sites = {}, {}
    for kind, jobs in (("one", 1), ("several", options.jobs)):
        for name in (".store", "site"):
            shutil.rmtree(copied / name, ignore_errors=True)
        built = project.build(copied, *options.arguments, "--jobs", str(jobs))
        runs[kind] = {**asdict(built.run), "stages": len(built.ran)}
        sites[kind] = site(copied / "site")
    if differ := differing(sites["one"], sites["several"]):
        sys.exit(f"the sites differ: {', '.join(map(str, differ))}")
    return runs


def differing(one: Mapping[Path, bytes], other: Mapping[Path, bytes]) -> list[Path]:
    """The files that are not the same in both."""
    return sorted(path for path in {*one, *other} if one.get(path) != other.get(path))


def site(folder: Path) -> dict[Path, bytes]:
    """The files of a site, without those of `TIMED`."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in TIMED)
    return {path.relative_to(folder): path.read_bytes() for path in files}


def as_markdown(measured: Record) -> str:
    """The median of the rounds, and the ratios as the rounds' own."""
    rounds, jobs = measured["rounds"], measured["jobs"]
    lines = ["", "| | one job | " + f"{jobs} jobs | several jobs take, of the time of one |", "|---|---:|---:|---:|"]
    for unit, name in (("seconds", "seconds"), ("processor", "processor seconds"), ("memory", "peak memory, MiB")):
        scale = 2**20 if unit == "memory" else 1
        one, several = ([each[kind][unit] / scale for each in rounds] for kind in ("one", "several"))
        ratios = [b / a for a, b in zip(one, several, strict=True) if a]
        ratio = f"{median(ratios):.2f}" + (f" ({min(ratios):.2f}–{max(ratios):.2f})" if len(ratios) > 1 else "")
        lines.append(f"| {name} | {median(one):.0f} | {median(several):.0f} | {ratio if ratios else ''} |")
    stages, many = rounds[0]["one"]["stages"], len(rounds)
    told = f"`build.py {' '.join(measured['arguments'])}`, {stages} stages, {many} round{'' if many == 1 else 's'}"
    return "\n".join([*lines, "", f"{told}; the sites were the same to the byte but for what tells the time."])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    return project.parsed(parser, "--profile", "smoke", "--variants", "all")


if __name__ == "__main__":
    main()
