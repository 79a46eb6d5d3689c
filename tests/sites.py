"""Small sites made without rendering or drawing: a post of bound numbers, one code excerpt, tiny pictures."""

import hashlib
import io
from pathlib import Path

from PIL import Image

from generator.experiment.files import result_files
from generator.experiment.results import BuildResults
from generator.post import bound, manifest
from generator.support import escape
from tests.factories import make_results

FOLDER = "folder"
POST = "_posts/2023-01-31-post.md"
PLACE = manifest.path_for(FOLDER)
CODE = "def area(side):\n    return side * side"


def make_files(build: BuildResults | None = None, shade: int = 100, code: str = CODE) -> dict[str, bytes]:
    """Site path → content of a whole build; its pictures are of one `shade` of grey."""
    build = build or make_results()
    text, numbers, excerpts = make_post(build, code)
    files = {POST: text.encode()}
    for name, content in result_files.to_files(build).items():
        files[f"assets/data/{FOLDER}/{name}"] = content.encode()
    for figure in build.figures:
        for suffix in ("png", "webp"):
            files[f"assets/images/{FOLDER}/{figure.scope}/{figure.name}.{suffix}"] = picture(suffix, shade)
    record = manifest.make(POST, files, numbers, excerpts)
    return {**files, PLACE: manifest.to_text(record).encode()}


def make_post(build: BuildResults, code: str) -> tuple[str, tuple[manifest.Number, ...], tuple[manifest.Excerpt, ...]]:
    """A line with accuracy and loss of every score, a difference, and a block of code."""
    view, formats = bound.view(build), bound.filters()
    marked = ["# A post", ""]
    for name in build.variants:
        variant = view.variants[name]
        for split in ("before", "train", "validation", "test"):
            score = getattr(variant, split)
            accuracy, loss = formats["accuracy"](score.accuracy), formats["loss"](score.loss)
            marked.append(f"| {name} | {split} | {accuracy} | {loss} |")
        difference = variant.test.accuracy - view.variants.baseline.test.accuracy
        marked.append(f"Against the baseline: {formats['change'](difference)}.")
    quoted = bound.quotation_mark("generator.training.network:area") + code
    marked += ["", escape.code_fence(f"# generator/training/network.py\n{quoted}", "python"), "", "The end."]
    text, numbers, quotations = bound.extract("\n".join(marked))
    sha256 = hashlib.sha256(code.encode()).hexdigest()
    excerpts = tuple(manifest.Excerpt(line=q.line, symbol=q.symbol, sha256=sha256) for q in quotations)
    return text, numbers, excerpts


def put(site: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_bytes(content)
    return site


def picture(suffix: str = "png", shade: int = 100, size: tuple[int, int] = (12, 8)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(stream, suffix.upper(), lossless=True)
    return stream.getvalue()
