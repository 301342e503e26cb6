"""The estimate and the what-if view: what they show, to whom, and what they put into the declaration."""

from __future__ import annotations

import datetime as dt
import io
import itertools
from typing import Any

import pytest
from flask import Flask

from marketplace.accounts.models import Organisation
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import Offer
from tests import factories

from .pages import LANGUAGES, client_of, member, text_of

_names = itertools.count(1)


class Holder:
    """A university with one patent, in the browser."""

    def __init__(self, app: Flask, language: str = "zh", kind: str = "university") -> None:
        self.app = app
        self.user_id, self.organisation_id = member(app, f"示例估价大学{next(_names)}", type=kind)
        self.client = client_of(app, self.user_id, language)
        with app.app_context(), unit_of_work():
            self.patent = factories.patent(self.organisation).id

    @property
    def organisation(self) -> Organisation:
        return db.session.get_one(Organisation, self.organisation_id)

    @property
    def address(self) -> str:
        return f"/holder/patents/{self.patent}"

    def get(self, path: str, status: int = 200, **query: str) -> str:
        answer = self.client.get(self.address + path, query_string=query)
        assert answer.status_code == status, text_of(answer.text)[-800:]
        return text_of(answer.text)

    def use(self, status: int = 302, **data: str) -> Any:
        answer = self.client.post(f"{self.address}/fee-estimate/use", data=data)
        assert answer.status_code == status, text_of(answer.text)[-800:]
        return answer

    def offers(self) -> list[Offer]:
        with self.app.app_context():
            rows = list(db.session.scalars(db.select(Offer).where(Offer.patent_id == self.patent)))
            db.session.expunge_all()
            return rows


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def holder(app: Flask, language: str) -> Holder:
    return Holder(app, language)


@pytest.fixture
def prices(app: Flask) -> None:
    """Five announced fees of 10,000 to 50,000 yuan for like patents."""
    with app.app_context(), unit_of_work():
        for wan in range(1, 6):
            factories.live_offer(factories.organisation(), fee_minor=wan * 1_000_000)


@pytest.mark.usefixtures("prices")
def test_an_estimate_states_quartiles_sample_years_and_source(holder: Holder, language: str) -> None:
    page = holder.get("/fee-estimate")
    for part in ("¥20,000", "¥30,000", "¥40,000", "H01M", "2026", "15,603", "¥1,660,000"):
        assert part in page
    assert ("5 个价格" if language == "zh" else "5 prices") in page
    raw = holder.client.get(f"{holder.address}/fee-estimate").text
    assert "data-bars=" in raw
    assert "10,000" in raw


def test_without_prices_the_page_says_so_and_invents_none(holder: Holder, language: str) -> None:
    page = holder.get("/fee-estimate")
    assert ("尚无" if language == "zh" else "no figures yet") in page
    assert ("不编造" if language == "zh" else "no rate is invented here") in page
    assert "data-bars=" not in holder.client.get(f"{holder.address}/fee-estimate").text


def test_what_the_holder_types_is_reckoned_with_on_the_page(holder: Holder) -> None:
    page = holder.get(
        "/fee-estimate", income="100万", share="5", appraised="80万", appraised_by="评估所, 2026"
    )
    assert "¥650,000" in page  # 1,000,000 × 5% × 13 years
    assert "¥800,000" in page


def test_what_cannot_be_read_is_told_beside_its_field(holder: Holder, language: str) -> None:
    page = holder.get("/fee-estimate", 422, income="很多")
    assert ("不是以元计的金额" if language == "zh" else "not an amount in yuan") in page


@pytest.mark.usefixtures("prices")
def test_using_a_basis_begins_the_declaration_with_the_drafted_explanation(holder: Holder) -> None:
    answer = holder.use(basis="comparable_offers")
    (offer,) = holder.offers()
    assert answer.location.endswith(f"/holder/offers/{offer.id}/declaration/explanation")
    assert offer.status == "draft"
    assert "中位数30,000元" in (offer.fee_explanation or "")
    holder.use(basis="published")
    (offer,) = holder.offers()
    assert "15,603" in (offer.fee_explanation or "")


def test_a_basis_from_what_was_typed_goes_into_the_declaration_too(holder: Holder) -> None:
    holder.use(basis="valuation", appraised="80万", appraised_by="示例评估报告（2026年）")
    assert "800,000元" in (holder.offers()[0].fee_explanation or "")
    holder.use(basis="own_income", income="100万", share="5")
    assert "650,000元" in (holder.offers()[0].fee_explanation or "")


def test_an_advertising_source_is_refused_with_the_reason(holder: Holder, language: str) -> None:
    holder.use(basis="valuation", appraised="80万", appraised_by="全国第一的评估")
    page = holder.get("/fee-estimate")
    assert "全国第一" in page
    assert [offer.fee_explanation for offer in holder.offers()] in ([], [None])


@pytest.mark.parametrize("basis", ["reference", "nonsense", ""])
def test_a_basis_without_figures_cannot_be_used(app: Flask, basis: str) -> None:
    Holder(app).use(422, basis=basis)


def test_the_explanation_of_a_filed_declaration_is_not_changed(app: Flask) -> None:
    holder = Holder(app)
    with app.app_context(), unit_of_work():
        row = factories.live_offer(holder.organisation, db.session.get_one(factories.Patent, holder.patent))
        row.fee_explanation = "原说明"
    raw = holder.client.get(f"{holder.address}/fee-estimate").text
    assert "/fee-estimate/use" not in raw
    holder.use(409, basis="published")
    assert holder.offers()[0].fee_explanation == "原说明"


