"""The post: every number bound, every sentence true of extreme runs, hostile names harmless, and as recorded."""

import hashlib
import html
import itertools
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from generator.backbones.weights_summary import WeightsSummary
from generator.experiment import results
from generator.experiment.config.loading import load
from generator.experiment.data_summary import Count, HeldOut
from generator.experiment.files import result_files
from generator.experiment.outcomes import Epoch
from generator.experiment.results import BuildResults, VariantResult
from generator.post import bound, render
from generator.post.formats import preview, tidying
from generator.post.jekyll import layout
from generator.post.render import Rendered
from generator.support.errors import BadInput
from generator.support.formats import FORMATS
from generator.support.source import Passage
from generator.support.statistics import noise
from tests.factories import (
    FIVE,
    ROOT,
    make_config,
    make_data,
    make_duplicate,
    make_figures,
    make_history,
    make_near,
    make_outcome,
    make_predictions,
    make_results,
    make_variant,
    outcome_of,
    two_networks,
    with_measurement,
    with_validation,
)

TEMPLATES = ROOT / "templates"
CONFIG = make_config()
RENEW = "if the change is meant, renew with: python -m pytest tests/post/test_render.py --snapshot-update"


def post_of(build: BuildResults, **changes: Any) -> Rendered:
    return render.render(CONFIG.post.model_copy(update=changes), build)


def with_baseline(baseline: VariantResult, **changes: Any) -> BuildResults:
    variants = {"baseline": baseline}
    return make_results(variants=variants, figures=make_figures(variants), **changes)


