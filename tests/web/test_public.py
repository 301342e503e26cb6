"""What everybody may read: home, search, an offer's page, demands, the check of a certificate."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence
from marketplace.demands.models import Demand
from marketplace.listings.models import Offer
from marketplace.search import generations
from tests import factories
from tests.conftest import NOW
from tests.web.conftest import text_of

_serial = itertools.count(1)


@pytest.fixture
def offer(made) -> int:
    """A live offer of a holder who has joined."""
    return made(
        lambda: (
            factories.live_offer(
                holder := factories.organisation("示例大学", type="university", name_en="Example University"),
                factories.patent(
                    holder,
                    title="一种示例固态电解质膜",
                    title_en="An example solid electrolyte film",
                    problem="界面阻抗高",
                    advantage="阻抗降低一半",
                ),
            ).id
        )
    )


@pytest.fixture
def indexed(app: Flask, offer: int) -> int:
    """The same offer, found by search."""
    with app.app_context():
        generations.rebuild()
        db.session.remove()
    return offer


def _english(visitor: FlaskClient) -> FlaskClient:
    with visitor.session_transaction() as session:
        session["locale"] = "en"
    return visitor


def test_a_door_is_shown_to_those_who_may_enter(visitor: FlaskClient, sign_in, made) -> None:
    assert 'href="/bureau"' in visitor.get("/").text  # it leads to signing in
    assert 'href="/bureau"' not in sign_in(made(lambda: factories.organisation().id)).get("/").text
    official = sign_in(staff_role="bureau")
    assert 'href="/bureau"' in official.get("/").text
    for door in ("/operator/papers", "/questions/waiting", "/bureau"):
        assert f'href="{door}"' in official.get("/").text
        assert official.get(door).status_code == 200
    # The bureau posts demands for firms, from their list.
    assert 'href="/demands/new"' in official.get("/demands").text
    assert 'href="/holder"' not in official.get("/demands").text
    for closed in ("/holder", "/demands/new"):
        assert f'href="{closed}"' not in official.get("/").text
        assert f'href="{closed}"' in visitor.get("/").text


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"fee_form": "free", "fee_minor": None}, "也无需支付"),
        ({"fee_form": "fixed"}, "书面通知加支付即取得许可"),
        (
            {
                "fee_form": "royalty_profit",
                "fee_minor": None,
                "rate_percent": Decimal(8),
                "rate_base": "profit",
            },
            "提成按公告支付",
        ),
    ],
)
def test_an_offers_page_says_what_makes_the_licence(
    visitor: FlaskClient, made, terms: dict[str, object], said: str
) -> None:
    place = made(lambda: factories.live_offer(factories.organisation(), **terms).id)
    assert said in text_of(visitor.get(f"/offers/{place}").text)


def test_words_of_the_law_are_explained(visitor: FlaskClient) -> None:
    said = text_of(visitor.get("/about/law").text)
    for word in ("书面通知", "备案", "分许可", "净销售额", "自由实施"):
        assert word in said


@pytest.mark.parametrize("locale", ["zh", "en"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/sign-in/forgotten",
        "/about/law",
        "/sign-in",
        "/sign-up",
        "/sign-up/firm",
        "/sign-up/individual",
        "/certificates/",
        "/demands",
    ],
)
def test_every_public_page_opens_in_both_languages(visitor: FlaskClient, locale: str, path: str) -> None:
    with visitor.session_transaction() as session:
        session["locale"] = locale
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert f'lang="{"en" if locale == "en" else "zh-CN"}"' in answer.text
    assert len(re.findall(r"<h1[ >]", answer.text)) == 1
    assert 'id="main"' in answer.text


def test_the_home_page_shows_live_counts_and_the_newest_offers(visitor: FlaskClient, offer: int) -> None:
    page = visitor.get("/").text
    assert "一种示例固态电解质膜" in page
    assert "1 项专利可开放许可" in text_of(page)


# --- search


def test_a_search_finds_marks_and_counts(visitor: FlaskClient, indexed: int) -> None:
    page = visitor.get("/offers?q=固态电解质").text
    assert "<mark>" in page
    assert f"/offers/{indexed}" in page
    assert "共 1 项开放许可" in text_of(page)
    assert 'value="fixed"' in page
    assert "H 电学" in text_of(page)


def test_a_filter_in_force_is_a_chip_that_can_be_removed(visitor: FlaskClient, indexed: int) -> None:
    page = visitor.get("/offers?q=电解质&fee_form=fixed&kind=invention").text
    assert 'class="chip" href="/offers?q=%E7%94%B5%E8%A7%A3%E8%B4%A8&amp;kind=invention"' in page
    assert re.search(r'value="fixed" checked', page)


def test_a_number_finds_its_offer(visitor: FlaskClient, app: Flask, indexed: int) -> None:
    with app.app_context():
        number = _number(indexed)
    assert f"/offers/{indexed}" in visitor.get(f"/offers?q=ZL{number}").text


def _number(offer_id: int) -> str:
    return str(db.session.get_one(Offer, offer_id).patent.number)


def test_nothing_found_says_what_to_try(visitor: FlaskClient, indexed: int) -> None:
    page = visitor.get("/offers?q=zzzzqqqq").text
    assert "没有找到结果" in page
    assert "/demands/new?text=zzzzqqqq" in page


@pytest.mark.parametrize("query", ["colour=red", "kind=patent", "page=0", "page=999999", "fee_max=cheap"])
def test_a_search_that_cannot_be_understood_is_explained(
    visitor: FlaskClient, indexed: int, query: str
) -> None:
    answer = visitor.get(f"/offers?{query}")
    assert answer.status_code == 422
    assert "problem-summary" in answer.text


def test_a_filter_that_cannot_be_read_is_called_by_its_name_on_the_page(
    visitor: FlaskClient, indexed: int
) -> None:
    said = text_of(visitor.get("/offers?fee_max=cheap").text)
    assert "最高费用（元）" in said
    assert "fee_max" not in said


def test_without_an_index_a_number_still_finds_its_offer(
    visitor: FlaskClient, app: Flask, offer: int
) -> None:
    with app.app_context():
        number = _number(offer)
    found = visitor.get(f"/offers?q={number}")
    assert found.status_code == 200
    assert f"/offers/{offer}" in found.text
    nothing = visitor.get("/offers?q=膜")
    assert nothing.status_code == 503
    assert "按专利号、公开公告号或 IPC 分类号仍可查到" in nothing.text


def test_what_is_typed_is_never_mark_up(visitor: FlaskClient, indexed: int) -> None:
    page = visitor.get("/offers?q=<script>alert(1)</script>").text
    assert "<script>alert" not in page


# --- an offer's page


def test_an_offers_page_says_what_a_licence_would_be(visitor: FlaskClient, offer: int) -> None:
    said = text_of(visitor.get(f"/offers/{offer}").text)
    for part in (
        "界面阻抗高",
        "¥50,000",
        "至 2031-08-31",
        "技术秘密",
        "不含分许可权",
        "示例联系人",
        "示例登记簿副本",
    ):
        assert part in said
    said = text_of(_english(visitor).get(f"/offers/{offer}").text)
    for part in (
        "An example solid electrolyte film",
        "Example University",
        "to 31 Aug 2031",
        "Know-how",
        "Get this licence",
    ):
        assert part in said


def test_an_offers_page_tells_search_engines_in_their_words(visitor: FlaskClient, offer: int) -> None:
    page = visitor.get(f"/offers/{offer}").text
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found is not None
    data = json.loads(found.group(1))
    assert data["price"] == "50000.00"
    assert data["priceCurrency"] == "CNY"


def test_an_unverified_offer_is_nobody_elses_business(visitor: FlaskClient, made) -> None:
    draft = made(lambda: factories.live_offer(factories.organisation(), evidence="holder_stated").id)
    assert visitor.get(f"/offers/{draft}").status_code == 404


def test_a_pending_withdrawal_is_shown_and_the_licence_still_offered(visitor: FlaskClient, made) -> None:
    pending = made(
        lambda: (
            factories.live_offer(
                factories.organisation(), status="withdrawal_filed", withdrawal_filed_on=dt.date(2026, 11, 10)
            ).id
        )
    )
    page = visitor.get(f"/offers/{pending}").text
    assert "2026-11-10" in page
    assert f"/offers/{pending}/licence" in page


def test_a_duty_to_withdraw_is_shown_with_its_reason(visitor: FlaskClient, made) -> None:
    def make() -> int:
        holder = factories.organisation()
        subject = factories.patent(holder, facts={"annuity_paid_until": "2026-05-31"})
        return factories.live_offer(
            holder, subject, duty_to_withdraw_since=dt.date(2026, 6, 1), duty_bars=["annuity"]
        ).id

    said = text_of(visitor.get(f"/offers/{made(make)}").text)
    assert "自 2026-06-01 起" in said


def test_an_ended_offer_stays_readable_and_cannot_be_taken(visitor: FlaskClient, made) -> None:
    ended = made(
        lambda: (
            factories.live_offer(
                factories.organisation(), status="withdrawn", withdrawn_on=dt.date(2026, 10, 1)
            ).id
        )
    )
    page = visitor.get(f"/offers/{ended}").text
    assert f"/offers/{ended}/licence" not in page
    assert "已取得的许可不受影响" in page


def _licence(offer_id: int, licensee: str, **values: object) -> int:
    offer = db.session.get_one(Offer, offer_id)
    row = Licence(
        number=f"XK-{next(_serial)}",
        kind="open",
        evidence="verified",
        offer=offer,
        patent=offer.patent,
        licensee=factories.organisation(licensee),
        effective_at=NOW,
        effective_on=dt.date(2026, 10, 1),
        created_at=NOW,
        **values,
    )
    db.session.add(row)
    db.session.flush()
    return row.id


def test_licensees_are_named_only_once_they_are_recorded(
    app: Flask, visitor: FlaskClient, offer: int
) -> None:
    with app.app_context(), unit_of_work(SYSTEM):
        _licence(offer, "示例已备案企业", recordal_state="recorded", recordal_number="B1")
        _licence(offer, "示例未备案企业")
    page = visitor.get(f"/offers/{offer}").text
    assert "示例已备案企业" in page
    assert "示例未备案企业" not in page
    assert "2 项许可" in text_of(page)


# --- certificates


def test_anyone_can_check_a_certificate(app: Flask, visitor: FlaskClient, offer: int) -> None:
    with app.app_context(), unit_of_work(SYSTEM):
        _licence(offer, "示例未备案企业", certificate_code="ABCDEFGHJKMNPQRST", term_to=dt.date(2031, 8, 31))
    page = visitor.get("/certificates/abcd-efgh-jkmn-pqrst").text
    assert "凭证真实，许可生效中" in page
    assert "示例未备案企业" not in page
    assert visitor.get("/certificates/?code=ABC").location == "/certificates/ABC"


def test_a_code_that_is_not_genuine_is_said_to_be_so(visitor: FlaskClient) -> None:
    answer = visitor.get("/certificates/NONSENSE")
    assert answer.status_code == 404
    assert "problem-summary" in answer.text


# --- demands


def test_a_published_demand_is_public_and_its_matches_are_not(
    app: Flask, visitor: FlaskClient, indexed: int
) -> None:
    with app.app_context(), unit_of_work(SYSTEM):
        demand = Demand(
            organisation=factories.organisation("示例需求企业"),
            state="published",
            title="固态电解质膜界面阻抗",
            description="电解质膜界面阻抗太高。",
            published_on=dt.date(2026, 11, 1),
            created_at=NOW,
        )
        db.session.add(demand)
        db.session.flush()
        demand_id = demand.id
    assert "固态电解质膜界面阻抗" in visitor.get("/demands").text
    page = visitor.get(f"/demands/{demand_id}").text
    assert "电解质膜界面阻抗太高" in page
    assert f"/offers/{indexed}" not in page
