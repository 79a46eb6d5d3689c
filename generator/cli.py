"""The command line: options, commands, exit codes.

0  done    1  a build, check or gate failed    2  bad input or usage    3  locked by another build
130  interrupted (Ctrl-C)    143  terminated
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from generator import blog, commands, config, delivery, destinations, export, layout, pipeline, publish
from generator.build.estimate import Forecast
from generator.config import Config
from generator.delivery import Outcome
from generator.display import about, accept_any_text, for_terminal
from generator.errors import BadInput, MeasuredPostError, printable
from generator.files import write_atomically
from generator.formats import FORMATS
from generator.pipeline import Explanation
from generator.places import Places
from generator.results import BuildResults

ROOT = Path(__file__).parent.parent

EPILOG = """
commands:
  build.py [options]      build the post (the default)
  build.py diff           compare two builds: metrics, predictions, figures
  build.py verify         check that every number and figure of the site is the build's
  build.py serve          preview with live reload while you edit templates
  build.py history        list the builds made here
  build.py cache          show and prune the stage store

`build.py COMMAND --help` tells more of each.

examples:
  python build.py                                the baseline, with the sample images
  python build.py --variants all                 every variant of experiment.toml
  python build.py --data archive.zip             your own two classes of images
  python build.py --set head.epochs=5 --explain  what a change would run, and why
"""


class Terminated(BaseException):
    """SIGTERM arrived."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    accept_any_text()
    command, rest = _command(list(arguments))
    try:
        return command(rest)
    except MeasuredPostError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has gone, as `| head` does. Nothing is left to say, nor anybody to say it to.
        return 0
    except KeyboardInterrupt:
        return _stopped(130)
    except Terminated:
        return _stopped(143)
    finally:
        _flush()


def build(arguments: list[str]) -> int:
    options = _build_parser().parse_args(arguments)
    settings = _load(options)
    places = _places(options, settings)
    if options.explain:
        _print_explanations(pipeline.explain(settings, places))
        return 0
    _check_places(options, settings, places)
    outcome = pipeline.build(
        settings,
        places,
        for_terminal(),
        force=options.force,
        overwrite=options.overwrite,
        limit=options.store_limit,
    )
    _print_outcome(outcome)
    if options.export:
        page = export.export(outcome.preview.read_text("utf-8"), outcome.preview.parent)
        write_atomically(options.export, page.encode())
        print(f"export   {options.export}")
    return 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "build": build,
    "cache": commands.show_cache,
    "diff": commands.compare_builds,
    "history": commands.list_history,
    "serve": commands.serve_preview,
    "verify": commands.verify_site,
}


def _command(arguments: list[str]) -> tuple[Callable[[list[str]], int], list[str]]:
    if arguments and arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]], arguments[1:]
    return build, arguments


def _build_parser() -> argparse.ArgumentParser:
    parser = commands.make_parser(
        "",
        "Train, evaluate, draw and write the post; nothing that has not changed is computed again.",
        epilog=EPILOG,
    )
    what = parser.add_argument_group("what to build")
    what.add_argument("--variants", default=config.BASELINE, metavar="NAMES", help="all, or names with commas between")
    what.add_argument("--data", metavar="PATH", help="sample, a folder, a zip file, or kaggle:OWNER/NAME")
    what.add_argument("--weights", metavar="NAME", help="auto, imagenet, embedded, random, or a weights file")
    what.add_argument("--seed", type=int, metavar="N", help="seed of everything random")
    what.add_argument("--profile", metavar="NAME", help="a [profiles.NAME] table, such as smoke: small and fast")
    commands.add_config(what)
    what.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting; repeatable")
    where = parser.add_argument_group("where")
    commands.add_places(where)
    preview = ROOT / "build-output" / "preview.html"
    where.add_argument("--preview", type=Path, default=preview, metavar="FILE", help="the post to read without Jekyll")
    where.add_argument(
        "--store-limit", type=commands.gibibytes, default="20", metavar="GIB", help="most the store may keep"
    )
    where.add_argument("--export", type=Path, metavar="FILE", help="also write the post as one HTML file to hand in")
    how = parser.add_argument_group("how")
    how.add_argument("--explain", action="store_true", help="say what would run and why, and stop")
    how.add_argument("--force", action="store_true", help="run everything again")
    how.add_argument(
        "--overwrite",
        action="store_true",
        help=f"replace files that somebody else wrote or edited; copies go to {publish.REPLACED}/ in the site",
    )
    return parser


