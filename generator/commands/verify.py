"""`build.py verify`: hold the site against its manifest."""

from generator.commands.options import add_places, make_parser
from generator.post import blog, manifest
from generator.publishing import publish, verify
from generator.support import lock


def run(arguments: list[str]) -> int:
    parser = make_parser("verify", "Hold the site against its manifest: every number, figure, file and excerpt.")
    add_places(parser)
    site = blog.source(parser.parse_args(arguments).site)
    with lock.hold(lock.for_folder(site), f"verifying {site}"):
        publish.recover(site)
        findings = verify.verify(site)
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings: the site is not what the build made")
        return 1
    for place in manifest.find(site):
        record = manifest.read(site, place)
        assert record is not None  # it was just found
        counts = f"{len(record.numbers)} numbers, {len(record.figures)} figures, {len(record.excerpts)} code excerpts"
        print(f"{record.post}: {counts} and {len(record.files)} files are those of the build")
    return 0
