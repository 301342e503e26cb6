"""Offers side by side: what a licence would cost and last, and how its holder answers."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy import orm

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.listings import rules
from marketplace.listings.lifecycle import patent_view
from marketplace.listings.models import Offer, Patent
from marketplace.listings.showcase.models import ListingDetails, Question

from .models import Licence
from .rules import Term, licence_term, obligations_of

MOST: Final = 4
"""How many offers are set side by side."""

_DAYS_A_YEAR: Final = 365
_SECONDS_A_DAY: Final = 86_400


@dataclass(frozen=True)
class Answers:
    """How a holder answers readers' questions: how many it got and answered, and the median of its days."""

    asked: int
    answered: int
    median_days: float | None


@dataclass(frozen=True)
class Compared:
    """One of several offers.

    Attributes:
        term: the licence's first and last day if notice and payment came today; None where none could begin.
        upfront_minor: what is due before it takes effect, in 分; None while the terms do not say it.
        yearly_minor: the same spread over the term, in 分 a year; None where a royalty comes on top of it.
        licences: open licences taken so far.
        standing: the nine states that hinder an open licence.
    """

    offer: Offer
    live: bool
    term: Term | None
    upfront_minor: int | None
    yearly_minor: int | None
    royalty: bool
    licences: int
    maturity: str | None
    standing: rules.Eligibility
    answers: Answers
    details: ListingDetails | None


def compare(offer_ids: Sequence[int]) -> list[Compared]:
    """The offers that were ever announced and verified, in the order asked for; others are left out.

    Reads only, with the same few queries for four offers as for one.

    Args:
        offer_ids: at most `MOST` are looked at.
    """
    wanted = list(dict.fromkeys(offer_ids))[:MOST]
    rows = db.session.scalars(
        sa.select(Offer)
        .where(Offer.id.in_(wanted), Offer.evidence == "verified", Offer.announced_on.is_not(None))
        .options(orm.joinedload(Offer.patent).selectinload(Patent.classes))
    ).unique()
    offers = {offer.id: offer for offer in rows}
    today = clock.today()
    licences = _licences(wanted)
    details = {
        row.offer_id: row
        for row in db.session.scalars(
            sa.select(ListingDetails).where(ListingDetails.offer_id.in_(wanted))
        ).unique()
    }
    answers = _answers({offer.holder_id for offer in offers.values()})
    return [
        _compared(offers[id_], today, licences.get(id_, 0), details.get(id_), answers)
        for id_ in wanted
        if id_ in offers
    ]


def _compared(
    offer: Offer,
    today: dt.date,
    licences: int,
    details: ListingDetails | None,
    answers: Mapping[int, Answers],
) -> Compared:
    live = offer.in_force_on(today)
    term = _term(offer, today) if live else None
    royalty = offer.fee_form not in ("free", "fixed")
    upfront = _upfront(offer)
    return Compared(
        offer=offer,
        live=live,
        term=term,
        upfront_minor=upfront,
        yearly_minor=None if royalty or upfront is None or term is None else yearly(upfront, term),
        royalty=royalty,
        licences=licences,
        maturity=details.maturity if details else None,
        standing=rules.eligibility(patent_view(offer.patent), today),
        answers=answers.get(offer.holder_id, Answers(0, 0, None)),
        details=details,
    )


def yearly(amount_minor: int, term: Term) -> int:
    """A sum spread over a term, in 分 a year of 365 days, rounded down; terms under a year are not spread."""
    days = (term.ends - term.begins).days + 1
    return amount_minor * _DAYS_A_YEAR // max(days, _DAYS_A_YEAR)


def _upfront(offer: Offer) -> int | None:
    try:
        return sum(owed.amount_minor for owed in obligations_of(offer.terms()))
    except Conflict:  # announced terms that are not complete on record
        return None


def _term(offer: Offer, today: dt.date) -> Term | None:
    try:
        return licence_term(today, offer.term_to, offer.patent.expires_on)
    except Conflict:
        return None


def _licences(offer_ids: Sequence[int]) -> dict[int, int]:
    rows = db.session.execute(
        sa.select(Licence.offer_id, sa.func.count())
        .where(Licence.offer_id.in_(offer_ids), Licence.kind == "open")
        .group_by(Licence.offer_id)
    )
    return {offer_id: count for offer_id, count in rows if offer_id is not None}


def _answers(holder_ids: set[int]) -> dict[int, Answers]:
    """By holder, over all of its offers; a question counts from when it reached the holder."""
    rows = db.session.execute(
        sa.select(Offer.holder_id, Question.asked_at, Question.answered_at)
        .join(Offer, Offer.id == Question.offer_id)
        .where(Offer.holder_id.in_(holder_ids), Question.reached_on.is_not(None))
    ).all()
    found = {}
    for holder_id in holder_ids:
        mine = [(asked, answered) for holder, asked, answered in rows if holder == holder_id]
        days = [(answered - asked).total_seconds() / _SECONDS_A_DAY for asked, answered in mine if answered]
        found[holder_id] = Answers(len(mine), len(days), round(statistics.median(days), 1) if days else None)
    return found
