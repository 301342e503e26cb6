"""Taxes on a fee: dated rules, sums to the fen, and what is not known said so."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.deals.taxes import rules
from marketplace.deals.taxes.services import _whole_years, taxes_of
from tests.deals.conftest import serve

DAY = dt.date(2026, 11, 20)


def on(fee, day=DAY, *, abroad=False, kind="university", years=5):
    found = rules.taxes_on(fee, day, payee_abroad=abroad, payee_type=kind, years=years)
    return {one.rule.code: one for one in found}


def test_each_rule_has_its_source_its_dates_and_its_state_of_confirmation():
    assert {one.code for one in rules.table()} == {
        "vat", "vat_exemption", "stamp", "income_relief", "withholding",
    }  # fmt: skip
    for one in rules.table():
        assert one.source
        assert one.note_zh
        assert one.note_en
        assert one.state in rules.STATES


def test_the_rule_of_the_day_holds():
    old, new = on(1_060_000, dt.date(2025, 12, 31))["vat"], on(1_060_000, dt.date(2026, 1, 1))["vat"]
    assert (old.rule.source, new.rule.source) == ("财税〔2016〕36号 附件1 第十五条", "《增值税法》第十条")
    assert (old.amount_minor, new.amount_minor) == (60_000, 60_000)
    assert "stamp" not in on(100, dt.date(2022, 6, 30))


def test_sums_are_worked_out_to_the_fen_and_the_unknown_is_said():
    found = on(5_000_000)
    assert found["vat"].amount_minor == 283_019  # 50,000 × 6 / 106 = 2,830.188…
    assert found["stamp"].amount_minor == 1_500
    assert found["vat_exemption"].unknown == "needs-registration"
    assert found["income_relief"].unknown == "costs-unknown"
    assert on(5_000_000, years=4)["income_relief"].unknown == "licence-too-short"
    assert "withholding" not in found
    assert on(5_000_000, abroad=None)["withholding"].unknown == "seat-unknown"
    assert on(5_000_000, abroad=True)["withholding"].amount_minor == 500_000
    assert on(5_000_000, abroad=True)["vat"].unknown == "payee-abroad"
    assert on(5_000_000, kind="individual")["vat"].unknown == "individual"


@pytest.mark.parametrize(
    ("region", "abroad"), [("310115", False), ("810000", True), ("", None), (None, None)]
)
def test_a_payee_is_abroad_by_its_region(region, abroad):
    assert rules.abroad(region) is abroad


@pytest.mark.parametrize(
    ("first", "last", "years"),
    [
        (dt.date(2026, 11, 20), dt.date(2031, 11, 19), 5),
        (dt.date(2026, 11, 20), dt.date(2031, 11, 18), 4),
        (dt.date(2026, 1, 1), dt.date(2030, 12, 31), 5),
    ],
)
def test_years_are_counted_whole(first, last, years):
    assert _whole_years(first, last) == years


@given(st.integers(1, 20_000_000_00))
def test_no_tax_is_above_the_fee_or_below_nothing(fee):
    for one in on(fee, abroad=None).values():
        assert one.amount_minor is None or 0 <= one.amount_minor <= fee


def test_a_notice_tells_both_sides_of_the_taxes(deal):
    found = {one.rule.code for one in taxes_of(serve(deal.firm_actor, deal.offer))}
    assert {"vat", "stamp"} <= found
