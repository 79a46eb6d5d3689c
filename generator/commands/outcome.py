"""What the commands that write a post share: where they write, what they say of it, and its other forms."""

import argparse
import os
from pathlib import Path

from generator.backbones.weights_summary import WeightsSummary
from generator.commands.options import print_table
from generator.experiment.config.settings import Config
from generator.experiment.results import BuildResults
from generator.post.jekyll import blog, layout
from generator.publishing import destinations
from generator.publishing.outcome import Outcome
from generator.support.errors import BadInput, printable
from generator.support.files import FREE_SPACE_OR_NAME, write_atomically
from generator.support.formats import FORMATS
from generator.support.places import INSTALLED, ROOT, Places

_KINDS = (".html", ".htm", ".pdf", ".tex")
"""Suffixes of what can be exported."""


def places_of(options: argparse.Namespace, settings: Config) -> Places:
    """Where the post goes that the options mean."""
    site = blog.source(options.site, settings.post.jekyll_config)
    project = options.config.resolve().parent if INSTALLED else None
    return Places(ROOT, options.store, site, options.preview, project)


def check_places(options: argparse.Namespace, settings: Config, places: Places) -> None:
    """Refuse places that cannot be written: a slip must not come to light after the training."""
    named = {"--preview": options.preview, "--export": options.export}
    files = {option: path for option, path in named.items() if path is not None}
    destinations.check(options.site, options.store, files)
    _check_export(options.export, places)
    site = Path(os.path.realpath(options.site))
    for option, path in files.items():
        # What the build writes is known only at the cost of the site's own pages.
        real = Path(os.path.realpath(path.parent)) / path.name
        if not real.is_relative_to(site):
            continue
        from generator.publishing.deliver import expected

        written = expected(settings, places, layout.find(places.site, settings.post))
        if real.relative_to(site).as_posix() in written:
            raise BadInput(f"{option}: {printable(path)} is a file of the site that the build writes; name another")


def report(outcome: Outcome, target: Path | None, settings: Config, places: Places) -> None:
    """Say what a build gave, and write the file `target` of it, where one is wanted."""
    if target:  # Before anything is printed: whoever reads that may leave.
        write_atomically(target, _exported(target, outcome, settings, places), FREE_SPACE_OR_NAME)
    _print_outcome(outcome)
    if target:
        print(f"export   {target}")


def _check_export(target: Path | None, places: Places) -> None:
    """Refuse an export that could not be made in the end. Raises `BadInput`."""
    if target is None:
        return
    # Late, as in `_exported`: few builds have anything exported.
    from generator.post import example
    from generator.post.formats import latex, paper

    kind = target.suffix.lower()
    if kind not in _KINDS:
        raise BadInput(f"--export: {printable(target)}: expected a name that ends in {' or '.join(_KINDS)}")
    if kind == ".pdf":
        paper.browser()
    if kind == ".tex":
        latex.tables(example.post(), example.results(), templates=places.templates)


def _exported(target: Path, outcome: Outcome, settings: Config, places: Places) -> bytes:
    """What the file `target` shall hold; its suffix says of which kind it is."""
    from generator.post.formats import export, latex, paper

    kind = target.suffix.lower()
    if kind == ".tex":
        text, _ = latex.tables(settings.post, outcome.results, templates=places.templates)
        return text.encode()
    page = export.export(outcome.preview.read_text("utf-8"), outcome.preview.parent)
    return paper.to_pdf(page, target.parent) if kind == ".pdf" else page.encode()


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
    print_table(["variant", "val. acc. head", "val. acc. fine-tuned", "test acc.", "test loss", "wrong"], rows)
    for v in found.variants.values() if found.seeds.count > 1 else ():
        over = v.over_runs["fine_tuning"]["test"]["accuracy"]
        shown = f"test acc. {accuracy(over.mean)} ± {accuracy(over.sd)}, {accuracy(over.low)} to {accuracy(over.high)}"
        print(f"runs     {v.name}: {shown}; above is the first of {over.runs}")
    for name, weights in _weights(found).items():
        used = f"{weights.used} {weights.name}".rstrip()
        print(f"weights  {name}: {used}" + (f" ({weights.reason})" if weights.reason else ""))


def _weights(found: BuildResults) -> dict[str, WeightsSummary]:
    """Backbone → the weights that it started from."""
    return {v.recipe.model.backbone: v.weights or found.weights for v in reversed(found.variants.values())}
