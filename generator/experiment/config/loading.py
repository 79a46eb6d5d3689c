"""`experiment.toml`, a profile and the command line, merged into frozen, validated settings.

Everything is checked here, before anything is computed: a mistyped key or an impossible value is one line.
"""

import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from generator.backbones.backbone import Backbone
from generator.backbones.registry import BACKBONES
from generator.experiment.config import sweeps, toml_file
from generator.experiment.config.checked import checked
from generator.experiment.config.execution_settings import ExecutionSettings
from generator.experiment.config.post_settings import NAME, NAMES, PostSettings, SiteSettings, slug_of
from generator.experiment.config.questions import Question
from generator.experiment.config.seeds import SeedSettings, SeedsSetting
from generator.experiment.config.settings import (
    BASELINE,
    Config,
    DataSettings,
    Recipe,
    ShownSettings,
    Sweep,
    Variant,
    WeightsSetting,
    flatten,
)
from generator.experiment.config.store_settings import StoreSettings
from generator.experiment.config.sweeps import SweepTable
from generator.support import places
from generator.support.errors import BadInput, choices, encodable
from generator.support.strict_json import Record


class _VariantTable(Record):
    """A `[variants.NAME]` table: a title and a partial recipe."""

    title: str | None = None
    """What the post calls it; None: its name, with blanks for hyphens."""
    seed: int | None = None
    """Another seed than the baseline's."""
    data: dict[str, Any] = Field(default={})
    """Keys of `[data]` that differ: what a network is shown of an image, as in `data.alpha = \"white\"`."""
    split: dict[str, Any] = Field(default={})
    """Keys of `[split]` that differ, as in `split.mode = "reshuffled"`."""
    model: dict[str, Any] = Field(default={})
    """Keys of `[model]` that differ, as in `model.augment = true`."""
    head: dict[str, Any] = Field(default={})
    """Keys of `[head]` that differ, as in `head.epochs = 5`."""
    fine_tuning: dict[str, Any] = Field(default={})
    """Keys of `[fine_tuning]` that differ, as in `fine_tuning.from_layer = 143`."""


