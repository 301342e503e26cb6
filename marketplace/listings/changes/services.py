"""Guided tasks: begun by a person, looked at anew whenever offer or patent change, ended by the facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.accounts import merging
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, record
from marketplace.listings import rules as listing_rules
from marketplace.listings.lifecycle import offer_terms
from marketplace.listings.models import Offer, Patent
from marketplace.listings.services.offers import draft_offer

from . import rules
from .lifecycle import CHANGE
from .models import EVENTS, ChangeTask
from .owners import declared_in_force

_REPEATED = (
    "fee_form", "rate_base", "payment_text", "fee_explanation", "channels", "term_to", "contact",
    "not_included",
)  # fmt: skip


def get_task(actor: Actor, task_id: int) -> ChangeTask:
    """One task that this actor may see.

    Raises:
        NotFound: `change-not-found`.
    """
    task = db.session.get(ChangeTask, task_id)
    if task is None or not allowed(actor, "change.see", task).allowed:
        raise NotFound("change-not-found", "There is no such task.")
    return task


def open_tasks(holders: Collection[int] | None, *, limit: int = 100) -> list[ChangeTask]:
    """Open tasks of these holders (None: of all), the one due first on top."""
    query = sa.select(ChangeTask).where(ChangeTask.state == "open").limit(limit)
    if holders is not None:
        query = query.where(ChangeTask.holder_id.in_(holders))
    first = sa.func.coalesce(ChangeTask.due_on, ChangeTask.event_on)
    return list(db.session.scalars(query.order_by(first, ChangeTask.id)))


def count_open(holder_id: int) -> int:
    """How many tasks of a holder are open."""
    query = sa.select(sa.func.count()).where(ChangeTask.state == "open", ChangeTask.holder_id == holder_id)
    return db.session.scalar(query) or 0


def tasks_of(patent_id: int) -> list[ChangeTask]:
    """The tasks on a patent, the newest first."""
    query = sa.select(ChangeTask).where(ChangeTask.patent_id == patent_id).order_by(ChangeTask.id.desc())
    return list(db.session.scalars(query))


def facts_of(task: ChangeTask) -> rules.Facts:
    """What is known now about what the task waits for."""
    patent = task.patent
    facts = {fact.name: fact.value for fact in patent.facts}
    owners = [party.organisation_id for party in patent.parties]
    # Two records that became one were one owner all along: no owner has changed by it.
    into = merging.standing_ids([*task.owners_before, *owners])
    before = list(dict.fromkeys(into[one] for one in task.owners_before))
    now = list(dict.fromkeys(into[one] for one in owners))
    return rules.Facts(
        offer=None if task.offer is None else task.offer.status,
        owners_changed=now != before,
        redeclared=None if task.redeclared is None else task.redeclared.status,
        pledged=facts.get("pledged"),
        legal_status=facts.get("legal_status"),
        told=task.told,
    )


def steps_of(task: ChangeTask) -> list[rules.Step]:
    """The task's steps with their present state."""
    return rules.steps(task.event, facts_of(task))


def begin(
    actor: Actor,
    patent: Patent,
    event: str,
    *,
    event_on: dt.date | None = None,
    due_on: dt.date | None = None,
    note: str | None = None,
) -> ChangeTask:
    """Begin a task: something happened, or is about to happen, to a patent.

    Args:
        event: one of `models.EVENTS`.
        event_on: the day of the event, also one to come; today by default.
        due_on: by when the holder wants it done; the law says "promptly" and names no day.

    Raises:
        Invalid: `change-unknown`, `dates-in-wrong-order`.
        Conflict: `change-open`: the same event is open on this patent.
        Forbidden: the actor acts for none of the patentees.
    """
    require(actor, "change.begin", patent)
    if event not in EVENTS:
        raise Invalid(
            "change-unknown",
            "Please say what has changed.",
            fields={"event": [gettext("Please choose one.")]},
        )
    patent = lock(Patent, patent.id)
    on = event_on or clock.today()
    if due_on is not None and due_on < min(on, clock.today()):
        reason = gettext("This day lies before the event.")
        raise Invalid("dates-in-wrong-order", reason, fields={"due_on": [reason]})
    query = sa.select(ChangeTask.id).where(
        ChangeTask.patent_id == patent.id, ChangeTask.event == event, ChangeTask.state == "open"
    )
    if db.session.scalar(query) is not None:
        raise Conflict("change-open", "This is being worked on already: see the tasks of the patent.")
    offer = declared_in_force(patent.id)
    mine = [party.organisation_id for party in patent.parties if party.organisation_id in actor.holders]
    owners = [party.organisation_id for party in patent.parties]
    task = ChangeTask(
        patent=patent,
        offer=offer,
        holder_id=offer.holder_id if offer is not None else (mine or owners)[0],
        event=event,
        state=CHANGE.initial,
        event_on=on,
        due_on=due_on,
        note=note,
        owners_before=owners,
        told={},
        opened_at=clock.now(),
        opened_by=actor.user_id,
    )
    db.session.add(task)
    record("change.begun", task, organisation_id=task.holder_id, event=event, patent=patent.id)
    return task


