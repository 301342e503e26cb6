"""Consent of co-owners and pledgees, agencies, and price notices: who may, what is kept, what waits."""

from __future__ import annotations

import datetime as dt
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.accounts.models import Mandate
from marketplace.core import clock
from marketplace.core.actor import VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.permissions import allowed
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import services
from marketplace.listings.consents import price_notices, standing
from marketplace.listings.consents import services as consents
from marketplace.listings.consents.mail import mail_consent
from marketplace.listings.consents.models import Consent
from marketplace.listings.declared import terms_digest
from marketplace.listings.models import Offer, PatentFact
from marketplace.listings.papers.services import Written, consent_paper
from marketplace.notifications.rules import tellings
from tests import factories

TERMS: dict[str, Any] = {
    "fee_form": "fixed",
    "fee": 5_000_000,
    "term_to": dt.date(2031, 11, 30),
    "contact": "示例联系人 021-00000000",
}
PDF = b"%PDF-1.7 signed"


class Stage:
    """A holder with a co-owner and a draft on their patent."""

    def __init__(self, **facts: str) -> None:
        with unit_of_work():
            self.holding, self.sharing = factories.organisation(), factories.organisation()
            self.holder, self.sharer = factories.actor(self.holding), factories.actor(self.sharing)
            self.stranger = factories.actor(factories.organisation())
            self.patent = factories.patent(self.holding, self.sharing, facts=facts)
        with unit_of_work(self.holder):
            self.offer = services.draft_offer(self.holder, self.patent, TERMS)

    def ask(self, **values: Any) -> Consent:
        named = {"patentee": self.sharing.id} if "pledgee" not in values else {}
        with unit_of_work(self.holder):
            return consents.ask(self.holder, self.offer.id, **(named | values))

    def agree(self, consent: Consent, actor: Actor = VISITOR, token: str | None = None) -> Consent:
        strength = "member" if token is None else "link"
        written = consent_paper(consent, name="王示例", position="总经理", strength=strength)
        with unit_of_work(actor):
            return consents.give(actor, consent.id, written, token=token)

    def act(self, action: str, actor: Actor | None = None, **values: Any) -> Offer:
        with unit_of_work(actor or self.holder):
            return services.act(actor or self.holder, self.offer.id, action, values)

    def standing(self) -> str:
        return next(one for one in standing.patentees(self.offer) if not one.is_holder).state


@pytest.fixture
def stage(context: None) -> Stage:
    return Stage()


def test_a_joined_co_owner_agrees_in_the_app_and_the_paper_is_kept(stage: Stage) -> None:
    consent = stage.ask()
    with pytest.raises(Conflict, match="owners-consent-missing"):
        stage.act("ready")
    for actor in (stage.holder, stage.stranger, VISITOR):
        assert not allowed(actor, "consent.answer", consent).allowed
    stage.agree(consent, stage.sharer)
    assert (consent.state, consent.strength, consent.signer_name) == ("given", "member", "王示例")
    assert (consent.user_id, consent.terms_sha256) == (stage.sharer.user_id, terms_digest(stage.offer))
    row, content = consents.paper_of(stage.holder, consent.id)
    assert content.startswith(b"%PDF")
    assert row.content_type == "application/pdf"
    with pytest.raises(NotFound):
        consents.paper_of(stage.stranger, consent.id)
    assert stage.act("ready").owners_agreed_on == clock.today()
    ready = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == "offer.ready")).all()[-1]
    assert ready.data == {"owners": 2, "signed": True}
    assert terms_digest(stage.offer) == consent.terms_sha256


def test_a_link_works_once_and_only_its_hash_is_kept(stage: Stage) -> None:
    consent = stage.ask(email="owner@example.org")
    token = consents.token_of(consent)
    assert consent.token_hash is not None
    assert token not in (consent.token_hash, consent.nonce)
    task = db.session.scalars(sa.select(Task).where(Task.name == consents.MAIL_TASK)).one()
    assert task.arguments == {"consent_id": consent.id}
    assert consents.by_link(token).id == consent.id
    stage.agree(consent, token=token)
    assert (consent.strength, consent.user_id, consent.token_hash) == ("link", None, None)
    with pytest.raises(NotFound, match="consent-link-invalid"):
        consents.by_link(token)
    with unit_of_work(VISITOR), pytest.raises(NotFound):
        consents.refuse(VISITOR, consent.id, name="某", position="某", reason="—", token=token)


