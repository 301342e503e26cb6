"""What people write in cells becomes a value or a clear refusal; unknown and known-to-be-none stay apart."""

import datetime as dt
import re
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel, force_locale
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core import convert
from marketplace.core.convert import KNOWN_NONE, UNKNOWN, InvalidValue
from marketplace.core.identifiers import PatentNumber, PublicationNumber

PLEDGED = {
    "no": ("否", "未质押", "none", "无", "false"),
    "with_consent": ("已同意", "质押权人已同意"),
    "without_consent": ("未同意",),
}
CONVERTERS: dict[str, convert.Converter] = {
    "text": convert.text(50),
    "lines": convert.text(50, lines=True),
    "code": convert.code(r"[0-9A-Z-]{4,32}"),
    "date": convert.date(),
    "yuan": convert.yuan(),
    "rate": convert.rate(),
    "integer": convert.integer(),
    "choice": convert.choice(PLEDGED),
    "boolean": convert.boolean(),
    "patent_number": convert.patent_number(),
    "publication_number": convert.publication_number(),
    "credit_code": convert.credit_code(),
    "classification": convert.classification(),
    "region": convert.region(),
    "listing": convert.listing(convert.classification()),
}
CELLS = st.one_of(
    st.text(max_size=40),
    st.text("0123456789.,-/%万亿年月日¥ \tEe+", max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.just(dt.UTC)),
    st.decimals(),
    st.times(),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def refusal(converter: convert.Converter, cell: object) -> str:
    with pytest.raises(InvalidValue) as caught:
        converter(cell)
    assert caught.value.reason
    return caught.value.code


@pytest.mark.parametrize("name", CONVERTERS)
@given(cell=CELLS)
def test_any_cell_is_read_or_refused_with_a_sentence(name: str, cell: object) -> None:
    try:
        CONVERTERS[name](cell)
    except InvalidValue as error:
        sentence = error.reason
    else:
        sentence = "fine"
    assert sentence


@pytest.mark.parametrize("name", CONVERTERS)
@pytest.mark.parametrize("cell", [None, "", "  ", "\u3000", "-", "—", "/", "NULL", float("nan")])
def test_an_empty_cell_is_unknown(name: str, cell: object) -> None:
    if isinstance(cell, float):
        assert refusal(CONVERTERS[name], cell) == "cell-type"
    else:
        assert CONVERTERS[name](cell) is None


def test_unknown_and_known_none_are_told_apart_where_it_matters() -> None:
    exclusive_until = convert.date(empty=UNKNOWN, none=KNOWN_NONE)
    assert exclusive_until("") is UNKNOWN
    assert exclusive_until(None) is UNKNOWN
    assert exclusive_until("无") is KNOWN_NONE
    assert exclusive_until(" None ") is KNOWN_NONE
    assert exclusive_until("2026-01-31") == dt.date(2026, 1, 31)
    assert convert.date()("无") is None
    hindrance = convert.text(200, none=KNOWN_NONE)
    assert hindrance("无") is KNOWN_NONE
    assert hindrance("无锡的仓库被查封") == "无锡的仓库被查封"
    pledged = CONVERTERS["choice"]
    assert pledged("无") == pledged("否") == pledged(False) == "no"
    assert pledged("") is None
    assert refusal(pledged, "是") == "choice"  # pledged, but with or without consent?
    assert convert.listing(convert.text(9))("无") == ()


@pytest.mark.parametrize("name", CONVERTERS)
def test_a_spreadsheet_error_is_never_taken_for_an_empty_cell(name: str) -> None:
    assert refusal(CONVERTERS[name], "#DIV/0!") == "spreadsheet-error"
    assert refusal(CONVERTERS[name], " #n/a ") == "spreadsheet-error"


@pytest.mark.parametrize(
    "cell",
    [
        "2019-07-12",
        "2019-7-12",
        "2019/7/12",
        "2019/07/12",
        "2019.07.12",
        "2019年7月12日",
        "2019年07月12",
        "２０１９／７／１２",
        "20190712",
        "2019 - 07 - 12",
        "43658",
        20190712,
        20190712.0,
        43658,
        43658.0,
        43658.75,
        "2019-07-12 00:00:00",
        "2019/7/12 8:30",
        "2019-07-12T08:30:00",
        "2019-07-11T16:00:00Z",
        dt.date(2019, 7, 12),
        dt.datetime(2019, 7, 12, 23, 59),
        dt.datetime(2019, 7, 11, 16, tzinfo=dt.UTC),
        "2019年7月12号",
        "2019年7月12日星期五",
        "2019年7月12日 (周五)",
        "2019年7月12日 上午 8:30",
        "2019/7/12 下午 12:00:00",
        "二〇一九年七月十二日",
        "二○一九年七月十二日",
        "2019—7—12",
        "2019 7 12",
        "2019.7.12.",
        "'2019-07-12",
        "12-Jul-2019",
        "July 12, 2019",
        "Jul. 12 2019",
    ],
)
def test_a_date_reads_in_every_usual_form(cell: object) -> None:
    assert convert.date()(cell) == dt.date(2019, 7, 12)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("12/07/2019", "date-form"),
        ("19-07-12", "date-form"),
        ("12-Abc-2019", "date-form"),
        ("二〇一九年七月", "date-form"),
        ("二〇一九年十十月二日", "date-impossible"),
        ("二〇一九年二月三十日", "date-impossible"),
        ("2019年7月", "date-form"),
        ("2019-07", "date-form"),
        (2019, "date-form"),
        ("2019-W28-5", "date-form"),
        ("2019-02-29", "date-impossible"),
        ("20191332", "date-impossible"),
        ("0019-07-12", "date-range"),
        (True, "date-form"),
        (dt.time(8, 30), "cell-type"),
        ("next week", "date-form"),
    ],
)
def test_what_is_no_date_says_why(cell: object, code: str) -> None:
    assert refusal(convert.date(), cell) == code


