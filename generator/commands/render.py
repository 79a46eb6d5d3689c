"""`build.py render`: the published post anew, from its own results."""

from generator.commands.experiment import add_experiment, load
from generator.commands.options import add_export, add_overwrite, add_places, add_preview, make_parser

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

    places = places_of(options, settings)
    check_places(options, settings, places)
    outcome = pipeline.render_again(settings, places, for_terminal(), overwrite=options.overwrite)
    report(outcome, options.export, settings, places)
    return 0
