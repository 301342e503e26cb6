import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.core.identifiers import PatentNumber
from marketplace.search import tree
from marketplace.search.query import PARAMETERS, QueryError, SearchQuery, number_keys, parse


def test_nothing_asked_is_the_first_page_of_all_offers():
    assert parse({}) == parse({"q": "  ", "kind": ["", ""], "sort": ""}) == SearchQuery()


def test_repeated_parameters_are_alternatives_each_once():
    query = parse({"kind": ["design", "invention", "design"], "ipc": ["h01m 10/0525", "H01M10/0525", "C"]})
    assert query.kinds == ("design", "invention")
    assert query.ipc == ("H01M10/0525", "C")


@pytest.mark.parametrize(
    ("params", "field", "code"),
    [
        ({"colour": "red"}, "colour", "search-parameter-unknown"),
        ({"Q": "x"}, "Q", "search-parameter-unknown"),
        ({"q": ["a", "b"]}, "q", "search-parameter-repeated"),
        ({"page": ["1", "1"]}, "page", "search-parameter-repeated"),
        ({"kind": "patent"}, "kind", "search-value-unknown"),
        ({"kind": ["design", "patent"]}, "kind", "search-value-unknown"),
        ({"district": "Pudong"}, "district", "search-value-unknown"),
        ({"district": "３１０１０４"}, "district", "search-value-unknown"),
        ({"fee_form": "cheap"}, "fee_form", "search-value-unknown"),
        ({"owner_type": "bank"}, "owner_type", "search-value-unknown"),
        ({"ipc": "Z99"}, "ipc", "search-value-unknown"),
        ({"ipc": "H01M*"}, "ipc", "search-value-unknown"),
        ({"sort": "price"}, "sort", "search-value-unknown"),
        ({"page": "0"}, "page", "search-not-a-count"),
        ({"page": "-1"}, "page", "search-not-a-count"),
        ({"page": "1.5"}, "page", "search-not-a-count"),
        ({"page": "²"}, "page", "search-not-a-count"),
        ({"size": "0"}, "size", "search-not-a-count"),
        ({"fee_max": "-1"}, "fee_max", "search-not-an-amount"),
        ({"fee_max": "NaN"}, "fee_max", "search-not-an-amount"),
        ({"fee_max": "1e9"}, "fee_max", "search-not-an-amount"),
        ({"page": "501"}, "page", "search-too-deep"),
        ({"page": "2", "size": "5001"}, "page", "search-too-deep"),
        ({"size": "10001"}, "page", "search-too-deep"),
        ({"q": "电" * 1001}, "q", "search-too-long"),
    ],
)
def test_what_cannot_be_understood_is_named(params, field, code):
    with pytest.raises(QueryError) as refused:
        parse(params)
    assert (refused.value.field, refused.value.code) == (field, code)
    assert list(refused.value.fields) == [field]


def test_the_deepest_page_is_still_allowed():
    assert parse({"page": "500"}).last == parse({"size": "10000"}).last == 10_000


@given(st.dictionaries(st.sampled_from(sorted(PARAMETERS)), st.one_of(st.text(), st.lists(st.text()))))
def test_any_values_give_a_query_that_can_be_planned_or_a_query_error(params):
    try:
        query = parse(params)
    except QueryError:
        return
    tree.plan(query)


def test_a_fee_is_read_in_yuan_and_kept_in_fen():
    assert parse({"fee_max": "50000"}).fee_max_minor == 5_000_000
    assert parse({"fee_max": "１２,３４５.67"}).fee_max_minor == 1_234_567
    assert parse({"fee_max": "0.019"}).fee_max_minor == 1


def test_quotes_and_minus_signs_are_read_in_every_usual_writing():
    query = parse({"q": '电池 “热失控” "heat pipe" 「气凝胶」 -石墨烯 －graphene A-B'})
    assert query.phrases == ("热失控", "heat pipe", "气凝胶")
    assert query.excluded == ("石墨烯", "graphene")
    assert query.text == "电池 A-B"


def test_a_lone_quote_is_just_a_sign():
    assert parse({"q": '5" 屏幕'}).text == '5" 屏幕'


def serials():
    new = st.tuples(st.integers(2003, 2030), st.sampled_from("12389"), st.integers(0, 9_999_999))
    old = st.tuples(st.integers(85, 99), st.sampled_from("12389"), st.integers(0, 99_999))
    return st.one_of(new.map(lambda p: f"{p[0]}{p[1]}{p[2]:07}"), old.map(lambda p: f"{p[0]}{p[1]}{p[2]:05}"))


@given(
    serials(),
    st.sampled_from(["{0}.{1}", "{0}{1}", "ZL{0}.{1}", "CN{0}{1}", "zl {0}．{1}", " {0} ", "ZL{0}"]),
)
def test_a_patent_number_in_any_form_is_one_look_up(serial, form):
    number = PatentNumber(serial)
    assert number_keys(form.format(serial, number.check)) == (number.canonical,)
    assert parse({"q": form.format(serial, number.check)}).numbers == (number.canonical,)


def test_plain_text_with_digits_is_no_number():
    for text in ("5G基站", "GB/T 19001-2016", "2024年新能源", "3D打印 200微米", "12345"):
        assert parse({"q": text}).numbers == ()


def test_a_number_among_words_stays_text():
    assert parse({"q": "电池 ZL201910000001.9"}).numbers == ()


def test_the_share_of_words_that_must_match_never_falls():
    needed = [tree.minimum_matching(n) for n in range(1, 60)]
    assert needed == sorted(needed)
    assert needed[:5] == [1, 2, 2, 3, 3]
    assert max(needed) == 6
