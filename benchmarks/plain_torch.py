"""The recipe in plain PyTorch, as a careful user writes it: channels last, autocast to bfloat16, nothing is kept.

    head           the base frozen, which records no gradients, for 30 epochs
    fine_tuning    the base's layers from Keras' index 100 on unfrozen, for 11 epochs
    evaluation     the test images

Autocast is used where the processor has units for bfloat16; elsewhere it computes in float32. Images are read and
decoded by a `DataLoader`'s own processes in every pass. The network is Keras' ResNet50 (`tools/photo_network.py`),
its batch normalisation in inference mode in both phases. A peer of the project (`peer.py`).

What differs from Keras: Pillow smooths images that it makes smaller, tf.image does not; Adam takes its roots before it
corrects them for the first steps, so that its epsilon weighs a little less there; chance is drawn otherwise.
"""

import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import affine_grid, binary_cross_entropy_with_logits, grid_sample
from torch.utils.data import DataLoader, Dataset

from benchmarks import peer
from benchmarks.peer import Found, Seconds, timed
from generator.backbones.resnet50 import RESNET50
from generator.data.dataset import Sample
from generator.experiment.config import settings as config
from generator.support import hardware
from tools import photo_network
from tools.photo_network import ResNet50, prepared

WORKERS = 2
"""Processes that read and decode images while others are computed."""

RHO = 0.9
EPSILON = 1e-7
"""Keras' defaults."""


def run(recipe: config.Recipe, settings: config.Config, store: Path, xla: bool = False) -> Found:
    """One variant from reading the data to the test score; `xla` is Keras' alone."""
    seconds: Seconds = {}
    with timed(seconds, "start"):
        torch.manual_seed(recipe.seed)
        torch.set_num_threads(hardware.cores())
        found = peer.images(recipe, settings, store)
        training = loader(found.training, settings.data, shuffle=True)
        validation, test = (loader(part, settings.data) for part in (found.validation, found.test))
        network = Classifier(recipe.model)
        arrays = peer.arrays(settings, store)
        if arrays is not None:
            photo_network.load(network.base, arrays)
        network.to(memory_format=torch.channels_last)

    with timed(seconds, "head"):
        network.train_from(len(RESNET50.layers))
        network.score(validation)
        head = fit(network, recipe.head, training, validation)

    with timed(seconds, "fine_tuning"):
        network.train_from(int(recipe.fine_tuning.from_layer))
        tuned = fit(network, recipe.fine_tuning, training, validation)

    with timed(seconds, "evaluation"):
        scores = network.score(test)
    return {"seconds": seconds, "head": head, "fine_tuning": tuned, "test": scores}


class Files(Dataset):
    """Image files as uint8 (3, s, s) and their labels (1,)."""

    def __init__(self, samples: list[Sample], size: int) -> None:
        self.samples, self.size = samples, size

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        sample = self.samples[position]
        with Image.open(sample.path) as file:
            image = file.convert("RGB").resize((self.size, self.size), Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(image)).permute(2, 0, 1), torch.tensor([float(sample.label)])


def loader(samples: list[Sample], settings: config.DataSettings, *, shuffle: bool = False) -> DataLoader:
    files = Files(samples, settings.image_size)
    return DataLoader(files, settings.batch_size, shuffle, num_workers=WORKERS, persistent_workers=True)


