"""The bureau's work list: every matter with its due day, counts that equal their rows, nobody's figures."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import notices
from marketplace.deals.lookup import licence_of
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer
from marketplace.supervision.items import KINDS, items
from tests import factories
from tests.web.conftest import SignIn, text_of

BUREAU = Actor(user_id=1, roles=frozenset({"bureau"}))


def matters() -> int:
    """A barred offer, one that is stated only, and a licence whose recordal is late. Returns the holder."""
    today = clock.today()
    with unit_of_work(SYSTEM):
        holder, firm = factories.organisation("示例拖延公司"), factories.organisation()
        factories.live_offer(
            holder, duty_to_withdraw_since=today - dt.timedelta(days=12), duty_bars=["pledge"]
        )
        factories.live_offer(holder, evidence="holder_stated", announced_on=dt.date(2026, 11, 2))
        other = factories.live_offer(factories.organisation(), fee_form="free", fee_minor=None)
        actor = factories.actor(firm)
        offer_id, holder_id = other.id, holder.id
    prepared = notices.prepare_notice(actor, offer_id)
    with unit_of_work(actor):
        licence = licence_of(notices.serve_notice(actor, prepared))
        assert licence is not None
        licence.recordal_due_on = today - dt.timedelta(days=3)
    return holder_id


def test_each_matter_has_the_day_that_its_rule_sets_and_the_oldest_comes_first(context: None) -> None:
    holder_id = matters()
    found = items(BUREAU)
    assert [(one.kind, one.due_on, one.overdue_days) for one in found.items] == [
        ("bar", dt.date(2026, 11, 8), 12),
        ("announcement", dt.date(2026, 11, 9), 11),
        ("recordal", dt.date(2026, 11, 17), 3),
    ]
    assert found.counts == {**dict.fromkeys(KINDS, 0), "bar": 1, "announcement": 1, "recordal": 1}
    for kind in KINDS:
        assert len(items(BUREAU, kind=kind).items) == found.counts[kind]
    assert {one.organisation_id for one in items(BUREAU, organisation_id=holder_id).items} == {holder_id}
    assert items(BUREAU, organisation_id=holder_id).counts["recordal"] == 0
    assert items(BUREAU, district="999999").items == []


def test_a_recorded_licence_and_a_verified_announcement_are_no_matter_any_more(context: None) -> None:
    matters()
    with unit_of_work(SYSTEM):
        for one in items(BUREAU).items:
            if one.kind == "recordal":
                db.session.get_one(Licence, one.subject_id).recordal_state = "filed"
            else:
                offer = db.session.get_one(Offer, one.subject_id)
                offer.evidence, offer.duty_to_withdraw_since = "verified", None
    assert items(BUREAU).items == []


def test_only_the_bureau_and_operators_see_the_list(context: None) -> None:
    with unit_of_work(SYSTEM):
        actor = factories.actor(factories.organisation())
    with pytest.raises(Forbidden):
        items(actor)


def browser_of(app: Flask, sign_in: SignIn, language: str) -> FlaskClient:
    with app.app_context():
        matters()
        db.session.remove()
    return sign_in(staff_role="bureau", locale=language)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_tells_who_must_act_and_its_files_hold_the_same_rows(
    app: Flask, sign_in: SignIn, language: str
) -> None:
    browser = browser_of(app, sign_in, language)
    answer = browser.get("/bureau/supervision")
    assert answer.status_code == 200
    page = text_of(answer.text)
    assert "示例拖延公司" in page
    assert ("应由谁办理 : 权利人" if language == "zh" else "Who must act: The holder") in page.replace(
        "办理:", "办理 :"
    )
    rows = list(csv.reader(io.StringIO(browser.get("/bureau/supervision.csv").data.decode("utf-8-sig"))))
    assert len(rows) == 4
    assert browser.get("/bureau/supervision.xlsx?kind=bar").data[:2] == b"PK"
    assert "/bureau/supervision" in browser.get("/bureau").text


def test_addresses_that_make_no_sense_give_a_page(app: Flask, sign_in: SignIn) -> None:
    browser = browser_of(app, sign_in, "en")
    for query in ("kind=nonsense", "page=1000000000", "page=-1", "holder=99999999999999999999", "district=x"):
        assert browser.get(f"/bureau/supervision?{query}").status_code == 200, query
    assert browser.get("/bureau/supervision.exe").status_code == 404
    assert sign_in().get("/bureau/supervision").status_code in (302, 403)
