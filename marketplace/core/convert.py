"""From what people write in a cell to a value, or a clear refusal.

One table of converters serves CSV, XLSX, JSONL and the API. Each function here makes a converter: a
callable that takes a raw cell (text, number, date, bool, None, for lists also a list) and returns a value
or raises `InvalidValue`.

An empty cell, or a lone dash or slash, is unknown and gives `empty` (None unless told otherwise). `none` or
无 is known to be none and gives the argument `none`: leave it out where the difference does not matter, pass
`KNOWN_NONE` where it does. "No exclusive licence" is a fact that clears a bar, "exclusive licence unknown"
is not. A choice that has a code for it (`pledged: no`, `evaluation_report: none`) names 无 among that code's
synonyms instead.
"""

from __future__ import annotations

import datetime as dt
import enum
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from flask_babel import get_locale
from flask_babel import lazy_gettext as _l

from . import clock, identifiers
from .identifiers import InvalidNumber, PatentNumber

Converter = Callable[[Any], Any]


class Mark(enum.Enum):
    """Values that say what is known about a value that is not there."""

    UNKNOWN = "unknown"
    KNOWN_NONE = "none"


UNKNOWN: Final = Mark.UNKNOWN
KNOWN_NONE: Final = Mark.KNOWN_NONE

MESSAGES: Final[dict[str, Any]] = {
    # values
    "required": _l("This must be filled in."),
    "spreadsheet-error": _l("The spreadsheet shows the error %(value)s here instead of a value."),
    "digits-lost": _l(
        "The spreadsheet has shortened this number. Format the column as text and enter it again."
    ),
    "cell-type": _l("A value of this type cannot stand here."),
    "text-too-long": _l("This is %(length)s characters long; %(max)s are possible."),
    "text-encoding": _l("Some characters are damaged. Save the file as UTF-8 and try again."),
    "code-form": _l("This is not a valid code."),
    "recordal-number-form": _l(
        "A recordal number has 4 to 40 letters, digits and hyphens, without brackets or other signs."
    ),
    "date-form": _l("This is not a date. Write it like 2026-01-31."),
    "date-impossible": _l("There is no such day."),
    "date-range": _l("The year must lie between %(first)s and %(last)s."),
    "amount-form": _l("This is not an amount in yuan. Write it like 12000 or 1.2万."),
    "amount-fraction": _l("An amount has at most two decimal places."),
    "amount-range": _l("The amount must not be negative and must be below 10 trillion yuan."),
    "rate-form": _l("This is not a rate in per cent. Write it like 3%%."),
    "rate-ambiguous": _l(
        "%(value)s could mean %(value)s%% or %(percent)s%%. Write it as text with the %% sign."
    ),
    "rate-fraction": _l("A rate has at most four decimal places."),
    "rate-range": _l("A rate lies between 0%% and 100%%."),
    "integer-form": _l("This is not a whole number."),
    "integer-range": _l("The number must lie between %(min)s and %(max)s."),
    "boolean-form": _l("Write yes or no."),
    "choice": _l("This is not one of: %(allowed)s."),
    "instalments-form": _l("Write each instalment as months:yuan, such as 0:30000; 6:20000."),
    "payee-form": _l("Write the payee as account name|bank|account number."),
    "address-form": _l("Give a full web address that begins with https:// or http://."),
    "region": _l("This is not a region code of six digits, a province or a Shanghai district."),
    # numbers and symbols
    "number-empty": _l("The patent number is missing."),
    "number-characters": _l("A patent number has only digits, and perhaps an X at the end."),
    "number-foreign": _l(
        "This is a number of another country or office. Only Chinese patents can be entered here."
    ),
    "number-exponent": _l(
        "The spreadsheet has shortened this number. Format the column as text and enter it again."
    ),
    "number-length": _l(
        "This patent number has %(digits)s digits; it needs 12 or 13 (8 or 9 before October 2003)."
    ),
    "number-year": _l("A patent number cannot begin with the year %(year)s."),
    "number-kind": _l("The digit after the year is %(digit)s; it can only be 1, 2, 3, 8 or 9."),
    "number-check-digit": _l(
        "The last digit is %(given)s but should be %(expected)s: there is a typing error in the number."
    ),
    "publication-number-form": _l("This is not a publication number like CN102307917B."),
    "publication-number-letter": _l("The letter at the end of the publication number is missing or wrong."),
    "credit-code-length": _l("A unified social credit code has 18 characters, this one has %(signs)s."),
    "credit-code-check": _l("The last character does not fit: there is a typing error in the credit code."),
    "credit-code-characters": _l("There is a character here that no unified social credit code can have."),
    "ipc-form": _l("This is not an IPC symbol like H01M 10/0525."),
    "locarno-form": _l("This is not a Locarno class like 09-03."),
    # rows and files
    "row-cells": _l("This row has %(cells)s cells, the header has %(header)s."),
    "row-quotes": _l("A quotation mark is not closed, or there is text behind the closing one."),
    "json-form": _l("This line is not a JSON object."),
    "file-missing": _l("There is no such file."),
    "file-format": _l("The file cannot be read. Use CSV, XLSX or JSONL."),
    "file-password": _l("The file is protected by a password."),
    "file-too-large": _l("The file is too large when unpacked. Split it."),
    "file-empty": _l("The file is empty."),
    "header-missing": _l("No row has the expected column names, such as %(expected)s."),
    "columns-missing": _l("These columns are missing: %(columns)s."),
    "column-twice": _l("The column %(column)s occurs twice."),
}


