"""What a build publishes with and without each of its shortcuts, compared byte by byte.

One build with an empty store takes all of them; then, for each, one is made without it and its site held against the
first. Files that tell when things were computed, or hash one that does, are left out (`jobs.TIMED`). Where others
differ, the largest difference of a number in metrics.json is told. Nothing is timed, so the machine may do other
things. Prints Markdown, `--json FILE` keeps it.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from benchmarks import jobs, machine, project, record
from benchmarks.record import Record
from generator.experiment.config.settings import BASELINE

ANEW, OVER, BEGUN = "with an empty store", "over the build with all", "after one of the baseline alone"

WITHOUT: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "outputs at the cut are kept": (ANEW, ("--set", "data.max_stored_bytes=0")),
    "a stage is computed as a whole, not in shards": (ANEW, ("--set", "execution.shard_images=16")),
    "one stage at a time trains": (ANEW, ("--jobs", "2")),
    "variants are built at once": (BEGUN, ()),
    "what is in the store is taken from there": (OVER, ("--force",)),
}
"""Shortcut → where the build without it starts, and the options that make it do without."""

Files = Mapping[Path, bytes]


def main() -> None:
    options = _options()
    measured = record.of(arguments=options.arguments, rows=[])
    print(machine.as_markdown(measured["machine"]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        whole = _site(copied, ANEW, options.arguments)
        kept = shutil.copytree(copied / ".store", Path(folder) / "kept")
        for name, (start, changes) in WITHOUT.items():
            if _is_idle(start, options.arguments):
                continue
            if start == OVER:
                shutil.rmtree(copied / ".store")
                shutil.copytree(kept, copied / ".store")
            row = {"shortcut": name, "start": start, "options": changes}
            row |= compared(whole, _site(copied, start, [*options.arguments, *changes]))
            measured["rows"].append(row)
            print(f"{name}: {row['differ']} of {row['files']} files differ", flush=True)
    print(as_markdown(measured))
    record.write(options.json, measured)


def _is_idle(start: str, arguments: Sequence[str]) -> bool:
    """Whether nothing is built from there with these options: of the baseline alone nothing is left to build."""
    return start == BEGUN and ("--variants", BASELINE) in pairwise(arguments)


def _site(copied: Path, start: str, arguments: list[str]) -> Files:
    """Build, and read what is published."""
    if start != OVER:
        shutil.rmtree(copied / ".store" / "stages", ignore_errors=True)
        shutil.rmtree(copied / "site", ignore_errors=True)
    if start == BEGUN:
        project.build(copied, *arguments, "--variants", "baseline")
    project.build(copied, *arguments)
    return jobs.site(copied / "site")


def compared(one: Files, other: Files) -> dict[str, Any]:
    """How many files there are and how many differ, and by how much metrics do, as a share of the larger number."""
    differ = [path.as_posix() for path in jobs.differing(one, other)]
    found: dict[str, Any] = {"files": len({*one, *other}), "differ": len(differ), "paths": differ}
    if differ:
        first, second = (dict(_numbers(_metrics(files))) for files in (one, other))
        shared = first.keys() & second.keys()
        found["largest"] = max((_apart(first[place], second[place]) for place in shared), default=0.0)
    return found


def _metrics(files: Files) -> Any:
    (path,) = (path for path in files if path.name == "metrics.json")
    return json.loads(files[path])


def _numbers(value: Any, place: str = "") -> Iterator[tuple[str, float]]:
    """Every number within `value`, with where it is."""
    if isinstance(value, bool):
        return
    if isinstance(value, int | float):
        yield place, float(value)
    elif isinstance(value, dict | list):
        for name, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(each, f"{place}/{name}")


def _apart(one: float, other: float) -> float:
    return 0.0 if one == other else abs(one - other) / max(abs(one), abs(other))


def as_markdown(measured: Record) -> str:
    lines = ["", "| without | built | with | files that differ | largest difference of a number |"]
    lines.append("|---|---|---|---:|---:|")
    for row in measured["rows"]:
        if _is_idle(row["start"], measured["arguments"]):
            continue
        options = f"`{' '.join(row['options'])}`" if row["options"] else ""
        largest = f"{row['largest']:.1g}" if row["differ"] else ""
        cells = (row["shortcut"], row["start"], options, f"{row['differ']} of {row['files']}", largest)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"`build.py {' '.join(measured['arguments'])}`."])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shortcuts", description=__doc__)
    return project.parsed(parser, "--profile", "smoke", "--variants", "all")


if __name__ == "__main__":
    main()
