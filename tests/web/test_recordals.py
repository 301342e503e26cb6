"""The page of what comes after a licence: the packet, CNIPA's changes, evidence, licences taken elsewhere."""

from __future__ import annotations

import io

import sqlalchemy as sa
from flask import Flask

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences, lookup
from marketplace.deals.evidence.services import papers_of
from marketplace.deals.models import Licence
from tests import factories
from tests.deals.conftest import make_deal, serve
from tests.web.conftest import SignIn

PDF = b"%PDF-1.7\n% an invented notice\n"


def test_both_sides_keep_what_cnipa_did_and_see_each_others_papers(app: Flask, sign_in: SignIn) -> None:
    with app.app_context():
        deal = make_deal(fee_form="free", fee_minor=None)
        licence = lookup.licence_of(serve(deal.firm_actor, deal.offer))
        assert licence is not None
        key = licence.id
        with unit_of_work(deal.firm_actor):
            licences.record_recordal(deal.firm_actor, key, number="X2026310000001", on=licence.effective_on)
        on = licence.effective_on.isoformat()
        with unit_of_work():
            ids = [deal.holder.id, deal.firm.id, factories.organisation().id]
    holder, firm, stranger = (sign_in(one) for one in ids)
    changed = {"on": on, "item": "被许可人地址", "after": "乙路 2 号", "file": (io.BytesIO(PDF), "变更.pdf")}
    assert firm.post(f"/licences/{key}/papers/change", data=changed).status_code == 302
    page = holder.get(f"/licences/{key}/papers").text
    assert "乙路 2 号" in page
    assert "变更.pdf" in page
    assert stranger.get(f"/licences/{key}/papers").status_code == 404
    packet = holder.get(f"/licences/{key}/packet/technology")
    assert packet.mimetype == "application/zip"
    with app.app_context():
        [paper] = papers_of(db.session.get_one(Licence, key))
        paper_id = paper.id
    assert firm.get(f"/licences/{key}/papers/{paper_id}/file").data == PDF


def test_the_pages_of_the_register_and_of_reduced_annuities_open_in_both_languages(
    app: Flask, sign_in: SignIn
) -> None:
    with app.app_context():
        deal = make_deal(fee_form="free", fee_minor=None)
        licence = lookup.licence_of(serve(deal.firm_actor, deal.offer))
        assert licence is not None
        with unit_of_work(deal.firm_actor):
            licences.record_recordal(
                deal.firm_actor, licence.id, number="X2026310000091", on=licence.effective_on
            )
        holder = deal.holder.id
    for locale in ("zh", "en"):
        desk = sign_in(holder, locale=locale)
        assert "X2026310000091" in desk.get("/register?state=in_effect").text
        assert "X2026310000091" in desk.get("/holder/annuities").text
    for ending in ("csv", "xlsx", "json", "jsonl"):
        assert desk.get(f"/register/licences.{ending}").status_code == 200
    assert len(desk.get("/holder/annuities.json").json) == 5
    assert "X2026310000091" not in desk.get("/holder/annuities?page=2").text
    assert desk.get("/holder/annuities?page=999999999999").status_code == 200
    assert desk.get("/bureau/annuities").status_code == 403


def test_a_licence_taken_elsewhere_is_recorded_with_its_evidence(app: Flask, sign_in: SignIn) -> None:
    with app.app_context(), unit_of_work():
        holder = factories.organisation()
        patent = factories.patent(holder)
        number, holder_id = patent.number, holder.id
    desk = sign_in(holder_id)
    said = {
        "patent_number": f"ZL{number}",
        "kind": "ordinary",
        "licensee": "示例外部公司",
        "effective_on": "2026-10-01",
        "source": "双方 2026 年 9 月签订的合同",
    }
    assert desk.post("/licences/elsewhere", data=said | {"patent_number": "12"}).status_code == 422
    sent = said | {"file": (io.BytesIO(PDF), "合同.pdf")}
    answer = desk.post("/licences/elsewhere", data=sent)
    assert answer.status_code == 302
    page = desk.get(answer.location).text
    assert "合同.pdf" in page
    assert "双方 2026 年 9 月签订的合同" in page
    assert desk.post("/licences/elsewhere", data=said).status_code == 422
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count(Licence.id))) == 1
