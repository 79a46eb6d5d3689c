"""A pull request against its base branch, in a bare repository; its comment, on a server that answers as GitHub's.

What builds here copies a prepared site: `build.py` of the test's repository. What compares is the real program.
"""

import html
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from generator.diff import fitting
from tests.factories import ROOT, make_results, make_variant
from tests.repositories import commit_all, git, isolate, make_config, make_site
from tools import pull_request as program

BUILD = f"""
import shutil, sys
from pathlib import Path
from types import SimpleNamespace
sys.path.insert(0, {str(ROOT)!r})
from generator import cli
from generator.data import dataset
dataset.find = lambda settings, store, copy: SimpleNamespace(root=Path("none"), fingerprint="none", source="none")
if sys.argv[1] == "diff":
    sys.exit(cli.main(sys.argv[1:]))
option = lambda name: Path(sys.argv[sys.argv.index(name) + 1])
Path("asked.txt").write_text(" ".join(sys.argv[1:]))
if Path("broken").exists():
    print("error: experiment.toml: head.epochs must be a ``` number")
    sys.exit(2)
shutil.copytree("made", option("--site"))
if "--export" in sys.argv:
    option("--export").write_text("<p>the post</p>")
"""

GATED = '\n[gates]\n"test.accuracy" = "-0.02"\n'


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    isolate(monkeypatch, tmp_path)
    for name, value in (("NAME", "T"), ("EMAIL", "t@example.org")):
        monkeypatch.setenv(f"GIT_AUTHOR_{name}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A bare repository whose branch `main` has a gated build."""
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    make_config(work)
    path = work / "experiment.toml"
    path.write_text(re.sub(r"^# \[gates\]", "# gates:", path.read_text("utf-8"), flags=re.MULTILINE) + GATED, "utf-8")
    (work / "build.py").write_text(BUILD)
    (work / ".gitignore").write_text("build-output/\n.store/\nasked.txt\n")
    make_site(work / "made")
    commit_all(work, "the base branch")
    git(tmp_path, "clone", "-q", "--bare", str(work), str(tmp_path / "origin.git"))
    return tmp_path / "origin.git"


def pull_request(origin: Path, number: int, **changes: Any) -> Path:
    """A checkout of the merge of a pull request, as GitHub's action makes one: two commits deep."""
    work, checkout = origin.parent / "work", origin.parent / f"checkout-{number}"
    git(work, "checkout", "-q", "-b", f"change-{number}", "main")
    if "accuracy" in changes:
        baseline = make_variant(wrong=changes["accuracy"])
        make_site(work / "made", make_results(variants={**make_results().variants, "baseline": baseline}))
    if changes.get("broken"):
        (work / "broken").touch()
    if "settings" in changes:
        path = work / "experiment.toml"
        path.write_text(changes["settings"](path.read_text("utf-8")), "utf-8")
    commit_all(work, "a change")
    git(work, "checkout", "-q", "main")
    git(work, "merge", "-q", "--no-ff", "-m", "merge", f"change-{number}")
    git(work, "push", "-q", str(origin), f"HEAD:refs/pull/{number}/merge")
    git(work, "reset", "-q", "--hard", "HEAD^1")
    checkout.mkdir()
    git(checkout, "init", "-q")
    git(checkout, "fetch", "-q", "--depth=2", f"file://{origin}", f"refs/pull/{number}/merge")
    git(checkout, "checkout", "-q", "FETCH_HEAD")
    return checkout


def compare(checkout: Path, *more: str) -> tuple[int, str]:
    """Exit code and comment."""
    command = [sys.executable, str(ROOT / "tools" / "pull_request.py"), "compare", "--base-name", "main", *more]
    run = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    written = checkout / "build-output" / "pull-request" / "comment.md"
    assert written.is_file(), run.stderr
    return run.returncode, written.read_text("utf-8")


def test_a_change_that_keeps_the_gates_passes(origin: Path) -> None:
    checkout = pull_request(origin, 1, accuracy=())
    code, text = compare(checkout)
    assert code == 0
    assert re.search(r"^## main &#40;[0-9a-f]{7}&#41; → pull request &#40;[0-9a-f]{7}&#41;$", text, re.MULTILINE)
    assert "Built with the profile `smoke`." in text
    assert "| passed | baseline |" in text
    out = checkout / "build-output" / "pull-request"
    assert (out / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (out / "post.html").is_file()
    assert git(checkout, "worktree", "list").count("\n") == 0


def test_a_change_that_misses_a_gate_fails_and_says_by_how_much(origin: Path) -> None:
    code, text = compare(pull_request(origin, 2, accuracy=tuple(range(12))))
    assert code == 1
    assert "**1 of 3 gates missed**" in text
    assert "| **missed** | baseline | 0.875 | 0.7 |" in text


def test_a_gate_that_the_pull_request_takes_away_holds_it_all_the_same(origin: Path) -> None:
    def without(text: str) -> str:
        return text.replace(GATED, "")

    code, text = compare(pull_request(origin, 3, accuracy=tuple(range(12)), settings=without))
    assert code == 1
    assert "Held to 1 of the gates of main, too, which the pull request takes away or changes." in text


def test_a_build_that_fails_is_said_with_its_last_words(origin: Path) -> None:
    code, text = compare(pull_request(origin, 4, broken=True))
    assert code == 2
    assert re.search(r"\*\*The build of pull request \([0-9a-f]{7}\) failed\*\*", text)
    assert "\n````\nerror: experiment.toml: head.epochs must be a ``` number\n````\n" in text


def test_a_remote_store_on_both_sides_allows_the_full_build(origin: Path) -> None:
    def stored(text: str) -> str:
        return text + '\n[store]\nremote = "s3://bucket/prefix"\n'

    checkout = pull_request(origin, 5, settings=stored)
    # Its base has none: half a comparison would train for hours.
    assert program.profile_of("auto", [checkout / "experiment.toml"]) is None
    assert "Built with the profile `smoke`." in compare(checkout)[1]
    assert program.profile_of("none", [checkout / "experiment.toml"]) is None
    assert program.profile_of("mine", [checkout / "experiment.toml"]) == "mine"


def test_settings_are_read_with_what_they_extend(tmp_path: Path) -> None:
    def config(folder: str, common: str) -> Path:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "common.toml").write_text(common, "utf-8")
        path = tmp_path / folder / "experiment.toml"
        path.write_text('extends = "common.toml"\n[gates]\n"test.loss" = "+0.1"\n', "utf-8")
        return path

    base = config("base", '[gates]\n"test.accuracy" = "-0.02"\n[store]\nremote = "s3://bucket/prefix"\n')
    head = config("head", "gates = 3\nstore = 4\n")
    assert program.gates_to_add(base, head) == ["test.accuracy=-0.02"]
    assert program.profile_of("auto", [base, base]) is None
    assert program.profile_of("auto", [base, head]) == "smoke"


def test_what_a_program_said_fits_into_a_comment(origin: Path) -> None:
    text = program.quoted("x" * 200_000 + "\n```` end")
    assert len(text) < program.LONGEST_QUOTED + 20
    assert text.startswith("`````\n")
    assert text.endswith("\n```` end\n`````")


def test_a_killed_comparison_and_settings_that_are_missing_leave_a_comment(origin: Path) -> None:
    checkout = pull_request(origin, 7)
    left = checkout / "build-output" / "pull-request" / "base-checkout"
    git(checkout, "worktree", "add", "--detach", str(left), "HEAD^1")
    code, text = compare(checkout, "--config", "none.toml")
    assert code == 2
    assert text.startswith("**Nothing was built.**")
    assert "none.toml: cannot be read" in text


def test_a_base_that_is_not_there_is_one_line(origin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = pull_request(origin, 6)
    before = Path.cwd()
    os.chdir(checkout)
    try:
        assert program.main(["compare", "--base", "nothing"]) == 2
    finally:
        os.chdir(before)
    assert re.fullmatch(r"error: git worktree: .*nothing.*\n", capsys.readouterr().err)


# The comment


class GitHub(http.server.BaseHTTPRequestHandler):
    """Pull requests and comments of one repository, in pages, as GitHub's interface gives them."""

    comments: ClassVar[list[dict[str, Any]]] = []
    pulls: ClassVar[list[dict[str, Any]]] = []
    refusing: ClassVar[bool] = False

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        if "/pulls" in self.path:
            return self.answer([p for p in self.pulls if p["head"]["label"] == query["head"][0]])
        size, page = int(query["per_page"][0]), int(query["page"][0])
        return self.answer(self.comments[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        self.comments.append({"id": len(self.comments), "user": {"login": program.BOT}, **self.given()})
        self.answer(self.comments[-1])

    def do_PATCH(self) -> None:
        comment = self.comments[int(self.path.rpartition("/")[2])]
        comment.update(self.given())
        self.answer(comment)

    def given(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return body

    def answer(self, data: Any) -> None:
        allowed = self.headers["Authorization"] == "Bearer secret"
        self.send_response(200 if allowed else 403)
        self.end_headers()
        self.wfile.write(json.dumps(data).encode())

    def log_message(self, format: str, *arguments: Any) -> None:
        """Silent."""


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[GitHub]]:
    GitHub.comments, GitHub.pulls = [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitHub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    yield GitHub
    server.shutdown()
    server.server_close()


def say(tmp_path: Path, text: str, *more: str) -> int:
    file = tmp_path / "comment.md"
    file.write_text(text, "utf-8")
    which = more or ("--number", "7")
    return program.main(["comment", str(file), "--repository", "o/r", *which])


def test_the_comment_is_written_once_and_then_renewed(github: type[GitHub], tmp_path: Path) -> None:
    others = [{"id": i, "user": {"login": "someone"} if i else None, "body": "talk"} for i in range(150)]
    # Somebody who copies the marker does not have it written into a comment that he may edit.
    others[3]["body"] = f"{program.MARKER}\nmine"
    github.comments += others
    assert say(tmp_path, "first") == 0
    assert say(tmp_path, "second", "--number", "7", "--run", "https://example.org/runs/1") == 0
    assert len(github.comments) == 151
    assert github.comments[3]["body"].endswith("mine")
    assert github.comments[150]["body"] == (
        f"{program.MARKER}\nsecond\n\nThe page with images and the pull request's post are among the"
        " [artefacts of this run](https://example.org/runs/1).\n"
    )


def test_the_pull_request_is_the_one_that_stands_at_the_commit(
    github: type[GitHub], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github.pulls.append({"number": 12, "head": {"label": "fork:a&b", "sha": "abc"}})
    assert say(tmp_path, "text", "--head", "fork:a&b", "--sha", "abc") == 0
    assert "written in pull request 12" in capsys.readouterr().out
    assert say(tmp_path, "late", "--head", "fork:a&b", "--sha", "old") == 0
    assert "nothing to say" in capsys.readouterr().out
    # The same branch into another one: which of the two was compared is not known.
    github.pulls.append({"number": 13, "head": {"label": "fork:a&b", "sha": "abc"}})
    assert say(tmp_path, "of one of them", "--head", "fork:a&b", "--sha", "abc") == 0
    assert "nothing to say" in capsys.readouterr().out
    assert [c["body"] for c in github.comments] == [f"{program.MARKER}\ntext\n"]


def test_text_of_the_pull_request_calls_nobody_and_hides_nothing(github: type[GitHub], tmp_path: Path) -> None:
    text = f"@everyone &#64;everyone &#x40;everyone &commat;everyone {program.MARKER} <!-- x"
    assert say(tmp_path, text) == 0
    body = github.comments[0]["body"].removeprefix(program.MARKER)
    assert "@everyone" not in html.unescape(body)
    assert "<!--" not in body
    assert body.replace(program.JOINER, "").strip() == text


def test_what_compare_cannot_have_written_is_refused(github: type[GitHub], tmp_path: Path) -> None:
    assert say(tmp_path, "x" * fitting.GITHUB) == 2
    assert say(tmp_path, "x" * (program.LONGEST_FILE + 1)) == 2
    (tmp_path / "link.md").symlink_to("/etc/hostname")
    assert program.main(["comment", str(tmp_path / "link.md"), "--repository", "o/r", "--number", "7"]) == 2
    assert github.comments == []


def test_a_refusal_of_github_is_one_line(
    github: type[GitHub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    assert say(tmp_path, "text") == 1
    assert re.search(r"^error: GET .*: 403 Forbidden; is pull-requests: write granted\?$", capsys.readouterr().err)


# The workflows


def workflow(name: str) -> dict[Any, Any]:
    table: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text("utf-8"))
    # YAML 1.1 reads `on` as true.
    return {("on" if key is True else key): value for key, value in table.items()}


def test_what_runs_a_pull_requests_code_has_no_rights_and_no_secret() -> None:
    text = (ROOT / ".github" / "workflows" / "compare.yml").read_text("utf-8")
    found = workflow("compare.yml")
    assert found["on"] == "pull_request"
    assert found["permissions"] == {"contents": "read"}
    assert "secrets." not in text
    checkout = found["jobs"]["compare"]["steps"][0]["with"]
    assert checkout["persist-credentials"] is False
    assert "secrets." not in (ROOT / "action.yml").read_text("utf-8")


def test_what_may_comment_runs_nothing_of_a_pull_request() -> None:
    found = workflow("compare-comment.yml")
    assert found["on"] == {"workflow_run": {"workflows": [workflow("compare.yml")["name"]], "types": ["completed"]}}
    steps = found["jobs"]["comment"]["steps"]
    assert "ref" not in steps[0]["with"]
    assert steps[1]["with"]["path"].startswith("${{ runner.temp }}")
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
