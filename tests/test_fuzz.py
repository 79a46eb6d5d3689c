"""Mutated archives, images, settings, results and store entries, given to the command line.

Whatever comes in: an exit code of the list, no traceback, no hang, a message if it is not 0, and no file
anywhere but in the site and the store. `python -m tests.test_fuzz SECONDS` goes on for longer and says how
many inputs of each kind it made; a failing input is printed and kept.
"""

import argparse
import contextlib
import io
import random
import shutil
import signal
import struct
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import record
from generator import cli
from generator.post import render
from generator.support.errors import BuildFailed
from tests import fakes
from tests.fakes import make_project, tree

INPUTS = 12
"""Of each kind, in one run of the tests."""

EXIT_CODES = (0, 1, 2, 3)

SECONDS_PER_INPUT = 60

NASTY = [
    b"", b"\0", b"\xff" * 8, b"\x00" * 64, b"../../x", b"-1", b"1e999", b"NaN", b"[" * 5000, b"9" * 5000, b'"', b"\n",
    b"{{ x }}", b"\xed\xa0\x80", b"\xe2\x80\xae", b"0x", struct.pack("<I", 2**31), struct.pack(">I", 2**32 - 1),
]  # fmt: skip


def mutated(content: bytes, chance: random.Random) -> bytes:
    """`content` with a few bytes changed, cut, doubled, or replaced by nasty ones."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8, 30])):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(7):
            case 0 if data:
                data[place % len(data)] ^= 1 << chance.randrange(8)
            case 1 if data:
                data[place % len(data)] = chance.randrange(256)
            case 2:
                data[place:place] = chance.choice(NASTY)
            case 3:
                nasty = chance.choice(NASTY)
                data[place : place + len(nasty)] = nasty
            case 4:
                del data[place : place + chance.choice([1, 2, 10, 100, 10_000])]
            case 5:
                data[place:place] = data[place : place + chance.choice([1, 10, 100, 1000])]
            case 6:
                del data[place:]
    return bytes(data)


# ---- Kinds of input --------------------------------------------------------------------------------------


class Fuzzer:
    """A project and a site to be ill-treated; each method makes an input and gives the arguments to try it with."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.chance = chance
        # Deep down, so that `../..` still ends where it is looked for.
        self.folder = folder / "a" / "b" / "c"
        self.project = make_project(self.folder, train=6, test=1)
        self.project.variants = "baseline"
        self.top = folder
        self.project.build()
        self.site, self.store = tree(self.project.places.site), tree(self.project.places.store)
        self.archive = self._archive()
        self.images = dict(sample_images())

    def reset(self) -> None:
        """Put site and store back as they were."""
        for place, files in ((self.project.places.site, self.site), (self.project.places.store, self.store)):
            if not place.is_dir() or tree(place) != files:
                shutil.rmtree(place, ignore_errors=True)
                for name, content in files.items():
                    (place / name).parent.mkdir(parents=True, exist_ok=True)
                    (place / name).write_bytes(content)

    def arguments(self, *more: str) -> list[str]:
        return self.project.arguments(*more)

    def archives(self) -> list[str]:
        path = self.folder / "input" / "archive.zip"
        content = self.archive if self.chance.random() < 0.6 else self._odd_archive()
        write(path, mutated(content, self.chance) if self.chance.random() < 0.85 else content)
        return self.arguments("--data", str(path), "--explain")

    def pictures(self) -> list[str]:
        """Several mutated images at once, in a data set; the build ends after decoding."""
        data = self.folder / "input" / "data"
        shutil.copytree(self.project.data, data)
        for place in self.chance.sample(sorted(data.rglob("*.png")), 4):
            name = self.chance.choice(sorted(self.images))
            place.unlink()
            content = self.images[name]
            write(place.with_name(name), mutated(content, self.chance) if self.chance.random() < 0.4 else content)
        return self.arguments("--data", str(data), "--set", f'data.alpha="{self.chance.choice(["drop", "white"])}"')

    def settings(self) -> list[str]:
        path = self.folder / "input" / "experiment.toml"
        content = (fakes.ROOT / "experiment.toml").read_bytes()
        write(path, mutated(content, self.chance))
        # Without the usual options, which would hide what the file says.
        return ["--config", str(path), *self._small(), *self.arguments()[:4], *self.project.where, "--explain"]

    def options(self) -> list[str]:
        """Known options and settings with values of any kind."""
        values = [v.decode("latin-1").replace("\0", "") for v in NASTY]
        values += [
            "0",
            "1",
            "-3",
            "2.5",
            "inf",
            "nan",
            "true",
            "[]",
            "{}",
            "{a=1}",
            "1979-05-27",
            "''",
            "baseline,,all",
        ]
        chosen = []
        for _ in range(self.chance.choice([1, 1, 2])):
            value = self.chance.choice(values)
            if self.chance.random() < 0.7:
                key = self.chance.choice(KEYS)
                key = key if self.chance.random() < 0.9 else mutated(key.encode(), self.chance).decode("latin-1")
                chosen.append(f"--set={key.replace(chr(0), '')}={value}")
            else:
                chosen.append(f"{self.chance.choice(OPTIONS)}={value}")
        return self.arguments("--explain", *chosen)

    def published(self) -> list[str]:
        """A file of the site is changed; verified, compared or built over."""
        site = self.project.places.site
        names = [n for n in self.site if n.endswith((".json", ".csv", ".md", ".png"))]
        data = [n for n in names if n.endswith((".json", ".csv"))]
        name = self.chance.choice(data if self.chance.random() < 0.8 else names)
        write(site / name, mutated(self.site[name], self.chance))
        where = ["--site", str(site), "--store", str(self.project.places.store)]
        (metrics,) = site.rglob("metrics.json")
        return self.chance.choice([
            ["verify", *where],
            ["diff", str(site), str(site), *where],
            ["diff", str(site), str(site), "--json", *where],
            ["diff", str(metrics), str(site), "--md", *where],
            self.arguments(),
            self.arguments("--force"),
            self.arguments("--overwrite"),
        ])  # fmt: skip

    def stored(self) -> list[str]:
        """A file of the store is changed: an entry, a memory, a record of the history."""
        store = self.project.places.store
        for name in self.chance.sample(sorted(self.store), self.chance.choice([1, 3, 10])):
            write(store / name, mutated(self.store[name], self.chance))
        where = ["--site", str(self.project.places.site), "--store", str(store)]
        return self.chance.choice([
            self.arguments(),
            self.arguments("--explain"),
            ["history", *where[2:]],
            ["cache", *where[2:], "--prune", "0.0001"],
            ["diff", self._build_id(), str(self.project.places.site), *where],
        ])  # fmt: skip

    def _build_id(self) -> str:
        return next(name.split("/")[1] for name in self.store if name.startswith("history/"))

    @staticmethod
    def _small() -> list[str]:
        return [part for override in fakes.SMALL for part in ("--set", override)]

    def _archive(self) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(self.project.data.rglob("*.png")):
                archive.write(path, path.relative_to(self.project.data))
        return stream.getvalue()

    def _odd_archive(self) -> bytes:
        """A sound archive whose names, types and methods are not."""
        chance, stream = self.chance, io.BytesIO()
        odd = chance.choice([0.0, 0.05, 0.3])
        images = [p.read_bytes() for p in sorted(self.project.data.rglob("*.png"))]
        with zipfile.ZipFile(stream, "w") as archive:
            for number in range(chance.randrange(1, 30)):
                usual = f"{chance.choice(['train', 'test'])}/{chance.choice(['camel', 'horse'])}/{number}.png"
                name = chance.choice(odd_names(self.top)) if chance.random() < odd else usual
                info = zipfile.ZipInfo(name.replace("\0", "_"))
                info.compress_type = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
                info.external_attr = chance.choice([0o100644, 0o100644, 0o120777, 0o060644, 0o040755]) << 16
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of names that stand twice
                    archive.writestr(info, chance.choice([*images, b"", b"../../target", bytes(3_000_000)]))
        return stream.getvalue()


