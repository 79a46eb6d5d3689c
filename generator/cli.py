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

from generator import commands, config, export, pipeline
from generator.config import Config
from generator.delivery import Outcome
from generator.display import duration, for_terminal
from generator.errors import BadInput, MeasuredPostError
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
    command, rest = _command(list(arguments))
    try:
        return command(rest)
    except MeasuredPostError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output has gone, as `| head` does. Nothing is left to say, nor anybody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _stopped(130)
    except Terminated:
        return _stopped(143)


def build(arguments: list[str]) -> int:
    options = _build_parser().parse_args(arguments)
    settings = _load(options)
    places = _places(options)
    if options.explain:
        _print_explanations(pipeline.explain(settings, places))
        return 0
    _make_way("--preview", options.preview)
    if options.export:
        _make_way("--export", options.export)
    display = for_terminal()
    outcome = pipeline.build(settings, places, display, force=options.force, limit=options.store_limit)
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
    how.add_argument("--force", action="store_true", help="run everything again; overwrite files edited by hand")
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


def _places(options: argparse.Namespace) -> Places:
    return Places(ROOT, options.store, options.site, options.preview)


def _make_way(option: str, path: Path) -> None:
    """Make the folder of a file that is written last: a slip must not come to light after the training."""
    try:
        if path.is_dir():
            raise BadInput(f"{option}: {path} is a folder; name a file")
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{option}: {path} cannot be written ({error.strerror}); name another file") from None


def _print_explanations(explanations: list[Explanation]) -> None:
    for row in explanations:
        took = f" ({duration(row.seconds)} last time)" if row.runs and row.seconds else ""
        print(f"{row.label}: {'runs' if row.runs else 'is up to date'}{took}")
        for cause in row.causes:
            print(f"    {cause}")
    running = [row for row in explanations if row.runs]
    known = [row.seconds for row in running if row.seconds is not None]
    unknown = f", and {len(running) - len(known)} that never ran" if len(known) < len(running) else ""
    if running:
        print(f"{len(running)} of {len(explanations)} stages would run: about {duration(sum(known))}{unknown}")
    else:
        print("nothing would run: every stage is up to date")


def _print_outcome(outcome: Outcome) -> None:
    _print_results(outcome.results)
    published = outcome.published
    changes = f"{len(published.written)} files written, {len(published.removed)} removed"
    print(f"post     {outcome.post} ({changes if published.written or published.removed else 'unchanged'})")
    print(f"preview  {outcome.preview}")
    for path in published.kept:
        print(f"kept     {path}: what --force replaced")


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


def _terminate(number: int, frame: Any) -> NoReturn:
    raise Terminated


def _stopped(code: int) -> int:
    print("build.py: stopped; the same command goes on at the last finished epoch", file=sys.stderr)
    return code
