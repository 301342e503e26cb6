"""Baskets, bundles and joint transfers on pages, as both sides use them without JavaScript."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from flask import Flask

from marketplace.core.database import db
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.deals.bundles import paying
from marketplace.deals.bundles.models import Bundle
from marketplace.deals.clauses.services import publish_clause
from marketplace.deals.models import Licence, Notice, PaymentFlag
from marketplace.listings.models import Offer
from tests.conftest import NOW
from tests.deals.test_bundles import FEES, Market

from .pages import client_of, text_of


def test_from_the_basket_to_two_licences_with_one_transfer(app: Flask) -> None:
    with app.app_context():
        market = Market()
        paid, gone, free = [one.id for one in market.paid], market.gone.id, market.free.id
        people = (market.firm_actor.user_id, market.holder_actor.user_id)
    firm, holder = (client_of(app, one or 0) for one in people)
    assert "放入许可篮" in firm.get(f"/offers/{paid[0]}").text
    for offer in (*paid, free, gone):
        firm.post(f"/basket/{offer}", data={"next": f"/offers/{offer}"})
    seen = text_of(firm.get("/basket").text)
    assert "一并办理 3 项" in seen
    assert "30,000" in seen
    assert "目前不能办理" in seen

    form = _form_of(firm.get("/basket/take-up").text)
    answer = firm.post("/basket/take-up", data=form | {"contact": ""})
    assert answer.status_code == 422  # nobody has said how to be reached
    form["contact"] = "采购部"
    where = firm.post("/basket/take-up", data=form).location
    assert firm.post("/basket/take-up", data=form).location == where  # pressed twice
    with app.app_context():
        assert _count(Bundle) == 1
        assert _count(Notice) == 3
    page = firm.get(where).text
    assert text_of(page).count("通知已发出") == 3
    pay = firm.post(
        f"{where}/pay", data={"channel": "bank", "notice": re.findall(r'name="notice" value="(\d+)"', page)}
    ).location
    [reference] = set(re.findall(r"FK-\d{8}-\w{8}", firm.get(pay).text))
    assert pay in holder.get("/holder/notices").text
    assert reference in holder.get(pay).text
    assert holder.get(where).status_code == 404
    other = {"paid_on": "2026-11-20", "amount": "1"}
    assert holder.post(f"{pay}/confirm", data=other).status_code == 422
    whole = {"paid_on": "2026-11-20", "amount": str(sum(FEES) // 100)}
    assert holder.post(f"{pay}/confirm", data=whole).status_code == 302
    with app.app_context():
        assert _count(Licence) == 3
    assert text_of(firm.get(where).text).count("生效中") == 3


def test_terms_that_changed_between_the_look_and_the_button_are_not_taken_up(app: Flask) -> None:
    with app.app_context():
        market = Market()
        offer, user = market.paid[0].id, market.firm_actor.user_id
    firm = client_of(app, user or 0, "en")
    firm.post(f"/basket/{offer}")
    form = _form_of(firm.get("/basket/take-up").text) | {"contact": "someone"}
    with app.app_context(), unit_of_work():
        lock(Offer, offer).fee_minor = 9_000_000
    refused = firm.post("/basket/take-up", data=form)
    assert refused.status_code == 422
    assert "The offer has changed in this moment" in refused.text
    assert "¥90,000" in refused.text
    with app.app_context():
        assert _count(Bundle) == 0


def test_clauses_are_ticked_by_offer_and_kept_when_the_form_comes_back(app: Flask) -> None:
    with app.app_context():
        market = Market()
        first, second = (one.id for one in market.paid)
        user = market.firm_actor.user_id
        with unit_of_work(market.holder_actor):
            wordings = {"kind": "support", "text": "两次远程答疑。", "text_en": "Two remote answers."}
            clause = publish_clause(market.holder_actor, first, **wordings).id
    firm = client_of(app, user or 0, "en")
    for offer in (first, second):
        firm.post(f"/basket/{offer}")
    page = firm.get("/basket/take-up").text
    assert page.count("Two remote answers.") == 1
    assert f'name="clauses-{second}"' not in page
    form = _form_of(page) | {"contact": ""}
    assert f"clauses-{first}" not in form  # nothing is taken unless it is ticked
    form[f"clauses-{first}"] = str(clause)
    again = firm.post("/basket/take-up", data=form)
    assert again.status_code == 422
    form = _form_of(again.text) | {"contact": "someone"}
    assert form[f"clauses-{first}"] == str(clause)
    unknown = firm.post("/basket/take-up", data=form | {f"clauses-{first}": str(2**70)})
    assert unknown.status_code == 422
    assert "This offer has no such clause." in unknown.text
    shown = text_of(firm.get(firm.post("/basket/take-up", data=form).location).text)
    assert shown.count("Further clauses accepted: Technical support") == 1


def test_both_sides_read_which_sum_of_a_joint_checkout_a_dispute_tells_of(app: Flask) -> None:
    with app.app_context():
        market = Market()
        _, transfer = market.both_paid()
        first, second = paying.payments_of(transfer)
        told = {"kind": "dispute", "status": "needs_response", "opened_at": NOW, "told_at": NOW}
        with unit_of_work():
            for one, provider_id, amount, whole in (
                (first, "du_1", FEES[0], sum(FEES)),
                (second, "du_1", FEES[1], sum(FEES)),
                (second, "du_2", 70_000, 70_000),
            ):
                row = PaymentFlag(payment=one, provider_id=provider_id, amount_minor=amount, **told)
                row.checkout_minor = whole
                db.session.add(row)
        page, people = f"/transfers/{transfer.id}", (market.firm_actor.user_id, market.holder_actor.user_id)
        notice = f"/notices/{second.obligation.notice_id}"
    for user in people:
        shown = text_of(client_of(app, user or 0, "en").get(page).text)
        assert shown.count("This is its share of ¥30,000, the whole checkout.") == 2
        assert shown.count("The provider tells this sum of the whole checkout") == 1
    alone = text_of(client_of(app, people[0] or 0).get(notice).text)
    assert "这是整笔在线支付 ¥30,000 中属于本笔付款的部分。" in alone


def _form_of(page: str) -> dict[str, Any]:
    """What a browser would send of the page's main form."""
    main = page[page.index("<main") :]
    found: dict[str, Any] = {"seat": "CN"}
    for tag in re.findall(r"<input[^>]*>", main):
        name, value = (re.search(rf'\b{one}="([^"]*)"', tag) for one in ("name", "value"))
        if name and value and ("checkbox" not in tag or "checked" in tag):
            found.setdefault(name[1], []).append(value[1]) if name[1] == "offer" else found.update(
                {name[1]: value[1]}
            )
    return found


def _count(model: type[Any]) -> int:
    return int(db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0)