def reason(code: str, parameters: Mapping[str, object] | None = None) -> str:
    """The sentence for `code` in the reader's language, in English outside an application context.

    Raises `KeyError` for a code that is not in `MESSAGES` and for a parameter that is missing.
    """
    return str(MESSAGES[code]) % (parameters or {})


class InvalidValue(ValueError):
    """A cell that is not what its column asks for: stable `code`, `value`, parameters for its sentence."""

    def __init__(self, code: str, value: object, **parameters: object) -> None:
        super().__init__(f"{code}: {value!r}")
        self.code = code
        self.value = value
        self.parameters: dict[str, object] = {"value": value, **parameters}

    @property
    def reason(self) -> str:
        """The sentence that says what is wrong, in the reader's language."""
        return reason(self.code, self.parameters)


# --- cells

_NONE_WORDS: Final = frozenset({"none", "无", "無", "没有"})
_EMPTY_WORDS: Final = frozenset({"", "-", "--", "—", "——", "－", "/", "／", "\\", "null", "nan"})
_SPREADSHEET_ERRORS: Final = frozenset(
    {"#n/a", "#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!", "#spill!", "#calc!"}
)
_SPECIAL: Final = _NONE_WORDS | _EMPTY_WORDS | _SPREADSHEET_ERRORS
_LONGEST_SPECIAL: Final = max(map(len, _SPECIAL))
_DECIMAL_PLACES: Final = 40  # written out, 1e999999 would fill the memory
_EXACT_FLOATS: Final = 10**15  # spreadsheets keep 15 digits


