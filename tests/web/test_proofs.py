"""The evidence of a notice on pages: a sealed paper of one's own, the export check, and further clauses."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from marketplace.core import clock
from marketplace.core.papers.rendering import render
from marketplace.core.papers.signing import STAMP
from tests import factories


def _paper() -> bytes:
    return render(STAMP, {"name": "x", "reason": "", "location": "", "signed_at": ""}, clock.now())


def test_a_licensee_abroad_serves_its_own_paper_and_both_sides_say_what_may_be_exported(
    app: Flask, sign_in: Callable[[int], FlaskClient], made: Callable[[Any], Any]
) -> None:
    ids: dict[str, int] = {}

    def rows() -> int:
        holder, firm = factories.organisation(), factories.organisation("示例境外企业")
        offer = factories.live_offer(holder, fee_form="free", fee_minor=None)
        ids.update(holder=holder.id, firm=firm.id, offer=offer.id)
        return offer.id

    made(rows)
    holder, firm = sign_in(ids["holder"]), sign_in(ids["firm"])
    beside = f"/holder/offers/{ids['offer']}/beside"
    assert holder.get(beside).status_code == 200
    clause = {"form": "clause", "kind": "use_reports", "text": "每年报告", "text_en": "A report a year"}
    assert holder.post(beside, data=clause).status_code == 302
    # Everybody reads it before a notice, in both languages, and that it may be left.
    public = app.test_client()
    page = public.get(f"/offers/{ids['offer']}").text
    assert "每年报告" in page
    assert "不接受不影响取得许可" in page
    english = public.get(f"/offers/{ids['offer']}", headers={"Accept-Language": "en"}).text
    assert "A report a year" in english
    assert "the licence is the same without them" in english

    own = f"/offers/{ids['offer']}/licence/own-notice"
    assert firm.get(own).status_code == 200
    data = {"licensee": str(ids["firm"]), "contact": "a@example.org", "seat": "DE", "technology": "free"}
    script = {"document": (io.BytesIO(b"%PDF-1.7 /JS (x)"), "notice.pdf")}
    assert firm.post(own, data=data | script).status_code == 422
    answer = firm.post(own, data=data | {"document": (io.BytesIO(_paper()), "notice.pdf")})
    assert answer.status_code == 302
    notice = answer.headers["Location"]
    page = firm.get(f"{notice}/evidence").text
    accept = re.search(r"/notices/\d+/clauses/\d+", page)
    assert accept is not None
    assert firm.post(accept.group()).status_code == 302
    # The holder has not said yet what applies: the licence waits for it, and every list says so.
    assert "/licences/" not in firm.get(notice).text
    for client, path in (
        (firm, "/my/notices"),
        (firm, "/my/licences"),
        (holder, "/holder/notices?group=export"),
    ):
        assert "等待技术出口审查" in client.get(path).text
    assert f"{notice}/evidence#export" in holder.get(f"/holder{notice}").text
    assert holder.post(f"{notice}/export/answer", data={"answer": "restricted"}).status_code == 302
    assert f"{notice}/export/licence" in firm.get(f"{notice}/evidence").text
    assert "更正答复" in holder.get(f"{notice}/evidence").text
    assert holder.post(f"{notice}/export/answer", data={"answer": "free"}).status_code == 302
    assert "/licences/" in firm.get(notice).text
    assert "等待技术出口审查" not in holder.get("/holder/notices").text
    registered = {"number": "DJ1", "on": clock.today().isoformat()}
    assert firm.post(f"{notice}/export/registration", data=registered).status_code == 302
    assert firm.get(f"{notice}/time-stamp").status_code == 404  # none is set up here


def test_the_online_form_asks_a_licensee_abroad_as_well(
    app: Flask, sign_in: Callable[[int], FlaskClient], made: Callable[[Any], Any]
) -> None:
    ids: dict[str, int] = {}

    def rows() -> int:
        holder, firm = factories.organisation(), factories.organisation("示例境外企业")
        ids["firm"] = firm.id
        return factories.live_offer(holder, fee_form="free", fee_minor=None).id

    address = f"/offers/{made(rows)}/licence"
    firm = sign_in(ids["firm"])
    data = {"licensee": str(ids["firm"]), "contact": "a@example.org", "seat": "DE"}
    for stage in ("check", "serve"):
        assert firm.post(address, data=data | {"stage": stage}).status_code == 422
    check = firm.post(address, data=data | {"stage": "check", "technology": "free"})
    assert 'name="seat" value="DE"' in check.text  # carried through the look over it
    assert "/notices/" in firm.post(address, data=data | {"stage": "serve", "technology": "free"}).location


def test_a_firm_of_the_mainland_is_not_asked_and_one_of_hong_kong_is(
    sign_in: Callable[[int], FlaskClient], made: Callable[[Any], Any]
) -> None:
    ids: dict[str, int] = {}

    def rows() -> int:
        ids["home"] = factories.organisation("示例境内企业", region="310115").id
        ids["away"] = factories.organisation("示例香港企业", code=None, region="810000").id
        return factories.live_offer(factories.organisation(), fee_form="free", fee_minor=None).id

    address = f"/offers/{made(rows)}/licence"
    home, away = (sign_in(ids[name]).get(address).text for name in ("home", "away"))
    assert "登记地为中国内地" in home
    assert 'selected value="CN"' in home
    assert "登记地为中国内地" not in away
    assert 'selected value="HK"' in away


def test_clauses_are_offered_with_the_notice_and_the_pages_of_both_sides_lead_to_them(
    app: Flask, sign_in: Callable[[int], FlaskClient], made: Callable[[Any], Any]
) -> None:
    ids: dict[str, int] = {}

    def rows() -> int:
        holder, firm = factories.organisation(), factories.organisation("示例企业")
        offer = factories.live_offer(holder, fee_form="free", fee_minor=None)
        ids.update(holder=holder.id, firm=firm.id)
        return offer.id

    offer = made(rows)
    holder, firm = sign_in(ids["holder"]), sign_in(ids["firm"])
    beside = f"/holder/offers/{offer}/beside"
    assert beside in holder.get(f"/holder/offers/{offer}").text
    clause = {"form": "clause", "kind": "use_reports", "text": "每年报告一次", "text_en": "A report a year"}
    assert holder.post(beside, data=clause).status_code == 302
    page = firm.get(f"/offers/{offer}/licence").text
    assert "每年报告一次" in page
    found = re.search(r'name="clauses" type="checkbox" value="(\d+)"', page)
    assert found is not None
    data = {"licensee": str(ids["firm"]), "contact": "a@example.org", "seat": "CN", "clauses": found.group(1)}
    assert "每年报告一次" in firm.post(f"/offers/{offer}/licence", data=data | {"stage": "check"}).text
    licence = firm.post(f"/offers/{offer}/licence", data=data | {"stage": "serve"}).location
    proofs = re.search(r"/notices/\d+/evidence", firm.get(licence).text)
    assert proofs is not None
    assert "每年报告一次" in firm.get(proofs.group()).text
    for path in (f"/holder{licence}", f"/holder{proofs.group().removesuffix('/evidence')}"):
        assert proofs.group() in holder.get(path).text
