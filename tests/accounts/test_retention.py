"""Personal data go when their period is over, and what a law keeps stays."""

from __future__ import annotations

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask, current_app

from marketplace.accounts.members import invite
from marketplace.accounts.models import Invitation
from marketplace.core import clock, retention
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.consents.models import Consent, PriceNotice, PriceObjection
from tests import factories

pytestmark = pytest.mark.usefixtures("context")
LATER = dt.timedelta(days=181)
YEARS = dt.timedelta(days=3 * 365 + 1)


def rules() -> list[retention.Retention]:
    found: list[retention.Retention] = current_app.extensions["marketplace.work"].retentions
    return found


def consent(offer_id: int, state: str, name: str) -> Consent:
    row = Consent(
        offer_id=offer_id,
        party_name="某公司",
        capacity="pledgee",
        state=state,
        terms_sha256="0" * 64,
        email=f"{name}@example.org",
        asked_at=clock.now(),
        answered_at=clock.now(),
        signer_name=name,
        signer_position="经理",
        reason="费用过低" if state == "refused" else None,
    )
    db.session.add(row)
    db.session.flush()
    return row


def test_what_is_over_goes_what_a_law_keeps_stays_and_the_journal_has_no_data() -> None:
    with unit_of_work():
        organisation = factories.organisation()
        actor = factories.actor(organisation)
        offer = factories.live_offer(organisation)
        given, refused = consent(offer.id, "given", "甲示例"), consent(offer.id, "refused", "乙示例")
        notice = PriceNotice(
            offer_id=offer.id, code="c" * 20, title="某专利", price="—", days=15, counting="calendar",
            starts_on=clock.today(), ends_on=clock.today(), provisional=False, created_at=clock.now(),
        )  # fmt: skip
        db.session.add(notice)
        db.session.flush()
        objection = PriceObjection(price_notice_id=notice.id, name="丙示例", text="过低", made_at=clock.now())
        db.session.add(objection)
    with unit_of_work(actor):
        invitation = invite(actor, organisation.id, email="ding@example.org", level="viewer")
    assert set(retention.due(rules()).values()) == {0}
    with clock.at(clock.now() + LATER + dt.timedelta(days=30)):
        due = retention.due(rules())
        assert {code: n for code, n in due.items() if n} == {"invitations": 1, "consent_addresses": 2}
        assert db.session.get_one(Invitation, invitation.id).email == "ding@example.org"  # counted only
        assert retention.erase_due(rules()) == due
        assert set(retention.due(rules()).values()) == {0}
    with clock.at(clock.now() + YEARS):
        done = retention.erase_due(rules())
    assert {code: n for code, n in done.items() if n} == {"consents_not_given": 1, "price_objections": 1}
    db.session.expire_all()
    assert db.session.get_one(Invitation, invitation.id).email == f"erased-{invitation.id}@erased.invalid"
    assert (given.email, given.signer_name) == (None, "甲示例")
    assert (refused.email, refused.signer_name, refused.reason) == (None, None, None)
    assert (objection.name, objection.text) == (f"#{objection.id}", "过低")
    entries = db.session.scalars(
        sa.select(JournalEntry).where(JournalEntry.action == "personal_data.erased")
    ).all()
    assert len(entries) == 5
    assert {tuple(entry.data) for entry in entries} == {("rule",)}


def test_the_command_counts_before_it_erases(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    from marketplace.cli import main

    monkeypatch.setattr("marketplace.cli.application", lambda: app)
    answer = CliRunner().invoke(main, ["personal-data", "erase", "--dry-run"])
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found["dry_run"] is True
    assert set(found["rows"]) == {rule.code for rule in rules()}
