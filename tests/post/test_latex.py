"""LaTeX tables: every number is the results', names are harmless, and the structure is one that LaTeX takes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from generator.experiment.results import BuildResults
from generator.post import bound, example
from generator.post.formats import latex
from generator.post.lint import typed_numbers
from generator.support.errors import BadInput
from generator.support.formats import FORMATS
from tests.factories import FIVE, ROOT, make_config, make_data, make_results, make_variant

POST = make_config().post
HOSTILE = ("[a] & b_1 %\\input{/etc/passwd}", "*{x}--$y^2$ #~<>|`'\"")


def text_of(build: BuildResults) -> str:
    return latex.tables(POST, build)[0]


def rows(text: str) -> list[list[str]]:
    """Cells of the lines that hold numbers."""
    lines = [line.strip().removesuffix(r" \\") for line in text.split("\n") if line.endswith(r"\\")]
    return [line.split(" & ") for line in lines if r"\multicolumn" not in line]


def columns(specification: str) -> int:
    return len(re.findall("[lrc]", specification.replace("@{}", "")))


def check_structure(text: str) -> None:
    """Environments nest, braces balance, and each row has as many cells as its table has columns."""
    assert re.sub(r"\\[{}]", "", text).count("{") == re.sub(r"\\[{}]", "", text).count("}")
    open_ones: list[str] = []
    wide = 0
    for line in text.split("\n"):
        for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", line):
            if kind == "begin":
                open_ones.append(name)
            else:
                assert open_ones.pop() == name
        if begun := re.search(r"\\begin\{tabular\}\{(.*)\}$", line):
            wide = columns(begun[1])
        if line.endswith(r"\\"):
            spanned = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line))
            assert len(re.findall(r"(?<!\\)&", line)) + 1 + spanned == wide, line
    assert open_ones == []
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == text.count(r"\begin{tabular}")


@pytest.mark.parametrize(
    "build",
    [make_results(), make_results(variants={"baseline": make_variant()}), example.results(runs=3)],
    ids=["three variants", "one", "three runs"],
)
def test_every_number_is_that_of_its_source_and_the_structure_holds(build: BuildResults) -> None:
    text, numbers = latex.tables(POST, build)
    assert len(numbers) > 20
    for each in numbers:
        expected = FORMATS[each.format](bound.value_of(build, each.source))
        assert each.text == expected
        assert latex.number(expected) in text.split("\n")[each.line - 1]
    check_structure(text)


def test_no_other_number_is_in_the_rows() -> None:
    build = make_results()
    text, numbers = latex.tables(POST, build)
    in_rows = [n for n in numbers if text.split("\n")[n.line - 1].endswith(r"\\")]
    printed = [n for row in rows(text) for cell in row for n in re.findall(r"\d[\d.]*", cell)]
    assert len(printed) == len(in_rows)


def test_a_table_has_caption_label_and_rules() -> None:
    text = text_of(make_results())
    labels = re.findall(r"\\label\{(.*)\}", text)
    assert len(labels) == len(set(labels)) == text.count(r"\begin{table}") == text.count(r"\caption{") == 6
    assert all(re.fullmatch(rf"tab:{POST.slug}-[a-z-]+", label) for label in labels)
    assert f"0.8750 & {FORMATS['accuracy'](0.7389)}" in text


def test_hostile_names_are_escaped() -> None:
    names = HOSTILE
    text = text_of(make_results(data=make_data(class_names=names)))
    check_structure(text)
    assert r"\input" not in text
    assert r"{[}a{]} \& b\_1 \%\textbackslash{}input\{/etc/passwd\}" in text
    assert r"{*}\{x\}{-}{-}\$y\textasciicircum{}2\$ \#\textasciitilde{}" in text


def test_five_classes_and_more_than_a_page_takes() -> None:
    check_structure(text_of(make_results(data=make_data(class_names=FIVE))))
    many = tuple(f"class {letter}" for letter in "abcdefghijklmnopqrst")
    text = text_of(make_results(data=make_data(class_names=many)))
    assert r"\label{tab:" + POST.slug + "-confusion" not in text
    assert "too wide for a page: predictions.csv" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
@pytest.mark.parametrize(
    "build",
    [
        make_results(),
        example.results(runs=3),
        make_results(data=make_data(class_names=FIVE)),
        make_results(data=make_data(class_names=("[a] & %\\b_1", "*{x}$y^2#~"))),
    ],
    ids=["three variants", "three runs", "five classes", "hostile names"],
)
def test_latex_takes_it_and_no_table_is_wider_than_its_page(build: BuildResults, tmp_path: Path) -> None:
    document = r"\documentclass[a4paper]{article}\usepackage{booktabs}\begin{document}\input{tables}\end{document}"
    (tmp_path / "tables.tex").write_text(text_of(build), "utf-8")
    (tmp_path / "article.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "article.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "Overfull" not in done.stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.9250", "0.9250"),
        ("-0.0250", "$-0.0250$"),
        ("+0.0250", "$+0.0250$"),
        ("1.9e-06", r"$1.9\times10^{-6}$"),
        ("92.5%", r"92.5\%"),
        ("23,587,712", "23,587,712"),
    ],
)
def test_numbers_are_written_as_latex_sets_them(text: str, expected: str) -> None:
    assert latex.number(text) == expected


def test_a_number_without_a_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / latex.TEMPLATE).write_text("{{ baseline.test.accuracy }}")
    with pytest.raises(BadInput, match=r"tables\.tex\.j2:1: .*printed without a format"):
        latex.tables(POST, make_results(), templates=tmp_path)


def test_no_number_is_typed_into_the_template() -> None:
    source = (ROOT / "templates" / latex.TEMPLATE).read_text("utf-8")
    layout = r"\\multicolumn\{\d|\\cmidrule\(\w+\)\{[\d-]+|group\(.*\) \}\}|95\\%|\d+pt"
    without_layout = re.sub(layout, "", source)
    assert list(typed_numbers(without_layout)) == []
