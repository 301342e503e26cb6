"""What can be done with demands: post, change, answer, close, and let them expire."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, NotFound
from marketplace.core.lifecycle import Transition
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.models import Offer

from .lifecycle import DEMAND
from .models import Demand, Recommendation

Values = Mapping[str, Any]

# Import column → attribute.
_COLUMNS = {
    "title": "title",
    "title_en": "title_en",
    "description": "description",
    "ipc": "ipc",
    "budget": "budget_minor",
    "district": "district",
    "answer_by": "answer_by",
}
_MOST = 200


# --- reading


def get_demand(actor: Actor, demand_id: int | str) -> Demand:
    """One demand that this actor may see: published and answered ones are public, others the owner's.

    Raises:
        NotFound: `demand-not-found`, also for somebody else's draft.
    """
    number = int(demand_id) if str(demand_id).isdecimal() and len(str(demand_id)) < 19 else None
    demand = db.session.get(Demand, number) if number is not None else None
    if demand is None or not allowed(actor, "demand.see", demand).allowed:
        raise NotFound("demand-not-found", "There is no such demand.")
    return demand


def list_demands(
    *, district: str | None = None, ipc: str | None = None, after: int | None = None, limit: int = 20
) -> list[Demand]:
    """Published and answered demands of everybody, newest first.

    Args:
        district: only those of this region code.
        ipc: only those with a symbol that begins so.
        after: id of the last one of the page before (keyset paging).
        limit: at most this many, 200 at most.
    """
    query = sa.select(Demand).where(Demand.state.in_(("published", "answered")))
    if district is not None:
        query = query.where(Demand.district == district)
    if ipc is not None:
        # The list is stored as JSON text, where a symbol begins behind a quotation mark.
        query = query.where(sa.cast(Demand.ipc, sa.Text).contains(f'"{ipc}', autoescape=True))
    return _page(query, after, limit)


def own_demands(
    actor: Actor, *, states: Sequence[str] = (), after: int | None = None, limit: int = 50
) -> list[Demand]:
    """Demands of the organisations that the actor acts for (staff: of everybody), newest first.

    Args:
        states: only these; all when empty.
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
    """
    query = sa.select(Demand)
    if not actor.is_staff:
        query = query.where(Demand.organisation_id.in_({actor.organisation_id, *actor.principals} - {None}))
    if states:
        query = query.where(Demand.state.in_(states))
    return _page(query, after, limit)


def _page(query: sa.Select[Demand], after: int | None, limit: int) -> list[Demand]:
    if after is not None:
        query = query.where(Demand.id < after)
    return list(db.session.scalars(query.order_by(Demand.id.desc()).limit(min(limit, _MOST))))


def offered(actor: Actor, demand: Demand) -> list[Transition]:
    """What this actor may do with the demand now."""
    return DEMAND.offered(actor, demand)


# --- writing


def draft_demand(actor: Actor, values: Values) -> Demand:
    """Begin a demand of the actor's organisation; nobody else sees it yet.

    Args:
        values: converted import columns (`budget` in 分).

    Raises:
        Unauthenticated, Forbidden: the actor acts for no organisation.
        Conflict: `external-id-taken`: the organisation has a demand with this number.
    """
    require(actor, "demand.post")
    organisation = db.session.get_one(Organisation, actor.organisation_id)
    return _draft(organisation, values)


def publish_demand(actor: Actor, values: Values) -> Demand:
    """Post a demand of the actor's organisation for everybody to see and answer.

    Raises:
        Unauthenticated, Forbidden, Conflict: as for `draft_demand`.
        Invalid: `answer-by-past`.
    """
    demand = draft_demand(actor, values)
    return publish_draft(actor, demand.id)


def publish_draft(actor: Actor, demand_id: int) -> Demand:
    """Publish a draft.

    Raises:
        NotFound: no such demand, or not this actor's to see.
        Conflict: `illegal-transition`.
        Invalid: `answer-by-past`.
    """
    demand = _locked(actor, demand_id)

    def effect() -> None:
        demand.published_on = clock.today()

    DEMAND.execute(actor, demand, "publish", effect=effect, organisation_id=demand.organisation_id)
    return demand


def edit_demand(actor: Actor, demand_id: int, values: Values) -> Demand:
    """Change a draft or a published demand; columns that `values` does not name stay as they are.

    Raises:
        NotFound, Forbidden: not this actor's.
        Conflict: `illegal-transition` once it is answered, closed or expired.
    """
    demand = _locked(actor, demand_id)
    DEMAND.execute(
        actor,
        demand,
        "edit",
        effect=lambda: _set(demand, values),
        organisation_id=demand.organisation_id,
    )
    return demand


def close_demand(actor: Actor, demand_id: int) -> Demand:
    """Take a demand back, or say that it is settled.

    Raises:
        NotFound, Forbidden: not this actor's.
        Conflict: `illegal-transition`.
    """
    demand = _locked(actor, demand_id)

    def effect() -> None:
        demand.closed_on = clock.today()

    DEMAND.execute(actor, demand, "close", effect=effect, organisation_id=demand.organisation_id)
    return demand


def answer_demand(actor: Actor, demand_id: int, offer_id: int) -> Demand:
    """Point the firm in need to an offer: its holder, an agency with a mandate, or an operator does.

    The offer joins the demand's recommendations if it is not among them.

    Raises:
        NotFound: no such demand or offer, or not this actor's to see.
        Conflict: `offer-not-yours`, `offer-not-live`, `own-demand`, `illegal-transition`.
    """
    demand = _locked(actor, demand_id)
    offer = db.session.get(Offer, offer_id)
    if offer is None or not allowed(actor, "offer.see", offer).allowed:
        raise NotFound("offer-not-found", "There is no such offer.")
    if not (offer.holder_id in actor.holders or actor.is_operator):
        raise Conflict("offer-not-yours", "Only the holder of an offer can answer with it.")
    if offer.holder_id == demand.organisation_id:
        raise Conflict("own-demand", "This is your own demand.")
    if not offer.in_force_on(clock.today()):
        raise Conflict("offer-not-live", "This offer is not in force.")
    DEMAND.execute(
        actor,
        demand,
        "answer",
        organisation_id=demand.organisation_id,
        offer_id=offer.id,
        answered_by=offer.holder_id,
    )
    known = db.session.scalar(
        sa.select(Recommendation.id).where(
            Recommendation.demand_id == demand.id, Recommendation.offer_id == offer.id
        )
    )
    if known is None:
        db.session.add(
            Recommendation(
                organisation_id=demand.organisation_id,
                demand=demand,
                offer=offer,
                channel="answer",
                state="shown",
                rank=0,
                reasons=[{"kind": "answer", "value": offer.holder.name}],
                shown_at=clock.now(),
                changed_at=clock.now(),
            )
        )
        db.session.flush()
    return demand


def expire_due(limit: int = 500) -> int:
    """Let published demands end whose answers were wanted by a day that is past; returns how many did."""
    due = db.session.scalars(
        sa.select(Demand.id)
        .where(Demand.state == "published", Demand.answer_by < clock.today())
        .order_by(Demand.id)
        .limit(limit)
    ).all()
    for demand_id in due:
        _expire(lock(Demand, demand_id))
    return len(due)


def _expire(demand: Demand) -> None:
    if demand.answer_by is None:
        return
    ended_on = demand.answer_by + dt.timedelta(days=1)

    def effect() -> None:
        demand.closed_on = ended_on

    DEMAND.execute(
        SYSTEM,
        demand,
        "expire",
        effect=effect,
        organisation_id=demand.organisation_id,
        occurred_on=ended_on,
    )


def _locked(actor: Actor, demand_id: int) -> Demand:
    """The demand, for changing. Raises NotFound if the actor may not see it."""
    return lock(Demand, get_demand(actor, demand_id).id)


def _draft(organisation: Organisation, values: Values) -> Demand:
    external_id = values.get("external_id")
    if external_id and db.session.scalar(
        sa.select(Demand.id).where(
            Demand.organisation_id == organisation.id, Demand.external_id == external_id
        )
    ):
        raise Conflict(
            "external-id-taken",
            "You have a demand with the number %(external_id)s already.",
            external_id=external_id,
        )
    demand = Demand(
        organisation=organisation,
        organisation_id=organisation.id,
        external_id=external_id,
        state=DEMAND.initial,
        ipc=[],
        created_at=clock.now(),
    )
    _set(demand, values)
    db.session.add(demand)
    record("demand.drafted", demand, organisation_id=organisation.id)
    return demand


def _set(demand: Demand, values: Values) -> None:
    for column, attribute in _COLUMNS.items():
        if column in values:
            value = values[column]
            setattr(demand, attribute, list(value or ()) if column == "ipc" else value)
