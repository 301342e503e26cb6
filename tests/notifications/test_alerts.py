"""The alert of a saved search: to its owner alone, in its language, with what was found and a way out."""

from __future__ import annotations

import email
import email.policy

import sqlalchemy as sa
from flask import Flask

from marketplace.accounts.mailing.choices import Link
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.unit_of_work import unit_of_work
from marketplace.notifications.models import Notification
from marketplace.notifications.services import inbox, mail, tell, unread
from marketplace.search.saved import services, work
from tests import factories
from tests.conftest import NOW


def test_an_alert_names_the_offers_and_how_to_end_the_mails(app: Flask, context: None) -> None:
    with unit_of_work():
        firm, holder = factories.organisation(), factories.organisation()
        owner, colleague = factories.user(firm, locale="en"), factories.user(firm)
        offers = [
            factories.live_offer(holder, factories.patent(holder, title=f"阀{n}", title_en=f"Valve {n}")).id
            for n in range(12)
        ]
    actor = Actor(owner.id, firm.id, frozenset({"member"}))
    with unit_of_work(actor):
        saved = services.save(actor, "Valves", {"q": "阀"}, "at_once")
    with unit_of_work():
        work._keep([(saved.id, offer) for offer in offers])
        assert len(services.tell(saved.id, NOW)) == 12
    entry = db.session.scalars(
        sa.select(JournalEntry).where(JournalEntry.action == "saved_search.found")
    ).one()
    for _ in range(2):
        with unit_of_work():
            tell(entry)
    (row,) = db.session.scalars(sa.select(Notification))
    assert [one.id for one in inbox(actor)] == [row.id]
    assert unread(Actor(colleague.id, firm.id, frozenset({"member"}))) == 0
    mail(row.id, owner.id)
    (path,) = (app.config["SETTINGS"].instance_dir / "mail").glob("*.eml")
    sent = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert sent["Subject"] == "New offers for your saved search “Valves”: 12"
    text = sent.get_content()
    assert f"Valve 11\n{app.config['SETTINGS'].public_url}/offers/{offers[11]}" in text
    assert "and 2 more" in text
    assert "Valve 0" not in text
    assert f"/saved-searches/{saved.id}\n" in text
    stop = Link(saved.user_id, services.TOPIC, saved.id).address
    assert stop in text
    assert stop in "".join(sent["List-Unsubscribe"].split())
