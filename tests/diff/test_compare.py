"""Two builds compared: metrics, settings, predictions, figures, and where the builds come from."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generator.diff import builds, compare, metrics
from generator.diff.builds import Build, SearchPlaces
from generator.diff.compare import Comparison
from generator.diff.gates import parse_gates
from generator.experiment.config.settings import flatten
from generator.experiment.data_summary import Count
from generator.experiment.files import result_files
from generator.experiment.outcomes import Score
from generator.experiment.results import BuildResults
from generator.support.errors import BadInput
from generator.support.places import ROOT
from generator.support.statistics import noise
from tests.factories import (
    FIVE,
    make_config,
    make_data,
    make_near,
    make_outcome,
    make_predictions,
    make_results,
    make_variant,
    make_weights,
)
from tests.sites import FOLDER, make_files, picture, put

DATA = Path("assets/data") / FOLDER
FIGURE = f"assets/images/{FOLDER}/baseline/confusion-matrix.png"


@pytest.fixture
def places(tmp_path: Path) -> SearchPlaces:
    return SearchPlaces(root=tmp_path, site=tmp_path / "site", store=tmp_path / "store", asset_folder=FOLDER)


@pytest.fixture
def make(tmp_path: Path, places: SearchPlaces) -> Callable[..., Build]:
    """Writes a build as a site and finds it again."""

    def build(made: BuildResults | None = None, shade: int = 100, **files: bytes) -> Build:
        name = f"site-{len(list(tmp_path.iterdir()))}"
        put(tmp_path / name, {**make_files(made, shade), **files})
        return builds.find(str(tmp_path / name), places)

    return build


def with_baseline(**changes: Any) -> BuildResults:
    variants = {**make_results().variants, "baseline": make_variant(**changes)}
    return make_results(variants=variants)


def changed(comparison: Comparison) -> dict[tuple[str, str], str]:
    return {(c.variant, c.metric): c.status for c in comparison.metrics if c.status != "unchanged"}


def test_a_build_against_itself_is_the_same(make: Callable[..., Build]) -> None:
    comparison = compare.compare(make(), make())
    assert comparison.same
    assert (comparison.settings, comparison.figures, changed(comparison)) == ((), (), {})
    assert len(comparison.metrics) > 3 * 30


def test_metrics_know_their_direction(make: Callable[..., Build]) -> None:
    better = with_baseline(wrong=(0, 1), train=Score(loss=0.0005, correct=295, total=296))
    found = changed(compare.compare(make(), make(better)))
    assert found[("baseline", "test.accuracy")] == "improved"
    assert found[("baseline", "train.loss")] == "improved"
    assert found[("baseline", "train.accuracy")] == "worse"
    assert found[("baseline", "confusion.true_negative")] == "changed"
    assert {variant for variant, _ in found} == {"baseline"}


def status(old: float | None, new: float | None, metric: str = "test.loss") -> list[str]:
    return [c.status for c in metrics.compare("baseline", {metric: old}, {metric: new})]


def test_a_wobble_is_unchanged_and_a_count_is_exact() -> None:
    assert status(0.3859, 0.3859 + 1e-9) == ["unchanged"]
    assert status(0.3859, 0.3859 - 1e-4) == ["improved"]
    assert status(5000.0, 5000.001) == ["unchanged"], "relative, for large values"
    assert status(23_589_761, 23_589_762, "parameters.total") == ["changed"]


def test_added_missing_and_undefined_metrics_are_explicit() -> None:
    assert status(None, 0.5) == ["added"]
    assert status(0.5, None) == ["missing"]
    assert status(None, None) == []
    assert [c.status for c in metrics.compare("v", {"a.loss": 1.0}, {"b.loss": 1.0})] == ["missing", "added"]


def test_a_variant_that_only_one_build_has(make: Callable[..., Build]) -> None:
    fewer = make_results(variants={"baseline": make_variant()})
    comparison = compare.compare(make(), make(fewer))
    assert set(changed(comparison).values()) == {"missing"}
    assert {c.variant for c in comparison.metrics if c.status == "missing"} == {
        "augmentation",
        "augmentation-no-preprocessing",
    }
    assert set(changed(compare.compare(make(fewer), make())).values()) == {"added"}


def test_settings_data_weights_and_packages_that_differ_are_listed(make: Callable[..., Build]) -> None:
    recipe = make_config("baseline", "head.epochs=10").baseline.recipe
    new = make_results(
        variants={**make_results().variants, "baseline": make_variant(recipe=recipe)},
        data=make_data(image_size=64, fingerprint="a" * 64),
        environment={"python": "3.11.7", "packages": {"keras": "3.16.0", "tensorflow": "2.21.0"}},
    )
    found = {c.setting: (c.old, c.new, c.variants) for c in compare.compare(make(), make(new)).settings}
    assert found == {
        "head.epochs": ("30", "10", ("baseline",)),
        "data.image_size": ("224", "64", ()),
        "data.fingerprint": ("d" * 64, "a" * 64, ()),
    }


def test_of_other_classes_the_names_are_told_and_no_counts_of_each(make: Callable[..., Build]) -> None:
    new = make_results(data=make_data(class_names=FIVE), variants={"baseline": make_variant(names=FIVE)})
    found = {change.setting: (change.old, change.new) for change in compare.compare(make(), make(new)).settings}
    assert found["data.class_names"][0] == '2 classes: ["camel", "horse"]'
    assert found["data.class_names"][1].startswith("5 classes: [")
    assert not any(setting.startswith(("data.train.", "data.test.", "data.kept")) for setting in found)


def test_a_setting_that_changed_in_every_variant_is_listed_once(make: Callable[..., Build]) -> None:
    variants = {
        name: variant.model_copy(update={"recipe": variant.recipe.model_copy(update={"seed": 7})})
        for name, variant in make_results().variants.items()
    }
    (change,) = compare.compare(make(), make(make_results(variants=variants))).settings
    assert (change.setting, change.old, change.new) == ("seed", str(make_results().baseline.recipe.seed), "7")
    assert change.variants == tuple(variants)


def test_weights_are_told_of_the_variants_that_start_from_others(make: Callable[..., Build]) -> None:
    """Where the builds' own differ, a variant that has some of its own need not."""
    old, new, random = (make_weights(used) for used in ("imagenet", "embedded", "random"))
    baseline, other = make_variant(), make_variant("augmentation", wrong=(3, 25))
    before = make_results(weights=random, variants={"baseline": make_variant(weights=old), "augmentation": other})
    own = other.model_copy(update={"weights": random})
    after = make_results(weights=new, variants={"baseline": baseline, "augmentation": own})
    found = compare.compare(make(before), make(after)).settings
    assert {change.setting for change in found} >= {"weights.used", "weights.name", "weights.fingerprint"}
    assert {change.variants for change in found} == {("baseline",)}


