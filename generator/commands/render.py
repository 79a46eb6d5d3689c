"""`build.py render`: the published post anew, from its own results."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from generator.commands.experiment import add_experiment, load
from generator.commands.options import add_export, add_overwrite, add_places, add_preview, make_parser
from generator.support.errors import BadInput

if TYPE_CHECKING:
    from generator.support.display import Display

EPILOG = """
The results are those that lie in the site, so neither store nor data are needed and nothing is computed: to correct a
sentence, to change title or date, to add a section. Refused where the site was edited, where the settings ask for
another experiment, and where the post quotes code that is not the code that ran; build then.
"""


def run(arguments: list[str]) -> int:
    parser = make_parser(
        "render", "Render what is published anew: templates, settings of the post, documents.", epilog=EPILOG
    )
    add_experiment(parser.add_argument_group("which experiment, as it was built"))
    add_places(parser)
    add_preview(parser)
    add_export(parser)
    add_overwrite(parser)
    options = parser.parse_args(arguments)
    settings = load(options, "all")
    # Late: who asks for help, or mistypes an option or a setting, need not wait for arrays.
    from generator import pipeline
    from generator.commands.outcome import check_places, places_of, report
    from generator.support.display import for_terminal

    display = for_terminal()
    with ExitStack() as stack:
        options.store = _store(options.store, display, stack)
        places = places_of(options, settings)
        check_places(options, settings, places)
        outcome = pipeline.render_again(settings, places, display, overwrite=options.overwrite)
        report(outcome, options.export, settings, places)
    return 0


def _store(named: Path, display: "Display", stack: ExitStack) -> Path:
    """The store, or where it cannot be written one that goes with `stack`: nothing but the history is kept there."""
    from generator.publishing import destinations

    try:
        destinations.check_store(named)
    except BadInput as error:
        display.warn(f"this render will not be in the history: {error}")
        return Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return named
