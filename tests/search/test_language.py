"""What a search makes of words: synonyms, titles of the classification, corrections, completions."""

from __future__ import annotations

import collections.abc
from pathlib import Path

import pytest
from flask import Flask

from marketplace.core import importing
from marketplace.core.actor import OPERATOR_COMMAND, VISITOR
from marketplace.core.errors import Conflict, Invalid, NotFound, Unauthenticated
from marketplace.core.unit_of_work import unit_of_work
from marketplace.search import suggestions, synonyms, titles
from marketplace.search.imports import plain_title
from marketplace.search.language import widen
from marketplace.search.query import Widening, parse
from marketplace.search.services import search
from tests.search.conftest import TITLES


@pytest.fixture
def context(market: Flask) -> collections.abc.Iterator[None]:
    with market.app_context():
        yield


def found(**params: str) -> list[str]:
    return [hit.document.title for hit in search(params).page.items]


def hinted(typed: str) -> list[tuple[str, str]]:
    return [(hint.kind, hint.text) for hint in suggestions.suggest(typed)]


def test_the_list_of_synonyms_holds_no_term_twice_and_nothing_that_cannot_be_searched_for() -> None:
    assert len(synonyms.DEFAULT) >= 80
    keys = [synonyms.key(term) for group in synonyms.DEFAULT for term in group]
    assert all(keys)
    across = [key for group in synonyms.DEFAULT for key in {synonyms.key(term) for term in group}]
    assert sorted(key for key in set(across) if across.count(key) > 1) == []
    for group in synonyms.DEFAULT:
        assert synonyms.read("; ".join(group)) == group


@pytest.mark.usefixtures("context")
class TestWidening:
    def test_other_ways_to_say_it_and_the_class_with_that_title_are_looked_for(self) -> None:
        query = widen(parse({"q": "Li-ion battery 离心泵"}))
        assert [one.words for one in query.widened] == [("li", "ion", "batteri"), ("离心泵",)]
        assert "锂离子电池" in query.widened[0].alternatives
        assert query.widened[1] == Widening(("离心泵",), ("centrifugal pump",), query.widened[1].places)
        assert widen(parse({"q": "电池"})).widened[0].places == ("H01M",)
        assert widen(parse({"q": "g01s 雷达"})).widened[0].places == ("G01S",)

    def test_what_is_asked_word_for_word_stays_as_it_is(self) -> None:
        for params in ({"q": "锂电池", "exact": "1"}, {"q": "“锂电池”"}, {"q": "方法"}):
            assert widen(parse(params)).widened == ()

    def test_the_classification_finds_what_its_title_names_and_no_text_says(self) -> None:
        assert found(q="电池") == [TITLES[0][0], TITLES[2][0]]
        assert found(q="电池", exact="1") == [TITLES[0][0]]
        assert found(q="LiDAR") == [TITLES[3][0]]

    def test_the_operators_list_is_applied_at_once_and_keeps_its_versions(self) -> None:
        assert found(q="水龙") == []
        with unit_of_work(OPERATOR_COMMAND):
            synonyms.put(OPERATOR_COMMAND, "水龙；离心泵送机构")
            synonyms.end(OPERATOR_COMMAND, synonyms.DEFAULT[0])
        with unit_of_work(OPERATOR_COMMAND):
            synonyms.put(OPERATOR_COMMAND, "水龙；激光雷达仪；密封", ["水龙", "离心泵送机构"])
        assert found(q="水龙") == [TITLES[1][0]]
        lines = synonyms.versions()
        assert len(lines) == len(synonyms.DEFAULT) + 2
        assert [line.terms for line in lines if line.until] == [
            list(synonyms.DEFAULT[0]),
            ["水龙", "离心泵送机构"],
        ]

    def test_what_makes_no_group_is_refused(self) -> None:
        for text, code in (("泵", "synonyms-few"), ("！！; 泵", "synonym-unsearchable")):
            with pytest.raises(Invalid) as refused:
                synonyms.read(text)
            assert refused.value.code == code
        with pytest.raises(Conflict), unit_of_work(OPERATOR_COMMAND):
            synonyms.put(OPERATOR_COMMAND, "气凝胶; 凝胶体")
        with pytest.raises(NotFound), unit_of_work(OPERATOR_COMMAND):
            synonyms.end(OPERATOR_COMMAND, ("不在", "其中"))
        with pytest.raises(Unauthenticated), unit_of_work(VISITOR):
            synonyms.put(VISITOR, "泵; 水泵")


