"""The templates themselves, and the lint that keeps typed-in numbers and unsafe strings out of them."""

import re
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from generator.experiment.config import loading
from generator.post import lint, render
from generator.post.jekyll import layout
from generator.post.shape import Shape
from generator.support.errors import BadInput, BuildFailed, MeasuredPostError
from tests.factories import ROOT, make_config

TEMPLATES = ROOT / "templates"


def spoil(templates: Path, text: str, section: str = "rescaling.md.j2") -> int:
    """Append `text` to a section and return its line."""
    path = templates / "sections" / section
    before = path.read_text("utf-8")
    path.write_text(before + text + "\n", "utf-8")
    return before.count("\n") + 1


def test_the_templates_pass() -> None:
    render.check(TEMPLATES)


def test_the_post_includes_every_section_once() -> None:
    names = sorted(path.name for path in (TEMPLATES / "sections").iterdir())
    post = (TEMPLATES / "post.md.j2").read_text("utf-8")
    assert sorted(re.findall(r'{% include "sections/(.+?)" %}', post)) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("The accuracy was 97.3%.", r"the number 97\.3% is typed in"),
        ("The accuracy was `0.9250`.", r"the number 0\.9250 is typed in"),
        ("A loss of 1.8288e-04.", r"the number 1\.8288e-04 is typed in"),
        ("Of 23,587,712 parameters", "the number 23,587,712 is typed in"),
        ("after 30 epochs", "the number 30 is typed in"),
        ("Accuracy rose to .97", r"the number \.97 is typed in"),
        ("(.85)", r"the number \.85 is typed in"),
        ("It was _97_ or __98__", "the number 97 is typed in"),
        ("about ½ of them", "the number ½ is typed in"),
        ("in ⁹⁷ of them", "the number ⁹ is typed in"),
        ("as in https://example.org/x,97%", "the number 97% is typed in"),
        ("{{ 0.925 | accuracy }}", r"the number 0\.925 is typed in"),
        ("{{ nobody }}", "'nobody' is undefined"),
        ("{% if nobody %}x{% endif %}", "'nobody' is undefined"),
        ("{{ baseline.test.acuracy | accuracy }}", "no attribute 'acuracy'"),
        ("{{ baseline.test.accuracy }}", "variants.baseline.test.accuracy is printed without a format"),
        ("{{ baseline.test.accuracy - 1 }}", "does not come from the results"),
        ("{{ 1 | integer }}", "does not come from the results"),
        ("{{ baseline.test }}", "neither text nor a number"),
        ("{{ data.class_names[0] | safe }}", "unknown filter|No filter named 'safe'"),
        ("{{ data.class_names[0] ~ data.class_names[1] }}", "side by side"),
        ('{{ "%s" % data.source }}', "side by side"),
        ("{% if %}", "Expected an expression"),
        ("{% include 'sections/more.md.j2' %}", "sections/more"),
        ("## Über & mehr", "plain ASCII"),
        ("## Goal", "stand once"),
    ],
)
def test_a_slip_is_refused_before_anything_is_trained(templates: Path, text: str, message: str) -> None:
    line = spoil(templates, text)
    with pytest.raises(BadInput, match=message) as caught:
        render.check(templates)
    assert "\n" not in str(caught.value)
    if "##" not in text and "include" not in text:
        assert str(caught.value).startswith(f"templates/sections/rescaling.md.j2:{line}: ")


@pytest.mark.parametrize(
    "text",
    [
        "{# 97.3% in a comment #}",
        "ResNet50 and conv5_block3 <https://example.org/v2.1/30>",
        "class 0 and class 1",
        "block_97, a/97, v.97 and ../97",
        "the 95% interval",
    ],
)
def test_constants_and_names_may_stand(text: str) -> None:
    assert list(lint.typed_numbers(text)) == []


def test_a_missing_section_is_named(templates: Path) -> None:
    (templates / "sections" / "train-head.md.j2").unlink()
    with pytest.raises(BadInput, match=r"sections/train-head\.md\.j2 is missing"):
        render.check(templates)


def test_a_missing_post_is_named(templates: Path) -> None:
    (templates / "post.md.j2").unlink()
    with pytest.raises(BadInput, match=r"post\.md\.j2 is missing"):
        render.check(templates)


def test_a_slip_in_the_preview_is_found(templates: Path) -> None:
    path = templates / "preview.html.j2"
    path.write_text(path.read_text("utf-8") + "{{ nobody }}", "utf-8")
    with pytest.raises(BadInput, match=r"preview\.html\.j2:\d+: 'nobody' is undefined"):
        render.check(templates)


def test_an_excerpt_that_does_not_exist_is_named(templates: Path) -> None:
    spoil(templates, '{{ excerpt("generator.training.network:build_nothing") }}')
    with pytest.raises(BuildFailed, match=r"generator\.training\.network:build_nothing"):
        render.check(templates)


def test_a_figure_that_does_not_exist_is_named(templates: Path) -> None:
    spoil(templates, '{{ figure("data", "nothing").png }}')
    with pytest.raises(BuildFailed, match="data/nothing"):
        render.check(templates)


def test_what_only_the_post_that_is_built_meets_is_found_before_it_is(templates: Path) -> None:
    spoil(templates, '{% if post.title == "Mine" %}{{ figure("data", "nothing").png }}{% endif %}')
    render.check(templates)
    # The second time by what was kept of the first, if it passed.
    for title in ("Another's", "Another's", "Mine", "Mine"):
        post = make_config().post.model_copy(update={"title": title})
        with pytest.raises(BuildFailed, match="data/nothing") if title == "Mine" else nullcontext():
            render.check(templates, post=post, place=layout.own(post))


def test_what_was_checked_is_checked_again_after_a_change(templates: Path) -> None:
    render.check(templates)
    spoil(templates, "97.3%")
    with pytest.raises(MeasuredPostError):
        render.check(templates)


def test_what_passed_is_passed_over_until_something_changes_that_could_fail(
    templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "generator", tmp_path / "generator", ignore=shutil.ignore_patterns("__pycache__", "emb*"))
    study = loading.load(ROOT / "study.toml")
    asked = {"post": study.post, "shape": Shape(study, ("a", "b"), measured=True)}
    rendered: list[Any] = []
    monkeypatch.setattr(render, "render", lambda *given, **_: rendered.append(given))

    def renders(**how: Any) -> bool:
        rendered.clear()
        render.check(templates, tmp_path, **how)
        return rendered != []

    assert renders()
    assert not renders()
    assert renders(**asked)
    assert not renders(**asked)
    assert renders(**asked | {"shape": Shape(study, ("a", "b", "c"), measured=True)})
    with (templates / "site" / "assets" / "css" / "post.css").open("a") as stream:
        stream.write("/* changed */")
    assert renders()
    with (tmp_path / "generator" / "training" / "network.py").open("a") as stream:
        stream.write("# What is quoted changed.")
    assert renders()
    assert not renders()


def test_no_template_types_what_the_program_is_called() -> None:
    """Where it is installed it is called otherwise than in a checkout: `command` says how."""
    texts = {path: path.read_text("utf-8") for path in (ROOT / "templates").rglob("*.j2")}
    assert [path.name for path, text in texts.items() if "build.py" in text] == []
