"""Numbers are read in every usual form, kept in one, and never guessed."""

import csv
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.identifiers import (
    InvalidNumber,
    IpcSymbol,
    LocarnoSymbol,
    PatentNumber,
    PublicationNumber,
    check_digit,
    credit_code,
    parse_classification,
    parse_number,
)

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "patents"
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}

new_serials = st.builds(
    "{:04}{}{:07}".format, st.integers(2003, 2099), st.sampled_from("12389"), st.integers(0, 9_999_999)
)
old_serials = st.builds(
    "{:02}{}{:05}".format,
    st.sampled_from([*range(85, 100), *range(4)]),
    st.sampled_from("12389"),
    st.integers(0, 99_999),
)
serials = new_serials | old_serials


def written_forms(serial: str, check: str) -> list[str]:
    """The forms in which offices, firms and spreadsheets write one number."""
    cut = 4 if len(serial) == 12 else 2
    year, kind, rest = serial[:cut], serial[cut], serial[cut + 1 :]
    plain = [
        f"{serial}.{check}",
        f"{serial}{check}",
        serial,
        f"CN{serial}{check}",
        f"CN {serial}.{check}",
        f"ZL{serial}.{check}",
        f"zl {year} {kind} {rest}.{check.lower()}",
        f"ZL {year}-{kind}-{rest}-{check}",
        f"专利号:ZL{year}{kind}{rest}.{check}",
        f"申请号：{serial}.{check}",
        f"  {serial}.{check}\t",
        f"'{serial}{check}",
        f"ZL.{serial}.{check}",
        f"CN{serial}\u00b7{check}",
    ]
    return plain + [text.translate(FULL_WIDTH) for text in plain]


@given(serials)
def test_every_written_form_reads_as_the_same_number(serial: str) -> None:
    canonical = f"{serial}.{check_digit(serial)}"
    for text in written_forms(serial, check_digit(serial)):
        number = PatentNumber.parse(text)
        assert number.canonical == canonical, text
        for form in (number.display, number.spaced, number.application, str(number)):
            assert PatentNumber.parse(form) == number


@given(serials, st.sampled_from("0123456789X"))
def test_only_the_right_check_digit_passes(serial: str, digit: str) -> None:
    if digit == check_digit(serial):
        assert PatentNumber.parse(f"{serial}.{digit}").check == digit
        return
    with pytest.raises(InvalidNumber) as caught:
        PatentNumber.parse(f"{serial}.{digit}")
    assert caught.value.code == "number-check-digit"
    assert caught.value.parameters == {"given": digit, "expected": check_digit(serial)}


@given(serials, st.data())
def test_one_mistyped_digit_is_always_noticed(serial: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(serial) - 1))
    wrong = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != serial[place]))
    with pytest.raises(InvalidNumber):
        PatentNumber.parse(f"{serial[:place]}{wrong}{serial[place + 1 :]}.{check_digit(serial)}")


@given(serials, st.data())
def test_a_lost_digit_is_never_taken_for_a_missing_check_digit(serial: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(serial) - 1))
    with pytest.raises(InvalidNumber):
        PatentNumber.parse(f"{serial[:place]}{serial[place + 1 :]}.{check_digit(serial)}")


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_in_the_one_way(text: str) -> None:
    for parse in (parse_number, parse_classification, credit_code):
        with suppress(InvalidNumber):
            parse(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "number-empty"),
        ("ZL", "number-empty"),
        ("没有", "number-characters"),
        ("2.0191E+11", "number-exponent"),
        ("20191000001", "number-length"),
        ("201940000001", "number-kind"),
        ("200210000001", "number-year"),
        ("10100001", "number-year"),
        ("102307917", "number-year"),
        ("US10123456B2", "number-foreign"),
        ("ＥＰ 1234567 A1", "number-foreign"),
        ("JP2019-123456", "number-foreign"),
        ("WO2019/123456", "number-foreign"),
        ("PCT/CN2019/123456", "number-foreign"),
        ("KR102019001", "number-foreign"),
        ("CN102307917", "publication-number-letter"),
        ("CN102307917U", "publication-number-letter"),
        ("CN10230791B", "publication-number-form"),
    ],
)
def test_a_number_that_cannot_be_says_why(text: str, code: str) -> None:
    with pytest.raises(InvalidNumber) as caught:
        parse_number(text)
    assert caught.value.code == code


def test_a_number_tells_year_kind_and_its_forms() -> None:
    number = PatentNumber.parse("CN201180037544X")
    assert (number.canonical, number.year, number.kind) == ("201180037544.X", 2011, "invention")
    assert number.national_phase
    assert number.display == "ZL201180037544.X"
    assert number.spaced == "ZL 2011 8 0037544.X"
    old = PatentNumber.parse("98 2 00001")
    assert (old.year, old.kind, old.spaced) == (1998, "utility_model", f"ZL 98 2 00001.{old.check}")
    assert PatentNumber.parse("03 3 00001").year == 2003
    assert PatentNumber.parse("202130000001").kind == "design"
    assert not old.national_phase