@given(st.dates(dt.date(1954, 10, 4), dt.date(2173, 1, 1)))
def test_day_numbers_and_written_dates_agree(day: dt.date) -> None:
    read = convert.date()
    serial = (day - dt.date(1899, 12, 30)).days
    forms = [day.isoformat(), f"{day:%Y%m%d}", f"{day.year}年{day.month}月{day.day}日", serial, float(serial)]
    assert {read(form) for form in forms} == {day}


@pytest.mark.parametrize(
    ("cell", "fen"),
    [
        ("12000", 1_200_000),
        ("12,000", 1_200_000),
        ("¥12000", 1_200_000),
        ("￥12,000.50", 1_200_050),
        ("1.2万", 1_200_000),
        ("1.2 万元", 1_200_000),
        ("１２０００元", 1_200_000),
        ("人民币12000元整", 1_200_000),
        ("0.3亿", 3_000_000_000),
        ("5千", 500_000),
        ("RMB 12000", 1_200_000),
        ("12000 CNY", 1_200_000),
        ("0", 0),
        ("免费", 0),
        ("无偿", 0),
        (12000, 1_200_000),
        (12000.0, 1_200_000),
        (12000.5, 1_200_050),
        (0.1 + 0.2, 30),
        (Decimal("12000.50"), 1_200_050),
        ("12000.", 1_200_000),
        (".5", 50),
    ],
)
def test_an_amount_reads_in_every_usual_form(cell: object, fen: int) -> None:
    assert convert.yuan()(cell) == fen


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("12,00", "amount-form"),
        ("12.000,50", "amount-form"),
        ("$500", "amount-form"),
        ("1万-2万", "amount-form"),
        ("面议", "amount-form"),
        ("1.2.3", "amount-form"),
        (True, "amount-form"),
        ("-5", "amount-range"),
        (-5.0, "amount-range"),
        ("99999999999999", "amount-range"),
        (1e300, "amount-range"),
        ("0.001", "amount-fraction"),
        (0.005, "amount-fraction"),
        ("0.1234567万", "amount-fraction"),
    ],
)
def test_what_is_no_amount_says_why(cell: object, code: str) -> None:
    assert refusal(convert.yuan(), cell) == code


@given(st.integers(0, 10**14))
def test_an_amount_is_the_same_as_text_number_and_grouped(fen: int) -> None:
    read = convert.yuan()
    yuan = Decimal(fen) / 100
    assert read(str(yuan)) == read(f"{yuan:,.2f}") == read(yuan) == read(f"¥{yuan:f} 元") == fen
    if fen < 10**13:
        assert read(fen / 100) == fen


