"""What can be done with demands: post, change, extend, answer, close, and let them expire."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.accounts.resolving import Named, known, resolve
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Forbidden, Invalid, NotFound
from marketplace.core.identifiers import InvalidNumber, credit_code
from marketplace.core.lifecycle import Transition
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.industries import industry_of

from .lifecycle import DEMAND
from .models import Demand, DemandAccess
from .policies import PUBLIC_STATES
from .rules import LONGEST_NOTE, OUTCOME_REASONS

Values = Mapping[str, Any]

# Import column → attribute.
_COLUMNS = {
    "title": "title",
    "title_en": "title_en",
    "description": "description",
    "confidential": "confidential",
    "industry": "industry",
    "named": "named",
    "described_as": "described_as",
    "ipc": "ipc",
    "budget": "budget_minor",
    "district": "district",
    "answer_by": "answer_by",
}
_MOST = 200
_MOST_WORDS = 8


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


@dataclass(frozen=True)
class Asked:
    """What a list of public demands is narrowed to; an empty one asks for all.

    Attributes:
        text: words that must all stand in title or public description.
        industry: a division of GB/T 4754.
        ipc: demands with a symbol that begins so.
        district: a region code.
        budget_from, budget_to: in 分; a demand without a budget is in neither.
        answer_by_to: answers wanted until this day at the latest.
        posted_by: firm, agency or bureau.
        open_only: neither answered by all accounts nor over: answers are still wanted today.
    """

    text: str | None = None
    industry: str | None = None
    ipc: str | None = None
    district: str | None = None
    budget_from: int | None = None
    budget_to: int | None = None
    answer_by_to: dt.date | None = None
    posted_by: str | None = None
    open_only: bool = False

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """As SQL, for public demands only."""
        found: list[sa.ColumnElement[bool]] = [Demand.state.in_(PUBLIC_STATES)]
        texts = (Demand.title, Demand.title_en, Demand.description)
        found += [
            sa.or_(*(column.icontains(word, autoescape=True) for column in texts))
            for word in (self.text or "").split()[:_MOST_WORDS]
        ]
        for column, value in (
            (Demand.industry, self.industry),
            (Demand.district, self.district),
            (Demand.posted_by, self.posted_by),
        ):
            if value:
                found.append(column == value)
        if self.ipc:
            # The list is stored as JSON text, where a symbol begins behind a quotation mark.
            found.append(sa.cast(Demand.ipc, sa.Text).contains(f'"{self.ipc}', autoescape=True))
        if self.budget_from is not None:
            found.append(Demand.budget_minor >= self.budget_from)
        if self.budget_to is not None:
            found.append(Demand.budget_minor <= self.budget_to)
        if self.answer_by_to is not None:
            found.append(Demand.answer_by <= self.answer_by_to)
        if self.open_only:
            found.append(sa.or_(Demand.answer_by.is_(None), Demand.answer_by >= clock.today()))
        return found


def list_demands(*, asked: Asked | None = None, after: int | None = None, limit: int = 20) -> list[Demand]:
    """Published and answered demands of everybody, newest first.

    Args:
        asked: what they are narrowed to.
        after: id of the last one of the page before (keyset paging).
        limit: at most this many, 200 at most.
    """
    wanted = asked or Asked()
    return _page(sa.select(Demand).where(*wanted.conditions()), after, limit)


def count_demands(asked: Asked) -> int:
    """How many public demands there are within these limits."""
    return db.session.scalar(sa.select(sa.func.count(Demand.id)).where(*asked.conditions())) or 0


def own_demands(
    actor: Actor,
    *,
    states: Sequence[str] = (),
    posted_by: str | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[Demand]:
    """Demands of the organisations that the actor acts for (staff: of everybody), newest first.

    Args:
        states: only these; all when empty.
        posted_by: only those that a firm, an agency or the bureau has posted.
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
    """
    query = sa.select(Demand)
    if not actor.is_staff:
        query = query.where(Demand.organisation_id.in_(actor.licensees))
    if posted_by is not None:
        query = query.where(Demand.posted_by == posted_by)
    if states:
        query = query.where(Demand.state.in_(states))
    return _page(query, after, limit)


def _page(query: sa.Select[Demand], after: int | None, limit: int) -> list[Demand]:
    if after is not None:
        query = query.where(Demand.id < after)
    return list(db.session.scalars(query.order_by(Demand.id.desc()).limit(min(limit, _MOST))))


def shows_name(actor: Actor, demand: Demand) -> bool:
    """Whether this actor reads the firm's name: it is public, the actor's own side, staff, or has access."""
    if demand.named or actor.is_staff or allowed(actor, "demand.read_confidential", demand).allowed:
        return True
    if actor.organisation_id is None:
        return False
    granted = sa.select(DemandAccess).where(
        DemandAccess.demand_id == demand.id,
        DemandAccess.state == "granted",
        sa.or_(
            DemandAccess.organisation_id == actor.organisation_id,
            DemandAccess.agent_id == actor.organisation_id,
        ),
    )
    rows = db.session.scalars(granted).unique()
    return any(allowed(actor, "access.see", row).allowed for row in rows)


def offered(actor: Actor, demand: Demand) -> list[Transition]:
    """What this actor may do with the demand now."""
    return DEMAND.offered(actor, demand)


# --- writing


def draft_demand(actor: Actor, values: Values) -> Demand:
    """Begin a demand of a firm; nobody else sees it yet.

    Args:
        values: converted import columns (`budget` in 分). Besides, `organisation_id`: the firm for which an
            agency with its mandate posts (its own organisation otherwise); `organisation`: the exact name or
            credit code of the firm for which the bureau posts.

    Raises:
        Unauthenticated, Forbidden: the actor acts for no organisation and not for the bureau;
            `not-your-organisation`: no mandate to seek licences for this firm.
        Invalid: `firm-missing`, `firm-code`, `description-missing`.
        Conflict: `external-id-taken`: the organisation has a demand with this number.
    """
    require(actor, "demand.post")
    organisation = _firm(actor, values)
    demand = draft_for(actor, organisation, values)
    record("demand.drafted", demand, organisation_id=organisation.id)
    return demand


def posting_as(actor: Actor, organisation_id: int) -> tuple[str, int | None]:
    """As what the actor posts for that organisation, and the agency's id where it is one."""
    if "bureau" in actor.roles:
        return "bureau", None
    if actor.organisation_id is not None and actor.organisation_id != organisation_id:
        return "agency", actor.organisation_id
    return "firm", None


