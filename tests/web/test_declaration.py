"""The guided declaration: ceilings, a reason of its own for a high rate, limits of scope said in place."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings import services
from marketplace.listings.models import Offer
from tests import factories

from .conftest import SignIn, text_of


@pytest.fixture
def draft(app: Flask, sign_in: SignIn) -> tuple[FlaskClient, int]:
    """A holder's browser and the id of its empty draft."""
    with app.app_context():
        with unit_of_work():
            holding = factories.organisation()
            patent, actor = factories.patent(holding), factories.actor(holding)
        with unit_of_work(actor):
            offer_id = services.draft_offer(actor, patent, {}).id
        holding_id = holding.id
        db.session.remove()
    return sign_in(holding_id), offer_id


def saved(app: Flask, offer_id: int) -> Offer:
    with app.app_context():
        found = db.session.get_one(Offer, offer_id)
        db.session.remove()
    return found


def test_a_fixed_fee_above_the_ceiling_stops_and_names_other_routes(
    app: Flask, draft: tuple[FlaskClient, int]
) -> None:
    holder, offer_id = draft
    answer = holder.post(
        f"/holder/offers/{offer_id}/declaration/amount?form=fixed", data={"fee": "20000000.01"}
    )
    assert answer.status_code == 422
    page = text_of(answer.text)
    for route in ("普通许可合同", "独占", "转让专利"):
        assert route in page
    assert saved(app, offer_id).fee_minor is None


def test_a_high_rate_needs_a_reason_of_its_own_beside_the_explanation(
    app: Flask, draft: tuple[FlaskClient, int]
) -> None:
    holder, offer_id = draft
    address = f"/holder/offers/{offer_id}/declaration"
    holder.post(f"{address}/explanation", data={"fee_explanation": "依据研发成本测算。"})
    amount = f"{address}/amount?form=royalty_profit"
    refused = holder.post(amount, data={"rate": "45"})
    assert refused.status_code == 422
    assert 'id="reason"' in refused.text
    assert holder.post(amount, data={"rate": "45", "reason": "含核心部件"}).status_code == 302
    assert saved(app, offer_id).fee_explanation == (
        "依据研发成本测算。\n提成比例高于通常标准的理由：含核心部件"
    )
    assert "含核心部件" in holder.get(amount).text
    assert holder.post(amount, data={"rate": "30", "reason": ""}).status_code == 302
    assert saved(app, offer_id).fee_explanation == "依据研发成本测算。"


@pytest.mark.parametrize(
    ("name", "field", "text"),
    [("other", "not_included", "仅限长三角地区的企业"), ("contact", "contact", "联系人，只许可给会员单位")],
)
def test_limits_of_who_and_where_are_refused_beside_the_field(
    app: Flask, draft: tuple[FlaskClient, int], name: str, field: str, text: str
) -> None:
    holder, offer_id = draft
    answer = holder.post(f"/holder/offers/{offer_id}/declaration/{name}", data={field: text})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert getattr(saved(app, offer_id), field) is None
