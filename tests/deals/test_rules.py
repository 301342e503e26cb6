"""What a notice makes due, when a licence takes effect and how long it runs."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import clock
from marketplace.core.errors import Conflict
from marketplace.deals import numbers, rules


def terms(form, fee=None, **values):
    return {"fee_form": form, "fee_minor": fee, "currency": "CNY", **values}


@pytest.mark.parametrize(
    ("form", "fee", "owed", "basis"),
    [
        ("free", None, [], "free"),
        ("fixed", 0, [], "free"),
        ("fixed", 5_000_000, [("fee", 5_000_000)], "paid"),
        ("entry_plus_royalty", 100, [("entry_fee", 100)], "paid"),
        ("entry_plus_royalty", 0, [], "royalty"),
        ("entry_plus_royalty", None, [], "royalty"),
        ("royalty_net_sales", None, [], "royalty"),
        ("royalty_profit", None, [], "royalty"),
    ],
)
def test_the_announced_form_says_what_is_due_on_day_one(form, fee, owed, basis):
    assert [(one.kind, one.amount_minor) for one in rules.obligations_of(terms(form, fee))] == owed
    assert rules.basis_of(terms(form, fee)) == basis


@pytest.mark.parametrize("form", ["fixed", None])
def test_terms_without_their_fee_are_refused_instead_of_being_taken_for_free(form):
    with pytest.raises(Conflict) as refused:
        rules.obligations_of(terms(form))
    assert refused.value.code == "terms-incomplete"


@pytest.mark.parametrize("setting", [True, False])
def test_only_the_setting_decides_whether_a_pure_royalty_takes_effect_on_service(setting):
    def on_service(form, fee=None):
        return rules.effective_on_service(terms(form, fee), royalty_only_effective_on_notice=setting)

    assert on_service("royalty_profit") is setting
    assert on_service("free") is True
    assert on_service("fixed", 1) is False


days = st.dates(dt.date(2021, 6, 1), dt.date(2060, 1, 1))
instants = st.datetimes(dt.datetime(2021, 6, 1), dt.datetime(2060, 1, 1), timezones=st.just(dt.UTC))


@given(days, st.none() | days, st.none() | days)
def test_a_licence_ends_with_the_announced_term_or_the_patent_whichever_is_first(effective, term_to, expires):
    ends = [day for day in (term_to, expires) if day]
    if not ends:
        with pytest.raises(Conflict):
            rules.licence_term(effective, term_to, expires)
        return
    term = rules.licence_term(effective, term_to, expires)
    if term is None:
        assert effective > min(ends)
    else:
        assert term.begins == effective <= term.ends == min(ends)


@given(instants, st.lists(instants, max_size=3))
def test_a_licence_never_takes_effect_before_service_nor_before_a_payment(served, payments):
    moment = rules.effective_at(served, payments)
    assert moment in [served, *payments]
    assert all(moment >= one for one in [served, *payments])


@given(days)
def test_the_day_that_stands_for_a_transfer_is_its_own_legal_date(day):
    assert clock.legal_date(rules.bank_instant(day)) == day


@given(instants)
def test_on_the_day_of_the_end_our_own_record_decides_and_otherwise_the_day(recorded):
    day = clock.legal_date(recorded)
    same = rules.end_of_offer(day, recorded)
    assert same == recorded.replace(microsecond=0)
    assert rules.end_of_offer(day, recorded + dt.timedelta(days=2)) == clock.start_of_day_utc(day)
    assert rules.end_of_offer(day, None) == clock.start_of_day_utc(day)


def test_money_proven_before_the_end_counts_and_money_proven_from_then_on_goes_back():
    end = dt.datetime(2026, 11, 20, 2, tzinfo=dt.UTC)
    second = dt.timedelta(seconds=1)

    def late(at, **values):
        facts = {"offer_ended_at": None, "notice_ended_at": None, "last_day": None} | values
        return rules.too_late(at, **facts)

    assert late(end - second, offer_ended_at=end) is None
    assert late(end, offer_ended_at=end) == "offer_ended"
    assert late(end, notice_ended_at=end) == "notice_ended"
    assert late(end - second, notice_ended_at=end) is None
    assert late(end, last_day=dt.date(2026, 11, 20)) is None
    assert late(end, last_day=dt.date(2026, 11, 19)) == "term_over"


def test_the_recordal_is_due_three_months_on_and_moved_past_a_holiday():
    # 24 February 2026 is a working day after the Spring Festival; 15 February 2026 a festival day.
    assert rules.recordal_deadline(dt.date(2025, 11, 24)).date == dt.date(2026, 2, 24)
    assert rules.recordal_deadline(dt.date(2025, 11, 15)).date > dt.date(2026, 2, 15)


def test_a_check_code_is_found_however_it_was_typed_and_cannot_be_guessed():
    code = numbers.new_certificate_code()
    assert len(code) * 5 >= 80
    dashed = "-".join(code[n : n + 4] for n in range(0, len(code), 4)).lower()
    assert numbers.clean_code(f" {dashed} ") == code
    assert numbers.clean_code(code.replace("0", "O").replace("1", "l")) == code


def test_numbers_say_what_and_when():
    assert numbers.new_number(numbers.LICENCE, dt.date(2026, 11, 24)).startswith("XK-20261124-")
    assert len({numbers.new_reference(dt.date(2026, 11, 24)) for _ in range(500)}) == 500
