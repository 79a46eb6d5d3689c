"""What is said of the original write-up is said where a run reproduces it, and nowhere else."""

import html
import itertools
import re
from typing import Any

import pytest

from generator.backbones.weights_summary import WeightsSummary
from generator.experiment.config.post_settings import PostSettings
from generator.experiment.results import BuildResults
from generator.post import render
from generator.post.formats import preview
from generator.post.prose import writeup
from tests.factories import (
    FIVE,
    make_config,
    make_data,
    make_figures,
    make_history,
    make_results,
    make_variant,
    with_measurement,
)

OF_THE_ORIGINAL = re.compile(
    r"\b(camels?|horses?|originals?|write-?ups?|students?|coursework|course|assignment|notebook|in-class|COSC)\b", re.I
)
SECTIONS = ("Reproduction Notes", "Statement by Statement", "What was mended", "Where This Build Goes Its Own Way")
TWO = ("bear", "kangaroo")
THREE = ("cow", "pig", "sheep")


def post(**changes: Any) -> PostSettings:
    """Settings of a post of which nothing but date and slug is given."""
    return PostSettings.model_validate({"date": "2026-11-28T12:00:00+00:00", "slug": "animals", **changes})


def build_of(names: tuple[str, ...], *overrides: str, measured: bool = False, **changes: Any) -> BuildResults:
    """A build of the baseline, of data with these classes; `overrides` as for `--set`."""
    recipe = make_config("baseline", *overrides).baseline.recipe
    variants = {"baseline": make_variant(names=names, recipe=recipe)}
    data = changes.pop("data", make_data(class_names=names, kind="archive", source="animals.zip"))
    build = make_results(variants=variants, figures=make_figures(variants), data=data, **changes)
    return with_measurement(build, kind="folder", seed=None) if measured else build


def weights(used: Any) -> WeightsSummary:
    return WeightsSummary(requested="auto", used=used, name="weights", fingerprint="f", reason="")


OTHER = [
    build_of(TWO),
    build_of(TWO, "split.mode=reshuffled"),
    build_of(TWO, "data.image_size=96"),
    build_of(THREE, data=make_data(class_names=THREE)),
    build_of(FIVE[2:], data=make_data(class_names=FIVE[2:], kind="folder", source="animals", transparent_images=0)),
    build_of(TWO, data=make_data(class_names=TWO, kind="kaggle", source="kaggle:a/b", alpha="white"), profile="smoke"),
    *(build_of(TWO, weights=weights(used)) for used in ("imagenet", "embedded", "file", "random")),
]


@pytest.mark.parametrize("build", OTHER)
def test_of_other_data_nothing_is_said_of_the_original(build: BuildResults) -> None:
    rendered = render.render(post(), build)
    prose = re.sub(r"```.*?```", "", rendered.text, flags=re.DOTALL)
    assert [line for line in prose.split("\n") if OF_THE_ORIGINAL.search(line)] == []
    # In code that is quoted, `original` is a name like any other.
    code = [line for line in rendered.text.split("\n") if OF_THE_ORIGINAL.search(line)]
    assert [line for line in code if re.search(r"write-?up|camel|horse|student", line, re.IGNORECASE)] == []
    assert not any(number.source.startswith("original.") for number in rendered.numbers)
    assert not any(f" {section}\n" in rendered.text for section in SECTIONS)


def test_the_original_is_told_of_where_it_is_reproduced() -> None:
    text = render.render(post(), make_results()).text
    for section in SECTIONS:
        assert f" {section}\n" in text
    assert "in-class assignment" in text


@pytest.mark.parametrize(
    ("setting", "names", "overrides", "told"),
    [
        ("auto", ("camel", "horse"), (), True),
        ("auto", ("horse", "zebra"), (), False),
        ("auto", TWO, (), False),
        ("auto", FIVE, (), False),
        ("auto", ("camel", "horse"), ("model.backbone=VGG16",), False),
        (False, ("camel", "horse"), (), False),
        (True, TWO, (), True),
        (True, FIVE, ("model.backbone=VGG16",), True),
    ],
)
def test_what_is_a_reproduction(setting: Any, names: tuple[str, ...], overrides: tuple[str, ...], told: bool) -> None:
    build = build_of(names, *overrides)
    assert writeup.is_told(post(writeup=setting), build) == told
    assert ("## Reproduction Notes\n" in render.render(post(writeup=setting), build).text) == told


def test_photographs_of_the_same_classes_are_a_reproduction() -> None:
    archive = make_data(class_names=("camel", "horse"), kind="archive", source="horse-vs-camel.zip")
    assert writeup.is_told(post(), build_of(("camel", "horse"), data=archive))


def test_another_network_is_named_where_the_reproduction_goes_its_own_way() -> None:
    build = build_of(("camel", "horse"), "model.backbone=VGG16")
    assert "- **The network** is VGG16; the original's was ResNet50." in render.render(post(writeup=True), build).text


@pytest.mark.parametrize(
    ("crop", "does", "variant"),
    [
        ("none", "adds nothing of the kind.", '`data.crop = "picture"` does without them.'),
        ("picture", "in this build it cuts even padding off an image", '`data.crop = "none"` keeps them.'),
        ("subject", "in this build it keeps the smallest box", '`data.crop = "none"` keeps them.'),
    ],
)
def test_of_the_white_area_is_said_what_this_build_does_with_it(crop: str, does: str, variant: str) -> None:
    text = render.render(post(), build_of(("camel", "horse"), data=make_data(crop=crop))).text
    assert does in text
    assert f"a variant with {variant}" in text