@pytest.mark.usefixtures("context")
class TestHelp:
    @pytest.mark.parametrize(
        ("typed", "meant"),
        [
            ("里离子电池", "锂离子电池"),
            ("lilizidianchi", "锂离子电池"),
            ("recycleing", "recycling"),
            ("几光雷达", "激光雷达"),
        ],
    )
    def test_a_slip_is_taken_for_what_it_sounds_or_looks_like(self, typed: str, meant: str) -> None:
        assert suggestions.correct(typed) == meant
        assert search({"q": typed}).did_you_mean in (meant, None)

    def test_what_nothing_has_is_looked_for_by_its_characters_and_says_so(self) -> None:
        result = search({"q": "离芯泵密结"})
        assert (result.relaxed, [hit.document.title for hit in result.page.items]) == (
            "characters",
            [TITLES[1][0]],
        )
        assert result.did_you_mean is None  # 离心泵密结 would find nothing either
        near = search({"q": "zzqqxx", "fee_form": "free"}, lambda text: [3, 99, 1])
        assert (near.relaxed, near.page.total) == ("meaning", 2)
        assert [hit.document.id for hit in near.page.items] == ["3", "1"]
        nothing = search({"q": "zzqqxx"}, lambda text: [])
        assert (nothing.relaxed, nothing.did_you_mean, nothing.page.total) == (None, None, 0)

    def test_a_text_that_finds_more_is_offered_beside_a_few_hits(self) -> None:
        few = search({"q": "里离子电池"})
        assert (few.page.total > 0, few.relaxed, few.did_you_mean) == (True, None, None)  # it finds as many
        assert search({"q": "离心泵"}).did_you_mean is None
        assert suggestions.correct("离心泵密封") is None

    def test_filters_that_leave_nothing_are_told_apart_from_words_that_find_nothing(self) -> None:
        result = search({"q": "离心泵", "fee_form": "fixed"})
        assert (result.page.total, result.without_filters, result.relaxed) == (0, 1, None)


@pytest.mark.usefixtures("context")
class TestSuggestions:
    @pytest.mark.parametrize("typed", ["锂离", "鋰離", "lilizi", "li li zi", "llzdc", "ＬＩＬＩＺＩ"])
    def test_words_are_completed_by_writing_pinyin_and_initials(self, typed: str) -> None:
        assert ("word", "锂离子电池") in hinted(typed)

    def test_owners_are_found_by_all_their_names_and_classes_by_code_and_title(self) -> None:
        for typed in ("虚构科", "xgkj", "invented", "虚构理工"):
            assert hinted(typed) == [("owner", "虚构科技大学")], typed
        assert ("ipc", "H01M") in hinted("h01")
        assert ("ipc", "H01M") in hinted("电池")
        assert hinted("密封 centri") == [("word", "密封 centrifugal")]

    @pytest.mark.parametrize("typed", ["", " ", "\x00", "%", "_", "'", "x" * 100_000, "\ud800", "𠮷"])
    def test_nothing_that_can_be_typed_breaks_it(self, typed: str) -> None:
        assert hinted(typed) == []

    def test_what_has_not_changed_is_not_written_again(self, market: Flask) -> None:
        suggestions.refresh()
        market.extensions.pop("marketplace.search.suggestions")
        assert suggestions.refresh() == 0


@pytest.mark.usefixtures("context")
def test_the_offices_titles_go_before_ours_and_a_repeated_list_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ipc.tsv"
    path.write_text(
        "code\tlevel\ttitle_zh\ttitle_en\n"
        "F04D\tsubclass\t非变容式泵（入F02M（见附注））；涡轮泵\tNON-POSITIVE-DISPLACEMENT PUMPS (F02M)\n"
        "F04D29/00\tmaingroup\t零件、部件或附件\tDetails\n",
        encoding="utf-8",
    )
    first, second = (importing.run("ipc", path, actor=OPERATOR_COMMAND) for _ in range(2))
    assert (first.created, first.rejected, second.unchanged) == (2, 0, 2)
    assert titles.title("F04D") == ("非变容式泵；涡轮泵", "Non-positive-displacement pumps")
    assert titles.title("F04D29") == ("零件、部件或附件", "Details")
    assert titles.title("F04D29/10") is None
    assert "F04D" in titles.places("涡轮")
    assert plain_title("A（b（c）d）e") == "Ae"