class Classifier(nn.Module):
    """uint8 (n, 3, s, s) → logits (n, 1): augmentation and preprocessing, base, dropout, dense layer."""

    def __init__(self, settings: config.ModelSettings) -> None:
        super().__init__()
        self.settings = settings
        self.base = ResNet50(1, biases=True)
        self.dropout = nn.Dropout(settings.dropout)
        nn.init.xavier_uniform_(self.base.head.weight)  # as Keras' dense layers start
        nn.init.zeros_(self.base.head.bias)
        self.autocast = hardware.precision("auto") == "bfloat16"

    def forward(self, images: Tensor) -> Tensor:
        x = images.float()
        if self.settings.augment and self.training:
            x = augmented(x, self.settings.rotation)
        x = prepared(x) if self.settings.preprocess else x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            return self.base.head(self.dropout(self.base.pooled(x))).float()

    def train(self, mode: bool = True) -> "Classifier":
        super().train(mode)
        self.base.eval()  # Batch normalisation keeps to its stored statistics in training, too.
        return self

    def train_from(self, index: int) -> None:
        """From here on the base's layers from Keras' `index` are trained, and the dense layer."""
        trained = {layer.name for layer in RESNET50.layers[index:]}
        for name, part in self.base.parts.items():
            part.requires_grad_(name in trained)

    def score(self, batches: DataLoader) -> dict[str, float]:
        """Loss and accuracy."""
        self.eval()
        with torch.inference_mode():
            logits, labels = zip(*((self(images).numpy(), labels.numpy()) for images, labels in batches), strict=True)
        return peer.scores(np.concatenate(logits), np.concatenate(labels))


def augmented(images: Tensor, rotation: float) -> Tensor:
    """(n, 3, s, s), each mirrored or not, then turned by up to `rotation` full turns; corners show the reflection."""
    count = len(images)
    angles = (2 * torch.rand(count) - 1) * rotation * 2 * math.pi
    mirrors = torch.where(torch.rand(count) < 0.5, -1.0, 1.0)
    return turned(images, angles, mirrors)


def turned(images: Tensor, angles: Tensor, mirrors: Tensor) -> Tensor:
    """Where `mirrors` is -1 mirrored left to right, then turned anticlockwise by `angles`."""
    cos, sin, none = angles.cos(), angles.sin(), torch.zeros_like(angles)
    # Rows give the x and the y from which a pixel is taken.
    rows = [torch.stack(row, 1) for row in ((mirrors * cos, -mirrors * sin, none), (sin, cos, none))]
    grid = affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def fit(network: Classifier, phase: config.PhaseSettings, training: DataLoader, held: DataLoader) -> dict[str, float]:
    """Trains what is not frozen; the last epoch's figures, as Keras names them."""
    trained = [value for value in network.parameters() if value.requires_grad]
    optimizer = OPTIMIZERS[phase.optimizer](trained, phase.learning_rate)
    for _ in range(phase.epochs):
        figures = epoch(network, optimizer, training)
        held_figures = network.score(held)
    return figures | {f"val_{name}": value for name, value in held_figures.items()}


def epoch(network: Classifier, optimizer: torch.optim.Optimizer, batches: DataLoader) -> dict[str, float]:
    """Trains on every image once: loss and accuracy on the way."""
    network.train()
    seen, loss_sum, right = 0, 0.0, 0
    for images, labels in batches:
        logits = network(images)
        loss = binary_cross_entropy_with_logits(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen += len(labels)
        loss_sum += loss.item() * len(labels)
        right += int(((logits > 0) == (labels > 0.5)).sum())
    return {"loss": loss_sum / seen, "accuracy": right / seen}


class RMSprop(torch.optim.Optimizer):
    """Keras' formula: epsilon is added before the root is taken, where PyTorch's own adds it afterwards.

    The steps of gradients below the root of epsilon, 3e-4, are far shorter for it.
    """

    def __init__(self, parameters: list[Tensor], rate: float) -> None:
        super().__init__(parameters, {"rate": rate})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            for value in group["params"]:
                state = self.state[value]
                if not state:
                    state["mean"] = torch.zeros_like(value)
                mean = state["mean"]
                mean.mul_(RHO).addcmul_(value.grad, value.grad, value=1 - RHO)
                value.addcdiv_(value.grad, (mean + EPSILON).sqrt_(), value=-group["rate"])


OPTIMIZERS = {
    "adam": lambda parameters, rate: torch.optim.Adam(parameters, rate, eps=EPSILON),
    "rmsprop": RMSprop,
    "sgd": torch.optim.SGD,
}


if __name__ == "__main__":
    peer.main(run, __doc__)
