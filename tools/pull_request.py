"""A pull request held against its base branch: `compare` builds and compares both, `comment` says it on GitHub.

    python tools/pull_request.py compare --base HEAD^1 --out build-output/pull-request
    python tools/pull_request.py comment build-output/pull-request/comment.md --repository OWNER/NAME --number 7

The two are apart because they run with different rights: `compare` runs what the pull request brings and needs no
secret, `comment` runs the default branch's own code with the right to comment (docs/pull-requests.md).

`compare` exits 0, 1 on a missed gate, 2 where one of the builds failed. In each case it leaves `comment.md`; after a
comparison also `report.html`, and `post.html` of the pull request.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

# Of the standard library alone, so that `comment` needs nothing installed.
from generator.diff import fitting  # noqa: E402
from generator.support.errors import BadInput, BuildFailed, MeasuredPostError, printable  # noqa: E402

MARKER = "<!-- measured-post: comparison with the base branch -->"
"""First line of the comment, which no reader sees: by it the comment is found again."""
RESERVED = 2_000
"""Characters of GitHub's limit that are left for what stands around the comparison."""
SMOKE = "smoke"
LAST_LINES = 25
"""Of a build that failed."""
LONGEST_QUOTED = 10_000
"""Characters of what a program said."""
LONGEST_FILE = 1_000_000
"""Bytes of a comment that is read at all: it comes from the pull request's own code."""
JOINER = "\N{WORD JOINER}"
"""Seen by nobody, and no part of a name: also in code, where a reference would be shown as it is written."""
_AT = re.compile(r"@|&#0*64;|&#[xX]0*40;|&commat;")
BOT = "github-actions[bot]"
"""Who writes the comments: somebody else's comment with the marker is none of ours."""


@dataclass(frozen=True)
class Side:
    """One of the two that are compared."""

    name: str
    folder: Path
    """Of the checkout."""
    commit: str
    is_new: bool
    """Whether it is the pull request's."""

    @property
    def label(self) -> str:
        return f"{self.name} ({self.commit[:7]})"


class NotBuilt(BuildFailed):
    """A build failed; the message is what it printed last."""


def compare(options: argparse.Namespace) -> int:
    """Build both sides, write `comment.md` and the pages; gives the exit code."""
    project, out = Path(git(Path.cwd(), "rev-parse", "--show-toplevel")), options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with checkout(project, options.base, out / "base-checkout") as folder:
        base = Side(options.base_name, folder, git(folder, "rev-parse", "HEAD"), is_new=False)
        head = Side("pull request", project, git(project, "rev-parse", "HEAD"), is_new=True)
        configs = [side.folder / options.config for side in (base, head)]
        how = ""
        try:
            profile, more = profile_of(options.profile, configs), gates_to_add(*configs)
            how = how_built(profile, base, more)
            for side in (base, head):
                build(side, options, profile, out)
            code, text = difference(base, head, options, out, more)
        except NotBuilt as error:
            code, text = 2, str(error)
        except BadInput as error:
            code, text = 2, f"**Nothing was built.**\n\n{quoted(str(error))}"
    (out / "comment.md").write_text(f"{how}\n\n{text}\n".lstrip(), "utf-8")
    print(f"comment  {out / 'comment.md'}")
    return code


def how_built(profile: str | None, base: Side, more: Sequence[str]) -> str:
    how = f"Built with the profile `{profile}`." if profile else "Built in full."
    if more:
        how += f" Held to {len(more)} of the gates of {base.name}, too, which the pull request takes away or changes."
    return how


@contextmanager
def checkout(project: Path, revision: str, folder: Path) -> Iterator[Path]:
    """The files of `revision` in `folder`, as long as the block runs. Raises `BadInput`."""
    git(project, "worktree", "prune")
    with suppress(BadInput):  # there is none, unless an earlier run was killed
        git(project, "worktree", "remove", "--force", str(folder))
    git(project, "worktree", "add", "--force", "--detach", str(folder), revision)
    try:
        yield folder
    finally:
        git(project, "worktree", "remove", "--force", str(folder))


def profile_of(wanted: str, configs: Sequence[Path]) -> str | None:
    """The profile of both builds; None for the full one.

    `auto` is the full one where every side names a store that already holds the stages, else the small and fast one:
    a pull request must not train for hours.
    """
    if wanted == "auto":
        return None if all(settings(config, "store").get("remote") for config in configs) else SMOKE
    return None if wanted == "none" else wanted


