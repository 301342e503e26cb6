"""Why an offer fits a need, as things a person can check against both texts.

A reason is a kind and a value, both codes or words from the texts, so that every reader's language can show
them: `term` a word that stands in both; `ipc` the place of the classification that both lie in; `field` the
offer's field of application that the need names; `free`; `fee_within_budget` the price up front in 分;
`royalty` the price form: a share of sales or profit, no fee up front; `district` the region code of both;
`answer` the holder who answered a demand with the offer; `interest` the field that the firm follows;
`own_patent` the number of a patent of the firm's own that the offer is close to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from marketplace.core.identifiers import InvalidNumber, IpcSymbol, parse_classification
from marketplace.listings.models import Offer
from marketplace.search import analysis

from . import generic
from .terms import Need, Weighed

KINDS: Final = (
    "term", "ipc", "field", "free", "fee_within_budget", "royalty", "district", "answer", "interest",
    "own_patent",
)  # fmt: skip
_MOST_TERMS: Final = 6

# What a shared telling word counts, times its rarity: in both titles, in one, in neither.
_BOTH_TITLES, _ONE_TITLE, _BODIES = 1.0, 0.6, 0.18
_STRETCH: Final = 0.5  # three characters or more side by side in both, where words were cut differently
ENOUGH: Final = 0.4
"""From so much evidence on an offer is shown; docs/matching.md has what that keeps and what it leaves out."""
_PARTS: Final = re.compile(r"[、,，;；。/\n]+")
_HAN_RUN: Final = re.compile(f"[{analysis.HAN}]{{2,}}")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an offer is shown: what kind of reason, and the word, symbol, amount in 分 or code."""

    kind: str
    value: str | int

    def as_json(self) -> dict[str, Any]:
        """`{"kind", "value"}`."""
        return {"kind": self.kind, "value": self.value}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the one in need sets: IPC symbols, most to pay up front in 分, and the district preferred."""

    ipc: Sequence[str] = ()
    budget_minor: int | None = None
    district: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """What speaks for an offer: reasons to read, and the evidence that it is about the matter."""

    reasons: tuple[Reason, ...]
    evidence: float

    @property
    def convincing(self) -> bool:
        """Whether the offer may be shown: "no good match" is a right answer too."""
        return self.evidence >= ENOUGH


def case(offer: Offer, need: Need, weighed: Weighed, limits: Limits) -> Case:
    """Every reason for an offer, what it is about before what it costs and where it is.

    A place of the classification or a field of application in common is evidence enough; shared words are by
    their rarity and by where they stand. A generic word is never a reason.
    """
    terms, evidence = _terms(offer, need, weighed)
    places, fields = _places(offer, limits.ipc), _fields(offer, need)
    if places or fields:
        evidence += 1.0
    found = (*terms, *places, *fields)
    return Case(
        (*found, *_price(offer, limits.budget_minor), *_district(offer, limits.district)),
        round(evidence, 6),
    )


def affordable(offer: Offer, budget_minor: int | None) -> bool:
    """Whether what is paid up front is within the budget in 分; free offers and pure royalties always are."""
    return budget_minor is None or (upfront_minor(offer) or 0) <= budget_minor


def upfront_minor(offer: Offer) -> int | None:
    """What a licensee pays to begin, in 分; None where only a royalty is due."""
    if offer.fee_form == "free":
        return 0
    return offer.fee_minor if offer.fee_form in ("fixed", "entry_plus_royalty") else None


def closeness(offer: Offer, ipc: Sequence[str]) -> int:
    """How many steps of the classification the offer shares with one of the symbols: 0, 3 (H01M) or more."""
    place = _shared_place(offer, ipc)
    return 0 if place is None else len(place.path())


def _terms(offer: Offer, need: Need, weighed: Weighed) -> tuple[list[Reason], float]:
    """Telling words of both texts, the most informative first, none within another; their evidence."""
    patent = offer.patent
    title = {term for text in (patent.title, patent.title_en) if text for term in analysis.terms(text)}
    texts = (
        patent.application, patent.problem, patent.advantage, patent.abstract, patent.abstract_en,
    )  # fmt: skip
    of_offer = title | {term for text in texts if text for term in analysis.terms(text)}
    most = generic.COMMON * weighed.total if weighed.total >= generic.ENOUGH else weighed.total
    shared = [
        word
        for word in need.words
        if word in of_offer and generic.is_telling(word) and 0 < weighed.counts.get(word, 0) <= most
    ]
    whole = [word for word in shared if not any(word != other and word in other for other in shared)]
    if not whole:
        stretches = [run for run in _stretches(need.text, patent.title) if len(run) > 2]
        return [Reason("term", run) for run in stretches[:_MOST_TERMS]], _STRETCH if stretches else 0.0
    evidence = 0.0
    for word in whole:
        places = (word in need.in_title) + (word in title)
        evidence += weighed.rarity(word) * (_BODIES, _ONE_TITLE, _BOTH_TITLES)[places]
    whole.sort(key=lambda w: (-round(weighed.rarity(w) * need.words[w], 6), -len(w), w))
    return [Reason("term", need.spelling.get(word, word)) for word in whole[:_MOST_TERMS]], evidence


def _stretches(text: str, title: str) -> list[str]:
    """Characters that stand side by side in both, for words that were cut differently."""
    pairs = set()
    for run in _HAN_RUN.findall(analysis.normalise(text)):
        pairs |= {run[n : n + 2] for n in range(len(run) - 1)}
    found = []
    for run in _HAN_RUN.findall(analysis.normalise(title)):
        stretch = ""
        for n in range(len(run) - 1):
            pair = run[n : n + 2]
            common = pair in analysis.STOP or generic.is_generic(pair) or set(pair) & analysis.STOP
            if pair in pairs and not common:
                stretch = stretch + pair[-1] if stretch else pair
            elif stretch:
                found.append(stretch)
                stretch = ""
        if stretch:
            found.append(stretch)
    return found


def _shared_place(offer: Offer, ipc: Sequence[str]) -> IpcSymbol | None:
    """The deepest place, a subclass at least, that one of the offer's symbols shares with one of these."""
    best: IpcSymbol | None = None
    mine = {step for symbol in ipc for step in _path(symbol)}
    for item in offer.patent.classes:
        for step in _path(item.symbol):
            if step in mine:
                place = IpcSymbol.parse(step)
                if place.subclass and (best is None or len(place.path()) > len(best.path())):
                    best = place
    return best


