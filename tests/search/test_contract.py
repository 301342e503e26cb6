"""What every engine must do, asked of each of them with a real index."""

import dataclasses
import datetime as dt
from collections import Counter

import pytest

from marketplace.search.document import OfferDocument
from marketplace.search.engine import GenerationMissing, SearchEngine
from marketplace.search.query import FACETS, Widening, parse
from tests.search.corpus import OFFERS, offer

LIVE = [o for o in OFFERS if o.live]


def found(engine: SearchEngine, generation: str = "catalogue", **params) -> list[OfferDocument]:
    params = {"size": "400", **params}
    return [hit.document for hit in engine.search(generation, parse(params)).items]


def ids(documents) -> list[str]:
    return [document.id for document in documents]


def test_without_a_question_all_live_offers_come_newest_first_then_by_id(engine):
    expected = sorted(LIVE, key=lambda o: (-o.announced_on.toordinal(), o.id))
    assert ids(found(engine)) == ids(expected)


def test_a_hit_carries_the_whole_document(engine):
    by_id = {o.id: o for o in OFFERS}
    for document in found(engine):
        assert document == by_id[document.id]


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("newest", lambda o: (-o.announced_on.toordinal(), o.id)),
        ("licences", lambda o: (-o.licences, o.id)),
        ("fee", lambda o: (10**12 if o.upfront_minor is None else o.upfront_minor, o.id)),
    ],
)
def test_every_order_is_total_and_its_pages_join_without_gap_or_repeat(engine, sort, key):
    expected = ids(sorted(LIVE, key=key))
    paged = []
    for page in range(1, 100):
        items = engine.search("catalogue", parse({"sort": sort, "page": str(page), "size": "7"})).items
        if not items:
            break
        paged += [hit.document.id for hit in items]
    assert paged == expected


