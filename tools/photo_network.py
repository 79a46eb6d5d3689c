"""ResNet50 in PyTorch as Keras builds it, and its variables under Keras' names: needs PyTorch.

Version 1 of the network: a stage's stride lies in its first 1 × 1 convolutions. Convolutions are trained without
biases, because batch normalisation follows each; those of Keras have them, and get them here where they are asked for.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from generator.backbones.resnet50 import RESNET50

MEANS = (123.68, 116.779, 103.939)
"""Of ImageNet's red, green and blue: what Keras' `preprocess_input` takes away."""

VARIABLES = {
    "conv": {"weight": "kernel", "bias": "bias"},
    "bn": {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"},
}
"""Kind of layer → PyTorch's names of its variables → Keras'."""

Arrays = dict[str, NDArray[np.floating]]


class ResNet50(nn.Module):
    """(n, 3, s, s) prepared images → (n, classes) logits; the parts carry Keras' layer names."""

    def __init__(self, classes: int, *, biases: bool = False) -> None:
        super().__init__()
        shapes = {name.split("/")[0]: shape for name, shape in RESNET50.shapes.items() if not name.endswith("/bias")}
        self.parts = nn.ModuleDict({name: _layer(name, shape, biases) for name, shape in shapes.items()})
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.head = nn.Linear(2048, classes)
        self.blocks = tuple(name.removesuffix("_1_conv") for name in shapes if name.endswith("_1_conv"))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.pooled(images))

    def pooled(self, images: Tensor) -> Tensor:
        """The features, averaged over places: (n, 2048)."""
        x = self.pool(self._normalised("conv1", images).relu())
        for block in self.blocks:
            y = self._normalised(f"{block}_1", x).relu()
            y = self._normalised(f"{block}_2", y).relu()
            y = self._normalised(f"{block}_3", y)
            x = (y + (self._normalised(f"{block}_0", x) if f"{block}_0_conv" in self.parts else x)).relu()
        return x.mean((2, 3))

    def _normalised(self, name: str, x: Tensor) -> Tensor:
        return self.parts[f"{name}_bn"](self.parts[f"{name}_conv"](x))


def _layer(name: str, shape: tuple[int, ...], biases: bool) -> nn.Module:
    """A layer by Keras' name and the shape of one of its variables, with the weights that training starts from."""
    if name.endswith("_bn"):
        norm = nn.BatchNorm2d(shape[0], eps=1.001e-5, momentum=0.05)
        # A block begins as the identity, which lets a deep network learn from the first step.
        nn.init.constant_(norm.weight, 0 if name.endswith("_3_bn") else 1)
        return norm
    halves = name == "conv1_conv" or (name[4] in "345" and name.endswith(("block1_0_conv", "block1_1_conv")))
    size, _, channels, filters = shape
    conv = nn.Conv2d(channels, filters, size, 2 if halves else 1, size // 2, bias=biases)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv


def prepared(images: Tensor) -> Tensor:
    """RGB from 0 to 255, (n, 3, s, s) → BGR less the means, not scaled: Keras' `preprocess_input`."""
    means = torch.tensor(MEANS, device=images.device).view(1, 3, 1, 1)
    return (images - means).flip(1).contiguous(memory_format=torch.channels_last)


def resized(images: Tensor, side: int) -> Tensor:
    """uint8 (n, 3, s, s) → float32 (n, 3, side, side)."""
    return interpolate(images.float(), size=(side, side), mode="bilinear", align_corners=False)


def to_keras(network: ResNet50) -> Arrays:
    """The network's variables as they are stored: kernels float16 (height, width, in, out), all others float32."""
    arrays: Arrays = {}
    for layer, part in network.parts.items():
        for name, variable, value in _variables(layer, part):
            array = value.detach().float().cpu().numpy()
            arrays[name] = array.transpose(2, 3, 1, 0).astype(np.float16) if variable == "kernel" else array
    return arrays


def load(network: ResNet50, arrays: Mapping[str, NDArray[np.floating]]) -> None:
    """The inverse of `to_keras`: give the network the variables of a file."""
    with torch.no_grad():
        for layer, part in network.parts.items():
            for name, variable, value in _variables(layer, part):
                array = arrays[name].astype(np.float32)
                value.copy_(torch.from_numpy(array.transpose(3, 2, 0, 1) if variable == "kernel" else array))


def _variables(layer: str, part: nn.Module) -> Iterator[tuple[str, str, Tensor]]:
    """Keras' full name, Keras' name within the layer, and the tensor, for each variable of a layer."""
    names = VARIABLES[layer.rpartition("_")[2]]
    for name, value in part.state_dict(keep_vars=True).items():
        variable = names.get(name)
        if variable is not None:  # PyTorch's normalisation also counts its batches.
            yield f"{layer}/{variable}", variable, value
