"""What makes a stage run again and what does not: for each cause, the stages whose keys change."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from generator.backbones import weights
from generator.backbones.preparation import scaled
from generator.backbones.registry import BACKBONES
from generator.backbones.resnet50 import RESNET50
from generator.backbones.resnet101 import RESNET101
from generator.backbones.weights import Weights
from generator.backbones.weights_summary import WeightsSummary
from generator.build import plan as planning
from generator.build.plan import Plan
from generator.build.start import Start
from generator.data import dataset as data
from generator.data import measure
from generator.data.dataset import Dataset
from generator.stages.job import Undeclared
from generator.stages.table import STAGES
from generator.support import source
from generator.support.errors import BadInput
from generator.support.hardware import Precision
from generator.support.places import compiled
from tests.factories import ROOT
from tests.fakes import Project, add_measure, make_project

WEIGHTS = Weights(
    WeightsSummary(requested="x", used="file", name="x.h5", fingerprint="f" * 64, reason=""), Path("x.h5"), RESNET50
)
OTHER_WEIGHTS = replace(WEIGHTS, summary=WEIGHTS.summary.model_copy(update={"fingerprint": "0" * 64}))

MAPPED = {"activation_maps", "map_figures"}
TRAINED = {
    "head", "head_evaluation", "fine_tuning", "evaluation", "curves", "figures", "examples", "comparison", *MAPPED,
}  # fmt: skip
"""What follows from the head."""
TUNED = TRAINED - {"head", "head_evaluation"}
EVALUATED = {"head_evaluation", "evaluation", "figures", "examples", "comparison"} | MAPPED
SPLIT = TRAINED | {"split", "data_figures"}
LABELS = {"labels", "label_figures"}
FROZEN = {"features", "cut", "near_features"} | LABELS
"""What follows from the frozen base and the data alone."""
DATA = {"pixels", "augmentation", "data_figures"}
WORKER = {"architecture", "augmentation", "features", "cut", "head", "head_evaluation", "fine_tuning", "evaluation"} | {
    "activation_maps"
}
DRAWN = {"curves", "figures", "data_figures", "examples", "map_figures", "label_figures", "comparison"}
COMPUTED = WORKER | DRAWN | LABELS | {"near_features"}
"""What TensorFlow computes, and what is drawn of it."""
MEASURED = {"measure_features", "measurement", "measure_figures"}
ALL = COMPUTED | {"pixels", "near", "split"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return make_project(tmp_path_factory.mktemp("stages"))


@pytest.fixture(scope="module")
def dataset(project: Project) -> Dataset:
    return find(project)


def find(project: Project) -> Dataset:
    return data.find(project.config().data, project.places.store)


def make_plan(
    project: Project,
    dataset: Dataset,
    *overrides: str,
    variants: str = "baseline",
    initial: Weights = WEIGHTS,
    precision: Precision = "float32",
) -> Plan:
    config = replace(project, variants=variants).config(*overrides)
    splits = {
        run.name: data.split(
            dataset, run.variant.recipe.split.validation_fraction, config.data.batch_size, run.seeds.split
        )
        for run in config.runs
    }
    images = measure.find(config.data, project.places.store, dataset)
    return planning.plan(
        config,
        Start(
            dataset,
            {v.name: initial for v in config.variants},
            splits,
            {v.name: precision for v in config.variants},
            images,
        ),
    )


def keys(plan: Plan) -> dict[str, str]:
    """Label → digest."""
    return {stage.label: stage.key.digest for stage in plan.nodes}


def changed(before: Plan, after: Plan) -> set[str]:
    """Names of the stages whose keys differ between two plans of the baseline alone."""
    old, new = keys(before), keys(after)
    assert set(old) == set(new)
    return {label.partition(".")[2] for label in old if old[label] != new[label]}


@pytest.fixture
def plan(project: Project, dataset: Dataset) -> Callable[..., Plan]:
    return lambda *overrides, **keywords: make_plan(project, dataset, *overrides, **keywords)


# ---- Settings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "ran"),
    [
        ("head.learning_rate=0.01", TRAINED),
        ("head.epochs=9", TRAINED),
        ('head.optimizer="sgd"', TRAINED),
        ("fine_tuning.learning_rate=0.01", TUNED),
        ("fine_tuning.epochs=9", TUNED),
        ('fine_tuning.optimizer="sgd"', TUNED),
        ("fine_tuning.from_layer=150", {"architecture", "cut"} | TUNED),
        ("model.dropout=0.5", {"architecture"} | TRAINED),
        ("model.preprocess=false", {"architecture"} | FROZEN | TRAINED),
        ("split.validation_fraction=0.4", SPLIT),
        ('split.mode="reshuffled"', SPLIT - {"split", "data_figures"}),
        ('data.near_duplicates="report"', SPLIT),
        ("seed=7", SPLIT | {"augmentation", "data_figures"}),
        ("data.image_size=64", ALL),
        ("data.batch_size=3", {"architecture"} | FROZEN | SPLIT),
        ('data.alpha="white"', ALL - {"architecture"}),
        ('data.crop="subject"', ALL - {"architecture"}),
    ],
)
def test_a_setting_runs_exactly_the_stages_that_depend_on_it(
    plan: Callable[..., Plan], setting: str, ran: set[str]
) -> None:
    assert changed(plan(), plan(setting)) == ran


def test_augmenting_adds_a_pass_and_runs_what_trains(plan: Callable[..., Plan]) -> None:
    before, after = keys(plan()), keys(plan("model.augment=true"))
    assert set(after) - set(before) == {"baseline.augmented"}
    ran = {label.partition(".")[2] for label in before if before[label] != after[label]}
    assert ran == {"architecture"} | TRAINED


def test_the_rotation_counts_for_the_figure_alone_where_a_variant_does_not_augment(plan: Callable[..., Plan]) -> None:
    assert changed(plan(), plan("model.rotation=0.4")) & TRAINED == set()
    assert changed(plan(), plan("model.rotation=0.4")) & {"augmentation", "data_figures"} == {
        "augmentation",
        "data_figures",
    }


def test_the_rotation_counts_where_a_variant_augments(plan: Callable[..., Plan]) -> None:
    before, after = plan("model.augment=true"), plan("model.augment=true", "model.rotation=0.4")
    assert changed(before, after) == {"architecture", "augmentation", "augmented", "data_figures"} | TRAINED


@pytest.mark.parametrize(
    "setting",
    [
        'post.title="Another title"',
        "post.date=2024-02-02T10:00:00Z",
        'post.slug="another"',
        'post.tags=["other"]',
        'post.asset_folder="elsewhere"',
        'post.assets="absolute"',
        "data.max_bytes=12345678",
        "data.max_entries=500",
        "data.max_ratio=50",
    ],
)
def test_what_only_prose_or_checks_need_runs_nothing(plan: Callable[..., Plan], setting: str) -> None:
    assert changed(plan(), plan(setting)) == set()


def test_the_figures_name_the_variants_title_only_in_the_comparison(plan: Callable[..., Plan]) -> None:
    old = plan(variants="baseline,augmentation")
    new = plan('variants.augmentation.title="Turned pictures"', variants="baseline,augmentation")
    assert {label for label in keys(old) if keys(old)[label] != keys(new)[label]} == {"all.comparison"}


# ---- Images to measure with ------------------------------------------------------------------------------


@pytest.fixture
def measured(tmp_path: Path) -> Project:
    found = make_project(tmp_path)
    add_measure(found)
    return found


def test_images_to_measure_with_run_their_own_stages_and_are_compared(measured: Project) -> None:
    with_them = keys(make_plan(measured, find(measured)))
    assert {label.partition(".")[2] for label in with_them} == ALL | MEASURED | {"measure_pixels"}
    shutil.rmtree(measured.data / "measure")
    without = keys(make_plan(measured, find(measured)))
    # The comparison of the variants shows them, and confidences are judged on them.
    redrawn = set(without.items()) - set(with_them.items())
    assert {label.partition(".")[2] for label, _ in redrawn} == {"figures", "comparison"}
    assert {label.partition(".")[2] for label in without} == ALL


def test_another_image_to_measure_with_trains_nothing(measured: Project) -> None:
    before = make_plan(measured, find(measured))
    shutil.copy(measured.data / "measure/camel/1.png", measured.data / "measure/camel/2.png")
    assert changed(before, make_plan(measured, find(measured))) == MEASURED | {
        "measure_pixels",
        "figures",
        "comparison",
    }


def test_other_attributes_score_nothing_again(measured: Project) -> None:
    before = make_plan(measured, find(measured))
    table = measured.data / "measure/attributes.csv"
    table.write_text(table.read_text("utf-8").replace("rider", "pack"), "utf-8")
    assert changed(before, make_plan(measured, find(measured))) == {"measure_figures"}


@pytest.mark.parametrize(
    ("setting", "ran"),
    [
        ("head.learning_rate=0.01", {"measurement", "measure_figures"}),
        ("fine_tuning.from_layer=150", {"measurement", "measure_figures"}),
        ("model.preprocess=false", MEASURED),
        ("data.image_size=64", MEASURED | {"measure_pixels"}),
        ("data.measure=500", set()),
        ("data.measure_seed=9", set()),
    ],
)
def test_a_setting_runs_what_of_a_measurement_depends_on_it(measured: Project, setting: str, ran: set[str]) -> None:
    dataset = find(measured)
    stages = MEASURED | {"measure_pixels"}
    assert changed(make_plan(measured, dataset), make_plan(measured, dataset, setting)) & stages == ran


# ---- Data, weights, precision, packages ------------------------------------------------------------------


def test_one_byte_of_an_image_runs_all_but_the_architecture(project: Project, dataset: Dataset, tmp_path: Path) -> None:
    other = Project(tmp_path)
    shutil.copytree(project.data, other.data)
    image = other.data / "train" / "camel" / "1.png"
    image.write_bytes(image.read_bytes() + b"\0")
    before, after = make_plan(project, dataset), make_plan(other, find(other))
    assert changed(before, after) == ALL - {"architecture"}


def test_a_touched_image_and_another_place_run_nothing(project: Project, dataset: Dataset, tmp_path: Path) -> None:
    other = Project(tmp_path)
    shutil.copytree(project.data, other.data)
    for path in other.data.rglob("*.png"):
        path.touch()
    assert changed(make_plan(project, dataset), make_plan(other, find(other))) == set()


def test_a_renamed_image_runs_all_but_the_architecture(project: Project, dataset: Dataset, tmp_path: Path) -> None:
    other = Project(tmp_path)
    shutil.copytree(project.data, other.data)
    (other.data / "test" / "horse" / "3.png").rename(other.data / "test" / "horse" / "4.png")
    assert changed(make_plan(project, dataset), make_plan(other, find(other))) == ALL - {"architecture"}


def test_other_weights_run_what_the_base_computes(plan: Callable[..., Plan]) -> None:
    assert changed(plan(), plan(initial=OTHER_WEIGHTS)) == FROZEN | TRAINED


def test_the_name_under_which_weights_are_found_does_not_count(plan: Callable[..., Plan]) -> None:
    summary = WEIGHTS.summary.model_copy(update={"requested": "auto", "reason": "none other", "name": "y.h5"})
    assert changed(plan(), plan(initial=Weights(summary, Path("elsewhere/y.h5"), RESNET50))) == set()


def test_random_weights_are_drawn_with_the_seed(plan: Callable[..., Plan], tmp_path: Path) -> None:
    drawn = weights.resolve("random", RESNET50, tmp_path)
    assert changed(plan(initial=drawn), plan("seed=7", initial=drawn)) >= FROZEN
    assert changed(plan(), plan("seed=7")) & FROZEN == set()


def test_another_network_runs_what_the_base_computes_and_is(plan: Callable[..., Plan]) -> None:
    # From the same index on, so that it is the network alone that differs.
    before, after = plan("fine_tuning.from_layer=100"), plan("fine_tuning.from_layer=100", "model.backbone=ResNet101")
    assert changed(before, after) == FROZEN | TRAINED | {"architecture"}
    assert after.runs["baseline"]["features"].given["backbone"] is RESNET101


def test_a_variant_with_another_network_shares_what_no_network_computes(plan: Callable[..., Plan]) -> None:
    made = plan("variants.other.model.backbone=VGG16", variants="other").runs
    same = {name for name, node in made["other"].items() if node.key.digest == made["baseline"][name].key.digest}
    assert same == {"pixels", "split"}


@pytest.mark.parametrize(
    ("facts", "ran"),
    [
        ({"about": "Another sentence."}, set()),
        ({"usual_size": 96}, set()),
        ({"preparation": scaled("resnet_v2")}, FROZEN | TRAINED | {"architecture"}),
    ],
)
def test_facts_count_as_far_as_they_decide_what_is_computed(
    plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], ran: set[str]
) -> None:
    before = plan()
    monkeypatch.setitem(BACKBONES, "ResNet50", replace(RESNET50, **facts))
    assert changed(before, plan()) == ran


def test_the_text_of_facts_is_no_source_of_any_stage(plan: Callable[..., Plan], package: Path) -> None:
    before = plan()
    edit(package / "backbones" / "resnet50.py", "ResNet stands for", "ResNet means")
    edit(package / "backbones" / "vgg16.py", "usual_size=224", "usual_size=225")
    assert changed(before, plan()) == set()


def test_the_precision_counts_where_frozen_layers_compute(plan: Callable[..., Plan]) -> None:
    assert changed(plan(), plan(precision="bfloat16")) == FROZEN | TRAINED


@pytest.mark.parametrize(
    ("package", "ran"),
    [
        ("tensorflow", COMPUTED),
        ("keras", COMPUTED),
        ("numpy", ALL),
        ("pillow", ALL - {"architecture"}),
        ("scikit-learn", EVALUATED | LABELS),
        ("scipy", LABELS | {"figures", "comparison"}),
        ("matplotlib", DRAWN),
        ("seaborn", DRAWN),
        ("jinja2", set()),
        ("pydantic", set()),
    ],
)
def test_another_version_of_a_package_runs_the_stages_that_use_it(
    plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch, package: str, ran: set[str]
) -> None:
    before, version = plan(), planning.version
    monkeypatch.setattr(planning, "version", lambda name: "99.0" if name == package else version(name))
    assert changed(before, plan()) == ran


# ---- Source ----------------------------------------------------------------------------------------------


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of `generator/` whose source is what the keys are made from."""
    shutil.copytree(
        ROOT / "generator", tmp_path / "generator", ignore=shutil.ignore_patterns("__pycache__", "embedded")
    )
    # With what was read of it, as a checkout has it: only what a test edits is read again.
    kept, copy = compiled(ROOT / "generator"), compiled(tmp_path / "generator")
    copy.mkdir()
    for path in kept.glob("source.*.json"):
        shutil.copy(path, copy)
    monkeypatch.setattr(source, "Reading", partial(source.Reading, tmp_path))
    return tmp_path / "generator"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) >= 1, f"{path.name} no longer has {old!r}"
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_copy_of_the_source_elsewhere_runs_nothing(plan: Callable[..., Plan], package: Path) -> None:
    before = plan()
    for path in package.rglob("*.py"):
        path.touch()
    assert changed(before, plan()) == set()


