"""Money as integers in minor units with a currency: no floats, no silent rounding, no mixed currencies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

# The currencies that are dealt in, with the number of decimal places of their minor unit (ISO 4217).
EXPONENTS: Final[dict[str, int]] = {"CNY": 2, "USD": 2, "EUR": 2, "HKD": 2, "JPY": 0}

# What a 64-bit column holds, and far more than any licence costs; "1e999999999" would fill the memory.
_MAX_DIGITS: Final = 15


class InvalidMoney(ValueError):
    """An amount or currency that cannot be money here."""


class CurrencyMismatch(InvalidMoney):
    """Two amounts in different currencies were to be put together."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right} cannot be put together")
        self.left = left
        self.right = right


def _exact(amount: Decimal | int | str) -> Decimal:
    if isinstance(amount, bool) or not isinstance(amount, Decimal | int | str):
        raise InvalidMoney(f"an amount is a Decimal, an int or a text, not {type(amount).__name__}")
    try:
        value = Decimal(amount)
    except InvalidOperation as error:
        raise InvalidMoney(f"not an amount: {amount!r}") from error
    if not value.is_finite() or value.adjusted() > _MAX_DIGITS:
        raise InvalidMoney(f"not an amount: {amount!r}")
    return value


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units (分 for CNY) of one of `EXPONENTS`; the currency is kept in upper case.

    Raises `InvalidMoney` for an amount that is no int and for an unknown currency. Sums, differences and
    comparisons of different currencies raise `CurrencyMismatch`.
    """

    amount_minor: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if isinstance(self.amount_minor, bool) or not isinstance(self.amount_minor, int):
            raise InvalidMoney(f"minor units are whole numbers, not {type(self.amount_minor).__name__}")
        currency = self.currency.upper()
        if currency not in EXPONENTS:
            raise InvalidMoney(f"unknown currency {self.currency!r}")
        object.__setattr__(self, "currency", currency)

    @classmethod
    def from_yuan(cls, amount: Decimal | int | str) -> Money:
        """`amount` yuan. Raises `InvalidMoney` for fractions of a 分, floats and what is no number."""
        return cls.from_major(amount, "CNY")

    @classmethod
    def from_major(cls, amount: Decimal | int | str, currency: str) -> Money:
        """`amount` in the main unit of `currency`. Raises `InvalidMoney`, parts of the minor unit too."""
        zero = cls(0, currency)
        minor = _exact(amount).scaleb(EXPONENTS[zero.currency])
        if minor != minor.to_integral_value():
            raise InvalidMoney(f"{amount} {zero.currency} has a fraction of the smallest unit")
        return cls(int(minor), zero.currency)

    @property
    def major(self) -> Decimal:
        """The amount in the currency's main unit, with all its decimal places."""
        return Decimal(self.amount_minor).scaleb(-EXPONENTS[self.currency])

    @property
    def yuan(self) -> Decimal:
        """The amount in yuan. Raises `InvalidMoney` for another currency."""
        if self.currency != "CNY":
            raise InvalidMoney(f"{self.currency} is not counted in yuan")
        return self.major

    def as_json(self) -> dict[str, int | str]:
        """`{"amount_minor": 1200000, "currency": "CNY"}`."""
        return {"amount_minor": self.amount_minor, "currency": self.currency}

    def _same(self, other: Money) -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)
        return other.amount_minor

    def __add__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        if not isinstance(other, Money):
            return NotImplemented
        return Money(self.amount_minor - self._same(other), self.currency)

    def __mul__(self, times: int) -> Money:
        if isinstance(times, bool) or not isinstance(times, int):
            return NotImplemented
        return Money(self.amount_minor * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.amount_minor, self.currency)

    def __bool__(self) -> bool:
        return self.amount_minor != 0

    def __lt__(self, other: Money) -> bool:
        return self.amount_minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount_minor <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount_minor > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount_minor >= self._same(other)

    def __str__(self) -> str:
        return f"{self.major} {self.currency}"


def share(money: Money, rate_percent: Decimal) -> Money:
    """`rate_percent` per cent of `money`, rounded half up to the minor unit (分).

    Raises `InvalidMoney` for a rate that is a float or no number.
    """
    minor = Decimal(money.amount_minor) * _exact(rate_percent) / 100
    return Money(int(minor.to_integral_value(ROUND_HALF_UP)), money.currency)


def total(amounts: list[Money], currency: str = "CNY") -> Money:
    """The sum of `amounts`, zero in `currency` if there are none. Raises `CurrencyMismatch`."""
    return sum(amounts, Money(0, currency))