def _load(options: argparse.Namespace) -> Config:
    given = {"data.path": options.data, "weights": options.weights, "seed": options.seed}
    return config.load(
        options.config,
        variants=options.variants,
        profile=options.profile,
        overrides=options.set,
        options={path: value for path, value in given.items() if value is not None},
    )


def _places(options: argparse.Namespace, settings: Config) -> Places:
    site = blog.source(options.site, settings.post.jekyll_config)
    return Places(ROOT, options.store, site, options.preview)


def _check_places(options: argparse.Namespace, settings: Config, places: Places) -> None:
    """Refuse places that cannot be written: a slip must not come to light after the training."""
    named = {"--preview": options.preview, "--export": options.export}
    files = {option: path for option, path in named.items() if path is not None}
    destinations.check(options.site, options.store, files)
    site = Path(os.path.realpath(options.site))
    for option, path in files.items():
        # What the build writes is known only at the cost of rendering.
        real = Path(os.path.realpath(path.parent)) / path.name
        if not real.is_relative_to(site):
            continue
        expected = delivery.expected(settings, places, layout.find(places.site, settings.post))
        if real.relative_to(site).as_posix() in expected:
            raise BadInput(f"{option}: {printable(path)} is a file of the site that the build writes; name another")


def _print_explanations(explanations: list[Explanation]) -> None:
    for row in explanations:
        seconds = row.expected.seconds if row.expected else None
        time = f" (about {about(seconds)})" if seconds is not None else ""
        print(f"{row.label}: {'runs' if row.runs else 'is up to date'}{time}")
        for cause in row.causes:
            print(f"    {cause}")
    running = tuple(row.expected for row in explanations if row.expected)
    if running:
        print(Forecast(running, len(explanations)).sentence("would run"))
    else:
        print("nothing would run: every stage is up to date")


def _print_outcome(outcome: Outcome) -> None:
    _print_results(outcome.results)
    published = outcome.published
    changes = f"{len(published.written)} files written, {len(published.removed)} removed"
    print(f"post     {outcome.post} ({changes if published.written or published.removed else 'unchanged'})")
    print(f"preview  {outcome.preview}")
    for path in published.kept:
        print(f"kept     {path}: what --overwrite replaced")


def _print_results(found: BuildResults) -> None:
    accuracy, loss = FORMATS["accuracy"], FORMATS["loss"]
    rows = [
        [
            v.name,
            accuracy(v.head[-1].val_accuracy),
            accuracy(v.fine_tuning[-1].val_accuracy),
            accuracy(v.test.accuracy),
            loss(v.test.loss),
            f"{len(v.wrong)} of {v.test.total}",
        ]
        for v in found.variants.values()
    ]
    commands.print_table(["variant", "val. acc. head", "val. acc. fine-tuned", "test acc.", "test loss", "wrong"], rows)
    weights = found.weights
    print(f"weights  {weights.used} {weights.name}" + (f" ({weights.reason})" if weights.reason else ""))


def _flush() -> None:
    """Write what was printed now: when the interpreter ends, a reader who has gone would change the exit code."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _terminate(number: int, frame: Any) -> NoReturn:
    raise Terminated


def _stopped(code: int) -> int:
    print("build.py: stopped; the same command goes on at the last finished epoch", file=sys.stderr)
    return code
