"""Settings: what is refused and how, and how file, profile, overrides and options are laid over each other."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from generator.backbones import weights
from generator.backbones.mobilenetv2 import MOBILENETV2
from generator.experiment.config import beside, loading, settings, toml_file
from generator.support.errors import BadInput
from tests.factories import ROOT

FILE = ROOT / "experiment.toml"


def load(*overrides: str, **keywords: object) -> settings.Config:
    return loading.load(FILE, overrides=overrides, **keywords)  # type: ignore[arg-type]


def refused(*overrides: str, **keywords: object) -> str:
    with pytest.raises(BadInput) as caught:
        load(*overrides, **keywords)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_file_holds_the_write_ups_settings() -> None:
    recipe = load().baseline.recipe
    assert (recipe.head.optimizer, recipe.head.learning_rate, recipe.head.epochs) == ("adam", 1e-4, 30)
    fine = recipe.fine_tuning
    assert (fine.optimizer, fine.learning_rate, fine.epochs, fine.from_layer) == ("rmsprop", 1e-5, 11, 100)
    assert recipe.first_fine_tuning_epoch == 30
    assert load().post.file_name == "2023-01-31-image-classification-with-cnn-and-transfer-learning.md"


def test_variants_are_differences_from_the_baseline() -> None:
    built = load(variants="all").variants
    assert [v.name for v in built] == ["baseline", "augmentation", "augmentation-no-preprocessing"]
    assert built[2].changes == {"model.augment": True, "model.preprocess": False}
    assert built[2].recipe.head == built[0].recipe.head


def test_the_baseline_is_always_included() -> None:
    assert [v.name for v in load(variants="augmentation").variants] == ["baseline", "augmentation"]


def test_an_override_reaches_every_variant() -> None:
    assert {v.recipe.head.epochs for v in load("head.epochs=5", variants="all").variants} == {5}


def test_options_win_over_overrides_and_overrides_over_the_profile() -> None:
    built = load("head.epochs=7", "seed=1", profile="smoke", options={"seed": 2})
    assert built.baseline.recipe.head.epochs == 7
    assert built.baseline.recipe.seed == 2
    assert built.profile == "smoke"


def test_a_value_that_is_no_toml_is_a_string() -> None:
    assert load("data.path=my images/archive.zip").data.path == "my images/archive.zip"


QUESTION = '{ask = "?", compare = ["baseline", "baseline:head"]}'
BLANK = ["post.title", "post.description", "post.layout"]
LISTED = ["post.categories", "post.tags", "post.authors"]
NO_PAGES = ["/a?b=c", "/a#b", "/a.md", "/v1.2", "/a.html.", "/.html", "/..", "/a\\b", "/a.html?"]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("head.epoch=5", ["head.epoch", "did you mean 'epochs'", "learning_rate"]),
        ("hed.epochs=5", ["'hed'", "did you mean 'head'"]),
        ("head.epochs=-5", ["head.epochs", "-5"]),
        ("head.epochs=two", ["head.epochs", "'two'"]),
        ("head.optimizer=adagrad", ["head.optimizer", "adagrad", "rmsprop"]),
        ("head.learning_rate=nan", ["head.learning_rate"]),
        ("fine_tuning.from_layer=175", ["fine_tuning.from_layer = 175", "ResNet50", "0 to 174", "auto for 100"]),
        ("fine_tuning.from_layer=-1", ["fine_tuning.from_layer = -1", "0 to 174"]),
        ("fine_tuning.from_layer=true", ["fine_tuning.from_layer = true: must be the index or the name"]),
        ("fine_tuning.from_layer=conv4_block2_1", ["'conv4_block2_1'", "did you mean 'conv4_block2_1_", "backbones"]),
        ("questions.padding.compair=x", ["unknown setting 'questions.padding.compair'", "choose from ask, compare"]),
        ("model.backbone=VGG17", ["model.backbone = 'VGG17'", "did you mean 'VGG16'? choose from ResNet50, "]),
        ("variants.augmentation.model.backbone=VGG17", ["variants.augmentation.model.backbone = 'VGG17'"]),
        ("variants.augmentation.fine_tuning.from_layer=conv9", ["variants.augmentation.fine_tuning.from_layer"]),
        ("seed=true", ["seed = true: should be a number"]),
        ("variants.augmentation.head.epochs=true", ["variants.augmentation.head.epochs = true: should be a number"]),
        ("post.date=2026-11-30", ["post.date = 2026-11-30: needs an offset"]),
        *((f"{name}=x", [f"{name} = 'x': should be a list, as in"]) for name in LISTED),
        *((f"{name}=3", [f"{name} = 3: should be a table"]) for name in ("post", "head", "variants")),
        ("execution.ray=nope", ["execution.ray = 'nope': should be as in auto, local, HOST:"]),
        ("site.repository=x", ["site.repository = 'x': should be as in https://"]),
        ("weights=7", ["weights = 7", "a file, or a table"]),
        ("weights.VGG17=random", ["weights", "'VGG17'", "did you mean 'VGG16'"]),
        ("data.image_size=16", ["data.image_size", "16", "32"]),
        ("variants.augmentation.model.augmnt=true", ["augmnt", "did you mean 'augment'"]),
        ("variants.augmentation.data.image_size=64", ["variants.augmentation.data.image_size", "alpha, crop"]),
        ("variants.augmentation.data.crop=box", ["variants.augmentation.data.crop = 'box'", "'subject'"]),
        ("variants.baseline.seed=1", ["baseline", "stands for the top-level settings"]),
        ("variants.all.seed=1", ["'all'", "stands for all variants"]),
        ("variants.Loud.seed=1", ["Loud"]),
        ("post.slug=Not A Slug", ["post.slug"]),
        ("post.date=2023-01-31T12:00:00", ["post.date", "offset"]),
        ("post.date=0999-12-31T12:00:00Z", ["post.date", "a year of four digits"]),
        *((f"{name}='{blank}'", [name, "must not be blank"]) for name in BLANK for blank in ("", " \u00a0")),
        *((f"{name}=['x', ' ']", [f"{name}.1 = ' '", "must not be blank"]) for name in LISTED),
        ("post.asset_folder=../up", ["post.asset_folder"]),
        *((f"{name}={'a' * 101}", [name, "at most"]) for name in ("post.slug", "post.asset_folder")),
        (f"variants.{'a' * 101}.seed=1", ["variant name", "100 characters at most"]),
        (
            "questions.padding={ask = ' ', compare = ['baseline', 'baseline:head']}",
            ["padding.ask = ' '", "must not be blank"],
        ),
        (f"questions.{'a' * 101}={QUESTION}", ["question name", "100 characters at most"]),
        *((f"post.permalink={each}", [f"post.permalink = {each!r}: must lead to a page"]) for each in NO_PAGES),
        ("head.epochs", ["KEY=VALUE"]),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(override: str, words: list[str]) -> None:
    message = refused(override, variants="all")
    assert all(word in message for word in words), message


@pytest.mark.parametrize("given", [{"overrides": ["seed=-1"]}, {"options": {"seed": -1}}], ids=["set", "option"])
def test_what_was_typed_is_not_blamed_on_the_file(given: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^on the command line: seed = -1: "):
        loading.load(FILE, **given)
    own = tmp_path / "own.toml"
    own.write_text(f"extends = '{FILE}'\nhead.epochs = 0\n", "utf-8")
    with pytest.raises(BadInput, match=f"^{re.escape(str(own))}: head.epochs = 0: "):
        loading.load(own, overrides=["seed=1"])


def test_blanks_around_all_variants_are_none_of_their_name() -> None:
    assert load(variants=" all ") == load(variants="all")


def without_folder(path: Path) -> Path:
    """The settings' file, without a folder for the assets."""
    text = (ROOT / "experiment.toml").read_text("utf-8")
    path.write_text(text.replace('asset_folder = "CV_HW_2"\n', ""), "utf-8")
    return path


