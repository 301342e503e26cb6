"""Eligibility and terms: every bar with each result, every ceiling on both sides."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.listings import rules
from marketplace.listings.rules import Fact, PatentView, Terms

TODAY = dt.date(2026, 11, 20)
CLEAR = {
    "legal_status": "in_force",
    "annuity_paid_until": "2026-11-20",
    "evaluation_report": "positive",
    "pledged": "no",
    "exclusive_licence_until": "none",
    "preserved_until": "none",
    "other_hindrance": "none",
}


def view(kind: str = "utility_model", **facts: str | None) -> PatentView:
    known = {name: Fact(value, TODAY, "示例") for name, value in (CLEAR | facts).items() if value is not None}
    return PatentView(kind, dt.date(2019, 3, 1), dt.date(2021, 6, 1), dt.date(2029, 2, 28), known)


def bar(subject: PatentView, code: str) -> rules.Bar:
    return next(bar for bar in rules.eligibility(subject, TODAY).bars if bar.code == code)


def test_a_patent_with_every_fact_clear_may_be_filed() -> None:
    found = rules.eligibility(view(), TODAY)
    assert found.may_file
    assert tuple(bar.code for bar in found.bars) == rules.BARS
    assert {bar.result for bar in found.bars} == {"clear"}


@pytest.mark.parametrize(
    ("code", "fact", "barring", "clearing"),
    [
        (
            "exclusive_licence",
            "exclusive_licence_until",
            ["2026-11-20", "2030-01-01"],
            ["2026-11-19", "none"],
        ),
        ("suspension", "preserved_until", ["2026-11-20"], ["2026-11-19", "none"]),
        ("annuity", "annuity_paid_until", ["2026-11-19", "none"], ["2026-11-20", "2027-11-20"]),
        ("pledge", "pledged", ["without_consent"], ["no", "with_consent"]),
        ("terminated", "legal_status", ["terminated", "expired"], ["in_force"]),
        ("invalidated", "legal_status", ["invalidated"], ["in_force", "terminated"]),
        ("report_missing", "evaluation_report", ["none"], ["positive", "negative"]),
        ("report_negative", "evaluation_report", ["negative"], ["positive", "none"]),
        ("other", "other_hindrance", ["权属不清"], ["none"]),
    ],
)
def test_each_bar_is_barred_clear_or_unknown(
    code: str, fact: str, barring: list[str], clearing: list[str]
) -> None:
    for value in barring:
        found = bar(view(**{fact: value}), code)
        assert (found.result, found.fact, found.as_of, found.source) == ("barred", value, TODAY, "示例")
        assert found.remedy
        assert not rules.eligibility(view(**{fact: value}), TODAY).may_file
    for value in clearing:
        found = bar(view(**{fact: value}), code)
        assert (found.result, found.remedy) == ("clear", None)
    found = bar(view(**{fact: None}), code)
    assert (found.result, found.fact) == ("unknown", None)
    assert found.remedy
    assert not rules.eligibility(view(**{fact: None}), TODAY).may_file


@pytest.mark.parametrize(
    ("grant", "status", "result"),
    [
        (dt.date(2026, 11, 20), "in_force", "clear"),
        (dt.date(2026, 11, 21), "in_force", "barred"),
        (dt.date(2021, 6, 1), "pending", "barred"),
        (None, "in_force", "clear"),
        (None, None, "unknown"),
    ],
)
def test_only_a_granted_patent_can_be_offered(grant: dt.date | None, status: str | None, result: str) -> None:
    assert bar(replace(view(legal_status=status), grant_date=grant), "not_granted").result == result


@pytest.mark.parametrize("report", ["none", "negative", None])
def test_an_invention_needs_no_report(report: str | None) -> None:
    found = rules.eligibility(view("invention", evaluation_report=report), TODAY)
    assert found.may_file
    assert "Not required" in bar(view("invention", evaluation_report=report), "report_missing").reason


def test_a_patent_whose_term_is_over_is_barred_whatever_the_register_said() -> None:
    over = replace(view(), expires_on=dt.date(2026, 11, 19))
    assert bar(over, "terminated").result == "barred"
    assert rules.ended_on(over, TODAY) == ("expired", TODAY)
    assert rules.ended_on(view(), TODAY) is None


@given(st.dictionaries(st.sampled_from(list(CLEAR)), st.none(), min_size=1))
def test_unknown_is_never_clear(unknown: dict[str, None]) -> None:
    found = rules.eligibility(view(**unknown), TODAY)
    assert not found.may_file
    for each in found.bars:
        assert (each.result == "unknown") <= (each.fact is None)
        assert each.reason % each.parameters


FIXED = Terms(fee_form="fixed", fee_minor=100, term_to=dt.date(2028, 1, 1), contact="021-00000000")


def codes(terms: Terms) -> set[str]:
    return {fault.code for fault in rules.terms_faults(terms, view())}


@given(st.integers(1, 4_000_000_000))
def test_a_fixed_fee_stops_above_twenty_million_yuan(fee: int) -> None:
    assert ("fee-above-ceiling" in codes(replace(FIXED, fee_minor=fee))) == (fee > 2_000_000_000)


@given(
    st.sampled_from(["royalty_net_sales", "royalty_profit", "entry_plus_royalty"]),
    st.decimals("0.0001", 100, places=4),
    st.sampled_from(["net_sales", "profit", None]),
    st.sampled_from([None, " ", "行业内同类技术成交价较高"]),
)
def test_a_rate_above_its_ceiling_needs_a_reason(
    form: str, rate: Decimal, base: str | None, explanation: str | None
) -> None:
    terms = Terms(
        fee_form=form,
        fee_minor=100 if form == "entry_plus_royalty" else None,
        rate_percent=rate,
        rate_base=base if form == "entry_plus_royalty" else None,
        fee_explanation=explanation,
    )
    ceiling = 40 if form == "royalty_profit" or terms.rate_base == "profit" else 20
    missing = rate > ceiling and not (explanation or "").strip()
    assert codes(terms) == ({"rate-above-ceiling"} if missing else set())


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (Terms(fee_form="fixed"), "fee-missing"),
        (Terms(fee_form="fixed", fee_minor=0), "fee-zero"),
        (Terms(fee_form="free", fee_minor=100), "fee-not-expected"),
        (Terms(fee_form="royalty_profit"), "rate-missing"),
        (Terms(fee_form="fixed", fee_minor=1, rate_percent=Decimal(3)), "rate-not-expected"),
        (Terms(fee_form="royalty_profit", rate_percent=Decimal(0)), "rate-out-of-range"),
        (
            Terms(fee_form="royalty_profit", rate_percent=Decimal(3), rate_base="net_sales"),
            "rate-base-contradicts",
        ),
        (replace(FIXED, fee_explanation="字" * 2001), "explanation-too-long"),
        (replace(FIXED, fee_explanation="本技术全球首创"), "promotional-wording"),
        (replace(FIXED, payment_text="World-leading technology"), "promotional-wording"),
        (replace(FIXED, term_from=dt.date(2028, 1, 2)), "term-reversed"),
        (replace(FIXED, term_to=dt.date(2029, 3, 1)), "term-beyond-patent"),
        (replace(FIXED, term_from=dt.date(2019, 2, 28)), "term-before-patent"),
    ],
)
def test_terms_that_cannot_be_declared_are_named(terms: Terms, code: str) -> None:
    assert codes(terms) == {code}


def test_an_explanation_of_two_thousand_characters_is_not_too_long() -> None:
    assert codes(replace(FIXED, fee_explanation="字" * 2000)) == set()


def test_the_items_of_a_declaration_are_counted() -> None:
    assert rules.missing_items(FIXED, has_number=True, has_patentee=True) == []
    missing = rules.missing_items(Terms(), has_number=False, has_patentee=False)
    assert [fault.field for fault in missing] == [
        "patent_number",
        "patentees",
        "fee_form",
        "term_to",
        "contact",
    ]


@pytest.mark.parametrize(
    ("terms", "zh", "en"),
    [
        (Terms(fee_form="free"), "免费", "no fee"),
        (Terms(fee_form="fixed", fee_minor=5_000_050), "50,000.50", "CNY 50,000.50"),
        (
            Terms(fee_form="royalty_profit", rate_percent=Decimal("12.5000")),
            "利润额的12.5%",
            "12.5% of profit",
        ),
        (
            Terms(fee_form="entry_plus_royalty", fee_minor=100_000, rate_percent=Decimal(3)),
            "入门费人民币1,000元，并按专利产品净销售额的3%",
            "entry fee of CNY 1,000, and 3% of net sales",
        ),
    ],
)
def test_the_announced_text_follows_from_the_form(terms: Terms, zh: str, en: str) -> None:
    assert zh in rules.payment_text(terms, "zh")
    assert en in rules.payment_text(terms, "en")
