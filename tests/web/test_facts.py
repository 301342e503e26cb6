"""The pages of facts: the worklist, attesting, extracts, history, and the operator's words."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Iterator

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import wording
from marketplace.listings.facts.models import Attestation
from marketplace.listings.facts.worklist import ATTESTABLE
from marketplace.listings.models import Patent, PatentFact
from tests import factories

from .conftest import SignIn
from .pages import LANGUAGES, text_of

Made = Callable[[Callable[[], int]], int]


class Stage:
    """A holder with patents on which nothing is known, and a member's browser."""

    def __init__(self, app: Flask, sign_in: SignIn, made: Made, patents: int = 3) -> None:
        self.app = app
        self.holder_id = made(lambda: factories.organisation("示例大学").id)
        self.add(patents)
        self.browser = sign_in(self.holder_id)

    def add(self, patents: int) -> None:
        with self.app.app_context(), unit_of_work():
            holder = db.session.get_one(Organisation, self.holder_id)
            self.numbers = []
            for _ in range(patents):
                patent = factories.patent(holder)
                patent.facts = []
                self.numbers.append(patent.number or "")
                self.patent_id = patent.id

    def facts(self) -> dict[str, int]:
        with self.app.app_context():
            query = sa.select(PatentFact.name, sa.func.count()).group_by(PatentFact.name)
            found = {row[0]: row[1] for row in db.session.execute(query)}
            db.session.remove()
        return found


@pytest.fixture
def stage(app: Flask, sign_in: SignIn, made: Made) -> Stage:
    return Stage(app, sign_in, made)


