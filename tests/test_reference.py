"""The references of settings and commands are those of the code, and nothing in them is without words."""

import argparse

import pytest

from generator import cli
from generator.experiment.config.loading import ConfigFile
from tools import write_reference
from tools.write_reference import descriptions, kind


def test_no_reference_is_stale() -> None:
    assert write_reference.stale() == {}, "renew it with `make docs`"


def test_every_setting_says_what_it_is() -> None:
    rows = [line for line in write_reference.settings().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_command_and_option_is_there_with_words() -> None:
    text = write_reference.commands()
    assert [name for name in cli.COMMANDS if f"\n## {name}\n" not in text] == []
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []
    assert "| `--config FILE` | `experiment.toml` | the settings |" in text
    assert "| 130 | interrupted (Ctrl-C) |" in text


def test_docstrings_of_fields_are_read_from_bases_too() -> None:
    found = descriptions(ConfigFile)
    assert found["FineTuningSettings"]["keep"] == found["PhaseSettings"]["keep"]
    assert found["ConfigFile"]["weights"].startswith("`auto`, `imagenet`")
    assert "Once loaded" not in found["FineTuningSettings"]["from_layer"]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 10_000}, "whole number, at least 1, at most 10,000"),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, "number, above 0, below 1"),
        ({"enum": ["a", "b"]}, '`"a"`, `"b"`'),
        ({"anyOf": [{"type": "boolean"}, {"const": "auto"}, {"type": "null"}]}, '`true`, `false` or `"auto"`'),
        ({"type": "array", "items": {"type": "string"}}, "list of: text"),
        ({"$ref": "#/$defs/T"}, "path"),
    ],
)
def test_what_a_value_may_be_is_said_in_words(found: dict[str, object], words: str) -> None:
    assert kind(found, {"$defs": {"T": {"type": "string", "format": "path"}}}) == words


def test_commands_below_commands_are_listed() -> None:
    parser = argparse.ArgumentParser(prog="build.py store", description="Does\nthings.")
    below = parser.add_subparsers(title="what to do")
    push = below.add_parser("push", description="Push.")
    push.add_argument("--to", metavar="A|B", default="here", help="where | how, default %(default)s")
    text = write_reference.command("store", parser)
    assert "## store\n\nDoes things.\n" in text
    assert "## store push\n\nPush.\n\n```\npython build.py store push [--to A|B]\n```" in text
    assert "| `--to A\\|B` | `here` | where \\| how, default here |" in text
