"""Every code that a caller may meet is listed with its meaning and remedy, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from marketplace.api import problems
from marketplace.api.reference import codes
from marketplace.search import query

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "marketplace"
ERRORS = {
    "NotFound", "Unauthenticated", "Forbidden", "Conflict", "Invalid", "Unavailable", "StaleVersion",
    "SignatureRefused", "InvalidNumber",
}  # fmt: skip
# What the calls reach. Lists, operators' tools, sign-up and reports are pages' and commands' alone.
REACHED = (
    "core/permissions.py", "core/idempotency.py", "core/files.py", "core/fields.py", "core/lifecycle.py",
    "accounts/identity.py", "listings/**/*.py", "deals/**/*.py", "demands/*.py", "matching/*.py",
    "pricing/*.py", "search/saved/*.py", "notifications/hooks/*.py", "statistics/*.py", "audit/traces.py",
    "audit/exports.py",
    "api/*.py",
)  # fmt: skip
APART = {"imports.py", "evaluate.py", "report.py"}
# Made where the code is a variable, or deep below.
BESIDES = {
    "not-a-member", "search-unavailable", "report-not-found", "report-form-unknown",
    "number-kind", "number-year", "number-check-digit", "number-empty", "number-exponent",
    "number-characters", "number-foreign", "number-length", "publication-number-form",
    "publication-number-letter",
}  # fmt: skip


def in_source() -> set[str]:
    found = set(BESIDES) | set(query._REASONS) | {code for code, _ in problems.SERVER.values()}
    found.add(problems.BAD_JSON[0])
    for pattern in REACHED:
        for path in PACKAGE.glob(pattern):
            if path.name in APART:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args and getattr(node.func, "id", "") in ERRORS:
                    first = node.args[0]
                    if isinstance(first, ast.Constant) and isinstance(first.value, str):
                        found.add(first.value)
    return found


def test_the_list_holds_exactly_the_codes_of_the_source() -> None:
    listed = [one.code for one in codes()]
    assert listed == sorted(set(listed))
    assert set(listed) == in_source()


def test_every_code_is_explained() -> None:
    for one in codes():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.code)
        assert one.meaning.endswith(".")
        assert one.remedy.endswith(".")


def test_the_manual_shows_the_same_list() -> None:
    manual = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \| (.+) \| (.+) \|$", manual, re.MULTILINE)
    assert rows == [(one.code, str(one.status), one.meaning, one.remedy) for one in codes()]
