"""The page of a build that runs: what is there is this build's, what is missing says what it waits for."""

import re
import shutil
from pathlib import Path

import pytest

from generator.live.board import Board
from generator.live.page import FOLDER, STEADY, Page
from generator.live.view import SECTIONS
from generator.stages.sweep_table import OF_SWEEPS
from generator.stages.table import STAGES
from generator.support.errors import BadInput, BuildFailed
from generator.support.formats import FORMATS
from tests import fakes
from tests.fakes import Project, make_project, timeless
from tests.live.watching import NUMBER, WatchedBuild, store_keys, words
from tests.rendered import TEMPLATES


def test_before_anything_is_known_the_page_says_so() -> None:
    page = words(Page(Board(), "A post", TEMPLATES).whole())
    assert "Data and weights are looked for." in page
    assert "No epoch has ended yet." in page
    assert NUMBER.findall(page) == []


def test_every_number_that_was_ever_shown_is_one_of_this_build(watched: WatchedBuild) -> None:
    parts = (words(part) for moment in watched.moments.values() for part in moment.parts.values())
    shown = set(NUMBER.findall(" ".join(parts)))
    metrics = next(watched.project.places.site.rglob("metrics.json")).read_text()
    history = next(watched.project.places.site.rglob("history.csv")).read_text()
    values = {float(text) for text in re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", metrics + history)}
    known = {FORMATS[name](value) for value in values for name in ("accuracy", "loss")}
    assert len(shown) > 10
    assert shown - known == set()


def test_a_run_that_has_begun_shows_its_epochs_and_what_the_rest_waits_for(watched: WatchedBuild) -> None:
    moment = watched.moments["baseline.head epoch 3"]
    assert re.search(r"baseline\.head epoch 2/3, loss \d\.\d{4}", moment.words("status"))
    runs = moment.words("runs")
    assert re.search(r"Baseline epoch 2 of 3.*?: validation accuracy \d\.\d{4}, loss \d\.\d{4} waits for", runs)
    assert "Data augmentation waits for " in runs
    assert re.search(r"Baseline Accuracy .* head, epoch 2: accuracy", moment.words("curves"))
    assert "Data augmentation" not in moment.words("curves")
    assert "Evaluation waits for baseline.head Baseline: waits for baseline.head" in moment.words("sections")


def test_in_the_end_all_figures_are_there_in_the_order_of_the_post(watched: WatchedBuild) -> None:
    sections = watched.now().parts["sections"]
    assert "waits" not in sections
    headings = re.findall(r"<h2>(.*?)</h2>", sections)
    assert headings == [heading for heading, _ in SECTIONS if heading in headings]
    addresses = re.findall(r'src="/figures/(\w+)/([\w-]+\.webp)"', sections)
    drawn = sorted(path.read_bytes() for path in watched.project.places.site.rglob("assets/images/**/*.webp"))
    assert sorted(filter(None, (watched.page.picture(*each) for each in addresses))) == drawn
    assert re.search(r"(\d+) of \1 results that the post needs are there", watched.now().words("status"))


def test_every_stage_that_draws_has_a_section() -> None:
    drawing = {stage.name for stage in (*STAGES, *OF_SWEEPS) if "generator.stages.drawing:" in stage.runs}
    assert {name for _, names in SECTIONS for name in names} == drawing


def test_a_failure_is_shown_with_all_that_it_takes_along(tmp_path: Path) -> None:
    why = "augmentation.head: its process was killed"
    end = WatchedBuild(make_project(tmp_path), failures={"augmentation.head": BuildFailed(why)}).now()
    assert why in end.words("status")
    assert f"failed: {why}" in end.words("runs")
    assert "will not be made: augmentation.head failed" in end.words("sections")
    assert re.search(r"Baseline epoch 3: validation accuracy .* of 6 Data", end.words("runs"))


def test_seeds_stand_side_by_side(tmp_path: Path) -> None:
    found = WatchedBuild(make_project(tmp_path), "seeds=2", until="augmentation~2.evaluation")
    end, before = found.now(), found.moments["baseline.fine_tuning"]
    assert re.findall(r"(Baseline|Data augmentation), run (\d) epoch", end.words("runs")) == [
        ("Baseline", "1"),
        ("Data augmentation", "1"),
        ("Baseline", "2"),
        ("Data augmentation", "2"),
    ]
    cards = end.parts["curves"].split("<section>")[1:]
    assert [card.count("<polyline") for card in cards] == [16, 16]  # 2 runs, 2 phases, 2 parts, 2 quantities
    assert "run 2, fine-tuning, epoch 4: accuracy" in words(cards[0])
    below = re.split("<h2>.*?</h2>", before.parts["sections"])
    said = dict(zip(re.findall("<h2>(.*?)</h2>", before.parts["sections"]), map(words, below[1:]), strict=True))
    # One figure of all runs, and those of the first run alone.
    assert said["Learning Curve"].startswith("Baseline: waits for ")
    assert "Baseline, run 1: waits for " in said["Evaluation"]


def test_points_of_a_sweep_are_counted_while_they_are_tried(tmp_path: Path) -> None:
    rates = "sweeps.rates.head.learning_rate=[1e-5, 1e-4, 1e-3]"
    project = make_project(tmp_path)
    project.variants = "baseline,rates"
    found = WatchedBuild(project, rates, until="baseline.architecture")
    said = [moment.words("runs") for moment in found.moments.values()]
    told = re.findall(r"Rates: (\d) of 3 points are validated", " ".join(said))
    assert [*dict.fromkeys(told)] == ["0", "1", "2"], "with the third it is decided"
    assert re.search(r"the lowest validation loss so far is \d\.\d{4}, of point \d\.", " ".join(said))
    assert "are validated" not in found.now().words("runs"), "it is decided"
    # Its winner is one of the runs then.
    assert re.search(r"Rates epoch 3: validation accuracy", found.now().words("runs"))


def test_what_comes_from_the_store_is_there_at_once(watched: WatchedBuild, tmp_path: Path) -> None:
    shutil.copytree(watched.project.folder, tmp_path / "project")
    event = "baseline.fine_tuning epoch 3"
    again = WatchedBuild(Project(tmp_path / "project"), "fine_tuning.epochs=3", until=event)
    runs = again.moments[event].words("runs")
    assert re.search(r"Baseline epoch 3: validation accuracy \d\.\d{4}, loss \d\.\d{4} at work", runs)
    assert re.search(
        r"Data augmentation epoch 3: validation accuracy \d\.\d{4}, loss \d\.\d{4} waits for its turn", runs
    )


def test_names_from_outside_are_text() -> None:
    board = Board()
    board.said("data: <script>alert(1)</script>")
    whole = Page(board, "<b>title</b>", TEMPLATES).whole()
    assert "<script>alert" not in whole
    assert "<b>title" not in whole


def test_parts_are_made_again_only_where_something_changed() -> None:
    board = Board()
    page = Page(board, "A post", TEMPLATES)
    board.began("a.head")
    before = dict(page.parts())
    board.reported("a.head", {"epoch": 1, "epochs": 4, "loss": 0.7, "accuracy": 0.5})
    after = page.parts()
    assert after["status"] != before["status"]
    assert all(after[name] is before[name] for name in STEADY)


def test_a_broken_template_is_refused_before_the_build_begins(tmp_path: Path) -> None:
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    (tmp_path / "templates" / FOLDER / "runs.html.j2").write_text("{% if %}")
    with pytest.raises(BadInput, match=r"runs\.html\.j2:1"):
        Page(Board(), "A post", tmp_path / "templates")


def test_keys_and_site_are_the_same_as_without(
    watched: WatchedBuild, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fakes.install(monkeypatch.setattr)
    plain = make_project(tmp_path / "plain")
    plain.build()
    assert store_keys(plain.places.store) == store_keys(watched.project.places.store)
    assert timeless(plain.site()) == timeless(watched.project.site())