def test_a_link_ends_after_thirty_days_when_taken_back_and_with_a_new_one(stage: Stage) -> None:
    first = stage.ask(email="owner@example.org")
    old = consents.token_of(first)
    second = stage.ask(email="other@example.org")
    token = consents.token_of(second)
    for wrong in (old, "x" * 64, ""):
        with pytest.raises(NotFound):
            consents.by_link(wrong)
    with clock.at(clock.now() + dt.timedelta(days=31)), pytest.raises(NotFound):
        consents.by_link(token)
    with unit_of_work(stage.holder):
        consents.take_back(stage.holder, second.id)
    with pytest.raises(NotFound):
        consents.by_link(token)
    assert stage.standing() == "not_asked"
    assert stage.act("ready").status == "ready"


def test_the_mail_carries_the_link_in_the_partys_language_and_nothing_after_the_answer(stage: Stage) -> None:
    consent = stage.ask(email="owner@example.org", locale="en")
    token = consents.token_of(consent)
    mail_consent(consent.id)
    folder = Path(current_app.extensions["marketplace.mailer"].url.removeprefix("file://"))
    mails = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]
    mine = [mail for mail in mails if token in mail.get_content()]
    assert len(mine) == 1
    assert mine[0]["To"] == "owner@example.org"
    assert f"/consents/open?token={token}" in mine[0].get_content()
    before = len(mails)
    stage.agree(db.session.get_one(Consent, consent.id), token=token)
    mail_consent(consent.id)
    assert len(list(folder.glob("*.eml"))) == before


def test_a_changed_draft_makes_consents_void_and_an_unchanged_one_keeps_them(stage: Stage) -> None:
    stage.agree(stage.ask(), stage.sharer)
    stage.act("edit", fee=5_000_000)
    assert stage.standing() == "given"
    stage.act("edit", fee=6_000_000)
    assert stage.standing() == "outdated"
    with pytest.raises(Conflict, match="owners-consent-missing"):
        stage.act("ready")
    stage.agree(stage.ask(), stage.sharer)
    assert stage.act("ready").status == "ready"


def test_terms_that_change_while_they_are_read_are_not_agreed_to(stage: Stage) -> None:
    consent = stage.ask()
    written = consent_paper(consent, name="王示例", position="总经理", strength="member")
    with unit_of_work():
        stage.holding.bank_account = "3100999900001"
    with unit_of_work(stage.sharer), pytest.raises(Conflict, match="terms-changed"):
        consents.give(stage.sharer, consent.id, written)


def test_a_refusal_needs_a_reason_and_stops_the_declaration(stage: Stage) -> None:
    consent = stage.ask()
    with unit_of_work(stage.sharer), pytest.raises(Invalid, match="value-missing"):
        consents.refuse(stage.sharer, consent.id, name="王示例", position="总经理", reason=" ")
    with unit_of_work(stage.sharer):
        consents.refuse(stage.sharer, consent.id, name="王示例", position="总经理", reason="费用过低")
    assert stage.standing() == "refused"
    with pytest.raises(Conflict, match="owners-consent-refused"):
        stage.act("ready")
    assert [transition.action for transition in services.offered(stage.holder, stage.offer)].count(
        "ready"
    ) == 0


def test_a_signed_paper_counts_and_only_papers_are_taken(stage: Stage) -> None:
    values: dict[str, Any] = {"signer": "王示例", "position": "总经理", "signed_on": clock.today()}
    for content, code in ((b"", "file-empty"), (b"MZ", "file-type")):
        with unit_of_work(stage.holder), pytest.raises(Invalid, match=code):
            consents.hand_in(
                stage.holder, stage.offer.id, patentee=stage.sharing.id, content=content, **values
            )
    with unit_of_work(stage.holder):
        consent = consents.hand_in(
            stage.holder, stage.offer.id, patentee=stage.sharing.id, content=PDF, **values
        )
    assert (consent.state, consent.strength) == ("given", "paper")
    assert consents.paper_of(stage.holder, consent.id)[1] == PDF
    with unit_of_work(stage.holder), pytest.raises(Conflict, match="consent-given"):
        consents.ask(stage.holder, stage.offer.id, patentee=stage.sharing.id)


