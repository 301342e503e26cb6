"""A search as a tree of a few plain nodes, which each engine compiles into its own language.

Neither engine's query-string parser is used: what a reader types never reaches one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from marketplace.search import analysis
from marketplace.search.document import OfferDocument
from marketplace.search.query import (
    CHOICES,
    SORTS,
    SearchQuery,
    Widening,
    declaration_key,
    number_key,
)

SCHEMA_VERSION: Final = "2"
SIGNATURE: Final = f"{SCHEMA_VERSION}/{analysis.VERSION}"
"""Of schema and analysis. A generation written under another signature must be rebuilt."""


# --- index fields

MARK: Final = "¶"
"""A term at the head of every text field, for which nobody can search.

Lucene counts only documents that have a field, tantivy all of them; with the mark in each the two agree on
document counts and mean lengths, and so on scores."""

WORDS: Final = ("title", "title_en", "abstract", "abstract_en", "needs", "owner_names")
"""Fields of terms, scored. `needs` joins product, application, problem, advantage and items of cost."""

CHARACTERS: Final = ("title_characters", "body_characters")
"""Fields of single characters with positions, for phrases, exclusions, and words cut differently."""

KEYWORDS: Final = (
    "id", "live", "numbers", "ipc_path", "ipc_section", "ipc_class", "kind", "district", "fee_form",
    "owner_types", "announced_month", "by_newest", "by_fee", "by_licences",
)  # fmt: skip
INTEGERS: Final = ("version", "upfront", "announced")

_NO_UPFRONT: Final = 10**17
_FAR: Final = 10**7


_TEXTS: Final = (
    "title", "title_en", "abstract", "abstract_en", "product", "application", "problem", "advantage", "costs",
)  # fmt: skip
_NEEDS: Final = ("product", "application", "problem", "advantage", "costs")
_BODY: Final = ("abstract", "application", "problem", "advantage")


def index_fields(
    document: OfferDocument,
) -> tuple[dict[str, str], dict[str, tuple[str, ...]], dict[str, int]]:
    """The text, keyword and integer fields of a document, as both engines index them.

    Text is terms joined by spaces; a keyword field may have several values or none; `upfront` is in 分 and
    absent where only a royalty is due; `announced` counts days as `date.toordinal`.
    """
    d = document
    normal = {name: analysis.normalise(getattr(d, name)) for name in _TEXTS}
    owners = analysis.normalise(" ".join((*d.owners, *d.owners_en, *d.formerly)))
    needs = " ".join(normal[name] for name in _NEEDS)
    words = (normal["title"], normal["title_en"], normal["abstract"], normal["abstract_en"], needs, owners)
    texts = {
        name: f"{MARK} {' '.join(analysis.normal_terms(text))}"
        for name, text in zip(WORDS, words, strict=True)
    }
    told = (normal[name] for name in ("product", "costs") if normal[name])
    bodies = (*(normal[name] for name in _BODY), owners, normal["abstract_en"], *told)
    for name, parts in zip(CHARACTERS, ((normal["title"], normal["title_en"]), bodies), strict=True):
        texts[name] = " ".join([f"{MARK} {' '.join(analysis.normal_characters(part))}" for part in parts])

    numbers = {
        number_key(number) or declaration_key(number)
        for number in (d.patent_number, d.publication_number)
        if number
    }
    if d.declaration_number:
        numbers.add(declaration_key(d.declaration_number))
    upfront = d.upfront_minor
    keywords: dict[str, tuple[str, ...]] = {
        "id": (d.id,),
        "live": ("true" if d.live else "false",),
        "numbers": tuple(sorted({number for number in numbers if number})),
        "ipc_path": d.ipc_path,
        "ipc_section": d.ipc_sections,
        "ipc_class": d.ipc_classes,
        "kind": (d.kind,),
        "district": (d.district,) if d.district else (),
        "fee_form": (d.fee_form,),
        "owner_types": tuple(sorted(set(d.owner_types))),
        "announced_month": (f"{d.announced_on:%Y-%m}",),
        "by_newest": (f"{_FAR - d.announced_on.toordinal():08}:{d.id}",),
        "by_fee": (f"{_NO_UPFRONT if upfront is None else upfront:018}:{d.id}",),
        "by_licences": (f"{_FAR - d.licences:08}:{d.id}",),
    }
    integers = {"version": d.version, "announced": d.announced_on.toordinal()}
    if upfront is not None:
        integers["upfront"] = upfront
    return texts, keywords, integers


# --- nodes


@dataclass(frozen=True, slots=True)
class Term:
    """Documents with `value` in the text field, scored by BM25 (k1 1.2, b 0.75) times `weight`."""

    field: str
    value: str
    weight: float


@dataclass(frozen=True, slots=True)
class Phrase:
    """Documents with the `words` side by side in the text field, not scored."""

    field: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """Documents with one of the `values` in the keyword field, not scored."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """Documents whose integer field exists and lies from `low` to `high`, both inclusive, not scored."""

    field: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Fixed:
    """What matches `node`, each with the same `score`."""

    node: Node
    score: float


@dataclass(frozen=True, slots=True)
class Best:
    """What matches one of the `nodes`: the best score plus `TIE` times each of the others (dis_max)."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """What matches `minimum` of the `nodes` or more, scores added; `more` may add to the score."""

    nodes: tuple[Node, ...]
    minimum: int
    more: tuple[Node, ...] = ()


Node: TypeAlias = Term | Phrase | Has | Between | Fixed | Best | Sum
TIE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """A query ready to be compiled.

    `scored` is None where nothing is asked in words. `always` and one condition per name in `chosen` must
    hold, none of `excluded` may; a facet leaves out the one in `chosen` that it ignores. `order` is the sort
    field, None for relevance. `nothing` means that nothing can match.
    """

    scored: Node | None
    always: tuple[Node, ...]
    chosen: Mapping[str, Node]
    excluded: tuple[Node, ...]
    order: str | None
    nothing: bool = False


# --- from a query to a plan

LIVE: Final = Has("live", ("true",))

_FIELD_WEIGHTS: Final = {
    "title": 4.0,
    "title_en": 4.0,
    "needs": 1.5,
    "abstract": 1.0,
    "abstract_en": 1.0,
    "owner_names": 1.5,
}
_ENGLISH: Final = frozenset({"title_en", "abstract_en"})
_PART: Final = 0.5
_CHARACTER_WEIGHT: Final = 0.4
_SPLIT_WORD_SCORE: Final = 0.5
_NUMBER_SCORE: Final = 100.0
_ALTERNATIVE: Final = 0.7
_PLACE_SCORE: Final = 0.4
_RELAXED_WEIGHTS: Final = {"title_characters": 4.0, "body_characters": 1.0}
LONGEST_UNIT: Final = 6
"""How many words may mean something together."""

_MOST_TERMS: Final = 48
_MOST_NETS: Final = 16


def plan(query: SearchQuery) -> Plan:
    """The tree of `query`. Only live offers are ever found."""
    always: list[Node] = [LIVE]
    if query.numbers:
        always.append(Has("numbers", query.numbers))
    if query.within:
        always.append(Has("id", query.within))
    if query.fee_min_minor is not None or query.fee_max_minor is not None:
        highest = _NO_UPFRONT if query.fee_max_minor is None else query.fee_max_minor
        always.append(Between("upfront", query.fee_min_minor or 0, highest))
    chosen: dict[str, Node] = {c.parameter: Has(c.field, c.chosen(query)) for c in CHOICES if c.chosen(query)}
    first, last = query.announced_from, query.announced_to
    if first or last:
        low, high = first.toordinal() if first else 0, last.toordinal() if last else _FAR
        chosen["announced"] = Between("announced", low, high)
    nothing = False
    for phrase in query.phrases if not query.relaxed else ():
        node = _phrase(phrase)
        nothing = nothing or node is None
        always += [node] if node else []
    if query.relaxed:
        scored = _relaxed(query)
        nothing = scored is None
    else:
        scored = _scored(query) if query.asks else None
    if query.text and scored is None and not nothing:
        whole = _phrase(query.text)  # nothing but stop words: the text as it stands, which nothing can rank
        nothing = nothing or whole is None
        always += [whole] if whole else []
    order = SORTS[query.sort]
    return Plan(
        scored=scored,
        always=tuple(always),
        chosen=chosen,
        excluded=tuple(node for text in query.excluded if (node := _phrase(text))),
        order="by_newest" if order is None and scored is None else order,
        nothing=nothing,
    )


def minimum_matching(terms: int) -> int:
    """How many of a query's `terms` an offer must have: three in five, but never asked for more than six."""
    return min(-(-terms * 3 // 5), 6)


def _scored(query: SearchQuery) -> Node | None:
    """The ranked part: words in weighted fields, single characters on top; None if there are none."""
    words = dict(list(analysis.words(query.wording).items())[:_MOST_TERMS])
    widened = {one.words: one for one in query.widened}
    nodes: list[Node] = []
    names = tuple(words)
    place = 0
    while place < len(names):
        reach, more = next(
            (
                (size, widened[names[place : place + size]])
                for size in range(min(LONGEST_UNIT, len(names) - place), 0, -1)
                if names[place : place + size] in widened
            ),
            (1, None),
        )
        unit = {word: words[word] for word in names[place : place + reach]}
        nodes.append(_unit(unit, more, net=place < _MOST_NETS))
        place += reach
    signs = [
        Term("title_characters", sign, _CHARACTER_WEIGHT)
        for sign in analysis.weighty_characters(query.wording)[:_MOST_TERMS]
    ]
    asked: list[Node] = [Sum(tuple(nodes), minimum_matching(len(nodes)), tuple(signs))] if nodes else []
    if key := declaration_key(query.text):
        asked.append(Fixed(Has("numbers", (key,)), _NUMBER_SCORE))
    if len(asked) == 1:
        return asked[0]
    return Best(tuple(asked)) if asked else None


def _relaxed(query: SearchQuery) -> Node | None:
    """Two in three of the single characters, in any order, those of the title counting more."""
    signs = [sign for sign in dict.fromkeys(analysis.characters(query.wording)) if sign not in analysis.STOP]
    nodes = tuple(
        Best(tuple(Term(field, sign, weight) for field, weight in _RELAXED_WEIGHTS.items()))
        for sign in signs[:_MOST_TERMS]
    )
    return Sum(nodes, -(-len(nodes) * 2 // 3)) if nodes else None


def _unit(words: Mapping[str, tuple[str, ...]], more: Widening | None, *, net: bool) -> Node:
    """Words that are looked for together, or one of the other ways to find what they mean, for less."""
    found = [_all(words, net=net)]
    if more is not None:
        others = (dict(list(analysis.words(text).items())[:LONGEST_UNIT]) for text in more.alternatives)
        found += [_all(other, weight=_ALTERNATIVE / len(other)) for other in others if other]
        if more.places:
            found.append(Fixed(Has("ipc_path", more.places), _PLACE_SCORE))
    return found[0] if len(found) == 1 else Best(tuple(found))


def _all(words: Mapping[str, tuple[str, ...]], *, weight: float = 1.0, net: bool = False) -> Node:
    nodes = tuple(_word(word, parts, net=net, weight=weight) for word, parts in words.items())
    return nodes[0] if len(nodes) == 1 else Sum(nodes, len(nodes))


def _word(word: str, parts: tuple[str, ...], *, net: bool, weight: float = 1.0) -> Node:
    """A word in any field; instead of it, for less, half of the shorter words in it."""
    found = list(_terms(word, _FIELD_WEIGHTS, weight))
    if net and analysis.is_han(word):
        # The segmenter may have cut the same word otherwise in another context: its characters in a row.
        found += [Fixed(Phrase(field, tuple(word)), _SPLIT_WORD_SCORE) for field in CHARACTERS]
    if parts and weight == 1.0:  # an alternative is meant whole
        inner = tuple(Best(tuple(_terms(part, _FIELD_WEIGHTS, _PART))) for part in parts)
        found.append(Sum(inner, -(-len(inner) // 2)))
    return Best(tuple(found))


def _terms(term: str, fields: Mapping[str, float], weight: float = 1.0) -> Iterable[Node]:
    """`term` in each of the weighted fields that can hold it."""
    for field, field_weight in fields.items():
        if not (field in _ENGLISH and analysis.is_han(term)):
            yield Term(field, term, weight * field_weight)


def _phrase(text: str) -> Node | None:
    signs = tuple(analysis.characters(text))
    if not signs:
        return None
    return Sum(tuple(Phrase(field, signs) for field in CHARACTERS), 1)


# --- matching

_MATCH_WORDS: Final = {"title": 6.0, "title_en": 6.0, "needs": 1.5, "abstract": 1.0, "abstract_en": 1.0}
_MATCH_CHARACTERS: Final = {"title_characters": 6.0, "body_characters": 1.0}


def counting(words: Iterable[str], characters: Iterable[str]) -> tuple[dict[str, Node], dict[str, Node]]:
    """Of each word and each character the tree of the offers that `weighted` would score for it."""
    return (
        {word: Best(tuple(_terms(word, _MATCH_WORDS))) for word in words},
        {sign: Best(tuple(_terms(sign, _MATCH_CHARACTERS))) for sign in characters},
    )


def weighted(words: Mapping[str, float], characters: Mapping[str, float]) -> Node | None:
    """The tree that scores offers by weighted words and single characters; None if there are none."""
    nodes = [Best(tuple(_terms(word, _MATCH_WORDS, weight))) for word, weight in words.items()]
    nodes += [Best(tuple(_terms(sign, _MATCH_CHARACTERS, weight))) for sign, weight in characters.items()]
    return Sum(tuple(nodes), 1) if nodes else None
