"""What the benchmarks keep of a measurement, and what they make of it for the documents."""

import ast
import importlib
import json
import os
import threading
import time
from copy import deepcopy
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import (
    commands,
    compare,
    live,
    near_duplicates,
    phases,
    precision,
    record,
    results_scale,
    shards,
    shortcuts,
    storage,
    weights,
)
from benchmarks.compare import as_markdown
from benchmarks.project import POLL_SECONDS, Watch, _tree
from generator.experiment.config.loading import load
from generator.support.errors import BuildFailed
from generator.support.files import file_hash
from generator.support.places import ROOT
from tests import committed, repositories

BENCHMARKS = ROOT / "benchmarks"


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BENCHMARKS / "recorded" / name).read_text("utf-8"))
    return found


@pytest.fixture
def rounds() -> list[dict[str, Any]]:
    rounds: list[dict[str, Any]] = recorded("rounds-all.json")["rounds"]
    return rounds


def test_a_ratio_is_the_median_of_the_rounds_own(rounds: list[dict[str, Any]]) -> None:
    same, slow, slowing = (deepcopy(rounds[0]) for _ in range(3))
    for found, plain, project in ((same, 300, 100), (slow, 900, 300), (slowing, 300, 150)):
        found["plain_runs"]["baseline"]["seconds"] = plain
        found["project"]["float32"]["baseline"]["seconds"] = project
    # The quotient of the medians would be 2.00.
    assert "| baseline, whole | 300.0 | 150.0 | 3.00× (2.00–3.00) |" in as_markdown([same, slow, slowing])


def test_a_single_round_has_no_spread(rounds: list[dict[str, Any]]) -> None:
    assert "–" not in as_markdown(rounds[:1]).split("\n\n")[0]


def test_goals_are_met_by_the_median_or_by_every_round(rounds: list[dict[str, Any]]) -> None:
    assert "| all, bfloat16 | 5.5× | 4.57× | 4.23× | not met |" in compare.against_goals(rounds), "with AMX"
    rounds = deepcopy(rounds)
    rounds[0]["machine"]["bfloat16 units"] = "avx512_bf16"
    assert "| all, bfloat16 | 4× | 4.57× | 4.23× | met by every round |" in compare.against_goals(rounds)
    rounds[1]["project"]["bfloat16"]["all"]["seconds"] = 10_000
    assert compare.against_goals(rounds).splitlines()[-1].endswith("| met |")


def test_the_plot_is_the_one_drawn_of_the_recorded_rows() -> None:
    assert file_hash(BENCHMARKS / "scaling.png") == recorded("scaling.json")["plot"], (
        "python -m benchmarks.scaling --image-size 64 --epochs 3 2 --factors 0.25 1 10 100 "
        "--plot benchmarks/scaling.png --json benchmarks/recorded/scaling.json"
    )


def test_what_was_measured_with_other_inputs_says_so() -> None:
    found = record.of(seconds=1)
    assert "changed since" not in record.circumstances(found)
    found["measured"]["weights"] = "others"
    assert record.circumstances(found).endswith("The weights have changed since.")
    found["measured"] |= {"sample": 0, "transcribed": "Clocked by hand."}
    assert record.circumstances(found).endswith("Clocked by hand. The sample and the weights have changed since.")


@pytest.mark.parametrize("path", sorted((BENCHMARKS / "recorded").glob("*.json")), ids=lambda path: path.name)
def test_every_record_says_when_and_by_which_code_it_was_measured(path: Path) -> None:
    found = recorded(path.name)
    for one in [found] if "measured" in found else found.get("rounds", found.values()):
        assert one["measured"].keys() >= {"date", "commit", "command"}
        assert one["machine"]["processor"]


def test_a_precision_is_told_in_a_sentence() -> None:
    measure = {"float32": 0.2, "bfloat16": 0.21, "difference": -0.01, "error": 0.001, "spread": 0.04}
    found = {"seeds": 3, "measures": {"test loss": measure, "test accuracy": measure | {"spread": 0.001}}}
    told = precision.in_a_sentence(found | {"mended": 1, "broken": 2, "predictions": 3000})
    assert told.startswith("over 3 seeds it changed 3 of 3,000 test predictions and moved the losses by at most 25.0%")