def html_of(text: str) -> str:
    return preview.page(text, templates=TEMPLATES, assets=("../assets/",), prefix="../assets/")


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next of any level."""
    return re.split(rf"^#+ {heading}$", text, flags=re.MULTILINE)[1].partition("\n#")[0]


# Numbers


def test_every_number_stands_where_the_record_says_and_can_be_looked_up() -> None:
    build = make_results()
    rendered = post_of(build)
    lines = rendered.text.split("\n")
    assert len(rendered.numbers) > 1000
    for number in rendered.numbers:
        assert lines[number.line - 1][number.column - 1 :].startswith(number.text)
        assert FORMATS[number.format](bound.value_of(build, number.source)) == number.text


def test_no_other_digits_are_results() -> None:
    """Whatever looks like a decimal fraction in prose, tables and logs is a bound number."""
    rendered = post_of(make_results())
    places = {(n.line, n.column) for n in rendered.numbers}
    in_code = False
    for line, text in enumerate(rendered.text.split("\n"), start=1):
        if text.startswith("```"):
            in_code = text == "```python"
        if re.match(r"[\w.-]+==", text):
            continue  # a package's version
        for match in re.finditer(r"(?<![\w.&#])[+-]?\d+\.\d+", text):
            assert in_code or (line, match.start() + 1) in places or match[0] == "1.2", f"{line}: {text}"


RECORDS = ("before", "after_head", "train", "validation", "test", "confusion", "parameters")
DERIVED = {"correct": ("accuracy",), "trainable_fine_tuning": ("frozen_fine_tuning",)} | dict.fromkeys(
    ("true_negative", "false_positive", "false_negative", "true_positive"), ("total", "recalls.0", "recalls.1")
)
"""Stored count → the properties that follow from it."""


def leaves(record: Any, path: str) -> list[tuple[str, float]]:
    """(path, value) of each number among the metrics of a variant: what metrics.json holds."""
    found: list[tuple[str, float]] = []
    for name, value in record:
        here = f"{path}.{name}"
        if isinstance(value, results.Record) and name in RECORDS:
            found += leaves(value, here)
        elif isinstance(value, tuple) and name in ("head", "fine_tuning"):
            found += leaves(value[-1], f"{here}.{len(value) - 1}")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append((here, value))
    return found


METRICS = [
    [leaf for leaf in leaves(variant, f"variants.{name}") if not leaf[0].endswith((".total", ".epoch"))]
    for name, variant in make_results().variants.items()
]
"""Of each variant (path, value) of every metric."""
CHANGES = [
    {path: value for turn, metrics in enumerate(METRICS) for path, value in [metrics[(row + 11 * turn) % len(metrics)]]}
    for row in range(max(map(len, METRICS)))
]
"""Of each variant another metric: in all of them every metric of every variant."""


def changed(build: BuildResults, values: Mapping[str, float]) -> BuildResults:
    """`build` with some numbers replaced: path → value."""
    table = build.model_dump()
    for path, value in values.items():
        at: Any = table
        *above, last = path.split(".")
        for key in above:
            at = at[int(key)] if key.isdigit() else at[key]
        at[last] = value
    return BuildResults.model_validate(table)


@pytest.fixture(scope="module")
def before() -> Rendered:
    return post_of(make_results())


def test_every_metric_is_changed_once() -> None:
    assert sorted(path for row in CHANGES for path in row) == sorted(path for row in METRICS for path, _ in row)


@pytest.mark.parametrize("values", CHANGES, ids=[next(iter(row)) for row in CHANGES])
def test_changing_a_metric_changes_its_occurrences_and_no_other(values: dict[str, float], before: Rendered) -> None:
    # A count goes down by one; a share or loss by little, so that it stays in range.
    less = {p: (v - 1 if v else 1) if isinstance(v, int) else v * 0.9 + 0.001 for p, v in values.items()}
    after = post_of(changed(make_results(), less))
    old, new = ({n.source: n.text for n in r.numbers if n.format != "rounded"} for r in (before, after))
    differing = {source for source in old.keys() & new.keys() if old[source] != new[source]}
    for path in values:
        assert differing & {path, *derived(path)}, path
    assert [source for source in differing if not any(depends(source, path) for path in values)] == []


def derived(path: str) -> set[str]:
    record, _, name = path.rpartition(".")
    if found := re.fullmatch(r"(.+)\.(head|fine_tuning)\.\d+", record):
        return {f"{found[1]}.last_epochs.{found[2]}.{name}.{property}" for property in ("mean", "low", "high")}
    return {f"{record}.{property}" for property in DERIVED.get(name, ())}


def depends(source: str, path: str) -> bool:
    """Whether `path`, what follows from it, or a record that holds it stands in `source`."""
    terms = re.split(r"[ ,()]", source)
    return any(term in {path, *derived(path)} or (term and path.startswith(f"{term}.")) for term in terms)


# Excerpts, links, front matter


def test_excerpts_are_hashed_as_they_stand_in_the_post(before: Rendered) -> None:
    lines = before.text.split("\n")
    assert len(before.excerpts) >= 20
    for excerpt in before.excerpts:
        start = excerpt.line - 1
        fence = next(line for line in reversed(lines[:start]) if line.startswith("```")).rstrip("python")
        code = itertools.takewhile(lambda line, fence=fence: line != fence, lines[start:])
        assert hashlib.sha256("\n".join(code).encode()).hexdigest() == excerpt.sha256


def test_front_matter(before: Rendered) -> None:
    matter = before.text.split("---\n")[1].split("\n")
    assert 'title: "Image classification with CNN and Transfer Learning"' in matter
    assert "date: 2023-01-31 12:38:00 -0600" in matter
    assert 'categories: ["computer-vision"]' in matter
    assert 'tags: ["transfer-learning", "resnet50", "keras"]' in matter
    assert 'permalink: "/posts/image-classification-with-cnn-and-transfer-learning.html"' in matter
    assert before.post == "_posts/2023-01-31-image-classification-with-cnn-and-transfer-learning.md"


def test_a_table_is_reached_by_the_keyboard_where_no_script_sees_to_it() -> None:
    place, box = layout.own(CONFIG.post), '<div style="overflow-x: auto"'
    for foreign in (True, False):
        text = render.render(CONFIG.post, make_results(), replace(place, foreign=foreign)).text
        reached = f'{box} tabindex="0" role="group" aria-label="Table" markdown="1">'
        assert text.count(box) > 10
        assert text.count(reached) == (text.count(box) if foreign else 0)


def test_links_to_what_is_left_out_become_words_in_captions_too() -> None:
    text = '## A\n\n[a](#a), [b](#b), <a href="#a">c</a> and <a href="#c">d</a>\n'
    assert tidying.linked(text) == (text.replace("[b](#b)", "b").replace('<a href="#c">d</a>', "d"), ("b", "c"))


@pytest.mark.parametrize("title", ["a: b # c", "[x] @y", "yes", '"quoted" \\ {{ x }}', "é 骆驼"])
def test_any_title_survives_in_the_front_matter(title: str) -> None:
    text = post_of(make_results(), title=title).text
    assert f"<h1>{html.escape(title).replace('&quot;', '&#34;').replace('&#x27;', '&#39;')}</h1>" in html_of(text)


@pytest.mark.parametrize(
    ("changes", "base"),
    [
        ({}, "../assets/"),
        ({"assets": "absolute"}, "/assets/"),
        ({"permalink": "/blog/2023/post/"}, "../../../assets/"),
        ({"permalink": "/post.html"}, "assets/"),
    ],
)
def test_links_to_assets(changes: dict[str, str], base: str) -> None:
    text = post_of(make_results(), **changes).text
    assert f'src="{base}images/CV_HW_2/baseline/confusion-matrix.webp"' in text
    assert f"]({base}data/CV_HW_2/metrics.json)" in text


def test_every_figure_is_shown_with_words_and_numbers(before: Rendered) -> None:
    images = re.findall(
        r'<img src="([^"]+)" width="\d+" height="\d+" loading="lazy" alt="([^"]+)" style="[^"]+">', before.text
    )
    shown = {tuple(source.removesuffix(".webp").split("/")[-2:]) for source, _ in images}
    assert shown == {(figure.scope, figure.name) for figure in make_results().figures}
    assert all(len(alt) > 60 for _, alt in images)
    assert "15 predicted camel (37.50%), 5 predicted horse (12.50%)" in before.text


@pytest.mark.parametrize(
    ("titles", "headings"),
    [
        (("前処理なし", "без подготовки"), ["augmentation", "augmentation no preprocessing"]),
        (("Same", "Same"), ["augmentation", "augmentation no preprocessing"]),
        (("…", "Étude, 10%"), ["augmentation", "etude 10"]),
    ],
)
def test_a_title_of_any_script_has_a_heading(titles: tuple[str, str], headings: list[str]) -> None:
    build = make_results()
    names = ("augmentation", "augmentation-no-preprocessing")
    renamed = {
        name: build.variants[name].model_copy(update={"title": title})
        for name, title in zip(names, titles, strict=True)
    }
    text = post_of(build.changed(variants={**build.variants, **renamed})).text
    assert re.findall(r"^### Results with (.+)$", text, re.MULTILINE) == headings


def test_headings_are_those_of_the_write_up_and_anchors_differ(before: Rendered) -> None:
    headings = re.findall(r'<h[2-6] id="([^"]+)"', html_of(before.text))
    assert len(set(headings)) == len(headings)
    names = (
        "goal",
        "introduction",
        "data-preprocessing",
        "freeze-the-base-model",
        "continue-training",
        "confusion-matrix",
    )
    assert [headings.index(name) for name in names] == sorted(headings.index(name) for name in names)


# Truth of the prose


def flat(epochs: int, first: int = 1, value: float = 0.5) -> tuple[Epoch, ...]:
    return make_history(first, epochs, value, value)


def test_falling_accuracy_is_said_to_fall() -> None:
    text = post_of(
        with_baseline(make_variant(head=make_history(1, 30, 0.9, 0.2), fine_tuning=make_history(30, 11, 0.2, 0.1)))
    ).text
    assert "training accuracy fell from 0.9000 to 0.2000 and training loss rose from 0.2000 to 0.9000" in text
    assert "The accuracies of the fine-tuned epochs all lie below those of the head." in text
    assert "The best training accuracy is 0.2000, first in epoch 30." in text


def test_flat_accuracy_is_said_to_stay() -> None:
    text = post_of(with_baseline(make_variant(head=flat(30), fine_tuning=flat(11, 30)))).text
    assert "training accuracy stayed at 0.5000 and training loss stayed at 0.6000" in text
    assert "The best training accuracy is 0.5000, first in epoch 30." in text
    assert "what adapting the upper layers brought does not stand out from the jumps between epochs." in text
    assert not re.search(r"(rose|fell) from ([\d.e-]+) to \2\b", text)


def test_without_dropout_nothing_is_said_to_be_silenced() -> None:
    recipe = make_config("baseline", "model.dropout=0").baseline.recipe
    text = post_of(with_baseline(make_variant(recipe=recipe))).text
    assert not re.search(r"dropout (on|off|silenced)|nothing silenced", text)
    assert "dropout silenced" in post_of(with_baseline(make_variant())).text


def test_of_many_test_images_not_all_are_said_to_be_shown() -> None:
    data = make_data(test=tuple(each.model_copy(update={"images": 40}) for each in make_data().test))
    mended = section(post_of(make_results(data=data)).text, "What was mended")
    assert "of so many, some are shown, evenly spread." in mended


def test_one_epoch_makes_no_curve() -> None:
    text = post_of(with_baseline(make_variant(head=flat(1), fine_tuning=flat(1, value=1.0)))).text
    assert "One epoch makes no curve" in text
    assert "the head was trained for 1 epoch." in text
    assert "1 epoch is run" in text
    assert "Training accuracy first reaches 1.0000 in epoch 1 and stays there." in text


@pytest.mark.parametrize(
    ("accuracies", "losses", "said", "unsaid"),
    [
        ((0.6, 0.7), (0.5, 0.4), "accuracy all the same, and validation loss above training loss: both are", "epochs:"),
        ((0.6, 0.7), (0.4, 0.5), "accuracy all the same, as it does where a model", "and validation loss above"),
        ((0.7, 0.6), (0.5, 0.4), "That validation loss then lies above training loss is not explained", "all the same"),
        ((0.7, 0.6), (0.4, 0.5), "is by itself no sign of an error. Batch", "not explained"),
        ((0.6, 0.6), (0.5, 0.4), "the two accuracies are level. That validation loss then", "all the same"),
    ],
)
def test_the_end_of_a_phase_is_told_by_its_last_epoch(
    accuracies: tuple[float, float], losses: tuple[float, float], said: str, unsaid: str
) -> None:
    """(validation, training); in most epochs before it lay the other way."""
    last = {"val_accuracy": accuracies[0], "accuracy": accuracies[1], "val_loss": losses[0], "loss": losses[1]}
    others = {**last, "val_loss": losses[1], "loss": losses[0]}
    head = tuple(e.model_copy(update=last if e.epoch == 5 else others) for e in make_history(1, 5, 0.5, 0.9))
    curve = section(post_of(with_baseline(make_variant(head=head))).text, "Learning Curve")
    assert said in curve
    assert unsaid not in curve


def test_the_variants_of_a_build_are_compared_by_the_epochs_that_count() -> None:
    """Where the best epoch is kept that is not the last one of the log."""
    rows = section(post_of(make_results()).text, "Comparison of the Variants").split("\n")
    (row,) = [line for line in rows if line.startswith("| Baseline | ")]
    validation = FORMATS["accuracy"](63 / 64)
    assert row.split(" | ")[6:8] == [validation, validation]
    assert validation != FORMATS["accuracy"](make_results().baseline.fine_tuning[-1].val_accuracy)


def test_every_variant_has_its_own_batches_and_validation_images() -> None:
    other = make_variant("augmentation")
    parts = {**other.predictions_by_part, "train": make_predictions((), total=200, folder="train")}
    parts["validation"] = make_predictions((63, 1), total=160, folder="train")
    variants = {"baseline": make_variant(), "augmentation": other.model_copy(update=dict(outcome_of(parts, 2)))}
    text = post_of(make_results(variants=variants, figures=make_figures(variants))).text
    own, _, results = text.partition("### Results with data augmentation\n")
    assert own.count("\n10/10 - loss") == 41
    assert results.count("\n7/7 - loss") == 41
    said = "Chosen for each variant is the one that makes the loss of its validation images least."
    assert said in section(text, "What a Confidence Is Worth")
    assert "the loss of the 64 validation images least." in post_of(with_baseline(make_variant())).text


@pytest.mark.parametrize(
    ("wrong", "folder", "said"),
    [(range(60), "train", True), (range(1), "train", False), (range(60), "others", False)],
)
def test_training_images_are_fitted_less_well_where_that_is_more_than_chance(
    wrong: range, folder: str, said: bool
) -> None:
    other = make_variant("augmentation")
    parts = {**other.predictions_by_part, "train": make_predictions(tuple(wrong), total=296, folder=folder)}
    variants = {"baseline": make_variant(), "augmentation": other.model_copy(update=dict(outcome_of(parts, 2)))}
    text = post_of(make_results(variants=variants, figures=make_figures(variants))).text
    assert ("So it fits the images that it learns from less well, by more than chance would explain." in text) == said


@pytest.mark.parametrize("tuned", [True, False])
def test_a_lower_test_accuracy_is_expected_where_validation_was_asked(tuned: bool) -> None:
    recipe = make_config("baseline", "fine_tuning.keep=best" if tuned else "fine_tuning.keep=last").baseline.recipe
    text = post_of(with_baseline(make_variant(wrong=tuple(range(20)), recipe=recipe))).text
    said = "by Fisher's exact test), as one expects of images on which nothing was tuned."
    assert (said in section(text, "Accuracy")) == tuned
    assert "The test accuracy is lower, by more than chance would explain" in text


@pytest.mark.parametrize("wrong", [(), (0,)])
def test_a_single_test_image_is_one(wrong: tuple[int, ...]) -> None:
    """Of photographs and of drawings, told in any section."""
    outcome = {
        **dict(make_outcome(())),
        **dict(outcome_of({**make_outcome(()).predictions_by_part, "test": make_predictions(wrong, total=1)}, 2)),
    }
    test = (Count(class_name="camel", images=1), Count(class_name="horse", images=0))
    variants = {
        name: make_variant(name, after_head=make_variant(predictions=make_predictions((), total=1)), **outcome)
        for name in ("baseline", "augmentation")
    }
    for kind in ("sample", "folder"):
        data = make_data(kind=kind, test=test, test_batches=1)
        text = post_of(make_results(variants=variants, data=data, figures=make_figures(variants))).text
        assert re.findall(r"\b1 (?:test |further )?(?:images|drawings)|all 1\b|All 1\b", text) == []
        assert re.findall(r"1 test image (?:are|with their)|(?:There are|these are) 1 ", text) == []
        assert f"The only test image is classified {'wrongly' if wrong else 'rightly'}" in text


def test_what_fine_tuning_left_as_it_was_is_not_said_to_have_changed() -> None:
    variant = make_variant()
    kept = variant.model_copy(update=dict(variant.after_head))
    said = "Fine-tuning turned no answer from wrong to right, and none back"
    assert f"{said}." in post_of(with_baseline(kept)).text
    surer = kept.model_copy(update={"test": kept.test.model_copy(update={"loss": kept.test.loss / 2})})
    assert f"{said}; what it changed is how sure the network is." in post_of(with_baseline(surer)).text


@pytest.mark.parametrize("others", [1, 2])
def test_another_variant_is_one_or_several(others: int) -> None:
    variants = dict([*make_results().variants.items()][: others + 1])
    text = post_of(make_results(variants=variants, figures=make_figures(variants))).text
    said = ("the other variant is held", "the [other variant](#more-results) follows further down")
    several = ("the other variants are held", "the [other variants](#more-results) follow further down")
    for one, many in zip(said, several, strict=True):
        assert (one in text, many in text) == (others == 1, others == 2)


def test_one_epoch_of_each_phase_is_no_range_of_epochs() -> None:
    said = "A last epoch may be lucky, so here is where each phase ended, over its last epochs:"
    assert said in post_of(with_baseline(make_variant(fine_tuning=flat(1)))).text
    assert said not in post_of(with_baseline(make_variant(head=flat(1), fine_tuning=flat(1)))).text


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (1e-5, "- It uses a lower learning rate, 1e-5 instead of 1e-4. The usual reasons: large steps"),
        (
            1e-3,
            "- A lower learning rate than the head's is usual. This build has set it to 0.001, and that of the head",
        ),
    ],
)
def test_a_rate_that_is_not_lower_is_not_called_lower(rate: float, said: str) -> None:
    recipe = make_config("baseline", f"fine_tuning.learning_rate={rate}").baseline.recipe
    assert said in section(post_of(with_baseline(make_variant(recipe=recipe))).text, "Fine Tuning")


def test_where_validation_chose_the_epoch_the_post_says_so() -> None:
    variant = make_variant(head=flat(7), fine_tuning=flat(3, first=7))
    head = variant.recipe.head.model_copy(update={"keep": "best", "patience": 5})
    recipe = variant.recipe.model_copy(update={"head": head})
    losses = (0.9, 0.4321, 0.6, 0.6, 0.6, 0.6, 0.7)
    epochs = tuple(e.model_copy(update={"val_loss": loss}) for e, loss in zip(variant.head, losses, strict=True))
    text = post_of(with_baseline(variant.model_copy(update={"recipe": recipe, "head": epochs}))).text
    said = section(text, "Train the Model")
    assert "once the validation loss had not been lower than its lowest for 5. That was so after 7." in said
    assert "epoch 2, with 0.4321, where the last ended at 0.7000. A ring marks it in the figure." in said
    assert "Validation decided" not in section(text, "Continue Training")
    assert "validation images decided" in text
    assert "no epoch is picked afterwards" not in text


@pytest.mark.parametrize(("lowest", "said"), [(4, "That was so after 7."), (5, "It never was so.")])
def test_a_phase_that_may_end_early_may_wait_in_vain_up_to_its_last_epoch(lowest: int, said: str) -> None:
    variant = make_variant(head=flat(7), fine_tuning=flat(3, first=7))
    head = variant.recipe.head.model_copy(update={"epochs": 7, "patience": 3})
    recipe = variant.recipe.model_copy(update={"head": head})
    epochs = tuple(e.model_copy(update={"val_loss": 0.1 if e.epoch == lowest else 0.5}) for e in variant.head)
    text = post_of(with_baseline(variant.model_copy(update={"recipe": recipe, "head": epochs}))).text
    assert f"its lowest for 3. {said}" in section(text, "Train the Model")


def test_none_wrong() -> None:
    text = post_of(with_baseline(make_variant(wrong=()))).text
    assert "The model makes no mistake on the 40 test images. The closest call is image 0 " in text
    assert "indices of wrong predictions: []" in text
    assert "The wrongly classified files" not in text
    assert "| All mistakes go one way | yes, camel called horse | there are none | 0 camel called horse" in text


def test_all_wrong() -> None:
    text = post_of(with_baseline(make_variant(wrong=tuple(range(40))))).text
    assert "All 40 test images are classified wrongly. 20 of them are camel called horse, 20 are horse called" in text
    assert "It names none of 40 correctly." in text
    assert "The model does worse, so nothing here shows that it has learnt anything." in text
    assert "Among the right answers" not in text


def test_one_wrong_is_singular() -> None:
    text = post_of(with_baseline(make_variant(wrong=(30,)))).text
    assert "One mistake is all there is, among 40 test images: image 30 " in text
    assert "horse called camel. The model gave its answer a probability of 85.0%. Among the right" in text


def test_reaching_and_losing_perfection() -> None:
    phase = (*make_history(30, 2, 0.9, 1.0), *flat(1, 32, 0.9))
    assert "Training accuracy first reaches 1.0000 in epoch 31 but does not hold it." in post_of(
        with_baseline(make_variant(fine_tuning=phase))
    ).text  # fmt: skip


def test_the_baseline_alone_is_compared_with_nothing() -> None:
    text = post_of(with_baseline(make_variant())).text
    assert "nothing to compare. `--variants all` builds the variants of `experiment.toml`, if it has any." in text
    assert "With `--variants all` the variants of `experiment.toml`, if it has any, follow here." in text
    assert "Bold marks" not in text
    assert "**0." not in text


def test_the_best_is_named_and_within_noise_not_marked(before: Rendered) -> None:
    assert "**1.0000**" not in before.text
    said = section(before.text, "Image by Image")
    assert (
        "**Data augmentation&#44; without preprocessing** gets the most test images right, 40 of 40; **Baseline**"
        in said
    )
    assert "gets 5 images right that **Baseline** gets wrong, and 2 wrong that it gets right." in said
    assert "Chance may well split them so unevenly (p = 0.4531, 0.9062 by Holm's correction): within noise." in said
    assert "Its accuracy is higher, by 0.0750;" in said
    assert "The fewer the images are, the more easily they miss rare large losses" in said
    assert "The two differ in <code>model&#46;preprocess</code> alone" in said
    assert "No image is wrong in every variant." in said


def compared(old: tuple[int, ...], new: tuple[int, ...]) -> str:
    """What is said of two variants with these images wrong."""
    variants = {"baseline": make_variant(wrong=old), "augmentation": make_variant("augmentation", wrong=new)}
    return post_of(make_results(variants=variants, figures=make_figures(variants))).text


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (tuple(range(10)), (), "no image"),
        ((), tuple(range(10)), "on images like these it is the worse one. Its accuracy is lower, by 0.2500;"),
        ((1, 2), (1, 2), "**Data augmentation** has the very same images wrong as **Baseline**: no image tells them"),
        ((), (), "**Data augmentation** has every image right, as has **Baseline**: no image tells them apart."),
        ((1,), (2,), "gets 1 image right that **Baseline** gets wrong, and 1 wrong that it gets right."),
        ((1,), (2,), "within noise. Both have the same accuracy;"),
        (
            (1, 2),
            (1, 2),
            "2 images are wrong in every variant: image 1 (<code>test&#47;camel&#47;2&#46;png</code>)",
        ),
        ((), (), "No variant has any test image wrong."),
    ],
)
def test_two_variants_are_told_apart_by_images(old: tuple[int, ...], new: tuple[int, ...], said: str) -> None:
    if said.startswith("no image"):
        text = compared(old, new)
        assert "and none wrong that it gets right. Chance would rarely split them so unevenly (p = 0.0020)" in text
        assert "| **1.0000** |" in text
    else:
        assert said in compared(old, new)


def test_all_variants_with_the_fewest_right_are_named() -> None:
    names = ("baseline", "augmentation", "augmentation-no-preprocessing")
    variants = {
        name: make_variant(name, wrong=wrong) for name, wrong in zip(names, ((1,), (2, 3), (4, 5)), strict=True)
    }
    text = post_of(make_results(variants=variants, figures=make_figures(variants))).text
    fewest = "**Data augmentation** and **Data augmentation&#44; without preprocessing** get 38, the fewest."
    assert f"**Baseline** gets the most test images right, 39 of 40; {fewest}" in text


def test_variants_that_are_level_are_said_to_differ_in_nothing_yet() -> None:
    said = " ".join(section(compared((1,), (2,)), "Image by Image").split())
    assert "number of test images right, 39 of 40. Whether two variants differ depends on the images that tell" in said


@pytest.mark.parametrize(
    ("known", "said", "unsaid"),
    [
        (1, "The accuracy over all others is the one to believe. p is the probability", "No test image is left"),
        (40, "No test image is left that is not known, so there is no accuracy to believe.", "Fisher"),
    ],
)
def test_where_all_test_images_are_known_no_accuracy_is_left(known: int, said: str, unsaid: str) -> None:
    files = [prediction.file for prediction in make_variant().predictions[:known]]
    copies = tuple(make_duplicate(file.replace("test/", "train/"), file) for file in files)
    found = section(post_of(make_results(data=make_data(duplicates=copies))).text, "Test Images That Are Known")
    assert said in found
    assert unsaid not in found


def test_only_files_of_equal_bytes_are_said_to_be_on_one_side_of_a_test_set_that_was_set_aside() -> None:
    """They are set aside by their bytes: a picture saved again may be on both sides, and then the post warns of it."""
    again = make_duplicate("train/camel/1.png", "test/camel/1.png", same="pixels")
    data = make_data(held_out=HeldOut(fraction=0.2, seed=0), duplicates=(again,))
    found = section(post_of(make_results(data=data)).text, "Data Download")
    assert "tested with the same images, and files of equal bytes are all on one side." in found
    assert "1 test image also stands among the training or validation images" in found


def test_test_images_that_stand_altered_among_the_others_are_not_called_held_back() -> None:
    text = post_of(make_results(data=make_data(near=make_near("train", "test")))).text
    assert "Of 40 test drawings, the baseline" in text
    said = "1 of them is [known from training or validation](#test-images-that-are-known); the model has met none of"
    assert said in section(text, "Accuracy")
    assert "With and without it the accuracy is" in section(text, "Test Images That Are Known")
    assert "that it had never seen, the baseline" in post_of(make_results()).text


def test_where_all_test_images_are_known_there_are_no_others_to_speak_of() -> None:
    files = [prediction.file for prediction in make_variant().predictions]
    copies = tuple(make_duplicate(file.replace("test/", "train/"), file) for file in files)
    accuracy = section(post_of(make_results(data=make_data(duplicates=copies))).text, "Accuracy")
    assert " All of them are [known from training or validation](#test-images-that-are-known). It names 35" in accuracy


@pytest.mark.parametrize(
    ("first", "second", "mode", "said"),
    [
        ("train", "train", "fixed", True),
        ("validation", "validation", "fixed", True),
        ("train", "validation", "fixed", False),
        ("test", "test", "fixed", False),
        ("train", "train", "reshuffled", False),
    ],
)
def test_the_split_keeps_altered_forms_together_where_it_does(first: Any, second: Any, mode: str, said: bool) -> None:
    recipe = make_config("baseline", f"split.mode={mode}").baseline.recipe
    build = with_baseline(make_variant(recipe=recipe), data=make_data(near=make_near(first, second)))
    text = post_of(build).text
    pipeline = section(text, "Input Pipeline Using TensorFlow Keras")
    assert ("Altered forms of one picture are on the same side, too." in pipeline) == said
    near = section(text, "Pictures That Stand There Altered")
    assert ("The images of a pair are on one side of the split" in near) == (mode == "fixed")
    assert ("The images are split anew in every epoch, without regard to it." in near) == (mode == "reshuffled")


def test_bold_is_explained_where_the_loss_alone_is_told_apart() -> None:
    surer = tuple(p.model_copy(update={"logit": 1.5 * p.logit}) for p in make_predictions(()))
    variants = {
        "baseline": make_variant(wrong=()),
        "augmentation": make_variant("augmentation", wrong=(), predictions=surer),
    }
    opening = post_of(make_results(variants=variants, figures=make_figures(variants))).text.partition("<figure>")[0]
    assert re.search(r"\*\*0\.\d{4}\*\*", opening)
    assert "no two of the variants that were compared differ in accuracy" in opening
    assert "Bold marks a value that is better than that of every other variant by more than chance" in opening


@pytest.mark.parametrize(
    ("wrong", "head_wrong", "alone"),
    [((0, 1), (0, 1, 2, 3, 4), False), ((0, 1), (0, 1), False), ((0,), (1,), False), ((0, 1), (0, 1, 2, 3, 4), True)],
    ids=["corrected", "no image tells the phases apart", "p is 1 before and after", "no other variant"],
)
def test_a_method_is_explained_once_where_it_is_named_first(
    wrong: tuple[int, ...], head_wrong: tuple[int, ...], alone: bool
) -> None:
    baseline = make_variant(wrong=wrong, after_head=make_outcome(head_wrong))
    other = make_variant("augmentation", wrong=(3, 4, 5), after_head=make_outcome((3, 4, 5, *range(6, 14))))
    last = make_variant("augmentation-no-preprocessing", wrong=(5, 6))
    variants = {v.name: v for v in ((baseline,) if alone else (baseline, other, last))}
    build = with_measurement(make_results(variants=variants, figures=make_figures(variants)))
    text = post_of(build).text
    assert text.count("like a tossed coin; McNemar's exact test") == 1
    assert text.count("of several comparisons one may look uneven by luck") + text.count("Of several comparisons") == 1
    assert text.count("The bootstrap draws as many images") == text.count("It is taken apart by CORP") == 1
    assert text.count("CORP") == 1
    first = {"Holm": "one may look uneven by luck", "McNemar": "a tossed coin", "bootstrap": "The bootstrap draws"}
    for name, explained in first.items():
        found = text.index(name)
        assert explained in text[text.rindex("\n#", 0, found) :].split("\n#")[1], name


def test_fewer_than_six_disagreements_are_never_more_than_chance() -> None:
    """As `image-by-image.md.j2` says in words."""
    assert noise.mcnemar(0, 5) >= noise.SIGNIFICANT > noise.mcnemar(0, 6)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((0, 1, 30), "2 of the mistakes are close calls, with a probability below three in five for the wrong answer."),
        ((0, 1), "All of the mistakes are close calls"),
        ((30, 31), "None of the mistakes is a close call"),
        ((30, 31), "They all go one way: horse called camel. That may be chance (p = 0.4872"),
        (tuple(range(8)), "They all go one way: camel called horse. That is more than chance would give"),
        ((30, 31), "The one it was surest of is image 31 "),
    ],
)
def test_what_happened_to_the_wrong_ones_is_told(wrong: tuple[int, ...], said: str) -> None:
    assert said in section(post_of(with_baseline(make_variant(wrong=wrong))).text, "Wrong Predictions")


@pytest.mark.parametrize(
    ("correct", "said"),
    [
        (40, "The test accuracy is higher, by no more than chance may give (p = 1.0000 by Fisher's exact test)."),
        (40, "Even the lower end of the interval below lies above that"),
        (23, "The model does better, but the interval below reaches down to that: it may be luck."),
        (20, "The model does just as well, so nothing here shows"),
        (9, "The model does worse, so nothing here shows"),
    ],
)
def test_accuracy_is_held_against_guessing(correct: int, said: str) -> None:
    test = make_variant().test.model_copy(update={"correct": correct})
    assert said in section(post_of(with_baseline(make_variant(test=test))).text, "Accuracy")


@pytest.mark.parametrize(("own", "said"), [(False, "with another split, another order"), (True, "with another order")])
def test_no_other_split_is_spoken_of_where_the_data_set_has_its_own(own: bool, said: str) -> None:
    data = with_validation() if own else make_data()
    accuracy = section(post_of(make_results(data=data)).text, "Accuracy")
    assert f"another seed, {said} and another start, could move" in accuracy


@pytest.mark.parametrize(
    ("source", "weights", "said"),
    [
        ("my photos.zip", "it's mine.h5", "--data 'my photos.zip' --weights 'it'\"'\"'s mine.h5' --seed"),
        ("photos.zip", "mine.h5", "--data photos.zip --weights mine.h5 --seed"),
    ],
)
def test_the_command_that_makes_the_page_again_can_be_pasted(source: str, weights: str, said: str) -> None:
    used = WeightsSummary(requested="file", used="file", name=weights, fingerprint="f" * 64, reason="")
    text = post_of(make_results(data=make_data(kind="archive", source=source), weights=used)).text
    assert said in section(text, "Environment")
    assert "with another path behind `--data` where <code>" in section(text, "Environment")
    assert "and with the path of a weights file where that lies elsewhere" in section(text, "Environment")
    assert "with another path" not in post_of(make_results()).text


@pytest.mark.parametrize(
    ("used", "kind", "said", "unsaid"),
    [
        (
            "embedded",
            "sample",
            "- **The weights** the base starts from come from",
            "the program cannot know",
        ),
        ("imagenet", "sample", "`docs/protocol.md`", "**The weights**"),
        ("embedded", "folder", "the program cannot know", "`docs/protocol.md`"),
    ],
)
def test_what_was_chosen_in_sight_of_which_images_is_said(used: Any, kind: Any, said: str, unsaid: str) -> None:
    weights = WeightsSummary(requested="auto", used=used, name="w", fingerprint="f", reason="")
    text = post_of(make_results(weights=weights, data=make_data(kind=kind))).text
    chosen = section(text, "What Was Chosen with Which Images in Sight")
    assert said in chosen
    assert unsaid not in chosen


def test_seven_things_were_mended(before: Rendered) -> None:
    mended = section(before.text, "What was mended")
    assert "Seven things in the original were wrong, and are not repeated here." in mended
    assert "Here all are shown." in mended
    assert mended.count("\n- **") == 7


def test_only_the_originals_classes_and_weights_are_compared_number_by_number() -> None:
    imagenet = WeightsSummary(requested="auto", used="imagenet", name="resnet50.h5", fingerprint="f" * 64, reason="")
    photographs = make_data(source="horse-vs-camel.zip", kind="archive")
    said = "can be compared number by number"
    assert said in post_of(make_results(data=photographs, weights=imagenet)).text
    assert said not in post_of(make_results(data=photographs)).text
    assert said not in post_of(make_results(weights=imagenet)).text


def test_bears_and_kangaroos() -> None:
    names = ("bear", "kangaroo")
    data = make_data(class_names=names, source="bear-vs-kangaroo.zip", kind="archive", transparent_images=0)
    variants = {"baseline": make_variant(names=names)}
    figures = tuple(f for f in make_figures(variants) if f.name != "alpha")
    imagenet = WeightsSummary(requested="auto", used="imagenet", name="resnet50.h5", fingerprint="f" * 64, reason="")
    build = make_results(data=data, variants=variants, figures=figures, weights=imagenet)
    text = post_of(build).text
    assert "All of them are fully opaque." in text
    assert "Reproduction Notes" not in text
    compared = post_of(build, writeup=True).text
    own, _, notes = compared.partition("## Reproduction Notes")
    assert not re.search(r"\b(camels?|horses?)\b", own)
    assert "its images show bear and kangaroo, not camels and horses. The two columns" in notes
    assert "no such pair to show" in own


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"profile": "smoke"}, "This page comes from a shortened build, profile <code>smoke</code>."),
        ({"data": make_data(kind="folder", source="animals")}, "<code>test</code> of <code>animals</code>"),
        ({"data": make_data(kind="kaggle", source="kaggle:a/b")}, "fetched with Kaggle's own client"),
        ({"data": make_data(alpha="white")}, "blends transparent pixels with white"),
        ({"data": make_data(ignored={"hidden files": 1})}, "- hidden files: 1 file\n"),
        ({"data": make_data(notes={"rotated": 2})}, "- rotated: 2 images\n"),
        (
            {"data": make_data(duplicates=(make_duplicate("train/camel/1.png", "test/camel/1.png"),))},
            "1 test image also stands among the training or validation images",
        ),
    ],
)
def test_what_the_data_were_is_said(changes: dict[str, Any], words: str) -> None:
    assert words in post_of(make_results(**changes)).text


@pytest.mark.parametrize(
    ("used", "words"),
    [
        ("imagenet", "it starts from the ImageNet weights that Keras distributes"),
        ("embedded", "which come with the program"),
        ("file", "weights that whoever ran it supplied"),
        ("random", "its base starts from random weights"),
    ],
)
def test_which_weights_were_used_is_said(used: Any, words: str) -> None:
    weights = WeightsSummary(requested="auto", used=used, name="w", fingerprint="f", reason="")
    assert words in post_of(make_results(weights=weights)).text


def test_the_leaking_split_is_called_what_it_is() -> None:
    recipe = make_config("baseline", "split.mode=reshuffled").baseline.recipe
    text = post_of(with_baseline(make_variant(recipe=recipe))).text
    assert "This build splits as the original did" in text
    assert "not repeated here, but for the split, where this build was told to make it as the original did." in text
    assert "disjoint: 64 images" not in text
    stratified = make_results(variants={"baseline": make_variant(recipe=recipe)}, data=make_data(stratified=True))
    assert "Each class gives its share" not in post_of(stratified).text
    assert "Each class gives its share" in post_of(make_results(data=make_data(stratified=True))).text


def test_of_variants_that_reshuffle_only_these_are_said_to_split_as_the_original_did() -> None:
    recipe = make_config("baseline", "split.mode=reshuffled").baseline.recipe
    titles = {"augmentation": "Leaking", "augmentation-no-preprocessing": "Leaking again"}
    leaking = {name: make_variant(name, recipe=recipe, title=title) for name, title in titles.items()}
    variants = {"baseline": make_variant(), **leaking}
    mended = section(post_of(make_results(variants=variants, figures=make_figures(variants))).text, "What was mended")
    said = "but for the split of Leaking and Leaking again, which is made as the original's was.\n"
    assert said in mended
    assert "Here the split is made once, by seed, and is disjoint: 64 images" in mended


def test_variants_of_the_users_own() -> None:
    changes: dict[str, bool | int | float | str] = {"seed": 7, "head.optimizer": "sgd", "head.learning_rate": 2.5e-4}
    mine = make_variant().model_copy(update={"name": "mine", "title": "My *own* | variant", "changes": changes})
    variants = {"baseline": make_variant(), "mine": mine}
    text = post_of(make_results(variants=variants, figures=make_figures(variants))).text
    assert "### Results with my own variant" in text
    assert "| <code>head&#46;learning&#95;rate</code> | 2.5e-4 |" in text
    assert "| <code>head&#46;optimizer</code> | <code>sgd</code> |" in text


@pytest.mark.parametrize("test_batches", [1, 2, 3])
def test_the_last_batch_is_what_is_left(test_batches: int) -> None:
    size = {1: 64, 2: 32, 3: 16}[test_batches]
    text = post_of(make_results(data=make_data(batch_size=size, test_batches=test_batches))).text
    assert text.count("(32, 224, 224, 3)\n") == test_batches - 1
    assert f"\n({40 - size * (test_batches - 1)}, 224, 224, 3)\n40\nPredictions:" in text


# Hostile names

HOSTILE = (
    "a|b", "<script>alert(1)</script>", "{{ x }}", "{% raw %}", "{% endraw %}", "_under_", r"$\foo$", "جمل", "🐪",
    "`tick`", "[a](b)", "&#95;", "a\n\n## Goal", "\ue000accuracy\ue0011\ue0029\ue003",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_changes_nothing_but_itself(name: str) -> None:
    plain, hostile = (
        make_results(
            data=make_data(class_names=(n, "horse"), source=n),
            variants={"baseline": make_variant(names=(n, "horse"))},
            figures=make_figures(["baseline"]),
        )
        for n in ("okapi", name)  # of neither the protocol speaks
    )
    before, after = post_of(plain), post_of(hostile)
    assert [n.source for n in after.numbers] == [n.source for n in before.numbers]
    # Liquid does not read front matter.
    body = after.text.split("---\n", 2)[2]
    assert "{{ x }}" not in re.sub(r"(?s)<!-- \{% raw %\} -->.*?<!-- \{% endraw %\} -->", "", body)
    tags = [re.findall(r"<(/?\w+)", html_of(r.text).partition("</head>")[2]) for r in (before, after)]
    assert tags[0] == tags[1]
    assert "<script>alert" not in html_of(after.text)


# As recorded


class Golden(SingleFileSnapshotExtension):
    """One readable file per snapshot, below `tests/golden/`."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:
        return str(ROOT / "tests" / "golden" / Path(__file__).stem)


