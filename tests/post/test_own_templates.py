"""A user's own templates: laid over the project's, held to the same rules, and to their folder."""

import re
from pathlib import Path

import pytest

from generator.experiment.config import loading
from generator.experiment.config.post_settings import PostSettings
from generator.post import bound, render
from generator.post.render import TEMPLATES, Rendered
from generator.post.server import Preview
from generator.post.shape import Shape
from generator.support.errors import BadInput
from generator.support.formats import FORMATS
from tests.factories import ROOT, make_data, make_figures, make_results, make_variant
from tests.rendered import make_post, make_site
from tests.sites import put

INTRODUCTION = "sections/introduction.md.j2"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own" / "sections").mkdir(parents=True)
    return tmp_path / "own"


def write(own: Path, **sections: str) -> None:
    for name, text in sections.items():
        path = own / f"{name}.md.j2" if name == "post" else own / "sections" / f"{name}.md.j2"
        path.write_text(text, "utf-8")


def rendered(own: Path) -> Rendered:
    return render.render(make_post(templates=own), make_results())


# What takes whose place


def test_a_template_of_the_same_name_takes_the_place_of_the_projects(own: Path) -> None:
    write(own, introduction="## Mine\n\nOf {{ data.test_total | integer }} images.\n")
    page = rendered(own)
    assert "## Mine\n\nOf 40 images." in page.text
    assert "\n## Goal\n" not in page.text
    number = next(n for n in page.numbers if page.text.split("\n")[n.line - 1] == "Of 40 images.")
    assert number.source == "data.test_total"


def test_the_projects_template_can_be_added_to(own: Path) -> None:
    write(own, introduction=f'{{% include "!{INTRODUCTION}" %}}\n\n### Mine\n\nMore.\n')
    text = rendered(own).text
    assert "\n## Goal\n" in text
    assert "### Mine\n\nMore.\n\n## Data Preprocessing" in text


def test_without_a_folder_nothing_changes_and_two_folders_do_not_mix(own: Path) -> None:
    plain = render.render(make_post(), make_results()).text
    write(own, introduction="## Mine\n")
    assert rendered(own).text != plain
    assert render.render(make_post(), make_results()).text == plain


def test_a_saved_template_is_read_again(own: Path) -> None:
    write(own, introduction="## Mine\n")
    assert "## Mine\n" in rendered(own).text
    write(own, introduction="## Another\n")
    assert "## Another\n" in rendered(own).text


def test_the_post_may_have_another_order_and_lose_sections(own: Path) -> None:
    names = ("first-screen", "test-accuracy", "data", "data-questions")
    listed = "".join(f'{{% include "sections/{name}.md.j2" %}}\n' for name in names)
    write(own, post='{% include "front-matter.md.j2" %}\n\n' + listed)
    page = rendered(own)
    assert page.text.startswith("---\n")
    assert page.text.index("## Evaluation") < page.text.index("## Data Preprocessing")
    assert "so the training figures are not those of the log." in page.text
    assert "](#data-download)" not in page.text.partition("## Evaluation")[0]
    assert {"continue-training", "image-by-image"} <= set(page.unlinked)
    assert set(re.findall(r"\]\(#([^)]+)\)", page.text)) == {"questions-for-the-data-loader"}


def test_the_projects_own_post_links_to_what_it_has() -> None:
    assert render.render(make_post(), make_results()).unlinked == ()


def test_links_in_code_stay_as_they_are(own: Path) -> None:
    write(own, introduction="## Mine\n\n```\n[a](#nowhere)\n```\n\nSee [a](#nowhere).\n")
    page = rendered(own)
    assert "```\n[a](#nowhere)\n```\n\nSee a.\n" in page.text
    assert "nowhere" in page.unlinked


