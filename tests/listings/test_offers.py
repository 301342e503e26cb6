"""An offer's life: from draft to announcement and its ends, by those who may."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import scope, services
from marketplace.listings.lifecycle import OFFER
from marketplace.listings.models import Offer
from tests import factories

TERMS: dict[str, Any] = {
    "fee_form": "fixed",
    "fee": 5_000_000,
    "term_from": dt.date(2026, 12, 1),
    "term_to": dt.date(2031, 11, 30),
    "contact": "示例联系人 021-00000000",
}
ANNOUNCEMENT = {"declaration_number": "KF-T-1", "announced_on": dt.date(2026, 11, 20)}


class Stage:
    """A holder, an operator, a stranger, and a draft on the holder's patent."""

    def __init__(self, **terms: Any) -> None:
        with unit_of_work():
            self.holder_organisation = factories.organisation()
            self.holder = factories.actor(self.holder_organisation)
            self.stranger = factories.actor(factories.organisation())
            self.operator = factories.operator()
            self.patent = factories.patent(self.holder_organisation)
        with unit_of_work(self.holder):
            self.offer = services.draft_offer(self.holder, self.patent, TERMS | terms)

    def act(self, actor: Actor, action: str, **values: Any) -> Offer:
        with unit_of_work(actor):
            return services.act(actor, self.offer.id, action, values)

    def entries(self) -> list[str]:
        query = sa.select(JournalEntry.action).where(
            JournalEntry.subject_type == "offers", JournalEntry.subject_id == self.offer.id
        )
        return list(db.session.scalars(query.order_by(JournalEntry.id)))


@pytest.fixture
def stage(context: None) -> Stage:
    return Stage()


def test_a_sole_owner_files_a_draft_and_an_operator_makes_it_live(stage: Stage) -> None:
    stage.act(stage.holder, "file", filed_on=dt.date(2026, 11, 19))
    offer = stage.act(stage.holder, "announce", **ANNOUNCEMENT)
    assert (offer.status, offer.evidence, offer.in_force_on(clock.today())) == (
        "announced",
        "holder_stated",
        False,
    )
    with pytest.raises(Forbidden):
        stage.act(stage.holder, "verify")
    offer = stage.act(stage.operator, "verify", source="专利公报示例")
    assert offer.in_force_on(clock.today())
    assert stage.entries() == ["offer.drafted", "offer.filed", "offer.announced", "offer.verified"]


def test_an_announcement_by_an_operator_is_verified_at_once(stage: Stage) -> None:
    stage.act(stage.holder, "file")
    assert stage.act(stage.operator, "announce", **ANNOUNCEMENT).evidence == "verified"


def test_the_whole_way_of_an_institution_is_recorded(stage: Stage) -> None:
    for action in ("submit_review", "approve", "approve", "start_price_notice", "ready", "file"):
        stage.act(stage.holder, action)
    assert stage.offer.status == "filed"
    assert stage.entries() == [
        "offer.drafted",
        "offer.review_submitted",
        "offer.approved",
        "offer.approved",
        "offer.price_notice_started",
        "offer.ready",
        "offer.filed",
    ]


def test_a_review_has_to_approve_before_it_goes_on(stage: Stage) -> None:
    stage.act(stage.holder, "submit_review")
    with pytest.raises(Conflict, match="review-open"):
        stage.act(stage.holder, "file")


def test_co_owners_have_to_agree_before_filing(context: None) -> None:
    stage = Stage()
    with unit_of_work():
        patent = factories.patent(stage.holder_organisation, factories.organisation())
    with unit_of_work(stage.holder):
        stage.offer = services.draft_offer(stage.holder, patent, TERMS)
    with pytest.raises(Conflict, match="owners-consent-missing"):
        stage.act(stage.holder, "file")
    assert stage.act(stage.holder, "ready").owners_agreed_on == clock.today()
    assert stage.act(stage.holder, "file").status == "filed"


def test_a_barred_patent_is_not_filed_and_an_unknown_fact_bars(stage: Stage) -> None:
    with unit_of_work(stage.holder):
        services.set_fact(stage.holder, stage.patent, "pledged", None)
    with pytest.raises(Conflict, match="pledge"):
        stage.act(stage.holder, "file")
    with unit_of_work(stage.holder):
        services.set_fact(stage.holder, stage.patent, "pledged", "with_consent")
    assert stage.act(stage.holder, "file").status == "filed"


def test_an_incomplete_declaration_names_what_is_missing(context: None) -> None:
    stage = Stage(contact=None, term_to=None)
    with pytest.raises(Invalid) as caught:
        stage.act(stage.holder, "file")
    assert set(caught.value.fields) == {"contact", "term_to"}