def _firm(actor: Actor, values: Values) -> Organisation:
    """For whom the demand is posted."""
    if "bureau" in actor.roles:
        text = (values.get("organisation") or "").strip()
        if not text:
            message = N_("Please name the firm; its name is not shown to others unless you want it.")
            raise Invalid("firm-missing", message, fields={"organisation": [message]})
        return db.session.get_one(Organisation, _named(text))
    wanted = values.get("organisation_id") or actor.organisation_id
    if wanted not in actor.licensees:
        raise Forbidden("not-your-organisation", "You do not act for this organisation.")
    return db.session.get_one(Organisation, wanted)


def _named(text: str) -> int:
    """The id of the organisation with this exact name or credit code; a name that is new makes a new one."""
    try:
        code = credit_code(text)
    except InvalidNumber:
        named = Named(text)
        return resolve([named], trusted=False)[named]
    found = known([Named("", code)]).get(Named("", code))  # a code that somebody has only typed names nobody
    if found is None:
        message = N_("No organisation has this credit code here: please write its full name.")
        raise Invalid("firm-code", message, fields={"organisation": [message]})
    return found


def publish_demand(actor: Actor, values: Values) -> Demand:
    """Post a demand for everybody to see and answer.

    Raises:
        Unauthenticated, Forbidden, Invalid, Conflict: as for `draft_demand`.
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
        NotFound, Forbidden: not this actor's; nor may an operator write into a part that it may not read.
        Conflict: `illegal-transition` once it is answered, closed or expired.
    """
    demand = _locked(actor, demand_id)
    if "confidential" in values:
        require(actor, "demand.read_confidential", demand)
    DEMAND.execute(
        actor,
        demand,
        "edit",
        effect=lambda: fill(demand, values),
        organisation_id=demand.organisation_id,
    )
    return demand


