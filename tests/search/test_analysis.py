import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.search import analysis


def test_chinese_is_cut_into_overlapping_words():
    assert analysis.terms("太阳能电池板") == ["太阳", "太阳能", "电池", "电池板"]


def test_our_technical_terms_are_not_split():
    assert {"气凝胶", "锂离子电池", "谐波减速器"} <= set(analysis.terms("气凝胶与锂离子电池和谐波减速器"))


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("鋰離子電池", "锂离子电池"),
        ("ＬｉＦｅＰＯ４", "lifepo4"),
        ("Batteries", "battery"),
        ("㎡", "m2"),
        ("乾燥設備", "干燥设备"),
    ],
)
def test_other_writings_give_the_same_terms(written, plain):
    assert analysis.terms(written) == analysis.terms(plain)
    assert analysis.characters(written) == analysis.characters(plain)


def test_stop_words_are_no_terms_but_stay_among_the_characters():
    assert analysis.terms("一种的方法") == ["方法"]
    assert analysis.characters("一种的方法") == ["一", "种", "的", "方", "法"]
    assert analysis.weighty_characters("一种的方法方") == ["方", "法"]


def test_hyphenated_names_are_found_by_their_parts():
    assert {"crispr", "cas9"} <= set(analysis.terms("CRISPR-Cas9"))


def test_the_longest_words_know_their_parts():
    assert analysis.words("锂离子电池回收") == {
        "锂离子电池": tuple(t for t in analysis.terms("锂离子电池") if t != "锂离子电池"),
        "回收": (),
    }


def test_rare_characters_are_characters():
    assert analysis.characters("𠮷野𫟅") == ["𠮷", "野", "𫟅"]


@given(st.text())
def test_every_term_can_be_joined_by_spaces_and_split_again(text):
    for terms in (analysis.terms(text), analysis.characters(text)):
        assert " ".join(terms).split() == terms
        assert all(0 < len(term) <= 64 for term in terms)


@given(st.text())
def test_the_words_of_a_text_are_among_its_terms(text):
    terms = set(analysis.terms(text))
    for word, parts in analysis.words(text).items():
        assert word in terms
        assert set(parts) <= terms | set(analysis.terms(word))


def test_lone_surrogates_do_no_harm():
    assert analysis.terms("电池\ud800") == ["电池"]


def test_threads_stem_without_disturbing_each_other():
    words = ["batteries", "preparing", "testing", "dissipation", "recycling", "nozzles", "harvesters"]
    expected = [analysis.stem(word) for word in words]
    wrong = []

    def work():
        for _ in range(200):
            analysis.stem.cache_clear()
            if [analysis.stem(word) for word in words] != expected:
                wrong.append(1)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not wrong