def test_the_folder_of_the_assets_is_named_like_the_post_unless_it_is_given(tmp_path: Path) -> None:
    path = without_folder(tmp_path / "mine.toml")
    assert loading.load(path, overrides=["post.slug=camels"]).post.asset_folder == "camels"
    assert load("post.slug=camels").post.asset_folder == "CV_HW_2"


def test_a_wrong_slug_is_one_fault_also_where_the_folder_follows_from_it(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        loading.load(without_folder(tmp_path / "mine.toml"), overrides=["post.slug=Not A Slug"])
    assert "post.slug" in str(caught.value)
    assert "asset_folder" not in str(caught.value)


def test_the_first_trained_layer_is_named_or_counted_or_the_networks_own() -> None:
    for override, index in (("auto", 100), ("conv4_block2_3_conv", 99), ("0", 0), ("174", 174)):
        assert load(f"fine_tuning.from_layer={override}").baseline.recipe.fine_tuning.from_layer == index


def test_a_variant_may_have_another_network_and_its_own_first_layer() -> None:
    built = load("variants.small.model.backbone=MobileNetV2", variants="small").variants
    assert [v.recipe.model.backbone for v in built] == ["ResNet50", "MobileNetV2"]
    names = [layer.name for layer in MOBILENETV2.layers]
    assert [v.recipe.fine_tuning.from_layer for v in built] == [100, names.index("block_11_expand")]
    assert built[1].changes == {"model.backbone": "MobileNetV2"}


def test_a_layer_that_only_another_network_has_is_refused_for_a_variant_by_its_name() -> None:
    overrides = ["variants.plain.model.backbone=VGG16", "fine_tuning.from_layer=100"]
    message = refused(*overrides, variants="plain")
    assert "variants.plain.fine_tuning.from_layer = 100: VGG16 has no such layer" in message
    built = load(*overrides, "variants.plain.fine_tuning.from_layer=auto", variants="plain").variants
    assert built[1].recipe.fine_tuning.from_layer == 15


@pytest.mark.parametrize(("backbone", "least"), [("InceptionV3", 75), ("Xception", 71)])
def test_images_too_small_for_a_network_are_refused_with_the_setting_and_the_value(backbone: str, least: int) -> None:
    variant = f"variants.other.model.backbone={backbone}"
    message = refused(variant, f"data.image_size={least - 1}", variants="other")
    assert f"data.image_size = {least - 1}: variants.other.model.backbone = '{backbone}'" in message
    assert f"{least} pixels and more" in message
    load(variant, f"data.image_size={least}", variants="other")


def test_weights_may_be_given_for_each_network() -> None:
    assert load().weights == "auto"
    assert load("weights.MobileNetV2=random").weights == {"MobileNetV2": "random"}
    assert load("weights.MobileNetV2=random", options={"weights": "imagenet"}).weights == "imagenet"


def test_an_unknown_variant_names_the_choices() -> None:
    message = refused(variants="augmentaton")
    assert "did you mean 'augmentation'" in message
    assert "baseline, augmentation, augmentation-no-preprocessing" in message


def test_an_unknown_profile_names_the_choices() -> None:
    assert "smoke" in refused(profile="smok")


@pytest.mark.parametrize("text", ["seed = ", "\xff", "[post]\ntitle = 'x'\n"])
def test_a_broken_file_is_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match=r"mine\.toml"):
        loading.load(path)


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    for name in ("below", "top"):
        text = FILE.read_text("utf-8") if name == "below" else 'extends = "below.toml"\nseed = 7\n'
        (tmp_path / f"{name}.toml").write_text(text, "utf-8-sig")
    assert loading.load(tmp_path / "top.toml").baseline.recipe.seed == 7


