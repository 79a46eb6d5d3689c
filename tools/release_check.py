"""Tries whether what is committed can be released: `make release-check`, or `python tools/release_check.py`.

The commit is packed (`build`), the packages are looked at (`twine check`), and the wheel is installed into an empty
environment and used as a user would, in a folder outside the checkout: a project is begun, built at small size and
verified. The network serves the making of environments and nothing else. What was packed is left in
build-output/release/dist/.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build-output" / "release"
LOCK = ROOT / "requirements-release.txt"
"""What packs and checks, with hashes."""

SMALL = ("--profile", "smoke", "--weights", "embedded")
"""Options of the build; without a download."""


def main() -> int:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    packages = pack(unpacked_commit())
    with tempfile.TemporaryDirectory(prefix="measured-post-") as scratch:
        use(packages, Path(scratch))
    print(f"released could be: {', '.join(package.name for package in packages)}, in {OUT / 'dist'}")
    return 0


def unpacked_commit() -> Path:
    """The files of the commit, without what the working tree has beside them."""
    archive, folder = OUT / "commit.tar", OUT / "commit"
    run("git", "-C", ROOT, "archive", "--output", archive, "HEAD")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()
    return folder


def pack(folder: Path) -> list[Path]:
    """Source archive and, made of that alone, wheel."""
    tools = environment(OUT / "tools")
    run(tools / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", LOCK)
    run(tools / "pyproject-build", "--outdir", OUT / "dist", folder)
    packages = sorted((OUT / "dist").iterdir())
    run(tools / "twine", "check", "--strict", *packages)
    return packages


def use(packages: list[Path], scratch: Path) -> None:
    """Install the wheel where nothing else is, and begin, build and verify a project with it."""
    installed = environment(scratch / "environment")
    wheel = next(package for package in packages if package.suffix == ".whl")
    run(installed / "python", "-m", "pip", "install", "--quiet", wheel)
    run(installed / "python", "-m", "pip", "check")
    lies = "import generator; print(generator.__path__[0])"
    package = Path(subprocess.check_output([installed / "python", "-I", "-c", lies], text=True, cwd=scratch).strip())
    before = files(package)
    run(installed / "measured-post", "new", "mine", cwd=scratch)
    run(installed / "measured-post", *SMALL, cwd=scratch / "mine")
    run(installed / "measured-post", "verify", cwd=scratch / "mine")
    if files(package) != before:
        sys.exit(f"release-check: written into the installed package: {sorted(files(package) ^ before)}")


def environment(folder: Path) -> Path:
    """A new environment, with nothing but pip; gives the folder of its programs."""
    venv.create(folder, with_pip=True)
    return folder / "bin"


def files(folder: Path) -> set[str]:
    """Paths below `folder`; without what Python compiles for itself."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix != ".pyc"}


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command, shown as it is typed; end with its exit code if it fails."""
    print("$", *command, flush=True)
    # Nothing of the checkout may be found by accident.
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=clean, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    sys.exit(main())
