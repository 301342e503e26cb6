"""Tests that guard the project itself."""

from __future__ import annotations

import re
import subprocess
from importlib import import_module
from pathlib import Path

import polib
import pytest
from flask import Flask

from marketplace.accounts.identity import LEVELS
from marketplace.core import permissions

ROOT = Path(__file__).parent.parent
FRAMEWORK_VIEWS = {"static"}


@pytest.fixture(scope="module")
def views(shared_app: Flask) -> dict[str, object]:
    return {name: view for name, view in shared_app.view_functions.items() if name not in FRAMEWORK_VIEWS}


def test_every_route_says_who_may_enter(views: dict[str, object]) -> None:
    unmarked = []
    for name, view in views.items():
        methods = getattr(view, "view_class", None)
        handlers = (
            [view]
            if methods is None
            else [
                getattr(methods, verb.lower()) for verb in methods.methods if hasattr(methods, verb.lower())
            ]
        )
        unmarked += [name for handler in handlers if getattr(handler, "access", None) not in LEVELS]
    assert unmarked == []


def test_every_transition_of_a_life_cycle_has_a_permission_rule(shared_app: Flask) -> None:
    modules = [
        import_module(".".join(path.with_suffix("").relative_to(ROOT).parts))
        for path in sorted((ROOT / "marketplace").rglob("lifecycle.py"))
        if path.parent.name != "core"
    ]
    cycles = [
        value for module in modules for value in vars(module).values() if type(value).__name__ == "Lifecycle"
    ]
    assert cycles
    missing = {t.permission for cycle in cycles for t in cycle.transitions} - permissions.actions()
    assert missing == set()


def test_an_action_without_a_rule_is_denied(shared_app: Flask) -> None:
    from marketplace.core.actor import SYSTEM

    assert permissions.allowed(SYSTEM, "no.such_action").reason == "no-rule"


def catalogue() -> polib.POFile:
    return polib.pofile(str(ROOT / "marketplace/translations/zh/LC_MESSAGES/messages.po"))


def test_every_sentence_has_its_chinese() -> None:
    untranslated = [
        entry.msgid
        for entry in catalogue()
        if not (entry.msgstr or any(entry.msgstr_plural.values())) or entry.fuzzy
    ]
    assert untranslated == []


def test_translations_keep_the_places_of_parameters() -> None:
    place = re.compile(r"%\((\w+)\)")
    wrong = [
        entry.msgid
        for entry in catalogue()
        for text in (entry.msgstr, *entry.msgstr_plural.values())
        if text
        and set(place.findall(text)) != set(place.findall(entry.msgid + (entry.msgid_plural or "")))
        and not (entry.msgid_plural and set(place.findall(text)) <= set(place.findall(entry.msgid_plural)))
    ]
    assert wrong == []


def test_the_compiled_catalogue_is_that_of_the_source() -> None:
    compiled = polib.mofile(str(ROOT / "marketplace/translations/zh/LC_MESSAGES/messages.mo"))
    source = {entry.msgid: entry.msgstr for entry in catalogue() if not entry.msgid_plural}
    assert {entry.msgid: entry.msgstr for entry in compiled if not entry.msgid_plural} == source


def test_the_catalogue_has_every_sentence_of_the_code(tmp_path: Path) -> None:
    target = tmp_path / "messages.pot"
    subprocess.run(
        ["make", "--no-print-directory", "-s", "-f", str(ROOT / "Makefile"), "messages", f"POT={target}"],
        check=True, cwd=ROOT,
    )  # fmt: skip
    wanted = {entry.msgid for entry in polib.pofile(str(target))}
    assert wanted - {entry.msgid for entry in catalogue()} == set()


def test_imports_go_one_way() -> None:
    done = subprocess.run(
        [str(ROOT / ".venv/bin/lint-imports")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_nothing_names_the_place_where_it_was_built() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pattern = re.compile(r"(?:^|[\s\"'=(])/(?:work|root|home/[a-z]+)/")
    guilty = []
    for name in listed.splitlines():
        path = ROOT / name
        if "vendor" in name or path.suffix in {".ttf", ".mo", ".png", ".woff2"} or not path.is_file():
            continue
        if pattern.search(path.read_text(encoding="utf-8", errors="replace")):
            guilty.append(name)
    assert guilty == []