def test_settings_that_are_not_the_originals_are_listed() -> None:
    names = ("camel", "horse")
    said = "How the split is made [was mended](#what-was-mended)."
    kept = render.render(post(), build_of(names, data=make_data())).text
    assert "- **Settings**" not in kept
    assert "The schedule is kept, and [the section on it](#continue-training) says what it is." in kept
    other = build_of(
        names,
        "head.epochs=3",
        "fine_tuning.epochs=2",
        "model.augment=true",
        "split.mode=reshuffled",
        data=make_data(image_size=64),
        weights=weights("imagenet"),
    )
    epochs = {"head": make_history(1, 3, 0.5, 0.6), "fine_tuning": make_history(3, 2, 0.6, 0.7)}
    variants = {"baseline": other.baseline.model_copy(update=epochs)}
    text = render.render(post(), other.model_copy(update={"variants": variants})).text
    told = (
        "- **Settings**: data.image_size is 64 (original: 224), model.augment is yes (original: no), head.epochs is 3"
        " (original: 30), fine_tuning.epochs is 2 (original: 11).\n- **Resizing**"
    )
    assert told in html.unescape(re.sub("</?code>", "", text))
    assert "Other images and settings change the numbers most." in text
    assert "The schedule is kept" not in text
    assert "Here 2 are run, as [the section on it](#continue-training) says." in text
    assert (said in kept, said in text) == (True, False)


def test_of_another_network_it_is_not_told_that_its_layers_are_others() -> None:
    build = build_of(("camel", "horse"), "model.backbone=VGG16")
    text = render.render(post(writeup=True), build).text
    assert "- **Settings**" not in text
    assert "Other weights and networks change the numbers most." in text


@pytest.mark.parametrize("requested", ["auto", "embedded"])
def test_the_post_is_the_same_whether_its_weights_were_asked_for_or_had(requested: str) -> None:
    """As it says below the command that makes it again, which asks for them."""
    told = weights("embedded").model_copy(update={"requested": requested, "reason": "none" * (requested == "auto")})
    text = render.render(post(), build_of(TWO, weights=told)).text
    assert text == render.render(post(), build_of(TWO, weights=weights("embedded"))).text


@pytest.mark.parametrize(
    ("kind", "used", "met"),
    [("archive", "embedded", True), ("archive", "random", False), ("sample", "imagenet", False)],
)
def test_images_that_the_base_may_have_been_trained_on_are_not_called_unseen(kind: Any, used: Any, met: bool) -> None:
    data = make_data(class_names=TWO, kind=kind, source="animals.zip")
    text = render.render(post(), build_of(TWO, data=data, weights=weights(used))).text
    assert ("were among the photographs that the base was pre-trained on." in text) == met
    assert ("A network that was trained on other tasks before is taught" in text) == met
    assert ("test images held back from its training, the baseline" in text) == met
    assert ("that it had never seen, the baseline" in text) != met
    assert ("The model was trained on none of them." in text) == met


def anchors(text: str) -> tuple[set[str], set[str]]:
    """What the post links to in itself, and the headings that are there."""
    page = preview.page(text, templates=render.TEMPLATES, assets=("../assets/",), prefix="../assets/")
    headings = set(re.findall(r'<h[2-6] id="([^"]+)"', page))
    return set(re.findall(r'href="#([^"]+)"', page.partition("<h2")[2])), headings


@pytest.mark.parametrize(("build", "told"), [*itertools.product((OTHER[0], OTHER[3], OTHER[4]), (True, False))])
def test_links_into_the_post_lead_to_a_heading(build: BuildResults, told: bool) -> None:
    linked, headings = anchors(render.render(post(writeup=told), build).text)
    assert len(linked) > 5
    assert linked <= headings


def test_links_lead_to_a_heading_with_several_variants_and_a_measurement() -> None:
    for told in (True, False):
        linked, headings = anchors(render.render(post(writeup=told), with_measurement(make_results())).text)
        assert {"image-by-image", "measured-on-more-images"} <= linked <= headings


@pytest.mark.parametrize(
    ("names", "title"),
    [
        (TWO, "Image classification of bear and kangaroo"),
        (THREE, "Image classification of cow, pig and sheep"),
        (FIVE, "Image classification of five classes"),
        (("a" * 40, "b" * 40), "Image classification of two classes"),
    ],
)
def test_a_post_without_a_title_names_its_classes(names: tuple[str, ...], title: str) -> None:
    assert f'\ntitle: "{title}"\n' in render.render(post(), build_of(names)).text
    assert '\ntitle: "Mine"\n' in render.render(post(title="Mine"), build_of(names)).text


def test_a_title_made_of_hostile_names_stays_one_line_of_front_matter() -> None:
    text = render.render(post(), build_of(('a"\n---\n{{ x }}', "b"))).text
    matter = text.split("---\n")[1]
    assert [line.partition(":")[0] for line in matter.splitlines()][:4] == ["layout", "title", "date", "description"]
