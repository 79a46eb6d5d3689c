"""What a command takes for granted lies beside the experiment that is meant, wherever the command is typed."""

import errno
import os
import sys
from pathlib import Path

import pytest

from generator import cli
from generator.commands import history
from generator.commands.experiment import add_experiment, load
from generator.commands.options import add_config, add_places, make_parser
from generator.experiment.config import loading
from generator.support import places, program
from generator.support.errors import BadInput
from tests.factories import ROOT


def parsed(*arguments: str) -> dict[str, Path]:
    parser = make_parser("", "")
    add_config(parser)
    add_places(parser)
    parser.add_argument("--preview", type=Path)
    return vars(parser.parse_args(arguments))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "INSTALLED", True)


def test_in_a_checkout_all_of_it_is_the_checkouts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").touch()
    monkeypatch.chdir(tmp_path)
    assert parsed() == {
        "config": ROOT / "experiment.toml",
        "site": ROOT / "site",
        "store": ROOT / ".store",
        "preview": ROOT / "build-output" / "preview.html",
    }


def test_what_is_given_is_taken_and_the_rest_lies_beside_the_experiment(tmp_path: Path) -> None:
    found = parsed("--config", str(tmp_path / "mine.toml"), "--store", "there")
    assert found["store"] == Path("there")
    assert found["site"] == tmp_path / "site"
    assert found["preview"] == tmp_path / "build-output" / "preview.html"