@pytest.mark.parametrize(
    ("module", "old", "new", "ran"),
    [
        ("experiment/task.py", "THRESHOLD: ClassVar = 0.0", "THRESHOLD: ClassVar = 0.1", TRAINED | {"architecture"}),
        ("data/decoding.py", "BILINEAR", "BICUBIC", ALL - {"architecture"}),
        # The frozen stages share a class with those that augment, and a class counts as a whole.
        (
            "training/batches.py",
            'RandomFlip("horizontal"',
            'RandomFlip("vertical"',
            COMPUTED,
        ),
        ("training/scoring.py", "zero_division=0", "zero_division=1", EVALUATED),
        ("support/statistics/noise.py", "Z = 1.95", "Z = 1.85", {"comparison"} | LABELS),
        ("stages/augmenting.py", "COPIES = 9", "COPIES = 8", {"augmentation", "data_figures"}),
        # How images are chosen for validation.
        ("data/splits.py", "count <= room[kind]", "count < room[kind]", SPLIT),
        # What stands between a stage's function and the library that it calls.
        ("stages/drawing.py", "original=pixels[0]", "original=pixels[1]", {"data_figures"}),
        ("data/pixels.py", '(0, "10.png")', '(0, "11.png")', {"data_figures"}),
        ("data/decoding.py", '{}).image, "RGBA")', '{}).image, "RGBa")', {"data_figures"} | MAPPED),
        ("data/regions.py", "== 0", "== 1", MAPPED),
        ("experiment/showcase.py", "LEAST_CERTAIN = 3", "LEAST_CERTAIN = 4", {"map_figures"}),
        # What surrounds every function that TensorFlow runs.
        (
            "stages/table.py",
            '"TF_ENABLE_ONEDNN_OPTS": "1"',
            '"TF_ENABLE_ONEDNN_OPTS": "0"',
            COMPUTED,
        ),
        (
            "stages/workspace.py",
            "enable_op_determinism()",
            "list_devices()",
            COMPUTED,
        ),
        (
            "stages/workspace.py",
            "    keras.backend.clear_session()\n",
            "",
            COMPUTED,
        ),
        (
            "stages/devices.py",
            "> 1 else None",
            "> 2 else None",
            COMPUTED,
        ),
    ],
)
def test_a_change_in_a_helper_runs_the_stages_that_reach_it(
    plan: Callable[..., Plan], package: Path, module: str, old: str, new: str, ran: set[str]
) -> None:
    before = plan()
    edit(package / module, old, new)
    assert changed(before, plan()) == ran


