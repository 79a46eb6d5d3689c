"""What class activation maps come to: shares held against areas, means against logits, files against results."""

import json
from typing import Any

import pytest
from scipy.stats import bootstrap as oracle

from generator.experiment.activation_maps import ActivationMaps, MappedImage, Shares
from generator.experiment.files import map_files, result_files
from generator.support.errors import BadInput
from tests.factories import FIVE, make_data, make_maps, make_predictions, make_results, with_maps

LOOKED = Shares(subject=0.5, background=0.3, padding=0.2)
AREA = Shares(subject=0.2, background=0.3, padding=0.5)
BUILD = with_maps(make_results(), LOOKED, AREA)


def of(*pairs: tuple[float, float]) -> ActivationMaps:
    """Maps whose subjects have these shares of map and image, the padding the rest."""
    images = (
        MappedImage(
            mean=0.0, **{whole: Shares(subject=share, background=0, padding=1 - share) for whole, share in each}
        )
        for each in ([("map", looked), ("area", area)] for looked, area in pairs)
    )
    return ActivationMaps(rows=7, columns=7, bias=(0.0,), images=tuple(images))


def test_a_region_that_no_image_has_is_left_out() -> None:
    assert [each.region for each in of((0.5, 0.2), (0.4, 0.2)).regions] == ["subject", "padding"]
    assert make_maps(make_predictions(())).regions == ()


def test_shares_are_averaged_over_images_and_the_difference_has_an_interval() -> None:
    pairs = [(0.5, 0.2), (0.4, 0.3), (0.1, 0.3), (0.9, 0.4), (0.35, 0.1), (0.3, 0.2), (0.6, 0.2)]
    subject, padding = of(*pairs).regions
    assert (subject.images, subject.more, padding.more) == (7, 6, 1)
    assert subject.share == pytest.approx(3.15 / 7)
    assert subject.area == pytest.approx(1.7 / 7)
    assert subject.excess == pytest.approx(subject.share - subject.area)
    assert padding.excess == pytest.approx(-subject.excess)
    expected = oracle(([a - b for a, b in pairs],), lambda x, axis: x.mean(axis), rng=1).confidence_interval
    assert (subject.low, subject.high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_what_rounding_leaves_of_a_difference_is_none() -> None:
    """A map of a single place has of each region what the image has."""
    pairs = [(share, share) for share in (0.1, 0.2, 0.3)]
    subject, padding = of(*[(share + 1e-12, share) for share, _ in pairs]).regions
    assert (subject.more, padding.more, subject.excess, subject.low, subject.high) == (0, 0, 0, 0, 0)


def test_one_image_has_no_interval() -> None:
    (subject, _) = of((0.5, 0.2)).regions
    assert (subject.low, subject.high, subject.images) == (None, None, 1)


def test_images_without_shares_do_not_count() -> None:
    maps = of((0.5, 0.2), (0.4, 0.2))
    unknown = MappedImage(mean=0.0, map=None, area=AREA), MappedImage(mean=0.0)
    assert maps.model_copy(update={"images": (*maps.images, *unknown)}).regions == maps.regions


def test_shares_that_make_no_whole_are_refused() -> None:
    with pytest.raises(ValueError, match=r"make 0\.8"):
        Shares(subject=0.5, background=0.25, padding=0.05)


@pytest.mark.parametrize("names", [("camel", "horse"), FIVE])
def test_a_map_that_does_not_give_its_logit_is_named(names: tuple[str, ...]) -> None:
    predictions = make_predictions((3, 20), names)
    maps = make_maps(predictions, len(names))
    assert maps.disagreements(predictions) == []
    moved = maps.images[3].model_copy(update={"mean": maps.images[3].mean + 0.05})
    changed = maps.model_copy(update={"images": (*maps.images[:3], moved, *maps.images[4:])})
    assert changed.disagreements(predictions) == [predictions[3].file]
    assert changed.disagreements(predictions[:3]) == []
    assert maps.model_copy(update={"images": ()}).disagreements(predictions) == []


# ---- As files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shares", [(LOOKED, AREA), (None, AREA), (None, None)])
@pytest.mark.parametrize("names", [("camel", "horse"), FIVE])
def test_what_was_written_is_read_again(names: tuple[str, ...], shares: tuple[Any, Any]) -> None:
    build = with_maps(make_results(data=make_data(class_names=names)), *shares)
    assert result_files.from_files(result_files.to_files(build), "site") == build


def test_without_maps_there_is_no_table_of_them() -> None:
    files = result_files.to_files(make_results())
    assert map_files.MAPS not in files
    assert result_files.from_files(files, "site").baseline.activation_maps is None


def test_metrics_alone_keep_the_grid() -> None:
    files = result_files.to_files(BUILD)
    data = json.loads(files["metrics.json"])["data"]
    alone = {**result_files.empty_neighbours(BUILD.variants, data), "metrics.json": files["metrics.json"]}
    found = result_files.from_files(alone, "site").baseline.activation_maps
    assert found is not None
    assert (found.rows, found.columns, found.images, found.regions) == (7, 7, (), ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("variant,index,file,mean,map_subject", "variant,index,file,map_subject,mean"),
        ("baseline,0,", "baseline,1,"),
        ("baseline,0,", "another,0,"),
        ("0.5,0.3,0.2,", "0.5,0.3,0.1,"),
        ("0.5,0.3,0.2,", "0.5,,0.2,"),
    ],
)
def test_an_edited_table_is_refused(old: str, new: str) -> None:
    files = result_files.to_files(BUILD)
    assert old in files[map_files.MAPS]
    with pytest.raises(BadInput):
        result_files.from_files({**files, map_files.MAPS: files[map_files.MAPS].replace(old, new, 1)}, "site")


def test_a_missing_table_is_named() -> None:
    files = {name: text for name, text in result_files.to_files(BUILD).items() if name != map_files.MAPS}
    with pytest.raises(BadInput, match=r"activation-maps\.csv"):
        result_files.from_files(files, "site")
