"""What taxes a licence fee may bear on a day: a table of dated rules, and sums where they can be known.

Sums in minor units (分), rounded half up. The announced fee is taken to include VAT, as it is what is paid.
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import resources
from typing import Final

STATES: Final = ("confirmed", "unconfirmed")
FREE_INCOME_MINOR: Final = 500_000_000  # 5 million yuan a year, Art. 90 of the income tax regulations
YEARS_FOR_RELIEF: Final = 5  # of a non-exclusive licence, 财税〔2015〕116号
# Hong Kong, Macao and Taiwan are outside the mainland's income tax, as foreign payees are.
_OUTSIDE: Final = ("71", "81", "82")


@dataclass(frozen=True)
class Rule:
    """One rule while it holds, both days inclusive; `state` is whether somebody competent confirmed it."""

    code: str
    borne_by: str
    rate_percent: Decimal | None
    valid_from: dt.date
    valid_to: dt.date | None
    state: str
    source: str
    note_zh: str
    note_en: str


@dataclass(frozen=True)
class Tax:
    """A rule on a fee. `amount_minor` is None where it cannot be known, and `unknown` says why as a code."""

    rule: Rule
    amount_minor: int | None
    unknown: str | None = None


@cache
def table() -> tuple[Rule, ...]:
    """Every rule of `data/rules.tsv`.

    Raises:
        ValueError: a row is not as it has to be, or two rows of one code hold on the same day.
    """
    text = resources.files(__package__).joinpath("data/rules.tsv").read_text("utf-8")
    found = tuple(_rule(row) for row in csv.DictReader(text.splitlines(), delimiter="\t"))
    for one in found:
        for other in found:
            if one is not other and one.code == other.code and _overlap(one, other):
                raise ValueError(f"two rules of {one.code} hold on the same day")
    return found


def rules_on(day: dt.date) -> tuple[Rule, ...]:
    """The rules that hold on a legal date, in the order of the table."""
    return tuple(
        one for one in table() if one.valid_from <= day and (one.valid_to is None or day <= one.valid_to)
    )


def abroad(region: str | None) -> bool | None:
    """Whether a payee is outside the mainland, by its region (GB/T 2260); None where that is not known."""
    return None if not region else region.startswith(_OUTSIDE)


def taxes_on(
    fee_minor: int, day: dt.date, *, payee_abroad: bool | None, payee_type: str, years: int | None
) -> list[Tax]:
    """What a fee that is paid on a day may bear.

    Args:
        fee_minor: the fee in 分, with VAT in it.
        day: the legal date of payment.
        payee_abroad: see `abroad`.
        payee_type: type of the payee's organisation; a person's VAT depends on more than is known here.
        years: whole years that the licence runs; None while it is not known.
    """
    found = []
    for rule in rules_on(day):
        match rule.code:
            case "vat" if payee_type == "individual":
                found.append(Tax(rule, None, "individual"))
            case "vat" | "vat_exemption" if payee_abroad:
                found.append(Tax(rule, None, "payee-abroad"))
            case "vat":
                found.append(Tax(rule, _within(fee_minor, rule.rate_percent)))
            case "vat_exemption":
                found.append(Tax(rule, None, "needs-registration"))
            case "stamp":
                found.append(Tax(rule, _share(fee_minor, rule.rate_percent)))
            case "income_relief" if payee_abroad or payee_type == "individual":
                continue
            case "income_relief" if years is not None and years < YEARS_FOR_RELIEF:
                found.append(Tax(rule, None, "licence-too-short"))
            case "income_relief":
                found.append(Tax(rule, None, "costs-unknown"))
            case "withholding" if payee_abroad is None:
                found.append(Tax(rule, None, "seat-unknown"))
            case "withholding" if payee_abroad:
                found.append(Tax(rule, _share(fee_minor, rule.rate_percent)))
    return found


def _within(total: int, rate: Decimal | None) -> int:
    """The tax contained in a total."""
    percent = rate or Decimal(0)
    return int((total * percent / (100 + percent)).quantize(Decimal(1), ROUND_HALF_UP))


def _share(total: int, rate: Decimal | None) -> int:
    return int((total * (rate or Decimal(0)) / 100).quantize(Decimal(1), ROUND_HALF_UP))


def _rule(row: dict[str, str]) -> Rule:
    if row["state"] not in STATES or row["borne_by"] not in ("payee", "payer", "both"):
        raise ValueError(f"state or bearer of {row['code']}")
    return Rule(
        code=row["code"],
        borne_by=row["borne_by"],
        rate_percent=Decimal(row["rate_percent"]) if row["rate_percent"] else None,
        valid_from=dt.date.fromisoformat(row["valid_from"]),
        valid_to=dt.date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        state=row["state"],
        source=row["source"],
        note_zh=row["note_zh"],
        note_en=row["note_en"],
    )


def _overlap(one: Rule, other: Rule) -> bool:
    last = dt.date.max
    return one.valid_from <= (other.valid_to or last) and other.valid_from <= (one.valid_to or last)