@pytest.mark.parametrize(
    "module",
    [
        "training/epochs.py",
        "data/decoding.py",
        "training/batches.py",
        "stages/learning.py",
        "figures/charts.py",
        "data/dataset.py",
    ],
)
def test_comments_docstrings_and_formatting_run_nothing(plan: Callable[..., Plan], package: Path, module: str) -> None:
    before, path = plan(), package / module
    text = path.read_text("utf-8")
    first_line = text.index('"""') + 3
    text = text[:first_line] + "Other words. " + text[first_line:]
    text = (
        text.replace("\n\n\ndef ", "\n\n\n# A comment.\n\n\n\ndef ").replace("    return ", "    return    ")
        + "\n# The end.\n"
    )
    assert text != path.read_text("utf-8")
    path.write_text(text, "utf-8")
    assert changed(before, plan()) == set()


@pytest.mark.parametrize(
    "module",
    ["post/render.py", "cli.py", "publishing/publish.py", "post/server.py", "diff/compare.py", "support/display.py"],
)
def test_what_no_stage_executes_runs_nothing(plan: Callable[..., Plan], package: Path, module: str) -> None:
    before = plan()
    with (package / module).open("a") as stream:
        stream.write("\nADDED = 1\nprint(ADDED)\n")
    assert changed(before, plan()) == set()