def test_a_draft_is_seen_by_its_holder_its_agency_and_staff_only(stage: Stage) -> None:
    agency = Actor(user_id=99, organisation_id=98, principals=frozenset({stage.holder_organisation.id}))
    for actor in (stage.holder, agency, stage.operator, Actor(user_id=1, roles=frozenset({"bureau"}))):
        assert services.get_offer(actor, str(stage.offer.id)).id == stage.offer.id
    for actor in (stage.stranger, VISITOR):
        with pytest.raises(NotFound):
            services.get_offer(actor, stage.offer.id)
    with pytest.raises(NotFound):
        services.get_offer(stage.holder, "no-number")


def test_a_live_offer_is_seen_by_all_and_its_terms_stand(stage: Stage) -> None:
    stage.act(stage.holder, "file")
    stage.act(stage.operator, "announce", **ANNOUNCEMENT)
    assert services.get_offer(VISITOR, stage.offer.id).status == "announced"
    with unit_of_work(stage.holder), pytest.raises(Conflict, match="illegal-transition"):
        services.edit_draft(stage.holder, stage.offer.id, {"fee": 1})


def test_an_edit_makes_approvals_void(stage: Stage) -> None:
    for action in ("submit_review", "approve", "ready"):
        stage.act(stage.holder, action)
    with unit_of_work(stage.holder):
        offer = services.edit_draft(stage.holder, stage.offer.id, {"fee": 6_000_000})
    assert (offer.status, offer.approved_on, offer.fee_minor) == ("draft", None, 6_000_000)


def test_a_draft_is_discarded_for_good_and_a_filed_one_is_not(stage: Stage) -> None:
    with pytest.raises(Forbidden):
        stage.act(Actor(user_id=1, organisation_id=2, roles=frozenset({"bureau"})), "discard")
    assert stage.act(stage.holder, "discard").status == "discarded"
    assert services.offered(stage.holder, stage.offer) == []
    with pytest.raises(Conflict, match="illegal-transition"):
        stage.act(stage.holder, "edit")
    with pytest.raises(NotFound):
        services.get_offer(VISITOR, stage.offer.id)
    with unit_of_work(stage.holder):
        stage.offer = services.draft_offer(stage.holder, stage.patent, TERMS)
    stage.act(stage.holder, "file")
    with pytest.raises(Conflict, match="illegal-transition"):
        stage.act(stage.holder, "discard")


def test_a_filing_recorded_by_mistake_is_reopened_while_nothing_came_back(stage: Stage) -> None:
    stage.act(stage.holder, "file", filed_on=dt.date(2026, 11, 19))
    offer = stage.act(stage.holder, "reopen")
    assert (offer.status, offer.filed_on) == ("ready", None)
    with unit_of_work(stage.holder):
        services.edit_draft(stage.holder, offer.id, {"fee": 6_000_000})
    stage.act(stage.holder, "file")
    stage.act(stage.holder, "announce", **ANNOUNCEMENT)
    with pytest.raises(Conflict, match="illegal-transition"):
        stage.act(stage.holder, "reopen")
    assert stage.entries()[:3] == ["offer.drafted", "offer.filed", "offer.reopened"]


@pytest.mark.parametrize(
    ("field", "text", "reason"),
    [
        ("not_included", "仅限上海市内企业实施", "任何单位或者个人"),
        ("payment_text", "一次性支付5万元，只许可给中小企业", "任何单位或者个人"),
        ("contact", "技术转移办公室，仅面向长三角地区", "中国全境"),
        ("not_included", "须经专利权人同意后方可实施", "书面通知"),
        ("not_included", "Only available to SMEs", "任何单位或者个人"),
    ],
)
def test_wording_that_limits_who_or_where_is_refused_with_the_reason(
    stage: Stage, field: str, text: str, reason: str
) -> None:
    with unit_of_work(stage.holder), pytest.raises(Invalid, match="offer-invalid") as caught:
        services.edit_draft(stage.holder, stage.offer.id, {field: text})
    assert set(caught.value.fields) == {field}
    assert reason in caught.value.fields[field][0]


@pytest.mark.parametrize(
    "text",
    [
        "不包含技术秘密；不得再许可给其他单位。",
        "仅限中国境内实施。",
        "款项仅限汇入本公司账户。",
        "不包括技术资料、商标和软件；仅提供图纸，不提供技术指导。",
        "联系人：上海某某科技有限公司，021-00000000",
        "争议由上海知识产权法院管辖。",
        "本许可仅为普通许可，不含独占许可。",
        "Know-how is not included. Any unit or person in China may take it.",
    ],
)
def test_ordinary_wording_is_no_limit(text: str) -> None:
    assert scope.limits(text) == []


def test_a_patent_has_one_offer_in_force(stage: Stage) -> None:
    stage.act(stage.holder, "file")
    stage.act(stage.operator, "announce", **ANNOUNCEMENT)
    with unit_of_work(stage.holder):
        stage.offer = services.draft_offer(stage.holder, stage.patent, TERMS)
    stage.act(stage.holder, "file")
    with pytest.raises(Conflict, match="offer-in-force"):
        stage.act(stage.operator, "announce", **ANNOUNCEMENT | {"declaration_number": "KF-T-2"})


