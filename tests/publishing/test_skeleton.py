"""The site around the post: which files, filled in how, and safe whatever the results' names are."""

import re
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from generator.backbones.weights_summary import WeightsSummary
from generator.publishing.skeleton import skeleton, timezone
from generator.support import escape
from generator.support.errors import BadInput
from tests.factories import make_data, make_results, make_variant
from tests.rendered import TEMPLATES, make_post

PROVENANCE = "provenance/image-classification-with-cnn-and-transfer-learning.html"


def test_every_template_has_its_file_in_the_site() -> None:
    files = skeleton(make_post(), make_results(), TEMPLATES)
    expected = {
        path.relative_to(TEMPLATES / "site").as_posix().removesuffix(".j2").replace("SLUG", make_post().slug)
        for path in (TEMPLATES / "site").rglob("*")
        if path.is_file()
    }
    assert set(files) == expected
    assert {"_config.yml", "index.md", "_layouts/post.html", PROVENANCE, "404.md"} <= set(files)


def test_files_that_are_no_templates_are_copied_byte_for_byte() -> None:
    files = skeleton(make_post(), make_results(), TEMPLATES)
    for name in ("index.md", "assets/favicon.svg", "_layouts/post.html"):
        assert files[name] == (TEMPLATES / "site" / name).read_bytes()


def test_the_same_results_give_the_same_bytes() -> None:
    first, second = (skeleton(make_post(), make_results(), TEMPLATES) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2023-01-31T12:38:00-06:00", "Etc/GMT+6"),
        ("2023-01-31T12:38:00+02:00", "Etc/GMT-2"),
        ("2023-01-31T12:38:00+00:00", "Etc/UTC"),
        ("2023-01-31T12:38:00+05:30", "<+0530>-05:30"),
        ("2023-01-31T12:38:00-03:30", "<-0330>+03:30"),
    ],
)
def test_the_time_zone_has_the_offset_of_the_date(date: str, expected: str) -> None:
    assert timezone(datetime.fromisoformat(date)) == expected


def test_the_same_page_is_promised_of_machines_of_one_kind_alone() -> None:
    page = skeleton(make_post(), make_results(), TEMPLATES)[PROVENANCE].decode()
    assert "package versions it gives the same page again on a machine of the same kind.</p>" in page


def test_the_provenance_page_names_the_weights_of_each_base() -> None:
    own = WeightsSummary(requested="file", used="file", name="other_v2.h5", fingerprint="0123abcd", reason="")
    variants = {name: make_variant(name) for name in ("baseline", "augmentation")}
    plain = skeleton(make_post(), make_results(variants=variants), TEMPLATES)[PROVENANCE].decode()
    variants["augmentation"] = make_variant("augmentation", weights=own)
    page = skeleton(make_post(), make_results(variants=variants), TEMPLATES)[PROVENANCE].decode()
    (row,) = set(page.splitlines()) - set(plain.splitlines())
    title = escape.markdown(variants["augmentation"].title)
    assert row == f'<tr><th scope="row">{title}</th><td>file: other&#95;v2&#46;h5, <code>0123abcd</code></td></tr>'


def test_names_from_outside_are_escaped_on_the_provenance_page() -> None:
    hostile = ("<script>alert(1)</script>", "{{ site.time }}|{% raw %}")
    weights = WeightsSummary(requested="file", used="file", name="{{x}}<b>.h5", fingerprint="f" * 64, reason="")
    build = make_results(data=make_data(class_names=hostile, source="a|b {{ y }}.zip"), weights=weights)
    page = skeleton(make_post(), build, TEMPLATES)[PROVENANCE].decode()
    assert re.findall(r"<script|<b>|\{\{|\{%(?! include run\.html key=\"CV_HW_2\" %\})", page) == []


def test_hidden_files_are_no_part_of_the_site(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "site" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "site" / "CNAME").write_text("example.org\n")
    files = skeleton(make_post(), make_results(), tmp_path)
    assert ".DS_Store" not in files
    assert files["CNAME"] == b"example.org\n"


@pytest.mark.parametrize("text", ["one\n{{ results.no_such_thing }}\n", "one\n{% if %}\n"])
def test_a_broken_template_is_named_with_its_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "page.html.j2").write_text(text)
    with pytest.raises(BadInput, match=r"page\.html\.j2:2: .*mend the template"):
        skeleton(make_post(), make_results(), tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"site: no site templates there"):
        skeleton(make_post(), make_results(), tmp_path)