# ---- Variants --------------------------------------------------------------------------------------------


def test_variants_that_agree_share_their_stages(plan: Callable[..., Plan]) -> None:
    both = plan(variants="baseline,augmentation").runs
    baseline, augmented = both["baseline"], both["augmentation"]
    for name in ("features", "cut"):
        assert baseline[name].key.digest == augmented[name].key.digest
    for name in ("architecture", "head", "head_evaluation", "fine_tuning", "evaluation", "figures"):
        assert baseline[name].key.digest != augmented[name].key.digest


def test_variants_that_differ_share_nothing_that_differs(plan: Callable[..., Plan]) -> None:
    both = plan(variants="all").runs
    first, second = both["augmentation"], both["augmentation-no-preprocessing"]
    assert first["features"].key.digest != second["features"].key.digest
    assert first["cut"].key.digest != second["cut"].key.digest


def test_another_variant_runs_none_of_the_others_again(plan: Callable[..., Plan]) -> None:
    old, new = keys(plan()), keys(plan(variants="all"))
    assert {label for label in old if old[label] != new[label]} == {"all.comparison"}


def test_no_stage_comes_before_one_that_it_needs(plan: Callable[..., Plan]) -> None:
    listed = plan(variants="all").nodes
    for position, stage in enumerate(listed):
        assert {need.key.digest for need in stage.needs.values()} <= {
            earlier.key.digest for earlier in listed[:position]
        }


