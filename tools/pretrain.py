"""Pre-trains the embedded weights: ResNet50 in PyTorch on drawn animals that are no camels and no horses.

`train` draws, trains, converts to Keras' layer names, quantises and writes; `fold` multiplies the features of
a written file by a power of two. PyTorch (`pip install torch==2.13.0`) is needed for `train` alone and by no
other part of the project. To use a new file, put it in place of the embedded one and write the SHA-256 that
is printed into `embedded_sha256` in `generator/backbones/resnet50.py`.
"""

import argparse
import math
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import animals  # noqa: E402

from generator.backbones.resnet50 import RESNET50  # noqa: E402
from generator.backbones.weight_files import unpacked  # noqa: E402
from generator.support.files import file_hash, replacing  # noqa: E402

PHASES = ((96, 64, 0.5), (128, 64, 0.25), (192, 32, 0.25))
"""(side of the images in pixels, batch size, share of the steps): small images first, for speed."""
RATE = 0.08
"""Peak learning rate for a batch of 64."""
MEAN = (103.939, 116.779, 123.68)
"""What Keras' `preprocess_input` subtracts from blue, green and red."""
TURNED, UNPREPARED = 0.5, 0.25
"""Shares of images that are rotated by up to a fifth of a turn, filled by reflection, and that enter as RGB from
0 to 255: what the experiment's variants with augmentation and without preprocessing will show the network."""
SCALED = ("conv5_block1_0_bn", "conv5_block1_3_bn", "conv5_block2_3_bn", "conv5_block3_3_bn")
UNSCALED = ("conv5_block2_1_conv", "conv5_block3_1_conv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="draw, train and write a weights file")
    train.add_argument("out", type=Path)
    train.add_argument("--steps", type=int, default=2600, help="gradient steps (2600 take about 50 minutes)")
    train.add_argument("--shrink", type=int, default=1, help="divide batch and image sizes, for a quick trial")
    train.add_argument("--scale", type=float, default=2.0, help="factor for the features, a power of two")
    train.add_argument("--start", type=Path, help="a weights file to start from instead of random weights")
    train.add_argument("--rate", type=float, default=RATE, help="peak learning rate for a batch of 64")
    train.add_argument("--seed", type=int, default=0)
    again = commands.add_parser("fold", help="multiply the features of a weights file by a power of two")
    again.add_argument("source", type=Path)
    again.add_argument("out", type=Path)
    again.add_argument("--scale", type=float, required=True)
    options = parser.parse_args()
    if options.command == "train":
        arrays = quantised(trained(options))
    else:
        with np.load(options.source, allow_pickle=False) as file:
            arrays = dict(file)
    write(options.out, folded(arrays, options.scale))
    report(options.out)


# ---- Training -------------------------------------------------------------------------------------------


def trained(options: argparse.Namespace) -> dict[str, np.ndarray]:
    """Train by the options of `train`; `<layer>/<variable>` → float32 array in Keras' layout."""
    import torch  # Optional: only this command needs it.

    torch.manual_seed(options.seed)
    network, steps = build(len(animals.NAMES)), options.steps
    if options.start is not None:
        load(network, unpacked(options.start.read_bytes(), RESNET50))
    optimiser = torch.optim.SGD(network.parameters(), lr=options.rate, momentum=0.9, nesterov=True, weight_decay=1e-4)
    start, recent = time.monotonic(), deque(maxlen=50)
    for step, (pixels, labels) in enumerate(batches(steps, options.shrink, options.seed)):
        for group in optimiser.param_groups:
            group["lr"] = options.rate * rate(step, steps, len(labels))
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        target = torch.from_numpy(labels)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = network(images.contiguous(memory_format=torch.channels_last))
        loss = torch.nn.functional.cross_entropy(logits.float(), target, label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        recent.append((logits.argmax(1) == target).float().mean().item())
        if step % 50 == 49 or step == steps - 1:
            print(
                f"step {step + 1}/{steps}  {pixels.shape[1]} px  loss {loss.item():.3f}  "
                f"accuracy {np.mean(recent):.3f}  {time.monotonic() - start:.0f} s",
                flush=True,
            )
    return converted(network)


def rate(step: int, steps: int, batch: int) -> float:
    """Share of the peak rate: a hundred steps of warming up, then half a cosine; proportional to the batch."""
    return batch / 64 * min(1, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-4


def batches(steps: int, shrink: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Freshly drawn batches: pixels float32 (n, size, size, 3) and labels int64 (n,)."""
    jobs: list[tuple[int, int, int, int]] = []
    for size, batch, share in PHASES:
        count = steps - len(jobs) if size == PHASES[-1][0] else round(steps * share)
        jobs += [(seed, len(jobs) + i, size // shrink, max(2, batch // shrink)) for i in range(count)]
    waiting: deque[Any] = deque()
    # A fresh process: forking one that runs PyTorch's threads can hang.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for job in jobs:
            waiting.append(pool.submit(draw_batch, job))
            if len(waiting) > 6:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def draw_batch(job: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    seed, number, size, count = job
    rng = np.random.default_rng([seed, number])
    labels = rng.integers(0, len(animals.NAMES), count)
    pixels = [drawn(rng, animals.NAMES[label], size) for label in labels]
    return np.stack(pixels), labels


def drawn(rng: np.random.Generator, name: str, size: int) -> np.ndarray:
    """One image as the experiment sees its own: alpha dropped, which shows the surroundings in their box.

    float32 (size, size, 3): BGR less `MEAN`, as `preprocess_input` gives it, or RGB as it is.
    """
    image = animals.picture(rng, name).convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
    if rng.random() < TURNED:
        image = turned(image, rng.uniform(-72, 72))
    pixels = np.asarray(image, np.float32)
    return pixels if rng.random() < UNPREPARED else pixels[..., ::-1] - np.float32(MEAN)


def turned(image: Image.Image, degrees: float) -> Image.Image:
    """The square image rotated about its centre; what that uncovers is filled by reflection."""
    side = image.width
    wide = np.pad(np.asarray(image), [(side // 2, side // 2)] * 2 + [(0, 0)], mode="symmetric")
    whole = Image.fromarray(wide).rotate(degrees, Image.Resampling.BILINEAR)
    return whole.crop((side // 2, side // 2, side // 2 + side, side // 2 + side))


def build(classes: int) -> Any:
    """ResNet50 as Keras builds it (stride in a block's first 1×1 convolution, biases), by Keras' layer names."""
    from torch import nn, relu

    def layer(name: str, shape: tuple[int, ...]) -> nn.Module:
        if name.endswith("_bn"):
            norm = nn.BatchNorm2d(shape[0], eps=1.001e-5)
            # Blocks begin near the identity, which lets a deep network learn from the first step.
            nn.init.constant_(norm.weight, 0.2 if name.endswith("_3_bn") else 1.0)
            return norm
        halves = name == "conv1_conv" or (name[4] in "345" and name.endswith(("block1_1_conv", "block1_0_conv")))
        size, _, channels, filters = shape
        return nn.Conv2d(channels, filters, size, stride=2 if halves else 1, padding=size // 2)

    class ResNet50(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            first = {name: shape for name, shape in RESNET50.shapes.items() if name.endswith(("kernel", "gamma"))}
            self.parts = nn.ModuleDict({n.split("/")[0]: layer(n.split("/")[0], s) for n, s in first.items()})
            self.pool = nn.MaxPool2d(3, 2, 1)
            self.head = nn.Linear(2048, classes)

        def step(self, name: str, x: Any) -> Any:
            return self.parts[f"{name}_bn"](self.parts[f"{name}_conv"](x))

        def forward(self, x: Any) -> Any:
            x = self.pool(relu(self.step("conv1", x)))
            for block in dict.fromkeys(name[: name.index("_", 6)] for name in self.parts if "block" in name):
                y = relu(self.step(f"{block}_1", x))
                y = self.step(f"{block}_3", relu(self.step(f"{block}_2", y)))
                x = relu(y + (self.step(f"{block}_0", x) if f"{block}_0_conv" in self.parts else x))
            return self.head(x.mean((2, 3)))

    import torch

    return ResNet50().to(memory_format=torch.channels_last)


NAMES = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""PyTorch's names of a batch normalisation's variables → Keras'."""


def converted(network: Any) -> dict[str, np.ndarray]:
    """The network's state as Keras' variables."""
    arrays: dict[str, np.ndarray] = {}
    for name, part in network.parts.items():
        state = {key: value.detach().float().numpy() for key, value in part.state_dict().items()}
        if name.endswith("_conv"):
            arrays[f"{name}/kernel"] = state["weight"].transpose(2, 3, 1, 0)
            arrays[f"{name}/bias"] = state["bias"]
        else:
            arrays |= {f"{name}/{keras}": state[torch] for torch, keras in NAMES.items()}
    return arrays


def load(network: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """The inverse of `converted`: put Keras' variables into the network."""
    from torch import from_numpy

    for name, part in network.parts.items():
        if name.endswith("_conv"):
            kernel = np.ascontiguousarray(arrays[f"{name}/kernel"].transpose(3, 2, 0, 1))
            state = {"weight": kernel, "bias": arrays[f"{name}/bias"]}
        else:
            state = {torch: arrays[f"{name}/{keras}"] for torch, keras in NAMES.items()}
        part.load_state_dict({key: from_numpy(value) for key, value in state.items()}, strict=False)


# ---- The file -------------------------------------------------------------------------------------------


def quantised(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Kernels as int8 (`:q`) with a float32 scale per output channel (`:s`); everything else as float32."""
    found: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        if not name.endswith("/kernel"):
            found[name] = array.astype(np.float32)
            continue
        scale = np.abs(array).max((0, 1, 2)) / 127
        scale[scale == 0] = 1
        found[f"{name}:q"] = np.round(array / scale).astype(np.int8)
        found[f"{name}:s"] = scale.astype(np.float32)
    return found


def folded(arrays: Mapping[str, np.ndarray], scale: float) -> dict[str, np.ndarray]:
    """The same network with its features multiplied by `scale`, a power of two, so that nothing is rounded.

    The last stage's outputs are scaled by its batch normalisations, and unscaled by the kernels that read
    them. Features of ImageNet's size let the head learn at the recipe's rate.
    """
    if math.frexp(scale)[0] != 0.5:
        raise SystemExit(f"--scale {scale}: must be a power of two, as 8")
    found = dict(arrays)
    for name in SCALED:
        for variable in ("gamma", "beta"):
            found[f"{name}/{variable}"] = found[f"{name}/{variable}"] * np.float32(scale)
    for name in UNSCALED:
        found[f"{name}/kernel:s"] = found[f"{name}/kernel:s"] / np.float32(scale)
    return found


def write(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """The same arrays give the same bytes: names are sorted and no time is stored."""
    with replacing(path) as stream:
        np.savez_compressed(stream, **{name: arrays[name] for name in sorted(arrays)})


def report(path: Path) -> None:
    data = path.read_bytes()
    arrays = unpacked(data, RESNET50)
    count = sum(array.size for array in arrays.values())
    print(f"{path}: {len(arrays)} arrays, {count:,} parameters, {len(data) / 1e6:.1f} MB")
    print(f"SHA-256 {file_hash(path)}")


if __name__ == "__main__":
    main()
