"""What a build is given, and what it says: `build.py` with its options read."""

import argparse

from generator import pipeline
from generator.build.estimate import Forecast
from generator.commands.outcome import check_places, places_of, report
from generator.diff import gates
from generator.experiment.config.settings import Config
from generator.pipeline import Explanation
from generator.support.display import Display, about, for_terminal
from generator.support.errors import BadInput
from generator.support.places import Places


def run(options: argparse.Namespace, settings: Config) -> int:
    """What `build.py` does with its options and the settings that they mean; gives the exit code."""
    places = places_of(options, settings)
    gates.in_settings(settings)  # What `diff` would refuse is told before hours of training.
    if options.explain and options.force:
        raise BadInput("--explain --force: with --force everything runs, so there is nothing to explain; leave one out")
    if options.explain:
        _print_explanations(pipeline.explain(settings, places, for_terminal()))
        return 0
    check_places(options, settings, places)
    if options.live is None:
        _build(options, settings, places, for_terminal())
    else:
        # Late: no other build needs a server.
        from generator.live.session import session

        with session(settings, places, for_terminal(), options.live) as watched:
            _build(options, settings, places, watched.display, watched.planned)
    return 0


def _build(
    options: argparse.Namespace,
    settings: Config,
    places: Places,
    display: Display,
    watch: pipeline.Watch = lambda there, runner: None,
) -> None:
    outcome = pipeline.build(
        settings,
        places,
        display,
        force=options.force,
        overwrite=options.overwrite,
        limit=options.store_limit or None,
        watch=watch,
    )
    report(outcome, options.export, settings, places)


def _print_explanations(explanations: list[Explanation]) -> None:
    for row in explanations:
        seconds = row.expected.seconds if row.expected else None
        time = f" (about {about(seconds)})" if seconds is not None else ""
        print(f"{row.label}: {_state(row)}{time}")
        for cause in row.causes:
            print(f"    {cause}")
    running = tuple(row.expected for row in explanations if row.expected)
    if running:
        print(Forecast(running, len(explanations)).sentence("would run"))
    elif not any(row.runs for row in explanations):
        print("nothing would run: all that is needed is up to date")


def _state(row: Explanation) -> str:
    if row.runs:
        return "runs"
    if row.remote:
        return "from the remote store"
    return "is up to date" if row.needed else "is not in the store, nor needed"