def test_a_site_that_the_experiment_names_is_the_site(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[site]\nfolder = "../blog"\n')
    assert parsed("--config", str(path))["site"] == tmp_path / ".." / "blog"
    assert parsed("--config", str(path), "--site", "other")["site"] == Path("other")
    path.write_text("[site]\nfolder = 3\n")
    assert parsed("--config", str(path))["site"] == tmp_path / "site"
    path.write_text("site = 3\n")
    assert parsed("--config", str(path))["site"] == tmp_path / "site"
    path.write_text("site = \n")
    with pytest.raises(BadInput, match="not valid TOML"):
        parsed("--config", str(path))


def test_a_profile_may_name_a_site_of_its_own_and_so_may_a_setting(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    base = f'extends = "{ROOT / "experiment.toml"}"\n'
    path.write_text(f'{base}[site]\nfolder = "main"\n[profiles.smoke.site]\nfolder = "scratch"\n')

    def site(*arguments: str) -> Path:
        parser = make_parser("", "")
        add_experiment(parser)
        add_places(parser)
        options = parser.parse_args(["--config", str(path), *arguments])
        load(options, "all")
        return Path(options.site)

    assert site() == tmp_path / "main"
    assert site("--profile", "smoke") == tmp_path / "scratch"
    assert site("--profile", "smoke", "--set", "site.folder=there") == Path("there")
    assert site("--profile", "smoke", "--site", str(tmp_path / "main")) == tmp_path / "main"
    path.write_text(base)
    assert site() == tmp_path / "site"


@pytest.mark.usefixtures("installed")
def test_an_installed_program_looks_here_and_then_upwards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    deep = tmp_path / "mine" / "site" / "_posts"
    deep.mkdir(parents=True)
    (tmp_path / "mine" / "experiment.toml").touch()
    monkeypatch.chdir(deep)
    assert parsed()["config"] == tmp_path / "mine" / "experiment.toml"
    assert parsed()["site"] == tmp_path / "mine" / "site"
    monkeypatch.chdir(tmp_path / "mine")
    assert parsed()["site"].resolve() == tmp_path / "mine" / "site"
    monkeypatch.chdir(tmp_path)
    assert parsed() == {
        "config": Path("experiment.toml"),
        "site": Path("site"),
        "store": Path(".store"),
        "preview": Path("build-output/preview.html"),
    }


@pytest.mark.usefixtures("installed")
def test_what_it_compiles_goes_where_it_may_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert places.compiled(places.TEMPLATES).is_relative_to(tmp_path)
    assert places.compiled(tmp_path / "templates") == tmp_path / "templates" / "__pycache__"


def test_in_a_checkout_it_lies_with_the_templates() -> None:
    assert places.compiled(places.TEMPLATES) == ROOT / "templates" / "__pycache__"


def test_texts_call_the_command_as_one_types_it(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "python build.py --help; see `build.py history`"
    assert program.as_typed(text) == text
    monkeypatch.setattr(program, "INSTALLED", True)
    monkeypatch.setattr(program, "COMMAND", "measured-post")
    assert program.as_typed(text) == "measured-post --help; see `measured-post history`"


def test_the_packages_of_an_installation_are_those_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {
        "measured-post": ["PyYAML>=6", "rich>=14", 'pytest>=9; extra == "dev"'],
        "rich": ["markdown-it-py>=2.2", 'nowhere-at-all; python_version < "3"'],
    }
    monkeypatch.setattr(program, "INSTALLED", True)
    monkeypatch.setattr(program.metadata, "requires", asked.get)
    assert set(program.packages()) == {"markdown-it-py", "pyyaml", "rich"}


@pytest.mark.parametrize(
    "arguments",
    [
        *(["--explain", f"--{name}="] for name in ("site", "store", "preview", "export", "config", "data")),
        *(["model", "--out", "there", "--out="], ["verify", "--model="], ["diff", "--html="], ["predict", ""]),
        *(["new", ""], ["new", "there", "--data="], ["new", "there", "--blog="]),
    ],
)
def test_an_empty_path_is_refused_and_not_taken_for_the_folder_here(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="2"):
        cli.main(arguments)
    assert capsys.readouterr().err.endswith(": expected a path, and it is empty\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("setting", ["site.folder", "site.docs", "post.templates"])
def test_so_is_an_empty_path_of_a_setting(tmp_path: Path, setting: str) -> None:
    table, name = setting.split(".")
    (tmp_path / "mine.toml").write_text(f'extends = "{ROOT / "experiment.toml"}"\n[{table}]\n{name} = ""\n')
    for given in ({"path": tmp_path / "mine.toml"}, {"path": ROOT / "experiment.toml", "overrides": [f"{setting}="]}):
        with pytest.raises(BadInput, match=rf"{setting} = '': "):
            loading.load(**given)
    with pytest.raises(BadInput, match=rf"{setting} = '': "):
        parsed("--config", str(tmp_path / "mine.toml"))


@pytest.mark.parametrize("size", ["nan", "inf", "-1", "2e9", "much"])
def test_a_size_that_is_none_says_what_is_expected(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        cli.main(["--store-limit", size])
    assert f"{size!r}: expected a number of GiB, as in 20 or 0.5" in capsys.readouterr().err


LONG = "a" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        ("--config", LONG),
        ("verify", "--model", LONG),
        ("new", "project", "--data", LONG),
        ("new", "project", "--blog", LONG),
        ("cache", "--store", LONG),
        ("history", "--store", LONG),
        ("diff", LONG),
        ("--set", f"post.templates={LONG}"),
    ],
)
def test_a_name_that_is_too_long_is_one_line(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = cli.main(arguments), capsys.readouterr().err
    if sys.version_info < (3, 14):  # From there on Python says only that nothing is there.
        assert code == 2
        assert "(File name too long); name a" in said
    assert said.count("\n") <= 1
    assert LONG in said or not said


@pytest.mark.parametrize("path", ["/locked/a\nb", b"/locked/a\nb"])
def test_a_path_that_may_not_be_entered_is_named_and_any_other_refusal_keeps_its_traceback(
    path: str | bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(number: int, name: str | bytes | None) -> None:
        def run(arguments: list[str]) -> int:
            raise OSError(number, os.strerror(number), name)

        monkeypatch.setattr(history, "run", run)

    refuse(errno.EACCES, path)
    assert cli.main(["history"]) == 2
    assert capsys.readouterr().err == (
        "build.py: /locked/a\\nb: cannot be reached (Permission denied); "
        "name another, or let this user into it and the folders above it\n"
    )
    for number, name in ((errno.EACCES, None), (errno.ENOENT, path)):
        refuse(number, name)
        with pytest.raises(OSError, match=os.strerror(number)):
            cli.main(["history"])
