"""Disputes: both sides speak, only both agree, and nothing about the licence changes meanwhile."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import notices
from marketplace.deals.disputes import services, supervision
from marketplace.deals.disputes.models import Dispute
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence
from marketplace.notifications.services import tell
from tests import factories

PDF = b"%PDF-1.7 a paper"
TODAY = dt.date(2026, 11, 20)


@dataclass
class World:
    holder: Actor
    firm: Actor
    stranger: Actor
    licence: Licence


@pytest.fixture
def world(context: None) -> World:
    """A licence in effect between a holder and a firm, and somebody else."""
    with unit_of_work():
        holder, firm, stranger = (factories.organisation() for _ in range(3))
        offer = factories.live_offer(holder, fee_form="free", fee_minor=None)
        actors = [factories.actor(one) for one in (holder, firm, stranger)]
    prepared = notices.prepare_notice(actors[1], offer.id)
    with unit_of_work(actors[1]):
        licence = licence_of(notices.serve_notice(actors[1], prepared))
    assert licence is not None
    return World(*actors, licence)


def opened(world: World, by: Actor | None = None) -> Dispute:
    with unit_of_work(by or world.firm):
        return services.open_dispute(
            by or world.firm, "licence", world.licence.id, topic="scope", title="范围", statement="请说明。",
            file=("照片.png", b"\x89PNG\r\n\x1a\n"),
        )  # fmt: skip


def told() -> set[tuple[int | None, str]]:
    found = set()
    for entry in db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id)).all():
        if entry.action.startswith("dispute."):
            with unit_of_work():
                found |= {(one.organisation_id, one.code) for one in tell(entry)}
    return found


def test_both_sides_speak_and_a_settlement_takes_the_other_sides_word(world: World) -> None:
    dispute = opened(world)
    assert dispute.answer_due_on == dt.date(2026, 12, 7), "15 days, moved past a Saturday"
    with pytest.raises(Forbidden), unit_of_work(world.firm):
        services.answer(world.firm, dispute.id, text="我自己答复。")
    with unit_of_work(world.holder):
        services.answer(world.holder, dispute.id, text="可以协商。")
        services.propose_settlement(world.holder, dispute.id, text="双方各自承担费用。")
    with pytest.raises(Forbidden), unit_of_work(world.holder):
        services.agree(world.holder, dispute.id)
    with pytest.raises(Conflict, match="settlement-open"), unit_of_work(world.firm):
        services.refer(world.firm, dispute.id, venue="court", body="某法院", filed_on=TODAY)
    with unit_of_work(world.firm):
        services.agree(world.firm, dispute.id)
    assert (dispute.state, dispute.settlement) == ("settled", "agreed")
    assert [one.kind for one in dispute.entries] == ["statement", "answer", "settlement"]
    assert world.licence.state == "in_effect"
    with pytest.raises(Conflict, match="dispute-over"), unit_of_work(world.holder):
        services.add(world.holder, dispute.id, text="还有一点。")
    holder, firm = world.holder.organisation_id, world.firm.organisation_id
    assert {
        (holder, "dispute_opened"), (None, "dispute_opened_bureau"), (firm, "dispute_answered"),
        (firm, "dispute_settlement_proposed"), (holder, "dispute_settled"), (firm, "dispute_settled"),
    } <= told()  # fmt: skip


def test_an_end_elsewhere_needs_its_paper_and_a_failed_mediation_goes_on(world: World) -> None:
    dispute = opened(world, world.holder)
    with unit_of_work(world.firm):
        services.refer(world.firm, dispute.id, venue="cnipa", body="国家知识产权局", filed_on=TODAY)
    with pytest.raises(Invalid, match="date-too-early"), unit_of_work(world.firm):
        services.end_referral(
            world.firm, dispute.id, outcome="no_agreement", ended_on=TODAY - dt.timedelta(days=1)
        )
    with unit_of_work(world.firm):
        services.end_referral(world.firm, dispute.id, outcome="no_agreement", ended_on=TODAY)
    assert dispute.state == "answered"
    with unit_of_work(world.holder):
        services.refer(world.holder, dispute.id, venue="court", body="上海知识产权法院", filed_on=TODAY)
    with pytest.raises(Invalid, match="dispute-evidence"), unit_of_work(world.holder):
        services.end_referral(world.holder, dispute.id, outcome="decision", ended_on=TODAY, text="判决")
    with unit_of_work(world.holder):
        services.end_referral(
            world.holder,
            dispute.id,
            outcome="decision",
            ended_on=TODAY,
            text="判决如下",
            file=("判决.pdf", PDF),
        )
    assert (dispute.state, dispute.decided_on) == ("decided", TODAY)
    assert [one.outcome for one in dispute.referrals] == ["no_agreement", "decision"]
    with unit_of_work():
        bureau = Actor(user_id=factories.user(staff_role="bureau").id, roles=frozenset({"bureau"}))
    counted = supervision.counts(bureau)
    assert (counted.total, counted.living, counted.venues) == (1, 0, {"cnipa": 1, "court": 1})
    with pytest.raises(Forbidden):
        supervision.counts(world.firm)


def test_only_the_two_sides_and_staff_see_it_and_its_files(world: World) -> None:
    dispute = opened(world)
    file_id = dispute.entries[0].file_id
    assert file_id is not None
    assert services.file_of(world.holder, dispute.id, file_id).name == "照片.png"
    assert [one.id for one in services.disputes(world.holder)] == [dispute.id]
    assert services.disputes(world.stranger) == []
    with pytest.raises(NotFound):
        services.get(world.stranger, dispute.id)
    with pytest.raises(NotFound), unit_of_work(world.stranger):
        services.open_dispute(
            world.stranger, "licence", world.licence.id, topic="scope", title="x", statement="x"
        )
    with pytest.raises(Conflict, match="dispute-open"):
        opened(world, world.holder)
    with unit_of_work():
        operator = factories.operator()
    assert services.get(operator, dispute.id) is dispute
    with pytest.raises(Forbidden), unit_of_work(operator):
        services.add(operator, dispute.id, text="我来评理。")


def test_an_agency_with_both_mandates_answers_nothing_that_it_has_opened(world: World) -> None:
    dispute = opened(world)
    holder = db.session.get_one(Organisation, world.holder.organisation_id)
    both = Actor(
        user_id=world.firm.user_id,
        organisation_id=world.firm.organisation_id,
        roles=world.firm.roles,
        principals=frozenset({holder.id}),
    )
    with pytest.raises(Forbidden), unit_of_work(both):
        services.answer(both, dispute.id, text="自问自答。")


def test_the_other_side_is_reminded_once_before_and_once_after_the_day(world: World) -> None:
    dispute = opened(world)
    for days in (13, 14, 18, 19):
        with clock.at(clock.now() + dt.timedelta(days=days)):
            services.remind()
    actions = db.session.scalars(
        sa.select(JournalEntry.action)
        .where(JournalEntry.subject_type == "disputes")
        .order_by(JournalEntry.id)
    ).all()
    assert actions == ["dispute.opened", "dispute.answer_due", "dispute.answer_overdue"]
    assert dispute.state == "open"
    holder = world.holder.organisation_id
    assert {(holder, "dispute_answer_due"), (None, "dispute_answer_overdue_bureau")} <= told()