def test_a_job_holds_what_its_stage_declares_and_nothing_else(plan: Callable[..., Plan], tmp_path: Path) -> None:
    job = plan().runs["baseline"]["head"].job({}, tmp_path)
    assert job.setting("model.dropout") == 0.2
    assert job.phase("head").learning_rate == 1e-4
    with pytest.raises(Undeclared, match=r"baseline\.head reads fine_tuning\.from_layer, which the row of head"):
        job.setting("fine_tuning.from_layer")
    with pytest.raises(Undeclared, match=r"reads model\.rotation"):
        job.setting("model.rotation")
    with pytest.raises(Undeclared, match=r"reads titles"):
        print(job.titles)
    assert plan("model.augment=true").runs["baseline"]["head"].job({}, tmp_path).setting("model.rotation") == 0.2


def test_every_setting_that_a_key_names_is_in_the_job_and_the_other_way_round(
    plan: Callable[..., Plan], tmp_path: Path
) -> None:
    for node in plan("model.augment=true", variants="all").nodes:
        named = {part.removeprefix("setting ") for part in node.key.parts if part.startswith("setting ")}
        assert named == set(node.job({}, tmp_path).settings)
        assert set(node.given) <= set(node.key.parts)


def test_every_row_names_a_function_that_exists_and_stages_above_it() -> None:
    seen: set[str] = set()
    for stage in STAGES:
        assert source.excerpt(stage.runs).code.startswith(f"def {stage.runs.partition(':')[2]}(job: Job, out: Path")
        assert {*stage.needs, *stage.uses} <= seen
        seen.add(stage.name)