def test_only_parties_are_asked_by_those_who_declare_before_the_filing(stage: Stage) -> None:
    with unit_of_work(stage.stranger), pytest.raises(NotFound):
        consents.ask(stage.stranger, stage.offer.id, patentee=stage.sharing.id)
    with unit_of_work(stage.holder), pytest.raises(Invalid, match="consent-party-unknown"):
        consents.ask(stage.holder, stage.offer.id, patentee=stage.stranger.organisation_id)
    with unit_of_work(stage.holder), pytest.raises(Invalid, match="email-missing"):
        consents.ask(stage.holder, stage.offer.id, pledgee="示例银行")
    stage.act("edit", contact=None)
    with unit_of_work(stage.holder), pytest.raises(Invalid, match="declaration-incomplete"):
        consents.ask(stage.holder, stage.offer.id, patentee=stage.sharing.id)
    stage.act("edit", contact="021-0")
    stage.act("ready")
    stage.act("file")
    with unit_of_work(stage.holder), pytest.raises(Conflict, match="consent-too-late"):
        consents.ask(stage.holder, stage.offer.id, patentee=stage.sharing.id)


def test_a_pledgees_consent_clears_the_bar_and_goes_with_the_terms(context: None) -> None:
    stage = Stage(pledged="without_consent")
    consent = stage.ask(pledgee="示例银行", email="bank@example.org")

    def pledged() -> tuple[str, str]:
        row = db.session.execute(
            sa.select(PatentFact.value, PatentFact.source).where(
                PatentFact.patent_id == stage.patent.id, PatentFact.name == "pledged"
            )
        ).one()
        return row.value, row.source

    stage.agree(consent, token=consents.token_of(consent))
    assert pledged() == ("with_consent", "pledgee")
    stage.act("edit", fee=6_000_000)
    assert (pledged()[0], consent.state) == ("without_consent", "void")
    consent = stage.ask(pledgee="示例银行", email="bank@example.org")
    with unit_of_work(VISITOR):
        consents.refuse(
            VISITOR, consent.id, name="李", position="经理", reason="不同意", token=consents.token_of(consent)
        )
    assert pledged() == ("without_consent", "pledgee")
    with pytest.raises(Conflict, match="offer-barred"):
        stage.act("ready")


def agency_of(stage: Stage) -> Actor:
    with unit_of_work():
        agency = factories.organisation(type="agency")
        person = factories.user(agency)
        db.session.add(
            Mandate(
                agent_id=agency.id,
                principal_id=stage.holding.id,
                scope="holder",
                valid_from=clock.today(),
                valid_to=clock.today(),
                created_at=clock.now(),
            )
        )
    return Actor(person.id, agency.id, principals=frozenset({stage.holding.id}))


def test_an_agency_files_only_with_every_patentees_signed_consent(stage: Stage) -> None:
    agency = agency_of(stage)
    stage.act("ready", agency)
    assert "file" not in [transition.action for transition in services.offered(agency, stage.offer)]
    with pytest.raises(Conflict, match="patentees-consent-missing"):
        stage.act("file", agency)
    stage.agree(stage.ask(), stage.sharer)
    with pytest.raises(Conflict, match="patentees-consent-missing"):
        stage.act("file", agency)
    with unit_of_work(agency):
        own = consents.ask(agency, stage.offer.id, patentee=stage.holding.id)
    with unit_of_work(agency), pytest.raises(Forbidden):  # a mandate does not consent for its principal
        consents.refuse(agency, own.id, name="代理人", position="代理人", reason="—")
    stage.agree(own, stage.holder)
    assert "file" in [transition.action for transition in services.offered(agency, stage.offer)]
    assert stage.act("file", agency).status == "filed"


# --- price notices


