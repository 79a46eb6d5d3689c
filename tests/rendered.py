"""A whole site as a build publishes it, from made-up results: skeleton, post, figures and data files."""

import functools
import io
import os
import shutil
import subprocess
from pathlib import Path

from PIL import Image, ImageDraw

from generator.experiment.config.post_settings import PostSettings, SiteSettings
from generator.experiment.files import result_files
from generator.experiment.results import BuildResults
from generator.post import manifest, render
from generator.post.jekyll import layout
from generator.post.jekyll.layout import Layout
from generator.publishing import crate, documents
from generator.publishing.skeleton import skeleton
from generator.support import strict_json
from tests.factories import ROOT, make_config, make_results

TEMPLATES = ROOT / "templates"
JEKYLL = shutil.which("jekyll")
REASON = "no jekyll: apt-get install jekyll"
MINIMA_REASON = "no minima, the theme of a new Jekyll blog: apt-get install jekyll-theme-minima"

DOCS = ROOT / "docs"
"""The project's own documents."""

PROVENANCE = {
    "schema_version": strict_json.SCHEMA_VERSION,
    "id": "20260131-123800",
    "time": "2026-01-31T18:38:00+00:00",
    "commit": "0123abc",
    "platform": "Linux x86_64",
    "processor": "x86_64 <fast> & {{ wide }}",
    "python": "3.11.2",
    "ran": ["baseline: head"],
    "stages": {
        "baseline: head": {
            "key": "0" * 64,
            "seconds": 12.25,
            "steps": 300,
            "seconds_per_step": 0.0408,
            "machine": 1,
            "accelerators": ["H100 <80 GB>"],
        },
        "baseline: evaluation": {"key": "1" * 64, "seconds": 1.5, "machine": None},
    },
    "machines": [{"processor": "One"}, {"processor": "Two & more"}],
}


def make_post(**changes: object) -> PostSettings:
    return make_config().post.model_copy(update=changes)


def make_site(
    build: BuildResults | None = None,
    post: PostSettings | None = None,
    place: Layout | None = None,
    docs: Path | None = None,
) -> dict[str, bytes]:
    """Site path → content, the site around the post included where `place` says so, as it does by default.

    `docs` is the folder of documents that become pages.
    """
    build, post = build or make_results(), post or make_post()
    place = place or layout.own(post)
    rendered = render.render(post, build, place, templates=TEMPLATES, root=ROOT)
    files = {page.path: page.text.encode() for page in rendered.pages}
    files |= skeleton(post, build, TEMPLATES) if place.skeleton else {}
    files |= documents.pages(SiteSettings(docs=docs))
    files |= {f"{place.data}/{name}": text.encode() for name, text in result_files.to_files(build).items()}
    for figure in build.figures:
        for suffix in ("png", "webp"):
            path = f"{place.images}/{figure.scope}/{figure.name}.{suffix}"
            files[path] = drawing(figure.width, figure.height, suffix)
    files[f"{place.data}/provenance.json"] = strict_json.to_json(PROVENANCE).encode()
    below = {path.rpartition("/")[2]: content for path, content in files.items() if path.startswith(f"{place.data}/")}
    files[f"{place.data}/{crate.NAME}"] = crate.make(post, build, below).encode()
    files[manifest.path_for(post.asset_folder)] = b"{}\n"
    return files


@functools.cache
def drawing(width: int, height: int, suffix: str) -> bytes:
    """A picture of a size, in a format that its suffix names."""
    image = Image.new("RGB", (width, height), "white")
    ImageDraw.Draw(image).ellipse((width // 4, height // 4, width // 2, height // 2), fill="teal")
    stream = io.BytesIO()
    image.save(stream, suffix.upper())
    return stream.getvalue()


def jekyll(source: Path, target: Path, *options: str) -> list[str]:
    """Build `source` with Debian's Jekyll as strictly as it can; gives the lines that are not plain progress."""
    command = [str(JEKYLL), "build", "--source", source, "--destination", target, "--disable-disk-cache", *options]
    run = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"LANG": "C.UTF-8"}, timeout=120, check=False
    )
    lines = (run.stdout + run.stderr).splitlines()
    problems = [line for line in lines if line.strip() and not line.strip().startswith(_PROGRESS)]
    return problems + ([f"exit status {run.returncode}"] if run.returncode else [])


@functools.cache
def minima_is_missing() -> bool:
    if JEKYLL is None:
        return True
    command = ["ruby", "-e", "Gem::Specification.find_by_name('minima')"]
    return subprocess.run(command, capture_output=True, check=False).returncode != 0


def new_blog(folder: Path) -> Path:
    """What `jekyll new` makes: a post, a page, the theme minima."""
    subprocess.run([str(JEKYLL), "new", folder, "--skip-bundle"], check=True, capture_output=True, timeout=60)
    # The packages are Debian's; with this file Jekyll would look for them through Bundler.
    (folder / "Gemfile").unlink()
    # minima asks for it and does not ship it; without it every page has an error in the console.
    (folder / "favicon.ico").write_bytes(drawing(16, 16, "png"))
    return folder


_PROGRESS = (
    "Configuration file:", "Source:", "Destination:", "Incremental build:", "Generating...", "done in",
    "Auto-regeneration:", "Jekyll Feed:",
)  # fmt: skip
