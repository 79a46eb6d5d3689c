"""`build.py serve`: preview with live reload."""

from generator.commands.options import add_config, add_places, make_parser
from generator.support.places import ROOT, TEMPLATES


def run(arguments: list[str]) -> int:
    parser = make_parser("serve", "Preview the last build; templates and prose are rendered again when saved.")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    add_config(parser)
    add_places(parser)
    options = parser.parse_args(arguments)
    # Late: a mistyped option need not wait for a server.
    from generator.experiment.config import loading
    from generator.post import server
    from generator.post.jekyll import blog

    settings = loading.load(options.config)
    site = blog.source(options.site, settings.post.jekyll_config)
    server.serve(settings.post, templates=TEMPLATES, root=ROOT, site=site, port=options.port)
    return 0