def rule(stage: Stage, **values: Any) -> None:
    with unit_of_work(stage.holder):
        price_notices.set_rule(
            stage.holder,
            stage.holding.id,
            **({"days": 15, "counting": "calendar"} | values),
        )


def test_a_state_established_institution_waits_for_the_end_of_its_price_notice(stage: Stage) -> None:
    rule(stage)
    with unit_of_work():
        stage.holding.state_established = True
    with pytest.raises(Conflict, match="price-notice-missing"):
        stage.act("ready")
    stage.act("start_price_notice")
    notice = standing.running_notice(stage.offer)
    assert notice is not None
    assert (notice.starts_on, notice.ends_on) == (
        dt.date(2026, 11, 20),
        dt.date(2026, 12, 7),
    )  # 5th: Saturday
    assert (notice.title, notice.price) == (stage.patent.title, "一次性支付固定许可使用费人民币50,000元。")
    with pytest.raises(Conflict, match="price-notice-running"):
        stage.act("ready")
    with clock.at(dt.datetime(2026, 12, 7, 15, 59, tzinfo=dt.UTC)), pytest.raises(Conflict):
        stage.act("ready")
    with clock.at(dt.datetime(2026, 12, 7, 16, 0, tzinfo=dt.UTC)):
        assert stage.act("ready").status == "ready"


def test_objections_are_answered_before_it_is_ready_and_an_upheld_one_changes_the_terms(stage: Stage) -> None:
    stage.act("start_price_notice")
    notice = standing.running_notice(stage.offer)
    assert notice is not None
    with unit_of_work(VISITOR):
        objection = price_notices.make_objection(VISITOR, notice.code, name="张示例", text="价格过低")
    with pytest.raises(Conflict, match="price-notice-objections"):
        stage.act("ready")
    with unit_of_work(stage.stranger), pytest.raises(NotFound):
        price_notices.decide(stage.stranger, objection.id, decision="rejected", answer="—")
    with unit_of_work(stage.holder), pytest.raises(Invalid):
        price_notices.decide(stage.holder, objection.id, decision="rejected", answer=" ")
    with unit_of_work(stage.holder):
        price_notices.decide(stage.holder, objection.id, decision="upheld", answer="同意提高")
    with pytest.raises(Conflict, match="price-notice-upheld"):
        stage.act("ready")
    stage.act("edit", fee=8_000_000)
    assert standing.running_notice(stage.offer) is None
    with unit_of_work(VISITOR), pytest.raises(Conflict, match="price-notice-over"):
        price_notices.make_objection(VISITOR, notice.code, name="李示例", text="迟到的异议")
    assert stage.act("ready").status == "ready"


def test_the_rule_is_the_institutions_own(stage: Stage) -> None:
    agency = agency_of(stage)
    for actor in (stage.stranger, agency, VISITOR):
        assert not allowed(actor, "price_notice.rule", stage.holding.id).allowed
    with pytest.raises(Invalid, match="price-notice-days"):
        rule(stage, days=0)
    rule(stage, days=7, counting="working")
    rule(stage, days=5)
    found = standing.rule_of(stage.holding.id)
    assert found is not None
    assert (found.days, found.counting) == (5, "calendar")