def test_pairs_of_near_duplicates_are_counted(make: Callable[..., Build]) -> None:
    near = make_near("train", "test")
    found = compare.compare(
        make(make_results(data=make_data(near=near))),
        make(make_results(data=make_data(near=near.model_copy(update={"pairs": ()})))),
    )
    assert {(c.setting, c.old, c.new) for c in found.settings} == {("data.near.pairs", "1", "0")}


# Predictions


def test_mended_and_broken_images_equal_a_recomputation_from_the_files(make: Callable[..., Build]) -> None:
    old, new = make(), make(with_baseline(wrong=(1, 2, 30, 31)))
    pair = next(p for p in compare.compare(old, new).predictions if p.variant == "baseline")

    def wrong(build: Build) -> set[str]:
        rows = result_files.to_files(build.results)[result_files.PREDICTIONS].splitlines()[1:]
        cells = [row.split(",") for row in rows if row.startswith("baseline,fine_tuning,test,")]
        return {row[4] for row in cells if row[5] != row[6]}

    assert {c.file for c in pair.of("mended")} == wrong(old) - wrong(new)
    assert {c.file for c in pair.of("broken")} == wrong(new) - wrong(old)
    assert {c.file for c in pair.of("still wrong")} == wrong(old) & wrong(new)
    assert (len(pair.of("mended")), len(pair.of("broken")), len(pair.of("still wrong"))) == (3, 2, 2)
    assert pair.images == 40
    assert pair.p == pytest.approx(1.0)
    assert pair.verdict == "3 mended, 2 broken: within chance (McNemar, exact: p = 1.0000)"