def _cell_text(cell: object) -> str:
    """A cell that is no text, as text: whole numbers without `.0`, dates in ISO form."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not math.isfinite(cell):
            raise InvalidValue("cell-type", cell)
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, Decimal):
        if not cell.is_finite() or abs(cell.adjusted()) > _DECIMAL_PLACES:
            raise InvalidValue("cell-type", cell)
        return str(int(cell)) if cell == cell.to_integral_value() else format(cell, "f")
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()
    if isinstance(cell, str):
        return cell
    raise InvalidValue("cell-type", str(cell))


def _half_width(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _scalar(read: Callable[[str], Any], *, empty: object, none: object) -> Callable[[object], Any]:
    """A converter that deals with empty, none and spreadsheet errors; `read` gets the rest, stripped.

    Equal texts are read once: dates, classes and codes repeat over and over in a file.
    """

    @lru_cache(maxsize=4096)
    def from_text(text: str) -> Any:
        stripped = text.strip()
        if len(stripped) <= _LONGEST_SPECIAL and (word := stripped.lower()) in _SPECIAL:
            return _special(word, text, empty=empty, none=none)
        return read(stripped)

    def convert(cell: object) -> Any:
        return from_text(cell if type(cell) is str else _cell_text(cell))

    return convert


def _special(word: str, text: str, *, empty: object, none: object) -> Any:
    if word in _NONE_WORDS:
        return none
    if word in _EMPTY_WORDS:
        return empty
    raise InvalidValue("spreadsheet-error", text)


# --- text

_INVISIBLE: Final = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u2060\ufeff]"
)
_DAMAGED: Final = re.compile("[\ud800-\udfff]")
_SPACES: Final = re.compile(r"\s+")
_SPACES_IN_LINE: Final = re.compile(r"[^\S\n]+")


def text(maximum: int, *, lines: bool = False, empty: object = None, none: object = None) -> Converter:
    """Text of at most `maximum` characters; runs of space become one, invisible signs go, rare ones stay.

    With `lines`, line breaks are kept. Codes: text-too-long, text-encoding, spreadsheet-error, cell-type.
    """

    def convert(cell: object) -> Any:
        value = cell if type(cell) is str else _cell_text(cell)
        value = value.strip() if value.isprintable() and "  " not in value else tidy(value)
        if len(value) <= _LONGEST_SPECIAL and (word := value.lower()) in _SPECIAL:
            return _special(word, value, empty=empty, none=none)
        if len(value) > maximum:
            raise InvalidValue("text-too-long", value, length=len(value), max=maximum)
        return value

    def tidy(value: str) -> str:
        if _DAMAGED.search(value):
            raise InvalidValue("text-encoding", value.encode("utf-8", "replace").decode())
        value = _INVISIBLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
        if lines:
            return "\n".join(line.strip() for line in _SPACES_IN_LINE.sub(" ", value).split("\n")).strip()
        return _SPACES.sub(" ", value).strip()

    return convert


def code(pattern: str, *, upper: bool = True, empty: object = None, none: object = None) -> Converter:
    """A code that matches the whole `pattern`: half-width, no spaces, in upper case unless `upper` is False.

    Codes: code-form, digits-lost (a spreadsheet keeps only 15 digits of a number), spreadsheet-error.
    """
    form = re.compile(pattern)

    def read(value: str) -> str:
        plain = _SPACES.sub("", _half_width(value))
        plain = plain.upper() if upper else plain
        if _EXPONENT.fullmatch(plain):
            raise InvalidValue("digits-lost", value)
        if not form.fullmatch(plain):
            raise InvalidValue("code-form", value)
        return plain

    return _exact_digits(_scalar(read, empty=empty, none=none))


def recordal_number(*, empty: object = None) -> Converter:
    """CNIPA's number of a recorded licence (备案号), half-width, in upper case and without spaces.

    Codes: recordal-number-form, and those of `code`.
    """
    read = code(r"[A-Z0-9-]{4,40}", empty=empty)

    def convert(cell: object) -> Any:
        try:
            return read(cell)
        except InvalidValue as error:
            if error.code != "code-form":
                raise
            raise InvalidValue("recordal-number-form", error.value) from error

    return convert


_EXPONENT: Final = re.compile(r"\d(\.\d+)?[Ee]\+\d+", re.ASCII)


def _exact_digits(convert: Converter) -> Converter:
    """`convert`, with a refusal of numbers so long that a spreadsheet has lost their last digits."""

    def checked(cell: object) -> Any:
        if isinstance(cell, float) and abs(cell) >= _EXACT_FLOATS:
            raise InvalidValue("digits-lost", _cell_text(cell))
        return convert(cell)

    return checked


# --- dates

_DATE_GAP: Final = r"(?:\s*[-/.、\u2010-\u2015\u2212]\s*|\s+)"
_DATE: Final = re.compile(
    rf"(\d{{4}})(?:\s*年\s*|{_DATE_GAP})(\d{{1,2}})(?:\s*月\s*|{_DATE_GAP})(\d{{1,2}})\s*[日号]?\.?", re.ASCII
)
_ENGLISH_DATE: Final = re.compile(
    r"(?:(?P<day>\d{1,2})[-\s](?P<month>[a-z]{3,9})\.?,?[-\s]|(?P<month2>[a-z]{3,9})\.?\s(?P<day2>\d{1,2}),?\s)"
    r"(?P<year>\d{4})",
    re.ASCII | re.IGNORECASE,
)
_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_CHINESE_DATE: Final = re.compile(
    r"([〇○零一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})[日号]"
)
_CHINESE_DIGITS: Final = {sign: value for value, sign in enumerate("〇一二三四五六七八九")} | {
    "○": 0,
    "零": 0,
}
_WEEKDAY: Final = re.compile(r"\s*\(?(?:星期|周)[一二三四五六日天]\)?$")
_COMPACT_DATE: Final = re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII)
_SERIAL_DATE: Final = re.compile(r"(\d{5})(\.\d+)?", re.ASCII)
_TIME_BEHIND: Final = re.compile(
    r"(\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}|\d{4}年\d{1,2}月\d{1,2}日)"
    r"(?:T|\s*)(?:[上下]午\s*)?(?<!\d)\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?"
)
_SERIAL_ZERO: Final = dt.date(
    1899, 12, 30
)  # the day before day 1 of spreadsheets, their false leap day 1900 included
_FIRST_SERIAL: Final = 20_000  # 1954: smaller numbers are years or mistakes
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2200


def date(*, empty: object = None, none: object = None) -> Converter:
    """A legal date: 2019-07-12, 2019/7/12, 2019.07.12, 2019年7月12日, 20190712, a spreadsheet's day number.

    Also 二〇一九年七月十二日, a weekday or time behind it, 12-Jul-2019, July 12, 2019. 7/12/2019 is refused:
    either may be the month. An instant with an offset gives its date in Shanghai.
    Codes: date-form, date-impossible, date-range.
    """

    def read(value: str) -> dt.date:
        plain = _WEEKDAY.sub("", _half_width(value).lstrip("'"))
        match = _DATE.fullmatch(plain) or _COMPACT_DATE.fullmatch(plain)
        if match is None and (timed := _TIME_BEHIND.fullmatch(plain)):
            match = _DATE.fullmatch(timed.group(1))
        if match is not None:
            return _day(value, *map(int, match.groups()))
        if (serial := _SERIAL_DATE.fullmatch(plain)) and int(serial.group(1)) >= _FIRST_SERIAL:
            return _SERIAL_ZERO + dt.timedelta(days=int(serial.group(1)))
        if words := _CHINESE_DATE.fullmatch(plain):
            return _day(value, *map(_chinese_number, words.groups()))
        if (english := _ENGLISH_DATE.fullmatch(plain)) and (month := _month(english)):
            return _day(value, int(english["year"]), month, int(english["day"] or english["day2"]))
        if "T" in plain:
            return _in_shanghai(value, plain)
        raise InvalidValue("date-form", value)

    scalar = _scalar(read, empty=empty, none=none)

    def convert(cell: object) -> Any:
        if isinstance(cell, dt.datetime):
            day = clock.legal_date(cell) if cell.utcoffset() is not None else cell.date()
            return _day(cell, day.year, day.month, day.day)
        if isinstance(cell, dt.date):
            return _day(cell, cell.year, cell.month, cell.day)
        return scalar(cell)

    return convert


def _chinese_number(text: str) -> int:
    """二〇一九 (digit by digit), 七, 十二, 三十一; 0 for what is no number."""
    if "十" not in text:
        digits = [_CHINESE_DIGITS[sign] for sign in text]
        return int("".join(map(str, digits))) if len(digits) in (1, 4) else 0
    tens, _, ones = text.partition("十")
    if len(tens) > 1 or len(ones) > 1 or ones == "十":
        return 0
    return 10 * _CHINESE_DIGITS.get(tens, 1) + _CHINESE_DIGITS.get(ones, 0)


def _month(date: re.Match[str]) -> int:
    """The month of an English date, 0 if it is no month."""
    name = (date["month"] or date["month2"]).lower()
    return next((number for number, month in enumerate(_MONTHS, start=1) if month.startswith(name)), 0)


def _day(value: object, year: int, month: int, day: int) -> dt.date:
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        raise InvalidValue("date-range", str(value), first=_FIRST_YEAR, last=_LAST_YEAR)
    try:
        return dt.date(year, month, day)
    except ValueError as error:
        raise InvalidValue("date-impossible", str(value)) from error


def _in_shanghai(value: str, plain: str) -> dt.date:
    try:
        day = clock.legal_date(clock.parse_instant(plain))
    except (ValueError, OverflowError) as error:
        raise InvalidValue("date-form", value) from error
    return _day(value, day.year, day.month, day.day)


# --- amounts

_NUMBER: Final = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?|[+-]?\.\d+", re.ASCII)
_AMOUNT: Final = re.compile(
    r"(?:人民币|RMB|CNY)?¥?(?P<number>[-+\d.,]+)(?P<times>[万亿千百]?)(?:元整?|圆整?|RMB|CNY|YUAN)?"
)
_TIMES: Final = {"": 1, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_FREE_WORDS: Final = frozenset({"免费", "无偿", "FREE"})
_MINOR_LIMIT: Final = 10**15
_FLOAT_NOISE: Final = Decimal("0.000001")
_FEN: Final = Decimal("0.01")


def _decimal(plain: str) -> Decimal | None:
    """The number in `plain`, None if it is none; commas only between groups of three."""
    return Decimal(plain.replace(",", "")) if _NUMBER.fullmatch(plain) else None


def yuan(*, empty: object = None, none: object = None) -> Converter:
    """An amount written in yuan, as whole 分: 12000, 12,000.50, ¥12000, 1.2万, 1.2万元, 免费 (0).

    Codes: amount-form, amount-fraction, amount-range.
    """

    def read(value: str) -> int:
        plain = _SPACES.sub("", _half_width(value)).upper()
        if plain in _FREE_WORDS:
            return 0
        match = _AMOUNT.fullmatch(plain)
        number = _decimal(match["number"]) if match else None
        if match is None or number is None:
            raise InvalidValue("amount-form", value)
        return _minor(value, number * _TIMES[match["times"]])

    scalar = _scalar(read, empty=empty, none=none)

    def convert(cell: object) -> Any:
        if isinstance(cell, float) and math.isfinite(cell):
            number = Decimal(repr(cell))
            if abs(cell) < _MINOR_LIMIT and abs(number - number.quantize(_FEN)) < _FLOAT_NOISE:
                number = number.quantize(_FEN)  # formulas leave dust behind the 15th digit
            return _minor(cell, number)
        if isinstance(cell, bool):
            raise InvalidValue("amount-form", cell)
        return scalar(cell)

    return convert


def _minor(value: object, number: Decimal) -> int:
    if number < 0 or number.adjusted() > 15 or number * 100 >= _MINOR_LIMIT:
        raise InvalidValue("amount-range", value)
    minor = number * 100
    if minor != minor.to_integral_value():
        raise InvalidValue("amount-fraction", value)
    return int(minor)


def rate(*, spreadsheet: bool = True, empty: object = None, none: object = None) -> Converter:
    """A rate as a `Decimal` in per cent: `3%`, `3`, `3.5％`, `5‰`; at most four decimal places.

    A spreadsheet stores 3 % as the number 0.03 and does not tell it from 0.03 %: a float between 0 and 1 is
    refused unless `spreadsheet` is False, as where the cell comes from JSON. Codes: rate-form,
    rate-ambiguous, rate-fraction, rate-range.
    """

    def read(value: str) -> Decimal:
        plain = _SPACES.sub("", _half_width(value))
        permille = plain.endswith("‰")
        number = _decimal(plain.rstrip("%‰") if plain.count("%") + plain.count("‰") <= 1 else plain)
        if number is None:
            raise InvalidValue("rate-form", value)
        return _per_cent(value, number / 10 if permille else number)

    scalar = _scalar(read, empty=empty, none=none)

    def convert(cell: object) -> Any:
        if isinstance(cell, bool):
            raise InvalidValue("rate-form", cell)
        if isinstance(cell, float) and math.isfinite(cell):
            if spreadsheet and 0 < cell < 1:
                raise InvalidValue("rate-ambiguous", cell, percent=f"{cell * 100:g}")
            return _per_cent(cell, Decimal(f"{cell:.10g}"))
        return scalar(cell)

    return convert


def _per_cent(value: object, number: Decimal) -> Decimal:
    if not 0 <= number <= 100:
        raise InvalidValue("rate-range", value)
    exact = number.quantize(Decimal("0.0001"))
    if exact != number:
        raise InvalidValue("rate-fraction", value)
    return Decimal(f"{exact.normalize():f}")


def integer(
    minimum: int = 0, maximum: int = 2**31 - 1, *, empty: object = None, none: object = None
) -> Converter:
    """A whole number from `minimum` to `maximum`. Codes: integer-form, integer-range."""

    def read(value: str) -> int:
        number = _decimal(_SPACES.sub("", _half_width(value)))
        if number is None or number != number.to_integral_value():
            raise InvalidValue("integer-form", value)
        if not minimum <= number <= maximum:
            raise InvalidValue("integer-range", value, min=minimum, max=maximum)
        return int(number)

    scalar = _scalar(read, empty=empty, none=none)

    def convert(cell: object) -> Any:
        if isinstance(cell, bool):
            raise InvalidValue("integer-form", cell)
        return scalar(cell)

    return convert


# --- choices

_WORD_GAPS: Final = re.compile(r"[\s_\-]+")
_YES_NO: Final = {
    True: ("yes", "y", "true", "1", "是", "有", "对", "√"),
    False: ("no", "n", "false", "0", "否", "无", "無", "没有", "不是", "none", "×"),
}


def _word(text: str) -> str:
    return _WORD_GAPS.sub("", _half_width(text).casefold())


def choice(table: Mapping[str, Sequence[str]], *, empty: object = None, none: object = None) -> Converter:
    """A code of `table`, which maps each code to its synonyms; case, spaces and width do not matter.

    Codes: choice, with the parameter `allowed`: the words in the reader's language.
    """
    known = {_word(name): value for value, names in table.items() for name in (value, *names)}
    return _one_of(known, "choice", {"allowed": _Allowed(table)}, empty=empty, none=none)


class _Allowed:
    """The words of a choice in the language of whoever reads it: codes in English, else the usual words."""

    def __init__(self, table: Mapping[str, Sequence[str]]) -> None:
        self._codes = ", ".join(table)
        self._words = "、".join(names[0] if names else value for value, names in table.items())

    def __str__(self) -> str:
        locale = get_locale()
        return self._words if locale is not None and locale.language == "zh" else self._codes


def boolean(*, empty: object = None) -> Converter:
    """Yes or no: 是/否, yes/no, true/false, 1/0; `none` and 无 are no. Codes: boolean-form."""
    known = {_word(name): value for value, names in _YES_NO.items() for name in names}
    return _one_of(known, "boolean-form", {}, empty=empty, none=False)


def _one_of(
    known: Mapping[str, Any],
    error_code: str,
    parameters: Mapping[str, object],
    *,
    empty: object,
    none: object,
) -> Converter:
    @lru_cache(maxsize=4096)
    def from_text(value: str) -> Any:
        word = _word(value)
        if word in known:
            return known[word]
        stripped = value.strip().lower()
        if stripped in _SPECIAL:
            return _special(stripped, value, empty=empty, none=none)
        raise InvalidValue(error_code, value, **parameters)

    def convert(cell: object) -> Any:
        return from_text(cell if type(cell) is str else _cell_text(cell))

    return convert


# --- numbers and symbols


def _identifier(parse: Callable[[str], Any], *, empty: object, none: object) -> Converter:
    def read(value: str) -> Any:
        try:
            return parse(value)
        except InvalidNumber as error:
            raise InvalidValue(error.code, value, **error.parameters) from error

    return _exact_digits(_scalar(read, empty=empty, none=none))


def patent_number(*, publication: bool = True, empty: object = None, none: object = None) -> Converter:
    """A `PatentNumber`, or with `publication` also a `PublicationNumber`. Codes: those of `identifiers`."""
    parse = identifiers.parse_number if publication else PatentNumber.parse
    return _identifier(parse, empty=empty, none=none)


def publication_number(*, empty: object = None, none: object = None) -> Converter:
    """A `PublicationNumber`. Codes: publication-number-form, publication-number-letter."""
    return _identifier(identifiers.PublicationNumber.parse, empty=empty, none=none)


def credit_code(*, empty: object = None, none: object = None) -> Converter:
    """A unified social credit code, 18 signs. Codes: credit-code-length, -check, -characters, digits-lost."""
    return _identifier(identifiers.credit_code, empty=empty, none=none)


def classification(*, empty: object = None, none: object = None) -> Converter:
    """The canonical text of an IPC or Locarno symbol: `H01M10/0525`, `09-03`.

    Codes: ipc-form, locarno-form.
    """
    return _identifier(lambda text: identifiers.parse_classification(text).canonical, empty=empty, none=none)


_PROVINCES: Final = """
11 北京 12 天津 13 河北 14 山西 15 内蒙古 21 辽宁 22 吉林 23 黑龙江 31 上海 32 江苏 33 浙江 34 安徽
35 福建 36 江西 37 山东 41 河南 42 湖北 43 湖南 44 广东 45 广西 46 海南 50 重庆 51 四川 52 贵州
53 云南 54 西藏 61 陕西 62 甘肃 63 青海 64 宁夏 65 新疆 71 台湾 81 香港 82 澳门
"""
# The districts of Shanghai, and where those that were merged away belong now.
_DISTRICTS: Final = """
01 黄浦 04 徐汇 05 长宁 06 静安 07 普陀 09 虹口 10 杨浦 12 闵行 13 宝山 14 嘉定 15 浦东 16 金山
17 松江 18 青浦 20 奉贤 51 崇明 01 卢湾 01 南市 06 闸北 15 南汇
"""
_PROVINCE_TAIL: Final = re.compile("(省|市|(壮族|回族|维吾尔)?自治区|特别行政区)$")
_DISTRICT_TAIL: Final = re.compile("(新区|区|县)$")


def _pairs(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[1::2], words[::2], strict=True))


_PROVINCE_CODES: Final = {name: f"{number}0000" for name, number in _pairs(_PROVINCES).items()}
_DISTRICT_CODES: Final = {name: f"3101{number}" for name, number in _pairs(_DISTRICTS).items()}


def region(*, empty: object = None, none: object = None) -> Converter:
    """A GB/T 2260 code of six digits; provinces and Shanghai's districts may be named. Codes: region."""

    def read(value: str) -> str:
        plain = _SPACES.sub("", _half_width(value))
        if re.fullmatch(r"[1-8]\d{5}", plain, re.ASCII) and f"{plain[:2]}0000" in _PROVINCE_CODES.values():
            return plain
        if province := _PROVINCE_CODES.get(_PROVINCE_TAIL.sub("", plain)):
            return province
        district = _DISTRICT_TAIL.sub("", re.sub("^上海市?", "", plain))
        if found := _DISTRICT_CODES.get(district):
            return found
        raise InvalidValue("region", value)

    return _scalar(read, empty=empty, none=none)


# --- lists

SEPARATORS: Final = ";；、\n"


def listing(
    item: Converter,
    *,
    separators: str = SEPARATORS,
    gaps: bool = False,
    empty: object = None,
    none: object = (),
) -> Converter:
    """A tuple of what `item` reads between `separators`; a JSON list is read item by item.

    Items that are None are left out, unless `gaps` keeps them for lists that run beside another one (the
    codes of the patentees). Codes: those of `item`, with the single item as value.
    """
    cut = re.compile(f"[{re.escape(separators)}]")

    @lru_cache(maxsize=4096)
    def from_text(value: str) -> Any:
        stripped = value.strip()
        if len(stripped) <= _LONGEST_SPECIAL and (word := stripped.lower()) in _SPECIAL:
            return _special(word, value, empty=empty, none=none)
        return from_parts(cut.split(stripped))

    def from_parts(parts: Sequence[object]) -> tuple[Any, ...]:
        if gaps:
            return tuple(item(part) for part in parts)
        return tuple(value for part in parts if (value := item(part)) is not None)

    def convert(cell: object) -> Any:
        if isinstance(cell, list | tuple):
            return from_parts(cell)
        return from_text(cell if type(cell) is str else _cell_text(cell))

    return convert