# What is refused, before anything is trained


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("## Mine\n\nIn 2024.\n", r"^own/sections/introduction\.md\.j2:3: the number 2024 is typed in"),
        ("\n{{ nobody }}", r"^own/sections/introduction\.md\.j2:2: 'nobody' is undefined"),
        ("{% if %}", r"^own/sections/introduction\.md\.j2:1: Expected an expression"),
        ("\n\n{{ baseline.test.acuracy | accuracy }}", r"^own/sections/introduction\.md\.j2:3: .*no attribute"),
        ("{{ baseline.test.accuracy }}", r"^own/sections/introduction\.md\.j2:1: .*printed without a format"),
        ("{{ data.source | safe }}", r"^own/sections/introduction\.md\.j2:1: .*'safe'"),
        ('{% include "sections/none.md.j2" %}', r"^own/sections/introduction\.md\.j2:1: template sections/none"),
        ('{% include "!sections/none.md.j2" %}', r"sections/none\.md\.j2"),
        ('{% include "../secret.md.j2" %}', "leads out of .*; put the file itself there"),
        ('{% include "secret.txt" %}', r"template secret\.txt is missing"),
        ("{{ figure.__globals__ }}", r"^own/sections/introduction\.md\.j2:1: .*unsafe"),
        ("{{ data._value }}", r"^own/sections/introduction\.md\.j2:1: .*unsafe"),
        ("## Goal\n\n## Goal\n", "stand once"),
    ],
)
def test_a_slip_is_named_with_file_and_line(own: Path, text: str, message: str) -> None:
    (own.parent / "secret.md.j2").write_text("secret")
    (own / "secret.txt").write_text("secret")
    write(own, introduction=text)
    with pytest.raises(BadInput, match=message) as caught:
        render.check(post=make_post(templates=own))
    assert "\n" not in str(caught.value)


def test_a_template_that_nothing_includes_is_refused(own: Path) -> None:
    write(own, introdution="## Mine\n")
    with pytest.raises(BadInput, match=r"^own/sections/introdution\.md\.j2: did you mean 'sections/introduction"):
        render.check(post=make_post(templates=own))
    write(own, rescaling='{% include "sections/introdution.md.j2" %}\n')
    render.check(post=make_post(templates=own))


def test_what_was_checked_is_checked_again_after_a_change(own: Path) -> None:
    write(own, introduction="## Mine\n")
    render.check(post=make_post(templates=own))
    write(own, introduction="## Mine\n\nIn 2024.\n")
    with pytest.raises(BadInput, match="typed in"):
        render.check(post=make_post(templates=own))


ASKED = 'questions.slow={ask="?", compare=["baseline", "augmentation"]}'
SLOW = ("variants.slow-head.head.learning_rate=1e-5", "variants.slow-head.title=Slow")


def shape(*overrides: str, names: tuple[str, ...] = ("bear", "kangaroo"), measured: bool = True) -> Shape:
    config = loading.load(ROOT / "experiment.toml", variants="all", overrides=overrides)
    return Shape(config, names, measured)


@pytest.mark.parametrize(
    ("said", "of"),
    [
        ('variants["slow-head"].test.accuracy | accuracy', shape(*SLOW)),
        ("baseline.confusion.true_positive | integer", shape()),
        ("baseline.over_runs.fine_tuning.test.accuracy.mean | accuracy", shape("seeds=2")),
        ("baseline.measurement.fine_tuning.accuracy | accuracy", shape()),
        ("answers.slow.contrasts[0].gain | change", shape(ASKED)),
        ("sweeps.rates.points[1].loss | loss", shape("sweeps.rates.head.learning_rate=[1e-5, 1e-4]")),
    ],
)  # fmt: skip
def test_what_a_build_will_have_may_be_said(own: Path, said: str, of: Shape) -> None:
    write(own, introduction=f"{{{{ {said} }}}}\n")
    render.check(post=make_post(templates=own), shape=of)


@pytest.mark.parametrize(
    ("said", "of", "message"),
    [
        ('variants["slow-head"].test.acuracy | accuracy', shape(*SLOW), "no attribute 'acuracy'"),
        ('variants["slow-head"].test.accuracy | accuracy', shape(), "no attribute 'slow-head'"),
        ("baseline.measurement.fine_tuning.accuracy | accuracy", shape(measured=False), "no attribute 'fine_tuning'"),
        ("baseline.confusion.true_positive | integer", shape(names=("a", "b", "c")), "'true_positive'"),
    ],
)
def test_what_a_build_will_not_have_is_refused_before_it(own: Path, said: str, of: Shape, message: str) -> None:
    write(own, introduction=f"{{{{ {said} }}}}\n")
    with pytest.raises(BadInput, match=rf"^own/sections/introduction\.md\.j2:1: .*{message}"):
        render.check(post=make_post(templates=own), shape=of)


@pytest.mark.parametrize("condition", ["writeup", "not writeup", "two_classes(data)", "not two_classes(data)"])
def test_a_sentence_for_one_kind_of_data_alone_is_checked_for_builds_of_it(own: Path, condition: str) -> None:
    write(own, introduction=f"{{% if {condition} %}}{{{{ data.nothing }}}}{{% endif %}}\n")
    names = ("a", "b", "c") if condition == "not two_classes(data)" else ("a", "b")
    post = make_post(templates=own, writeup=condition == "writeup")
    with pytest.raises(BadInput, match="no attribute 'nothing'"):
        render.check(post=post, shape=shape(names=names))


