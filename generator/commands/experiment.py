"""The options that say which experiment is meant, for the commands that build one or ask for what was built."""

import argparse
import shlex
from typing import Any

from generator.commands.options import BESIDE, add_config, add_data
from generator.experiment.config import loading
from generator.experiment.config.settings import BASELINE, Config
from generator.support import places
from generator.support.program import as_typed

PROGRAM = as_typed("python build.py").split()


def add_experiment(parser: Any) -> None:
    add_data(parser)
    parser.add_argument("--weights", metavar="NAME", help="auto, imagenet, embedded, random, or a weights file")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of everything random")
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="run each variant N times, each run with seeds of its own"
    )
    parser.add_argument("--profile", metavar="NAME", help="a [profiles.NAME] table, such as smoke: small and fast")
    add_config(parser)
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change one setting; repeatable"
    )


def load(options: argparse.Namespace, variants: str, jobs: int | None = None, ray: str | None = None) -> Config:
    """The settings that the options mean, with these variants; `site`, if not given, is what they name.

    Raises `BadInput`.
    """
    given = {"data.path": options.data, "weights": options.weights, "seed": options.seed, "seeds": options.seeds}
    given |= {"execution.jobs": jobs, "execution.ray": ray}
    settings = loading.load(
        options.config,
        variants=variants,
        profile=options.profile,
        overrides=options.set,
        options={path: value for path, value in given.items() if value is not None},
    )
    if getattr(options, "site", "") is None:
        named, own = settings.site.folder, options.config.parent / BESIDE["site"]
        options.site = places.expanded(named, f"{options.config}: site.folder") if named else own
    return settings


def build_command(options: argparse.Namespace, variant: str) -> str:
    """The command that builds a variant of the experiment that the options mean."""
    variants = ["--variants", variant] if variant != BASELINE else []
    store = ["--store", str(options.store)] if options.store != options.config.parent / BESIDE["store"] else []
    return shlex.join([*PROGRAM, *variants, *_what(options), *store])


def commands_again(options: argparse.Namespace) -> tuple[str, str]:
    """The commands that build a network and write its folder, on any machine: without this one's store."""
    variants = ["--variants", options.variant] if options.variant != BASELINE else []
    variant = ["--variant", options.variant] if options.variant != BASELINE else []
    run = ["--run", str(options.run)] if options.run != 1 else []
    build = shlex.join([*PROGRAM, *variants, *_what(options)])
    return build, shlex.join([*PROGRAM, "model", *variant, *run, *_what(options), "--out", "DIR"])


def _what(options: argparse.Namespace) -> list[str]:
    names = ("data", "weights", "seed", "seeds", "profile")
    words = [word for name in names if getattr(options, name) is not None for word in _option(name, options)]
    words += _option("config", options) if options.config != places.experiment() else []
    return words + [word for change in options.set for word in ("--set", change)]


def _option(name: str, options: argparse.Namespace) -> list[str]:
    return [f"--{name}", str(getattr(options, name))]
