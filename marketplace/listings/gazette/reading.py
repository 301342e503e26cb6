"""What an announced fee and an announced term say, where the words leave no doubt.

The gazette prints both as free text. A figure counts as read only if nothing else in the text could change
it: anything left over, another unit, a condition or a second sum makes the reading uncertain, and then
nothing is guessed.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from marketplace.core import clock


@dataclass(frozen=True)
class Fee:
    """A fee that was read with certainty: form, amount in 分, rate in per cent, and its base."""

    form: str
    minor: int | None = None
    rate: Decimal | None = None
    base: str | None = None


@dataclass(frozen=True)
class Term:
    """A term that was read with certainty. No `ends`: it runs as long as the patent does."""

    starts: dt.date | None = None
    ends: dt.date | None = None


_DIGITS: Final = {
    sign: number
    for number, signs in enumerate(
        ("零〇", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖")
    )
    for sign in signs
}
_UNITS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_GREAT: Final = {"万": 10_000, "萬": 10_000, "亿": 100_000_000}
_NUMERALS: Final = "".join((*_DIGITS, *_UNITS, *_GREAT))
_AMOUNT: Final = re.compile(
    r"(?:人民币|RMB|CNY|¥)*"
    r"(?:(?P<number>[0-9][0-9,]*(?:\.[0-9]+)?)(?P<times>百万|千万|万|萬|亿|千)?"
    rf"|(?P<words>[{_NUMERALS}]+))"
    r"(?:元|圆)(?:整|正)?(?:人民币)?",
    re.IGNORECASE,
)
_SIGNED: Final = re.compile(r"[¥](?P<number>[0-9][0-9,]*(?:\.[0-9]+)?)(?P<times>万)?")
_RATE: Final = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]+)?)%|百分之(?P<words>[0-9.]+|[一二三四五六七八九十]+)"
)
_TIMES: Final = {None: 1, "千": 1000, "万": 10_000, "萬": 10_000, "百万": 10**6, "千万": 10**7, "亿": 10**8}
_LARGEST: Final = 10**14

# Words that make any figure depend on something else.
_CONDITIONS: Final = re.compile(
    r"如果|若|除外|以外|期满后|期内|年内|月内|前[0-9一二三四五六七八九十]|首[0-9一二三四五六七八九十年次]|第[0-9一二三四五六七八九十]"
    r"|不低于|不少于|不超过|不高于|最低|最高|至少|至多|保底|封顶|起步|以上|以下|阶梯|累计"
    r"|协商|面议|商定|另行|浮动|优惠|折|减半|或|可选|择一|任选|美元|USD|欧元|日元|港币|港元"
)
# Words that make a sum one that comes again, which no form of a fixed fee is.
_REPEATED: Final = re.compile(
    r"每年|每一年|/年|元年|逐年|按年(?!结算)|年度|年付|每月|/月|按月(?!结算)|每季|/季|按季(?!度?结算)|分期|分[0-9二两三四五六]+[期次笔]"
    r"|首付|尾款|预付|每[件台套个只吨辆部米升次份]|/[件台套个只吨辆部米升次份]|单件|按件|按量|计件"
)
_ROYALTY_RHYTHM: Final = re.compile(
    r"(?:每年|每一年|按年度?|按季度?|每季度?|每半年|按半年|按月|每月|年度)(?:结算|支付|缴纳|计提)?(?:一次)?"
)
_FREE: Final = re.compile(r"免费|无偿|免收|免除|无需支付|不收取|不收费|零元")
_ENTRY: Final = re.compile(r"入门费|入场费|入门使用费")
_NET_SALES: Final = re.compile(r"净销售额|净销售收入|销售净额")
_PROFIT: Final = re.compile(r"利润")


def plain(text: str) -> str:
    """Half-width signs, no spaces: the text as the readers compare it."""
    text = unicodedata.normalize("NFKC", text).replace("￥", "¥").replace("％", "%")
    return re.sub(r"\s+", "", text)


def read_fee(text: str | None) -> Fee | None:
    """The fee that an announced text states, None where the words leave a doubt."""
    said = plain(text or "")
    if not said or _CONDITIONS.search(said):
        return None
    amounts, rest = _amounts(said)
    rates, rest = _rates(rest)
    if len(set(amounts)) > 1 or len(set(rates)) > 1:
        return None
    if rates:
        rest = _ROYALTY_RHYTHM.sub("", rest)
    if re.search(r"[0-9]", rest) or _REPEATED.search(rest):
        return None
    amount, rate = next(iter(amounts), None), next(iter(rates), None)
    free = bool(_FREE.search(rest)) or amount == 0
    if rate is None:
        if free:
            return Fee("free") if not amount else None
        return Fee("fixed", amount) if amount and not _royalty_words(rest) else None
    base = _base(rest)
    if free or base is None or rate <= 0 or rate > 100:
        return None
    if amount is None:
        if _ENTRY.search(rest):
            return None
        return Fee("royalty_net_sales" if base == "net_sales" else "royalty_profit", None, rate, base)
    return Fee("entry_plus_royalty", amount, rate, base) if _ENTRY.search(rest) else None


def _royalty_words(rest: str) -> bool:
    return "提成" in rest or _base(rest) is not None or _ENTRY.search(rest) is not None


def _base(rest: str) -> str | None:
    """What the rate is a share of; gross sales, which no form knows, and both at once are none."""
    net, profit = _NET_SALES.search(rest), _PROFIT.search(rest)
    if bool(net) == bool(profit):
        return None
    return "net_sales" if net else "profit"


def _amounts(said: str) -> tuple[list[int], str]:
    found: list[int] = []
    doubtful = False

    def take(match: re.Match[str]) -> str:
        nonlocal doubtful
        groups = match.groupdict()
        if groups.get("words"):
            value = _chinese(groups["words"])
            number = None if value is None else Decimal(value)
        else:
            number = Decimal(groups["number"].replace(",", "")) * _TIMES[groups["times"]]
        minor = None if number is None else number * 100
        if minor is None or minor != minor.to_integral_value() or minor > _LARGEST:
            doubtful = True
            return "0"
        found.append(int(minor))
        return ""

    rest = _SIGNED.sub(take, _AMOUNT.sub(take, said))
    return found, rest + ("0" if doubtful else "")


def _rates(said: str) -> tuple[list[Decimal], str]:
    found: list[Decimal] = []

    def take(match: re.Match[str]) -> str:
        words = match["number"] or match["words"]
        if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", words):
            found.append(Decimal(words))
            return ""
        value = _chinese(words)
        if value is None:
            return "0"
        found.append(Decimal(value))
        return ""

    return found, _RATE.sub(take, said)


def _chinese(words: str) -> int | None:
    """A whole number in Chinese numerals, also those of bank notes; None if it is none."""
    total = part = digit = 0
    for sign in words:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign in _UNITS:
            part += (digit or 1) * _UNITS[sign]
            digit = 0
        else:
            if not part + digit:
                return None
            total = (total + part + digit) * _GREAT[sign]
            part = digit = 0
    return total + part + digit


_DAY: Final = r"([0-9]{4})(?:年|-|/|\.)([0-9]{1,2})(?:月|-|/|\.)([0-9]{1,2})日?"
_BETWEEN: Final = re.compile(rf"(?:自|从)?{_DAY}(?:起)?(?:至|到|-|~|—|–|,)+{_DAY}(?:止|为止)?")
_UNTIL: Final = re.compile(
    rf"(?:自)?(?:声明|公告|生效|许可声明|开放许可声明|之日|日|起)*(?:至|到){_DAY}(?:止|为止)?"
)
_YEARS: Final = re.compile(
    r"(?:自|从)(?:本|该)?(?:专利)?(?:开放许可)?(?:声明)?(?:的)?(?:公告|生效)之?日(?:期)?起?(?:算)?"
    r"(?P<number>[0-9]{1,2}|[一二三四五六七八九十]{1,3})(?:个)?年(?:内|止|有效)?"
)
_WHOLE: Final = re.compile(
    r"(?:自(?:声明)?(?:公告|生效)之?日起)?(?:至)?(?:本|该)?专利权?(?:的)?(?:剩余)?"
    r"(?:有效期(?:限)?(?:内|届满(?:之日)?(?:止|为止)?|满|终止)?|届满(?:之日)?(?:止|为止)?|终止(?:之日)?(?:止|为止)?"
    r"|(?:全部|整个)?保护期限?(?:内|届满)?)"
)
_TRIM: Final = re.compile(r"^(?:许可)?期限(?:为|是|:)?|[。;,.]+$")


def read_term(text: str | None, announced_on: dt.date) -> Term | None:
    """The term that an announced text states, None where the words leave a doubt.

    A number of years counts only where the text says that they run from the declaration: a bare "5年" may
    as well be the term of each licence.
    """
    said = _TRIM.sub("", plain(text or ""))
    if match := _BETWEEN.fullmatch(said):
        starts, ends = _date(match.groups()[:3]), _date(match.groups()[3:])
        return Term(starts, ends) if starts and ends and starts <= ends else None
    if match := _UNTIL.fullmatch(said):
        ends = _date(match.groups())
        return Term(announced_on, ends) if ends and ends >= announced_on else None
    if match := _YEARS.fullmatch(said):
        number = match["number"]
        years = int(number) if number.isdecimal() else _chinese(number)
        if not years:
            return None
        return Term(announced_on, clock.add_months(announced_on, 12 * years) - dt.timedelta(days=1))
    return Term() if _WHOLE.fullmatch(said) else None


def _date(parts: tuple[str, ...]) -> dt.date | None:
    try:
        return dt.date(*(int(part) for part in parts))
    except ValueError:
        return None