def test_every_key_names_what_it_depends_on(plan: Callable[..., Plan]) -> None:
    parts = dict(plan().runs["baseline"]["head"].key.parts)
    assert parts["setting head.learning_rate"] == 1e-4
    assert {name: parts[f"setting seeds.{name}"] for name in ("head", "order", "dropout")} == dict.fromkeys(
        ("head", "order", "dropout"), 31
    )
    assert not {"setting seed", "setting seeds.split", "setting seeds.augmentation"} & set(parts)
    assert parts["package tensorflow"] == planning.version("tensorflow")
    assert "source generator.training.epochs:train" in parts
    assert "source generator.training.network:build_head" in parts
    assert {name for name in parts if name.startswith("stage ")} == {"stage pixels", "stage split", "stage features"}


# ---- Seeds -----------------------------------------------------------------------------------------------


def test_runs_share_what_does_not_depend_on_what_varies(plan: Callable[..., Plan]) -> None:
    def shared(*vary: str) -> set[str]:
        """The stages that the second run shares with the first."""
        runs = plan(f"seeds={{ count = 2, vary = {list(vary)} }}").runs
        first, second = runs["baseline"], runs["baseline~2"]
        return {name for name, node in second.items() if node.key.digest == first[name].key.digest}

    frozen = {"pixels", "features", "cut"}
    assert shared("split", "head", "order") == frozen
    assert shared("head") == shared("order", "dropout") == frozen | {"split"}


