"""The list of everything that someone owes and that the bureau looks after, with the day it was due on."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.permissions import require
from marketplace.deals.disputes.models import Dispute
from marketplace.deals.models import Licence, Obligation
from marketplace.deals.royalties.models import RoyaltyPeriod, RoyaltyStatement
from marketplace.demands import supervision as demands
from marketplace.listings.models import IN_FORCE, Offer, Patent, PatentParty

KINDS: Final = ("bar", "announcement", "demand", "recordal", "royalty", "payment", "dispute")
"""Kinds of matters, in the order of a page."""

MUST_ACT: Final[Mapping[str, str]] = {
    "bar": "holder",
    "announcement": "operator",
    "demand": "holders",
    "recordal": "holder",
    "royalty": "licensee",
    "payment": "licensee",
    "dispute": "other_side",
}
"""Kind → who must act."""

VERIFY_WITHIN: Final = 5
"""Working days within which a stated announcement is to be held against the gazette. No law sets it: the
gazette comes out twice a week, so that each announcement is in print well before."""


@dataclass(frozen=True)
class Item:
    """One matter.

    Attributes:
        kind: one of `KINDS`.
        subject_id: the offer (`bar`, `announcement`), demand, licence (`recordal`, `royalty`, `payment`)
            or dispute.
        since: the day the duty arose.
        due_on: the last day for it, inclusive. `bar`: the day it arose, since a holder has to withdraw
            promptly (GL V-11 §2). `announcement`: `VERIFY_WITHIN` working days after it was announced.
            `demand`: the day the firm named, else ten working days. `recordal`: three months after effect
            (IR 15). `royalty`, `payment`: the terms of the licence. `dispute`: the day set for the answer.
        organisation_id: the holder whose patent it is about; the firm of a demand.
        district: of the patent or the demand, GB/T 2260.
        title, title_en: of the patent, the demand or the dispute.
    """

    kind: str
    subject_id: int
    since: dt.date
    due_on: dt.date
    organisation_id: int | None
    district: str | None
    title: str
    title_en: str | None

    @property
    def must_act(self) -> str:
        """Who must act: a value of `MUST_ACT`."""
        return MUST_ACT[self.kind]

    @property
    def overdue_days(self) -> int:
        """Days since it was due; zero while it is not."""
        return max((clock.today() - self.due_on).days, 0)


@dataclass(frozen=True)
class Found:
    """What was asked for.

    Attributes:
        items: those that fit, the longest overdue first.
        counts: kind → how many fit but for the kind asked for.
        names: organisation → its names, Chinese and English.
    """

    items: Sequence[Item]
    counts: Mapping[str, int]
    names: Mapping[int, tuple[str, str | None]]

    def name_of(self, item: Item, *, english: bool = False) -> str:
        """The organisation that a matter is about."""
        name, name_en = self.names.get(item.organisation_id or 0, ("", None))
        return (name_en or name) if english else name


def items(
    actor: Actor, *, kind: str | None = None, district: str | None = None, organisation_id: int | None = None
) -> Found:
    """Every open matter; of one kind, district or organisation if asked. One statement per kind.

    Late royalty statements and payments are named by licence and day alone: nobody's figures are told.

    Raises:
        Forbidden: not the bureau's people or an operator.
    """
    require(actor, "supervision.items")
    fitting = [
        one
        for one in _all(actor)
        if (not district or one.district == district)
        and (organisation_id is None or one.organisation_id == organisation_id)
    ]
    counted = Counter(one.kind for one in fitting)
    chosen = [one for one in fitting if not kind or one.kind == kind]
    chosen.sort(key=lambda one: (one.due_on, KINDS.index(one.kind), one.subject_id))
    names = sa.select(Organisation.id, Organisation.name, Organisation.name_en).where(
        Organisation.id.in_(sorted({one.organisation_id for one in chosen if one.organisation_id})[:_NAMED])
    )
    return Found(
        chosen,
        {code: counted[code] for code in KINDS},
        {id_: (name, name_en) for id_, name, name_en in db.session.execute(names)},
    )


# PostgreSQL and SQLite take about 32,000 values in one statement.
_NAMED: Final = 30_000


def _all(actor: Actor) -> Iterator[Item]:
    yield from _of_offers()
    yield from _of_demands(actor)
    yield from _of_licences()
    yield from _of_disputes()


def _rows(query: sa.Select[*tuple[Any, ...]]) -> Iterator[Any]:
    yield from db.session.execute(query)


def _of_offers() -> Iterator[Item]:
    query = sa.select(
        Offer.id,
        Offer.evidence,
        Offer.duty_to_withdraw_since,
        Offer.announced_on,
        Offer.holder_id,
        Patent.district,
        Patent.title,
        Patent.title_en,
    ).join(Patent, Patent.id == Offer.patent_id)
    bars = query.where(
        Offer.status.in_(IN_FORCE), Offer.evidence == "verified", Offer.duty_to_withdraw_since.is_not(None)
    )
    for id_, _evidence, since, _announced, *rest in _rows(bars):
        yield Item("bar", id_, since, since, *rest)
    stated = query.where(
        Offer.status.in_(IN_FORCE), Offer.evidence == "holder_stated", Offer.announced_on.is_not(None)
    )
    for id_, _evidence, _since, announced_on, *rest in _rows(stated):
        yield Item("announcement", id_, announced_on, _to_verify_by(announced_on), *rest)


@lru_cache(4096)
def _to_verify_by(announced_on: dt.date) -> dt.date:
    return clock.working_days_after(announced_on, VERIFY_WITHIN).date


def _of_demands(actor: Actor) -> Iterator[Item]:
    for one in demands.unanswered(actor):
        if not one.expired:
            yield Item(
                "demand",
                one.id,
                one.published_on,
                one.due_on,
                one.organisation_id,
                one.district,
                one.title,
                one.title_en,
            )


def _holder() -> sa.ColumnElement[Any]:
    """Whose patent a licence is on: who declared it open, else the first patentee of the register."""
    first = (
        sa.select(PatentParty.organisation_id)
        .where(PatentParty.patent_id == Patent.id)
        .order_by(PatentParty.position)
        .limit(1)
        .correlate(Patent)
        .scalar_subquery()
    )
    return sa.func.coalesce(Offer.holder_id, first)


def _of_licences() -> Iterator[Item]:
    today = clock.today()
    beside = (_holder(), Patent.district, Patent.title, Patent.title_en)
    late = (
        sa.select(Licence.id, Licence.effective_on, Licence.recordal_due_on, *beside)
        .join(Patent, Patent.id == Licence.patent_id)
        .outerjoin(Offer, Offer.id == Licence.offer_id)
        .where(
            Licence.kind == "open",
            Licence.recordal_state.in_(("to_do", "late")),
            Licence.recordal_due_on < today,
        )
    )
    for row in _rows(late):
        yield Item("recordal", *row)
    unreported = (
        sa.select(Licence.id, RoyaltyPeriod.ends, RoyaltyPeriod.report_due_on, *beside)
        .select_from(RoyaltyPeriod)
        .join(Licence, Licence.id == RoyaltyPeriod.licence_id)
        .join(Patent, Patent.id == Licence.patent_id)
        .outerjoin(Offer, Offer.id == Licence.offer_id)
        .where(RoyaltyPeriod.report_due_on < today, RoyaltyPeriod.state != "reported")
    )
    for row in _rows(unreported):
        yield Item("royalty", *row)
    unpaid = (
        sa.select(Licence.id, RoyaltyPeriod.ends, Obligation.due_on, *beside)
        .select_from(RoyaltyStatement)
        .join(Obligation, Obligation.id == RoyaltyStatement.obligation_id)
        .join(RoyaltyPeriod, RoyaltyPeriod.id == RoyaltyStatement.period_id)
        .join(Licence, Licence.id == RoyaltyPeriod.licence_id)
        .join(Patent, Patent.id == Licence.patent_id)
        .outerjoin(Offer, Offer.id == Licence.offer_id)
        .where(Obligation.state == "open", Obligation.due_on < today)
    )
    for row in _rows(unpaid):
        yield Item("payment", *row)


def _of_disputes() -> Iterator[Item]:
    query = (
        sa.select(
            Dispute.id,
            Dispute.opened_at,
            Dispute.answer_due_on,
            _holder(),
            Patent.district,
            Dispute.title,
        )
        .select_from(Dispute)
        .join(Patent, Patent.id == Dispute.patent_id)
        .outerjoin(Licence, Licence.id == Dispute.licence_id)
        .outerjoin(Offer, Offer.id == Licence.offer_id)
        .where(Dispute.state == "open", Dispute.answer_due_on < clock.today())
    )
    for id_, opened_at, due_on, holder_id, district, title in _rows(query):
        yield Item("dispute", id_, clock.legal_date(opened_at), due_on, holder_id, district, title, None)