def test_a_prediction_change_names_classes_and_confidence(make: Callable[..., Build]) -> None:
    pair = compare.compare(make(), make(with_baseline(wrong=(1, 2, 6, 7)))).predictions[0]
    (mended,) = pair.of("mended")
    assert (mended.file, mended.actual, mended.old, mended.new) == ("test/camel/1.png", "camel", "horse", "camel")
    assert (mended.old_confidence, mended.new_confidence) == pytest.approx((0.55, 0.55))


def test_a_one_sided_difference_is_more_than_chance(make: Callable[..., Build]) -> None:
    comparison = compare.compare(make(), make(with_baseline(wrong=(0, 1, 2, 6, 7, *range(20, 28)))))
    pair = comparison.predictions[0]
    assert pair.p == pytest.approx(2 / 2**8)
    assert "more than chance" in pair.verdict
    accuracy = next(c for c in comparison.metrics if (c.variant, c.metric) == ("baseline", "test.accuracy"))
    assert (accuracy.status, accuracy.note) == ("worse", "more than chance")


def test_other_data_cannot_be_paired(make: Callable[..., Build]) -> None:
    other = make_results(data=make_data(fingerprint="a" * 64))
    pairs = compare.compare(make(), make(other)).predictions
    assert {(p.p, p.verdict) for p in pairs} == {(None, "the images cannot be paired: the data sets differ")}
    assert all(not p.changes for p in pairs)


def test_other_test_files_cannot_be_paired(make: Callable[..., Build]) -> None:
    predictions = make_variant().predictions
    renamed = (predictions[0].model_copy(update={"file": "test/camel/x.png"}), *predictions[1:])
    pair = compare.compare(make(), make(with_baseline(predictions=renamed))).predictions[0]
    assert (pair.p, pair.verdict) == (None, "the images cannot be paired: the test sets differ")


def test_two_variants_of_one_build(make: Callable[..., Build]) -> None:
    build = make()
    comparison = compare.compare(build, build, variants=("baseline", "augmentation"))
    assert {c.variant for c in comparison.metrics} == {"baseline → augmentation"}
    assert [(c.setting, c.old, c.new) for c in comparison.settings] == [("model.augment", "false", "true")]
    (pair,) = comparison.predictions
    assert (len(pair.of("mended")), len(pair.of("broken"))) == (5, 2)
    assert comparison.figures == ()
    with pytest.raises(BadInput, match="unknown variant 'augmentaton'; did you mean 'augmentation'"):
        compare.compare(build, build, variants=("baseline", "augmentaton"))


# Figures


def test_figures_are_compared_by_their_pixels(make: Callable[..., Build], tmp_path: Path) -> None:
    old = make()
    # A WebP under the name of a PNG: other bytes, the same pixels.
    assert compare.compare(old, make(**{FIGURE: picture("webp")})).same
    (change,) = compare.compare(old, make(**{FIGURE: picture(shade=101)})).figures
    assert (change.scope, change.name, change.status) == ("baseline", "confusion-matrix", "changed")
    assert (change.changed, change.pixels) == (96, 96)


def test_a_figure_of_another_size_missing_or_broken(make: Callable[..., Build]) -> None:
    old = make()
    (resized,) = compare.compare(old, make(**{FIGURE: picture(size=(12, 10))})).figures
    assert (resized.changed, resized.pixels) == (24, 120)
    (broken,) = compare.compare(old, make(**{FIGURE: b"<html>"})).figures
    assert broken.status == "broken"
    gone = make_results(figures=make_results().figures[:-1])
    (missing,) = compare.compare(old, make(gone)).figures
    assert (missing.name, missing.status) == ("comparison", "missing")


