"""The committed files of the invented catalogue, as plain rows; see `data/SHAPE.md`."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).parent / "data"
FIRST_DAY: Final = dt.date(2024, 11, 1)
LAST_DAY: Final = dt.date(2026, 11, 20)  # the catalogue knows nothing that is later

Row = dict[str, Any]


def read(name: str) -> list[Row]:
    """The rows of one JSON-lines file of the catalogue."""
    with (DATA / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def digest() -> str:
    """sha256 in hex over all files: tells one edition of the catalogue from another."""
    whole = hashlib.sha256()
    for path in sorted(DATA.iterdir()):
        whole.update(path.name.encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


@dataclass(frozen=True)
class Catalogue:
    """Everything that the files hold, read when asked for."""

    @cached_property
    def organisations(self) -> list[Row]:
        """Units and persons with their invented bank accounts."""
        return read("organisations.jsonl")

    @cached_property
    def patents(self) -> dict[str, Row]:
        """Patents by number, with the facts of October and November 2026."""
        return {row["number"]: row for name in ("a_d", "e_h") for row in read(f"patents_{name}.jsonl")}

    @cached_property
    def offers(self) -> list[Row]:
        """Announced declarations in the order of their announcement, some with later steps."""
        return read("offers.jsonl")

    @cached_property
    def unannounced(self) -> list[Row]:
        """Declarations on their way, refused, or announced only by their holder's word; see `state`."""
        return read("unannounced.jsonl")

    @cached_property
    def withdrawals(self) -> list[Row]:
        """Announced withdrawals."""
        return read("withdrawals.jsonl")

    @cached_property
    def licences(self) -> list[Row]:
        """Licences taken elsewhere, as their recordals tell of them."""
        return read("licences.jsonl")

    @cached_property
    def demands(self) -> list[Row]:
        """What firms look for."""
        return read("demands.jsonl")


_CLEAR: Final = {
    "exclusive_licence_until": "none",
    "preserved_until": "none",
    "pledged": "no",
    "other_hindrance": "none",
    "legal_status": "in_force",
}


def as_it_was(patent: Row, day: dt.date) -> Row:
    """A patent as its holder knew it on an earlier day: what hinders it now had not happened yet.

    Annuities stay as they are: their dates say by themselves when they run out.
    """
    row = dict(patent, facts_as_of=day.isoformat())
    for name, clear in _CLEAR.items():
        value = str(row[name])
        over = value[:1].isdigit() and value < day.isoformat()
        if not over and value != "with_consent":
            row[name] = clear
    if row["kind"] != "invention":
        row["evaluation_report"] = "positive"
    return row


def barred_now(patent: Row) -> bool:
    """Whether a fact of the catalogue hinders the patent that did not hinder it when it was offered."""
    then = as_it_was(patent, dt.date.fromisoformat(patent["facts_as_of"]))
    return any(then[name] != patent[name] for name in then if name != "exclusive_licence_until")
