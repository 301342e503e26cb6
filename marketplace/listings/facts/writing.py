"""Writing facts: the new statement takes the place of the old one, which goes into the history.

One way for a form, an extract of the register with fifty thousand rows and an attestation. A younger
statement is never replaced by an older one, unless a person says so for one patent.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.orm.util import identity_key

from marketplace.core import clock
from marketplace.core.convert import KNOWN_NONE
from marketplace.core.database import db
from marketplace.core.importing import WrittenRow
from marketplace.core.unit_of_work import current, record
from marketplace.listings import duties
from marketplace.listings.models import IN_FORCE, Offer, Patent, PatentFact, PatentParty

from .models import FactHistory

_PATENTS: Any = Patent.__table__
_FACTS: Any = PatentFact.__table__
_HISTORY: Any = FactHistory.__table__
_KEPT = ("patent_id", "name", "value", "as_of", "source", "entered_at", "entered_by", "attestation_id")

Ending = Literal["restated", "made_unknown", "attestation_revoked"]


def text_of(value: object) -> str:
    """A converted fact as it is stored: a code, an ISO date, text, or `none`."""
    if value is KNOWN_NONE:
        return "none"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def stored_facts(patent_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Patent id → fact → its row."""
    found: dict[int, dict[str, Any]] = {}
    if patent_ids:
        for row in db.session.execute(sa.select(_FACTS).where(_FACTS.c.patent_id.in_(patent_ids))):
            found.setdefault(row.patent_id, {})[row.name] = row
    return found


class Batch:
    """Statements about many patents, collected and then written together.

    Args:
        source: where they are known from: `holder`, `operator`, `extract`, `attestation` or a name.
        attestation_id: whose confirmation they rest on.
    """

    def __init__(self, source: str, attestation_id: int | None = None) -> None:
        self.now = clock.now()
        actor = current().actor
        self.by = actor.user_id
        self._staff = duties.staff_ids() if actor.is_operator else None
        self.source = source
        self.attestation_id = attestation_id
        self._ended: list[tuple[Any, Ending]] = []
        self._new: list[dict[str, Any]] = []

    def take(
        self,
        patent_id: int,
        values: Mapping[str, str],
        before: Mapping[str, Any],
        as_of: dt.date,
        *,
        dated: bool = True,
        force: bool = False,
    ) -> list[str]:
        """Take facts that are new, unless a younger one is known. Returns the names of those taken.

        What only the holder stated is news again when an operator or a list of one says the same: from then
        on it rests on more than the holder's word.

        Args:
            values: fact → stored text.
            before: fact → its present row.
            as_of: when it was so.
            dated: whether the day was given; if not, saying the same again is no news.
            force: take it even if a younger statement is known.
        """
        taken = []
        for name, value in values.items():
            known = before.get(name)
            if known is not None:
                if as_of < known.as_of and not force:
                    continue
                same = known.value == value and (not dated or known.as_of == as_of)
                confirms = self._staff is not None and duties.on_holders_word(known, self._staff)
                if same and not confirms and not force:
                    continue
                self._ended.append((known, "restated"))
            self._new.append(
                {
                    "patent_id": patent_id,
                    "name": name,
                    "value": value,
                    "as_of": as_of,
                    "source": self.source,
                    "entered_at": self.now,
                    "entered_by": self.by,
                    "attestation_id": self.attestation_id,
                }
            )
            taken.append(name)
        return taken

    def forget(self, rows: Iterable[Any], ending: Ending = "made_unknown") -> None:
        """Make facts unknown; `rows` are their present rows."""
        self._ended += [(row, ending) for row in rows]

    def execute(self) -> None:
        """Write what was collected: history first, then the present."""
        if self._ended:
            ended = {"ended_at": self.now, "ended_by": self.by}
            db.session.execute(
                sa.insert(_HISTORY),
                [
                    {**{name: getattr(row, name) for name in _KEPT}, "ending": ending, **ended}
                    for row, ending in self._ended
                ],
            )
            db.session.execute(sa.delete(_FACTS).where(_FACTS.c.id.in_([row.id for row, _ in self._ended])))
        if self._new:
            db.session.execute(sa.insert(_FACTS), self._new)