@pytest.fixture
def golden(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Golden)


@pytest.fixture
def fixed_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Excerpts that stay as they are when the code moves on."""

    def stub(symbol: str, root: Path) -> Passage:
        module, _, name = symbol.partition(":")
        return Passage(symbol, module.replace(".", "/") + ".py", 1, f"def {name}():\n    ...\n")

    monkeypatch.setattr(render, "find_excerpt", stub)


@pytest.mark.usefixtures("fixed_code")
def test_the_post_is_as_recorded(golden: SnapshotAssertion) -> None:
    assert post_of(make_results()).text == golden, RENEW


@pytest.mark.usefixtures("fixed_code")
def test_a_post_with_other_data_is_as_recorded(golden: SnapshotAssertion) -> None:
    names = ("bear", "kangaroo")
    build = with_baseline(
        make_variant(names=names, wrong=(), head=flat(1), fine_tuning=flat(1)),
        profile="smoke",
        data=make_data(class_names=names, kind="archive", source="bear-vs-kangaroo.zip"),
    )
    assert post_of(build).text == golden, RENEW


@pytest.mark.usefixtures("fixed_code")
def test_a_post_of_five_classes_is_as_recorded(golden: SnapshotAssertion) -> None:
    build = with_baseline(make_variant(names=FIVE, wrong=(0, 1, 9, 25)), data=make_data(class_names=FIVE))
    assert post_of(build).text == golden, RENEW


@pytest.mark.usefixtures("fixed_code")
def test_a_post_of_two_networks_is_as_recorded(golden: SnapshotAssertion) -> None:
    assert post_of(two_networks()).text == golden, RENEW


@pytest.mark.usefixtures("fixed_code")
def test_the_preview_is_as_recorded(golden: SnapshotAssertion) -> None:
    build = make_results()
    page = render.preview(
        post_of(build), layout.own(CONFIG.post), site=Path("/a/site"), target=Path("/a/build-output/preview.html")
    )
    # The styles are the site's own files, tested where they are.
    assert re.sub(r"(?s)<style>.*?</style>", "<style></style>", page) == golden, RENEW


@pytest.mark.parametrize("settings", ["experiment.toml", "study.toml"])
def test_a_committed_post_is_what_its_metrics_render_to(settings: str) -> None:
    post = load(ROOT / settings).post
    data = ROOT / "site" / "assets" / "data" / post.asset_folder
    if not data.is_dir():
        pytest.skip("no site is committed yet")
    build = result_files.from_files({path.name: path.read_text("utf-8") for path in data.iterdir()}, "site")
    committed = (ROOT / "site" / "_posts" / post.file_name).read_text("utf-8")
    assert render.render(post, build).text == committed, f"python build.py render --config {settings}, or build"


def test_results_come_first_then_their_comparison_then_what_they_are_worth(before: Rendered) -> None:
    headings = re.findall(r"^##+ (.+)$", before.text, re.MULTILINE)
    story = (
        "Evaluation",
        "More Results",
        "Comparison of the Variants",
        "Image by Image",
        "What the Test Images Can Show",
    )
    worth = ("How Far to Trust It", "What Was Chosen with Which Images in Sight", "What a Confidence Is Worth")
    places = [headings.index(heading) for heading in (*story, *worth, "Environment")]
    assert places == sorted(places)


def test_every_variant_has_its_confusion_matrix_before_its_wrong_predictions(before: Rendered) -> None:
    headings = re.findall(r"^##+ (.+)$", before.text, re.MULTILINE)
    kinds = [h.split(" ")[0] for h in headings if h.startswith(("Confusion matrix", "Wrong predictions"))]
    assert kinds == ["Confusion", "Wrong"] * 2
    assert headings.index("Confusion Matrix") < headings.index("Wrong Predictions")


def test_a_figure_the_build_lacks_is_an_error() -> None:
    with pytest.raises(Exception, match="figure examples/first-screen was not drawn"):
        post_of(make_results(figures=()))


def test_results_of_unlike_test_sets_are_an_error() -> None:
    variants = {"baseline": make_variant(), "augmentation": make_variant("augmentation", names=("a", "b"))}
    with pytest.raises(BadInput, match="cannot be paired"):
        post_of(make_results(variants=variants, figures=make_figures(variants)))


@pytest.mark.parametrize(
    ("setting", "precision", "said"),
    [
        ("float32", "float32", "in float32. All packages"),
        ("auto", "float32", "in float32. All packages"),
        ("bfloat16", "bfloat16", "in bfloat16; its weights, the head, the losses and all scores are float32 or finer."),
        ("auto", "bfloat16", "in bfloat16, a short format that this processor has units for; its weights,"),
    ],
)
def test_the_environment_says_in_which_precision_the_base_computed(setting: str, precision: str, said: str) -> None:
    recipe = make_config("baseline", f"model.precision={setting}").baseline.recipe
    build = with_baseline(make_variant(precision=precision, recipe=recipe))
    text = post_of(build).text
    assert f"with the base computing {said}" in text
    again = f"for which `auto` means {precision}, too; on another one add `--set model.precision={precision}`"
    assert (again in text) == (setting == "auto")
