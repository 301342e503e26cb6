"""Quiet hours hold mails until their end, deadlines excepted, and the log says what went to whom."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden, Invalid
from marketplace.core.retention import erase_due
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import unit_of_work
from marketplace.notifications import hours, maillog, services, texts
from marketplace.notifications.models import Notification, SentMail
from marketplace.notifications.work import RETENTIONS
from tests import factories
from tests.web.pages import client_of

MINUTES = st.integers(0, 1439)


@given(st.datetimes(timezones=st.just(dt.UTC), min_value=dt.datetime(2020, 1, 1)), MINUTES, MINUTES)
def test_quiet_hours_end_within_a_day_at_their_minute_in_shanghai(
    now: dt.datetime, start: int, end: int
) -> None:
    if start == end:
        return
    until = hours.quiet_until(now, start, end)
    here = now.astimezone(clock.SHANGHAI)
    minute = here.hour * 60 + here.minute
    inside = start <= minute < end if start < end else minute >= start or minute < end
    assert (until is not None) == inside
    if until is not None:
        there = until.astimezone(clock.SHANGHAI)
        assert dt.timedelta() < until - now <= dt.timedelta(days=1)
        assert there.hour * 60 + there.minute == end


def told(actor: Actor, code: str, entry_id: int) -> Notification:
    with unit_of_work():
        row = Notification(
            recipient=f"organisation:{actor.organisation_id}", organisation_id=actor.organisation_id,
            entry_id=entry_id, code=code, parameters={}, created_at=clock.now(),
        )  # fmt: skip
        db.session.add(row)
    return row


def test_a_mail_is_held_until_the_quiet_hours_end_but_a_deadline_is_not(app: Flask, context: None) -> None:
    with unit_of_work():
        reader = factories.actor(factories.organisation())
    night = dt.datetime(2026, 11, 20, 15, 30, tzinfo=dt.UTC)  # 23:30 in Shanghai
    folder = app.config["SETTINGS"].instance_dir / "mail"
    with clock.at(night):
        with unit_of_work(reader):
            hours.set_hours(reader, 22 * 60, 7 * 60)
        plain, urgent = told(reader, "licence_granted", 1), told(reader, "duty_to_withdraw", 2)
        services.mail(plain.id, reader.user_id or 0)
        services.mail(urgent.id, reader.user_id or 0)
        assert len(list(folder.glob("*.eml"))) == 1
        states = {sent.code: (sent.state, sent.urgent) for sent, _ in maillog.log(reader)}
        assert states == {"licence_granted": ("held", False), "duty_to_withdraw": ("sent", True)}
        held = db.session.scalars(sa.select(SentMail).where(SentMail.state == "held")).one()
        assert held.held_until == dt.datetime(2026, 11, 20, 23, 0, tzinfo=dt.UTC)
        assert db.session.scalars(sa.select(Task).where(Task.name == "notifications.mail")).one()
    with clock.at(night + dt.timedelta(hours=8)):
        for _again in range(2):
            services.mail(plain.id, reader.user_id or 0)
    assert len(list(folder.glob("*.eml"))) == 2, "each mail went out once"
    assert held.state == "sent"


def test_others_see_no_log_and_addresses_go_in_time(context: None) -> None:
    with unit_of_work():
        reader, other = (factories.actor(factories.organisation()) for _ in range(2))
        operator = factories.operator()
    services.mail(told(reader, "licence_granted", 1).id, reader.user_id or 0)
    assert maillog.log(other) == []
    with pytest.raises(Forbidden):
        maillog.log(other, everybody=True)
    ((sent, _),) = maillog.log(operator, everybody=True)
    assert maillog.log(operator, everybody=True, address=sent.address) != []
    with clock.at(clock.now() + dt.timedelta(days=maillog.KEPT_DAYS + 1)):
        erase_due(RETENTIONS)
    assert (sent.address, sent.user_id) == (None, reader.user_id)
    with pytest.raises(Invalid, match="quiet-hours"), unit_of_work(reader):
        hours.set_hours(reader, 60, None)


def test_the_log_says_to_its_reader_what_a_mail_was_about_and_to_an_operator_only_that_it_was_sent(
    app: Flask,
) -> None:
    with app.app_context():
        with unit_of_work():
            reader = factories.actor(factories.organisation())
            operator = factories.user(staff_role="operator").id
        message = told(reader, "duty_to_withdraw", 1)
        services.mail(message.id, reader.user_id or 0)
        with force_locale("zh"):
            said = texts.render(message)
    own, everybody = (
        client_of(app, user_id).get(path).get_data(as_text=True)
        for user_id, path in ((reader.user_id or 0, "/account/mails"), (operator, "/operator/mails"))
    )
    assert said.title in own
    assert said.title in everybody
    assert said.body.split("\n")[0] in own
    assert said.body.split("\n")[0] not in everybody
