"""Who is told of what comes after a licence: its recordal's last day, changes, papers laid beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.deals.disputes import parties
from marketplace.deals.models import Licence

Told = tuple[int, str, dict[str, Any]]
"""To which organisation, the message's code, and its ids."""


def told(entry: JournalEntry) -> Iterable[Told]:
    """What an entry of `ACTIONS` gives reason to tell."""
    return _TELL[entry.action](entry)


def _to_both(entry: JournalEntry, code: str, **ids: Any) -> Iterable[Told]:
    """Both sides, without the one that said it itself."""
    licence = db.session.get_one(Licence, entry.subject_id)
    sides = {"licensee": {licence.licensee_id}, "holder": parties.holders_of(licence.patent, licence.offer)}
    saying = sides.get(entry.data.get("side", ""), set())
    for organisation_id in sorted((sides["licensee"] | sides["holder"]) - saying):
        yield organisation_id, code, {"licence": licence.id, "patent": licence.patent_id} | ids


def _near(entry: JournalEntry) -> Iterable[Told]:
    """Either side may file, so both are reminded; the last reminder does not wait for quiet hours to end."""
    code = "licence_recordal_due" if entry.data["mark"] == "due_3" else "licence_recordal_near"
    return _to_both(entry, code, day=entry.data["due_on"])


def _after(entry: JournalEntry) -> Iterable[Told]:
    return _to_both(entry, entry.action.replace("licence.", "licence_"))


def _paper(entry: JournalEntry) -> Iterable[Told]:
    """Evidence of a licence taken elsewhere, or a written ground; what CNIPA sent is told by its step."""
    kind = entry.data["kind"]
    return () if kind == "recordal" else _to_both(entry, f"licence_{kind}_kept")


_TELL: Final[Mapping[str, Callable[[JournalEntry], Iterable[Told]]]] = {
    "licence.recordal_due_soon": _near,
    "licence.recordal_changed": _after,
    "licence.recordal_cancelled": _after,
    "licence.paper_kept": _paper,
}
ACTIONS: Final = tuple(_TELL)