def test_what_if_shows_income_by_licensees_and_the_inventors_floor(holder: Holder, language: str) -> None:
    page = holder.get(
        "/what-if",
        form="entry_plus_royalty", fee="2万", rate="1.5", base="100万", licensees="4", years="5",
    )  # fmt: skip
    for part in ("¥80,000", "¥60,000", "¥380,000", "¥190,000"):
        assert part in page
    assert ("职务科技成果" if language == "zh" else "Article 45") in page or "第四十五条" in page


def test_what_if_works_before_anything_is_typed(holder: Holder, language: str) -> None:
    page = holder.get("/what-if")
    assert ("请填写价格" if language == "zh" else "Fill in a price") in page
    assert ("节省的年费" if language == "zh" else "Annuities saved") in page


@pytest.mark.parametrize("expires_on", [None, dt.date(2026, 1, 1)])
def test_a_patent_without_a_known_or_future_end_has_both_pages_too(
    app: Flask, expires_on: dt.date | None
) -> None:
    holder = Holder(app, "en")
    with app.app_context(), unit_of_work():
        db.session.get_one(factories.Patent, holder.patent).expires_on = expires_on
    holder.get("/fee-estimate", income="1000", share="5")
    assert "Fill in a price" in holder.get("/what-if")
    assert "¥40,000" in holder.get(
        "/what-if", form="fixed", fee="1万", licensees="4", years="3", share="50", relief="0"
    )


def test_what_if_takes_the_price_of_the_declaration(app: Flask) -> None:
    holder = Holder(app, "en")
    with app.app_context(), unit_of_work():
        factories.live_offer(
            holder.organisation,
            db.session.get_one(factories.Patent, holder.patent),
            fee_minor=1_409_550,
        )
    page = holder.get("/what-if")
    assert "¥14,095.50" in page
    assert "¥140,955" in page
    assert "In 5 years" in page


def test_what_if_asks_for_the_assumed_sales_of_a_royalty(holder: Holder, language: str) -> None:
    page = holder.get("/what-if", 422, form="royalty_net_sales", rate="3")
    assert ("一年的销售额" if language == "zh" else "would sell or earn") in page
    holder.get("/what-if", 422, form="fixed")
    holder.get("/what-if", 422, form="fixed", fee="1万", years="99")
    holder.get("/what-if", 422, form="fixed", fee="1万", licensees="0")
    assert "¥0" in holder.get("/what-if", form="free")


def test_the_annuity_cut_is_15_per_cent_and_nothing_beside_a_better_reduction(app: Flask) -> None:
    holder = Holder(app, "en")
    page = holder.get("/what-if", form="free", years="5")
    # Years 9 (2,000) and 10 to 12 (4,000 each) and 13 (6,000) fall due: 15% of 20,000.
    assert "¥3,000" in page
    assert "Scale not confirmed" in page
    page = holder.get("/what-if", form="free", years="3", relief="85")
    assert "You gain nothing" in page


def test_an_enterprise_is_told_the_floor_as_information_only(app: Flask) -> None:
    page = Holder(app, "en", "enterprise").get("/what-if")
    assert "for others it is what was agreed" in page


def test_other_peoples_patents_are_not_estimated(app: Flask, holder: Holder) -> None:
    other = Holder(app)
    for path in ("/fee-estimate", "/what-if"):
        assert holder.client.get(other.address + path).status_code == 404
    assert holder.client.post(f"{other.address}/fee-estimate/use").status_code == 404
    assert app.test_client().get(f"{other.address}/fee-estimate").status_code in (302, 401)


def test_the_operator_uploads_reference_fees_and_holders_see_them(app: Flask, holder: Holder) -> None:
    with app.app_context(), unit_of_work():
        staff = factories.user(staff_role="operator").id
    browser = client_of(app, staff, "zh")
    text = "行业代码,年度,样本数,提成率中位数,平均固定费用,来源网址\nC38,2023,64,3%,120万,https://example.org/a\n"
    answer = browser.post(
        "/operator/lists/reference-fees",
        data={"file": (io.BytesIO(text.encode()), "行业.csv")},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 200
    kept = answer.text.split('name="file" value="')[1].split('"')[0]
    assert browser.post("/operator/lists/reference-fees/import", data={"file": kept}).status_code == 200
    assert browser.get("/operator/lists/annuities/template.xlsx").status_code == 200
    page = holder.get("/fee-estimate")
    for part in ("¥1,200,000", "3%", "64", "https://example.org/a"):
        assert part in page
    holder.use(basis="reference")
    assert "样本64份" in (holder.offers()[0].fee_explanation or "")


def test_the_patent_and_the_fee_questions_lead_to_both_pages(holder: Holder) -> None:
    holder.use(basis="published")
    (offer,) = holder.offers()
    for page in (
        holder.address,
        *(f"/holder/offers/{offer.id}/declaration/{name}" for name in ("fee", "explanation")),
    ):
        raw = holder.client.get(page).text
        assert f'href="{holder.address}/fee-estimate"' in raw
        assert f'href="{holder.address}/what-if"' in raw


@pytest.mark.parametrize(("said", "floor"), [(None, True), (False, False), (True, True)])
def test_the_inventors_floor_follows_what_the_organisation_says_of_itself(
    app: Flask, said: bool | None, floor: bool
) -> None:
    holder = Holder(app)
    with app.app_context(), unit_of_work():
        holder.organisation.state_established = said
    assert ("本单位规定可以更高" in holder.get("/what-if")) == floor
