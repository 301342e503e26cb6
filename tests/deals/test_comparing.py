"""Offers side by side: what a licence would cost and last, and how its holder answers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.comparing import Answers, compare, yearly
from marketplace.deals.rules import Term
from marketplace.listings.showcase.models import Question
from tests import factories


def question(offer, days: float | None) -> None:
    asked = clock.now() - dt.timedelta(days=20)
    db.session.add(
        Question(
            offer_id=offer.id, state="open" if days is None else "answered", locale="zh", text="?",
            asked_at=asked, reached_on=clock.legal_date(asked),
            answered_at=None if days is None else asked + dt.timedelta(days=days),
        )
    )  # fmt: skip


def test_offers_stand_in_the_order_asked_for_with_what_a_licence_costs_and_lasts(context: None) -> None:
    with unit_of_work():
        holder, other = factories.organisation(), factories.organisation()
        fixed = factories.live_offer(holder, fee_minor=4_000_000)
        royalty = factories.live_offer(
            other,
            fee_form="royalty_net_sales",
            fee_minor=None,
            rate_percent=Decimal(3),
            rate_base="net_sales",
        )
        ended = factories.live_offer(holder, status="withdrawn")
        draft = factories.live_offer(holder, evidence=None)
        for days in (1, 3, None):
            question(fixed, days)
    found = compare([royalty.id, 999_999, fixed.id, ended.id, draft.id])
    assert [one.offer.id for one in found] == [royalty.id, fixed.id, ended.id][: len(found)]
    first, second = found[:2]
    assert (first.upfront_minor, first.yearly_minor, first.royalty) == (0, None, True)
    assert (second.upfront_minor, second.royalty) == (4_000_000, False)
    assert second.term is not None
    assert second.yearly_minor == yearly(4_000_000, second.term)
    assert second.answers == Answers(3, 2, 2.0)
    assert first.answers == Answers(0, 0, None)


def test_four_offers_are_read_with_no_more_queries_than_two(app: Flask, context: None) -> None:
    with unit_of_work():
        offers = [factories.live_offer(factories.organisation()).id for _ in range(4)]

    def queries(ids: list[int]) -> int:
        db.session.expunge_all()
        seen: list[str] = []

        def note(*arguments: object) -> None:
            seen.append(str(arguments[2]))

        sa.event.listen(db.engine, "before_cursor_execute", note)
        try:
            compare(ids)
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", note)
        return sum(statement.startswith("SELECT") for statement in seen)

    assert queries(offers) == queries(offers[:2])


@given(st.integers(0, 10**12), st.integers(0, 8_000))
def test_a_year_costs_no_more_than_the_whole_and_a_short_term_is_not_blown_up(amount: int, days: int) -> None:
    begins = dt.date(2026, 11, 20)
    found = yearly(amount, Term(begins, begins + dt.timedelta(days=days)))
    assert 0 <= found <= amount
    assert days >= 365 or found == amount