def gates_to_add(base: Path, head: Path) -> list[str]:
    """Gates of the base branch that the pull request takes away or changes: it is held to these, too."""
    own = settings(head, "gates")
    return [f"{metric}={limit}" for metric, limit in settings(base, "gates").items() if own.get(metric) != limit]


def settings(config: Path, table: str) -> dict[str, Any]:
    """A table of a file of settings, with what that `extends`; empty where there is none. Raises `BadInput`."""
    from generator.experiment.config import toml_file  # Late: it needs packages.

    found = toml_file.read(config).get(table)
    return found if isinstance(found, dict) else {}  # What is of a wrong kind the build refuses.


def build(side: Side, options: argparse.Namespace, profile: str | None, out: Path) -> None:
    """Build one side with its own code into `out`. Raises `NotBuilt`."""
    name = "head" if side.is_new else "base"
    where = ["--site", str(out / name), "--preview", str(out / f"{name}.html")]
    where += ["--export", str(out / "post.html")] if side.is_new else []
    what = ["--variants", options.variants, *(["--profile", profile] if profile else [])]
    run = program(side.folder, options, [*what, *where], stderr=subprocess.STDOUT)
    print(run.stdout, end="")
    if run.returncode:
        last = "\n".join(run.stdout.strip().splitlines()[-LAST_LINES:])
        raise NotBuilt(f"**The build of {side.label} failed**, so there is nothing to compare.\n\n{quoted(last)}")


def difference(base: Side, head: Side, options: argparse.Namespace, out: Path, gates: Sequence[str]) -> tuple[int, str]:
    """Compare the two builds: the exit code, and Markdown. Raises `NotBuilt` where they cannot be compared."""
    sides = [str(out / "base"), str(out / "head"), "--labels", base.label, head.label]
    sides += [f"--gate={gate}" for gate in gates]
    program(head.folder, options, ["diff", *sides, "--html", str(out / "report.html")])
    run = program(head.folder, options, ["diff", *sides, "--md", "--limit", str(fitting.GITHUB - RESERVED)])
    if run.returncode not in (0, 1):
        raise NotBuilt(f"**The two builds could not be compared.**\n\n{quoted(run.stderr.strip())}")
    return run.returncode, run.stdout.strip()


def program(folder: Path, options: argparse.Namespace, arguments: Sequence[str], **keywords: Any) -> Any:
    """Run the `build.py` of a checkout, or, of one that has none, the one beside this file."""
    own = folder / "build.py"
    shared = ["--config", str(folder / options.config), "--store", str(options.store.resolve())]
    command = [sys.executable, str(own if own.is_file() else ROOT / "build.py"), *arguments, *shared]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **keywords}
    return subprocess.run(command, cwd=folder, text=True, encoding="utf-8", errors="replace", check=False, **output)


def quoted(text: str) -> str:
    """The end of `text` as a block of code that fits into a comment, whatever stands in it."""
    end = text[-LONGEST_QUOTED:]
    fence = "`" * max(3, longest_run(end) + 1)
    return f"{fence}\n{end}\n{fence}"


def longest_run(text: str) -> int:
    """Of backticks."""
    return max((len(part) for part in "".join(c if c == "`" else " " for c in text).split()), default=0)


def git(folder: Path, *arguments: str) -> str:
    """What git prints. Raises `BadInput` with its reason."""
    run = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    if run.returncode:
        reason = run.stderr.strip().splitlines()
        raise BadInput(f"git {arguments[0]}: {printable(reason[-1]) if reason else run.returncode}")
    return run.stdout.strip()


def comment(options: argparse.Namespace) -> int:
    """Write the comment of a pull request, or write it anew where it is there already. Raises `BadInput`."""
    if options.head and not options.sha:
        raise BadInput(f"--head {printable(options.head)}: expected --sha beside it, the commit at which it stands")
    api = Api(options.repository, os.environ.get("GITHUB_API_URL", "https://api.github.com"))
    number = options.number or api.number(options.head, options.sha)
    if number is None:
        print(f"not one open pull request of {printable(options.head)} stands at {options.sha}: nothing to say")
        return 0
    body = body_of(read(options.file), options.run)
    before = api.find(number, options.author)
    if before is None:
        api.call("POST", f"issues/{number}/comments", {"body": body})
    else:
        api.call("PATCH", f"issues/comments/{before}", {"body": body})
    print(f"{'written' if before is None else 'renewed'} in pull request {number}")
    return 0


