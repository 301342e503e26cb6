import html
import re

from hypothesis import given
from hypothesis import strategies as st

from marketplace.search.highlight import SNIPPET, Highlighter
from marketplace.search.query import SearchQuery


def marked(q: str, text: str, length: int | None = None, phrases: tuple[str, ...] = ()) -> str | None:
    return Highlighter.of(SearchQuery(text=q, phrases=phrases)).text(text, length=length)


def test_overlapping_words_become_one_mark():
    assert marked("太阳能电池板", "一种太阳能电池板。") == "一种<mark>太阳能电池板</mark>。"


def test_the_original_writing_is_kept():
    assert marked("锂电池 m2", "鋰電池，每㎡ 一塊") == "<mark>鋰電池</mark>，每<mark>㎡</mark> 一塊"


def test_english_words_are_marked_by_their_stems():
    assert marked("battery", "Batteries & batterylike") == "<mark>Batteries</mark> &amp; batterylike"


def test_a_phrase_is_marked_where_words_would_not_be():
    assert marked("", "高能量密度", phrases=("能量密",)) == "高<mark>能量密</mark>度"


def test_a_text_without_a_match_gives_nothing():
    assert marked("电池", "水泥") is None
    assert marked("！", "水泥！") is None


def test_a_long_text_is_cut_to_where_most_is_matched():
    text = "电池" + "甲" * 300 + "固态电池与固态电解质" + "乙" * 300
    snippet = marked("固态 电池 电解质", text, SNIPPET)
    assert snippet.startswith("…")
    assert snippet.endswith("…")
    assert "<mark>固态电池</mark>与<mark>固态电解质</mark>" in snippet
    assert len(re.sub("<.*?>", "", snippet)) == SNIPPET + 2


words = st.sampled_from(
    ["电池", "太阳能", "<b>", "&amp;", '"', "'", "batteries", "㎡", "İ", "鋰", "的", " ", "é", "…"]
)


@given(st.lists(words).map("".join), st.lists(words).map("".join), st.one_of(st.none(), st.integers(5, 40)))
def test_without_its_marks_a_highlight_is_the_escaped_text(q, text, length):
    result = marked(q, text, length)
    if result is None:
        return
    plain = html.unescape(re.sub(r"</?mark>", "", result))
    assert "<mark>" in result
    assert not re.search(r"<(?!/?mark>)", result)
    if length is None or len(text) <= length:
        assert plain == text
    else:
        assert plain.removeprefix("…").removesuffix("…") in text
