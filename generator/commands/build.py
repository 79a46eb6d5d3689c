"""`build.py`: run what has to run, and publish the post."""

import argparse

from generator.commands.experiment import add_experiment, load
from generator.commands.options import add_export, add_overwrite, add_places, add_preview, gibibytes, make_parser
from generator.experiment.config.settings import BASELINE

EPILOG = """
commands:
  build.py [options]      build the post (the default)
  build.py diff           compare two builds: metrics, predictions, figures
  build.py render         render what is published anew, with other prose, and compute nothing
  build.py verify         check that every number and figure of the site is the build's
  build.py serve          preview with live reload while you edit templates
  build.py history        list the builds made here
  build.py cache          show, prune and exchange what the stage store holds
  build.py backbones      list the networks that model.backbone may name
  build.py model          write a trained network as a file of its own, with its model card
  build.py predict        ask a trained network about images
  build.py new            begin a project of your own: settings, workflows, a place for sections

`build.py COMMAND --help` tells more of each.

examples:
  python build.py                                the baseline, with the sample images
  python build.py --variants all                 every variant of experiment.toml
  python build.py --data archive.zip             your own classes of images
  python build.py --set head.epochs=5 --explain  what a change would run, and why
"""

LIVE_HELP = "show on a page how the build fills, and the preview in the end; on PORT, or any free one"


def run(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    settings = load(options, options.variants, options.jobs, options.ray)
    # Late: who asks for help, or mistypes an option or a setting, need not wait for arrays.
    from generator.commands import building

    return building.run(options, settings)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "",
        "Train, evaluate, draw and write the post; nothing that has not changed is computed again.",
        epilog=EPILOG,
    )
    what = parser.add_argument_group("what to build")
    what.add_argument("--variants", default=BASELINE, metavar="NAMES", help="all, or names with commas between")
    add_experiment(what)
    where = parser.add_argument_group("where")
    add_places(where)
    add_preview(where)
    where.add_argument(
        "--store-limit", type=gibibytes, default="20", metavar="GIB", help="most that its stages may take; 0: no limit"
    )
    add_export(where)
    how = parser.add_argument_group("how")
    how.add_argument("--explain", action="store_true", help="say what would run and why, and stop")
    how.add_argument("--jobs", type=int, metavar="N", help="run up to N stages at a time; the results are the same")
    how.add_argument("--live", type=int, nargs="?", const=0, metavar="PORT", help=LIVE_HELP)
    how.add_argument(
        "--ray", metavar="ADDRESS", help="run them on a cluster of Ray: auto, local, HOST:PORT or ray://HOST:PORT"
    )
    how.add_argument("--force", action="store_true", help="run everything again")
    add_overwrite(how)
    return parser