KEYS = [
    "seed", "weights", "post", "post.title", "post.date", "post.slug", "post.layout", "post.categories", "post.tags",
    "post.permalink", "post.assets", "post.asset_folder", "post.jekyll_config",
    "data", "data.path", "data.image_size", "data.batch_size",
    "data.alpha", "data.sample_train", "data.sample_test", "data.measure", "data.max_entries", "data.max_bytes",
    "data.max_ratio", "data.max_pixels", "split.validation_fraction", "split.mode", "model", "model.preprocess",
    "model.augment", "model.rotation", "model.fill", "model.dropout", "model.precision", "head.optimizer",
    "head.learning_rate", "head.epochs", "fine_tuning.from_layer", "fine_tuning.epochs", "variants",
    "variants.augmentation", "variants.x.model.augment", "variants.augmentation.title", "variants.augmentation.head",
    "gates", "profiles", "profiles.smoke", "", ".", "a.b.c",
]  # fmt: skip

OPTIONS = [
    "--seed",
    "--variants",
    "--profile",
    "--weights",
    "--data",
    "--store-limit",
    "--config",
    "--nothing",
    "--set",
]


def odd_names(top: Path) -> list[str]:
    return [
        "../escaped.png", "../../../escaped.png", str(top / "escaped.png"), "C:\\escaped.png", "train\\camel\\1.png",
        "train/camel/../../../escaped.png", "train/camel/1.png", "TRAIN/CAMEL/1.PNG",
        "train/camel/" + "x" * 300 + ".png",
        "__MACOSX/train/._1.png", "train/camel/.DS_Store", "train/camel/\u202egnp.png",
        "train/camel/a\nb.png",
        "/", "", "train", "train/camel", "train/{{ x }}/1.png", "deep/" * 100 + "1.png", "train/camel/con.png",
        "train//camel/1.png",
    ]  # fmt: skip


TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
"""EXIF data that says: turn by a quarter."""


def sample_images() -> Iterator[tuple[str, bytes]]:
    """A small image of each format and mode."""
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 4), np.uint8)
    colour = Image.fromarray(pixels)
    for name, mode, form, options in (
        ("rgba.png", "RGBA", "PNG", {}), ("palette.png", "P", "PNG", {"transparency": 3}), ("grey.png", "L", "PNG", {}),
        ("rgb.jpg", "RGB", "JPEG", {}), ("cmyk.jpg", "CMYK", "JPEG", {}), ("palette.gif", "P", "GIF", {}),
        ("palette.bmp", "P", "BMP", {}), ("rgb.bmp", "RGB", "BMP", {}), ("deep.png", "I;16", "PNG", {}),
        ("moving.png", "RGBA", "PNG", {"save_all": True, "append_images": [colour.rotate(90)]}),
        ("exif.jpg", "RGB", "JPEG", {"exif": TURNED}),
    ):  # fmt: skip
        stream = io.BytesIO()
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257) if mode == "I;16" else colour.convert(mode)
        image.save(stream, form, **options)
        yield name, stream.getvalue()


KINDS: dict[str, Callable[[Fuzzer], list[str]]] = {
    "archives": Fuzzer.archives,
    "images": Fuzzer.pictures,
    "settings": Fuzzer.settings,
    "options": Fuzzer.options,
    "site": Fuzzer.published,
    "store": Fuzzer.stored,
}


# ---- Trying ----------------------------------------------------------------------------------------------


