"""Which altered copies of an image are found as near-duplicates, which images are taken for such that are none.

Of each data set every image is altered in each of some ways, and what `data.near` finds among originals and copies is
counted: the copies found as that of their original, and the pairs beside these. The sample is drawn with seeds of
its own; other data sets are named, as `--data` of a build names them. A set that stands for a large one, the
same images in windows taken at random, says what time and memory the search takes. Nothing is trained.

    python -m benchmarks.near_duplicates [DATA …] --many 40000 [--json benchmarks/recorded/near_duplicates.json]

Prints Markdown. Measured on sets in which no near-duplicates are known: look at those it finds there.
"""

import argparse
import io
import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from benchmarks import machine, record
from generator.data import dataset, decoding, near
from generator.experiment.config.settings import DataSettings

SEEDS = (101, 102, 103)
"""Of samples that are published nowhere."""
SIZE = 224
Pixels = npt.NDArray[np.uint8]
Row = dict[str, Any]


def _encoded(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def _resized(image: Image.Image) -> Image.Image:
    half = image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.LANCZOS)
    return half.resize(image.size, Image.Resampling.LANCZOS)


def _cropped(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    w, h = image.size
    return image.crop((round(w * left), round(h * top), round(w * (1 - right)), round(h * (1 - bottom))))


def _captioned(image: Image.Image) -> Image.Image:
    found, (w, h) = image.copy(), image.size
    ImageDraw.Draw(found).rectangle((0, round(h * 0.92), w, h), fill=(0, 0, 0))
    return found


def _marked(image: Image.Image) -> Image.Image:
    found, (w, h) = image.copy(), image.size
    text = "photo.example"
    ImageDraw.Draw(found).text((w * 0.05, h * 0.8), text, fill=(255, 255, 255), font_size=max(8, w // 12))
    return found


ALTERATIONS: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG of quality 60": lambda image: _encoded(image, 60),
    "half the size and back": _resized,
    "brightness +10%": lambda image: ImageEnhance.Brightness(image).enhance(1.1),
    "mirrored": ImageOps.mirror,
    "2.5% off every side": lambda image: _cropped(image, 0.025, 0.025, 0.025, 0.025),
    "5% off two sides": lambda image: _cropped(image, 0, 0, 0.05, 0.05),
    "black bar over 8%": _captioned,
    "words written across": _marked,
    "mirrored, cropped, JPEG of 70": lambda image: _encoded(
        _cropped(ImageOps.mirror(image), 0.03, 0.02, 0.02, 0.03), 70
    ),
}
"""What is done to an image before it is decoded as a build does."""


def measured_on(settings: DataSettings, store: Path) -> Row:
    """What is found in one data set, alone and beside an altered copy of every image."""
    found = dataset.find(settings, store)
    images = [Image.fromarray(decoding.read_rgba(sample.path)).convert("RGB") for sample in found.samples]
    originals = _decoded(images)
    rows = {}
    for name, alter in ALTERATIONS.items():
        pairs = near.find(np.concatenate([originals, _decoded([alter(image) for image in images])]))
        own = sum(pair.second == pair.first + len(images) for pair in pairs)
        rows[name] = {"found": own, "beside": len(pairs) - own}
    name = f"sample {settings.sample_seed}" if settings.path == "sample" else found.source
    return {"name": name, "images": len(images), "pairs": len(near.find(originals)), "altered": rows}


def _decoded(images: Sequence[Image.Image]) -> Pixels:
    return np.stack([np.asarray(image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)) for image in images])


def time_taken(images: int, settings: DataSettings, store: Path) -> Row:
    """Seconds, and most memory of the process, bytes, for as many windows of a data set's images."""
    sources = [
        Image.fromarray(decoding.read_rgba(s.path)).convert("RGB") for s in dataset.find(settings, store).samples
    ]
    rng = np.random.default_rng(0)
    pixels = np.empty((images, near.THUMB, near.THUMB, 3), np.uint8)
    for place in range(images):
        image = sources[rng.integers(len(sources))]
        side = round(min(image.size) * rng.uniform(0.3, 0.6))
        left, top = (int(rng.integers(0, length - side + 1)) for length in image.size)
        window = image.crop((left, top, left + side, top + side))
        pixels[place] = np.asarray(window.resize((near.THUMB, near.THUMB), Image.Resampling.BILINEAR))
    start = time.perf_counter()
    near.find(pixels)
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"images": images, "seconds": seconds, "memory": memory}


def as_markdown(found: Row) -> str:
    """A row for each alteration, a column for each data set."""
    sets = found["sets"]
    lines = ["| altered copies found | " + " | ".join(f"{s['name']} ({s['images']})" for s in sets) + " |"]
    lines.append("|---|" + "---:|" * len(sets))
    for name in sets[0]["altered"]:
        counts = [f"{s['altered'][name]['found']}" for s in sets]
        lines.append(f"| {name} | " + " | ".join(counts) + " |")
    lines.append("| pairs among the originals | " + " | ".join(str(s["pairs"]) for s in sets) + " |")
    return "\n".join(lines)


def false_alarms(found: Row) -> str:
    """How many pairs there were that are no copy and its original, of how many images, in words."""
    images = sum(s["images"] for s in found["sets"])
    pairs = sum(s["pairs"] for s in found["sets"])
    beside = sum(row["beside"] for s in found["sets"] for row in s["altered"].values())
    return f"{pairs or 'none'} among the {images:,} originals, {beside or 'none'} between them and copies of others"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", help="a folder or an archive, as --data of a build")
    parser.add_argument("--images", type=int, default=400, help="of each sample")
    parser.add_argument("--many", type=int, default=0, help="images of which the time is measured")
    parser.add_argument("--json", type=Path, help="keep the figures there")
    options = parser.parse_args()
    drawn = {"sample_train": options.images * 9 // 10, "sample_test": options.images // 10}
    sets = [DataSettings(sample_seed=seed, **drawn) for seed in SEEDS] + [DataSettings(path=p) for p in options.data]
    found = record.of()
    print(machine.as_markdown(found["machine"]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        found["sets"] = [measured_on(settings, Path(folder)) for settings in sets]
        if options.many:
            found["many"] = time_taken(options.many, sets[-1], Path(folder))
    print(as_markdown(found))
    record.write(options.json, found)


if __name__ == "__main__":
    main()