def test_pages_by_relevance_join_without_gap_or_repeat(engine):
    whole = ids(found(engine, q="电池"))
    paged = []
    for page in range(1, len(whole) // 9 + 2):
        paged += ids(found(engine, q="电池", page=str(page), size="9"))
    assert paged == whole
    assert len(set(whole)) == len(whole) > 50


def test_relevance_falls_down_the_list_and_ties_go_by_id(engine):
    items = engine.search("catalogue", parse({"q": "锂离子电池", "size": "400"})).items
    keys = [(-round(hit.score, 3), hit.document.id) for hit in items]
    assert keys == sorted(keys)
    assert items[0].score > 0
    assert "锂离子电池" in items[0].document.title


@pytest.mark.parametrize(
    ("params", "holds"),
    [
        ({"kind": "design"}, lambda o: o.kind == "design"),
        ({"kind": ["design", "invention"]}, lambda o: o.kind != "utility_model"),
        ({"district": ["310104", "310112"]}, lambda o: o.district in ("310104", "310112")),
        (
            {"fee_form": "free", "owner_type": "university"},
            lambda o: o.fee_form == "free" and "university" in o.owner_types,
        ),
        (
            {"owner_type": ["hospital", "individual"]},
            lambda o: {"hospital", "individual"} & set(o.owner_types),
        ),
        ({"ipc": "H"}, lambda o: any(i.startswith("H") for i in o.ipc)),
        ({"ipc": "h01m"}, lambda o: any(i.startswith("H01M") for i in o.ipc)),
        ({"ipc": "H01M 10/0525"}, lambda o: "H01M10/0525" in o.ipc),
        ({"ipc": ["C04", "C02F3"]}, lambda o: any(i.startswith(("C04", "C02F 3/")) for i in o.ipc)),
        ({"ipc": "H01M1"}, lambda o: False),
        ({"ipc": "09"}, lambda o: o.kind == "design"),
        ({"fee_max": "5000"}, lambda o: o.upfront_minor is not None and o.upfront_minor <= 500_000),
        ({"fee_max": "0"}, lambda o: o.fee_form == "free"),
        (
            {"fee_min": "1000.01", "fee_max": "5000"},
            lambda o: o.upfront_minor is not None and 100_001 <= o.upfront_minor <= 500_000,
        ),
        ({"fee_min": "0.01"}, lambda o: o.upfront_minor),
        ({"announced_from": "2024-02-01"}, lambda o: o.announced_on >= dt.date(2024, 2, 1)),
        (
            {"announced_from": "2024-01-15", "announced_to": "2024-01-20"},
            lambda o: dt.date(2024, 1, 15) <= o.announced_on <= dt.date(2024, 1, 20),
        ),
    ],
)
def test_filters_keep_exactly_what_they_say(engine, params, holds):
    expected = {o.id for o in LIVE if holds(o)}
    page = engine.search("catalogue", parse({**params, "size": "400"}))
    assert {hit.document.id for hit in page.items} == expected
    assert page.total == len(expected)


def test_a_fee_limit_keeps_free_offers_and_entry_fees_and_leaves_out_pure_royalties(engine):
    forms = {o.fee_form for o in found(engine, fee_max="1000000")}
    assert forms == {"free", "fixed", "entry_plus_royalty"}


def test_facets_count_live_offers_most_frequent_first(engine):
    facets = engine.search("catalogue", parse({})).facets
    assert set(facets) == {facet.name for facet in FACETS}
    expected = Counter(o.kind for o in LIVE)
    assert [(f.value, f.count) for f in facets["kind"]] == sorted(
        expected.items(), key=lambda p: (-p[1], p[0])
    )
    assert {f.value: f.count for f in facets["owner_type"]} == Counter(t for o in LIVE for t in o.owner_types)
    assert {f.value: f.count for f in facets["district"]} == Counter(o.district for o in LIVE if o.district)
    sections = Counter(s for o in LIVE for s in o.ipc_sections)
    assert {f.value: f.count for f in facets["ipc_section"]} == sections


def test_a_facet_keeps_counting_the_values_that_were_not_chosen(engine):
    query = parse({"kind": "design", "fee_form": "free", "ipc": "09"})
    facets = engine.search("catalogue", query).facets
    free = [o for o in LIVE if o.fee_form == "free" and "09-03" in o.ipc]
    assert {f.value: f.count for f in facets["kind"]} == Counter(o.kind for o in free)
    designs = [o for o in LIVE if o.kind == "design"]
    assert {f.value: f.count for f in facets["fee_form"]} == Counter(o.fee_form for o in designs)
    chosen = [o for o in designs if o.fee_form == "free"]
    assert {f.value: f.count for f in facets["district"]} == Counter(o.district for o in chosen if o.district)
    assert facets["ipc_class"] == ()


def test_months_are_counted_in_their_order_whatever_days_are_chosen(engine):
    whole = Counter(f"{o.announced_on:%Y-%m}" for o in LIVE)
    for params in ({}, {"announced_from": "2024-02-10"}):
        facets = engine.search("catalogue", parse(params)).facets
        assert [(f.value, f.count) for f in facets["announced_month"]] == sorted(whole.items())
    narrowed = engine.search("catalogue", parse({"announced_from": "2024-02-10"})).facets["kind"]
    assert sum(f.count for f in narrowed) == sum(o.announced_on >= dt.date(2024, 2, 10) for o in LIVE)


def test_a_patent_is_found_by_its_number_in_every_usual_form(engine):
    wanted = LIVE[5]
    plain, check = wanted.patent_number.split(".")
    forms = (
        wanted.patent_number,
        f"ZL{plain}{check}",
        f"ZL {plain[:4]} {plain[4]} {plain[5:]}.{check}",
        f"CN{plain}",
        "".join(chr(ord(c) + 0xFEE0) for c in wanted.patent_number),
        f"zl{plain}．{check}",
        plain,
        f"专利号：ZL{wanted.patent_number}",
        wanted.declaration_number,
    )
    for form in forms:
        assert ids(found(engine, q=form)) == [wanted.id], form


def test_a_publication_number_finds_the_patent_with_and_without_its_letter(engine):
    wanted = next(o for o in LIVE if o.publication_number)
    digits = wanted.publication_number[2:-1]
    for form in (
        f"CN{digits}B",
        f"CN {digits} A",
        f"cn{digits}",
        digits,
        f"公告号CN{digits}B".removeprefix("公告号"),
    ):
        assert ids(found(engine, q=form)) == [wanted.id], form


def test_a_list_of_numbers_finds_each_of_them(engine):
    one, other = LIVE[3], LIVE[8]
    for text in (
        f"ZL{one.patent_number}；{other.patent_number}",
        f"ZL{one.patent_number} ZL{other.patent_number}",
    ):
        assert set(ids(found(engine, q=text))) == {one.id, other.id}


def test_a_number_with_a_wrong_check_digit_finds_nothing(engine):
    plain, check = LIVE[5].patent_number.split(".")
    assert found(engine, q=f"ZL{plain}.{'1' if check != '1' else '2'}") == []


def test_an_ended_offer_is_never_found(engine):
    ended = next(o for o in OFFERS if not o.live)
    assert found(engine, q=ended.patent_number) == []
    assert all(o.live for o in found(engine, q=ended.title))


def test_a_symbol_typed_as_text_browses_the_classification(engine):
    assert set(ids(found(engine, q="H01M 10/0525"))) == set(ids(found(engine, ipc="H01M10/0525")))


def test_words_find_traditional_full_width_and_upper_case_writing(engine):
    plain = ids(found(engine, q="锂离子电池 lifepo4"))
    assert plain
    assert ids(found(engine, q="鋰離子電池 ＬｉＦｅＰＯ４")) == plain


def test_owners_are_found_by_their_english_and_their_former_names(engine, generation):
    named = offer(1, owners=("虚构理工大学",), owners_en=("Invented Polytechnic",), formerly=("虚构工学院",))
    engine.write(generation, [named, offer(2, owners=("假想材料研究所",))])
    for q in ("invented polytechnics", "虚构工学院", "“虚构工学院”", "虛構工學院"):
        assert ids(found(engine, generation, q=q)) == [named.id], q
    hit = engine.search(generation, parse({"q": "虚构工学院"})).items[0]
    assert hit.highlights["formerly"] == "<mark>虚构工学院</mark>"


def test_english_is_found_by_its_stems(engine):
    assert ids(found(engine, q="battery preparing")) == ids(found(engine, q="Batteries prepared")) != []


def test_a_part_of_a_hyphenated_name_is_found(engine):
    assert all("CRISPR" in (o.title + o.abstract) for o in found(engine, q="cas9"))
    assert found(engine, q="cas9")


def test_a_word_that_the_segmenter_cuts_otherwise_in_the_text_is_found(engine, generation):
    engine.write(generation, [offer(1, title="一种电池组件", abstract="", problem="", advantage="")])
    assert ids(found(engine, generation, q="组件")) == ["offer-00001"]


def test_a_broader_word_finds_the_narrower_ones_below_it(engine, generation):
    exact, near = offer(1, title="锂电池外壳", abstract=""), offer(2, title="锂离子电池外壳", abstract="")
    engine.write(generation, [exact, near])
    assert ids(found(engine, generation, q="锂电池")) == [exact.id, near.id]


def test_a_phrase_must_stand_word_for_word(engine):
    for phrase in ("避免热失控", "池的制备", "solar panels"):
        expected = {
            o.id
            for o in LIVE
            if any(
                phrase in text
                for text in (o.title, o.title_en, o.abstract, o.abstract_en, o.problem, o.advantage)
            )
        }
        assert set(ids(found(engine, q=f"“{phrase}”"))) == expected != set()


def test_a_phrase_does_not_reach_from_one_field_into_the_next(engine, generation):
    engine.write(
        generation,
        [offer(1, title="甲乙", title_en="gamma", application="丙丁", problem="戊己", abstract="庚辛")],
    )
    for phrase in ("乙 gamma", "丁戊", "辛丙"):
        assert found(engine, generation, q=f'"{phrase}"') == []
    assert found(engine, generation, q='"丙丁"')


def test_an_excluded_word_removes_its_offers(engine):
    every = found(engine, q="电池")
    without = found(engine, q="电池 -太阳能")
    assert 0 < len(without) < len(every)
    assert not any("太阳能" in o.title + o.abstract + o.problem for o in without)


def test_an_excluded_phrase_must_not_stand_word_for_word(engine):
    expected = {o.id for o in found(engine, q="电池") if "电池板的制备" not in o.title + o.abstract}
    assert 0 < len(expected) < len(found(engine, q="电池"))
    assert set(ids(found(engine, q="电池 -“电池板的制备”"))) == expected


def test_another_way_to_say_it_and_the_class_of_its_title_are_found_below_the_word_itself(engine, generation):
    plain = {"abstract": "", "title_en": "", "abstract_en": "", "problem": "", "ipc": ("A61F 2/82",)}
    said = [
        offer(1, title="锂离子电池外壳", **plain),
        offer(2, title="外壳", **plain | {"title_en": "Li-ion battery"}),
    ]
    said.append(offer(3, title="隔膜", **plain | {"ipc": ("H01M 50/40",)}))
    engine.write(generation, [*said, offer(4, title="支架", **plain)])
    plainly = parse({"q": "锂离子电池"})
    widened = dataclasses.replace(
        plainly, widened=(Widening(("锂离子电池",), ("Li-ion battery", "锂电"), ("H01M", "H02J7")),)
    )
    assert [hit.document.id for hit in engine.search(generation, plainly).items] == [said[0].id]
    hits = engine.search(generation, widened).items
    assert [hit.document.id for hit in hits] == ids(said)
    assert hits[1].highlights == {"title_en": "<mark>Li</mark>-<mark>ion</mark> <mark>battery</mark>"}


def test_most_of_the_characters_are_enough_for_a_relaxed_search(engine):
    typed = parse({"q": "锂离字电驰的制备"})
    assert engine.search("catalogue", parse({"q": "“锂离字电驰”"})).total == 0
    page = engine.search("catalogue", dataclasses.replace(typed, relaxed=True))
    assert page.total > 0
    assert "锂离子电池" in page.items[0].document.title
    assert "<mark>锂离</mark>子<mark>电</mark>池" in page.items[0].highlights["title"]


def test_only_exclusions_leave_all_the_others(engine):
    expected = {o.id for o in LIVE if "无人机" not in o.title + o.abstract + o.problem}
    assert set(ids(found(engine, q="-无人机"))) == expected


@pytest.mark.parametrize(
    "q", ["！！！", "😀", "的", "AND OR (", 'title:* "', "C++程序 AND (x", "\\", "a" * 900, "电" * 900]
)
def test_no_text_that_a_reader_may_type_breaks_the_search(engine, q):
    page = engine.search("catalogue", parse({"q": q}))
    assert page.total >= len(page.items)


def test_stop_words_alone_find_them_as_they_stand_newest_first(engine):
    expected = [o for o in LIVE if "一种" in o.title + o.abstract]
    assert ids(found(engine, q="一种")) == ids(
        sorted(expected, key=lambda o: (-o.announced_on.toordinal(), o.id))
    )


def test_signs_alone_find_nothing(engine):
    assert engine.search("catalogue", parse({"q": "！！！"})).total == 0


def test_beyond_the_end_the_page_is_empty_and_the_total_right(engine):
    for params in ({}, {"q": "电池"}, {"sort": "fee"}):
        total = engine.search("catalogue", parse(params)).total
        page = engine.search("catalogue", parse({**params, "page": "500"}))
        assert (page.items, page.total) == ((), total)


def test_matches_are_marked_and_everything_else_is_escaped(engine, generation):
    hostile = offer(4, title="一种<b>电池</b>&“装置”", abstract="", abstract_en="")
    engine.write(generation, [hostile])
    hit = engine.search(generation, parse({"q": "电池"})).items[0]
    assert hit.highlights["title"] == "一种&lt;b&gt;<mark>电池</mark>&lt;/b&gt;&amp;“装置”"
    assert "abstract" not in hit.highlights


def test_an_older_version_never_replaces_a_newer_one(engine, generation):
    engine.write(generation, [offer(1, version=5, title="新的水泥")])
    report = engine.write(generation, [offer(1, version=4, title="旧的玻璃"), offer(2, version=4)])
    assert (report.written, report.stale, report.rejected) == (1, 1, ())
    assert found(engine, generation, q="玻璃") == []
    assert ids(found(engine, generation, q="水泥")) == ["offer-00001"]


def test_an_equal_version_is_written_again_without_a_second_copy(engine, generation):
    for title in ("水泥", "玻璃", "陶瓷"):
        assert engine.write(generation, [offer(1, version=5, title=title, abstract="")]).written == 1
    assert [o.title for o in found(engine, generation)] == ["陶瓷"]


def test_within_one_batch_the_newest_version_of_an_offer_stays(engine, generation):
    report = engine.write(
        generation,
        [
            offer(1, version=2, title="水泥"),
            offer(1, version=3, title="玻璃"),
            offer(1, version=1, title="陶瓷"),
        ],
    )
    assert (report.written, report.stale) == (2, 1)
    assert [o.title for o in found(engine, generation)] == ["玻璃"]


def test_an_offer_that_ended_disappears_and_its_late_news_does_not_bring_it_back(engine, generation):
    engine.write(generation, [offer(1, version=3)])
    engine.write(generation, [offer(1, version=7, live=False, status="withdrawn")])
    engine.write(generation, [offer(1, version=5)])
    assert found(engine, generation) == []
    assert [(s.version, s.live) for s in engine.scan(generation)] == [(7, False)]


def test_a_scan_gives_every_document_with_the_digest_it_was_written_with(engine):
    held = {s.id: s for s in engine.scan("catalogue")}
    assert len(held) == len(OFFERS)
    for written in OFFERS:
        seen = held[written.id]
        assert (seen.version, seen.live, seen.digest) == (written.version, written.live, written.digest)


def test_generations_live_side_by_side(engine, generation):
    engine.write(generation, [offer(1)])
    assert len(found(engine)) == len(LIVE)
    assert ids(found(engine, generation)) == ["offer-00001"]
    engine.create(generation)
    assert ids(found(engine, generation)) == ["offer-00001"]


def test_a_dropped_generation_is_missing_until_it_is_made_again(engine, generation):
    engine.write(generation, [offer(1)])
    assert found(engine, generation)
    engine.drop(generation)
    engine.drop(generation)
    for ask in (lambda: found(engine, generation), lambda: engine.write(generation, [offer(1)])):
        with pytest.raises(GenerationMissing):
            ask()
    engine.create(generation)
    assert found(engine, generation) == []


def test_names_that_reach_outside_are_refused(engine):
    for name in ("../x", "*", "a,b", "_all", ""):
        with pytest.raises(ValueError, match="generation"):
            engine.drop(name)


def test_scores_rank_live_offers_by_the_weights_of_words_and_characters(engine):
    ranked = engine.scores("catalogue", {"减速器": 2.0, "谐波": 1.0}, {"谐": 0.5, "器": 0.5}, size=400)
    by_id = {o.id: o for o in OFFERS}
    assert all(by_id[row.id].live for row in ranked)
    assert "谐波减速器" in by_id[ranked[0].id].title
    keys = [(-round(row.score, 3), row.id) for row in ranked]
    assert keys == sorted(keys)
    pool = [row.id for row in ranked[::3]]
    assert [
        row.id
        for row in engine.scores("catalogue", {"减速器": 2.0, "谐波": 1.0}, {"谐": 0.5, "器": 0.5}, ids=pool)
    ] == pool
    assert engine.scores("catalogue", {"减速器": 2.0}, {}, ids=[]) == ()
    assert engine.scores("catalogue", {}, {}) == ()
    heavier = engine.scores("catalogue", {"减速器": 4.0, "谐波": 2.0}, {"谐": 1.0, "器": 1.0}, size=1)
    assert heavier[0].score == pytest.approx(2 * ranked[0].score, rel=1e-5)


def test_terms_are_counted_as_the_index_stands_at_each_question(engine, generation):
    def battery() -> tuple[int, int, int]:
        counts = engine.frequencies(generation, ["电池"], ["池"])
        return counts.total, counts.words["电池"], counts.characters["池"]

    one, other = (dataclasses.replace(offer(n), title="一种电池", version=1) for n in (1, 2))
    assert battery() == (0, 0, 0)
    engine.write(generation, [one])
    assert battery() == battery() == (1, 1, 1)
    engine.write(generation, [other, dataclasses.replace(one, title="一种泵", abstract="", version=2)])
    assert battery() == (2, 1, 1)


def test_a_healthy_engine_says_so(engine):
    health = engine.health()
    assert (health.name, health.available) == (engine.name, True)


def test_many_documents_are_written_in_one_stream(engine, generation):
    stream = (dataclasses.replace(offer(serial), live=True) for serial in range(1200))
    assert engine.write(generation, stream).written == 1200
    assert engine.search(generation, parse({})).total == 1200
    assert engine.write(generation, iter(())).written == 0
