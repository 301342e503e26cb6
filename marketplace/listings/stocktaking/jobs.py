"""One action on many patents: chosen one by one or by a filter, done in batches, resumable, with refusals.

Each batch is one unit of work that also moves the job's own mark, so a worker that dies in the middle leaves
whole batches behind and the next one goes on after them. Few patents are dealt with at once.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from marketplace.accounts.models import User
from marketplace.accounts.services import actor_for
from marketplace.core import clock, tasks
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, DomainError, Invalid, NotFound, Unauthenticated
from marketplace.core.permissions import require
from marketplace.core.readers import wall
from marketplace.core.unit_of_work import current, lock, record

from . import filters, services
from .desk import Case, Desk, desk_of
from .models import Stock, StockJob, StockRefusal

TASK: Final = "stock.job"
AT_ONCE: Final = 50  # patents that are dealt with in the request itself
BATCH: Final = 200
STILL: Final = dt.timedelta(seconds=60)  # a job that has not moved for so long was left by its worker
ACTIONS: Final = (
    "set_unit", "set_inventor", "set_grade", "set_wish", "set_practice", "submit", "approve", "return",
    "draft_offers",
)  # fmt: skip


def start(
    desk: Desk,
    action: str,
    values: Mapping[str, Any],
    *,
    ids: Sequence[int] | None = None,
    wanted: filters.Filter | None = None,
) -> StockJob:
    """Begin an action on many patents, and do it at once when they are few.

    Args:
        action: one of ACTIONS.
        values: what it takes, as JSON: `unit_id`, `inventor_id`, `grade`, `wish` (routes), `practice`
            with `practised_by`, `practised_how`, `practised_since` (ISO), `comment`.
        ids: ids of the stock that were ticked; without them all that match `wanted`.

    Raises:
        Invalid: `bulk-action-unknown`, `comment-missing`.
        Conflict: `nothing-chosen`.
    """
    require(desk.actor, "stock.work", desk)
    if action not in ACTIONS:
        raise Invalid("bulk-action-unknown", "There is no such action.")
    if action == "return" and not str(values.get("comment") or "").strip():
        message = N_("Please say why, so that it can be put right.")
        raise Invalid(
            "comment-missing",
            "Please say why, so that it can be put right.",
            fields={"comment": [message]},
        )
    chosen: dict[str, Any]
    if ids is not None:
        known = sorted(set(_visible(desk, ids)))
        total, last, chosen = len(known), max(known, default=0), {"ids": known}
    else:
        wanted = wanted or filters.Filter()
        total, last = filters.number_of(wanted, desk)
        chosen = {"filter": wanted.as_json()}
    if not total:
        raise Conflict("nothing-chosen", "No patent is chosen.")
    job = StockJob(
        organisation_id=desk.organisation_id,
        user_id=desk.actor.user_id,
        acting_for_id=desk.actor.organisation_id,
        action=action,
        chosen=chosen,
        values=dict(values),
        state="waiting",
        total=total,
        reached=0,
        last=last,
        changed=0,
        unchanged=0,
        refused=0,
        created_at=clock.now(),
        touched_at=wall(),
    )
    db.session.add(job)
    record("stock.job_started", job, organisation_id=desk.organisation_id, bulk=action, total=total)
    if total <= AT_ONCE:
        _batch(job, desk, size=AT_ONCE + 1)
        _finish_if_done(job, desk)
    else:
        tasks.enqueue(TASK, key=str(job.id), job_id=job.id)
    return job


def _visible(desk: Desk, ids: Sequence[int]) -> list[int]:
    conditions = filters.conditions(filters.Filter(), desk)
    return list(db.session.scalars(sa.select(Stock.id).where(*conditions, Stock.id.in_(ids))))


def carry_on(job_id: int) -> bool:
    """Do the next batch of a job, in the present unit of work. Returns whether the job is done."""
    job = lock(StockJob, job_id)
    if job.state == "done":
        return True
    current().actor = actor = _actor_of(job)
    desk = desk_of(actor, job.organisation_id)
    _batch(job, desk, size=BATCH)
    return _finish_if_done(job, desk)


def _actor_of(job: StockJob) -> Actor:
    """The person who began the job, with what they may do today: roles may have changed since."""
    user = db.session.get_one(User, job.user_id)
    try:
        return actor_for(user, job.acting_for_id)
    except Unauthenticated:
        return Actor(user_id=user.id)


def _batch(job: StockJob, desk: Desk, *, size: int) -> None:
    ids = _next(job, desk, size)
    rows = {
        row.id: row
        for row in db.session.scalars(
            sa.select(Stock)
            .where(Stock.id.in_(ids))
            .order_by(Stock.id)
            .options(selectinload(Stock.patent).options(*services.SHORT))
            .with_for_update(of=Stock),
            execution_options={"populate_existing": True},
        )
    }
    outcomes: Counter[bool] = Counter()
    refusals: list[StockRefusal] = []
    action, values, job_id = job.action, dict(job.values), job.id
    for key in ids:
        try:
            with current().savepoint():
                outcomes[_apply(Case(rows[key], desk), action, values, job_id)] += 1
        except DomainError as error:
            refusals.append(_refusal(job_id, key, error))
    # The job's own row is written once for the whole batch.
    db.session.add_all(refusals)
    job.changed += outcomes[True]
    job.unchanged += outcomes[False]
    job.refused += len(refusals)
    job.reached = ids[-1] if ids else job.last
    job.state = "running"
    job.touched_at = wall()
    db.session.flush()


def _next(job: StockJob, desk: Desk, size: int) -> list[int]:
    if "ids" in job.chosen:
        return [key for key in job.chosen["ids"] if key > job.reached][:size]
    wanted = filters.parse(job.chosen["filter"], strict=False)
    return filters.following(wanted, desk, after=job.reached, upto=job.last, size=size)


def _finish_if_done(job: StockJob, desk: Desk) -> bool:
    if job.reached < job.last and _next(job, desk, 1):
        return False
    job.state, job.finished_at = "done", clock.now()
    record(
        "stock.job_done",
        job,
        organisation_id=job.organisation_id,
        changed=job.changed,
        unchanged=job.unchanged,
        refused=job.refused,
    )
    return True


def _apply(case: Case, action: str, values: Mapping[str, Any], job_id: int) -> bool:
    if action == "set_unit":
        return services.place(case, {"unit_id": values.get("unit_id")})
    if action == "set_inventor":
        return services.place(case, {"inventor_id": values.get("inventor_id")})
    if action == "set_grade":
        return services.edit(case, {"grade": values.get("grade")})
    if action == "set_wish":
        return services.edit(case, {"wish": values.get("wish") or ()})
    if action == "set_practice":
        since = values.get("practised_since")
        return services.edit(
            case,
            {
                "practice": values.get("practice"),
                "practised_by": values.get("practised_by"),
                "practised_how": values.get("practised_how"),
                "practised_since": dt.date.fromisoformat(since) if since else None,
            },
        )
    if action == "draft_offers":
        return services.draft(case)
    return services.act(case, action, values.get("comment"), job_id=job_id)


def _refusal(job_id: int, stock_id: int, error: DomainError) -> StockRefusal:
    # The first sentence about a field says more than the one about the whole.
    told = next(iter(getattr(error, "fields", {}).values()), None)
    plain = {
        name: value for name, value in error.parameters.items() if isinstance(value, str | int | float | bool)
    }
    return StockRefusal(
        job_id=job_id,
        stock_id=stock_id,
        code=error.code,
        message=told[0] if told else error.message,
        parameters=plain,
    )


# --- reading


def get_job(desk: Desk, job_id: int) -> StockJob:
    """A job of this organisation: one's own, or (the office) anybody's.

    Raises:
        NotFound: `job-unknown`.
    """
    job = db.session.get(StockJob, job_id)
    mine = job is not None and (desk.office or job.user_id == desk.actor.user_id)
    if job is None or job.organisation_id != desk.organisation_id or not desk.member or not mine:
        raise NotFound("job-unknown", "There is no such action, or it is not yours.")
    return job


def recent(desk: Desk, size: int = 20) -> list[StockJob]:
    """The last jobs that `get_job` would give, newest first."""
    query = sa.select(StockJob).where(StockJob.organisation_id == desk.organisation_id)
    if not desk.office:
        query = query.where(StockJob.user_id == desk.actor.user_id)
    return list(db.session.scalars(query.order_by(StockJob.id.desc()).limit(size)))


def refusals(job: StockJob, *, after: int = 0, size: int = 100) -> list[tuple[StockRefusal, Stock]]:
    """Refusals of a job with their patents, by id above `after`."""
    query = (
        sa.select(StockRefusal, Stock)
        .join(Stock, Stock.id == StockRefusal.stock_id)
        .where(StockRefusal.job_id == job.id, StockRefusal.id > after)
        .order_by(StockRefusal.id)
        .limit(size)
        .options(selectinload(Stock.patent).options(*services.SHORT))
    )
    return [(row[0], row[1]) for row in db.session.execute(query)]


def left_behind() -> list[int]:
    """Jobs that have stood still since their worker died, ids. Reads only."""
    query = sa.select(StockJob.id).where(StockJob.state != "done", StockJob.touched_at < wall() - STILL)
    return list(db.session.scalars(query))


def release(job_id: int) -> None:
    """Free the task of a job from the lease of a worker that died, in the present unit of work.

    Should it be alive after all: the job's own row lets one batch through at a time.
    """
    db.session.execute(
        sa.update(tasks.Task)
        .where(
            tasks.Task.name == TASK,
            tasks.Task.key == str(job_id),
            tasks.Task.lease.is_not(None),
            tasks.Task.lease_until > wall() + STILL,
        )
        .values(lease=None, lease_until=None)
    )