@given(st.dates(dt.date(2024, 1, 1), dt.date(2026, 6, 1)), st.integers(1, 40))
def test_working_days_are_counted_without_the_first_day(start: dt.date, days: int) -> None:
    end = standing.last_day(start, days, "working").day
    between = [start + dt.timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert sum(clock.is_working_day(day) for day in between) == days
    assert clock.is_working_day(end)
    assert standing.last_day(start, days, "calendar").day >= start + dt.timedelta(days=days)


def test_discarding_a_draft_ends_questions_and_notices(stage: Stage) -> None:
    consent = stage.ask(email="owner@example.org")
    token = consents.token_of(consent)
    stage.act("discard")
    assert (stage.offer.status, consent.state) == ("discarded", "void")
    with pytest.raises(NotFound):
        consents.by_link(token)


STEPS = (
    "ask", "agree", "refuse", "paper", "cheaper", "dearer", "start_price_notice", "object", "answer", "wait",
    "ready", "file", "reopen", "discard",
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=16), established=st.booleans())
def test_no_walk_files_without_the_consents_that_were_asked_for_and_the_notice_that_is_due(
    context: None, steps: list[str], established: bool
) -> None:
    stage, day = Stage(), clock.now()
    if established:
        rule(stage, days=3)
        with unit_of_work():
            stage.holding.state_established = True
    for step in steps:
        with clock.at(day):
            try:
                _do(stage, step)
                done = True
            except DomainError:
                db.session.refresh(stage.offer)
                done = False
            day += dt.timedelta(days=8 if step == "wait" else 0)
            if stage.offer.status in ("ready", "filed"):
                assert stage.offer.owners_agreed_on is not None
                # Who was asked only afterwards still holds up the filing.
                if done and step in ("ready", "file") and standing.in_writing(stage.offer):
                    assert stage.standing() == "given"
                notice = standing.running_notice(stage.offer)
                if established:
                    assert notice is not None
                    assert clock.today() > notice.ends_on
                if notice is not None and step == "ready":
                    assert all(one.decision == "rejected" for one in notice.objections)
            if stage.offer.status == "discarded":
                assert all(one.state in ("void", "refused") for one in standing.consents_of(stage.offer))


def _do(stage: Stage, step: str) -> None:
    open_one = next((one for one in standing.consents_of(stage.offer) if one.state == "asked"), None)
    notice = standing.running_notice(stage.offer)
    if step == "ask":
        stage.ask()
    elif step == "agree" and open_one is not None:
        with unit_of_work(stage.sharer):
            digest = open_one.terms_sha256
            written = Written("王示例", "总经理", clock.now(), digest, PDF)
            consents.give(stage.sharer, open_one.id, written)
    elif step == "refuse" and open_one is not None:
        with unit_of_work(stage.sharer):
            consents.refuse(stage.sharer, open_one.id, name="王", position="总经理", reason="不同意")
    elif step == "paper":
        with unit_of_work(stage.holder):
            consents.hand_in(
                stage.holder,
                stage.offer.id,
                patentee=stage.sharing.id,
                content=PDF,
                signer="王",
                position="总经理",
                signed_on=clock.today(),
            )
    elif step in ("cheaper", "dearer"):
        stage.act("edit", fee=4_000_000 if step == "cheaper" else 6_000_000)
    elif step == "object" and notice is not None:
        with unit_of_work(VISITOR):
            price_notices.make_objection(VISITOR, notice.code, name="张", text="异议")
    elif step == "answer" and notice is not None:
        for objection in [one for one in notice.objections if one.decision is None]:
            with unit_of_work(stage.holder):
                price_notices.decide(stage.holder, objection.id, decision="rejected", answer="已说明")
    elif step in ("start_price_notice", "ready", "file", "reopen", "discard"):
        stage.act(step)


def test_who_is_asked_and_who_asked_are_told(stage: Stage) -> None:
    def told(action: str) -> list[tuple[int | str, str]]:
        entry = db.session.scalars(
            sa.select(JournalEntry).where(JournalEntry.action == action).order_by(JournalEntry.id.desc())
        ).first()
        assert entry is not None
        return [(one.to, one.code) for one in tellings(entry)]

    consent = stage.ask()
    assert told("consent.asked") == [(stage.sharing.id, "consent_asked")]
    stage.agree(consent, stage.sharer)
    assert told("consent.given") == [(stage.holding.id, "consent_given")]
    pledgee = stage.ask(pledgee="示例银行", email="bank@example.org")
    assert told("consent.asked") == []
    with unit_of_work(VISITOR):
        token = consents.token_of(pledgee)
        consents.refuse(VISITOR, pledgee.id, name="李", position="经理", reason="不同意", token=token)
    assert told("consent.refused") == [(stage.holding.id, "consent_refused")]
    stage.act("start_price_notice")
    notice = standing.running_notice(stage.offer)
    assert notice is not None
    with unit_of_work(VISITOR):
        price_notices.make_objection(VISITOR, notice.code, name="张", text="异议")
    assert told("price_notice.objected") == [(stage.holding.id, "price_objection")]
