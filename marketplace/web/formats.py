"""How money, rates, days and numbers are written for readers, in the language of the page."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from flask_babel import get_locale, gettext
from markupsafe import Markup

from marketplace.core.clock import SHANGHAI
from marketplace.core.identifiers import InvalidNumber, PatentNumber, PublicationNumber, parse_classification

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def english() -> bool:
    """Whether the page is in English."""
    locale = get_locale()
    return locale is not None and locale.language == "en"


def money(minor: int | None, currency: str = "CNY") -> str:
    """`¥50,000` or `¥1,409.50`; other currencies by their code; a dash for an unknown sum.

    Args:
        minor: the sum in minor units (分).
    """
    if minor is None:
        return "—"
    amount = Decimal(minor) / 100
    figures = f"{amount:,.2f}" if minor % 100 else f"{amount:,.0f}"
    sign, figures = ("−" if minor < 0 else ""), figures.lstrip("-")
    return f"{sign}¥{figures}" if currency == "CNY" else f"{sign}{currency} {figures}"


def rate(percent: Decimal | str | None) -> str:
    """`3%` or `2.5%`; a dash for an unknown rate. Takes per cent."""
    return "—" if percent is None else f"{Decimal(percent).normalize():f}%"


def fraction(value: float | Decimal | None, digits: int = 1) -> str:
    """A share between 0 and 1 in per cent: `12.5%`; a dash if there is none."""
    return "—" if value is None else f"{float(value):.{digits}%}"


def points(value: float) -> str:
    """A difference of two shares in percentage points: `3.4`, `−1.2`."""
    return f"{value * 100:.1f}".replace("-", "−")


def whole(number: int | None) -> str:
    """A count with separators: `1,284`."""
    return "—" if number is None else f"{number:,}"


def day(value: dt.date | str | None) -> str:
    """A legal date: 2026-11-20, in English 20 Nov 2026; a dash if there is none."""
    if not value:
        return "—"
    date = dt.date.fromisoformat(value) if isinstance(value, str) else value
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year}" if english() else date.isoformat()


def instant(value: dt.datetime | None) -> str:
    """An instant in Shanghai time, to the second; a dash if there is none."""
    if value is None:
        return "—"
    local = value.astimezone(SHANGHAI)
    return f"{day(local.date())} {local:%H:%M:%S}"


def minute(value: dt.datetime | None) -> str:
    """An instant in Shanghai time, to the minute; a dash if there is none."""
    if value is None:
        return "—"
    local = value.astimezone(SHANGHAI)
    return f"{day(local.date())} {local:%H:%M}"


def patent_number(value: Any) -> str:
    """The usual written form of a stored patent or publication number, or of a patent's own number."""
    text = getattr(value, "reference", value) or ""
    for kind in (PatentNumber, PublicationNumber):
        try:
            return kind.parse(text).display
        except InvalidNumber:
            continue
    return str(text) or "—"


def ipc(symbol: str | None) -> str:
    """The usual written form of a classification symbol: `H01M 10/0525`."""
    if not symbol:
        return "—"
    try:
        return parse_classification(symbol).display
    except InvalidNumber:
        return symbol


def wording(thing: Any, name: str) -> Markup | str:
    """A text of a row in the reader's language: `name_en` on English pages where it exists.

    What stays Chinese on an English page is marked with its language.
    """
    chinese = getattr(thing, name) or ""
    if not english():
        return str(chinese)
    translated = getattr(thing, f"{name}_en", None)
    if translated:
        return str(translated)
    return Markup('<span lang="zh-CN">{}</span>').format(chinese) if chinese else ""


def fee(form: str | None, minor: int | None, percent: Decimal | str | None, currency: str = "CNY") -> str:
    """The headline of announced terms: `¥50,000`, `Free`, `3%`, `¥20,000 + 1.5%`."""
    if form == "free" or (form == "fixed" and minor == 0):
        return str(gettext("Free"))
    if form == "fixed":
        return money(minor, currency)
    if form == "entry_plus_royalty":
        return f"{money(minor, currency)} + {rate(percent)}"
    if form in ("royalty_net_sales", "royalty_profit"):
        return rate(percent)
    return "—"


def months_between(first: dt.date, last: dt.date) -> int:
    """Whole months from the first day to the last, both inclusive; days that remain are left out."""
    end = last + dt.timedelta(days=1)
    months = (end.year - first.year) * 12 + end.month - first.month
    return months - (end.day < first.day)


FILTERS = {
    "money": money,
    "points": points,
    "rate": rate,
    "fraction": fraction,
    "whole": whole,
    "day": day,
    "instant": instant,
    "minute": minute,
    "patent_number": patent_number,
    "ipc": ipc,
    "wording": wording,
}