class ConfigFile(Recipe):
    """The layout of `experiment.toml` once a profile and the command line are merged in."""

    post: PostSettings
    site: SiteSettings = SiteSettings()
    data: DataSettings = DataSettings()
    weights: WeightsSetting = "auto"
    seeds: SeedsSetting = SeedSettings()
    variants: dict[str, _VariantTable] = Field(default={})
    sweeps: dict[str, SweepTable] = Field(default={})
    """Name → settings that are tried together, of which validation chooses."""
    gates: dict[str, str] = Field(default={})
    store: StoreSettings = StoreSettings()
    execution: ExecutionSettings = ExecutionSettings()
    questions: dict[str, Question] = Field(default={})
    profiles: dict[str, dict[str, Any]] = Field(default={})
    """Name → settings that `--profile NAME` lays over the others."""

    @field_validator("variants", "sweeps")
    @classmethod
    def _names_fit_folders(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        kind, taken = str(info.field_name).removesuffix("s"), info.data.get("variants", {})
        for name in value:
            if not NAME.fullmatch(name):
                raise ValueError(f"{kind} name {name!r} must be {NAMES}")
            if name in (BASELINE, "all"):
                every = "all variants" if name == "all" else "the top-level settings"
                raise ValueError(f"{kind} name {name!r} is taken: it stands for {every}")
            if kind == "sweep" and name in taken:
                raise ValueError(f"sweep name {name!r} is taken: it is a variant's, which its winner shall be")
        return value

    @field_validator("profiles")
    @classmethod
    def _gates_are_held(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for name, profile in value.items():
            if "gates" in profile:
                raise ValueError(f"{name}.gates: diff, which alone holds gates, knows no profile; use [gates]")
        return value

    @field_validator("questions")
    @classmethod
    def _questions_fit_files(cls, value: dict[str, Question]) -> dict[str, Question]:
        for name in value:
            if not NAME.fullmatch(name):
                raise ValueError(f"question name {name!r} must be {NAMES}")
        return value


def load(
    path: Path,
    *,
    variants: str = BASELINE,
    profile: str | None = None,
    overrides: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
) -> Config:
    """Read `path`, over what it `extends`; lay over it profile, `overrides` (`KEY=VALUE`), `options` (path → value).

    `variants` is `all` or names separated by commas; the baseline is always included. Raises `BadInput`.
    """
    table = toml_file.read(path)
    if profile is not None:
        profiles = table.get("profiles")
        profiles = profiles if isinstance(profiles, Mapping) else {}
        if profile not in profiles:
            raise BadInput(f"{path}: unknown profile {profile!r}; {choices(profile, profiles)}")
        if not isinstance(profiles[profile], Mapping):
            raise BadInput(f"{path}: profiles.{profile} = {profiles[profile]!r}: expected a table of settings")
        table = toml_file.merged(table, profiles[profile])
    given = [_assignment(text) for text in overrides]
    given += ((key.split("."), value) for key, value in (options or {}).items())
    typed = table
    for path_to, value in given:
        typed = toml_file.merged(typed, _nested(path_to, value))
    try:
        return _config(typed, path, variants, profile, where=str(path))
    except BadInput:
        if not given or not _is_sound(table, path):
            raise
    return _config(typed, path, variants, profile, where="on the command line")


def _is_sound(table: dict[str, Any], path: Path) -> bool:
    """Whether what stands in the file at `path`, with its profile, is what settings can be."""
    try:
        _config(table, path, "all", None, where=str(path))
    except BadInput:
        return False
    return True


def _config(table: dict[str, Any], path: Path, variants: str, profile: str | None, where: str) -> Config:
    """The settings in `table`, which stand `where` is said; the names of files among them are those beside `path`."""
    file = checked(ConfigFile, _with_slug(table), where)
    for name in file.weights if isinstance(file.weights, dict) else ():
        _backbone(name, f"{where}: weights, a backbone")
    selected = _selected(variants, file)
    config = Config(
        post=_with_templates(file.post, where),
        site=_with_docs(file.site, where),
        data=file.data,
        weights=file.weights,
        seeds=file.seeds,
        gates=file.gates,
        store=file.store,
        execution=file.execution,
        questions=_questions(file, selected, where),
        profile=profile,
        variants=tuple(_variant(name, file, where) for name in selected if name not in file.sweeps),
        sweeps=tuple(_sweep(name, file, where) for name in selected if name in file.sweeps),
    )
    _check_titles(config, where)
    return config


def _assignment(text: str) -> tuple[list[str], Any]:
    """`head.epochs=5` → (["head", "epochs"], 5); the value is read as TOML, else taken as a plain string."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise BadInput(f"--set {text!r}: expected KEY=VALUE, as in head.epochs=5")
    if text != encodable(text):
        raise BadInput(f"--set {encodable(text)}: expected text in UTF-8")
    parts = _parts(key)
    if parts[0] == "gates":
        raise BadInput(f"--set {text!r}: diff alone holds gates; use [gates] in the file, or diff --gate METRIC=LIMIT")
    try:
        return parts, tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return parts, value.strip()


def _parts(key: str) -> list[str]:
    """`gates."test.accuracy"` → ["gates", "test.accuracy"], as in TOML; what is no key there is cut at its dots."""
    try:
        table: Any = tomllib.loads(f"{key} = 0")
    except (ValueError, RecursionError):
        return key.strip().split(".")
    parts = []
    while isinstance(table, dict):
        ((part, table),) = table.items()
        parts.append(part)
    return parts


def _nested(parts: list[str], value: Any) -> dict[str, Any]:
    for part in reversed(parts):
        value = {part: value}
    return dict(value)


def _with_slug(table: dict[str, Any]) -> dict[str, Any]:
    """The same, with the name of the data as the post's slug where it has none of its own."""
    post, data = table.get("post"), table.get("data")
    if not isinstance(post, Mapping) or "slug" in post:
        return table
    path = data.get("path") if isinstance(data, Mapping) else None
    return toml_file.merged(table, {"post": {"slug": slug_of(path if isinstance(path, str) else DataSettings().path)}})


def _with_templates(post: PostSettings, where: str) -> PostSettings:
    """The same, the folder of templates in full. Raises `BadInput` without one."""
    if post.templates is None:
        return post
    folder = places.expanded(post.templates, f"{where}: post.templates").absolute()
    if not folder.is_dir():
        raise BadInput(f"{where}: post.templates: {folder} is no folder; make it")
    return post.model_copy(update={"templates": folder})


def _with_docs(site: SiteSettings, where: str) -> SiteSettings:
    """The same, the folder of documents in full, as that of templates; who puts a site somewhere asks whether it is."""
    if site.docs is None:
        return site
    return site.model_copy(update={"docs": places.expanded(site.docs, f"{where}: site.docs").absolute()})


def _selected(variants: str, file: ConfigFile) -> list[str]:
    known = [BASELINE, *file.variants, *file.sweeps]
    names = [name.strip() for name in variants.split(",")]
    if names == ["all"]:
        return known
    for name in names:
        if name not in known:
            raise BadInput(f"unknown variant {name!r}; {choices(name, known)}")
    return [name for name in known if name in names or name == BASELINE]


def _variant(name: str, file: ConfigFile, where: str) -> Variant:
    if name == BASELINE:
        return Variant(name=name, title="Baseline", changes={}, recipe=_recipe(_base(file), file.data, where))
    changes = _changes(name, file)
    recipe = _recipe(toml_file.merged(_base(file), changes), file.data, where, prefix=f"variants.{name}.")
    return Variant(name=name, title=_title(name, file.variants[name].title), changes=flatten(changes), recipe=recipe)


def _base(file: ConfigFile) -> dict[str, Any]:
    """The baseline's recipe as a table."""
    base = file.model_dump(include=set(Recipe.model_fields))
    base["data"] = {setting: base["data"][setting] for setting in ShownSettings.model_fields}
    return base


def _changes(name: str, file: ConfigFile) -> dict[str, Any]:
    """A variant's changes as a table."""
    if name == BASELINE:
        return {}
    return file.variants[name].model_dump(exclude={"title"}, exclude_none=True, exclude_defaults=True)


def _title(name: str, given: str | None) -> str:
    return (given or "").strip() or name.replace("-", " ").capitalize()


def _check_titles(config: Config, where: str) -> None:
    """Raise `BadInput` where nobody could tell two variants apart by what the post calls them."""
    called: list[Variant | Sweep] = [*config.variants, *config.sweeps]
    called += [point for sweep in config.sweeps for point in sweep.points]
    named: dict[str, Variant | Sweep] = {}
    for each in called:
        other = named.setdefault(" ".join(unicodedata.normalize("NFC", each.title).casefold().split()), each)
        if other is not each:
            raise BadInput(
                f"{where}: {other.name} and {each.name} would both be called {each.title!r}; give one another title"
            )


def _sweep(name: str, file: ConfigFile, where: str) -> Sweep:
    table, setting = file.sweeps[name], f"{where}: sweeps.{name}"
    known = [BASELINE, *file.variants]
    if table.of not in known:
        raise BadInput(f"{setting}.of = {table.of!r}: there is no such variant; {choices(table.of, known)}")

    def recipe(changes: Mapping[str, Any]) -> Recipe:
        return _recipe(toml_file.merged(_base(file), changes), file.data, where, prefix=f"sweeps.{name}.")

    return sweeps.sweep(name, _title(name, table.title), table, _changes(table.of, file), recipe, setting)


def _questions(file: ConfigFile, selected: Iterable[str], where: str) -> dict[str, Question]:
    """Those that the selected variants can answer. Raises `BadInput` where one is asked of no variant of the file."""
    known = [BASELINE, *file.variants, *file.sweeps]
    for name, question in file.questions.items():
        for asked in question.variants:
            if asked not in known:
                raise BadInput(f"{where}: questions.{name}.compare: unknown variant {asked!r}; {choices(asked, known)}")
    return {name: each for name, each in file.questions.items() if set(each.variants) <= set(selected)}


def _backbone(name: str, setting: str) -> Backbone:
    if name not in BACKBONES:
        raise BadInput(f"{setting} = {name!r}: there is no such network; {choices(name, BACKBONES)}")
    return BACKBONES[name]


def _recipe(table: Mapping[str, Any], data: DataSettings, where: str, prefix: str = "") -> Recipe:
    """The recipe in a table, its network fit for the images and its first unfrozen layer given by index."""
    recipe = checked(Recipe, table, where, prefix)
    network, tuning = _backbone(recipe.model.backbone, f"{where}: {prefix}model.backbone"), recipe.fine_tuning
    if data.image_size < network.least_size:
        raise BadInput(
            f"{where}: data.image_size = {data.image_size}: {prefix}model.backbone = {network.name!r} takes images of "
            f"{network.least_size} pixels and more; build.py backbones lists the others"
        )
    try:
        index = network.first_trained(tuning.from_layer)
    except ValueError as error:
        raise BadInput(f"{where}: {prefix}fine_tuning.from_layer = {tuning.from_layer!r}: {error}") from None
    return recipe.model_copy(update={"fine_tuning": tuning.model_copy(update={"from_layer": index})})