def extend_demand(actor: Actor, demand_id: int, answer_by: dt.date | None) -> Demand:
    """Give a demand more time; one that has expired is public again, and goes on with answers that stand.

    Raises:
        NotFound, Forbidden: not this actor's.
        Invalid: `answer-by-not-later`.
        Conflict: `illegal-transition`.
    """
    demand = _locked(actor, demand_id)
    require(actor, "demand.change", demand)
    earliest = clock.today() if demand.answer_by is None else max(demand.answer_by, clock.today())
    if answer_by is None or answer_by <= earliest:
        message = N_("The new day must lie behind today and behind the present one.")
        raise Invalid("answer-by-not-later", message, fields={"answer_by": [message]})

    def effect() -> None:
        demand.answer_by, demand.closed_on = answer_by, None
        if demand.published_on is None:
            demand.published_on = clock.today()

    DEMAND.execute(
        actor,
        demand,
        _later(demand),
        effect=effect,
        organisation_id=demand.organisation_id,
    )
    return demand


def _later(demand: Demand) -> str:
    """By which transition a demand gets more time."""
    if demand.state != "expired":
        return "extend"
    return "resume" if any(one.state in ("given", "helpful") for one in demand.answers) else "reopen"


def close_demand(
    actor: Actor,
    demand_id: int,
    outcome: str | None = None,
    *,
    reason: str | None = None,
    note: str | None = None,
) -> Demand:
    """Take a demand back, or say that it is settled.

    Args:
        outcome: `met`, `unmet` or `withdrawn`; None where the caller does not say.
        reason: with an outcome, one of `OUTCOME_REASONS` of it.
        note: in the poster's own words; not public.

    Raises:
        NotFound, Forbidden: not this actor's.
        Invalid: `outcome-unknown`, `outcome-reason-unknown`.
        Conflict: `illegal-transition`.
    """
    demand = _locked(actor, demand_id)
    require(actor, "demand.change", demand)
    if outcome is not None and outcome not in OUTCOME_REASONS:
        message = N_("Please say whether the need is met.")
        raise Invalid("outcome-unknown", message, fields={"outcome": [message]})
    if outcome is not None and reason not in OUTCOME_REASONS[outcome]:
        message = N_("Please choose a reason that goes with this outcome.")
        raise Invalid("outcome-reason-unknown", message, fields={"reason": [message]})

    def effect() -> None:
        demand.closed_on = clock.today()
        demand.outcome, demand.outcome_reason = outcome, reason if outcome else None
        demand.outcome_note = (note or "").strip()[:LONGEST_NOTE] or None if outcome else None

    DEMAND.execute(
        actor,
        demand,
        "withdraw" if outcome == "withdrawn" else "close",
        effect=effect,
        organisation_id=demand.organisation_id,
        outcome=outcome,
        reason=reason if outcome is not None else None,
    )
    return demand


def expire_due(limit: int = 500) -> int:
    """Let public demands end whose answers were wanted by a day that is past; returns how many did.

    Answered ones too: an answer that nobody has judged is no reason to look on. The owner is told, and what
    was answered is still judged and replied to.
    """
    due = db.session.scalars(
        sa.select(Demand.id)
        .where(Demand.state.in_(PUBLIC_STATES), Demand.answer_by < clock.today())
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


def draft_for(actor: Actor, organisation: Organisation, values: Values) -> Demand:
    """A draft of this organisation, not yet in the journal.

    Raises:
        Conflict: `external-id-taken`; Invalid: `description-missing`.
    """
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
    posted_by, poster_id = posting_as(actor, organisation.id)
    demand = Demand(
        organisation=organisation,
        organisation_id=organisation.id,
        external_id=external_id,
        state=DEMAND.initial,
        posted_by=posted_by,
        poster_id=poster_id,
        named=True,
        ipc=[],
        created_at=clock.now(),
    )
    fill(demand, values)
    db.session.add(demand)
    return demand


def fill(demand: Demand, values: Values) -> None:
    """Set what `values` names, and the industry from the classification where nobody names it.

    Raises:
        Invalid: `description-missing`: a firm without its name needs a description in its place.
    """
    for column, attribute in _COLUMNS.items():
        if column in values:
            value = values[column]
            if column == "ipc":
                value = list(value or ())
            elif column == "named":
                value = value is not False
            setattr(demand, attribute, value)
    if not demand.named and not demand.described_as:
        message = N_("Please describe the firm in a few words where its name is not shown.")
        raise Invalid("description-missing", message, fields={"described_as": [message]})
    if demand.industry is None and demand.ipc:
        demand.industry = industry_of(demand.ipc[0])
