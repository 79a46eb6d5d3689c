"""What a build costs when nothing changed, and when only prose did: seconds of the whole process.

    first      an empty store
    unchanged  the same command again
    prose      a sentence of the post's template changed before each

Rebuilds run with packages `tensorflow` and `keras` in front of the real ones that fail when they are imported, so
a rebuild that ends well has imported neither; that the trap works is checked first. Prints Markdown,
`--json FILE` keeps it.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks import machine, project, record
from benchmarks.record import Record

TRAPPED = ("tensorflow", "keras")


def main() -> None:
    options = _options()
    measured = record.of()
    print(machine.as_markdown(measured["machine"]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        copied = project.copy(Path(folder) / "project")
        trap = _trap(Path(folder) / "trap")
        arguments = options.arguments or ["--profile", "smoke"]
        first = project.build(copied, *arguments)
        print(f"first build: {first.run.seconds:.1f} s, {len(first.ran)} stages ran", flush=True)
        unchanged = [_unchanged(copied, arguments, trap) for _ in range(options.repeats)]
        prose = [_prose_changed(copied, arguments, trap, number) for number in range(options.repeats)]
    measured |= {
        "first": first.run.seconds,
        "rebuilds": {"nothing changed": _of(unchanged), "prose changed": _of(prose)},
    }
    print(as_markdown(measured))
    record.write(options.json, measured)


def _trap(folder: Path) -> dict[str, str]:
    """The environment in which importing TensorFlow or Keras fails, after a trial that it does."""
    for name in TRAPPED:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise SystemExit('{name} was imported')\n", "utf-8")
    environment = {"PYTHONPATH": str(folder)}
    for name in TRAPPED:
        tried = subprocess.run([sys.executable, "-c", f"import {name}"], env=environment, capture_output=True)
        if b"was imported" not in tried.stderr:
            sys.exit(f"the trap for {name} does not work: the proof would be worthless")
    return environment


def _unchanged(copied: Path, arguments: list[str], trap: dict[str, str]) -> float:
    before = _site(copied)
    built = project.build(copied, *arguments, environment=trap)
    if _site(copied) != before:
        sys.exit("a rebuild with nothing changed has changed the site")
    return built.run.seconds


def _prose_changed(copied: Path, arguments: list[str], trap: dict[str, str], number: int) -> float:
    sentence = f"A sentence of the benchmark, number {number}."
    template = copied / "templates" / "post.md.j2"
    template.write_text(template.read_text("utf-8") + f"\n{sentence}\n", "utf-8")
    built = project.build(copied, *arguments, environment=trap)
    (post,) = (copied / "site" / "_posts").iterdir()
    if sentence not in post.read_text("utf-8"):
        sys.exit("a changed template has not changed the post")
    if built.ran:
        sys.exit(f"a changed template made stages run: {', '.join(built.ran)}")
    return built.run.seconds


def _site(copied: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (copied / "site").rglob("*") if path.is_file()}


def _of(seconds: list[float]) -> dict[str, float]:
    return {"median": median(seconds), "slowest": max(seconds), "repeats": len(seconds)}


def as_markdown(measured: Record) -> str:
    """The three kinds of build, each rebuild as median, slowest and share of the first build."""
    whole = measured["first"]
    lines = ["", "| build | seconds, median | slowest | of the first build |", "|---|---:|---:|---:|"]
    lines += [f"| first | {whole:.1f} | | |"]
    for name, seconds in measured["rebuilds"].items():
        usual, slowest = seconds["median"], seconds["slowest"]
        lines.append(f"| {name} | {usual:.2f} | {slowest:.2f} | 1/{whole / usual:.0f} |")
    return "\n".join([*lines, "", f"No rebuild imported {' or '.join(TRAPPED)}: an import would have failed it."])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rebuild", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--repeats", type=int, default=5, help="rebuilds of each kind")
    parser.add_argument("--json", type=Path, help="file for every figure")
    parser.add_argument("arguments", nargs="*", help="after --, options of build.py; else --profile smoke")
    return parser.parse_args()


if __name__ == "__main__":
    main()
