"""Money is exact, keeps its currency, and rounds only where a share is taken."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.money import EXPONENTS, CurrencyMismatch, InvalidMoney, Money, share, total

minor_units = st.integers(-(10**15), 10**15)
currencies = st.sampled_from(sorted(EXPONENTS))
rates = st.decimals(0, 100, places=4)


@given(minor_units, currencies)
def test_major_and_minor_units_are_the_same_amount(amount: int, currency: str) -> None:
    money = Money(amount, currency)
    assert Money.from_major(money.major, currency) == money
    assert Money.from_major(str(money.major), currency.lower()) == money
    assert money.as_json() == {"amount_minor": amount, "currency": currency}


@given(minor_units, minor_units, minor_units)
def test_sums_are_exact(a: int, b: int, c: int) -> None:
    first, second, third = Money(a), Money(b), Money(c)
    assert (first + second) + third == first + (second + third)
    assert first + second - second == first
    assert first + -first == Money(0)
    assert total([first, second, third]).amount_minor == a + b + c
    assert first * 3 == 3 * first == first + first + first
    assert (first < second, first <= second, first > second, first >= second) == (
        a < b,
        a <= b,
        a > b,
        a >= b,
    )


def test_no_amounts_make_zero() -> None:
    assert total([], "JPY") == Money(0, "JPY")
    assert not Money(0)
    assert Money(-1)


@given(minor_units, minor_units)
def test_currencies_do_not_mix(a: int, b: int) -> None:
    yuan, dollars = Money(a), Money(b, "usd")
    assert yuan != dollars
    for mix in (
        lambda: yuan + dollars,
        lambda: yuan - dollars,
        lambda: yuan < dollars,
        lambda: yuan <= dollars,
        lambda: yuan > dollars,
        lambda: yuan >= dollars,
        lambda: total([yuan, dollars]),
    ):
        with pytest.raises(CurrencyMismatch):
            mix()


@given(minor_units, rates)
def test_a_share_is_the_nearest_minor_unit_and_halves_go_up(amount: int, rate: Decimal) -> None:
    exact = Fraction(amount) * Fraction(rate) / 100
    taken = share(Money(amount), rate).amount_minor
    assert abs(taken - exact) <= Fraction(1, 2)
    if abs(taken - exact) == Fraction(1, 2):
        assert abs(taken) > abs(exact)


def test_half_a_fen_is_rounded_up() -> None:
    assert share(Money(10), Decimal(5)) == Money(1)
    assert share(Money(9), Decimal(5)) == Money(0)
    assert share(Money(1_234_567), Decimal("3.5")) == Money(43_210)
    assert share(Money(1_000, "JPY"), Decimal("0.25")) == Money(3, "JPY")


@given(minor_units, rates)
def test_a_share_and_the_rest_make_the_whole(amount: int, rate: Decimal) -> None:
    whole = Money(amount)
    taken = share(whole, rate)
    assert taken + (whole - taken) == whole


def test_yuan_are_read_exactly() -> None:
    assert Money.from_yuan("12000") == Money(1_200_000)
    assert Money.from_yuan(Decimal("0.01")) == Money(1)
    assert Money.from_yuan(3) == Money(300)
    assert Money.from_yuan("1e4") == Money(1_000_000)
    assert Money(1_200_050).yuan == Decimal("12000.50")
    assert str(Money(1_200_050)) == "12000.50 CNY"
    assert str(Money(500, "jpy")) == "500 JPY"


@pytest.mark.parametrize(
    "amount", ["0.001", "", "ten", "NaN", "Infinity", "1e999999999", Decimal("0.005"), 0.1, True, None]
)
def test_what_is_no_exact_amount_is_refused(amount: object) -> None:
    with pytest.raises(InvalidMoney):
        Money.from_yuan(amount)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("amount", "currency"), [(1.0, "CNY"), (True, "CNY"), ("1", "CNY"), (1, "XBT"), (1, "")]
)
def test_money_needs_whole_minor_units_and_a_known_currency(amount: object, currency: str) -> None:
    with pytest.raises(InvalidMoney):
        Money(amount, currency)  # type: ignore[arg-type]


def test_floats_never_get_in() -> None:
    with pytest.raises(InvalidMoney):
        share(Money(100), 3.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money(100) * 1.5  # type: ignore[operator]
    with pytest.raises(TypeError):
        Money(100) + 1  # type: ignore[operator]
    with pytest.raises(InvalidMoney, match="yuan"):
        _ = Money(100, "USD").yuan