@pytest.mark.parametrize(
    ("cell", "rate"),
    [
        ("3%", "3"),
        ("3", "3"),
        ("3.5％", "3.5"),
        ("３％", "3"),
        (3, "3"),
        (3.5, "3.5"),
        (20.0, "20"),
        ("0.5", "0.5"),
        ("5‰", "0.5"),
        (Decimal("0.5"), "0.5"),
        (0, "0"),
        ("100%", "100"),
        (" 3 % ", "3"),
        ("2.7500", "2.75"),
    ],
)
def test_a_rate_is_per_cent_in_every_form(cell: object, rate: str) -> None:
    value = convert.rate()(cell)
    assert isinstance(value, Decimal)
    assert str(value) == rate


def test_a_percent_cell_of_a_spreadsheet_is_not_guessed() -> None:
    assert refusal(convert.rate(), 0.03) == "rate-ambiguous"
    assert convert.rate(spreadsheet=False)(0.03) == Decimal("0.03")


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("101", "rate-range"),
        ("-1", "rate-range"),
        (1e9, "rate-range"),
        ("3%%", "rate-form"),
        ("3%‰", "rate-form"),
        ("about 3", "rate-form"),
        (True, "rate-form"),
        ("1.23456", "rate-fraction"),
        ("三", "rate-form"),
    ],
)
def test_what_is_no_rate_says_why(cell: object, code: str) -> None:
    assert refusal(convert.rate(), cell) == code


def test_a_choice_reads_codes_and_synonyms_and_names_what_is_allowed() -> None:
    kind = convert.choice({"utility_model": ("实用新型", "实用新型专利"), "invention": ("发明",)})
    for cell in (
        "utility_model",
        "Utility Model",
        "utility-model",
        "实用新型",
        " 实用新型专利 ",
        "ＵＴＩＬＩＴＹ＿ＭＯＤＥＬ",
    ):
        assert kind(cell) == "utility_model"
    with pytest.raises(InvalidValue) as caught:
        kind("版权")
    assert caught.value.reason == "This is not one of: utility_model, invention."


def test_a_refused_choice_names_the_words_of_the_readers_language(app: Flask) -> None:
    with pytest.raises(InvalidValue) as caught:
        convert.choice({"utility_model": ("实用新型", "实用新型专利"), "invention": ("发明",)})("版权")
    with app.app_context():
        for locale, sentence in (
            ("zh", "只能填写以下之一：实用新型、发明。"),
            ("en", "This is not one of: utility_model, invention."),
        ):
            with force_locale(locale):
                assert caught.value.reason == sentence


def test_yes_and_no_read_in_both_languages() -> None:
    read = convert.boolean()
    assert [read(cell) for cell in ("是", "YES", "true", 1, 1.0, True, "有")] == [True] * 7
    assert [read(cell) for cell in ("否", "no", "False", 0, 0.0, False, "无", "none")] == [False] * 8
    assert refusal(read, "perhaps") == "boolean-form"


def test_numbers_from_spreadsheets_come_as_floats() -> None:
    number = PatentNumber("201810000001")
    read = convert.patent_number()
    digits = number.serial + number.check
    for cell in (
        float(digits),
        int(digits),
        digits,
        f"{digits}.0",
        float(number.serial),
        float(number.canonical),
    ):
        assert read(cell) == number, cell
    assert read("CN102307917B") == PublicationNumber("102307917", "B")
    assert refusal(convert.patent_number(publication=False), "CN102307917B") == "number-characters"
    assert refusal(read, "2.0181E+12") == "number-exponent"
    assert refusal(read, "20181000000") == "number-length"
    assert convert.publication_number()("CN 102307917 B").canonical == "CN102307917B"


def test_a_number_too_long_for_a_spreadsheet_is_refused() -> None:
    account = convert.code(r"[0-9A-Z-]{4,32}")
    assert account("6222 0200 0000 0000 123") == "6222020000000000123"
    assert account(6222020000000000123) == "6222020000000000123"  # JSON keeps every digit
    assert account(310115.0) == "310115"
    assert refusal(account, 6222020000000000123.0) == "digits-lost"
    assert refusal(account, "6.22202E+18") == "digits-lost"
    assert refusal(convert.credit_code(), 911100006000373410.0) == "digits-lost"
    assert refusal(account, "a/b") == "code-form"
    assert account("ａｂ－１２") == "AB-12"
    assert convert.code(r"acct_\w+", upper=False)("acct_1AbC") == "acct_1AbC"


