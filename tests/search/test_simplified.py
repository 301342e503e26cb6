"""Our table against OpenCC itself, which reads 26 MB of tables for the same answers."""

import opencc_pyo3
from hypothesis import given
from hypothesis import strategies as st

from marketplace.search import analysis
from marketplace.search.simplified import simplify

convert = opencc_pyo3.OpenCC("t2s").convert
LISTED = tuple(line.split("\t")[0] for line in analysis.lines("simplified.txt"))
SIGNS = tuple(dict.fromkeys("".join(LISTED)))


def test_each_character_and_each_word_of_the_list_is_simplified_as_opencc_does():
    assert [text for text in LISTED if simplify(text) != convert(text)] == []


def test_no_character_that_opencc_simplifies_is_missing():
    signs = [chr(code) for code in range(0x80, 0x32000) if not 0xD800 <= code < 0xE000]
    assert [sign for sign in signs if simplify(sign) != convert(sign)] == []


@given(st.lists(st.sampled_from(LISTED) | st.sampled_from(SIGNS) | st.text(max_size=3)).map("".join))
def test_words_in_a_row_are_simplified_as_opencc_does(text):
    assert simplify(text) == convert(text)
