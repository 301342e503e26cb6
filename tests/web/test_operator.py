"""The operator's queues, lists, accounts and the state of the machinery."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from marketplace.accounts import passwords
from marketplace.accounts.models import Organisation, User
from marketplace.core import checks, clock, tasks
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.readers import DeadLetter, Reader, wall
from marketplace.core.tasks import ScheduleState, Task
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.deals import notices
from marketplace.deals.models import Difference, Notice, Quarantine, Reconciliation
from marketplace.deals.reconcile import Summary
from marketplace.listings.models import Offer
from marketplace.search import generations
from tests import factories

from .pages import LANGUAGES, client_of, member, text_of


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def operator_id(app: Flask) -> int:
    with app.app_context(), unit_of_work():
        return factories.user(staff_role="operator").id


@pytest.fixture
def operator(app: Flask, language: str, operator_id: int) -> FlaskClient:
    return client_of(app, operator_id, language)


def offer_in(app: Flask, **values: Any) -> int:
    with app.app_context(), unit_of_work():
        return factories.live_offer(factories.organisation(joined=values.pop("joined", True)), **values).id


def row(app: Flask, model: type[Any], key: int) -> Any:
    with app.app_context():
        found = db.session.get_one(model, key)
        db.session.expunge_all()
        return found


def letter(app: Flask, **values: Any) -> int:
    with app.app_context(), unit_of_work():
        found = DeadLetter(error="ValueError: example", created_at=clock.now(), **values)
        db.session.add(found)
        db.session.flush()
        return found.id


PAGES = (
    "/operator", "/operator/verification", "/operator/quarantine", "/operator/failed", "/operator/service",
    "/operator/payments", "/operator/refunds", "/operator/offers", "/operator/offers?group=live&q=示例",
    "/operator/lists", "/operator/lists/offers", "/operator/lists/licences", "/operator/accounts",
    "/operator/accounts/new", "/operator/organisations", "/operator/system",
)  # fmt: skip


def test_every_page_opens_for_the_operator_and_for_nobody_else(
    app: Flask, operator: FlaskClient, language: str
) -> None:
    offer_in(app)
    user_id, _ = member(app, "示例持有大学")
    stranger = client_of(app, user_id, language)
    for address in PAGES:
        assert operator.get(address).status_code == 200, address
        assert stranger.get(address).status_code == 403, address
        assert app.test_client().get(address).status_code == 302, address


def test_a_stated_announcement_goes_live_only_with_its_source(app: Flask, operator: FlaskClient) -> None:
    offer = offer_in(app, evidence="holder_stated", verified_source=None)
    assert f"/operator/offers/{offer}" in operator.get("/operator/verification").text
    refused = operator.post(f"/operator/offers/{offer}/verify", data={"source": " "})
    assert (refused.status_code, 'href="#source"' in refused.text) == (422, True)
    assert operator.post(f"/operator/offers/{offer}/verify", data={"source": "示例公报"}).status_code == 302
    assert row(app, Offer, offer).evidence == "verified"
    assert f"/operator/offers/{offer}" not in operator.get("/operator/verification").text


def test_a_revocation_ends_the_offer(app: Flask, operator: FlaskClient) -> None:
    offer = offer_in(app)
    assert operator.get(f"/operator/offers/{offer}/revoke").status_code == 200
    late = operator.post(f"/operator/offers/{offer}/revoke", data={"revoked_on": "2026-11-21"})
    assert late.status_code == 422
    done = operator.post(
        f"/operator/offers/{offer}/revoke", data={"revoked_on": "2026-11-20", "reason": "示例撤销决定"}
    )
    assert done.status_code == 302
    assert row(app, Offer, offer).status == "revoked"
    assert "示例撤销决定" in operator.get(f"/operator/offers/{offer}").text


def test_a_gazette_list_verifies_and_says_what_did_not_match(app: Flask, operator: FlaskClient) -> None:
    offer = offer_in(app, evidence="holder_stated", verified_source=None)
    with app.app_context():
        found = db.session.get_one(Offer, offer)
        number, declaration = found.patent.number, found.declaration_number
    content = (
        "专利号,声明编号,公告日,支付方式,固定费用,许可期限止\n"
        f"{number},{declaration},2026-09-01,固定费用,50000,2031-08-31\n"
        "201910000010.5,KF-X,2026-09-01,免费,,2031-08-31\n"
    )
    page = operator.post(
        "/operator/lists/offers", data={"file": (io.BytesIO(content.encode()), "公报.csv"), "owner": ""}
    ).text
    file_id = re.search(r'name="file" value="(\d+)"', page)
    assert file_id, text_of(page)
    assert row(app, Offer, offer).evidence == "holder_stated"
    done = operator.post("/operator/lists/offers/import", data={"file": file_id.group(1)})
    report = re.search(r'href="(/operator/lists/report/\d+)"', done.text)
    assert report, text_of(done.text)
    assert "KF-X" in done.text or "201910000010" in operator.get(report.group(1)).data.decode()
    assert row(app, Offer, offer).evidence == "verified"


def test_a_notice_to_a_holder_who_has_not_joined_is_served_when_that_is_proven(
    app: Flask, operator: FlaskClient
) -> None:
    offer = offer_in(app, joined=False)
    user_id, firm_id = member(app, "示例被许可企业")
    firm = Actor(user_id=user_id, organisation_id=firm_id, roles=frozenset({"member"}))
    with app.app_context():
        prepared = notices.prepare_notice(firm, offer)
        with unit_of_work(firm):
            notice = notices.serve_notice(firm, prepared).id
    assert f"/operator/notices/{notice}" in operator.get("/operator/service").text
    address = f"/operator/notices/{notice}/service"
    assert operator.post(address, data={"proof": "", "sent_on": "2026-11-20"}).status_code == 422
    future = operator.post(address, data={"proof": "示例挂号信", "sent_on": "2026-11-21"})
    assert (future.status_code, 'href="#sent_on"' in future.text) == (422, True)
    assert operator.post(address, data={"proof": "示例挂号信 1", "sent_on": "2026-11-20"}).status_code == 302
    assert row(app, Notice, notice).state == "served"
    assert operator.get(f"/operator/notices/{notice}/document").data.startswith(b"%PDF")


# --- failed work


def test_a_failed_task_is_put_back_into_the_queue(app: Flask, operator: FlaskClient) -> None:
    found = letter(
        app,
        source="task:deals.send_notice",
        task={"name": "deals.send_notice", "key": "7", "arguments": {"notice_id": 7}},
    )
    assert "deals.send_notice" in operator.get("/operator/failed").text
    assert operator.post(f"/operator/failed/{found}/retry").status_code == 302
    with app.app_context():
        task = db.session.scalars(sa.select(Task).where(Task.name == "deals.send_notice")).one()
        assert (task.key, task.arguments) == ("7", {"notice_id": 7})
    assert operator.post(f"/operator/failed/{found}/retry").status_code == 409
    assert f"/operator/failed/{found}/" not in operator.get("/operator/failed").text


def test_a_reader_takes_its_one_entry_again_and_keeps_the_letter_when_it_fails_again(
    app: Flask, operator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    broken = [True]

    def inside(entries: Any) -> None:
        if broken[0]:
            raise ValueError("still broken")
        taken.extend(entry.id for entry in entries)

    work = app.extensions["marketplace.work"]
    monkeypatch.setattr(work, "readers", [*work.readers, lambda: [Reader("example", inside=inside)]])
    with app.app_context():
        with unit_of_work() as unit:
            record("organisation.changed", factories.organisation())
        entry = unit.last_entry_id
    found = letter(app, source="reader:example", entry_id=entry)
    assert operator.post(f"/operator/failed/{found}/retry").status_code == 409
    assert "still broken" in row(app, DeadLetter, found).error
    broken[0] = False
    assert operator.post(f"/operator/failed/{found}/retry").status_code == 302
    assert taken == [entry]
    assert row(app, DeadLetter, found).resolved_at is not None


def test_a_letter_that_nobody_can_retry_is_closed_by_hand(app: Flask, operator: FlaskClient) -> None:
    found = letter(app, source="search:gone", task={"offer": "1"})
    refused = operator.post(f"/operator/failed/{found}/retry")
    assert refused.status_code == 409
    assert "problem-summary" in refused.text
    assert f"/operator/failed/{found}/resolve" in refused.text
    assert operator.post(f"/operator/failed/{found}/resolve").status_code == 302
    assert row(app, DeadLetter, found).resolved_at is not None
    assert operator.post("/operator/failed/999999/resolve").status_code == 404


# --- accounts


def test_a_new_account_gets_a_password_that_is_shown_once(app: Flask, operator: FlaskClient) -> None:
    values = {
        "email": "new@example.org",
        "name": "示例新人",
        "role": "holder",
        "organisation": "示例新单位",
        "code": "",
    }
    refused = operator.post("/operator/accounts/new", data=values | {"email": "nonsense"})
    assert (refused.status_code, 'href="#email"' in refused.text) == (422, True)
    done = operator.post("/operator/accounts/new", data=values)
    assert (done.status_code, done.headers["Cache-Control"]) == (200, "no-store")
    password = re.search(r'data-copy="([^"]+)"', done.text)
    assert password
    with app.app_context():
        user = db.session.scalars(sa.select(User).where(User.email == "new@example.org")).one()
        assert passwords.password_matches(user.password_hash, password.group(1))
        assert user.memberships[0].organisation.name == "示例新单位"
    assert password.group(1) not in operator.get("/operator/accounts").text
    again = operator.post("/operator/accounts/new", data=values)
    assert (again.status_code, 'href="#email"' in again.text) == (422, True)


def test_a_disabled_account_is_out_at_once_and_a_reset_lets_it_in(
    app: Flask, operator: FlaskClient, operator_id: int
) -> None:
    user_id, _ = member(app, "示例持有大学")
    browser = client_of(app, user_id)
    assert browser.get("/holder").status_code == 200
    assert operator.post(f"/operator/accounts/{user_id}/disable").status_code == 302
    assert browser.get("/holder").status_code == 302
    assert operator.post(f"/operator/accounts/{user_id}/enable").status_code == 302
    done = operator.post(f"/operator/accounts/{user_id}/password")
    password = re.search(r'data-copy="([^"]+)"', done.text)
    assert password
    assert passwords.password_matches(row(app, User, user_id).password_hash, password.group(1))
    assert operator.post(f"/operator/accounts/{operator_id}/disable").status_code == 409
    assert operator.post(f"/operator/accounts/{user_id}/impersonate").status_code == 404
    assert operator.post("/operator/accounts/999999/disable").status_code == 404


def test_organisations_are_found_with_who_acts_for_them(app: Flask, operator: FlaskClient) -> None:
    user_id, organisation_id = member(app, "示例可查单位")
    page = operator.get("/operator/organisations?q=可查").text
    assert "示例可查单位" in page
    assert row(app, User, user_id).email in page
    assert (
        row(app, Organisation, organisation_id).name
        not in operator.get("/operator/organisations?q=没有").text
    )


def test_staff_join_no_organisation(app: Flask, operator: FlaskClient) -> None:
    values = {"email": "night@bureau.example", "name": "示例", "role": "bureau"}
    refused = operator.post("/operator/accounts/new", data=values | {"organisation": "示例单位"})
    assert (refused.status_code, 'href="#organisation"' in refused.text) == (422, True)
    assert operator.post("/operator/accounts/new", data=values).status_code == 200


def test_signs_of_a_pattern_are_looked_for_as_they_are(app: Flask, operator: FlaskClient) -> None:
    offer = offer_in(app)
    for words in ("%25", "_____", "%00%25"):
        assert f"/operator/offers/{offer}" not in operator.get(f"/operator/offers?q={words}").text


@pytest.mark.parametrize("key", ["99999999999999999999999", "-1", "abc"])
def test_a_list_that_goes_on_after_no_possible_key_begins_anew(operator: FlaskClient, key: str) -> None:
    for page in ("accounts", "organisations", "offers", "failed", "refunds"):
        assert operator.get(f"/operator/{page}?before={key}").status_code == 200, page
    assert operator.get(f"/operator/quarantine?after={key}").status_code == 200


def test_whoever_closes_a_case_second_is_told_that_the_note_was_not_kept(
    app: Flask, operator: FlaskClient, operator_id: int, language: str
) -> None:
    with app.app_context(), unit_of_work():
        case = Quarantine(
            reason="amount_mismatch", expected={}, received={}, state="open", created_at=clock.now()
        )
        db.session.add(case)
        db.session.flush()
        case_id = case.id
        other = factories.user(staff_role="operator").id
    address = f"/operator/quarantine/{case_id}"
    assert operator.post(address, data={"note": "第一次说明"}).status_code == 302
    second = client_of(app, other, language)
    page = second.post(address, data={"note": "第二次说明"}, follow_redirects=True).text
    assert row(app, User, operator_id).name in page
    said = {"zh": "您的说明未保存", "en": "Your note was not kept"}[language]
    assert said in page
    assert row(app, Quarantine, case_id).resolution == "第一次说明"


# --- the machinery


def asked(app: Flask, name: str) -> int:
    with app.app_context():
        return len(db.session.scalars(sa.select(Task.id).where(Task.name == name)).all())


def test_a_rebuild_is_asked_of_the_worker(app: Flask, operator: FlaskClient) -> None:
    assert operator.post("/operator/system/rebuild").status_code == 302
    assert asked(app, "search.rebuild") == 1
    assert 'action="/operator/system/rebuild"' not in operator.get("/operator/system").text


def test_the_earlier_index_is_asked_back_of_the_worker(app: Flask, operator: FlaskClient) -> None:
    assert 'action="/operator/system/rollback"' not in operator.get("/operator/system").text
    with app.app_context():
        first, _ = generations.rebuild(), generations.rebuild()
    page = operator.get("/operator/system").text
    assert first["generation"] in page
    assert 'action="/operator/system/rollback"' in page
    assert operator.post("/operator/system/rollback").status_code == 302
    assert 'action="/operator/system/rollback"' not in operator.get("/operator/system").text
    with app.app_context():
        while tasks.run_next({"search.rollback": generations.roll_back}):
            pass
        live = generations.live("embedded")
        assert live is not None
        assert live.name == first["generation"]


def test_the_chain_is_checked_by_the_worker_and_its_result_is_kept(app: Flask, operator: FlaskClient) -> None:
    offer_in(app)
    page = operator.get("/operator/system").text
    assert "alert-success" not in page
    for _ in range(2):
        assert operator.post("/operator/system/journal").status_code == 302
    assert asked(app, checks.TASK) == 1
    assert 'action="/operator/system/journal"' not in operator.get("/operator/system").text
    with app.app_context():
        while tasks.run_next({checks.TASK: checks.check_journal}):
            pass
        found = checks.last_check()
    assert found is not None
    page = operator.get("/operator/system").text
    assert "alert-success" in page
    assert f"{found.at.astimezone(clock.SHANGHAI):%H:%M}" in text_of(page)
    assert 'action="/operator/system/journal"' in page


def test_a_broken_chain_is_told_on_the_first_page(app: Flask, operator: FlaskClient, language: str) -> None:
    offer_in(app)
    with app.app_context(), unit_of_work():
        record("journal.checked", factories.organisation(), entries=7, kind="changed")
    said = {"zh": "第 8 条记录在写入后被改动", "en": "Entry 8 was changed after it was written"}[language]
    for address in ("/operator", "/operator/system"):
        page = operator.get(address).text
        assert "alert-danger" in page, address
        assert said in page, address


def test_a_worker_that_takes_up_nothing_is_told(app: Flask, operator: FlaskClient) -> None:
    with app.app_context(), unit_of_work():
        db.session.add(ScheduleState(name="tick", next_at=wall() - dt.timedelta(minutes=2)))
    assert "alert-warning" not in operator.get("/operator").text
    with app.app_context(), unit_of_work():
        db.session.add(ScheduleState(name="tock", next_at=wall() - dt.timedelta(minutes=4)))
    for address in ("/operator", "/operator/system"):
        assert "alert-warning" in operator.get(address).text, address


def test_the_report_of_a_comparison_links_each_difference_to_its_case(
    app: Flask, operator: FlaskClient
) -> None:
    with app.app_context(), unit_of_work():
        case = Quarantine(
            reason="unknown-checkout", expected={}, received={}, state="open", created_at=clock.now()
        )
        report = Reconciliation(
            started_at=clock.now(),
            finished_at=clock.now(),
            since=clock.now(),
            livemode=False,
            accounts=1,
            counts=Summary(checked=3, agree=2, different=1).as_json(),
        )
        db.session.add_all([case, report])
        db.session.flush()
        db.session.add(
            Difference(
                reconciliation_id=report.id,
                account="acct_1Invented",
                reason="unknown-checkout",
                quarantine_id=case.id,
                expected={},
                received={"amount_total": 5_000_000, "currency": "cny"},
            )
        )
        report_id, case_id = report.id, case.id
    assert f"/operator/reconciliations/{report_id}" in operator.get("/operator/reconciliations").text
    page = operator.get(f"/operator/reconciliations/{report_id}").text
    assert f"/operator/quarantine/{case_id}" in page
    assert "¥50,000" in page
    assert operator.get(f"/operator/quarantine/{case_id}").status_code == 200
