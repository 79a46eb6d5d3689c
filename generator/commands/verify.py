"""`build.py verify`: hold the site against its manifest."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from generator.commands.options import add_config, add_places, make_parser
from generator.post import manifest
from generator.post.jekyll import blog
from generator.publishing import publish, verify
from generator.support import lock


def run(arguments: list[str]) -> int:
    parser = make_parser("verify", "Hold the site against its manifest: every number, figure, file and excerpt.")
    add_config(parser)
    add_places(parser)
    parser.add_argument("--model", type=Path, metavar="DIR", help="in place of the site, a folder of build.py model")
    options = parser.parse_args(arguments)
    if options.model is not None:
        return _report(options.model, verify.verify_model(options.model), (verify.OF_MODEL,), "the model")
    site = blog.source(options.site)
    with lock.hold(lock.for_folder(site), f"verifying {site}"):
        publish.recover(site)
        findings = verify.verify(site)
    return _report(site, findings, manifest.find(site), "the site")


def _report(folder: Path, findings: Sequence[verify.Finding], places: Iterable[str], what: str) -> int:
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings: {what} is not what the build made")
        return 1
    for place in places:
        record = manifest.read(folder, place)
        assert record is not None  # it was just found
        numbers, excerpts = (sum(len(getattr(text, name)) for text in record.texts) for name in ("numbers", "excerpts"))
        counts = f"{numbers} numbers, {len(record.figures)} figures, {excerpts} code excerpts"
        print(f"{record.post}: {counts} and {len(record.files)} files are those of the build")
    return 0