# Where builds come from


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


def test_the_last_committed_build_against_the_working_tree(tmp_path: Path, places: SearchPlaces) -> None:
    git(tmp_path, "init", "-q")
    put(places.site, make_files())
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "a build")
    put(places.site, make_files(with_baseline(wrong=()), shade=99))
    comparison = compare.compare(builds.find("HEAD", places), builds.find(str(places.site), places))
    assert comparison.old.startswith("HEAD (")
    assert comparison.new == "site"
    assert changed(comparison)[("baseline", "test.accuracy")] == "improved"
    assert len(comparison.figures) == len(make_results().figures)


def test_a_committed_build_is_found_in_whatever_folder_of_assets_it_is_alone(
    tmp_path: Path, places: SearchPlaces
) -> None:
    """As in the working tree: of a build with `--set post.asset_folder=bears` the settings say nothing."""
    git(tmp_path, "init", "-q")
    files = {name.replace(f"/{FOLDER}/", "/bär s/"): content for name, content in make_files().items()}
    put(places.site, {**files, "assets/data/bär s/kept/metrics.json": b"{}"})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "a build")
    old, new = builds.find("HEAD", places), builds.find(str(places.site), places)
    assert compare.compare(old, new).nothing
    assert old.figure("baseline", "confusion-matrix") == new.figure("baseline", "confusion-matrix") is not None
    put(places.site, {"assets/data/cats/metrics.json": b"{}"})
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "another post")
    with pytest.raises(BadInput, match=r"expected site/assets/data/folder/.*, found .*/bär s/.*, .*/cats/.*; set post"):
        builds.find("HEAD", places)


def test_a_revision_without_a_build_and_no_revision_at_all(tmp_path: Path, places: SearchPlaces) -> None:
    for name in ("HEAD", "nobody", "--help", "a\nb"):
        with pytest.raises(BadInput, match="is no build: expected a site folder"):
            builds.find(name, places)
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "empty")
    with pytest.raises(BadInput, match=r"HEAD: holds no site/assets/data/folder/metrics\.json"):
        builds.find("HEAD", places)


def test_a_build_of_the_history_is_found_by_the_start_of_its_id(places: SearchPlaces) -> None:
    for build_id in ("20230131-a1", "20230201-b2"):
        put(
            places.store / "history" / build_id,
            {k: v.encode() for k, v in result_files.to_files(make_results()).items()},
        )
    assert builds.find("20230131", places).label == "build 20230131-a1"
    with pytest.raises(BadInput, match="begins the names of 2 builds"):
        builds.find("2023", places)


def test_a_metrics_file_alone(tmp_path: Path, places: SearchPlaces, make: Callable[..., Build]) -> None:
    text = result_files.to_files(make_results())[result_files.METRICS]
    for name in ("metrics.json", "old-metrics.json"):
        put(tmp_path / "kept", {name: text.encode()})
        comparison = compare.compare(builds.find(str(tmp_path / "kept" / name), places), make())
        assert changed(comparison) == {}
        assert comparison.figures == ()
        assert comparison.predictions[0].verdict.endswith("one side has no predictions.csv")


