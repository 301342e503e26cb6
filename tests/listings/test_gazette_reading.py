"""What an announced fee and term say, and that nothing is guessed where words leave a doubt."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.listings import rules
from marketplace.listings.gazette.reading import Fee, Term, read_fee, read_term

ANNOUNCED = dt.date(2026, 9, 1)


@pytest.mark.parametrize(
    ("text", "fee"),
    [
        ("免费", Fee("free")),
        ("无偿许可,许可使用费为0元", Fee("free")),
        ("一次性支付,固定费用：5万元", Fee("fixed", 5_000_000)),
        ("人民币伍万元整（￥50,000.00）", Fee("fixed", 5_000_000)),
        ("二十五万元", Fee("fixed", 25_000_000)),
        ("按净销售额的3％提成,按年结算", Fee("royalty_net_sales", None, Decimal(3), "net_sales")),
        ("利润额百分之五提成", Fee("royalty_profit", None, Decimal(5), "profit")),
        (
            "入门费10万元，并按净销售额的 2.5% 提成，每年支付一次",
            Fee("entry_plus_royalty", 10_000_000, Decimal("2.5"), "net_sales"),
        ),
    ],
)
def test_a_fee_is_read_where_its_words_are_certain(text: str, fee: Fee) -> None:
    assert read_fee(text) == fee


@pytest.mark.parametrize(
    "text",
    [
        "", "面议", "每年2万元", "5万元/年", "按年支付2万元", "5万元,分两期支付", "首付1万元,余款3万元", "3%",
        "销售额的3%", "净销售额3%或利润额5%", "5万元或净销售额的2%", "前3年免费", "前三年免费，之后每年1万元",
        "10万美元", "每件2元", "5000", "不低于5万元", "净销售额3%，每年不低于1万元",
        "5万元并按净销售额3%提成", "入门费,净销售额的3%提成", "免费，但应支付5万元", "净销售额的120%提成",
        "第一年2%，第二年3%，按净销售额",
    ],
)  # fmt: skip
def test_a_fee_is_left_open_where_its_words_leave_a_doubt(text: str) -> None:
    assert read_fee(text) is None


@given(
    form=st.sampled_from(["free", "fixed", "royalty_net_sales", "royalty_profit", "entry_plus_royalty"]),
    minor=st.integers(1, 2_000_000_000),
    rate=st.decimals("0.01", "40", places=2),
    base=st.sampled_from(["net_sales", "profit"]),
)
def test_what_this_market_announces_is_read_as_it_was_meant(
    form: str, minor: int, rate: Decimal, base: str
) -> None:
    terms = rules.Terms(
        fee_form=form,
        fee_minor=minor if form in rules.NEEDS_FEE else None,
        rate_percent=rate if form in rules.NEEDS_RATE else None,
        rate_base=base if form == "entry_plus_royalty" else None,
    )
    fee = read_fee(rules.payment_text(terms))
    assert fee is not None
    assert (fee.form, fee.minor, fee.rate) == (form, terms.fee_minor, terms.rate_percent)
    assert fee.base == rules.rate_base_of(terms)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("2026年9月1日至2031年8月31日", Term(ANNOUNCED, dt.date(2031, 8, 31))),
        ("自2026-09-01至2031-08-31止", Term(ANNOUNCED, dt.date(2031, 8, 31))),
        ("自声明生效之日起5年", Term(ANNOUNCED, dt.date(2031, 8, 31))),
        ("自开放许可声明公告之日起三年。", Term(ANNOUNCED, dt.date(2029, 8, 31))),
        ("至2030年12月31日止", Term(ANNOUNCED, dt.date(2030, 12, 31))),
        ("至专利权有效期届满", Term()),
        ("专利权有效期内", Term()),
        ("5年", None),
        ("长期", None),
        ("自合同生效之日起3年", None),
        ("2031年8月31日至2026年9月1日", None),
        ("2026年2月30日至2031年8月31日", None),
        ("", None),
    ],
)
def test_a_term_is_read_where_its_words_are_certain(text: str, term: Term | None) -> None:
    assert read_term(text, ANNOUNCED) == term
