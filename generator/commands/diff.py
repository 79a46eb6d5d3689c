"""`build.py diff`: compare two builds, with gates."""

import argparse
import sys
from contextlib import suppress
from dataclasses import replace

from generator.commands.options import add_config, add_data, add_places, make_parser, path
from generator.diff import builds, compare, fitting
from generator.diff.gates import in_settings, parse_gates
from generator.experiment.config import loading
from generator.experiment.config.settings import Config
from generator.experiment.data_summary import DataSummary
from generator.post.jekyll import blog
from generator.support.errors import BadInput, BuildFailed, printable
from generator.support.files import FREE_SPACE_OR_NAME, write_atomically
from generator.support.program import as_typed

GATE_HELP = (
    "most it may get worse: test.accuracy=-0.02 or test.loss=-5%%; with 'confident' behind it a fall within chance is"
    " let through; repeatable; a missed gate exits 1"
)


def run(arguments: list[str]) -> int:
    parser = make_parser(
        "diff",
        "Compare two builds: settings, metrics, predictions, figures. Each is a site folder, a metrics.json, a git\n"
        "revision of the repository the site lies in, or a build of the history (see `build.py history`).",
    )
    parser.add_argument("old", nargs="?", help="default: the last committed build; with --variants, NEW")
    parser.add_argument("new", nargs="?", help="default: the build in the working tree")
    parser.add_argument("--variants", metavar="A,B", help="compare variant A of OLD with variant B of NEW")
    parser.add_argument("--gate", action="append", default=[], metavar="METRIC=LIMIT", help=GATE_HELP)
    parser.add_argument(
        "--all", action="store_true", help="list every row and package, and what another processor gives"
    )
    parser.add_argument("--labels", nargs=2, metavar=("OLD", "NEW"), help="what to call the two in the report")
    limit = f"most characters of --md; default: {fitting.GITHUB:,}, which GitHub takes"
    parser.add_argument("--limit", type=int, default=fitting.GITHUB, metavar="N", help=limit)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--md", action="store_true", help="Markdown, for a pull request")
    output.add_argument("--json", action="store_true", help="JSON")
    output.add_argument("--html", type=path, metavar="FILE", help="a page with images and changed pixels, offline")
    add_data(parser)
    add_config(parser)
    add_places(parser)
    options = parser.parse_args(arguments)
    settings = loading.load(options.config, options={"data.path": options.data} if options.data else None)
    site = blog.source(options.site, settings.post.jekyll_config)
    places = builds.SearchPlaces(options.config.parent, site, options.store, settings.post.asset_folder)
    new = options.new or str(site)
    old = options.old or (new if options.variants else "HEAD")
    sides = builds.find(old, places), builds.find(new, places)
    if options.labels:
        sides = replace(sides[0], label=options.labels[0]), replace(sides[1], label=options.labels[1])
    gates = (*in_settings(settings), *parse_gates(options.gate))
    found = compare.compare(*sides, gates=gates, variants=_two(options.variants))
    # A gate between a build and itself is never missed: the command is wrong, whatever the build is like.
    vacuous = bool(found.nothing and gates and builds.is_one_place(*sides))
    if not vacuous or options.md or options.json or options.html:
        with suppress(BrokenPipeError):  # A missed gate is one, also where nobody reads on.
            _print_comparison(found, options, settings, sides[1].results.data)
    if vacuous:
        raise BadInput(found.nothing)
    return 1 if found.missed else 0


def _two(variants: str | None) -> tuple[str, str] | None:
    if variants is None:
        return None
    names = [name.strip() for name in variants.split(",")]
    if len(names) != 2:
        raise BadInput(f"--variants {variants!r}: expected two names, as in baseline,augmentation")
    return names[0], names[1]


def _print_comparison(
    found: compare.Comparison, options: argparse.Namespace, settings: Config, images: DataSummary
) -> None:
    """`images`: the new build's data set, which is the old one's where images are compared."""
    # Late: reports bring templates, rich and pictures with them.
    from generator.diff import report, terminal

    if options.html:
        pictures = _pictures(found, options, settings, images)
        page = report.to_html(found, pictures, everything=options.all)
        write_atomically(options.html, page.encode(), FREE_SPACE_OR_NAME)
        print(f"report   {options.html}")
    elif options.md:
        print(as_typed(report.to_markdown(found, everything=options.all, limit=options.limit)))
    elif options.json:
        print(report.to_json(found), end="")
    else:
        from rich.console import Console

        # Where the output is no terminal there is no width to keep to, and names are not cut short.
        Console(width=None if sys.stdout.isatty() else 140).print(
            terminal.to_table(found, everything=options.all), crop=False
        )


def _pictures(
    found: compare.Comparison, options: argparse.Namespace, settings: Config, images: DataSummary
) -> dict[str, bytes]:
    """Of the images in the comparison; none where their data set cannot be had here, which the report does not need."""
    from generator.data import dataset, listed, origins
    from generator.diff import report

    path, why = settings.data.path, ""
    if not origins.may_be(path, images.source, images.kind):  # Asked first: what lies elsewhere would be fetched.
        why = f"data.path is {printable(path)}, the builds' data set is {printable(images.source)}: name it with --data"
    else:
        try:
            data = dataset.find(settings.data, options.store, copy=settings.execution.copies)
            # Other images may have the same names, as the sample's always have.
            if data.fingerprint == images.fingerprint:
                return report.thumbnails(found, listed.located(data.root, path))
            why = f"the data set {printable(data.source)} is not, or no longer, the one of the builds; see data.path"
        except (BadInput, BuildFailed) as error:
            why = str(error)
    print(f"warning: the report shows no images: {why}", file=sys.stderr)
    return {}
