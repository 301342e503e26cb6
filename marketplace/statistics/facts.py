"""The facts that figures are sums of, computed whole from the database; never corrected in place.

Population: patents with at least one verified announced offer, now or earlier. Those without a patentee in
`REGION` are kept apart (`in_region`). A re-declaration adds a spell, not a patent, and restarts no clock.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import current_app

from marketplace.accounts.models import Organisation
from marketplace.accounts.past import Past
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import last_id
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence, Notice, Obligation
from marketplace.deals.negotiated.services import held_back
from marketplace.deals.rules import recordal_deadline
from marketplace.demands.models import Recommendation
from marketplace.listings.models import Offer, Patent, PatentClass, PatentFact, PatentParty

from . import dimensions
from .models import Activity, FactLicence, FactPatent, FactsAsOf

EXIT_REASONS = ("withdrawn", "revoked", "term_over", "patent_ended")
_ANNOUNCED_ONCE = ("announced", "withdrawal_filed", "withdrawn", "revoked", "lapsed")
_ONE_DAY = dt.timedelta(days=1)
# Activity changes facts without an entry in the journal, so they are renewed now and then regardless.
RENEW_AFTER = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Computed:
    """Rows for the two fact tables, and how many open licences no figure may count."""

    patents: list[dict[str, Any]]
    licences: list[dict[str, Any]]
    left_out: int


def rebuild() -> FactsAsOf:
    """Compute the facts from nothing and put them in place of the old ones (outside a unit of work).

    Returns:
        The mark of the facts that now stand; another worker's, if those are newer.
    """
    # The position is read first: what is loaded afterwards is at least as new.
    journal_id, computed_at, as_of = last_id(), clock.now(), clock.today()
    computed = compute(current_app.config["SETTINGS"].region, as_of)
    licences, licences_up_to = _open_after(0)
    with unit_of_work():
        mark = db.session.get(FactsAsOf, 1, with_for_update=True, populate_existing=True)
        if mark is not None and mark.journal_id > journal_id:
            return mark
        if mark is None:
            mark = FactsAsOf(one=1)
            db.session.add(mark)
        mark.journal_id, mark.computed_at, mark.as_of = journal_id, computed_at, as_of
        mark.build, mark.left_out = uuid.uuid4().hex, computed.left_out
        mark.licences, mark.licences_up_to = licences, licences_up_to
        db.session.flush()
        for model, rows in ((FactPatent, computed.patents), (FactLicence, computed.licences)):
            db.session.execute(sa.delete(model.__table__))  # type: ignore[arg-type]
            if rows:
                db.session.execute(sa.insert(model.__table__), rows)  # type: ignore[arg-type]
    return mark


def open_licences() -> int:
    """How many open licences were ever taken: as counted with the facts, and those that came since then.

    Counting a million of them at every visit of a page would take longer than the page.
    """
    mark = db.session.execute(sa.select(FactsAsOf.licences, FactsAsOf.licences_up_to)).first()
    if mark is None or mark.licences is None or mark.licences_up_to is None:
        return _open_after(0)[0]
    known: int = mark.licences
    return known + _open_after(mark.licences_up_to)[0]


def _open_after(key: int) -> tuple[int, int]:
    """The open licences with an id above `key`, and the highest id of them."""
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(Licence.id), key))
    count, last = db.session.execute(query.where(Licence.kind == "open", Licence.id > key)).one()
    return count, last


def refresh() -> None:
    """Rebuild if the journal moved, a new day began or the facts are ten minutes old (a schedule)."""
    mark = db.session.execute(sa.select(FactsAsOf.journal_id, FactsAsOf.as_of, FactsAsOf.computed_at)).first()
    if (
        mark is None
        or mark.journal_id != last_id()
        or mark.as_of != clock.today()
        or clock.now() - mark.computed_at > RENEW_AFTER
    ):
        rebuild()


def compute(region: str, today: dt.date) -> Computed:
    """All facts as of `today`, from the database; reads only.

    Args:
        region: GB/T 2260 code of the region whose patents the figures count.
    """
    offers = _offers(today)
    owners = _owners({key: found[0].announced_on for key, found in offers.items()})
    symbols = _main_symbols()
    stages = _Stages(today)
    licences, left_out = _licences({key: found[0].announced_on for key, found in offers.items()}, today)
    patents = []
    for patent_id, found in offers.items():
        of_patent = licences.get(patent_id, [])
        patents.append(
            _patent(
                found, owners.get(patent_id, []), symbols.get(patent_id), stages, of_patent, region, today
            )
        )
    return Computed(patents, [row for rows in licences.values() for row in rows], left_out)


def _patent(
    offers: list[Any],
    owners: list[Any],
    symbol: str | None,
    stages: _Stages,
    licences: list[dict[str, Any]],
    region: str,
    today: dt.date,
) -> dict[str, Any]:
    first = offers[0]
    local = [owner for owner in owners if dimensions.in_region(owner.region, region)]
    leading = (local or owners or [None])[0]
    spells = merge(spell_of(offer) for offer in offers)
    _, end, reason = spells[-1]
    over = end is not None and end <= today
    section, ipc_class = dimensions.section_and_class(symbol)
    ids = [offer.id for offer in offers]
    opened = [row for row in licences if row["kind"] == "open"]
    return {
        "patent_id": first.patent_id,
        "offer_id": first.id,
        "holder_id": first.holder_id,
        "first_announced_on": first.announced_on,
        "in_region": bool(local),
        "exit_on": end if over else None,
        "exit_reason": reason if over else None,
        "first_shown_on": stages.activity("shown", ids),
        "first_opened_on": stages.activity("opened", ids),
        "first_notice_on": _earliest([stages.notices.get(key) for key in ids], opened, "notice_on", today),
        "first_paid_on": _earliest([stages.payments.get(key) for key in ids], opened, "paid_on", today),
        "first_effective_on": min((row["effective_on"] for row in opened), default=None),
        "first_recorded_on": _earliest([], opened, "recorded_on", today),
        "first_recommended_on": stages.side("recommended", ids),
        "first_contacted_on": stages.side("contacted", ids),
        "first_passed_on": stages.side("passed", ids),
        "licences": len(opened),
        "kind": first.kind,
        "fee_form": fee_form_of(first.fee_form, first.fee_minor),
        "owner_type": leading.type if leading else "unknown",
        "district": dimensions.district_of(leading.region) if leading else None,
        "ipc_section": section,
        "ipc_class": ipc_class,
        "industry": dimensions.industry_of(symbol),
        "spells": [
            [start.isoformat(), end.isoformat() if end else None, reason] for start, end, reason in spells
        ],
    }


def fee_form_of(form: str | None, fee_minor: int | None) -> str:
    """The price form that is counted: a fixed fee of zero is free; `unknown` when none is on record."""
    if form == "fixed" and fee_minor == 0:
        return "free"
    return form or "unknown"


Spell = tuple[dt.date, dt.date | None, str | None]


def spell_of(offer: Any) -> Spell:
    """From when an offer was in force, on which day it ended or will end, and why.

    Takes a row of `_offers`. The end of an announcement takes effect on the day it is announced, so on
    that day the offer is no longer in force; terms and patents end on the day after their last day.
    """
    ends: list[tuple[dt.date, str]] = []
    if offer.withdrawn_on is not None:
        ends.append((offer.withdrawn_on, "withdrawn"))
    if offer.revoked_on is not None:
        ends.append((offer.revoked_on, "revoked"))
    if offer.term_to is not None:
        ends.append((offer.term_to + _ONE_DAY, "term_over"))
    if offer.expires_on is not None:
        ends.append((offer.expires_on + _ONE_DAY, "patent_ended"))
    if offer.patent_ended_on is not None:
        ends.append((offer.patent_ended_on, "patent_ended"))
    if offer.lapsed_on is not None:
        ends.append((offer.lapsed_on, "patent_ended"))
    if not ends:
        return offer.announced_on, None, None
    day, reason = min(ends, key=lambda end: end[0])  # on equal days the first of the list names the reason
    return offer.announced_on, max(day, offer.announced_on), reason


def merge(spells: Iterable[Spell]) -> list[Spell]:
    """Spells in order of time, overlapping ones joined: while one is in force the end of another is none."""
    merged: list[Spell] = []
    for start, end, reason in sorted(spells, key=lambda spell: (spell[0], spell[1] or dt.date.max)):
        if merged:
            before_start, before_end, before_reason = merged[-1]
            if before_end is None or start < before_end:
                later = before_end is not None and (end is None or end > before_end)
                merged[-1] = (
                    before_start,
                    end if later else before_end,
                    reason if later else before_reason,
                )
                continue
        merged.append((start, end, reason))
    return merged


def _offers(today: dt.date) -> dict[int, list[Any]]:
    """Verified announced offers by patent, the first announced one first."""
    ended = (
        sa.select(PatentFact.patent_id, sa.func.min(PatentFact.as_of).label("patent_ended_on"))
        .where(
            PatentFact.name == "legal_status",
            PatentFact.value.in_(("terminated", "invalidated", "expired")),
        )
        .group_by(PatentFact.patent_id)
        .subquery()
    )
    query = (
        sa.select(
            Offer.id,
            Offer.patent_id,
            Offer.holder_id,
            Offer.announced_on,
            Offer.withdrawn_on,
            Offer.revoked_on,
            Offer.lapsed_on,
            Offer.term_to,
            Offer.fee_form,
            Offer.fee_minor,
            Patent.kind,
            Patent.expires_on,
            ended.c.patent_ended_on,
        )
        .join(Patent, Patent.id == Offer.patent_id)
        .outerjoin(ended, ended.c.patent_id == Offer.patent_id)
        .where(
            Offer.evidence == "verified",
            Offer.status.in_(_ANNOUNCED_ONCE),
            Offer.announced_on <= today,
        )
        .order_by(Offer.announced_on, Offer.id)
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for row in db.session.execute(query):
        found[row.patent_id].append(row)
    return found


def _counted() -> sa.Select[int]:
    return sa.select(Offer.patent_id).where(Offer.evidence == "verified")


@dataclass(frozen=True, slots=True)
class _Owner:
    """An owner of a patent as it was when the patent was first announced."""

    region: str | None
    type: str | None


def _owners(announced: Mapping[int, dt.date]) -> dict[int, list[_Owner]]:
    """The owners of each patent in their order, with type and district on the day it was first announced."""
    query = (
        sa.select(
            PatentParty.patent_id,
            PatentParty.organisation_id,
            PatentParty.region,
            Organisation.region.label("home"),
            Organisation.type,
        )
        .join(Organisation, Organisation.id == PatentParty.organisation_id)
        .where(PatentParty.patent_id.in_(_counted()))
        .order_by(PatentParty.patent_id, PatentParty.position)
    )
    types, regions = Past("type"), Past("region")
    found: dict[int, list[_Owner]] = defaultdict(list)
    for row in db.session.execute(query):
        day = announced.get(row.patent_id)
        type_, home = row.type, row.home
        if day is not None:
            type_ = types.on(row.organisation_id, day, type_)
            home = regions.on(row.organisation_id, day, home)
        found[row.patent_id].append(_Owner(row.region or home, type_))
    return found


def _main_symbols() -> dict[int, str]:
    query = sa.select(PatentClass.patent_id, PatentClass.symbol).where(
        PatentClass.position == 0, PatentClass.patent_id.in_(_counted())
    )
    return {row.patent_id: row.symbol for row in db.session.execute(query)}


class _Stages:
    """First days, by offer, of what happens on the way to a licence."""

    def __init__(self, today: dt.date) -> None:
        self._today = today
        self.notices = _first_instants(
            sa.select(Notice.offer_id, sa.func.min(Notice.served_at))
            .where(Notice.served_at.is_not(None))
            .group_by(Notice.offer_id)
        )
        self.payments = _first_instants(
            sa.select(Notice.offer_id, sa.func.min(Obligation.paid_at))
            .join(Obligation, Obligation.notice_id == Notice.id)
            .where(Obligation.paid_at.is_not(None))
            .group_by(Notice.offer_id)
        )
        self._side = {
            "recommended": _first_instants(
                sa.select(Recommendation.offer_id, sa.func.min(Recommendation.shown_at)).group_by(
                    Recommendation.offer_id
                )
            ),
            **{
                state: _first_instants(
                    sa.select(Recommendation.offer_id, sa.func.min(Recommendation.changed_at))
                    .where(Recommendation.state == state)
                    .group_by(Recommendation.offer_id)
                )
                for state in ("contacted", "passed")
            },
        }
        self._activity: dict[tuple[str, int], dt.date] = {
            (kind, offer_id): day
            for kind, offer_id, day in db.session.execute(
                sa.select(Activity.kind, Activity.offer_id, sa.func.min(Activity.day)).group_by(
                    Activity.kind, Activity.offer_id
                )
            )
        }

    def activity(self, kind: str, offers: list[int]) -> dt.date | None:
        days = [self._activity.get((kind, offer)) for offer in offers]
        return min((day for day in days if day is not None and day <= self._today), default=None)

    def side(self, kind: str, offers: list[int]) -> dt.date | None:
        """From recommendations and from what the pages noted."""
        days = [self._side[kind].get(offer) for offer in offers] + [self.activity(kind, offers)]
        return min((day for day in days if day is not None and day <= self._today), default=None)


def _first_instants(query: sa.Executable) -> dict[int, dt.date]:
    return {offer_id: clock.legal_date(instant) for offer_id, instant in db.session.execute(query)}


def _earliest(
    days: list[dt.date | None], licences: list[dict[str, Any]], name: str, today: dt.date
) -> dt.date | None:
    known = [day for day in (*days, *(row[name] for row in licences)) if day is not None and day <= today]
    return min(known, default=None)


def _licences(
    first_announced: dict[int, dt.date], today: dt.date
) -> tuple[dict[int, list[dict[str, Any]]], int]:
    """Fact rows by patent, and how many open licences cannot be counted.

    An open licence cannot take effect before the announcement (PL 50, 51): such a row is a fault of its
    source, so it is left out and said to be so. Licences from a day still to come are not in effect yet.
    """
    columns = (
        "id", "patent_id", "kind", "licensee_id", "notice_on", "paid_on", "effective_on", "term_to",
        "ended_on", "recordal_due_on", "recordal_filed_on", "recorded_on", "amount_minor", "currency",
    )  # fmt: skip
    query = (
        sa.select(*(getattr(Licence, name) for name in columns))
        .where(Licence.effective_on <= today, ~held_back())
        .order_by(Licence.effective_on, Licence.id)
    )
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    left_out = 0
    for row in db.session.execute(query):
        announced_on = first_announced.get(row.patent_id)
        if announced_on is None or (row.kind == "open" and row.effective_on < announced_on):
            left_out += row.kind == "open"
            continue
        ends = [day for day in (row.term_to, row.ended_on) if day is not None]
        found[row.patent_id].append(
            {
                "licence_id": row.id,
                "patent_id": row.patent_id,
                "kind": row.kind,
                "licensee_id": row.licensee_id,
                "notice_on": row.notice_on,
                "paid_on": row.paid_on,
                "effective_on": row.effective_on,
                "last_day": min(ends, default=None),
                "recordal_due_on": row.recordal_due_on or recordal_deadline(row.effective_on).date,
                "filed_on": row.recordal_filed_on or row.recorded_on,
                "recorded_on": row.recorded_on,
                "amount_minor": row.amount_minor,
                "currency": row.currency,
            }
        )
    return found, left_out
