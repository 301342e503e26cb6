"""The console script: every command is there, and speaks the language of the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from marketplace.cli import COMMANDS, language, main
from marketplace.cli.imports import KINDS


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command below this one."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from _leaves(below, (*path, name))


PROMISED = {
    *(("import", kind) for kind in KINDS),
    *(("search", what) for what in ("status", "rebuild", "verify")),
    ("db", "upgrade"), ("serve",), ("worker",), ("account", "create"), ("token", "create"),
    ("demo", "accounts"), ("match", "evaluate"), ("statistics", "rebuild"), ("statistics", "report"),
    ("journal", "verify"), ("deals", "reconcile"),
}  # fmt: skip


def test_every_promised_command_exists_and_explains_itself() -> None:
    found = set(_leaves(main))
    assert found >= PROMISED
    for words in found:
        shown = CliRunner().invoke(main, [*words, "--help"])
        assert shown.exit_code == 0, words
        assert "Usage:" in shown.stdout
    assert all(name in CliRunner().invoke(main, ["--help"]).stdout for name in COMMANDS)


@pytest.mark.parametrize("words", [["nosuch"], ["import", "patents"], ["import", "nosuch", "x"], ["db"]])
def test_wrong_usage_ends_with_two_and_leaves_stdout_empty(words: list[str]) -> None:
    ended = CliRunner().invoke(main, words)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "zh"),
        ({"LANG": "C.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US"}, "en"),
        ({"LANG": "en_US", "LC_MESSAGES": "en_US", "LC_ALL": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_terminal_names_the_language(
    settings: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANG", "LC_MESSAGES", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert language() == expected


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh instance in a folder of its own."""
    monkeypatch.setenv("INSTANCE_DIR", str(tmp_path / "instance"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    return tmp_path


def test_errors_of_rows_files_and_options_come_in_one_language(
    instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CliRunner().invoke
    assert run(main, ["db", "upgrade"]).exit_code == 0
    rows, empty = instance / "rows.csv", instance / "empty.csv"
    rows.write_text("专利号,名称,专利权人,申请日\n,甲,示例大学,2019年7月\n", "utf-8")
    empty.touch()
    said = {
        "zh": ("这不是日期", "文件是空的", "没有单位使用此代码或名称"),
        "en": ("This is not a date", "The file is empty", "No organisation has this code or name"),
    }
    for tongue, (row, file, owner) in said.items():
        monkeypatch.setenv("LANG", {"zh": "zh_CN.UTF-8", "en": "en_GB.UTF-8"}[tongue])
        ended = run(main, ["import", "patents", str(rows)])
        assert ended.exit_code == 1
        assert json.loads(ended.stdout.splitlines()[-1])["rejected"] == 1
        assert row in ended.stderr
        for words, sentence in ((["import", "patents", str(empty)], file),
                                (["import", "patents", str(rows), "--owner", "nobody"], owner)):  # fmt: skip
            ended = run(main, words)
            assert (ended.exit_code, ended.stdout) == (1, "")
            assert sentence in ended.stderr, ended.stderr


def test_a_reconciliation_without_payments_ends_well(instance: Path) -> None:
    assert CliRunner().invoke(main, ["db", "upgrade"]).exit_code == 0
    ended = CliRunner().invoke(main, ["deals", "reconcile"])
    assert ended.exit_code == 0
    assert json.loads(ended.stdout.splitlines()[-1])["checked"] == 0