@pytest.mark.parametrize(
    "override",
    [
        f'questions."a.b"={QUESTION}',
        f"questions . 'a.b' = {QUESTION}",
        f'"questions"."a.b"={QUESTION}',
    ],
)
def test_a_dot_within_quotes_parts_no_key(override: str) -> None:
    assert "question name 'a.b' must be" in refused(override)


GATES = ['gates."test.accuracy"=-0.02', "gates . 'test.accuracy' = -0.02", 'gates={ "test.accuracy" = "-0.02" }']


@pytest.mark.parametrize("override", GATES)
def test_gates_that_no_build_would_hold_are_refused(override: str) -> None:
    assert refused(override).endswith(": diff alone holds gates; use [gates] in the file, or diff --gate METRIC=LIMIT")
    told = "profiles: mine.gates: diff, which alone holds gates, knows no profile; use [gates]"
    assert told in refused(f"profiles.mine.{override}")


def test_what_is_no_key_of_toml_is_shown_as_it_was_typed() -> None:
    assert "unknown setting 'hed!'" in refused("hed!.epochs=5")
    assert "unknown setting 'head.'" in refused("head.=5")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["variants.a.title=Same", "variants.a.seed=1", "variants.b.title=' same'", "variants.b.seed=2"], "a and b"),
        (["variants.a.title=BASELINE", "variants.a.seed=1"], "baseline and a would both be called 'BASELINE'"),
        (["variants.a.title=A  b", "variants.a.seed=1", "variants.a-b.seed=2"], "a and a-b"),
        (["variants.a.title=Rates", "variants.a.seed=1", "sweeps.rates.head.epochs=[1, 2]"], "a and rates"),
        (["variants.a.title=Rates, point 2", "variants.a.seed=1", "sweeps.rates.head.epochs=[1, 2]"], "a and rates_2"),
    ],
)
def test_variants_that_the_post_would_call_the_same_are_refused(lines: list[str], words: str) -> None:
    assert words in refused(*lines, variants="all")


