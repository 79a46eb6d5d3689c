"""The commands beside `build`: compare, verify, preview, list, prune. Each takes its arguments, gives an exit code."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from generator import blog, builds, config, data, diff, lock, manifest, metric_diff, publish, verify
from generator.cache import Store
from generator.config import Config
from generator.display import duration
from generator.errors import BadInput
from generator.files import write_atomically
from generator.formats import FORMATS

ROOT = Path(__file__).parent.parent


def compare_builds(arguments: list[str]) -> int:
    parser = make_parser(
        "diff",
        "Compare two builds: settings, metrics, predictions, figures. Each is a site folder, a metrics.json, a git\n"
        "revision of the repository the site lies in, or a build of the history (see `build.py history`).",
    )
    parser.add_argument("old", nargs="?", help="default: the last committed build; with --variants, NEW")
    parser.add_argument("new", nargs="?", help="default: the build in the working tree")
    parser.add_argument("--variants", metavar="A,B", help="compare variant A of OLD with variant B of NEW")
    parser.add_argument("--gate", action="append", default=[], metavar="METRIC=LIMIT", help=GATE_HELP)
    parser.add_argument("--all", action="store_true", help="list what another processor gives, and every package, too")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--md", action="store_true", help="Markdown, for a pull request")
    output.add_argument("--json", action="store_true", help="JSON")
    output.add_argument("--html", type=Path, metavar="FILE", help="a page with images and changed pixels, offline")
    add_config(parser)
    add_places(parser)
    options = parser.parse_args(arguments)
    settings = config.load(options.config)
    site = blog.source(options.site, settings.post.jekyll_config)
    places = builds.Places(ROOT, site, options.store, settings.post.asset_folder)
    new = options.new or str(site)
    old = options.old or (new if options.variants else "HEAD")
    sides = builds.find(old, places), builds.find(new, places)
    gates = metric_diff.parse_gates([*(f"{k}={v}" for k, v in settings.gates.items()), *options.gate])
    found = diff.compare(*sides, gates=gates, variants=_two(options.variants))
    # A gate between a build and itself is never missed: the command is wrong, whatever the build is like.
    vacuous = bool(found.nothing and gates and builds.is_one_place(*sides))
    if not vacuous or options.md or options.json or options.html:
        _print_comparison(found, options, settings)
    if vacuous:
        raise BadInput(found.nothing)
    return 1 if found.missed else 0


GATE_HELP = "most it may get worse: test.accuracy=-0.02 or test.loss=-5%%; repeatable; a missed gate exits 1"


def verify_site(arguments: list[str]) -> int:
    parser = make_parser("verify", "Hold the site against its manifest: every number, figure, file and excerpt.")
    add_places(parser)
    site = blog.source(parser.parse_args(arguments).site)
    with lock.hold(lock.for_folder(site), f"verifying {site}"):
        publish.recover(site)
        findings = verify.verify(site)
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings: the site is not what the build made")
        return 1
    for place in manifest.find(site):
        record = manifest.read(site, place)
        assert record is not None  # it was just found
        counts = f"{len(record.numbers)} numbers, {len(record.figures)} figures, {len(record.excerpts)} code excerpts"
        print(f"{record.post}: {counts} and {len(record.files)} files are those of the build")
    return 0


def serve_preview(arguments: list[str]) -> int:
    parser = make_parser("serve", "Preview the last build; templates and prose are rendered again when saved.")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    add_config(parser)
    add_places(parser)
    options = parser.parse_args(arguments)
    settings = config.load(options.config)
    # Late: the server's packages are needed by no other command.
    from generator import serve

    site = blog.source(options.site, settings.post.jekyll_config)
    serve.serve(settings.post, templates=ROOT / "templates", root=ROOT, site=site, port=options.port)
    return 0


def list_history(arguments: list[str]) -> int:
    parser = make_parser("history", "List the builds made with this store, the newest last.")
    add_store(parser)
    options = parser.parse_args(arguments)
    # A record without provenance was begun by a build that was killed.
    folders = sorted(path.parent for path in (options.store / builds.HISTORY).glob("*/provenance.json"))
    rows = [row for folder in folders for row in _history_rows(folder)]
    if not rows:
        print(f"no builds in {options.store}; run build.py")
        return 0
    print_table(["build", "commit", "variant", "test acc.", "test loss", "seconds", "settings"], rows)
    return 0


def show_cache(arguments: list[str]) -> int:
    parser = make_parser("cache", "Show what the stage store holds; --prune removes the longest unused entries.")
    add_store(parser)
    parser.add_argument("--prune", type=gibibytes, metavar="GIB", help="keep at most this many GiB")
    options = parser.parse_args(arguments)
    store = Store(options.store)
    if options.prune is not None:
        print(f"{_size(store.prune(options.prune))} freed")
    entries = list(store.entries())
    print_table(["stage", "key", "size"], [[f.parent.name, f.name[:12], _size(size)] for f, size, _ in entries])
    print(f"{len(entries)} entries, {_size(sum(size for _, size, _ in entries))} in {options.store}")
    return 0


def make_parser(command: str, description: str, **keywords: Any) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=f"build.py {command}".strip(),
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        **keywords,
    )


def add_config(parser: Any) -> None:
    parser.add_argument("--config", type=Path, default=ROOT / "experiment.toml", metavar="FILE", help="the settings")


def add_places(parser: Any) -> None:
    parser.add_argument("--site", type=Path, default=ROOT / "site", metavar="DIR", help="the Jekyll site")
    add_store(parser)


def add_store(parser: Any) -> None:
    parser.add_argument("--store", type=Path, default=ROOT / ".store", metavar="DIR", help="where stages are kept")


def gibibytes(text: str) -> int:
    """A number of GiB, as bytes. Raises `ValueError`, as argparse expects, for what is no size."""
    size = float(text)
    if not 0 <= size < 2**30:
        raise ValueError
    return round(size * 2**30)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Left-aligned columns on standard output."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in [header, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _two(variants: str | None) -> tuple[str, str] | None:
    if variants is None:
        return None
    names = [name.strip() for name in variants.split(",")]
    if len(names) != 2:
        raise BadInput(f"--variants {variants!r}: expected two names, as in baseline,augmentation")
    return names[0], names[1]


def _print_comparison(found: diff.Comparison, options: argparse.Namespace, settings: Config) -> None:
    # Late: reports bring templates, rich and pictures with them.
    from generator import diff_report

    if options.html:
        pictures = diff_report.thumbnails(found, data.find(settings.data, options.store).root)
        write_atomically(options.html, diff_report.to_html(found, pictures, everything=options.all).encode())
        print(f"report   {options.html}")
    elif options.md:
        print(diff_report.to_markdown(found, everything=options.all))
    elif options.json:
        print(diff_report.to_json(found), end="")
    else:
        from rich.console import Console

        # Where the output is no terminal there is no width to keep to, and names are not cut short.
        Console(width=None if sys.stdout.isatty() else 140).print(
            diff_report.to_table(found, everything=options.all), crop=False
        )


def _history_rows(folder: Path) -> list[list[str]]:
    """A row per variant of one record; none, with a warning, if the record is broken."""
    try:
        return list(_rows_of_record(folder))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        print(f"warning: {folder}: a broken record of a build, passed over; delete it", file=sys.stderr)
        return []


def _rows_of_record(folder: Path) -> Iterator[list[str]]:
    provenance = json.loads((folder / "provenance.json").read_text("utf-8"))
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    seconds = {label: stage["seconds"] for label, stage in provenance["stages"].items()}
    for name, variant in metrics["variants"].items():
        yield [
            folder.name,
            (provenance["commit"] or "-")[:12],
            name,
            FORMATS["accuracy"](variant["test"]["accuracy"]),
            FORMATS["loss"](variant["test"]["loss"]),
            duration(sum(s for label, s in seconds.items() if label.startswith(f"{name}."))),
            f"{metrics['weights']['used']}, seed {variant['recipe']['seed']}",
        ]


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