def test_lists_split_at_the_usual_separators() -> None:
    names = convert.listing(convert.text(40))
    assert names("甲大学; 乙公司；丙厂、丁") == ("甲大学", "乙公司", "丙厂", "丁")
    assert names("甲;;乙;") == ("甲", "乙")
    assert names(["甲", None, "乙"]) == ("甲", "乙")
    assert names("甲\r\n乙") == ("甲", "乙")
    codes = convert.listing(convert.credit_code(), gaps=True)
    assert codes("91110000600037341L;;无") == ("91110000600037341L", None, None)
    with pytest.raises(InvalidValue) as caught:
        codes("91110000600037341L;123")
    assert (caught.value.code, caught.value.value) == ("credit-code-length", "123")
    assert CONVERTERS["listing"]("H01M 10/0525;09-03") == ("H01M10/0525", "09-03")


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("310115", "310115"),
        (310115.0, "310115"),
        ("浦东新区", "310115"),
        ("上海市浦东新区", "310115"),
        ("浦东", "310115"),
        ("闸北", "310106"),
        ("上海市", "310000"),
        ("上海", "310000"),
        ("内蒙古自治区", "150000"),
        ("广西壮族自治区", "450000"),
        ("香港特别行政区", "810000"),
        ("江苏省", "320000"),
        ("320500", "320500"),
    ],
)
def test_a_region_reads_as_code_or_name(cell: object, code: str) -> None:
    assert convert.region()(cell) == code


@pytest.mark.parametrize("cell", ["990000", "31011", "某某县", "上海市某区", "160000"])
def test_an_unknown_region_is_refused(cell: str) -> None:
    assert refusal(convert.region(), cell) == "region"


def test_text_keeps_rare_characters_and_loses_invisible_ones() -> None:
    read = convert.text(40)
    assert read(" 上海\u3000\u3000某某\t公司\u200b ") == "上海 某某 公司"
    assert read("𬭎鿏㙍") == "𬭎鿏㙍"
    assert read("\uf92c") == "\uf92c"  # a compatibility character stays what it was
    assert read("a\x00b") == "ab"
    assert read("一\r\n二") == "一 二"
    assert convert.text(40, lines=True)("一 \r\n  二\n") == "一\n二"
    assert read(12.0) == "12"
    assert refusal(read, "x" * 41) == "text-too-long"
    assert refusal(read, "\udce4\udcb8") == "text-encoding"


@given(st.text(max_size=60))
def test_reading_text_twice_changes_nothing_more(text: str) -> None:
    for read in (convert.text(60), convert.text(60, lines=True)):
        with suppress(InvalidValue):
            once = read(text)
            assert read(once) == once


def test_integers_have_limits() -> None:
    read = convert.integer(1, 100)
    assert [read(cell) for cell in ("5", 5, 5.0, "５", "1e2".replace("e2", "00"))] == [5, 5, 5, 5, 100]
    assert refusal(read, "0") == "integer-range"
    assert refusal(read, "5.5") == "integer-form"
    assert refusal(read, True) == "integer-form"


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    core = Path(convert.__file__).parent
    sources = "".join(
        path.read_text("utf-8") for path in sorted(core.parent.rglob("*.py")) if path.parent.name != "web"
    )
    raised = set(
        re.findall(r'(?:InvalidValue|InvalidNumber|TableError|_problem|_one_of)\(\s*"([a-z-]+)"', sources)
    )
    raised |= set(re.findall(r'_one_of\(known, "([a-z-]+)"', sources))
    assert raised == set(convert.MESSAGES)


def test_a_sentence_comes_in_the_readers_language() -> None:
    app = Flask("marketplace", root_path=str(Path(convert.__file__).parents[1]))
    Babel(app, default_locale="zh")

    def sentence() -> Any:
        with pytest.raises(InvalidValue) as caught:
            convert.rate()("many")
        return caught.value.reason

    assert sentence() == "This is not a rate in per cent. Write it like 3%."
    with app.app_context():
        assert sentence() == "这不是百分比，请写成如 3% 的形式。"
