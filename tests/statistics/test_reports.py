"""Reports: their periods, that they are frozen when published, what is said of later changes, and mails."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
from email import message_from_bytes, policy

import openpyxl
import pytest
from flask import Flask, current_app
from hypothesis import given
from hypothesis import strategies as st

from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.files import store
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.deals.models import Licence
from marketplace.listings.models import Offer
from marketplace.statistics import facts
from marketplace.statistics.reports import building, periods, schedules, services
from marketplace.statistics.reports.listing import RowList
from marketplace.statistics.reports.models import StatisticsReport
from marketplace.statistics.reports.periods import Period, containing, last_over
from tests import factories

from .history import licence
from .story import tell
from .test_bureau_pages import signed_in

D = dt.date
YEAR = Period("year", D(2025, 1, 1), D(2025, 12, 31))
OCTOBER = Period("month", D(2026, 10, 1), D(2026, 10, 31))
KINDS = st.sampled_from(("month", "quarter", "year"))
DAYS = st.dates(D(1986, 1, 1), D(2100, 12, 31))


@given(KINDS, DAYS)
def test_periods_follow_each_other_without_gap(kind: str, day: dt.date) -> None:
    found = containing(kind, day)
    assert found.first <= day <= found.last
    assert found.before().last + dt.timedelta(days=1) == found.first
    assert found.a_year_before().first == found.first.replace(year=found.first.year - 1)
    assert periods.between(found.first, found.last).kind == kind
    assert last_over(kind, day).last < day


@pytest.mark.parametrize("text", ["", "soon", "2026-13", "2026-Q5", "0000-01", "1900-01", "9999-12", "20261"])
@pytest.mark.parametrize("kind", ["month", "quarter", "year", "century"])
def test_a_period_that_cannot_be_read_is_told(kind: str, text: str) -> None:
    with pytest.raises(Invalid):
        periods.written(kind, text)


def bureau() -> Actor:
    return Actor(user_id=factories.user(staff_role="bureau").id, roles=frozenset({"bureau"}))


def draft(period: Period = OCTOBER, **values: object) -> tuple[Actor, int]:
    """A written draft of a period of the story."""
    tell()
    prepared = services.prepare(period)
    db.session.rollback()
    with unit_of_work():
        actor = bureau()
        report_id = services.make(actor, prepared, issuer="示例市知识产权局", **values).id  # type: ignore[arg-type]
    services.write_files(report_id)
    return actor, report_id


def published(**values: object) -> tuple[Actor, int]:
    actor, report_id = draft(**values)  # type: ignore[arg-type]
    with unit_of_work(actor):
        services.publish(actor, report_id)
    return actor, report_id


def frozen(report_id: int) -> list[bytes]:
    """Everything that a report says."""
    db.session.expire_all()
    report = db.session.get_one(StatisticsReport, report_id)
    rows = [report.content, report.rows, *(one.file for one in report.files)]
    found = [store().read(row.digest) for row in rows]
    assert [hashlib.sha256(content).hexdigest() for content in found] == [row.digest for row in rows]
    return found


@pytest.mark.usefixtures("context")
def test_a_report_is_written_in_all_forms_and_both_languages() -> None:
    actor, report_id = draft()
    report = services.get_report(actor, report_id)
    assert len(report.files) == 8
    english = services.get_file(actor, report_id, "json", "en").file
    body = json.loads(store().read(english.digest))
    assert body["title"] == "Shanghai: monthly report on patent open licensing (October 2026)"
    assert body["told"][0]["heading"] == "Overall"
    chinese = json.loads(store().read(services.get_file(actor, report_id, "json", "zh").file.digest))
    assert chinese["title"] == "上海市专利开放许可运行情况月报（2026年10月）"


@pytest.mark.usefixtures("context")
def test_every_number_of_a_report_lists_as_many_rows_as_it_says() -> None:
    actor, report_id = draft(Period("year", D(2025, 1, 1), D(2025, 12, 31)))
    report = services.get_report(actor, report_id)
    listed = RowList(store().read(report.rows.digest))
    counted = dict(building.numbers(services.content_of(report)))
    assert len(list(listed)) > 100
    for number in listed:
        assert len(listed.ids(number)) == counted[number]
    for number, value in counted.items():
        if value and number.part in ("numerator", "denominator", "n"):
            assert number in listed


@pytest.mark.usefixtures("context")
def test_the_workbook_has_definitions_the_cut_off_and_the_rows_counted() -> None:
    actor, report_id = draft()
    content = store().read(services.get_file(actor, report_id, "xlsx", "en").file.digest)
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    assert {"Cut-off", "Definitions", "Patents counted", "Licences counted"} <= set(book.sheetnames)
    heading, *rows = book["Patents counted"].iter_rows(values_only=True)
    place = heading.index("Offers in force")
    said = next(
        value
        for number, value in building.numbers(services.content_of(services.get_report(actor, report_id)))
        if (number.figure, number.cut, number.part) == ("in-force", "", "numerator")
    )
    assert sum(row[place] == 1 for row in rows) == said


@pytest.mark.usefixtures("context")
def test_a_published_report_stays_and_late_licences_are_in_its_table_of_changes() -> None:
    actor, report_id = published()
    before = frozen(report_id)
    assert services.check(report_id) == 0
    with unit_of_work(origin="import"):
        offer = db.session.query(Offer).order_by(Offer.id).offset(1).first()
        assert offer is not None
        late = licence(offer, D(2026, 10, 12), licensee=factories.organisation("后来者"))
        record("licence.in_effect", late)
    facts.rebuild()
    assert services.check(report_id) > 0
    assert frozen(report_id) == before
    ((revision, rows),) = services.changes(services.get_report(actor, report_id))
    assert revision is None
    whole = next(row for row in rows if (row.figure, row.cut, row.part) == ("licences", "", "numerator"))
    assert whole.new == (whole.old or 0) + 1
    assert whole.causes == ["licence-imported"]
    assert services.check(report_id) == len(rows)  # once more says the same


@pytest.mark.usefixtures("context")
def test_what_no_entry_explains_is_said_to_be_unknown() -> None:
    actor, report_id = published(period=YEAR)
    with unit_of_work():
        taken = db.session.query(Licence).filter(Licence.effective_on.between(YEAR.first, YEAR.last)).first()
        assert taken is not None
        taken.effective_on = D(2026, 11, 2)
    facts.rebuild()
    assert services.check(report_id) > 0
    ((_, rows),) = services.changes(services.get_report(actor, report_id))
    assert {tuple(row.causes) for row in rows if row.figure == "licences"} == {("unknown",)}


@pytest.mark.usefixtures("context")
def test_a_correction_is_published_with_a_note_and_leaves_the_report() -> None:
    actor, report_id = published()
    with pytest.raises(Conflict), unit_of_work(actor):
        services.correct(actor, report_id, "Nothing.")
    with unit_of_work():
        offer = db.session.query(Offer).order_by(Offer.id).offset(1).first()
        assert offer is not None
        record(
            "licence.in_effect", licence(offer, D(2026, 10, 12), licensee=factories.organisation("后来者"))
        )
    facts.rebuild()
    before, count = frozen(report_id), services.check(report_id)
    with pytest.raises(Invalid), unit_of_work(actor):
        services.correct(actor, report_id, "  ")
    with unit_of_work(actor):
        assert services.correct(actor, report_id, "One licence became known late.").number == 1
    assert services.check(report_id) == 0
    ((revision, rows),) = services.changes(services.get_report(actor, report_id))
    assert revision is not None
    assert len(rows) == count
    assert frozen(report_id) == before


@pytest.mark.usefixtures("context")
def test_a_new_report_of_the_period_supersedes_the_published_one() -> None:
    actor, first = published()
    prepared = services.prepare(OCTOBER)
    db.session.rollback()
    with unit_of_work(actor):
        second = services.make(actor, prepared).id
    with pytest.raises(Conflict), unit_of_work(actor):
        services.publish(actor, second)  # its files are not written yet
    services.write_files(second)
    with unit_of_work(actor):
        services.publish(actor, second)
    states = {report.id: report.state for report in services.reports(actor)}
    assert states == {first: "superseded", second: "published"}
    with pytest.raises(Conflict), unit_of_work(actor):
        services.discard(actor, second)


@pytest.mark.usefixtures("context")
def test_an_operator_looks_on_and_visitors_see_public_ones_only() -> None:
    _, report_id = published()
    operator = Actor(user_id=1, roles=frozenset({"operator"}))
    assert services.get_report(operator, report_id).id == report_id
    prepared = services.prepare(OCTOBER)
    db.session.rollback()
    with pytest.raises(Forbidden), unit_of_work():
        services.make(operator, prepared)
    with pytest.raises(NotFound):
        services.get_report(Actor(scopes=frozenset({"read"})), report_id)
    assert services.reports(Actor(scopes=frozenset({"read"}))) == []


@pytest.mark.usefixtures("context")
def test_a_period_that_is_not_over_has_no_report() -> None:
    tell()
    with pytest.raises(Invalid):
        services.prepare(containing("month", clock.today()))
    with pytest.raises(Invalid):
        services.prepare(containing("year", D(2030, 1, 1)))


@pytest.mark.usefixtures("context")
def test_a_period_without_anything_says_so() -> None:
    facts.rebuild()
    made = services.prepare(OCTOBER)
    report = building.compose(made.content, "en", name=lambda _by, group: group)
    assert report.told[0][1] != []


@pytest.mark.usefixtures("context")
def test_the_schedule_makes_one_report_and_mails_it_once() -> None:
    tell()
    with unit_of_work():
        actor = bureau()
        reader = db.session.get_one(User, actor.user_id)
        reader.email_verified_at = clock.now()
        address = reader.email
    with pytest.raises(Invalid), unit_of_work(actor):
        _schedule(actor, ["nobody@example.org"])
    with unit_of_work(actor):
        _schedule(actor, [address]).since = D(2026, 1, 1)
    schedules.make_due()
    schedules.make_due()
    (report,) = services.reports(actor)
    assert (report.kind, report.first, report.automatic, report.state) == (
        "month",
        D(2026, 10, 1),
        True,
        "draft",
    )
    services.write_files(report.id)
    (report,) = services.reports(actor)
    assert report.state == "published"
    (mail,) = services.mails(report)
    mail_id = mail.id
    schedules.mail(mail_id)
    schedules.mail(mail_id)
    folder = current_app.config["SETTINGS"].instance_dir / "mail"
    (sent,) = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in folder.glob("*.eml")]
    assert [part.get_filename() for part in sent.iter_attachments()] == ["report-2026-10-zh.pdf"]  # type: ignore[attr-defined]


def _schedule(actor: Actor, addresses: list[str]) -> schedules.ReportSchedule:
    return schedules.set_schedule(
        actor, "month", active=True, day=5, hour=9, publish=True, public=False,
        issuer="示例市知识产权局", addresses=addresses,
    )  # fmt: skip


def test_the_bureau_makes_looks_at_and_publishes_a_report_on_its_pages(app: Flask) -> None:
    with app.app_context():
        tell()
    browser = signed_in(app, "bureau")
    assert browser.get("/bureau/reports").status_code == 200
    assert browser.get("/bureau/reports/schedule").status_code == 200
    for kind, period in (("month", "2026-13"), ("month", ""), ("year", "2026"), ("century", "19")):
        assert browser.post("/bureau/reports", data={"kind": kind, "period": period}).status_code == 422
    made = browser.post("/bureau/reports", data={"kind": "month", "period": "2026-10"})
    assert made.status_code == 302
    address = made.location
    report_id = int(address.rsplit("/", 1)[1])
    with app.app_context():
        services.write_files(report_id)
    for language in ("zh", "en"):
        assert browser.get(address, headers={"Accept-Language": language}).status_code == 200
    assert browser.post(f"{address}/publish").status_code == 302
    assert browser.post(f"{address}/check").status_code == 302
    assert browser.get(f"{address}/changes.csv").status_code == 200
    assert browser.get(f"{address}/files/zh.pdf").data.startswith(b"%PDF")
    assert browser.get(f"{address}/files/zh.doc").status_code == 404
    assert browser.post(f"{address}/correct", data={"note": "Nothing."}).status_code == 422
    assert browser.get(f"/bureau/reports/{10**30}").status_code == 404
    assert browser.get(f"/bureau/reports?after={10**30}").status_code == 200
    operator = signed_in(app, "operator")
    assert operator.get(address).status_code == 200
    assert operator.post("/bureau/reports", data={"kind": "month", "period": "2026-10"}).status_code == 403
    assert signed_in(app, None).get(address).status_code == 403


def test_the_schedule_is_set_on_its_page(app: Flask) -> None:
    browser = signed_in(app, "bureau")
    wanted = {"month-active": "y", "month-day": "5", "month-hour": "9", "month-addresses": ""}
    assert browser.post("/bureau/reports/schedule/month", data=wanted).status_code == 302
    assert (
        browser.post("/bureau/reports/schedule/month", data=wanted | {"month-hour": "0"}).status_code == 302
    )
    for wrong in (
        {"month-day": "29"},
        {"month-hour": "24"},
        {"month-hour": ""},
        {"month-addresses": "a@example.org"},
    ):
        assert browser.post("/bureau/reports/schedule/month", data=wanted | wrong).status_code == 422
    assert browser.post("/bureau/reports/schedule/century", data={}).status_code == 404


def test_programs_read_public_reports_with_their_files_and_no_others(app: Flask) -> None:
    with app.app_context():
        _, report_id = published(public=True)
    client = app.test_client()
    (one,) = client.get("/api/v1/statistics/reports").get_json()["items"]
    assert (one["id"], one["period"], one["state"]) == (str(report_id), "2026-10", "published")
    assert client.get(f"/api/v1/statistics/reports/{report_id}").get_json()["revisions"] == []
    for file in one["files"]:
        content = client.get(file["url"].removeprefix("http://localhost")).data
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    for wrong in ("0", "999999", "x", f"{report_id}/files/zh/doc", f"{report_id}/files/fr/pdf"):
        assert client.get(f"/api/v1/statistics/reports/{wrong}").status_code == 404
    assert client.get("/api/v1/statistics/reports?kind=century").status_code == 422


def test_a_frozen_number_opens_as_many_rows_as_it_says(app: Flask) -> None:
    with app.app_context():
        _, report_id = published()
        report = db.session.get_one(StatisticsReport, report_id)
        counted = dict(building.numbers(services.content_of(report)))
        number = next(one for one in RowList(store().read(report.rows.digest)) if counted[one])
        said = counted[number]
    asked = {
        "figure": number.figure, "by": number.cut, "group": number.grp, "cell": number.cell,
        "part": number.part,
    }  # fmt: skip
    browser = signed_in(app, "bureau")
    lines = browser.get(f"/bureau/reports/{report_id}/rows.csv", query_string=asked).text.splitlines()
    assert len(lines) == 1 + (said or 0)
    assert browser.get(f"/bureau/reports/{report_id}/rows.csv").status_code == 404
    assert browser.get("/bureau/reports/999999/rows.csv", query_string=asked).status_code == 404
    assert (
        signed_in(app, None).get(f"/bureau/reports/{report_id}/rows.csv", query_string=asked).status_code
        == 403
    )
