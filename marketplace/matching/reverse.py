"""From a new offer to those it may serve: stored demands, and firms by what they want to hear of.

No saved query is run against the offer: its words and its places in the classification are looked up in
tables of the rare terms of demands and interests, with the weight that each has there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.identifiers import InvalidNumber, IpcSymbol, parse_classification
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import record
from marketplace.deals.models import Licence
from marketplace.demands.models import Demand, DemandTerm, Interest, InterestTerm, Recommendation
from marketplace.listings.models import Offer, Patent
from marketplace.search import analysis
from marketplace.search.answering import ask

from . import generic
from .lifecycle import RECOMMENDATION
from .reasons import Limits, Reason, affordable, case, upfront_minor
from .terms import Need, Weighed, rare_words, weigh

DEMANDS_PER_OFFER: Final = 20
"""How many demands are looked at for one offer."""

FIRMS_PER_OFFER: Final = 50
"""How many firms are told of one offer for what they want to hear of."""

PLACE: Final = "ipc:"
"""Before a place of the classification among the terms."""

_LOOKED_UP: Final = 60  # words of an offer, those of the title first
_A_FEW: Final = 2
_SUBCLASS: Final = 3  # steps of the classification down to H01M


def offer_words(patent: Patent) -> list[str]:
    """The telling words of an offer that are looked up, those of its title first."""
    texts = (
        patent.title, patent.title_en, patent.application, patent.problem, patent.advantage,
        patent.abstract, patent.abstract_en,
    )  # fmt: skip
    words = dict.fromkeys(term for text in texts if text for term in analysis.terms(text))
    return [word for word in words if generic.is_telling(word)][:_LOOKED_UP]


def places(symbols: Iterable[str]) -> dict[str, int]:
    """The places of the classification, as terms, down from the subclass; each with its depth."""
    found: dict[str, int] = {}
    for symbol in symbols:
        try:
            parsed = parse_classification(symbol)
        except InvalidNumber:
            continue
        if isinstance(parsed, IpcSymbol):
            steps = parsed.path()
            found |= {f"{PLACE}{step}": depth for depth, step in enumerate(steps, 1) if depth >= _SUBCLASS}
    return found


# --- demands


def learn_demand(demand: Demand) -> None:
    """Find the rare words by which new offers will find a demand, in the present unit of work.

    Raises:
        EngineUnavailable: neither the search engine nor a stand-by answers.
    """
    need = Need(demand.title, demand.description)
    words, _ = ask(lambda engine, generation: rare_words(weigh(engine, generation.name, need), need))
    keep_terms(demand, words)


def keep_terms(demand: Demand, words: Mapping[str, float]) -> None:
    """Replace the words by which new offers find a demand, in the present unit of work."""
    db.session.execute(sa.delete(DemandTerm).where(DemandTerm.demand_id == demand.id))
    db.session.add_all(
        DemandTerm(demand_id=demand.id, term=word, weight=weight) for word, weight in words.items()
    )


def demands_near(offer: Offer, size: int = DEMANDS_PER_OFFER) -> list[int]:
    """Ids of the published demands whose rare words weigh most among those that the offer has.

    Those of the offer's own side are left out, and those whose budget is below what is paid up front.
    """
    upfront = upfront_minor(offer) or 0
    weight = sa.func.sum(DemandTerm.weight)
    near = (
        sa.select(DemandTerm.demand_id, weight.label("weight"))
        .where(DemandTerm.term.in_(offer_words(offer.patent)))
        .group_by(DemandTerm.demand_id)
        .order_by(weight.desc(), DemandTerm.demand_id)
        .limit(5 * size)
        .subquery()
    )
    query = (
        sa.select(Demand.id)
        .join(near, near.c.demand_id == Demand.id)
        .where(
            Demand.state == "published",
            Demand.organisation_id.not_in(_own_side(offer)),
            sa.or_(Demand.budget_minor.is_(None), Demand.budget_minor >= upfront),
        )
        .order_by(near.c.weight.desc(), Demand.id)
        .limit(size)
    )
    return list(db.session.scalars(query))


def _own_side(offer: Offer) -> list[int]:
    parties = {party.organisation_id for party in offer.patent.parties if party.organisation_id is not None}
    return sorted(parties | {offer.holder_id})


@dataclass(frozen=True)
class Fit:
    """A demand that an offer fits: evidence orders those of one offer and means nothing beyond it."""

    demand: Demand
    evidence: float
    reasons: tuple[Reason, ...]


def demands_fitting(actor: Actor, offer: Offer, size: int = DEMANDS_PER_OFFER) -> list[Fit]:
    """The published demands that an offer fits, best first, for its holder and staff.

    Only what everybody may read of a demand is compared and named in reasons; its confidential part is not.

    Raises:
        NotFound: the offer is not this actor's to see.
        EngineUnavailable: neither the search engine nor a stand-by answers.
    """
    require(actor, "offer.demands", offer)
    words = offer_words(offer.patent)
    counts, _ = ask(lambda engine, generation: engine.frequencies(generation.name, words, ()))
    weighed = Weighed({}, {}, counts.words, counts.total)
    ids = demands_near(offer, 2 * size)
    found = []
    for demand in db.session.scalars(sa.select(Demand).where(Demand.id.in_(ids))).unique():
        limits = Limits(tuple(demand.ipc), demand.budget_minor, demand.district)
        why = case(offer, Need(demand.title, demand.description), weighed, limits)
        if why.convincing and affordable(offer, demand.budget_minor):
            found.append(Fit(demand, why.evidence, why.reasons))
    return sorted(found, key=lambda fit: (-fit.evidence, fit.demand.id))[:size]


# --- firms


@dataclass(frozen=True)
class Shared:
    """What an offer shares with something that a firm wants to hear of."""

    words: Sequence[str]
    place: str | None
    depth: int
    in_title: bool


def fits(kind: str, shared: Shared) -> bool:
    """Whether a firm hears of an offer for it.

    A field is named to be told: a place of the classification named, or a telling word of the field in the
    offer's title. A patent of the firm's own says less: the same main group and a telling word, or three of
    them with one in the title.
    """
    if kind == "field":
        return shared.place is not None or shared.in_title
    in_group = shared.depth > _SUBCLASS and bool(shared.words)
    return in_group or (len(shared.words) > _A_FEW and shared.in_title)


def recommend_to_firms(offer: Offer) -> list[Recommendation]:
    """Tell the firms that want to hear of such an offer, each once, in the present unit of work.

    A firm that knows the offer already, from whichever side, is left out, and so is the offer's own side.
    """
    words, steps = set(offer_words(offer.patent)), places(one.symbol for one in offer.patent.classes)
    weight = sa.func.sum(InterestTerm.weight)
    near = db.session.execute(
        sa.select(InterestTerm.interest_id, weight)
        .where(InterestTerm.term.in_([*sorted(words), *steps]))
        .group_by(InterestTerm.interest_id)
        .order_by(weight.desc(), InterestTerm.interest_id)
        .limit(10 * FIRMS_PER_OFFER)
    ).all()
    if not near:
        return []
    ids = [interest_id for interest_id, _ in near]
    terms: dict[int, list[str]] = {}
    shared_terms = sa.select(InterestTerm.interest_id, InterestTerm.term).where(
        InterestTerm.interest_id.in_(ids), InterestTerm.term.in_([*sorted(words), *steps])
    )
    for interest_id, term in db.session.execute(shared_terms.order_by(InterestTerm.weight.desc())):
        terms.setdefault(interest_id, []).append(term)
    known = _who_knows(offer)
    title = set(analysis.terms(f"{offer.patent.title} {offer.patent.title_en or ''}"))
    made: dict[int, Recommendation] = {}
    interests = {one.id: one for one in db.session.scalars(sa.select(Interest).where(Interest.id.in_(ids)))}
    for interest_id in ids:
        interest = interests[interest_id]
        firm = interest.organisation_id
        shared = _shared(terms[interest_id], steps, title)
        if firm in known or firm in made or not fits(interest.kind, shared):
            continue
        made[firm] = _to_firm(offer, interest, shared)
        if len(made) >= FIRMS_PER_OFFER:
            break
    db.session.add_all(made.values())
    db.session.flush()
    for row in made.values():
        record(
            "recommendation.made", row, organisation_id=row.organisation_id, offer_id=offer.id,
            channel=row.channel,
        )  # fmt: skip
    return list(made.values())


def _who_knows(offer: Offer) -> set[int]:
    """The offer's own side, who was told of it, and who has a licence."""
    told = sa.select(Recommendation.organisation_id).where(Recommendation.offer_id == offer.id)
    licensed = sa.select(Licence.licensee_id).where(Licence.offer_id == offer.id)
    return {*_own_side(offer), *db.session.scalars(told), *db.session.scalars(licensed)}


