"""Signals over real licences: what is seen, what is not, and what clearing one does."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.accounts.models import Mandate, Membership, Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence, Notice
from marketplace.supervision import signals
from marketplace.supervision.models import Signal
from tests import factories


def licence(holder: Organisation, licensee: Organisation, days_ago: int, **values: Any) -> Licence:
    """A free licence that took effect some days ago."""
    day = clock.today() - dt.timedelta(days=days_ago)
    offer = factories.live_offer(holder, fee_form="free", fee_minor=None)
    defaults: dict[str, Any] = {
        "number": f"L{offer.id}",
        "kind": "open",
        "evidence": "verified",
        "offer_id": offer.id,
        "patent_id": offer.patent_id,
        "licensee_id": licensee.id,
        "effective_at": clock.now() - dt.timedelta(days=days_ago),
        "effective_on": day,
        "amount_minor": 0,
        "created_at": clock.now(),
    }
    row = Licence(**(defaults | values))
    db.session.add(row)
    db.session.flush()
    return row


def recorded_here(holder: Organisation, licensee: Organisation, use: str | None = None) -> Licence:
    """A licence taken here and recorded 400 days ago."""
    row = licence(holder, licensee, 450)
    notice = Notice(
        number=f"N{row.id}",
        offer_id=row.offer_id,
        licensee_id=licensee.id,
        state="paid",
        terms={},
        use=use,
        document_digest="0" * 64,
        written_at=row.effective_at,
    )
    db.session.add(notice)
    db.session.flush()
    row.notice_id, row.evidence = notice.id, "platform"
    row.recordal_state, row.recorded_on = "recorded", clock.today() - dt.timedelta(days=400)
    return row


def bureau() -> Actor:
    """An official, as an actor."""
    with unit_of_work(SYSTEM):
        return Actor(user_id=factories.user(staff_role="bureau").id, roles=frozenset({"bureau"}))


def seen() -> list[tuple[str, int, int | None, list[str]]]:
    """What is kept after one look."""
    signals.refresh()
    return [
        (one.kind, one.holder_id, one.licensee_id, one.sorts)
        for one in db.session.scalars(sa.select(Signal).order_by(Signal.id))
    ]


def entries() -> list[str]:
    """What the journal says of signals."""
    return list(
        db.session.scalars(
            sa.select(JournalEntry.action)
            .where(JournalEntry.subject_type == "sham_signals")
            .order_by(JournalEntry.id)
        )
    )


def test_sides_are_related_by_a_person_a_mandate_a_code_or_an_account(context: None) -> None:
    with unit_of_work(SYSTEM):
        holder = factories.organisation(code="91310000MA1FL00001", stripe_account="acct_same")
        holder.identity = "confirmed"
        shared, served, coded, banked, striped, stranger = (factories.organisation() for _ in range(6))
        person = factories.user(holder)
        db.session.add(Membership(user_id=person.id, organisation_id=shared.id, created_at=clock.now()))
        db.session.add(
            Mandate(
                agent_id=holder.id,
                principal_id=served.id,
                scope="licensee",
                valid_from=clock.today(),
                valid_to=clock.today(),
                created_at=clock.now(),
            )
        )
        coded.code, coded.identity = holder.code, "stated"
        banked.bank_account, striped.stripe_account = holder.bank_account, "acct_same"
        others = (shared, served, coded, banked, striped)
        for other in (*others, stranger):
            licence(holder, other, 300)
        ids = [one.id for one in others]
    grounds = ("member", "agent", "code", "bank", "stripe")
    kept = seen()
    assert sorted((other or 0, sorts) for kind, _h, other, sorts in kept if kind == "related") == [
        (id_, [ground]) for id_, ground in zip(ids, grounds, strict=True)
    ]


def test_free_licences_both_ways_within_the_time_are_a_signal_and_later_ones_are_none(
    context: None,
) -> None:
    with unit_of_work(SYSTEM):
        one, other, third = (factories.organisation() for _ in range(3))
        licence(one, other, 300)
        licence(other, one, 130)
        licence(one, third, 400)
        licence(third, one, 100)
        pair = sorted((one.id, other.id))
    assert seen() == [("mutual", *pair, ["both_ways"])]


def test_a_recorded_licence_is_unused_unless_its_notice_tells_a_use(context: None) -> None:
    with unit_of_work(SYSTEM):
        holder, silent, telling, recent = (factories.organisation() for _ in range(4))
        recorded_here(holder, silent)
        recorded_here(holder, telling, use="用于传动壳体")
        recorded_here(holder, recent).recorded_on = clock.today() - dt.timedelta(days=200)
        licence(holder, recent, 500, recordal_state="recorded", recorded_on=dt.date(2025, 1, 1))
        expected = ("unused", holder.id, silent.id, ["no_use"])
    assert seen() == [expected]


def test_five_free_licences_to_newcomers_in_a_week_are_a_burst(context: None) -> None:
    with unit_of_work(SYSTEM):
        holder = factories.organisation()
        for days_ago in range(5):
            licence(holder, factories.organisation(claimed_at=clock.now() - dt.timedelta(days=10)), days_ago)
        paying = factories.organisation()
        for days_ago in range(5):
            licence(paying, factories.organisation(), days_ago, amount_minor=5_000_000)
        holder_id = holder.id
    assert seen() == [("burst", holder_id, None, ["many_new"])]


def related_pair() -> tuple[int, int]:
    """A holder and a licensee with one account at a bank, and a licence between them."""
    with unit_of_work(SYSTEM):
        holder = factories.organisation()
        licensee = factories.organisation(bank_account=holder.bank_account)
        licence(holder, licensee, 100)
        return holder.id, licensee.id


def test_a_cleared_signal_comes_back_by_evidence_of_another_sort_alone(context: None) -> None:
    holder_id, licensee_id = related_pair()
    actor = bureau()
    seen()
    (one,) = signals.signals(actor).signals
    signal_id = one.id
    with unit_of_work(actor):
        signals.clear(actor, signal_id, "集团共用账户，已核实")
    with unit_of_work(SYSTEM):
        licence(db.session.get_one(Organisation, holder_id), db.session.get_one(Organisation, licensee_id), 5)
    seen()
    again = signals.signal(actor, signal_id)
    assert (again.state, again.evidence["count"]) == ("cleared", 2)
    with unit_of_work(SYSTEM):
        person = factories.user(db.session.get_one(Organisation, holder_id))
        db.session.add(Membership(user_id=person.id, organisation_id=licensee_id, created_at=clock.now()))
    seen()
    again = signals.signal(actor, signal_id)
    assert (again.state, again.sorts, again.reason) == ("open", ["bank", "member"], "集团共用账户，已核实")
    assert entries() == ["signal.opened", "signal.cleared", "signal.reopened"]
    assert [one.state for one in db.session.scalars(sa.select(Licence))] == ["in_effect"] * 2


def test_what_is_seen_no_more_stays_with_the_day_it_was_last_seen(context: None) -> None:
    _holder, licensee_id = related_pair()
    seen()
    with unit_of_work(SYSTEM):
        db.session.get_one(Organisation, licensee_id).bank_account = "310099990001"
        before = db.session.scalar(sa.select(Signal.last_seen_at))
    assert len(seen()) == 1
    assert db.session.scalar(sa.select(Signal.last_seen_at)) == before


def test_clearing_needs_an_official_a_reason_and_an_open_signal(context: None) -> None:
    related_pair()
    seen()
    actor = bureau()
    signal_id = signals.signals(actor).signals[0].id
    with unit_of_work(SYSTEM):
        stranger = factories.actor(factories.organisation())
    with pytest.raises(Forbidden), unit_of_work(stranger):
        signals.clear(stranger, signal_id, "…")
    for reason in ("  ", "长" * 501):
        with pytest.raises(Invalid), unit_of_work(actor):
            signals.clear(actor, signal_id, reason)
    with pytest.raises(NotFound), unit_of_work(actor):
        signals.clear(actor, 10**9, "已核实")
    with unit_of_work(actor):
        signals.clear(actor, signal_id, "已核实")
    with pytest.raises(Conflict), unit_of_work(actor):
        signals.clear(actor, signal_id, "已核实")
    found = signals.signals(actor, state="cleared")
    assert (found.total, found.counts["related"]) == (1, 1)