def test_a_link_that_leads_out_of_the_folder_is_refused(own: Path) -> None:
    secret = own.parent / "secret.md.j2"
    secret.write_text("secret")
    (own / INTRODUCTION).symlink_to(secret)
    with pytest.raises(BadInput, match=r"introduction\.md\.j2: leads out of .*own; put the file itself there"):
        render.check(post=make_post(templates=own))
    with pytest.raises(BadInput, match="leads out of"):
        rendered(own)


def test_a_link_within_the_folder_and_to_the_folder_may_be(own: Path, tmp_path: Path) -> None:
    (own / "texts").mkdir()
    (own / "texts" / "mine.md.j2").write_text("## Mine\n")
    (own / INTRODUCTION).symlink_to(own / "texts" / "mine.md.j2")
    (tmp_path / "link").symlink_to(own)
    assert "## Mine\n" in render.render(make_post(templates=tmp_path / "link"), make_results()).text


def test_a_byte_order_mark_is_no_text(own: Path) -> None:
    (own / INTRODUCTION).write_text("## Mine\n", "utf-8-sig")
    assert "\n## Mine\n" in rendered(own).text


def test_a_template_that_is_not_utf_8_is_named(own: Path) -> None:
    (own / INTRODUCTION).write_bytes(b"caf\xe9")
    with pytest.raises(BadInput, match=r"own/sections/introduction\.md\.j2: not text in UTF-8"):
        render.check(post=make_post(templates=own))


# The setting


def config_with(folder: Path, value: str) -> Path:
    text = (ROOT / "experiment.toml").read_text("utf-8").replace("[post]\n", f'[post]\ntemplates = "{value}"\n', 1)
    (folder / "mine.toml").write_text(text, "utf-8")
    return folder / "mine.toml"


def test_the_folder_lies_beside_the_file_with_the_settings(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_with(tmp_path, "own")
    monkeypatch.chdir(tmp_path.parent)
    assert loading.load(Path(tmp_path.name, "mine.toml")).post.templates == own
    assert loading.load(ROOT / "experiment.toml").post.templates is None


@pytest.mark.parametrize("value", ["nowhere", "mine.toml"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(BadInput, match=rf"post\.templates: .*{value} is no folder; make it"):
        loading.load(config_with(tmp_path, value))


# Preview


def test_the_preview_shows_a_saved_template_and_watches_the_folder(own: Path, tmp_path: Path) -> None:
    put(tmp_path / "site", make_site())
    preview = Preview(make_post(templates=own), TEMPLATES, ROOT, tmp_path / "site")
    assert own in preview.watched
    write(own, introduction="## Mine\n")
    preview.refresh()
    assert 'id="mine"' in preview.shown()
    write(own, introduction="## Mine\n\n{{ nobody }}\n")
    preview.refresh()
    assert preview.error == "own/sections/introduction.md.j2:3: 'nobody' is undefined"


# The documents


def test_the_example_of_the_documents_renders(tmp_path: Path) -> None:
    document = (ROOT / "docs" / "own-post.md").read_text("utf-8")
    files = re.findall(r"^`(own/[^`]+)`:\n\n```jinja\n(.*?)^```$", document, flags=re.DOTALL | re.MULTILINE)
    assert [name for name, _ in files] == ["own/" + INTRODUCTION, "own/sections/outlook.md.j2", "own/post.md.j2"]
    for name, text in files:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    render.check(post=make_post(templates=tmp_path / "own"))
    names = ("bear", "kangaroo")
    variants = {"baseline": make_variant(names=names)}
    data = make_data(class_names=names, kind="archive", source="bears.zip")
    build = make_results(variants=variants, figures=make_figures(variants), data=data)
    post = PostSettings.model_validate(
        {"date": "2026-11-28T12:00:00+00:00", "slug": "bears", "templates": tmp_path / "own"}
    )
    page = render.render(post, build)
    assert "took all 360 training images. Those for the test,\n20 of bear and 20 of kangaroo, come from" in page.text
    assert "The network still takes 5 animals for\nanother" in page.text.partition("## Outlook")[2]
    for number in page.numbers:
        assert FORMATS[number.format](bound.value_of(build, number.source)) == number.text