def test_a_declaration_number_names_one_offer(stage: Stage) -> None:
    with unit_of_work():
        factories.live_offer(stage.holder_organisation, declaration_number="KF-T-1")
    stage.act(stage.holder, "file")
    with pytest.raises(Conflict, match="declaration-number-taken"):
        stage.act(stage.operator, "announce", **ANNOUNCEMENT)


@pytest.mark.parametrize(
    ("action", "values"),
    [
        ("file", {"filed_on": dt.date(2026, 11, 21)}),
        ("file", {"filed_on": dt.date(2021, 5, 31)}),
    ],
)
def test_a_filing_lies_between_grant_and_today(stage: Stage, action: str, values: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="date-impossible"):
        stage.act(stage.holder, action, **values)


def test_withdrawal_is_filed_and_then_announced(stage: Stage) -> None:
    stage.act(stage.holder, "file")
    stage.act(stage.operator, "announce", **ANNOUNCEMENT)
    with pytest.raises(Conflict):
        stage.act(stage.operator, "refuse", reason="—")
    offer = stage.act(stage.holder, "file_withdrawal", reason="专利权转让")
    assert offer.in_force_on(clock.today())
    with unit_of_work(stage.stranger), pytest.raises(Forbidden):
        services.act(stage.stranger, offer.id, "withdraw", {})
    offer = stage.act(stage.holder, "withdraw", withdrawn_on=clock.today())
    assert (offer.status, offer.in_force_on(clock.today())) == ("withdrawn", False)


def test_a_new_bar_obliges_to_withdraw_until_it_is_gone(stage: Stage) -> None:
    stage.act(stage.holder, "file")
    stage.act(stage.operator, "announce", **ANNOUNCEMENT)
    with unit_of_work(stage.holder):
        services.set_fact(stage.holder, stage.patent, "pledged", "without_consent")
    assert stage.offer.duty_bars == ["pledge"]
    assert stage.offer.duty_to_withdraw_since == clock.today()
    with unit_of_work(stage.holder):
        services.set_fact(stage.holder, stage.patent, "pledged", "no")
    assert (stage.offer.duty_bars, stage.offer.duty_to_withdraw_since) == ([], None)
    assert stage.entries()[-2:] == ["offer.duty_raised", "offer.duty_cleared"]


@pytest.mark.parametrize("status", ["terminated", "invalidated", "expired"])
def test_an_offer_lapses_with_its_patent(stage: Stage, status: str) -> None:
    stage.act(stage.holder, "file")
    stage.act(stage.operator, "announce", **ANNOUNCEMENT)
    with unit_of_work(stage.holder):
        services.set_fact(stage.holder, stage.patent, "legal_status", status)
    assert stage.offer.status == "lapsed"


def reviewed() -> int:
    """How many offers changed by a review of all that are due."""
    return sum(services.review(offer_id) for offer_id in services.due_for_review())


def test_an_offer_lapses_on_the_day_after_its_term_and_a_duty_comes_with_time(stage: Stage) -> None:
    stage.act(stage.holder, "file")
    stage.act(stage.operator, "announce", **ANNOUNCEMENT)
    with clock.at(dt.datetime(2028, 1, 2, 4, tzinfo=dt.UTC)), unit_of_work():
        assert reviewed() == 1
    assert stage.offer.duty_bars == ["annuity"]
    with clock.at(dt.datetime(2031, 11, 30, 15, 59, tzinfo=dt.UTC)), unit_of_work():
        assert reviewed() == 0
    with clock.at(dt.datetime(2031, 11, 30, 16, 0, tzinfo=dt.UTC)), unit_of_work():
        assert reviewed() == 1
        assert reviewed() == 0
    assert (stage.offer.status, stage.offer.lapsed_on) == ("lapsed", dt.date(2031, 12, 1))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(OFFER.actions()), st.sampled_from(["holder", "operator", "stranger", "system"])
        ),
        max_size=14,
    )
)
def test_no_walk_leaves_the_table_and_each_step_is_one_entry(
    context: None, steps: list[tuple[str, str]]
) -> None:
    stage = Stage()
    actors = {
        "holder": stage.holder,
        "operator": stage.operator,
        "stranger": stage.stranger,
        "system": SYSTEM,
    }
    legal = {(t.action, source): t for t in OFFER.transitions for source in t.sources}
    for action, who in steps:
        before, entries = stage.offer.status, stage.entries()
        promised = {t.action for t in services.offered(actors[who], stage.offer)}
        values = {"declaration_number": f"KF-{stage.offer.id}", "announced_on": clock.today()}
        try:
            stage.act(actors[who], action, **(values if action == "announce" else {}))
        except DomainError:
            assert stage.entries() == entries
            db.session.refresh(stage.offer)
            assert stage.offer.status == before
            assert action not in promised
        else:
            transition = legal[action, before]
            assert who != "stranger"
            assert action in promised
            assert stage.offer.status == transition.target
            assert stage.entries() == [*entries, transition.entry]
