"""Trains `photo_network`'s ResNet50 on photographs: crops, schedule, average of the weights. Needs PyTorch.

The photographs stay on the device as whole numbers; crops, flips and colours are made there.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, cross_entropy, grid_sample

from tools.photo_folder import Photographs
from tools.photo_network import ResNet50, prepared, resized
from tools.photo_recipe import Recipe

Progress = Callable[[int], float]
"""Steps made → share of the training that is behind; from 1 on it ends."""


@dataclass(frozen=True)
class OnDevice:
    """Photographs where they are computed with."""

    images: Tensor
    """uint8 (n, 3, side, side)."""
    labels: Tensor
    training: Tensor
    """Positions of the photographs that are trained on."""
    validation: Tensor
    classes: int


def on_device(photographs: Photographs) -> OnDevice:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    held_back = torch.from_numpy(photographs.held_back)
    return OnDevice(
        images=torch.from_numpy(photographs.pixels).permute(0, 3, 1, 2).contiguous().to(device),
        labels=torch.from_numpy(photographs.labels).to(device),
        training=torch.nonzero(~held_back)[:, 0].to(device),
        validation=torch.nonzero(held_back)[:, 0].to(device),
        classes=len(photographs.classes),
    )


# ---- Training -------------------------------------------------------------------------------------------


def trained(photos: OnDevice, recipe: Recipe, progress: Progress) -> tuple[ResNet50, int]:
    """A network with the average of a training's weights, and the steps made until `progress` ended it."""
    torch.manual_seed(recipe.seed)
    torch.backends.cudnn.benchmark = True
    network = ResNet50(photos.classes).to(photos.images.device, memory_format=torch.channels_last).train()
    optimiser, average, log = _optimiser(network, recipe), Average(network), Log()
    steps = 0
    for chosen in _batches(photos.training, recipe.batch):
        done = progress(steps)
        if done >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(done, len(chosen))
        images = augmented(photos.images[chosen].float(), recipe.side(done), recipe)
        loss = _loss(network, images, photos.labels[chosen], recipe)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        steps += 1
        average.follow(network, steps)
        log.tell(steps, images, loss)
    network.load_state_dict(average.state)
    return network.eval(), steps


def _loss(network: ResNet50, images: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    with torch.autocast(images.device.type, torch.bfloat16):
        return cross_entropy(network(prepared(images)), labels, label_smoothing=recipe.label_smoothing)


def _batches(positions: Tensor, size: int) -> Iterator[Tensor]:
    """Whole batches without end, in a new order each time round."""
    size = min(size, len(positions))
    while True:
        order = positions[torch.randperm(len(positions), device=positions.device)]
        yield from order[: len(order) // size * size].split(size)


def _optimiser(network: ResNet50, recipe: Recipe) -> torch.optim.Optimizer:
    kernels = [variable for variable in network.parameters() if variable.ndim > 1]
    others = [variable for variable in network.parameters() if variable.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": kernels, "weight_decay": recipe.weight_decay},
        {"params": others, "weight_decay": 0},
    ]
    return torch.optim.SGD(groups, lr=recipe.peak_rate, momentum=recipe.momentum, nesterov=True)


class Average:
    """A network's state, averaged over its steps; what is older counts exponentially less."""

    EVERY, MOST = 8, 0.99

    def __init__(self, network: ResNet50) -> None:
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def follow(self, network: ResNet50, steps: int) -> None:
        if steps % self.EVERY:
            return
        kept = min(self.MOST, steps / (steps + 20))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - kept)


class Log:
    """A line for every hundredth step."""

    def __init__(self) -> None:
        self.start = time.monotonic()

    def tell(self, steps: int, images: Tensor, loss: Tensor) -> None:
        if steps % 100 == 0 or steps == 1:
            seconds = time.monotonic() - self.start
            print(f"step {steps}: {images.shape[-1]} px, loss {loss.item():.3f}, {seconds:.0f} s", flush=True)


# ---- Augmentation ---------------------------------------------------------------------------------------


def augmented(images: Tensor, side: int, recipe: Recipe) -> Tensor:
    """Crops of other places, sizes and shapes, mirrored or not, in other colours: float32 (n, 3, side, side).

    `images` are float32 (n, 3, s, s) from 0 to 255, and so is the outcome.
    """
    shape = (len(images), 3, side, side)
    grid = affine_grid(_crops(len(images), images.device, recipe), shape, align_corners=False)
    return _recoloured(
        grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False), recipe
    )


def _crops(count: int, device: torch.device, recipe: Recipe) -> Tensor:
    """Random crops, mirrored or not, as maps of the crop's coordinates to the photograph's: (count, 2, 3).

    The photograph reaches from -1 to 1 both ways.
    """

    def between(low: float, high: float) -> Tensor:
        return torch.empty(count, device=device).uniform_(low, high)

    area, ratio = between(*recipe.crop_area), between(*map(math.log, recipe.crop_ratio)).exp()
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    maps = torch.zeros(count, 2, 3, device=device)
    maps[:, 0, 0] = torch.where(between(0, 1) < recipe.flipped, -width, width)
    maps[:, 1, 1] = height
    maps[:, 0, 2], maps[:, 1, 2] = (1 - width) * between(-1, 1), (1 - height) * between(-1, 1)
    return maps


def _recoloured(images: Tensor, recipe: Recipe) -> Tensor:
    """Other saturation, contrast and brightness, each image by itself, and some of them grey."""

    def factor() -> Tensor:
        return torch.empty(len(images), 1, 1, 1, device=images.device).uniform_(1 - recipe.colour, 1 + recipe.colour)

    lightness = images.mean(1, keepdim=True)
    images = lightness + (images - lightness) * factor()
    mean = lightness.mean((2, 3), keepdim=True)
    images = (mean + (images - mean) * factor()) * factor()
    grey = torch.rand(len(images), 1, 1, 1, device=images.device) < recipe.grey
    return torch.where(grey, images.mean(1, keepdim=True), images).clamp(0, 255)


# ---- What came out --------------------------------------------------------------------------------------


@torch.no_grad()
def accuracy(network: ResNet50, photos: OnDevice, side: int) -> float:
    """Share of the validation photographs that a network in inference mode names, seen at `side` pixels."""
    right = 0
    for chosen in photos.validation.split(256):
        with torch.autocast(photos.images.device.type, torch.bfloat16):
            logits = network(prepared(resized(photos.images[chosen], side)))
        right += int((logits.argmax(1) == photos.labels[chosen]).sum())
    return right / len(photos.validation)


@torch.no_grad()
def features(network: ResNet50, images: Tensor, side: int) -> Tensor:
    """Pooled features in float32 of uint8 (n, 3, s, s) images, seen at `side` pixels: (n, 2048)."""
    return torch.cat([network.pooled(prepared(resized(part, side))) for part in images.split(32)])


def machine() -> str:
    """The GPU that is computed on; empty where there is none."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""
