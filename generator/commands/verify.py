"""`build.py verify`: hold the site against its manifest."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from generator.commands.options import add_config, add_places, make_parser, path

if TYPE_CHECKING:
    from generator.post.manifest import Manifest
    from generator.publishing.verify import Finding


def run(arguments: list[str]) -> int:
    parser = make_parser("verify", "Hold the site against its manifest: every number, figure, file and excerpt.")
    add_config(parser)
    add_places(parser)
    parser.add_argument("--model", type=path, metavar="DIR", help="in place of the site, a folder of build.py model")
    options = parser.parse_args(arguments)
    # Late: a mistyped option need not wait for arrays.
    from generator.experiment.config import toml_file
    from generator.post import manifest
    from generator.post.jekyll import blog
    from generator.publishing import publish, verify
    from generator.support import lock

    if options.model is not None:
        folder, what = options.model, "model"
    else:
        folder, what = blog.source(options.site, toml_file.jekyll_config(options.config)), "site"
    with lock.hold(lock.for_folder(folder), f"verifying {folder}"):
        publish.recover(folder)
        if options.model is not None:
            findings, places = verify.verify_model(folder), [verify.OF_MODEL]
        else:
            findings, places = verify.verify(folder), [*manifest.find(folder)]
    return _report(findings, (manifest.read(folder, place) for place in places), what)


def _report(findings: Sequence["Finding"], records: Iterable["Manifest | None"], what: str) -> int:
    if findings:
        with suppress(BrokenPipeError):  # They are there, also where nobody reads on.
            print(*findings, f"{len(findings)} findings: the {what} is not what the build made", sep="\n")
        return 1
    for record in records:
        assert record is not None  # it was just found
        numbers, excerpts = (sum(len(getattr(text, name)) for text in record.texts) for name in ("numbers", "excerpts"))
        counts = f"{numbers} numbers, {len(record.figures)} figures, {excerpts} code excerpts"
        print(f"{record.post}: {counts} and {len(record.files)} files are those of the build")
    return 0