def test_a_title_of_blanks_is_none() -> None:
    assert load("variants.a-b.title='  '", "variants.a-b.seed=1", variants="all").variants[-1].title == "A b"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="--config"):
        loading.load(tmp_path / "none.toml")


def test_a_file_may_extend_another_and_stands_over_it(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/experiment.toml").write_text(FILE.read_text("utf-8"), "utf-8")
    (tmp_path / "middle.toml").write_text('extends = "below/experiment.toml"\nseed = 7\n', "utf-8")
    (tmp_path / "top.toml").write_text(
        'extends = "middle.toml"\nhead.epochs = 3\n[variants.mine]\ndata.crop = "subject"\n', "utf-8"
    )
    plain, found = loading.load(FILE, variants="all"), loading.load(tmp_path / "top.toml", variants="all")
    assert (found.baseline.recipe.seed, found.baseline.recipe.head.epochs) == (7, 3)
    assert found.baseline.recipe.fine_tuning == plain.baseline.recipe.fine_tuning
    assert [v.name for v in found.variants] == [*(v.name for v in plain.variants), "mine"]
    assert found.variants[-1].recipe.data.crop == "subject"


def test_own_templates_lie_beside_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "below/own").mkdir(parents=True)
    text = FILE.read_text("utf-8").replace("[post]\n", '[post]\ntemplates = "own"\n')
    (tmp_path / "below/experiment.toml").write_text(text, "utf-8")
    (tmp_path / "top.toml").write_text('extends = "below/experiment.toml"\n', "utf-8")
    assert loading.load(tmp_path / "top.toml").post.templates == tmp_path / "below/own"


