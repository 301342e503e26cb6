"""What has become of the numbers of a published report since, and why as far as the journal tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.lazily import Lazily
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer, PatentParty
from marketplace.statistics.columns import Array
from marketplace.statistics.definitions import DEFINITIONS

from .building import Collected, Number, numbers
from .listing import RowList

if TYPE_CHECKING:
    import numpy as np
else:
    np = Lazily("numpy")

_AT_ONCE: Final = 5_000  # ids in one query

CAUSES: Final[dict[str, Any]] = {
    "late-recordal": _l("recordal that became known late"),
    "licence-imported": _l("licence imported late"),
    "licence-late": _l("licence entered late"),
    "licence-corrected": _l("licence corrected"),
    "licence-ended": _l("licence ended"),
    "declared-anew": _l("patent declared anew"),
    "offer-late": _l("announcement entered late"),
    "offer-ended": _l("end of an offer entered late"),
    "patent-changed": _l("patent facts changed"),
    "merged": _l("organisations merged"),
    "organisation-changed": _l("organisation changed"),
    "views": _l("views counted late"),
    "definition": _l("definition changed"),
    "unknown": _l("unknown"),
}

# Journal action → cause. An action that is not here explains nothing.
_OF_ACTION: Final = {
    "licence.recorded": "licence-late",
    "licence.in_effect": "licence-late",
    "licence.verified": "licence-late",
    "licence.recordal_filed": "late-recordal",
    "licence.recordal_verified": "late-recordal",
    "licence.recordal_changed": "late-recordal",
    "licence.recordal_corrected": "late-recordal",
    "licence.recordal_cancelled": "late-recordal",
    "licence.changed": "licence-corrected",
    "licence.ended": "licence-ended",
    "offer.announced": "offer-late",
    "offer.verified": "offer-late",
    "offer.publication_confirmed": "offer-late",
    "offer.withdrawal_filed": "offer-ended",
    "offer.withdrawn": "offer-ended",
    "offer.revoked": "offer-ended",
    "offer.lapsed": "offer-ended",
    "patent.changed": "patent-changed",
    "patent.entered": "patent-changed",
    "organisation.merged": "merged",
    "organisation.merged_away": "merged",
    "organisation.changed": "organisation-changed",
    "organisation.renamed": "organisation-changed",
    "organisation.succeeded": "organisation-changed",
}
_NEW_LICENCE: Final = frozenset({"licence.recorded", "licence.in_effect", "licence.verified"})
_ANNOUNCED: Final = frozenset({"offer.announced", "offer.verified", "offer.publication_confirmed"})
_BY_VIEWS: Final = frozenset({"shown", "opened", "recommended", "contacted", "passed"})


@dataclass(frozen=True)
class Difference:
    """A number that is another one now, with codes of CAUSES."""

    number: Number
    old: int | None
    new: int | None
    causes: tuple[str, ...]


def differences(old: dict[str, Any], rows: RowList, new: Collected, new_rows: RowList) -> list[Difference]:
    """The numbers of a report that are others today.

    Args:
        old: what the report says.
        rows: whom its numbers count.
        new: the same period, as of the same day, on the present facts.
        new_rows: whom those count.
    """
    then, now = dict(numbers(old)), dict(numbers(new.content))
    moved = [number for number in sorted({*then, *now}) if then.get(number) != now.get(number)]
    if not moved:
        return []
    versions = {one["code"]: one["version"] for one in old["definitions"]["en"]}
    since = _Since(old["journal_id"] or 0, rows)
    return [
        Difference(
            number,
            then.get(number),
            now.get(number),
            ("definition",)
            if versions.get(number.figure) != DEFINITIONS[number.figure].version
            else since.causes(number, *_changed(number, rows, new_rows)),
        )
        for number in moved
    ]


def _changed(number: Number, rows: RowList, new_rows: RowList) -> tuple[str, Array]:
    """Of which unit, and which ids, a number counts now and did not count then, or the reverse.

    Of medians and of sums the rows below them are meant.
    """
    if number.part in ("median_days", "p90_days"):
        number = Number(number.figure, number.cut, number.grp, number.cell, "n")
    elif number.part == "count":
        number = Number("licences", "", "all", "", "numerator")
    sides = [found.ids(number) for found in (rows, new_rows) if number in found]
    unit = next((found.unit(number) for found in (rows, new_rows) if number in found), "patent")
    if not sides:
        return unit, np.empty(0, np.int64)
    return unit, np.setxor1d(sides[0], sides[1]) if len(sides) == 2 else sides[0]


class _Since:
    """What the journal says of patents and licences since the cut-off."""

    def __init__(self, journal_id: int, rows: RowList) -> None:
        self._after = journal_id
        self._known = set(rows.of("patent").tolist())
        self._found: dict[tuple[str, bytes], tuple[str, ...]] = {}

    def causes(self, number: Number, unit: str, ids: Array) -> tuple[str, ...]:
        """Codes of CAUSES; `unknown` where no entry explains the difference."""
        key = unit, ids.tobytes()
        if key not in self._found:
            self._found[key] = tuple(sorted(self._of(unit, ids.tolist())))
        if self._found[key]:
            return self._found[key]
        return ("views",) if number.cell in _BY_VIEWS else ("unknown",)

    def _of(self, unit: str, ids: Sequence[int]) -> set[str]:
        patents = set(ids) if unit == "patent" else set(_column(Licence.patent_id, Licence.id, ids))
        licences = set(ids) if unit == "licence" else set(_column(Licence.id, Licence.patent_id, ids))
        found = {self._licence_cause(entry) for entry in self._entries(Licence.__tablename__, licences)}
        if unit == "patent" or not found - {None}:
            offers = dict(_pairs(Offer.id, Offer.patent_id, Offer.patent_id, patents))
            for entry in self._entries(Offer.__tablename__, offers):
                again = entry.action in _ANNOUNCED and offers[entry.subject_id] in self._known
                found.add("declared-anew" if again else _OF_ACTION.get(entry.action))
            found |= {_OF_ACTION.get(entry.action) for entry in self._entries("patents", patents)}
        if not found - {None}:
            people = {
                *_column(PatentParty.organisation_id, PatentParty.patent_id, patents),
                *_column(Offer.holder_id, Offer.patent_id, patents),
                *_column(Licence.licensee_id, Licence.id, licences),
            }
            found |= {_OF_ACTION.get(entry.action) for entry in self._entries("organisations", people)}
        return {one for one in found if one is not None}

    def _licence_cause(self, entry: Any) -> str | None:
        if entry.action in _NEW_LICENCE and entry.origin == "import":
            return "licence-imported"
        return _OF_ACTION.get(entry.action)

    def _entries(self, table: str, ids: Iterable[int]) -> list[Any]:
        wanted = sorted(ids)
        return [
            row
            for start in range(0, len(wanted), _AT_ONCE)
            for row in db.session.execute(
                sa.select(JournalEntry.action, JournalEntry.origin, JournalEntry.subject_id)
                .where(
                    JournalEntry.subject_type == table,
                    JournalEntry.subject_id.in_(wanted[start : start + _AT_ONCE]),
                    JournalEntry.id > self._after,
                )
                .distinct()
            )
        ]


def _column(wanted: Any, by: Any, ids: Iterable[int]) -> list[int]:
    return [key for key, _ in _pairs(wanted, by, by, ids)]


def _pairs(first: Any, second: Any, by: Any, ids: Iterable[int]) -> list[tuple[int, int]]:
    wanted = sorted(ids)
    return [
        (row[0], row[1])
        for start in range(0, len(wanted), _AT_ONCE)
        for row in db.session.execute(
            sa.select(first, second).where(by.in_(wanted[start : start + _AT_ONCE]))
        )
    ]
