"""Later events as guided tasks: the law's order, read from the facts, ended by them."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock, journal
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.identifiers import parse_number
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import services as listings
from marketplace.listings.changes import rules, services
from marketplace.listings.changes.models import ChangeTask
from marketplace.listings.changes.work import readers
from marketplace.listings.models import OFFER_STATUSES, Offer, Patent
from tests import factories


class Case:
    """A holder with a live offer."""

    def __init__(self) -> None:
        with unit_of_work():
            self.holder = factories.organisation("示例理工大学")
            self.actor = factories.actor(self.holder)
            self.other = factories.organisation("示例受让公司")
            self.operator = factories.operator()
            self.offer = factories.live_offer(self.holder)
        self.patent_id = self.offer.patent_id

    def begin(self, event: str, **values: dt.date) -> ChangeTask:
        with unit_of_work(self.actor):
            patent = db.session.get_one(Patent, self.patent_id)
            return services.begin(self.actor, patent, event, **values)

    def act(self, actor: Actor, action: str, **values: object) -> None:
        with unit_of_work(actor):
            listings.act(actor, self.offer.id, action, values)

    def withdraw(self) -> None:
        self.act(self.actor, "file_withdrawal", reason="转让")
        self.act(self.actor, "withdraw")

    def owners(self, actor: Actor, *names: str) -> None:
        patent = db.session.get_one(Patent, self.patent_id)
        number = parse_number(patent.number or "")
        with unit_of_work(actor):
            listings.enter_patent(actor, {"number": number, "title": patent.title, "patentees": names})

    def settle(self) -> None:
        """What the worker's reader does with the newest entries."""
        [reader] = readers()
        assert reader.inside is not None
        entries = journal.entries_after(0, 1000)
        with unit_of_work():
            reader.inside(entries)

    def states(self, task: ChangeTask) -> dict[str, str]:
        return {step.code: step.state for step in services.steps_of(fresh(task))}


def fresh(task: ChangeTask) -> ChangeTask:
    db.session.expire_all()
    return db.session.get_one(ChangeTask, task.id)


@pytest.fixture
def case(context: None) -> Case:
    return Case()


def test_an_assignment_withdraws_waits_changes_owners_and_ends_by_itself(case: Case) -> None:
    task = case.begin("assignment", due_on=clock.today() + dt.timedelta(days=30))
    assert case.states(task) == {
        "file_withdrawal": "now",
        "withdrawal_announced": "waits",
        "tell_licensees": "waits",
        "change_owners": "waits",
        "redeclare": "waits",
    }
    case.act(case.actor, "file_withdrawal", reason="转让")
    assert case.states(task)["withdrawal_announced"] == "now"
    with pytest.raises(Conflict) as refused:
        case.owners(case.actor, "示例理工大学", "示例受让公司")
    assert refused.value.code == "owners-bound"
    case.act(case.actor, "withdraw")
    assert case.states(task)["change_owners"] == "now"
    case.settle()
    assert fresh(task).state == "open"
    case.owners(case.operator, "示例受让公司")
    case.settle()
    assert (fresh(task).state, fresh(task).ended_on) == ("done", clock.today())
    actions = db.session.scalars(
        sa.select(JournalEntry.action)
        .where(JournalEntry.subject_type == "change_tasks")
        .order_by(JournalEntry.id)
    )
    assert list(actions) == ["change.begun", "change.done"]


def test_only_an_operator_changes_owners_under_an_offer_in_force(case: Case) -> None:
    case.owners(case.actor, "示例理工大学")
    with pytest.raises(Conflict):
        case.owners(case.actor, "示例理工大学", "一家新公司")
    case.owners(case.operator, "示例受让公司")
    patent = db.session.get_one(Patent, case.patent_id)
    assert [party.organisation.name for party in patent.parties] == ["示例受让公司"]


def test_who_goes_on_declares_anew_with_the_same_terms(case: Case) -> None:
    task = case.begin("succession")
    with unit_of_work(case.actor), pytest.raises(Conflict) as refused:
        services.redeclare(case.actor, task.id)
    assert refused.value.code == "change-not-yet"
    case.withdraw()
    case.owners(case.actor, "示例理工大学", "示例受让公司")
    with unit_of_work(case.actor):
        draft = services.redeclare(case.actor, task.id)
    old = case.offer
    assert draft.status == "draft"
    assert (draft.fee_form, draft.fee_minor, draft.payment_text, draft.contact, draft.term_to) == (
        old.fee_form,
        old.fee_minor,
        old.payment_text,
        old.contact,
        old.term_to,
    )
    with unit_of_work(case.actor), pytest.raises(Conflict) as second:
        services.redeclare(case.actor, task.id)
    assert second.value.code == "change-redeclared"
    case.settle()
    assert fresh(task).state == "open"
    with unit_of_work():
        db.session.get_one(Offer, draft.id).status = "filed"
    case.settle()
    assert fresh(task).state == "done"