def tell(actor: Actor, task_id: int, step: str) -> ChangeTask:
    """Say that a step is done which no fact shows.

    Raises:
        Invalid: `change-step-unknown`.
        Conflict: `illegal-transition` when the task is over.
    """
    task = _locked(actor, task_id)
    if step not in rules.TOLD or step not in rules.STEPS[task.event]:
        raise Invalid("change-step-unknown", "This step shows by the facts: it cannot be ticked.")

    def effect() -> None:
        task.told = {**task.told, step: clock.today().isoformat()}

    CHANGE.execute(actor, task, "tell", effect=effect, organisation_id=task.holder_id, step=step)
    settle(task)
    return task


def cancel(actor: Actor, task_id: int) -> ChangeTask:
    """Give a task up: the event did not come about.

    Raises:
        Conflict: `illegal-transition` when the task is over.
    """
    task = _locked(actor, task_id)

    def effect() -> None:
        task.ended_on = clock.today()

    CHANGE.execute(actor, task, "cancel", effect=effect, organisation_id=task.holder_id)
    return task


def redeclare(actor: Actor, task_id: int) -> Offer:
    """Draft a declaration with the terms of the one that was withdrawn.

    The explanation of the fee, the contact and the term's end are taken over as they were: the new owners
    look through them before they file.

    Raises:
        Conflict: `change-not-yet`: a step before it is open; `change-redeclared`: there is a draft.
        Invalid: `offer-invalid`: the old terms can no longer be declared.
        Forbidden: the actor acts for none of the present patentees.
    """
    task = _locked(actor, task_id)
    old, patent = task.offer, lock(Patent, task.patent_id)
    turn = {step.code: step.state for step in steps_of(task)}
    if old is None or turn.get("redeclare") != "now":
        raise Conflict("change-not-yet", "A step before this one is still open.")
    if task.redeclared is not None and task.redeclared.status not in ("refused", "discarded"):
        raise Conflict("change-redeclared", "The declaration has been drafted already.")
    values = {name: getattr(old, name) for name in _REPEATED}
    values |= {"fee": old.fee_minor, "rate": old.rate_percent}
    if old.term_to is not None and old.term_to < clock.today():
        values["term_to"] = None
    if values["payment_text"] is None:
        values["payment_text"] = listing_rules.payment_text(offer_terms(old))
    draft = draft_offer(actor, patent, values)

    def effect() -> None:
        task.redeclared = draft

    CHANGE.execute(actor, task, "redeclare", effect=effect, organisation_id=task.holder_id, offer=draft.id)
    return draft


def settle(task: ChangeTask) -> bool:
    """End a task, which is locked, when its steps are done; whether it ended."""
    if task.state != "open" or not rules.complete(task.event, facts_of(task)):
        return False

    def effect() -> None:
        task.ended_on = clock.today()

    CHANGE.execute(SYSTEM, task, "end", effect=effect, organisation_id=task.holder_id)
    return True


def settle_on(patent_ids: Sequence[int]) -> None:
    """End the tasks on these patents whose steps are done; inside a unit of work."""
    query = sa.select(ChangeTask.id).where(ChangeTask.state == "open", ChangeTask.patent_id.in_(patent_ids))
    for task_id in sorted(db.session.scalars(query)):
        task = lock(ChangeTask, task_id)
        db.session.refresh(task.patent, ["parties", "facts"])
        settle(task)


def _locked(actor: Actor, task_id: int) -> ChangeTask:
    found = get_task(actor, task_id)
    require(actor, "change.keep", found)
    lock(Patent, found.patent_id)
    return lock(ChangeTask, task_id)
