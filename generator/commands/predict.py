"""`build.py predict`: ask a trained network about images."""

import argparse
import sys
from typing import TYPE_CHECKING

from generator.commands import experiment
from generator.commands.options import add_store, make_parser, path, print_table
from generator.experiment.config.settings import BASELINE
from generator.support import program
from generator.support.display import for_terminal
from generator.support.errors import BadInput, printable
from generator.support.formats import FORMATS
from generator.support.places import ROOT

if TYPE_CHECKING:
    from generator.experiment.predicted import Answer, Answers

PARTS = {"train": "training", "validation": "validation", "test": "test"}


def run(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    # Late: a mistyped option need not wait for arrays.
    from generator.experiment import predicted
    from generator.models import found, images, page, predict
    from generator.publishing import destinations
    from generator.stages.pixels import found_in
    from generator.support.files import FREE_SPACE_OR_NAME, write_atomically

    if options.html:
        destinations.check_file("--html", options.html)
    display = for_terminal()
    wanted = found.Wanted(options.variant, options.run, experiment.build_command(options, options.variant))
    settings = experiment.load(options, options.variant)
    network = found.find(settings, options.store, ROOT, wanted, display, also=("features",))
    with network.held():
        read, not_read = images.read(options.images, network.data, found_in(network.folder("pixels")).scales)
        for each in not_read:
            print(f"{program.COMMAND}: {printable(each.file)}: {each.reason}", file=sys.stderr)
        if not read:
            raise BadInput("none of the images can be read, so nothing is predicted")
        said = predict.predict(network, read, not_read, display)
        if options.html:
            write_atomically(options.html, page.to_html(said, read, network).encode(), FREE_SPACE_OR_NAME)
    if options.json:
        print(predicted.to_text(said), end="")
    else:
        _print_table(said)
        if options.html:
            print(f"page     {options.html}")
    return BadInput.exit_code if not_read else 0


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "predict",
        "Ask a trained network about images: class, probability, the nearest training images, where it looks.\n"
        "Nothing is trained. Where some images cannot be read, the others are predicted and the exit code is 2.",
    )
    parser.add_argument("images", nargs="+", type=path, metavar="IMAGE", help="image files, or folders of them")
    parser.add_argument("--variant", default=BASELINE, metavar="NAME", help="whose network; default: the baseline's")
    parser.add_argument("--run", type=int, default=1, metavar="N", help="of several runs, which one's")
    parser.add_argument("--html", type=path, metavar="FILE", help="also a page with images and maps, offline")
    parser.add_argument("--json", action="store_true", help="JSON: docs/schemas/predicted.json.schema.json")
    experiment.add_experiment(parser.add_argument_group("which experiment, as it was built"))
    add_store(parser)
    return parser


def _print_table(said: "Answers") -> None:
    probability = FORMATS["probability"]
    calibrated = said.temperature is not None
    header = ["image", "class", "probability", *(["calibrated"] if calibrated else []), "nearest", "cosine"]
    rows = [
        [
            printable(answer.file),
            printable(answer.class_name),
            probability(answer.probability),
            *([probability(answer.calibrated)] if answer.calibrated is not None else []),
            printable(answer.nearest[0].file),
            FORMATS["rounded"](answer.nearest[0].cosine),
        ]
        for answer in said.images
    ]
    print_table(header, rows)
    for answer in said.images:
        for line in _known(answer):
            print(line)


def _known(answer: "Answer") -> list[str]:
    return [
        f"{printable(answer.file)} is {PARTS[each.part]} image {printable(each.file)} of class "
        f"{printable(each.class_name)}{', by its pixels' if each.same == 'pixels' else ''}"
        for each in answer.known
    ]