def test_runs_share_the_augmented_pass_where_neither_it_nor_the_split_varies(plan: Callable[..., Plan]) -> None:
    def same(*vary: str) -> bool:
        runs = plan(f"seeds={{ count = 2, vary = {list(vary)} }}", "model.augment=true").runs
        return runs["baseline"]["augmented"].key.digest == runs["baseline~2"]["augmented"].key.digest

    assert same("head", "order", "dropout")
    assert not same("head", "augmentation")
    assert not same("head", "split")
    assert "augmented" not in plan("model.augment=true", "head.patience=2").runs["baseline"]


def test_a_variant_may_be_shown_something_else_of_the_same_images(plan: Callable[..., Plan]) -> None:
    made = plan('variants.other.data={ alpha = "white", crop = "picture" }', variants="other")
    baseline, other = made.runs["baseline"], made.runs["other"]
    same = {name for name, node in other.items() if node.key.digest == baseline[name].key.digest}
    assert same == {"split", "architecture"}, "variants are compared on the same split"
    assert made.shared["near"].needs["pixels"] is baseline["pixels"]
    assert [node.settings["data.alpha"] for node in (baseline["pixels"], other["pixels"])] == ["drop", "white"]


def test_the_first_run_shares_everything_with_a_build_of_one(plan: Callable[..., Plan]) -> None:
    old, new = keys(plan(variants="all")), keys(plan("seeds=3", variants="all"))
    old_variants = {label.partition(".")[0] for label in old} - {"all"}
    over_all_runs = {"all.comparison", *(f"{name}.curves" for name in old_variants)}
    assert {label for label in old if old[label] != new[label]} == over_all_runs


def test_random_weights_move_with_the_others_and_stay_where_they_are_not_named(
    plan: Callable[..., Plan], tmp_path: Path
) -> None:
    drawn = weights.resolve("random", RESNET50, tmp_path)
    for vary, same in (('["weights", "head"]', False), ('["head"]', True)):
        runs = plan(f"seeds={{ count = 2, vary = {vary} }}", initial=drawn).runs
        pair = (runs["baseline"]["features"], runs["baseline~2"]["features"])
        assert (pair[0].key.digest == pair[1].key.digest) is same


@pytest.mark.parametrize(
    ("vary", "why"),
    [
        (["augmentation"], "model.augment is false"),
        (["weights"], "its weights are not random"),
        (["dropout"], "model.dropout is 0"),
        (["weights", "dropout"], "its weights are not random, model.dropout is 0"),
    ],
)
def test_runs_that_would_be_one_are_refused(plan: Callable[..., Plan], vary: list[str], why: str) -> None:
    told = re.escape(f"seeds.vary = {vary}: baseline draws nothing from it ({why}), so its 2 runs would be one")
    with pytest.raises(BadInput, match=told):
        plan(f"seeds={{ count = 2, vary = {vary} }}", "model.dropout=0")


def test_a_split_that_the_data_set_tells_makes_no_runs_differ(tmp_path: Path) -> None:
    project = make_project(tmp_path, test=4)
    for name in ("camel", "horse"):
        (project.data / "validation" / name).mkdir(parents=True)
        (project.data / "test" / name / "4.png").rename(project.data / "validation" / name / "1.png")
    with pytest.raises(BadInput, match=r"nothing from it \(the data set tells which images validate, its weights are"):
        make_plan(project, find(project), 'seeds={ count = 2, vary = ["split", "weights"] }')
    assert len(make_plan(project, find(project), 'seeds={ count = 2, vary = ["split", "dropout"] }').runs) == 2


def test_the_seed_of_what_a_stage_does_not_draw_is_not_told_to_it(plan: Callable[..., Plan], tmp_path: Path) -> None:
    head = plan().runs["baseline"]["head"].job({}, tmp_path)
    assert head.setting("seeds.head") == 31
    for undrawn in ("split", "augmentation", "weights"):
        with pytest.raises(Undeclared, match=rf"reads seeds\.{undrawn}"):
            head.setting(f"seeds.{undrawn}")
    leaking = plan('split.mode="reshuffled"').runs["baseline"]["head"].job({}, tmp_path)
    assert leaking.setting("seeds.split") == 31