def _path(symbol: str) -> tuple[str, ...]:
    try:
        parsed = parse_classification(symbol)
    except InvalidNumber:
        return ()
    return parsed.path() if isinstance(parsed, IpcSymbol) else ()


def _places(offer: Offer, ipc: Sequence[str]) -> list[Reason]:
    place = _shared_place(offer, ipc)
    return [] if place is None else [Reason("ipc", place.canonical)]


def _fields(offer: Offer, need: Need) -> list[Reason]:
    """The first of the offer's fields of application that the need names in the same words."""
    said = analysis.normalise(need.text)
    for part in _PARTS.split(offer.patent.application or ""):
        name = part.strip()
        if 2 <= len(name) <= 40 and _tells(name) and analysis.normalise(name) in said:
            return [Reason("field", name)]
    return []


def _tells(name: str) -> bool:
    """Whether a field's name has any telling word."""
    return any(generic.is_telling(word) for word in analysis.terms(name))


def _price(offer: Offer, budget_minor: int | None) -> list[Reason]:
    upfront = upfront_minor(offer)
    if upfront is None:
        return [Reason("royalty", offer.fee_form or "")]
    if offer.fee_form == "free":
        return [Reason("free", 0)]
    return [] if budget_minor is None else [Reason("fee_within_budget", upfront)]


def _district(offer: Offer, district: str | None) -> list[Reason]:
    return [Reason("district", district)] if district and offer.patent.district == district else []