def test_documents_and_templates_of_a_profile_lie_beside_the_file_that_names_them(tmp_path: Path) -> None:
    (tmp_path / "below/own").mkdir(parents=True)
    own = FILE.read_text("utf-8").replace('\ndocs = "docs"', '\ndocs = "manual"')
    own += '\n[profiles.mine.post]\ntemplates = "own"\n'
    (tmp_path / "below/experiment.toml").write_text(own, "utf-8")
    (tmp_path / "top.toml").write_text('extends = "below/experiment.toml"\n', "utf-8")
    found = loading.load(tmp_path / "top.toml", profile="mine")
    assert (found.post.templates, found.site.docs) == (tmp_path / "below/own", tmp_path / "below/manual")


def test_documents_and_templates_that_are_typed_lie_where_they_are_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    found = load("post.templates=mine", "site.docs=manual")
    assert (found.post.templates, found.site.docs) == (tmp_path / "mine", tmp_path / "manual")


def test_only_data_are_called_sample_without_lying_anywhere(tmp_path: Path) -> None:
    table = {"data": {"path": "sample"}, "site": {"folder": "sample"}, "store": {"remote": ""}}
    found = beside.found(tmp_path / "x.toml", table)
    assert found == {"data": {"path": "sample"}, "site": {"folder": str(tmp_path / "sample")}, "store": {"remote": ""}}


@pytest.mark.parametrize("file", ["x.toml", "./x.toml"])
def test_a_folder_called_sample_is_not_the_drawn_one_wherever_the_file_is_named_from(file: str) -> None:
    assert beside.found(Path(file), {"data": {"path": "./sample"}}) == {"data": {"path": "./sample"}}
    assert beside.found(Path("..") / file, {"data": {"path": "./sample"}}) == {"data": {"path": "../sample"}}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("extends = 3", ["extends = 3", "the name of a file"]),
        ('extends = "none.toml"', ["none.toml", "cannot be read", "another in extends"]),
        ('extends = "top.toml"', ["top.toml", "extends this one"]),
        ('extends = "other.toml"', ["other.toml: extends = 'top.toml'", "extends this one"]),
    ],
)
def test_what_cannot_be_extended_is_named(tmp_path: Path, line: str, words: list[str]) -> None:
    (tmp_path / "top.toml").write_text(f"{line}\n", "utf-8")
    (tmp_path / "other.toml").write_text('extends = "top.toml"\n', "utf-8")
    with pytest.raises(BadInput) as caught:
        loading.load(tmp_path / "top.toml")
    assert all(word in str(caught.value) for word in words), str(caught.value)


def asking(*compare: str, name: str = "rotation", variants: str = "all") -> settings.Config:
    options = {f"questions.{name}": {"ask": "Does it help?", "compare": list(compare)}}
    return loading.load(FILE, variants=variants, options=options)


def test_a_question_is_asked_where_all_its_variants_are_built() -> None:
    assert asking("baseline", "augmentation").questions["rotation"].variants == ("baseline", "augmentation")
    assert asking("baseline:head", "baseline", variants="baseline").questions["rotation"].compare[0] == "baseline:head"
    assert asking("baseline", "augmentation", variants="baseline").questions == {}
    swept = {
        "sweeps.rates": {"head": {"learning_rate": [1e-5, 1e-4]}},
        "questions.rates": {"ask": "Is it better?", "compare": ["baseline", "rates"]},
    }
    assert "rates" in loading.load(FILE, variants="all", options=swept).questions, "a sweep's winner"


