"""Negotiated ordinary licences: one side's word, the other's answer, and no figure of open licences."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences
from marketplace.deals.models import Licence
from marketplace.deals.negotiated import rules, services
from marketplace.deals.negotiated.lifecycle import STATEMENT
from marketplace.deals.negotiated.models import STATES, NegotiatedRecord
from marketplace.deals.negotiated.services import Contract
from marketplace.listings.models import Offer, Patent
from marketplace.notifications.services import tell
from marketplace.statistics import facts
from tests import factories

PDF = ("合同.pdf", b"%PDF-1.7 a contract")
SIGNED = dt.date(2026, 10, 8)
CONTRACT = Contract(signed_on=SIGNED, effective_on=dt.date(2026, 10, 9), fee_minor=12_000_00)


@dataclass
class World:
    holder: Actor
    firm: Actor
    stranger: Actor
    offer: Offer
    patent: Patent
    firm_name: str


@pytest.fixture
def world(context: None) -> World:
    """A patent with a live offer, its holder, a firm and somebody else."""
    return made()


def made() -> World:
    with unit_of_work():
        holder, firm, stranger = (factories.organisation() for _ in range(3))
        offer = factories.live_offer(holder)
        actors = [factories.actor(one) for one in (holder, firm, stranger)]
        return World(*actors, offer, offer.patent, firm.name)


def stated(world: World, by: Actor | None = None, **changes: object) -> NegotiatedRecord:
    actor = by or world.firm
    contract = replace(CONTRACT, **changes)  # type: ignore[arg-type]
    with unit_of_work(actor):
        return services.state(actor, [world.patent], contract, file=PDF)[0]


def told() -> set[tuple[int | None, str]]:
    found = set()
    for entry in db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id)).all():
        if entry.action.startswith("negotiated."):
            with unit_of_work():
                found |= {(one.organisation_id, one.code) for one in tell(entry)}
    return found


def test_either_side_states_it_and_only_the_other_confirms(world: World) -> None:
    row = stated(world)
    assert (row.side, row.state, row.licence.kind, row.licence.offer_id) == (
        "licensee", "stated", "ordinary", None,
    )  # fmt: skip
    with pytest.raises(Forbidden), unit_of_work(world.firm):
        services.confirm(world.firm, [row.id])
    with pytest.raises(NotFound), unit_of_work(world.stranger):
        services.confirm(world.stranger, [row.id])
    with unit_of_work(world.holder):
        services.confirm(world.holder, [row.id])
    assert row.state == "confirmed"
    with pytest.raises(Conflict, match="illegal-transition"), unit_of_work(world.firm):
        services.withdraw(world.firm, row.id)
    with unit_of_work(world.holder):
        licences.file_recordal(world.holder, row.licence_id, filed_on=clock.today())
    assert row.licence.recordal_state == "filed", "recorded like any other licence"
    with unit_of_work():
        other = factories.organisation()
    again = stated(world, world.holder, licensee=other.name)
    assert (again.side, again.licence.licensee_id) == ("holder", other.id)


def test_no_sole_or_exclusive_licence_beside_an_offer_that_stands(world: World) -> None:
    for kind in ("sole", "exclusive"):
        with pytest.raises(Conflict, match="exclusive-beside-offer") as refused:
            stated(world, kind=kind)
        assert "Art. 51" in str(refused.value.message)
    with unit_of_work():
        world.offer.status = "withdrawn"
    with pytest.raises(Invalid, match="negotiated-kind"):
        stated(world, kind="exclusive")
    with pytest.raises(Conflict, match="negotiated-known"):
        stated(world), stated(world)
    with pytest.raises(Invalid, match="negotiated-licensee"):
        stated(world, world.holder)
    with pytest.raises(Invalid, match="negotiated-evidence"), unit_of_work(world.firm):
        services.state(world.firm, [world.patent], replace(CONTRACT, effective_on=SIGNED), file=None)


def test_it_is_in_no_figure_of_open_licences_and_contested_word_counts_nowhere(world: World) -> None:
    before = facts.open_licences()
    row = stated(world)
    facts.rebuild()
    counted = facts.load()
    assert counted.ordinary.patent.tolist() == [counted.row_of(world.patent.id)]
    assert row.licence_id not in counted.open.id
    assert facts.open_licences() == before
    with unit_of_work(world.holder):
        services.contest(world.holder, row.id, reason="没有签过这份合同。")
    facts.rebuild()
    assert len(facts.load().ordinary.id) == 0
    assert services.beside(world.patent.id) == []
    with unit_of_work(world.firm):
        services.withdraw(world.firm, row.id)
    assert (row.licence.state, row.licence.ended_reason) == ("ended", "statement_withdrawn")
    assert stated(world).state == "stated", "what was taken back can be stated anew"


def test_only_the_two_sides_and_staff_see_it_and_its_paper(world: World) -> None:
    row = stated(world)
    assert services.file_of(world.holder, row.id).name == "合同.pdf"
    assert [one.id for one in services.statements(world.holder)] == [row.id]
    assert services.statements(world.stranger) == []
    for look in (services.get, services.file_of):
        with pytest.raises(NotFound):
            look(world.stranger, row.id)
    with unit_of_work():
        operator = factories.operator()
    assert services.get(operator, row.id) is row
    with pytest.raises(Forbidden), unit_of_work(operator):
        services.confirm(operator, [row.id])
    holder = db.session.get_one(Organisation, world.holder.organisation_id)
    both = replace(world.firm, principals=frozenset({holder.id}))
    with pytest.raises(Forbidden), unit_of_work(both):
        services.confirm(both, [row.id])


STEPS = ("state", "confirm", "contest", "withdraw", "confirm_own", "contest_own", "withdraw_other", "end")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=10))
def test_in_any_order_the_state_follows_the_table_and_the_journal(context: None, steps: list[str]) -> None:
    world, rows = made(), []
    act = {
        "confirm": lambda row: services.confirm(world.holder, [row.id]),
        "contest": lambda row: services.contest(world.holder, row.id, reason="不对"),
        "withdraw": lambda row: services.withdraw(world.firm, row.id),
        "confirm_own": lambda row: services.confirm(world.firm, [row.id]),
        "contest_own": lambda row: services.contest(world.firm, row.id, reason="不对"),
        "withdraw_other": lambda row: services.withdraw(world.holder, row.id),
        "end": lambda row: licences.end_licence(world.holder, row.licence_id, reason="statutory_ground"),
    }
    for step in steps:
        try:
            if step == "state":
                rows.append(stated(world))
            elif rows:
                with unit_of_work(world.holder):
                    act[step](rows[-1])
                assert not step.endswith(("_own", "_other"))
        except (Conflict, Forbidden):
            db.session.rollback()
    for row in rows:
        entries = db.session.scalars(
            sa.select(JournalEntry.action)
            .where(JournalEntry.subject_type == "negotiated_records", JournalEntry.subject_id == row.id)
            .order_by(JournalEntry.id)
        ).all()
        assert entries[0] == "negotiated.stated"
        state = STATEMENT.initial
        for action in entries[1:]:
            move = next(one for one in STATEMENT.transitions if one.entry == action)
            assert state in move.sources
            state = move.target
        assert row.state == state
        assert row.state != "withdrawn" or row.licence.state == "ended"
    standing = [one for one in rows if one.state != "withdrawn"]
    assert len(standing) <= 1, "one contract is stated once"
    assert (
        db.session.scalar(
            sa.select(sa.func.count()).where(Licence.patent_id == world.patent.id, Licence.kind == "open")
        )
        == 0
    )
    assert set(STATEMENT.states) == set(STATES)


days = st.dates(dt.date(2020, 1, 1), dt.date(2045, 1, 1))


@given(days, days, st.none() | days, st.none() | days, st.none() | days)
def test_what_passes_the_rules_of_days_lies_within_the_patents_life(
    signed: dt.date, effective: dt.date, term: dt.date | None, granted: dt.date | None, ends: dt.date | None
) -> None:
    today = dt.date(2026, 11, 24)
    refusal: DomainError | None = rules.refusal_of_days(
        signed, effective, term, today=today, granted_on=granted, expires_on=ends
    )
    if refusal is None:
        assert max(signed, effective) <= today
        assert (granted or effective) <= effective <= (ends or effective)
        assert term is None or effective <= term <= (ends or term)
    else:
        assert refusal.code in ("date-in-future", "date-too-early", "negotiated-term")