@dataclass(frozen=True, slots=True)
class Statement:
    """What is stated about one patent: fact → stored text, None to make it unknown; and when it was so."""

    patent_id: int
    values: Mapping[str, str | None]
    as_of: dt.date


def state(
    statements: Sequence[Statement],
    *,
    source: str,
    attestation_id: int | None = None,
    force: bool = False,
) -> list[list[str]]:
    """Write statements about patents, each of which is named once, in the present unit of work.

    Patents that change get a journal entry each, and their offers in force are reviewed at once.

    Returns:
        For each statement the facts that changed by it, in order.
    """
    locked = _lock([statement.patent_id for statement in statements])
    before = stored_facts(list(locked))
    batch = Batch(source, attestation_id)
    changed: list[list[str]] = []
    for statement in statements:
        known = before.get(statement.patent_id, {})
        stated = {name: value for name, value in statement.values.items() if value is not None}
        names = batch.take(statement.patent_id, stated, known, statement.as_of, force=force)
        dropped = [known[name] for name, value in statement.values.items() if value is None and name in known]
        batch.forget(dropped)
        changed.append(names + [row.name for row in dropped])
    batch.execute()
    _tell({statement.patent_id: names for statement, names in zip(statements, changed, strict=True)}, locked)
    return changed


def revoke(attestation_id: int, patent_ids: Sequence[int]) -> None:
    """Make unknown again what these patents owe to an attestation, and has not been stated anew since."""
    locked = _lock(patent_ids)
    query = sa.select(_FACTS).where(
        _FACTS.c.patent_id.in_(patent_ids), _FACTS.c.attestation_id == attestation_id
    )
    rows = db.session.execute(query).all()
    batch = Batch("attestation")
    batch.forget(rows, "attestation_revoked")
    batch.execute()
    names: dict[int, list[str]] = {}
    for row in rows:
        names.setdefault(row.patent_id, []).append(row.name)
    _tell(names, locked)


def _lock(patent_ids: Sequence[int]) -> dict[int, int]:
    """Patent id → version, locked in ascending order so that two writers never wait for each other."""
    query = (
        sa.select(_PATENTS.c.id, _PATENTS.c.version)
        .where(_PATENTS.c.id.in_(patent_ids))
        .order_by(_PATENTS.c.id)
        .with_for_update()
    )
    return {row.id: row.version for row in db.session.execute(query)}


def _tell(names: Mapping[int, list[str]], locked: Mapping[int, int]) -> None:
    """New versions and entries of the patents that changed, then a review of their offers in force."""
    ids = [patent_id for patent_id, facts in names.items() if facts]
    if not ids:
        return
    db.session.execute(
        sa.update(_PATENTS)
        .where(_PATENTS.c.id.in_(ids))
        .values(version=_PATENTS.c.version + 1, updated_at=clock.now())
    )
    session = db.session()
    for patent_id in ids:
        loaded = session.identity_map.get(identity_key(Patent, patent_id))
        if loaded is not None:
            session.expire(loaded)
    holders: dict[int, int] = {}
    query = sa.select(PatentParty.patent_id, PatentParty.organisation_id).where(
        PatentParty.patent_id.in_(ids)
    )
    for party in db.session.execute(query.order_by(PatentParty.position.desc())):
        holders[party.patent_id] = party.organisation_id
    for patent_id in ids:
        row = WrittenRow("patents", patent_id, locked[patent_id] + 1)
        record("patent.changed", row, organisation_id=holders.get(patent_id), facts=names[patent_id])
    offers = sa.select(Offer.id).where(Offer.patent_id.in_(ids), Offer.status.in_(IN_FORCE))
    for offer_id in db.session.scalars(offers).all():
        duties.review(offer_id)
