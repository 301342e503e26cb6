"""From a need to offers, each with reasons; what was recommended, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals.models import Licence
from marketplace.demands.models import Demand, Recommendation
from marketplace.listings.models import Offer
from marketplace.search.answering import Source, ask
from marketplace.search.engine import SearchEngine
from marketplace.search.models import SearchGeneration

from . import semantic
from .lifecycle import PASS_REASONS, RECOMMENDATION
from .reasons import Limits, Reason, affordable, case, closeness
from .terms import Need, Weighed, rank, weigh

RECOMMENDED: Final = 10
"""How many offers are recommended at once."""

LARGEST: Final = 100
"""The most matches that can be asked for."""

# What raises an offer among equals: places of the classification, and the district preferred.
_SUBCLASS, _GROUP, _DISTRICT = 1.15, 1.3, 1.05
_SUBCLASS_STEPS, _GROUP_STEPS = 3, 4
_WIDER, _WIDEST_AT_FIRST = 3, 60  # offers that are looked at first: for each one wanted, and at least
_DEEPEST: Final = 1_600  # offers that are looked at, where limits leave many of them out


@dataclass(frozen=True)
class Match:
    """An offer that fits a need. `score` orders the matches of one need and means nothing beyond it."""

    offer_id: int
    title: str
    score: float
    reasons: tuple[Reason, ...]
    offer: Offer


class Matches(list[Match]):
    """The matches of a need, best first, and where they come from."""

    def __init__(self, found: Iterable[Match], source: Source) -> None:
        super().__init__(found)
        self.source = source


def match_text(
    text: str,
    size: int = 10,
    *,
    ipc: Sequence[str] = (),
    budget_minor: int | None = None,
    district: str | None = None,
    exclude_holder: int | None = None,
) -> Matches:
    """Offers for a need in plain words, best first.

    Args:
        text: the need; a short first line or sentence counts as its title.
        size: at most this many, 100 at most.
        ipc: IPC symbols; what lies in the same place comes earlier.
        budget_minor: the most to pay up front, in 分; free offers and pure royalties stay in.
        district: region code; offers from there come a little earlier, others are not left out.
        exclude_holder: the organisation whose own offers are left out.

    Raises:
        Invalid: `text-missing`.
        EngineUnavailable: neither the search engine nor a stand-by answers (503 `search-unavailable`).
    """
    if not text.strip():
        raise Invalid(
            "text-missing",
            "Please describe what you are looking for.",
            fields={"text": ["Please describe what you are looking for."]},
        )
    need, limits = Need.of(text), Limits(tuple(ipc), budget_minor, district)
    return Matches(
        *ask(lambda engine, generation: _ranked(engine, generation, need, size, limits, exclude_holder))
    )


def matches_for(demand: Demand, size: int = 10) -> Matches:
    """Offers for a demand within its limits, best first; the firm's own offers are left out.

    Raises:
        EngineUnavailable: neither the search engine nor a stand-by answers (503 `search-unavailable`).
    """
    return Matches(*ask(lambda engine, generation: matches_in(engine, generation, demand, size)))


def matches_in(
    engine: SearchEngine, generation: SearchGeneration, demand: Demand, size: int = 10
) -> list[Match]:
    """What `matches_for` finds in one generation.

    Raises:
        EngineUnavailable: the engine does not answer.
    """
    limits = Limits(tuple(demand.ipc), demand.budget_minor, demand.district)
    need = Need(demand.title, demand.description)
    return _ranked(engine, generation, need, size, limits, demand.organisation_id)


def _ranked(
    engine: SearchEngine,
    generation: SearchGeneration,
    need: Need,
    size: int,
    limits: Limits,
    exclude_holder: int | None,
) -> list[Match]:
    wanted = max(1, min(size, LARGEST))
    weighed = weigh(engine, generation.name, need)
    looked_at = max(_WIDER * wanted, _WIDEST_AT_FIRST)
    while True:
        by_words, closeness = _scores(engine, generation, need, weighed, looked_at)
        offers = _live(by_words, exclude_holder)
        texts = {offer.id: _text(offer) for offer in offers}
        live = {offer.id: by_words[offer.id] for offer in offers}
        scores = semantic.combine(need, live, texts, closeness)
        found = []
        within = [offer for offer in offers if affordable(offer, limits.budget_minor)]
        for offer in within:
            why = case(offer, need, weighed, limits)
            if why.convincing:
                score = round(scores[offer.id] * _raise(offer, limits), 3)
                found.append(Match(offer.id, offer.patent.title, score, why.reasons, offer))
        # Going deeper helps where limits leave offers out, not where the best ones do not convince.
        if len(within) >= wanted or len(by_words) < looked_at or looked_at >= _DEEPEST:
            break
        looked_at = min(looked_at * 4, _DEEPEST)
    return sorted(found, key=lambda match: (-match.score, match.offer_id))[:wanted]


def _text(offer: Offer) -> str:
    """Title and abstract."""
    return f"{offer.patent.title}\n{offer.patent.abstract or ''}"


def _scores(
    engine: SearchEngine, generation: SearchGeneration, need: Need, weighed: Weighed, size: int
) -> tuple[dict[int, float], dict[int, float]]:
    """The best offers by words and characters, and by meaning where a model is at hand.

    Returns:
        Scores by words and characters, and closeness in meaning (empty without a model) of the same offers.
    """
    ranked = rank(engine, generation.name, weighed, size=size)
    scores = {int(row.id): row.score for row in ranked}
    model = semantic.model()
    vectors = semantic.vectors() if model is not None else None
    if model is None or vectors is None:
        return scores, {}
    asked = semantic.ask(model, *need.gists)
    near = vectors.cosines(asked, size)
    missing = [str(one) for one in sorted(near) if one not in scores]
    if missing and len(ranked) == size:  # they may stand further down the ranking
        further = rank(engine, generation.name, weighed, ids=missing, size=len(missing))
        scores |= {int(row.id): row.score for row in further}
    scores |= {int(one): 0.0 for one in missing if int(one) not in scores}
    return scores, vectors.closeness(asked, scores)


def _live(offer_ids: Collection[int], exclude_holder: int | None) -> list[Offer]:
    """The offers that are in force today by the database, whatever the index says."""
    rows = db.session.scalars(sa.select(Offer).where(Offer.id.in_(offer_ids)).order_by(Offer.id)).unique()
    today = clock.today()
    return [
        offer
        for offer in rows
        if offer.in_force_on(today) and (exclude_holder is None or not _owned_by(offer, exclude_holder))
    ]


def _owned_by(offer: Offer, organisation_id: int) -> bool:
    return offer.holder_id == organisation_id or any(
        party.organisation_id == organisation_id for party in offer.patent.parties
    )


def _raise(offer: Offer, limits: Limits) -> float:
    steps = closeness(offer, limits.ipc)
    by_place = _GROUP if steps >= _GROUP_STEPS else _SUBCLASS if steps >= _SUBCLASS_STEPS else 1.0
    at_home = limits.district is not None and offer.patent.district == limits.district
    return by_place * (_DISTRICT if at_home else 1.0)


# --- recommendations


def store(demand: Demand, matches: Sequence[Match], channel: str = "demand") -> list[Recommendation]:
    """Keep what is recommended to a demand, in the present unit of work; a pair that is kept stays as it is.

    Args:
        demand: locked by the caller, so that two workers do not keep the same pair.
        matches: best first.
        channel: `demand`, or `offer` where a new offer gave the occasion.

    Returns:
        The new ones.
    """
    known = set(
        db.session.scalars(sa.select(Recommendation.offer_id).where(Recommendation.demand_id == demand.id))
    )
    new = [
        Recommendation(
            organisation_id=demand.organisation_id,
            demand_id=demand.id,
            channel=channel,
            offer_id=match.offer_id,
            state=RECOMMENDATION.initial,
            rank=place,
            reasons=[reason.as_json() for reason in match.reasons],
            shown_at=clock.now(),
            changed_at=clock.now(),
        )
        for place, match in enumerate(matches, start=1)
        if match.offer_id not in known
    ]
    if new:
        db.session.add_all(new)
        db.session.flush()
        record(
            "demand.matched",
            demand,
            organisation_id=demand.organisation_id,
            recommendations=[row.id for row in new],
            offers=[row.offer_id for row in new],
        )
    return new


def recommendations_of(actor: Actor, demand: Demand) -> list[Recommendation]:
    """What was recommended to a demand, for its owner and staff: what is still open first, then by rank.

    Raises:
        NotFound: the demand is not this actor's.
    """
    require(actor, "recommendation.list", demand)
    rows = db.session.scalars(
        sa.select(Recommendation).where(Recommendation.demand_id == demand.id).order_by(Recommendation.id)
    ).unique()
    return sorted(rows, key=lambda row: (row.state == "passed", row.rank, row.id))


def recommendations_to(actor: Actor, *, after: int | None = None, limit: int = 20) -> list[Recommendation]:
    """What was recommended to the actor's organisation, demands or not, newest first; passed ones left out.

    Args:
        after: id of the last one of the page before (keyset paging).
        limit: at most this many, 200 at most.

    Raises:
        Unauthenticated, Forbidden: the actor acts for no organisation.
    """
    require(actor, "recommendation.mine")
    query = sa.select(Recommendation).where(
        Recommendation.organisation_id == actor.organisation_id, Recommendation.state != "passed"
    )
    if after is not None:
        query = query.where(Recommendation.id < after)
    query = query.order_by(Recommendation.id.desc()).limit(min(limit, 200))
    return list(db.session.scalars(query).unique())


def get_recommendation(actor: Actor, recommendation_id: int) -> Recommendation:
    """One recommendation of the actor's own demand.

    Raises:
        NotFound: `recommendation-not-found`, also for somebody else's.
    """
    row = db.session.get(Recommendation, recommendation_id)
    if row is None or not allowed(actor, "recommendation.see", row).allowed:
        raise NotFound("recommendation-not-found", "There is no such recommendation.")
    return row


def mark(
    actor: Actor,
    recommendation: Recommendation,
    state: str,
    *,
    reason: str | None = None,
    note: str | None = None,
) -> Recommendation:
    """Say what became of a recommendation.

    Args:
        state: `opened`, `contacted` or `passed`. What is there already, or is behind it, stays.
        reason: for `passed`: one of `PASS_REASONS`.
        note: for `passed`: in the firm's own words.

    Raises:
        NotFound, Forbidden: not this actor's.
        Invalid: `pass-reason-unknown`.
        Conflict: `illegal-transition`.
    """
    row = lock(Recommendation, recommendation.id)
    require(actor, "recommendation.mark", row)
    if state == row.state or (state == "opened" and row.state != "shown"):
        return row
    if state == "passed" and reason not in PASS_REASONS:
        raise Invalid(
            "pass-reason-unknown",
            "Please choose why this offer does not fit.",
            fields={"reason": ["Please choose why this offer does not fit."]},
        )

    def effect() -> None:
        row.changed_at = clock.now()
        _date(row, state)
        if state == "passed":
            row.pass_reason, row.pass_note = reason, (note or "").strip()[:500] or None

    RECOMMENDATION.execute(
        actor,
        row,
        state,
        effect=effect,
        organisation_id=row.organisation_id,
        demand_id=row.demand_id,
        offer_id=row.offer_id,
        reason=reason if state == "passed" else None,
    )
    return row


def _date(row: Recommendation, state: str) -> None:
    """Note when a step was first taken; who contacts a holder has looked at the offer."""
    for name in {"contacted": ("opened_at", "contacted_at")}.get(state, (f"{state}_at",)):
        if getattr(row, name) is None:
            setattr(row, name, row.changed_at)


def mark_licensed(licence_ids: Collection[int]) -> int:
    """Mark what was recommended to the firms that have these licences; returns how many were not marked."""
    rows = db.session.scalars(
        sa.select(Recommendation.id)
        .join(
            Licence,
            sa.and_(
                Licence.offer_id == Recommendation.offer_id,
                Licence.licensee_id == Recommendation.organisation_id,
            ),
        )
        .where(Licence.id.in_(licence_ids), Recommendation.state != "licensed")
        .order_by(Recommendation.id)
        .distinct()
    ).all()
    for recommendation_id in rows:
        row = lock(Recommendation, recommendation_id)
        row.changed_at = clock.now()
        _date(row, "licensed")
        RECOMMENDATION.execute(
            SYSTEM,
            row,
            "licensed",
            organisation_id=row.organisation_id,
            demand_id=row.demand_id,
            offer_id=row.offer_id,
        )
    return len(rows)
