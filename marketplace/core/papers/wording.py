"""How a Chinese legal paper writes days, instants and sums, and the digest of what it says."""

import hashlib
import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from babel.numbers import format_currency, get_currency_precision

from marketplace.core.clock import SHANGHAI

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")


def aware(instant: datetime) -> datetime:
    """Return the instant unchanged. Raises ValueError without a time zone: legal instants are certain."""
    if instant.tzinfo is None:
        raise ValueError("the instant of a paper needs a time zone")
    return instant


def content_digest(paper: Any) -> str:
    """Return the SHA-256 (hex) of a paper's values (a dataclass), the line printed at its foot.

    The values are written as JSON with sorted keys, without spaces, in UTF-8; instants in UTC. It is not the
    digest of the PDF file, which cannot hold its own.
    """
    values = json.dumps(
        asdict(paper), sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain
    )
    return hashlib.sha256(values.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return aware(value).astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a paper cannot hold {type(value).__name__}")


def day(value: date) -> str:
    """Return the day as 2026年11月24日."""
    return f"{value.year}年{value.month}月{value.day}日"


def instant(value: datetime) -> str:
    """Return the aware instant in Shanghai time, to the second. Raises ValueError for a naive one."""
    local = aware(value).astimezone(SHANGHAI)
    return f"{day(local.date())} {local:%H:%M:%S}（北京时间）"


def sum_of_money(amount_minor: int, currency: str) -> str:
    """Return the sum (minor units, ≥ 0) in figures, renminbi also in words.

    Example: ¥1,409.50（人民币壹仟肆佰零玖元伍角）. Raises ValueError for a negative or too large sum of CNY.
    """
    figures = format_currency(
        Decimal(amount_minor).scaleb(-get_currency_precision(currency)), currency, locale="zh_CN"
    )
    return f"{figures}（人民币{renminbi_in_words(amount_minor)}）" if currency == "CNY" else figures


def renminbi_in_words(fen: int) -> str:
    """Return a sum of 分 (0 to below a thousand billion yuan) in capital numerals.

    Source: 《支付结算办法》 annex 1 (正确填写票据和结算凭证的基本规定). Raises ValueError outside the range.
    """
    if not 0 <= fen < 10**14:
        raise ValueError("the sum is outside what can be written in words")
    yuan, rest = divmod(fen, 100)
    jiao, odd_fen = divmod(rest, 10)
    words = f"{_integer_in_words(yuan)}元" if yuan or not rest else ""
    if jiao:
        words += f"{_DIGITS[jiao]}角"
    elif odd_fen and yuan:
        words += "零"
    return words + (f"{_DIGITS[odd_fen]}分" if odd_fen else "整" if not jiao else "")


def _integer_in_words(number: int) -> str:
    digits = str(number)
    words, gap, group_is_empty = "", False, True
    for place, digit in zip(range(len(digits) - 1, -1, -1), digits, strict=True):
        if digit == "0":
            gap = True
        else:
            words += ("零" if gap and words else "") + _DIGITS[int(digit)] + _PLACES[place % 4]
            gap = group_is_empty = False
        if place % 4 == 0 and not group_is_empty:
            words += _GROUPS[place // 4]
            group_is_empty = True
    return words or _DIGITS[0]
