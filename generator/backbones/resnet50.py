"""ResNet50: 49 convolutions and one dense layer, of which the base has the convolutions and their shortcuts."""

from pathlib import Path

from generator.backbones.backbone import Backbone


def _shapes() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}

    def conv(name: str, size: int, channels: int, filters: int) -> None:
        found[f"{name}_conv/kernel"] = (size, size, channels, filters)
        found[f"{name}_conv/bias"] = (filters,)

    def norm(name: str, filters: int) -> None:
        for variable in ("gamma", "beta", "moving_mean", "moving_variance"):
            found[f"{name}_bn/{variable}"] = (filters,)

    conv("conv1", 7, 3, 64)
    norm("conv1", 64)
    channels = 64
    for stage, (filters, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=2):
        for block in range(1, blocks + 1):
            name = f"conv{stage}_block{block}"
            conv(f"{name}_1", 1, channels, filters)
            norm(f"{name}_1", filters)
            conv(f"{name}_2", 3, filters, filters)
            norm(f"{name}_2", filters)
            if block == 1:
                conv(f"{name}_0", 1, channels, 4 * filters)
            conv(f"{name}_3", 1, filters, 4 * filters)
            if block == 1:
                norm(f"{name}_0", 4 * filters)
            norm(f"{name}_3", 4 * filters)
            channels = 4 * filters
    return found


RESNET50 = Backbone(
    name="ResNet50",
    shapes=_shapes(),
    imagenet_file="resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    imagenet_folder="https://storage.googleapis.com/tensorflow/keras-applications/resnet/",
    imagenet_md5="4d473c1dd8becc155b73f8504c6f6626",
    embedded=Path(__file__).parent / "embedded" / "resnet50-photos-int8.npz",
    embedded_sha256="bd1aab6681d6b4ceafc37ea669311ad87d5a040d1512d14ac37951eaabf852fc",
)
