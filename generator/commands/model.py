"""`build.py model`: write a trained network as a file of its own, with its model card."""

from generator.commands import experiment
from generator.commands.options import add_store, make_parser, path
from generator.experiment.config.settings import BASELINE
from generator.support.display import for_terminal
from generator.support.formats import FORMATS
from generator.support.places import ROOT


def run(arguments: list[str]) -> int:
    parser = make_parser(
        "model",
        "Write a trained network into a folder: a .keras file that plain Keras loads, labels, how images are\n"
        "prepared, and a model card whose numbers `build.py verify --model DIR` checks. Nothing is trained.",
    )
    parser.add_argument("--out", type=path, required=True, metavar="DIR", help="the folder to write")
    parser.add_argument("--variant", default=BASELINE, metavar="NAME", help="whose network; default: the baseline's")
    parser.add_argument("--run", type=int, default=1, metavar="N", help="of several runs, which one's")
    parser.add_argument("--tflite", action="store_true", help="also a file for TensorFlow Lite")
    parser.add_argument("--license", default="unknown", metavar="ID", help="for the card, as Hugging Face names it")
    parser.add_argument("--overwrite", action="store_true", help="replace files that somebody else wrote or edited")
    experiment.add_experiment(parser.add_argument_group("which experiment, as it was built"))
    add_store(parser)
    options = parser.parse_args(arguments)
    # Late: a mistyped option need not wait for arrays.
    from generator.models import export, found
    from generator.support import lock

    display = for_terminal()
    wanted = found.Wanted(options.variant, options.run, experiment.build_command(options, options.variant))
    settings = experiment.load(options, options.variant)
    network = found.find(settings, options.store, ROOT, wanted, display)
    chosen = export.Options(options.tflite, options.license, experiment.commands_again(options), options.overwrite)
    with lock.hold(lock.for_folder(options.out), f"writing {options.out}"), network.held():
        outcome = export.export(network, options.out, display, chosen)
    known = outcome.exported
    print(f"model    {options.out / 'model.keras'}: {known.variant}, run {known.run}")
    difference = FORMATS["probability"](known.difference)
    print(
        f"checked  loaded again: the largest difference of a probability, of {known.images} test images: {difference}"
    )
    print(f"card     {options.out / 'README.md'}")
    return 0
