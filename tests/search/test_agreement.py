"""Both engines give the same answers: totals, order, scores, facets and highlights."""

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.search import analysis
from marketplace.search.document import FEE_FORMS, KINDS, OWNER_TYPES
from marketplace.search.query import SORTS, Widening, parse
from tests.search.conftest import filled
from tests.search.corpus import FIELDS, GAINS, MAKINGS, OFFERS, OWNERS, THINGS, offer

WORDS = (
    [w for pair in (*THINGS, *MAKINGS) for w in pair] + list(GAINS) + list(FIELDS) + [o for o, _ in OWNERS]
)
PIECES = [
    *sorted({p for w in WORDS for p in (*analysis.terms(w), w)}),
    "的",
    "一种",
    "xyz",
    "不存在的词",
    "鋰電池",
    "！",
]

piece = st.sampled_from(PIECES)
text = st.one_of(
    st.lists(piece, min_size=1, max_size=6).map(" ".join),
    st.lists(piece, min_size=1, max_size=6).map("".join),
    st.tuples(piece, piece).map(lambda p: f"{p[0]} -{p[1]}"),
    st.tuples(piece, piece).map(lambda p: f"{p[0]} “{p[1]}”"),
    st.sampled_from(OFFERS).map(lambda o: o.patent_number),
    st.sampled_from(OFFERS).map(lambda o: o.abstract[:80]),
    st.text(max_size=20),
)


def some(values):
    return st.lists(st.sampled_from(values), max_size=2)


params = st.fixed_dictionaries(
    {},
    optional={
        "q": text,
        "ipc": some(["H", "H01", "H01M", "C02F 3/20", "C04B28/00", "09-03", "G01L"]),
        "kind": some(KINDS),
        "district": some(["310104", "310115", "310112", "310101"]),
        "fee_form": some(FEE_FORMS),
        "owner_type": some(OWNER_TYPES),
        "fee_min": st.sampled_from(["0", "1000"]),
        "fee_max": st.sampled_from(["1000", "5000", "100000"]),
        "announced_from": st.sampled_from(["2024-01-01", "2024-01-20"]),
        "announced_to": st.sampled_from(["2024-01-20", "2024-02-15"]),
        "sort": st.sampled_from(list(SORTS)),
        "page": st.sampled_from(["1", "1", "2", "3"]),
        "size": st.sampled_from(["1", "5", "20", "60"]),
    },
)


widening = st.builds(
    Widening,
    st.lists(piece, min_size=1, max_size=2).map(lambda p: tuple(analysis.words(" ".join(p)))),
    st.lists(piece, max_size=3).map(tuple),
    st.lists(st.sampled_from(["H01M", "C02F", "G01L1", "B23"]), max_size=2).map(tuple),
)


@pytest.fixture(scope="module")
def engines(embedded, elasticsearch):
    return filled(embedded), filled(elasticsearch)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(params, st.lists(widening, max_size=2).map(tuple), st.sampled_from([False, False, False, True]))
def test_any_question_has_the_same_answer(engines, asked, widened, relaxed):
    query = dataclasses.replace(parse(asked), widened=widened, relaxed=relaxed)
    one, other = (engine.search("catalogue", query) for engine in engines)
    assert one.total == other.total
    assert one.facets == other.facets
    assert [hit.document for hit in one.items] == [hit.document for hit in other.items]
    assert [hit.highlights for hit in one.items] == [hit.highlights for hit in other.items]
    for here, there in zip(one.items, other.items, strict=True):
        assert here.score == pytest.approx(there.score, abs=0.0011)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(piece, st.floats(0.1, 20).map(lambda w: round(w, 2)), max_size=25),
    st.text(alphabet=sorted({c for w in WORDS for c in analysis.weighty_characters(w)}), max_size=40),
    st.one_of(st.none(), st.sets(st.sampled_from([o.id for o in OFFERS]), max_size=100)),
)
def test_any_weighted_terms_have_the_same_scores(engines, words, characters, ids):
    weights = dict.fromkeys(characters, 0.7)
    one, other = (engine.scores("catalogue", words, weights, ids=ids, size=30) for engine in engines)
    assert len(one) == len(other)
    for here, there in zip(one, other, strict=True):
        assert here.score == pytest.approx(there.score, abs=0.0011, rel=1e-4)
    if all(
        row.score < 50 for row in one
    ):  # above, a third decimal is below what 32-bit floats can tell apart
        assert [row.id for row in one] == [row.id for row in other]


def test_they_agree_after_offers_were_rewritten_and_ended(engines):
    changed = [
        offer(s, version=9, live=s % 3 > 0, title=f"改写的{THINGS[s % 15][0]}") for s in range(0, 400, 7)
    ]
    for engine in engines:
        engine.create("rewritten")
        engine.write("rewritten", OFFERS)
        engine.write("rewritten", changed)
    for word in ("改写", "锂离子电池", "", "污水处理"):
        one, other = (e.search("rewritten", parse({"q": word, "size": "400"})) for e in engines)
        assert one.total == other.total
        assert one.facets == other.facets
        assert {hit.document.id for hit in one.items} == {hit.document.id for hit in other.items}
    for engine in engines:
        engine.drop("rewritten")
