"""What the parties do about royalties: statements, corrections, the reading of the terms, default."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.files import checked_upload, keep
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals import ledger, numbers
from marketplace.deals.clauses.models import ClauseAcceptance, OfferClause
from marketplace.deals.licences import end_licence, require_in_effect
from marketplace.deals.lookup import lock_notice
from marketplace.deals.models import OPEN_PAYMENT, Licence, Obligation, Payment
from marketplace.deals.policies import holder_side

from . import rules
from .lifecycle import CHANGE, DEFAULT, PERIOD
from .models import (
    LENGTHS,
    RoyaltyDefault,
    RoyaltyEvidence,
    RoyaltyLine,
    RoyaltyPeriod,
    RoyaltyPlan,
    RoyaltyPlanChange,
    RoyaltyStatement,
)

MAX_LINES = 200
MAX_FILES = 10
MAX_NOTE = 2000

Row = TypeVar("Row", RoyaltyPlanChange, RoyaltyPeriod, RoyaltyStatement, RoyaltyDefault)


@dataclass(frozen=True)
class LineGiven:
    """One product of a statement as it is handed in; amounts in minor units."""

    product: str
    amount_minor: int
    deductions_minor: int = 0
    quantity: str | None = None
    unit: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Given:
    """A statement as it is handed in: without lines a zero statement, with a `reason` a correction."""

    lines: Sequence[LineGiven] = ()
    note: str | None = None
    reason: str | None = None
    files: Sequence[tuple[str, bytes]] = field(default=())


def get(actor: Actor, model: type[Row], key: int) -> Row:
    """A row of this package that the actor may see.

    Raises:
        NotFound: there is none, or it is another party's.
    """
    row = db.session.get(model, key)
    if row is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "royalty.view", row)
    return row


def conditions_of(period: RoyaltyPeriod) -> rules.Conditions:
    """What a period is reckoned by."""
    return rules.Conditions(period.base, period.rate_percent, period.minimum_minor, period.cap_minor)


def reckon(period: RoyaltyPeriod, lines: Sequence[LineGiven | RoyaltyLine]) -> rules.Reckoning:
    """The royalty of a period by these lines, step by step."""
    given = [rules.Line(one.amount_minor, one.deductions_minor) for one in lines]
    return rules.reckon(given, conditions_of(period))


def current(period: RoyaltyPeriod) -> RoyaltyStatement | None:
    """The statement of a period that counts, None while there is none."""
    return next((one for one in period.statements if one.current), None)


def submit(actor: Actor, period_id: int, given: Given) -> RoyaltyStatement:
    """State what a period brought; a later statement corrects it, the earlier one stays readable.

    The royalty is owed at once as an obligation of the notice, paid in the ways of every fee. What a
    correction lowers is credited: an unpaid claim is replaced, what was paid is set off against later ones.

    Args:
        actor: the licensee's side.
        period_id: which period; it has to be over.

    Raises:
        NotFound: no such period, or another party's.
        Invalid: `royalty-lines-invalid`, `correction-reason-missing`, `file-type`, `file-too-large`.
        Conflict: `period-not-over`, `payment-open` when a claim that falls away is being paid.
    """
    found = get(actor, RoyaltyPeriod, period_id)
    require(actor, "royalty.report", found)
    notice = found.licence.notice
    if notice is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    # In the one order of locks: offer, notice, and then the period.
    notice = lock_notice(notice)
    period = lock(RoyaltyPeriod, found.id)
    rules.require_over(period.ends, clock.today())
    _check(period, given)
    earlier = current(period)
    reckoning = reckon(period, given.lines)
    _drop_unpaid_claim(period)
    if earlier is not None:
        earlier.current = False
    db.session.flush()
    rest = rules.settle(_royalties(period.licence_id) + reckoning.royalty_minor, _claimed(notice.id))
    statement = RoyaltyStatement(
        number=numbers.new_number("TC", clock.today()),
        period=period,
        sequence=len(period.statements) + 1,
        current=True,
        base_minor=reckoning.base_minor,
        royalty_minor=reckoning.royalty_minor,
        due_minor=rest.due_minor,
        credit_left_minor=rest.credit_left_minor,
        note=given.note or None,
        reason=given.reason if earlier is not None else None,
        submitted_by=actor.user_id,
        submitted_at=clock.now(),
        lines=[
            RoyaltyLine(
                position=place,
                product=one.product,
                quantity=one.quantity,
                unit=one.unit,
                amount_minor=one.amount_minor,
                deductions_minor=one.deductions_minor,
                note=one.note,
            )
            for place, one in enumerate(given.lines, start=1)
        ],
        evidence=[_kept(period, name, content) for name, content in given.files],
    )
    if rest.due_minor:
        due_on = max(period.pay_due_on, clock.deadline(clock.today(), days=rules.PAY_DAYS).date)
        owed = Obligation(
            kind="royalty",
            amount_minor=rest.due_minor,
            currency=period.currency,
            state="open",
            due_on=due_on if earlier is not None else period.pay_due_on,
        )
        notice.obligations.append(owed)
        statement.obligation = owed
    db.session.add(statement)
    db.session.flush()
    PERIOD.execute(
        actor,
        period,
        "report" if earlier is None else "correct",
        organisation_id=period.licence.licensee_id,
        statement_id=statement.id,
    )
    return statement


def _check(period: RoyaltyPeriod, given: Given) -> None:
    if period.state == "reported" and not (given.reason or "").strip():
        said = N_("Please say what was wrong in the earlier statement.")
        raise Invalid("correction-reason-missing", said, fields={"reason": [said]})
    losses = period.base == "profit"
    bad = len(given.lines) > MAX_LINES or len(given.files) > MAX_FILES or len(given.note or "") > MAX_NOTE
    for one in given.lines:
        bad = bad or not one.product.strip() or one.deductions_minor < 0
        bad = bad or (one.amount_minor < 0 and not losses)
    if bad:
        said = N_("Each line needs a product, sales of zero or more, and deductions of zero or more.")
        raise Invalid("royalty-lines-invalid", said, fields={"lines": [said]})


def _kept(period: RoyaltyPeriod, name: str, content: bytes) -> RoyaltyEvidence:
    row = keep(
        content,
        name=name,
        content_type=checked_upload(content),
        purpose="royalty_evidence",
        organisation_id=period.licence.licensee_id,
    )
    return RoyaltyEvidence(file=row)


def add_evidence(actor: Actor, statement_id: int, name: str, content: bytes) -> RoyaltyEvidence:
    """Add a file that a handed-in statement rests on; the statement itself stays as it is.

    Raises:
        NotFound: no such statement, or another party's.
        Invalid: `royalty-lines-invalid` when there are ten already; `file-type`, `file-too-large`.
    """
    found = get(actor, RoyaltyStatement, statement_id)
    require(actor, "royalty.report", found)
    lock(RoyaltyPeriod, found.period_id)
    if len(found.evidence) >= MAX_FILES:
        said = N_("A statement has ten files at most.")
        raise Invalid("royalty-lines-invalid", said, fields={"file": [said]})
    row = _kept(found.period, name, content)
    found.evidence.append(row)
    db.session.flush()
    record(
        "royalty.evidence_added",
        found.period,
        organisation_id=found.period.licence.licensee_id,
        statement_id=found.id,
    )
    return row


def _drop_unpaid_claim(period: RoyaltyPeriod) -> None:
    """Cancel what earlier statements of the period have claimed, as far as nothing was paid towards it."""
    for statement in period.statements:
        if statement.obligation is None:
            continue
        owed = lock(Obligation, statement.obligation.id)
        if owed.state != "open" or ledger.standing(owed):
            continue
        attempt = sa.select(Payment.id).where(
            Payment.obligation_id == owed.id, Payment.state.in_(OPEN_PAYMENT)
        )
        if db.session.scalar(attempt.limit(1)) is not None:
            raise Conflict("payment-open", "A payment is already under way: finish it or cancel it first.")
        owed.state = "cancelled"
        record("obligation.cancelled", owed, organisation_id=period.licence.licensee_id)


def _royalties(licence_id: int) -> int:
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(RoyaltyStatement.royalty_minor), 0))
        .join(RoyaltyPeriod, RoyaltyStatement.period_id == RoyaltyPeriod.id)
        .where(RoyaltyPeriod.licence_id == licence_id, RoyaltyStatement.current.is_(True))
    )
    return int(db.session.scalar(query) or 0)


def _claimed(notice_id: int) -> int:
    """Royalty claims from statements; one that was declared to obtain the licence counts as well."""
    query = sa.select(sa.func.coalesce(sa.func.sum(Obligation.amount_minor), 0)).where(
        Obligation.notice_id == notice_id, Obligation.kind == "royalty", Obligation.state != "cancelled"
    )
    return int(db.session.scalar(query) or 0)


# --- the reading of the terms


@dataclass(frozen=True)
class Reading:
    """How the announced terms are read as to reporting; amounts per period in minor units."""

    length: str
    report_days: int
    pay_days: int
    minimum_minor: int | None
    cap_minor: int | None
    reason: str


def propose_plan(actor: Actor, licence_id: int, reading: Reading) -> RoyaltyPlanChange:
    """Propose to the other party how the terms are read; it holds from the next period on, once accepted.

    Raises:
        NotFound: no such licence, no royalty, or another party's.
        Invalid: `royalty-plan-invalid`.
        Conflict: `royalty-plan-open`, `licence-over`.
    """
    plan = db.session.scalar(sa.select(RoyaltyPlan).where(RoyaltyPlan.licence_id == licence_id))
    if plan is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "royalty.propose_plan", plan)
    plan = lock(RoyaltyPlan, plan.id)
    require_in_effect(plan.licence)
    low, high = reading.minimum_minor, reading.cap_minor
    fits = reading.length in LENGTHS and 1 <= reading.report_days <= 180 and 1 <= reading.pay_days <= 180
    fits = fits and (low or 0) >= 0 and (high is None or high >= (low or 0)) and bool(reading.reason.strip())
    if not fits:
        raise Invalid(
            "royalty-plan-invalid",
            "Please give 1 to 180 days, a highest sum that is not below the lowest, and the reason.",
        )
    waiting = sa.select(RoyaltyPlanChange.id).where(
        RoyaltyPlanChange.plan_id == plan.id, RoyaltyPlanChange.state == "proposed"
    )
    if db.session.scalar(waiting) is not None:
        raise Conflict("royalty-plan-open", "A proposal is waiting for its answer already.")
    change = RoyaltyPlanChange(
        plan=plan,
        state=CHANGE.initial,
        side="holder" if holder_side(actor, plan.licence) else "licensee",
        organisation_id=actor.organisation_id,
        length=reading.length,
        report_days=reading.report_days,
        pay_days=reading.pay_days,
        minimum_minor=low,
        cap_minor=high,
        reason=reading.reason.strip(),
        proposed_at=clock.now(),
    )
    db.session.add(change)
    record("royalty.plan_proposed", change, organisation_id=plan.licence.licensee_id, side=change.side)
    return change


def answer_plan(actor: Actor, change_id: int, action: str) -> RoyaltyPlanChange:
    """Accept, decline or take back a proposed reading (`accept`, `decline`, `take_back`).

    Raises:
        Forbidden: the actor is on the wrong side for it.
        Conflict: `illegal-transition`, when it has its answer.
    """
    change = lock(RoyaltyPlanChange, get(actor, RoyaltyPlanChange, change_id).id)
    plan = lock(RoyaltyPlan, change.plan_id)

    def effect() -> None:
        change.answered_at = clock.now()
        if action == "accept":
            if plan.length != change.length:
                plan.length, plan.length_source = change.length, "agreed"
            plan.report_days, plan.pay_days = change.report_days, change.pay_days
            plan.minimum_minor, plan.cap_minor = change.minimum_minor, change.cap_minor
            plan.limits_source = "agreed"

    CHANGE.execute(
        actor, change, action, effect=effect, organisation_id=plan.licence.licensee_id, side=change.side
    )
    return change


# --- default


def accepted_grace(licence: Licence) -> ClauseAcceptance | None:
    """The clause on a grace period that the licensee has accepted; None when it has accepted none."""
    if licence.notice_id is None:
        return None
    query = (
        sa.select(ClauseAcceptance)
        .join(OfferClause, ClauseAcceptance.clause_id == OfferClause.id)
        .where(ClauseAcceptance.notice_id == licence.notice_id, OfferClause.kind == "grace_period")
        .order_by(ClauseAcceptance.id.desc())
        .limit(1)
    )
    return db.session.scalars(query).unique().first()


def ground_of(period: RoyaltyPeriod, today: dt.date) -> str | None:
    """What is in default in a period: `unreported` or `unpaid` after its due date; None when nothing is."""
    if period.state in ("due", "overdue"):
        return "unreported" if today > period.report_due_on else None
    if period.state != "reported":
        return None
    for statement in period.statements:
        owed = statement.obligation
        if owed is not None and owed.state == "open" and owed.due_on is not None and today > owed.due_on:
            return "unpaid"
    return None


def shortest_cure(period: RoyaltyPeriod, today: dt.date) -> clock.Deadline:
    """The earliest last day that a notice of default may set: the accepted grace, else a reasonable time."""
    clause = accepted_grace(period.licence)
    days = None if clause is None else rules.grace_days(clause.clause.text)
    return clock.deadline(today, days=days or rules.CURE_DAYS)


def give_default(actor: Actor, period_id: int, *, text: str, cure_by: dt.date) -> RoyaltyDefault:
    """Demand what is overdue and set a last day for it (催告, CC 563); nothing else changes.

    The ground is the accepted clause on grace where there is one, else the law's.

    Raises:
        Conflict: `nothing-overdue`, `default-open`, `licence-over`.
        Invalid: `text-missing`, `cure-too-short`.
    """
    found = get(actor, RoyaltyPeriod, period_id)
    require(actor, "royalty.default", found)
    period = lock(RoyaltyPeriod, found.id)
    require_in_effect(period.licence)
    ground = ground_of(period, clock.today())
    if ground is None:
        raise Conflict("nothing-overdue", "Nothing is overdue in this period.")
    if not text.strip():
        said = N_("Please say what you demand.")
        raise Invalid("text-missing", said, fields={"text": [said]})
    if cure_by < shortest_cure(period, clock.today()).date:
        said = N_("This day leaves the licensee too little time.")
        raise Invalid("cure-too-short", said, fields={"cure_by": [said]})
    standing = sa.select(RoyaltyDefault.id).where(
        RoyaltyDefault.period_id == period.id, RoyaltyDefault.state == "given"
    )
    if db.session.scalar(standing) is not None:
        raise Conflict("default-open", "A notice of default stands for this period already.")
    clause = accepted_grace(period.licence)
    row = RoyaltyDefault(
        number=numbers.new_number("CG", clock.today()),
        period=period,
        state=DEFAULT.initial,
        ground=ground,
        basis="statutory" if clause is None else "contractual",
        acceptance_id=None if clause is None else clause.id,
        text=text.strip(),
        cure_by=cure_by,
        given_by=actor.user_id,
        given_at=clock.now(),
    )
    db.session.add(row)
    record("royalty.default_given", row, organisation_id=period.licence.licensee_id, ground=ground)
    return row


def close_default(actor: Actor, default_id: int, action: str) -> RoyaltyDefault:
    """Say what came of a notice of default: `restore`, `take_back`, or `end` the licence on its ground.

    Ending goes by the licence's own life cycle and takes effect today; it needs the set day to be over and
    the duty still unmet. The licensee may contest it in court or by arbitration (CC 565).

    Raises:
        Conflict: `cure-running`, `nothing-overdue`, `illegal-transition`.
    """
    found = get(actor, RoyaltyDefault, default_id)
    require(actor, "royalty.default", found)
    row = lock(RoyaltyDefault, found.id)
    DEFAULT.find(action, row.state)
    if action == "end":
        if clock.today() <= row.cure_by:
            raise Conflict("cure-running", "The time that the notice sets is not over yet.")
        if ground_of(row.period, clock.today()) is None:
            raise Conflict("nothing-overdue", "Nothing is overdue in this period.")
        end_licence(actor, row.period.licence_id, reason=f"{row.basis}_ground")

    def effect() -> None:
        row.closed_at = clock.now()

    DEFAULT.execute(actor, row, action, effect=effect, organisation_id=row.period.licence.licensee_id)
    return row