@pytest.mark.parametrize(
    "text", ["CN102307917B", "cn 102307917 b", "102307917B", "ＣＮ１０２３０７９１７Ｂ", "CN102307917B2"]
)
def test_a_publication_number_reads_in_every_form(text: str) -> None:
    number = parse_number(text)
    assert isinstance(number, PublicationNumber)
    assert number == PublicationNumber("102307917", "B")
    assert (number.canonical, number.base, number.kind) == ("CN102307917B", "CN102307917", "invention")
    assert number.granted
    assert parse_number(number.display) == number


@pytest.mark.parametrize(
    ("text", "kind", "granted"),
    [
        ("CN106970934A", "invention", False),
        ("CN1234567C", "invention", True),
        ("CN209000001U", "utility_model", True),
        ("CN2123456Y", "utility_model", True),
        ("CN305000001S", "design", True),
        ("CN3123456D", "design", True),
        ("CN85100001A", "invention", False),
        ("CN301090604", "design", True),
        ("CN3469158", "design", True),
        ("CN209000001", "utility_model", True),
    ],
)
def test_a_publication_number_tells_the_kind_of_right(text: str, kind: str, granted: bool) -> None:
    number = PublicationNumber.parse(text)
    assert (number.kind, number.granted) == (kind, granted)


def test_a_credit_code_is_verified() -> None:
    assert credit_code(" 9111 0000 6000 3734 1l ") == "91110000600037341L"
    assert credit_code("９１１１００００６０００３７３４１Ｌ") == "91110000600037341L"
    for text, code in {
        "91110000600037341": "credit-code-length",
        "911100006000373410": "credit-code-check",
        "A1110000600037341L": "credit-code-characters",
        "9111000060003734IL": "credit-code-characters",
        "": "credit-code-length",
    }.items():
        with pytest.raises(InvalidNumber) as caught:
            credit_code(text)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("H01M 10/0525", ("H", "H01", "H01M", "H01M10", "H01M10/0525")),
        ("h01m10/052", ("H", "H01", "H01M", "H01M10", "H01M10/052")),
        ("H01M10/0525(2010.01)I", ("H", "H01", "H01M", "H01M10", "H01M10/0525")),
        ("Ｈ０１Ｍ１０／０５２５", ("H", "H01", "H01M", "H01M10", "H01M10/0525")),
        ("H01M0010052500", ("H", "H01", "H01M", "H01M10", "H01M10/0525")),
        ("A61K0008000000", ("A", "A61", "A61K", "A61K8", "A61K8/00")),
        ("H01M 10", ("H", "H01", "H01M", "H01M10")),
        ("H01M", ("H", "H01", "H01M")),
        ("H01", ("H", "H01")),
        ("h", ("H",)),
    ],
)
def test_an_ipc_symbol_knows_every_place_above_it(text: str, path: tuple[str, ...]) -> None:
    symbol = IpcSymbol.parse(text)
    assert symbol.path() == path
    assert symbol.canonical == path[-1]
    assert IpcSymbol.parse(symbol.display) == symbol


@pytest.mark.parametrize("text", ["", "I01M", "H1", "H01M10/", "H01M10/5", "H01M/05", "01", "Y02E60/10"])
def test_what_is_no_ipc_symbol_is_refused(text: str) -> None:
    with pytest.raises(InvalidNumber) as caught:
        IpcSymbol.parse(text)
    assert caught.value.code == "ipc-form"


def test_designs_carry_locarno_symbols() -> None:
    for text in ("09-03", "9-3", "LOC(12)Cl.09-03", "LOC (12) CL. 09-03", "０９－０３", "09\u201303"):
        symbol = parse_classification(text)
        assert symbol == LocarnoSymbol("09", "03"), text
    assert LocarnoSymbol("09", "03").path() == ("09", "09-03")
    assert LocarnoSymbol.parse("31-00").display == "31-00"
    for text in ("33-01", "00-01", "09", "0903a"):
        with pytest.raises(InvalidNumber) as caught:
            LocarnoSymbol.parse(text)
        assert caught.value.code == "locarno-form"
    assert isinstance(parse_classification("B60R16/023"), IpcSymbol)


@pytest.mark.parametrize(("name", "expected"), [("numbers_2017.tsv", 8_281), ("gazette_2019_07.tsv", 88_368)])
def test_every_number_of_the_real_gazettes_reads(name: str, expected: int) -> None:
    if not (REAL / name).exists():
        pytest.skip(f"the evaluation data ({name}) are not here")
    with (REAL / name).open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        numbers = [
            row[column] for row in rows for column in ("pub_no", "app_no") if row[column] not in ("", "CN")
        ]
    assert len([parse_number(number) for number in numbers]) == expected
