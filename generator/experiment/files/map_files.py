"""Class activation maps as text files, and back: their share of `metrics.json`, and a table beside it.

`activation-maps.csv` holds a row for each variant and test image: the mean of its map, and where an alpha channel
tells, each region's share of the map and of the image.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from generator.experiment.activation_maps import REGIONS, ActivationMaps, MappedImage, Shares
from generator.experiment.results import BuildResults
from generator.support.tables import from_csv, to_csv

MAPS = "activation-maps.csv"

_WHOLES = ("map", "area")
SHARES = tuple(f"{whole}_{region}" for whole in _WHOLES for region in REGIONS)
COLUMNS = ("variant", "index", "file", "mean", *SHARES)


def metrics_of(maps: ActivationMaps) -> dict[str, Any]:
    """What `metrics.json` says of a variant's maps."""
    return maps.model_dump(mode="json", exclude={"images"})


def to_texts(results: BuildResults) -> dict[str, str]:
    """File name → text; nothing where no variant has maps."""
    mapped = {name: v for name, v in results.variants.items() if v.activation_maps is not None}
    rows = [
        (name, prediction.index, prediction.file, image.mean, *_cells(image))
        for name, variant in mapped.items()
        for prediction, image in zip(variant.predictions, _images(variant.activation_maps), strict=True)
    ]
    return {MAPS: to_csv(COLUMNS, rows)} if mapped else {}


def no_rows() -> dict[str, str]:
    """The table beside a `metrics.json` that was kept alone."""
    return {MAPS: to_csv(COLUMNS, [])}


def from_texts(files: Mapping[str, str], variants: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Variant → the table of its `ActivationMaps`, not yet validated, of those that have some.

    `variants` is variant → what `metrics.json` says of it. Raises `KeyError` and `ValueError` where the files do not
    fit together.
    """
    mapped = {name: table["activation_maps"] for name, table in variants.items() if table.get("activation_maps")}
    images: dict[str, list[Any]] = {name: [] for name in mapped}
    for row in from_csv(files[MAPS], COLUMNS) if mapped else ():
        if row["index"] != str(len(images[row["variant"]])):
            raise ValueError(f"{MAPS}: the images of {row['variant']} are not in order")
        shares = {whole: {region: row[f"{whole}_{region}"] for region in REGIONS} for whole in _WHOLES}
        known = {whole: found for whole, found in shares.items() if any(found.values())}
        images[row["variant"]].append({"mean": row["mean"], **known})
    return {name: {**table, "images": images[name]} for name, table in mapped.items()}


def _images(maps: ActivationMaps | None) -> tuple[MappedImage, ...]:
    return maps.images if maps else ()


def _cells(image: MappedImage) -> Iterator[float | str]:
    """Of map and area; empty where nothing tells."""
    for shares in (image.map, image.area):
        yield from _of(shares) if shares else [""] * len(REGIONS)


def _of(shares: Shares) -> Iterator[float]:
    return (getattr(shares, region) for region in REGIONS)
