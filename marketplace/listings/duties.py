"""What time and new facts do to offers in force: they lapse, or their holder has to withdraw them.

GL V-11 §2: when a state of IR 86 arises later, the patentee must withdraw promptly and tell the licensees.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import lock, record

from . import rules
from .lifecycle import OFFER, patent_view
from .models import IN_FORCE, Offer, Patent


def end_of(offer: Offer, today: dt.date) -> tuple[str, dt.date] | None:
    """Why and since when an offer in force has come to its end by itself, None while it runs.

    Reasons: `term_over`, and `terminated`, `invalidated`, `expired` of the patent. The earliest counts.
    """
    ends = []
    if offer.term_to is not None and offer.term_to < today:
        ends.append(("term_over", offer.term_to + dt.timedelta(days=1)))
    of_patent = rules.ended_on(patent_view(offer.patent), today)
    if of_patent is not None:
        ends.append(of_patent)
    return min(ends, key=lambda end: end[1], default=None)


def duty_of(offer: Offer, today: dt.date) -> list[str]:
    """Codes of the bars that oblige the holder of an offer in force to withdraw it."""
    return list(rules.eligibility(patent_view(offer.patent), today).barred)


_TRUST = ("notice.served", "notice.service_proven", "licence.in_effect")


def latest_event(offer: Offer) -> dt.date | None:
    """The last day on which something happened to an offer, or was done in trust of it.

    Its announcement, the filing of its withdrawal, and notices served and licences taken under it, which the
    journal tells. A holder's own word on the end of the offer may not reach back behind it.
    """
    dealt = db.session.scalar(
        sa.select(sa.func.max(JournalEntry.occurred_on)).where(
            JournalEntry.action.in_(_TRUST), JournalEntry.data["offer_id"].as_integer() == offer.id
        )
    )
    days = (offer.announced_on, offer.withdrawal_filed_on, dealt)
    return max((day for day in days if day is not None), default=None)


def stated_by_holder(patent: Patent, name: str) -> bool:
    """Whether a fact about a patent rests on its holder's word alone, and on no operator or list of one."""
    fact = next((fact for fact in patent.facts if fact.name == name), None)
    return fact is not None and on_holders_word(fact, staff_ids())


def staff_ids() -> frozenset[int]:
    """Ids of the bureau's and the operator's people."""
    return frozenset(db.session.scalars(sa.select(User.id).where(User.staff_role.is_not(None))))


def on_holders_word(fact: Any, staff: Collection[int]) -> bool:
    """Whether a fact (its row) was entered by a holder's side; `staff` as `staff_ids` gives it."""
    return fact.source == "holder" or (fact.entered_by is not None and fact.entered_by not in staff)


def raise_or_clear_duty(offer: Offer) -> bool:
    """Bring the duty to withdraw of an offer that is locked up to date. Returns whether it changed."""
    bars = duty_of(offer, clock.today()) if offer.status in IN_FORCE and offer.evidence == "verified" else []
    if bars == list(offer.duty_bars):
        return False
    if bars:
        offer.duty_to_withdraw_since = offer.duty_to_withdraw_since or clock.today()
        offer.duty_bars = bars
        record("offer.duty_raised", offer, organisation_id=offer.holder_id, bars=bars)
    else:
        offer.duty_to_withdraw_since = None
        offer.duty_bars = []
        record("offer.duty_cleared", offer, organisation_id=offer.holder_id)
    return True


def review(offer_id: int) -> bool:
    """Let an offer lapse if it is over, else bring its duty to withdraw up to date; whether it changed."""
    offer = _locked(offer_id)
    if offer.status not in IN_FORCE:
        return False
    end = end_of(offer, clock.today())
    if end is None:
        return raise_or_clear_duty(offer)
    reason, since = end
    # An announcement cannot end before it was made, whatever an old fact says.
    lapsed_on = max(since, offer.announced_on or since)
    evidence = "verified"
    if reason not in ("term_over", "expired") and stated_by_holder(offer.patent, "legal_status"):
        # Nor before what others did in trust of it, as long as only the holder says so.
        lapsed_on, evidence = max(lapsed_on, latest_event(offer) or lapsed_on), "holder_stated"

    def effect() -> None:
        offer.lapsed_on = lapsed_on

    OFFER.execute(
        SYSTEM,
        offer,
        "lapse",
        effect=effect,
        organisation_id=offer.holder_id,
        occurred_on=lapsed_on,
        reason=reason,
        evidence=evidence,
    )
    raise_or_clear_duty(offer)
    return True


def due_for_review() -> list[int]:
    """Ids of offers in force that are over or whose duty to withdraw is not up to date. Reads only."""
    today = clock.today()
    query = (
        sa.select(Offer).where(Offer.status.in_(IN_FORCE)).order_by(Offer.id).execution_options(yield_per=500)
    )
    return [
        offer.id
        for offer in db.session.scalars(query)
        if end_of(offer, today) is not None
        or (offer.evidence == "verified" and duty_of(offer, today) != list(offer.duty_bars))
    ]


def _locked(offer_id: int) -> Offer:
    """The offer, with its patent locked before it (the order of locks)."""
    patent_id = db.session.scalar(sa.select(Offer.patent_id).where(Offer.id == offer_id))
    lock(Patent, patent_id)
    return lock(Offer, offer_id)


@dataclass(frozen=True)
class OpenDuty:
    """A holder that has to withdraw an offer: since when, for how many days now, and for which bars."""

    offer: Offer
    since: dt.date
    days: int
    bars: tuple[str, ...]


def _open_duty() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Offer.status.in_(IN_FORCE),
        Offer.evidence == "verified",
        Offer.duty_to_withdraw_since.is_not(None),
    )


def count_open_duties() -> int:
    """How many duties to withdraw are open: a figure of the bureau's supervision."""
    return db.session.scalar(sa.select(sa.func.count(Offer.id)).where(*_open_duty())) or 0


def open_duties(*, limit: int = 50, offset: int = 0) -> list[OpenDuty]:
    """The open duties to withdraw, the oldest first, with holder and patent loaded along."""
    today = clock.today()
    query = (
        sa.select(Offer)
        .where(*_open_duty())
        .order_by(Offer.duty_to_withdraw_since, Offer.id)
        .limit(limit)
        .offset(offset)
    )
    return [
        OpenDuty(offer, since, (today - since).days, tuple(offer.duty_bars))
        for offer in db.session.scalars(query)
        if (since := offer.duty_to_withdraw_since) is not None
    ]