def test_other_weights_stand_below_those_of_the_site() -> None:
    score = {"accuracy": 0.5, "correct": 20, "total": 40}
    many = {"accuracy": 0.6, "correct": 600, "total": 1000}
    epochs = {"head": {"val_accuracy": 0.4}, "fine_tuning": {"val_accuracy": 0.45}}
    baseline = {"title": "Baseline", "epochs": epochs, "test": score, "measurement": {"head": many}}
    lines = weights.as_markdown({"random": {"variants": {"baseline": baseline}}}).splitlines()
    assert lines[-1] == "| random | Baseline | 0.4000 | 0.4500 | 0.5000 (20 of 40) | 0.6000 (600 of 1,000) |  |"


def test_the_scores_of_the_site_are_those_of_the_committed_one(tmp_path: Path) -> None:
    kept = recorded("weights.json")
    found = any(weights.of_site(site).items() <= kept.items() for site in committed.sites(tmp_path))
    assert found, "docs/weights.md shows the scores of another site; renew them with `make docs`"


def test_the_two_commands_are_told_with_and_without_their_memory() -> None:
    assert commands.told({"seconds": 492.0}) == "8 minutes"
    assert commands.told({"seconds": 44.6, "memory": 2**31}) == "45 seconds and 2.0 GiB of memory"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose two commands take no time, in place of the project."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "Makefile").write_text(".PHONY: site test\nsite test:\n\techo $@ by $(PYTHON) > made-$@\n", "utf-8")
    repositories.git(folder, "init", "-q")
    repositories.commit_all(folder)
    monkeypatch.setattr(commands, "ROOT", folder)
    return folder