def test_a_site_with_two_posts_must_be_named_by_file(tmp_path: Path, places: SearchPlaces) -> None:
    for folder in ("one", "two"):
        put(tmp_path / "site", {f"assets/data/{folder}/metrics.json": b"{}"})
    with pytest.raises(BadInput, match=r"found .*one/metrics\.json, .*two/metrics\.json"):
        builds.find(str(tmp_path / "site"), places)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('"loss": 0.3807008509766474', '"loss": NaN', "NaN is not a number"),
        ('"loss": 0.3807008509766474', '"loss": 0.3807008509766474, "loss": 0.4', "the key 'loss' stands twice"),
        ('"schema_version": 2', '"schema_version": 99', "schema_version 99 is newer"),
        ('"schema_version": 2', '"schema_version": 1', "schema_version 1 is older than 2: .*; build it again"),
        ('"roc_auc"', '"surprise"', "surprise"),
        ('"correct": 35', '"correct": 36', "accuracy 0.875 is not 36 of 40"),
        ('"total": 40', '"total": 0', "test"),
        ('"majority_share": 0.5', '"majority_share": 0.6', "data.majority_share = 0.6"),
        ('"training_images": 296', '"training_images": 297', "the counts by class give 296 and 64"),
        ('"epochs"', '"times"', "times"),
        ('"variants"', '"versions"', "variants"),
        ('"data": {', '"data": [], "was": {', "data"),
    ],
)
def test_fault_40_broken_metrics_are_refused_by_key_and_kept(
    tmp_path: Path, places: SearchPlaces, old: str, new: str, named: str
) -> None:
    text = result_files.to_files(make_results())[result_files.METRICS]
    assert old in text
    path = tmp_path / "metrics.json"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadInput, match=named):
        builds.find(str(path), places)
    assert path.read_text() == text.replace(old, new, 1)


@pytest.mark.parametrize("name", ["../../secret", "", ".hidden", "a\0b", "a/b", "a\nb"])
@pytest.mark.parametrize("field", ["scope", "name"])
def test_a_figure_whose_name_leads_elsewhere_is_refused(
    tmp_path: Path, places: SearchPlaces, field: str, name: str
) -> None:
    files = result_files.to_files(make_results())
    table = json.loads(files[result_files.RECORD])
    table["figures"][0][field] = name
    for file, text in {**files, result_files.RECORD: json.dumps(table)}.items():
        (tmp_path / file).write_text(text)
    with pytest.raises(BadInput, match=r"record\.json: .* is no name of a figure"):
        builds.find(str(tmp_path / result_files.METRICS), places)


# Gates


def test_a_missed_gate_names_variant_metric_values_and_limit(make: Callable[..., Build]) -> None:
    gates = parse_gates(["test.accuracy=-0.02"])
    worse = make_results(variants={**make_results().variants, "augmentation": make_variant("augmentation")})
    comparison = compare.compare(make(), make(worse), gates=gates)
    assert len(comparison.gates) == 3
    assert [str(result) for result in comparison.missed] == [
        "augmentation: test.accuracy: 0.95 before, 0.875 now, limit -0.02; within chance, p = 0.4531; the limit is"
        " below one of 40 images (0.025)"
    ]


def test_what_the_head_alone_gave_has_gates_of_its_own(make: Callable[..., Build]) -> None:
    worse = make(with_baseline(after_head=make_outcome(tuple(range(12)))))
    gates = parse_gates(["after_head.test.accuracy=-0.01", "test.accuracy=0"])
    compared = compare.compare(make(), worse, gates=gates)
    (missed,) = compared.missed
    assert (missed.variant, missed.gate.metric, missed.old, missed.new) == (
        "baseline", "after_head.test.accuracy", 33 / 40, 28 / 40,
    )  # fmt: skip
    assert not any(pair.changes and pair.of("broken") for pair in compared.predictions)


@pytest.mark.parametrize("metric", ["test.acuracy", "parameters.total"])
def test_a_gate_on_no_metric_is_a_usage_error(make: Callable[..., Build], metric: str) -> None:
    with pytest.raises(BadInput, match=f"gate '{metric}': no such metric"):
        compare.compare(make(), make(), gates=parse_gates([f"{metric}=0"]))


def test_every_metric_of_the_file_is_compared(make: Callable[..., Build]) -> None:
    """Whatever number `metrics.json` has for a variant, a change of it is seen."""
    table = json.loads(result_files.to_files(make_results())[result_files.METRICS])["variants"]["baseline"]
    for key in ("recipe", "changes", "name", "title", "precision", "shapes"):
        del table[key]
    compared = {c.metric for c in compare.compare(make(), make()).metrics if c.variant == "baseline"}
    assert compared == set(flatten(table))
    assert all(math.isfinite(value) for value in flatten(table).values())