def test_a_pledge_needs_the_pledgees_consent_or_the_end_of_the_offer(case: Case) -> None:
    task = case.begin("pledge")
    assert case.states(task) == {"state_pledge": "now", "pledgee_consent": "waits"}
    with unit_of_work(case.actor):
        listings.set_fact(
            case.actor, db.session.get_one(Patent, case.patent_id), "pledged", "without_consent"
        )
    case.settle()
    offer = db.session.get_one(Offer, case.offer.id)
    assert (fresh(task).state, offer.duty_bars) == ("open", ["pledge"])
    with unit_of_work(case.actor):
        listings.set_fact(case.actor, db.session.get_one(Patent, case.patent_id), "pledged", "with_consent")
    case.settle()
    assert fresh(task).state == "done"


def test_what_no_fact_shows_is_told_and_other_steps_cannot_be(case: Case) -> None:
    task = case.begin("abandonment")
    with unit_of_work(case.actor):
        services.tell(case.actor, task.id, "tell_licensees")
    assert fresh(task).told == {"tell_licensees": clock.today().isoformat()}
    with unit_of_work(case.actor), pytest.raises(Invalid):
        services.tell(case.actor, task.id, "abandon")


def test_one_event_is_worked_on_once_and_may_be_given_up(case: Case) -> None:
    task = case.begin("assignment")
    with pytest.raises(Conflict) as refused:
        case.begin("assignment")
    assert refused.value.code == "change-open"
    with unit_of_work(case.actor):
        services.cancel(case.actor, task.id)
    assert services.open_tasks([case.holder.id]) == []
    case.begin("assignment")
    assert services.count_open(case.holder.id) == 1


def test_a_stranger_neither_begins_nor_sees_a_task(case: Case) -> None:
    with unit_of_work():
        stranger = factories.actor(case.other)
    task = case.begin("assignment")
    with pytest.raises(NotFound):
        services.get_task(stranger, task.id)
    with unit_of_work(stranger), pytest.raises(Forbidden):
        services.begin(stranger, db.session.get_one(Patent, case.patent_id), "pledge")


@given(
    event=st.sampled_from(sorted(rules.STEPS)),
    offer=st.sampled_from([None, *OFFER_STATUSES]),
    owners=st.booleans(),
    redeclared=st.sampled_from([None, *OFFER_STATUSES]),
    pledged=st.sampled_from([None, "no", "with_consent", "without_consent"]),
    legal=st.sampled_from([None, "in_force", "terminated"]),
)
def test_no_step_has_its_turn_before_those_that_the_law_puts_first(
    event: str,
    offer: str | None,
    owners: bool,
    redeclared: str | None,
    pledged: str | None,
    legal: str | None,
) -> None:
    facts = rules.Facts(offer, owners, redeclared, pledged, legal)
    found = rules.steps(event, facts)
    assert [step.code for step in found] == list(rules.STEPS[event])
    for index, step in enumerate(found):
        before = found[:index]
        if step.state == "now":
            assert all(one.optional or one.state == "done" for one in before)
        if step.state == "waits":
            assert any(not one.optional and one.state != "done" for one in before)
    assert rules.complete(event, facts) == all(one.optional or one.state == "done" for one in found)


def test_the_receipt_of_a_filing_is_kept(context: None) -> None:
    with unit_of_work():
        holder = factories.organisation()
        actor = factories.actor(holder)
        offer = factories.live_offer(
            holder, status="ready", evidence=None, declaration_number=None, announced_on=None, filed_on=None,
            fee_explanation="按同行业合同统计估算。",
        )  # fmt: skip
    with unit_of_work(actor):
        listings.act(
            actor, offer.id, "file", {"filed_on": dt.date(2026, 10, 8), "filing_receipt": "SL2026100801"}
        )
    found = db.session.get_one(Offer, offer.id)
    assert (found.filed_on, found.filing_receipt) == (dt.date(2026, 10, 8), "SL2026100801")