@pytest.mark.parametrize(
    ("compare", "name", "words"),
    [
        (("baseline", "augmentatoin"), "rotation", ["questions.rotation.compare", "did you mean 'augmentation'"]),
        (("baseline",), "rotation", ["questions.rotation.compare", "two sides or more"]),
        (("baseline", "augmentation"), "A Name", ["question name 'A Name'", "single hyphens"]),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused(compare: tuple[str, ...], name: str, words: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        asking(*compare, name=name)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_differences_lists_leaves_by_path() -> None:
    assert settings.differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}, "d": 4}) == {
        "a.c": (2, 3),
        "d": (None, 4),
    }


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("sample", "sample"),
        ("/a/folder/Bear vs Kangaroo.zip", "bear-vs-kangaroo"),
        ("animals.tar.gz", "animals"),
        ("kaggle:somebody/Cats_and_Dogs", "cats-and-dogs"),
        ("Éléphants", "elephants"),
        ("动物", "images-7ebb07"),
        ("..", "images"),
        ("a " * 100, "-".join("a" * 50)),
    ],
)
def test_a_post_without_a_slug_is_called_as_its_data_are(tmp_path: Path, path: str, slug: str) -> None:
    text = FILE.read_text("utf-8")
    bare = re.sub(r"^(title|slug|asset_folder) = .*\n", "", text, flags=re.MULTILINE)
    (tmp_path / "mine.toml").write_text(bare, "utf-8")
    post = loading.load(tmp_path / "mine.toml", options={"data.path": path}).post
    assert (post.title, post.slug, post.asset_folder) == (None, slug, slug)
    assert load(options={"data.path": path}).post.slug == "image-classification-with-cnn-and-transfer-learning"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("animals.zip", "/project/animals.zip"),
        ("../animals", "/project/../animals"),
        ("/elsewhere/animals", "/elsewhere/animals"),
        ("~/animals", "~/animals"),
        ("sample", "sample"),
        ("kaggle:someone/animals", "kaggle:someone/animals"),
    ],
)
def test_data_that_the_file_names_lie_below_its_folder(tmp_path: Path, given: str, found: str) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    path = folder / "experiment.toml"
    path.write_text(
        (ROOT / "experiment.toml").read_text("utf-8").replace('path = "sample"', f'path = "{given}"')
        + f'\n[profiles.other]\ndata.path = "{given}"\n'
    )
    expected = f"{tmp_path}{found}" if found.startswith("/project") else found
    assert os.path.normpath(loading.load(path).data.path) == os.path.normpath(expected)
    assert os.path.normpath(loading.load(path, profile="other").data.path) == os.path.normpath(expected)
    # What is typed counts from where it is typed.
    assert loading.load(path, overrides=[f"data.path={given}"]).data.path == given
    assert loading.load(path, options={"data.path": given}).data.path == given


def test_weights_that_the_file_names_lie_below_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    text = (ROOT / "experiment.toml").read_text("utf-8")
    for value, found in (
        ('"mine.npz"', str(tmp_path / "mine.npz")),
        ('"embeded"', "embeded"),
        ('{ ResNet50 = "a/b.h5", VGG16 = "random" }', {"ResNet50": str(tmp_path / "a" / "b.h5"), "VGG16": "random"}),
    ):
        path.write_text(text.replace('weights = "auto"', f"weights = {value}", 1))
        assert loading.load(path).weights == found


def test_a_table_of_weights_is_laid_over_one_kind_for_all() -> None:
    built = load("weights=embedded", "weights.VGG16=random", "variants.vgg.model.backbone=VGG16", variants="all")
    kinds = {v.name: built.weights_of(v.recipe.model) for v in built.variants}
    assert (kinds["baseline"], kinds["augmentation"], kinds["vgg"]) == ("embedded", "embedded", "random")
    assert load("weights.VGG16=random", "weights=embedded").weights == "embedded"


@pytest.mark.parametrize("setting", ["site.folder", "site.docs", "post.templates", "weights"])
def test_the_home_of_nobody_is_refused(tmp_path: Path, setting: str) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(f'extends = "{FILE}"\n{setting} = "~nobody-of-this-name/x.h5"\n', "utf-8")

    def read() -> None:
        toml_file.site(path)
        weights.resolve(str(loading.load(path).weights), MOBILENETV2, tmp_path)

    with pytest.raises(BadInput, match=r"~nobody-of-this-name/x.h5: no home folder is known of that user"):
        read()
