"""Every subject of the journal hangs on something, and every entry has words."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from flask import Flask

import marketplace
from marketplace.audit import subjects
from marketplace.audit.sentences import SENTENCES
from marketplace.core.database import db
from marketplace.core.lifecycle import Lifecycle

ROOT = Path(marketplace.__file__).parent
_TELL = {"record", "_note", "_told", "_tell", "_close"}


def _written() -> Iterator[str]:
    """Actions that stand in the code where an entry is recorded."""
    for path in ROOT.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "id", getattr(call.func, "attr", ""))
            if name not in _TELL:
                continue
            for argument in call.args[:2]:
                for part in ast.walk(argument):
                    if isinstance(part, ast.Constant) and re.fullmatch(r"\w+\.\w+", str(part.value)):
                        yield part.value


def test_every_action_that_the_code_records_has_a_sentence(app: Flask) -> None:
    cycles = [
        value
        for name, module in list(sys.modules.items())
        if name.startswith("marketplace.")
        for value in vars(module).values()
        if isinstance(value, Lifecycle)
    ]
    entries = {
        transition.entry for cycle in cycles for transition in cycle.transitions if "." in transition.entry
    }
    known = {*_written(), *entries}
    assert len(known) > 250
    assert sorted(known - set(SENTENCES)) == []


def test_every_table_is_placed_once(app: Flask) -> None:
    placed = [
        *subjects.HANGS,
        *subjects.MATTERS,
        *subjects.ABOVE,
        *subjects.ALONE,
        *subjects.PARTS,
    ]
    twice = {one for one in placed if placed.count(one) > 1} - set(subjects.MATTERS)
    assert not twice
    own = {name for name in db.metadata.tables if not name.startswith("test_")}
    assert sorted(own - set(placed)) == []
    assert sorted(set(placed) - own) == []


def test_what_a_subject_hangs_on_is_a_column_of_it(app: Flask) -> None:
    for table, columns in subjects.HANGS.items():
        for column, above in columns.items():
            keys = db.metadata.tables[table].c[column].foreign_keys
            assert {key.column.table.name for key in keys} == {above}, (table, column)
            assert "id" in db.metadata.tables[table].c
    placed = {*subjects.HANGS, *subjects.MATTERS, *subjects.ABOVE}
    assert {name for tables in subjects.KINDS.values() for name in tables} <= placed
    assert placed >= subjects.BETWEEN_PARTIES