def _shared(terms: Sequence[str], steps: dict[str, int], title: Collection[str]) -> Shared:
    words = [term for term in terms if not term.startswith(PLACE)]
    whole = [word for word in words if not any(word != other and word in other for other in words)]
    deepest = max((term for term in terms if term in steps), key=lambda term: (steps[term], term), default="")
    return Shared(
        whole,
        deepest.removeprefix(PLACE) or None,
        steps.get(deepest, 0),
        any(word in title for word in words),
    )


def _to_firm(offer: Offer, interest: Interest, shared: Shared) -> Recommendation:
    kind, value = ("interest", interest.title) if interest.kind == "field" else ("own_patent", interest.key)
    reasons: list[dict[str, Any]] = [Reason(kind, value).as_json()]
    reasons += [Reason("term", word).as_json() for word in shared.words[:4]]
    if shared.place is not None:
        reasons.append(Reason("ipc", shared.place).as_json())
    if offer.fee_form == "free":
        reasons.append(Reason("free", 0).as_json())
    return Recommendation(
        organisation_id=interest.organisation_id,
        demand_id=None,
        offer_id=offer.id,
        channel="field" if interest.kind == "field" else "patents",
        state=RECOMMENDATION.initial,
        rank=0,
        reasons=reasons,
        shown_at=clock.now(),
        changed_at=clock.now(),
    )