def attempt(fuzzer: Fuzzer, arguments: list[str]) -> tuple[int, str]:
    """Run the command line; gives the exit code and what is wrong with the outcome, empty if nothing."""
    outside = outer_files(fuzzer)
    stdout, stderr = io.StringIO(), io.StringIO()

    def too_long(number: int, frame: Any) -> None:
        raise TimeoutError(f"more than {SECONDS_PER_INPUT} s")

    previous = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(SECONDS_PER_INPUT)
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = run(arguments)
    except BaseException:
        return -1, traceback.format_exc()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    if code not in EXIT_CODES:
        return code, f"exit code {code}"
    if code and not (stderr.getvalue() or stdout.getvalue()):
        return code, "no message"
    if "Traceback" in stderr.getvalue():
        return code, stderr.getvalue()
    if outer_files(fuzzer) != outside:
        return code, f"files elsewhere: {outer_files(fuzzer) ^ outside}"
    return code, ""


def run(arguments: list[str]) -> int:
    try:
        return cli.main(arguments)
    except SystemExit as ended:  # argparse
        return ended.code if isinstance(ended.code, int) else 1


def outer_files(fuzzer: Fuzzer) -> set[str]:
    """Every file but those of site, store and input."""
    own = [str(p) for p in (fuzzer.project.places.site, fuzzer.project.places.store, fuzzer.folder / "input")]
    found = (str(p) for p in fuzzer.top.rglob("*") if not p.is_dir())
    return {p for p in found if not p.startswith(tuple(own)) and not p.endswith("preview.html")}


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def prepared(folder: Path, seed: int, put: Callable[..., None]) -> Fuzzer:
    """A fuzzer, with the pipeline's slow parts replaced; builds end where the images have been decoded."""
    fakes.install(put)
    fuzzer = Fuzzer(folder, random.Random(seed))
    put(render, "check", lambda *arguments, **options: None)
    return fuzzer


def stop_after_decoding(put: Callable[..., None]) -> None:
    fakes.install(put, failures={"baseline.features": BuildFailed("far enough"), "all.augmentation": BuildFailed("x")})


@pytest.mark.parametrize("kind", KINDS)
def test_no_input_makes_it_stumble(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    fuzzer = prepared(tmp_path, seed, monkeypatch.setattr)
    if kind == "images":
        stop_after_decoding(monkeypatch.setattr)
    for number in range(INPUTS):
        arguments = KINDS[kind](fuzzer)
        code, fault = attempt(fuzzer, arguments)
        assert not fault, f"seed {seed}, input {number}, exit {code}: {arguments}\n{fault}"
        fuzzer.reset()
        shutil.rmtree(fuzzer.folder / "input", ignore_errors=True)


def main(seconds: float, seed: int, into: Path | None) -> None:
    """Fuzz for `seconds`, in turn with every kind; print each new fault once, and the counts at the end."""
    print(f"seed {seed}", flush=True)
    measured = record.of(seed=seed, seconds=seconds)
    kept, counts, codes, faults = Path(tempfile.mkdtemp(prefix="fuzz-")), Counter[str](), Counter[str](), set[str]()
    fuzzer = prepared(kept / "work", seed, setattr)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for kind, make in KINDS.items():
            (stop_after_decoding if kind == "images" else fakes.install)(setattr)
            arguments = make(fuzzer)
            code, fault = attempt(fuzzer, arguments)
            counts[kind] += 1
            codes[f"{kind} {code}"] += 1
            if fault and fault.splitlines()[-1][:80] not in faults:
                faults.add(fault.splitlines()[-1][:80])
                print(f"---- {kind}, input {counts[kind]}: {arguments}\n{fault}", flush=True)
                if (fuzzer.folder / "input").exists():
                    shutil.copytree(fuzzer.folder / "input", kept / f"{kind}-{counts[kind]}")
            fuzzer.reset()
            shutil.rmtree(fuzzer.folder / "input", ignore_errors=True)
    print(f"{dict(counts)}, {len(faults)} faults, exit codes {dict(sorted(codes.items()))}; inputs kept in {kept}")
    measured |= {"inputs": counts, "all": counts.total(), "least": min(counts.values()), "faults": len(faults)}
    record.write(into, measured)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.test_fuzz")
    parser.add_argument("seconds", type=float)
    parser.add_argument("seed", type=int, nargs="?", default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--json", type=Path, help="file for the counts")
    given = parser.parse_args()
    main(given.seconds, given.seed, given.json)