def test_comparing_loads_neither_tensorflow_nor_pillow_nor_jinja() -> None:
    code = "import sys\nfor name in ('tensorflow', 'keras', 'PIL', 'jinja2', 'numpy'): sys.modules[name] = None\n"
    code += "from generator.diff import builds; from generator.diff import compare, report"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_several_classes_are_compared_one_by_one(make: Callable[..., Build]) -> None:
    old = make_results(data=make_data(class_names=FIVE))
    new = make_results(
        data=make_data(class_names=FIVE),
        variants={**old.variants, "baseline": make_variant(wrong=(0, 1, 9), names=FIVE)},
    )
    found = compare.compare(make(old), make(new), gates=parse_gates(["classes.horse.recall=-0.1"]))
    assert changed(found)[("baseline", "classes.camel.recall")] == "improved"
    assert changed(found)[("baseline", "classes.horse.recall")] == "worse"
    assert [str(gate) for gate in found.missed] == [
        "baseline: classes.horse.recall: 1 before, 0.875 now, limit -0.1; within chance, p = 1.0000; the limit is below"
        " one of 8 images (0.125)"
    ]
    assert not [c for c in found.metrics if c.metric.startswith("confusion")]
    pair = found.predictions[0]
    assert [(p.file, p.actual, p.old, p.new) for p in pair.of("broken")] == [
        ("test/horse/2.png", "horse", "horse", "donkey")
    ]


def test_a_class_of_few_images_that_is_never_called_has_no_precision_and_no_certain_f1(
    make: Callable[..., Build],
) -> None:
    """Its four images, all mended, are within chance by McNemar's test: so is its F1, which is 1 in each draw."""
    few = {"test": tuple(Count(class_name=name, images=4) for name in FIVE), "test_batches": 1}

    def built(wrong: tuple[int, ...]) -> Build:
        baseline = make_variant(names=FIVE, predictions=make_predictions(wrong, FIVE, 20))
        return make(make_results(data=make_data(class_names=FIVE, **few), variants={"baseline": baseline}, figures=()))

    never, always = built((0, 1, 2, 3)), built(())
    rows = {c.metric: c for c in compare.compare(never, always).metrics if c.metric.startswith("classes.camel.")}
    told = {name.rpartition(".")[2]: (c.old, c.status, c.note, c.low is None) for name, c in rows.items()}
    assert told == {
        "precision": (None, "added", "", True),
        "recall": (0.0, "improved", "within chance", False),
        "f1": (0.0, "improved", "within chance", True),
    }
    assert rows["classes.camel.f1"].p == rows["classes.camel.recall"].p == noise.mcnemar(4, 0)
    (missed,) = compare.compare(always, never, gates=parse_gates(["classes.camel.precision=-0.5"])).missed
    assert missed.new is None
    # Where neither has one there is nothing to miss.
    assert not compare.compare(never, never, gates=parse_gates(["classes.camel.precision=0"])).missed
    camels = make(with_baseline(wrong=tuple(range(20, 40))))
    assert changed(compare.compare(camels, make()))["baseline", "test.precision"] == "added"


def test_a_class_more_is_a_metric_more(make: Callable[..., Build]) -> None:
    four = make_results(data=make_data(class_names=FIVE[:4]))
    found = changed(compare.compare(make(four), make(make_results(data=make_data(class_names=FIVE)))))
    assert found[("baseline", "classes.giraffe.f1")] == "added"


def test_metrics_of_other_classes_neither_improve_nor_pass_a_gate(make: Callable[..., Build]) -> None:
    old = make_results()
    new = make_results(data=make_data(class_names=FIVE), variants={"baseline": make_variant(wrong=(1,), names=FIVE)})
    found = compare.compare(make(old), make(new), gates=parse_gates(["test.loss=-1000%"]))
    assert set(changed(found).values()) <= {"changed", "added", "missing"}
    assert [str(gate).partition("; ")[2] for gate in found.missed] == [
        "of other classes, so that neither says how the other did"
    ]