@pytest.fixture
def queries(app: Flask) -> Iterator[list[str]]:
    """The statements that a page sends."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(sa.engine.Engine, "before_cursor_execute", note)
    yield seen
    event.remove(sa.engine.Engine, "before_cursor_execute", note)


def body(browser: FlaskClient, path: str, status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_worklist_leads_to_the_action_with_its_patents_chosen(
    stage: Stage, sign_in: SignIn, language: str
) -> None:
    page = body(sign_in(stage.holder_id, locale=language), "/holder/facts")
    assert "/holder/facts/attest?facts=pledged" in page
    assert "/holder/facts/extract?fact=annuity_paid_until" in page
    assert ("就3件专利作出声明" if language == "zh" else "State it for 3 patents") in text_of(page)


def test_nothing_is_ticked_until_a_person_ticks_it_and_one_click_chooses_all(stage: Stage) -> None:
    page = body(stage.browser, "/holder/facts/attest")
    assert page.count('name="facts"') == len(ATTESTABLE)
    assert "checked" not in page
    assert 'name="sign"' not in page
    [every] = re.findall(r'href="(/holder/facts/attest\?facts=[^"]+)"', page)
    page = body(stage.browser, every.replace("&amp;", "&"))
    assert page.count(" checked") == len(ATTESTABLE)
    assert 'name="sign"' in page
    refused = stage.browser.post("/holder/facts/attest", data={})
    assert refused.status_code == 422
    assert "请至少选择一项" in refused.get_data(as_text=True)


def test_a_member_reads_the_text_and_states_it(stage: Stage) -> None:
    page = body(stage.browser, "/holder/facts/attest?facts=pledged&facts=ownership")
    assert "《专利法实施细则》第八十八条" in page
    [digest] = re.findall(r'name="sha256" value="([0-9a-f]{64})"', page)
    fields = {"facts": ["pledged", "ownership"], "sha256": digest, "sign": "1"}
    refused = stage.browser.post("/holder/facts/attest", data=fields)
    assert refused.status_code == 422
    assert "请确认您已阅读" in refused.get_data(as_text=True)
    done = stage.browser.post("/holder/facts/attest", data=fields | {"confirm": "y"})
    assert done.status_code == 302, done.get_data(as_text=True)
    assert stage.facts() == {"pledged": 3, "ownership": 3}
    page = body(stage.browser, done.location)
    assert digest in page
    listed = body(stage.browser, f"{done.location}/list.txt")
    assert listed == "\n".join(sorted(stage.numbers))
    revoked = stage.browser.post(done.location, data={"reason": "登记簿有出入"})
    assert revoked.status_code == 302
    assert stage.facts() == {}
    assert "登记簿有出入" in body(stage.browser, done.location)


def test_a_text_that_was_not_shown_is_not_taken(stage: Stage) -> None:
    fields = {"facts": ["pledged"], "sha256": "0" * 64, "sign": "1", "confirm": "y"}
    answer = stage.browser.post("/holder/facts/attest", data=fields)
    assert answer.status_code == 422
    assert "发生了变化" in answer.get_data(as_text=True)
    assert stage.facts() == {}


def test_only_chosen_patents_are_in_the_text(stage: Stage) -> None:
    answer = stage.browser.post(
        "/holder/facts/attest", data={"facts": ["pledged"], "numbers": f"ZL{stage.numbers[0]}"}
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "1件专利" in page
    assert stage.numbers[1] not in page
    answer = stage.browser.post("/holder/facts/attest", data={"facts": ["pledged"], "numbers": "123"})
    assert answer.status_code == 422
    assert "不是该单位" in answer.get_data(as_text=True)


def test_another_organisations_statement_is_not_there(stage: Stage, sign_in: SignIn, made: Made) -> None:
    page = body(stage.browser, "/holder/facts/attest?facts=pledged")
    [digest] = re.findall(r'name="sha256" value="([0-9a-f]{64})"', page)
    done = stage.browser.post(
        "/holder/facts/attest",
        data={"facts": ["pledged"], "sha256": digest, "sign": "1", "confirm": "y"},
    )
    stranger = sign_in(made(lambda: factories.organisation("示例他方").id))
    assert stranger.get(done.location).status_code == 404
    assert stranger.get(f"{done.location}/list.txt").status_code == 404
    assert stranger.get(f"/holder/patents/{stage.patent_id}/facts/history").status_code == 404


def test_an_extract_is_rehearsed_and_then_taken_over(stage: Stage) -> None:
    text = f"专利号,发明名称,年费缴纳至\n{stage.numbers[0]},名称,2028-05-31\n{stage.numbers[1]},名称,明年\n"
    upload = {"file": (io.BytesIO(text.encode()), "登记簿.csv"), "as_of": "2026-11-18"}
    answer = stage.browser.post("/holder/facts/extract", data=upload)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert stage.facts() == {}
    [file_id] = re.findall(r'name="file" value="(\d+)"', page)
    done = stage.browser.post("/holder/facts/extract/import", data={"file": file_id, "as_of": "2026-11-18"})
    assert "明年" in done.get_data(as_text=True)
    assert stage.facts() == {"annuity_paid_until": 1}


def test_the_list_of_a_fact_holds_the_patents_that_need_it_and_can_be_uploaded_again(stage: Stage) -> None:
    answer = stage.browser.get("/holder/facts/annuity_paid_until.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert sorted(str(row[0]) for row in rows[1:]) == sorted(stage.numbers)
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(list(rows[0]))
    for row in rows[1:]:
        book.active.append([row[0], row[1], "2028-05-31", "2026-11-18"])
    content = io.BytesIO()
    book.save(content)
    content.seek(0)
    page = stage.browser.post("/holder/facts/extract", data={"file": (content, "年费.xlsx")}).get_data(
        as_text=True
    )
    assert re.search(r'name="file" value="\d+"', page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_patents_page_shows_legal_basis_age_and_history(
    stage: Stage, sign_in: SignIn, language: str
) -> None:
    with stage.app.app_context(), unit_of_work():
        patent = db.session.get_one(Patent, stage.patent_id)
        patent.facts = [
            PatentFact(name="pledged", value="no", as_of=dt.date(2026, 1, 1), source="登记簿副本")
        ]
    browser = sign_in(stage.holder_id, locale=language)
    page = text_of(body(browser, f"/holder/patents/{stage.patent_id}"))
    assert ("第八十六条第（四）项" if language == "zh" else "Rule 86 (4)") in page
    assert ("需复核" if language == "zh" else "check again") in page
    browser.post(
        f"/holder/patents/{stage.patent_id}/facts/pledged",
        data={"pledged": "with_consent", "as_of": "2026-11-19", "source": "同意书"},
    )
    page = text_of(body(browser, f"/holder/patents/{stage.patent_id}/facts/history"))
    assert "登记簿副本" in page
    assert ("重新陈述" if language == "zh" else "stated anew") in page


def test_ownership_is_stated_like_every_other_fact(stage: Stage) -> None:
    path = f"/holder/patents/{stage.patent_id}/facts/ownership"
    body(stage.browser, path)
    answer = stage.browser.post(
        path, data={"ownership": "differs", "as_of": "2026-11-19", "source": "登记簿副本"}
    )
    assert answer.status_code == 302
    assert "登记簿记载的专利权人" in body(stage.browser, f"/holder/patents/{stage.patent_id}")


@pytest.mark.parametrize("path", ["/holder/facts", "/holder/facts/attest?facts=pledged", "/holder/patents"])
def test_more_patents_need_no_more_queries(stage: Stage, queries: list[str], path: str) -> None:
    counts = []
    for more in (0, 30):
        if more:
            stage.add(more)
        body(stage.browser, path)
        queries.clear()
        body(stage.browser, path)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_operator_keeps_the_list_of_words(app: Flask, sign_in: SignIn) -> None:
    browser = sign_in(staff_role="operator")
    assert "遥遥领先" in body(browser, "/operator/words")
    fields = {"word": "神器", "reason": "夸大用语", "reason_en": "puffery"}
    assert browser.post("/operator/words", data=fields).status_code == 302
    assert browser.post("/operator/words", data=fields).status_code == 422
    assert browser.post("/operator/words/end", data={"word": "遥遥领先"}).status_code == 302
    clock.set_now(dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC))
    with app.app_context():
        words = {one.word for one in wording.in_force()}
    assert "神器" in words
    assert "遥遥领先" not in words
    assert "遥遥领先" in body(browser, "/operator/words")


def test_the_statements_of_an_organisation_are_listed_with_their_digest(stage: Stage) -> None:
    page = body(stage.browser, "/holder/facts/attest?facts=pledged")
    [digest] = re.findall(r'name="sha256" value="([0-9a-f]{64})"', page)
    stage.browser.post(
        "/holder/facts/attest", data={"facts": ["pledged"], "sha256": digest, "sign": "1", "confirm": "y"}
    )
    with stage.app.app_context():
        [row] = db.session.scalars(sa.select(Attestation)).all()
        assert row.sha256 == digest
        key = row.id
        db.session.remove()
    assert f"/holder/facts/attestations/{key}" in body(stage.browser, "/holder/facts")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_bureau_sees_who_owes_a_withdrawal_and_for_how_long(
    app: Flask, sign_in: SignIn, language: str
) -> None:
    with app.app_context(), unit_of_work():
        factories.live_offer(
            factories.organisation("示例拖延公司"),
            duty_to_withdraw_since=clock.today() - dt.timedelta(days=12),
            duty_bars=["pledge"],
        )
    browser = sign_in(staff_role="bureau", locale=language)
    page = text_of(body(browser, "/bureau/duties"))
    assert "示例拖延公司" in page
    assert ("12天" if language == "zh" else "12 days") in page
    assert "/bureau/duties" in body(browser, "/bureau")
    assert sign_in().get("/bureau/duties").status_code in (302, 403)


def test_filing_on_old_facts_asks_to_confirm_them(app: Flask, sign_in: SignIn, made: Made) -> None:
    holder_id = made(lambda: factories.organisation("示例大学").id)
    with app.app_context(), unit_of_work():
        holder = db.session.get_one(Organisation, holder_id)
        patent = factories.patent(holder)
        for fact in patent.facts:
            fact.as_of = dt.date(2026, 1, 1)
        key = factories.live_offer(holder, patent, status="ready", evidence=None, announced_on=None).id
    browser = sign_in(holder_id)
    path = f"/holder/offers/{key}/file"
    page = text_of(body(browser, path))
    assert "较久未核对" in page
    assert "年费缴至" in page
    fields = {"filed_on": "2026-11-19", "undertaking": "y"}
    assert browser.post(path, data=fields).status_code == 422
    assert browser.post(path, data=fields | {"facts_confirmed": "y"}).status_code == 302
