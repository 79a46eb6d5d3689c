"""What the post says of confidences: on which images, by which correction, with how many."""

import re

import pytest

from generator.experiment.outcomes import Prediction
from generator.experiment.results import BuildResults, VariantResult
from generator.experiment.statistics import confidences
from generator.post.prose import confidence
from generator.post.prose.confidence import FUNCTIONS, by_sureness, has_level, judged, judged_score, sureness
from generator.support.statistics import calibration, noise
from tests.factories import (
    FIVE,
    make_data,
    make_outcome,
    make_predictions,
    make_results,
    make_variant,
    outcome_of,
    with_measurement,
)
from tests.post.test_render import post_of


def section_of(build: BuildResults) -> str:
    text = post_of(build).text
    start = text.index("### What a Confidence Is Worth")
    return text[start : text.index("\n## ", start)].split("\n### Where")[0]


def of_logits(logit: float, right: int, total: int) -> tuple[Prediction, ...]:
    """Images of class 1, of which so many are called by its name, all with one confidence."""
    probability = 1 / (1 + 2.718281828459045**-logit)
    return tuple(
        Prediction(
            index=i,
            file=f"{i}.png",
            actual=1,
            predicted=int(i < right),
            logit=logit if i < right else -logit,
            probability=probability if i < right else 1 - probability,
        )
        for i in range(total)
    )


def variant_of(predictions: tuple[Prediction, ...], name: str = "baseline") -> VariantResult:
    """A variant with these test images, right or wrong after the head alone as after fine-tuning."""
    parts = {**make_outcome(()).predictions_by_part, "test": predictions}
    return make_variant(name, predictions=predictions, after_head=outcome_of(parts, 2))


def builds() -> list[BuildResults]:
    five = make_results(data=make_data(class_names=FIVE))
    alone = make_results(variants={"baseline": make_variant()})
    single = make_results(variants={"baseline": variant_of(make_predictions((), total=1))})
    return [make_results(), five, alone, single, with_measurement(make_results()), with_measurement(five)]


@pytest.mark.parametrize("build", builds())
def test_the_section_holds_whatever_the_build(build: BuildResults) -> None:
    section = section_of(build)
    total = judged_score(build.baseline).total
    assert f"{total:,}" in section
    assert ("images to measure with" in section) == (build.measure is not None)
    assert ("The same of the" in section) == (build.measure is not None)
    assert "None" not in section


def test_with_images_to_measure_with_these_are_judged() -> None:
    build = make_results()
    assert judged(build.baseline) is build.baseline
    assert judged_score(build.baseline) is build.baseline.test
    measured = with_measurement(build)
    assert measured.baseline.measurement is not None
    assert judged(measured.baseline) is judged_score(measured.baseline) is measured.baseline.measurement.fine_tuning
    with_more = FUNCTIONS["cooled_loss"](measured.baseline)
    losses = confidences.cooled_losses(measured.baseline, judged(measured.baseline).predictions)
    assert with_more == pytest.approx(sum(losses) / len(losses))
    assert with_more != FUNCTIONS["cooled_loss"](build.baseline)


def test_too_sure_and_not_sure_enough_are_told_from_noise() -> None:
    modest = variant_of(of_logits(0.5, 39, 40))
    proud = variant_of(of_logits(4.0, 25, 40), "augmentation")
    fine = variant_of(of_logits(1.0, 29, 40), "augmentation-no-preprocessing")
    variants = {v.name: v for v in (modest, proud, fine)}
    assert by_sureness(variants) == {"not sure enough": [modest], "too sure": [proud], "within noise": [fine]}
    section = section_of(make_results(variants=variants))
    assert "Of **Baseline** more answers are right than its confidences say" in section
    assert "Of **Data augmentation** fewer answers are right than its confidences say" in section
    assert "chance may explain how far the share" in section
    assert sureness(proud, 0.05) == "within noise"


def test_every_question_is_corrected_for_its_number_of_variants() -> None:
    build = make_results()
    variants = dict(build.variants)
    for function, plain in (
        ("adjusted_level", lambda v: FUNCTIONS["level_p"](judged(v))),
        ("adjusted_miscalibration", lambda v: FUNCTIONS["miscalibration_p"](judged(v))),
        ("adjusted_cooling", lambda v: confidences.cooling(v, v.predictions).p),
    ):
        expected = noise.holm([plain(variant) for variant in variants.values()])
        assert [FUNCTIONS[function](variant, variants) for variant in variants.values()] == expected


def test_what_so_many_images_can_show_is_where_p_falls_below_one_twentieth() -> None:
    predictions = of_logits(1.0, 29, 40)
    of = variant_of(predictions)
    said = predictions[0].confidence
    seen = FUNCTIONS["level_seen"](of)
    called = [n for n in range(41) if calibration.level(tuple((said, i < n) for i in range(40))).p < noise.SIGNIFICANT]
    assert seen == pytest.approx(min(abs(n / 40 - said) for n in called))
    assert has_level(of)
    few = variant_of(of_logits(1.0, 2, 2))
    assert not has_level(few)
    with pytest.raises(ValueError, match="empty"):
        FUNCTIONS["level_seen"](few)
    assert "could show nothing else" in section_of(make_results(variants={"baseline": few}))


@pytest.mark.parametrize(
    ("wrong", "larger", "reason"),
    [
        ((), 1, "All its images are right, so that ever higher confidences would suit it better."),
        ((0, 1, 2), 1000, "None from a twentieth to twenty suits its images best."),
    ],
)
def test_a_variant_without_a_temperature_is_told_of_and_left_out_of_the_correction(
    wrong: tuple[int, ...], larger: int, reason: str
) -> None:
    parts = dict(make_outcome((0, 1)).predictions_by_part)
    validation = tuple(
        p.model_copy(update={"logit": larger * p.logit}) for p in make_predictions(wrong, total=64, folder="train")
    )
    none = make_variant("augmentation").model_copy(update=dict(outcome_of({**parts, "validation": validation}, 2)))
    variants = {"baseline": make_variant(), "augmentation": none}
    assert [v.name for v in confidence.tempered(variants)] == ["baseline"]
    cooling = confidences.cooling(variants["baseline"], variants["baseline"].predictions)
    assert cooling is not None
    assert FUNCTIONS["adjusted_cooling"](variants["baseline"], variants) == cooling.p
    assert f"Data augmentation: validation chooses no temperature. {reason}" in section_of(
        make_results(variants=variants)
    )


@pytest.mark.parametrize("measured", [True, False])
def test_the_diagram_shows_the_images_that_the_text_judges(measured: bool) -> None:
    build = with_measurement(make_results()) if measured else make_results()
    text = section_of(build)
    of = "120 images to measure with" if measured else "40 test images"
    captions = re.findall(r"<figcaption>(Share of right answers .*?), variant", text)
    assert captions == [f"Share of right answers by confidence on the {of}"] * len(build.variants)
    assert text.index("calibration.png") < text.index("Does a temperature mend them")