def read(file: Path) -> str:
    """What the comparison says. Raises `BadInput` for what it cannot have written."""
    if not file.is_file() or file.is_symlink() or file.stat().st_size > LONGEST_FILE:
        raise BadInput(f"{file}: expected a text of at most {LONGEST_FILE:,} bytes that `compare` wrote; see its log")
    return file.read_text("utf-8", errors="replace")


def body_of(text: str, run: str | None) -> str:
    """The comment. Its text comes from the pull request's own code, so it calls nobody and hides no marker.

    Raises `BadInput` where it is longer than GitHub takes.
    """
    quiet = _AT.sub(rf"\g<0>{JOINER}", text.replace("<!--", f"<{JOINER}!--")).strip()
    files = (
        f"\n\nThe page with images and the pull request's post are among the [artefacts of this run]({run})."
        if run
        else ""
    )
    body = f"{MARKER}\n{quiet}{files}\n"
    if fitting.characters(body) > fitting.GITHUB:
        raise BadInput(f"the comment has {fitting.characters(body):,} characters; GitHub takes {fitting.GITHUB:,}")
    return body


@dataclass(frozen=True)
class Api:
    """GitHub's REST interface, for one repository."""

    repository: str
    address: str

    def call(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        """The answer to a request, parsed. Raises `BuildFailed`."""
        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {os.environ.get('GITHUB_TOKEN', '')}",
            "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json",
        }
        address = f"{self.address}/repos/{urllib.parse.quote(self.repository)}/{path}"
        request = urllib.request.Request(address, json.dumps(data).encode() if data else None, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise BuildFailed(
                f"{method} {address}: {error.code} {error.reason}; is pull-requests: write granted?"
            ) from None
        except (OSError, ValueError) as error:
            raise BuildFailed(f"{method} {address}: {error}; run the workflow again") from None

    def number(self, head: str, sha: str) -> int | None:
        """The open pull request whose branch is `head`, `OWNER:BRANCH`, and stands at the commit `sha`.

        It is asked of GitHub and not of the pull request's own run, which could name another one. None where there is
        no such pull request, and where there are several, into different branches: which was compared is not known.
        """
        open_ones = self.call("GET", f"pulls?state=open&per_page=100&head={urllib.parse.quote(head)}")
        found = [int(each["number"]) for each in open_ones if each["head"]["sha"] == sha]
        return found[0] if len(found) == 1 else None

    def find(self, number: int, author: str) -> int | None:
        """The comment that `author` wrote here before."""
        page = 1
        while found := self.call("GET", f"issues/{number}/comments?per_page=100&page={page}"):
            for each in found:
                # Whose account is gone is nobody.
                if (each["user"] or {}).get("login") == author and each["body"].startswith(MARKER):
                    return int(each["id"])
            page += 1
        return None


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="pull_request.py", description=(__doc__ or "").partition("\n")[0])
    commands = made.add_subparsers(dest="command", required=True)
    one = commands.add_parser("compare", help="build both sides and compare them; exits 1 on a missed gate")
    one.add_argument("--base", default="HEAD^1", metavar="REVISION", help="of the base branch; HEAD^1 is a merge's")
    one.add_argument("--base-name", default="base", metavar="NAME", help="what the comment calls it")
    one.add_argument(
        "--config", default="experiment.toml", metavar="FILE", help="the settings, from the checkout's top"
    )
    one.add_argument("--variants", default="all", metavar="NAMES")
    one.add_argument("--profile", default="auto", metavar="NAME", help="auto, none or a [profiles.NAME] table")
    one.add_argument("--store", type=Path, default=Path(".store"), metavar="DIR")
    one.add_argument("--out", type=Path, default=Path("build-output/pull-request"), metavar="DIR")
    one.set_defaults(run_command=compare)
    two = commands.add_parser("comment", help="write the comment, or renew it; takes GITHUB_TOKEN")
    two.add_argument("file", type=Path)
    two.add_argument("--repository", required=True, metavar="OWNER/NAME")
    which = two.add_mutually_exclusive_group(required=True)
    which.add_argument("--number", type=int, metavar="N")
    which.add_argument("--head", metavar="OWNER:BRANCH", help="with --sha: the pull request is looked up")
    two.add_argument("--sha", metavar="COMMIT")
    two.add_argument("--run", metavar="URL", help="of the workflow run whose artefacts are meant")
    two.add_argument("--author", default=BOT, metavar="LOGIN")
    two.set_defaults(run_command=comment)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        return int(options.run_command(options))
    except MeasuredPostError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