def measure(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks.commands", *arguments])
    commands.main()


def test_commands_are_measured_in_a_clone_and_others_are_kept(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "commands.json"
    kept.write_text(json.dumps({"smoke": {"seconds": 40}}), "utf-8")
    measure(monkeypatch, "--commands", "site", "test", "--json", str(kept), "--clone", str(tmp_path / "clones"))
    found = json.loads(kept.read_text("utf-8"))
    assert list(found) == ["smoke", "site", "test"]
    assert found["smoke"] == {"seconds": 40}
    assert found["site"]["seconds"] > 0
    assert found["test"].keys() >= {"measured", "machine", "memory", "processor"}
    assert not list(project.glob("made-*"))
    made = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("clones/*/made-*"))
    assert made == ["clones/site/made-site", "clones/test/made-test"], "none finds what another has made"


def test_what_is_not_committed_would_not_be_measured(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "Makefile").write_text("site:\n", "utf-8")
    with pytest.raises(SystemExit, match="commit first"):
        measure(monkeypatch, "--commands", "site")


def test_a_machine_that_ran_both_commands_is_named_once() -> None:
    found = {name: {"seconds": 60.0 * n, "machine": {"processor": "AMD"}} for name, n in (("site", 8), ("test", 21))}
    assert commands.in_a_sentence(found) == "`make site` took 8 minutes, `make test` 21 minutes on AMD"
    found["site"]["machine"] = {"processor": "Xeon"}
    assert commands.in_a_sentence(found) == "`make site` took 8 minutes on Xeon, `make test` 21 minutes on AMD"


def test_features_lie_apart_by_a_share_of_their_length() -> None:
    wanted = np.array([[3.0, 0.0], [0.0, 4.0]])
    assert storage.apart(wanted, wanted) == 0
    assert storage.apart(wanted * 1.5, wanted) == 0.5


def test_what_storage_changes_is_told_by_sample_and_in_all() -> None:
    rows = [
        {"seed": 7, "difference": 0.0125, "validation": 64, "right": {"float16": 50, "int8": n}, "told_otherwise": 2}
        for n in (50, 48)
    ]
    told = storage.as_markdown({"rows": rows})
    assert "| 7 | 1.25% | 50 of 64 | 48 of 64 | 2 |" in told
    assert "Of the 128 validation images" in told
    assert "tells 100 rightly on features of the float16 kernels and 98 on those of the int8 kernels; 4 it" in told


@pytest.mark.parametrize("seed", storage.SEEDS)
def test_storage_is_measured_on_no_published_sample(seed: int) -> None:
    assert seed not in (0, load(ROOT / "experiment.toml").data.sample_seed)


def test_a_samples_training_images_are_split_as_a_build_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "SIZE", 8)
    monkeypatch.setattr(storage, "BATCH", 4)
    pixels, labels, train, validation = storage.sampled(101, 12)
    assert pixels.shape == (12, 8, 8, 3)
    assert labels.tolist() == [0] * 6 + [1] * 6
    assert sorted(train + validation) == list(range(12))
    assert len(validation) == 4


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("benchmarks/*.py"), *ROOT.glob("tools/*.py")]), ids=lambda p: p.stem
)
def test_what_is_imported_late_is_there(path: Path) -> None:
    """What a function imports, for TensorFlow comes with it, is missed only when that is run: once in months."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("generator."):
            defined = _defined(node.module)
            missing = [each.name for each in node.names if each.name not in defined]
            assert not missing, f"line {node.lineno}: {node.module} has no {', '.join(missing)}"


def _defined(module: str) -> set[str]:
    """Names at the top of a module, without importing it; of a room its modules."""
    path = (ROOT / module.replace(".", "/")).with_suffix(".py")
    if not path.exists():
        return {each.stem for each in path.with_suffix("").iterdir()}
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            found |= {each.asname or each.name for each in node.names}
    return found


def test_false_alarms_are_counted_over_all_sets() -> None:
    of = {"found": 3, "beside": 0}
    sets = [{"name": name, "images": 3, "pairs": 0, "altered": {"mirrored": of}} for name in ("sample 1", "pets.zip")]
    found = {"sets": sets}
    assert near_duplicates.false_alarms(found).startswith("none among the 6 originals, none between")
    assert near_duplicates.as_markdown(found).splitlines()[2] == "| mirrored | 3 | 3 |"
    sets[0] |= {"pairs": 2, "altered": {"mirrored": {"found": 2, "beside": 1}}}
    assert near_duplicates.false_alarms(found).startswith("2 among the 6 originals, 1 between")


def test_what_the_page_of_a_build_costs_is_what_its_own_process_took_more() -> None:
    def cost(own: float, workers: float) -> dict[str, float]:
        return {"elapsed": 50, "own": own, "workers": workers, "processor": own + workers, "events": 40, "received": 9}

    rounds = [{"without": cost(10, 90), "with": cost(own, 95)} for own in (10.5, 11, 13)]
    text = live.as_markdown({"arguments": ["--profile", "smoke"], "rounds": rounds})
    assert "| processor time | 100.0 | 106.0 | 1.060 (1.055 to 1.080) |" in text
    assert "`build.py --profile smoke`, 3 rounds; 40 events a build." in text
    assert text.endswith("The page took +1.00% (+0.50% to +3.00%) of the build's processor time.")


def test_what_passes_in_a_timed_function_belongs_to_it_alone() -> None:
    now = iter(range(100))
    clock = phases.Clock(lambda: float(next(now)))
    inner = clock.timed(lambda: None, lambda: "inner")
    outer = clock.timed(lambda: [inner(), inner()], lambda: "outer")
    outer()
    # Asked at 0; 1, 2; 3, 4; 5.
    assert clock.seconds == {"outer": 3.0, "inner": 2.0}

    def fails() -> None:
        raise BuildFailed

    with pytest.raises(BuildFailed):
        clock.timed(fails, lambda: "failed")()
    assert clock.seconds["failed"] == 1.0


def test_what_another_thread_takes_is_no_part_of_what_waits_for_it() -> None:
    now = iter(range(100))
    clock = phases.Clock(lambda: float(next(now)))
    inner = clock.timed(lambda: None, lambda: "inner")

    def wait() -> None:
        other = threading.Thread(target=inner)
        other.start()
        other.join()

    clock.timed(wait, lambda: "outer")()
    assert (clock.seconds, clock.beside) == ({"outer": 3.0}, {"inner": 1.0})


@pytest.mark.parametrize("where", [*phases.TIMED, phases.STAGES_RUN])
def test_what_is_timed_is_there(where: str) -> None:
    module, _, names = where.partition(":")
    assert callable(reduce(getattr, names.split("."), importlib.import_module(module)))


def test_every_stage_has_a_phase() -> None:
    kinds = {name: phases.kind_of(name) for name in ("fine_tuning", "features", "curves", "pixels", "split", "probe")}
    assert list(kinds.values()) == [
        "stages: training",
        "stages: images passed through the network, scored",
        "stages: drawing",
        "stages: decoding",
        "stages: others",
        phases.PROBED,
    ]


def test_phases_are_shares_of_the_whole() -> None:
    found = {phases.ENVIRONMENT: 20.0, phases.REST: 1.0, "stages: drawing": 6.0, "waiting": 12.0, "preview": 1.0}
    beside = {phases.TENSORFLOW: 5.0, phases.TRAINING: 12.0, "stages: others": 3.0}
    took = {"median": 0.25, "slowest": 0.5, "processor": 0.2, "repeats": 5}
    text = phases.as_markdown({"phases": found, "beside": beside, "commands": {"help": took}})
    assert "| environment, packages downloaded | 20.0 | 50% |" in text
    assert "| **of it not training** | 28.0 | 70% |" in text
    assert "| stages: training | 12.0 |" in text
    assert text.endswith("| help | 0.25 | 0.50 | 0.20 |")


def test_shards_side_by_side_are_not_measured_with_one_job(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks.shards", "--jobs", "1"])
    with pytest.raises(SystemExit) as ended:
        shards._options()
    assert ended.value.code == 2
    assert "--jobs 1: one at a time is measured anyway; give 2 or more" in capsys.readouterr().err
    # As the program calls itself.
    monkeypatch.setattr("sys.argv", ["benchmarks.shards", "--jobs", "1", "--store", "folder"])
    assert shards._options().jobs == 1


def of_results(seconds: float, memory: int, step: str = "post", axis: str = "images") -> results_scale.Row:
    facts = {"page": int(1000 * seconds), "table_rows": 1200, "pictures": 25} if step == "post" else {}
    return {"axis": axis, "size": {}, "step": step, "seconds": seconds, "memory": memory * 2**20, **facts}


def test_what_follows_training_is_told_with_its_ratio_and_held_against_the_limits() -> None:
    rows = [of_results(2.0, 300), of_results(9.0, 900), of_results(1.0, 200, "diff"), of_results(8.0, 800, "diff")]
    told = results_scale.as_markdown({"rows": rows})
    assert "| images | post | 2.0 | 9.0 | 4.5× | 300 | 900 |" in told
    assert "| images | 2 | 9 | 4.5× | 1,200 | 1,200 | 25 | 25 |" in told
    assert "Most in time: diff, 8.0 times" in told
    assert "900 MiB, for post; within the limits" in told
    assert "NOT within" in results_scale.as_markdown({"rows": [of_results(1.0, 300), of_results(11.0, 900)]})
    assert "NOT within" in results_scale.as_markdown({"rows": [of_results(1.0, 300), of_results(2.0, 2049)]})


def test_every_step_of_a_small_result_is_measured(tmp_path: Path) -> None:
    size = {"images": 12, "variants": 1}
    found = {step: results_scale._measured(step, tmp_path, size) for step in results_scale.STEPS if step != "figures"}
    assert found["post"]["table_rows"] > 10
    assert found["verify"]["findings"] == 0
    assert found["diff"]["report"] > 5000
    assert found["export"]["file"] > found["post"]["page"] / 2
    assert all(row["memory"] > 2**20 for row in found.values())


def test_a_process_that_ends_while_it_is_looked_at_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Path, pattern: str) -> None:
        raise FileNotFoundError(self)

    monkeypatch.setattr(Path, "glob", gone)
    watch = Watch(lambda: _tree(os.getpid()))
    time.sleep(3 * POLL_SECONDS)
    assert watch.stop() > 0


def test_sites_are_compared_byte_by_byte_and_where_they_differ_by_their_numbers() -> None:
    def site(loss: float, page: bytes = b"page") -> dict[Path, bytes]:
        metrics = {"variants": {"baseline": {"test": {"loss": loss, "correct": 3, "exact": True}}}}
        return {Path("data/metrics.json"): json.dumps(metrics).encode(), Path("post.md"): page}

    same = shortcuts.compared(site(0.5), site(0.5))
    assert same == {"files": 2, "differ": 0, "paths": []}
    found = shortcuts.compared(site(0.5), site(0.4) | {Path("new.md"): b""})
    assert found == {"files": 3, "differ": 2, "paths": ["data/metrics.json", "new.md"], "largest": pytest.approx(0.2)}
    assert shortcuts.compared(site(0.5), site(0.5, b"other"))["largest"] == 0
    rows = [
        {"shortcut": "one", "start": shortcuts.ANEW, "options": ["--jobs", "2"], **same},
        {"shortcut": "two", "start": shortcuts.BEGUN, "options": [], **found},
    ]
    text = shortcuts.as_markdown({"rows": rows, "arguments": ["--variants", "all"]})
    assert "| one | with an empty store | `--jobs 2` | 0 of 2 |  |" in text
    assert "| two | after one of the baseline alone |  | 2 of 3 | 0.2 |" in text
    assert "| two |" not in shortcuts.as_markdown({"rows": rows, "arguments": ["--variants", "baseline"]})
