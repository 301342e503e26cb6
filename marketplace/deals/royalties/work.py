"""What the worker does about royalties: plans and periods are made, the parties reminded. It ends nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM
from marketplace.core.database import db
from marketplace.core.tasks import Handler, Schedule
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals.models import Licence, Notice, Obligation

from . import rules
from .lifecycle import PERIOD
from .models import RoyaltyDefault, RoyaltyPeriod, RoyaltyPlan, RoyaltyStatement
from .services import ground_of

_FORMS = ("royalty_net_sales", "royalty_profit", "entry_plus_royalty")


def make_periods() -> None:
    """Make plans for new licences that bear royalty and the periods that have begun; close what is over."""
    _make_plans()
    _begin_periods()
    _shorten()
    today = clock.today()
    over = sa.select(RoyaltyPeriod.id).where(RoyaltyPeriod.state == "running", RoyaltyPeriod.ends < today)
    for key in list(db.session.scalars(over)):
        with unit_of_work():
            period = lock(RoyaltyPeriod, key)
            if period.state == "running" and period.ends < today:
                _move(period, "close")


def remind() -> None:
    """Tell the parties what falls due soon and what is overdue, each once."""
    today = clock.today()
    soon = today + dt.timedelta(days=rules.REMIND_BEFORE)
    reports = sa.select(RoyaltyPeriod.id).where(RoyaltyPeriod.state == "due")
    for key in list(
        db.session.scalars(
            reports.where(RoyaltyPeriod.reminded_at.is_(None), RoyaltyPeriod.report_due_on <= soon)
        )
    ):
        with unit_of_work():
            period = lock(RoyaltyPeriod, key)
            if period.state == "due" and period.reminded_at is None:
                period.reminded_at = clock.now()
                _tell(period, "royalty.report_soon")
    for key in list(db.session.scalars(reports.where(RoyaltyPeriod.report_due_on < today))):
        with unit_of_work():
            period = lock(RoyaltyPeriod, key)
            if period.state == "due" and period.report_due_on < today:
                period.overdue_at = clock.now()
                _move(period, "overdue")
    unpaid = (
        sa.select(RoyaltyPeriod.id, Obligation.due_on)
        .join(RoyaltyStatement, RoyaltyStatement.period_id == RoyaltyPeriod.id)
        .join(Obligation, RoyaltyStatement.obligation_id == Obligation.id)
        .where(
            Obligation.state == "open",
            Obligation.due_on <= soon,
            sa.or_(RoyaltyPeriod.payment_reminded_at.is_(None), RoyaltyPeriod.payment_overdue_at.is_(None)),
        )
    )
    for key, due_on in list(db.session.execute(unpaid)):
        if due_on is None:
            continue
        with unit_of_work():
            period = lock(RoyaltyPeriod, key)
            if due_on < today and period.payment_overdue_at is None:
                period.payment_overdue_at = clock.now()
                period.payment_reminded_at = period.payment_reminded_at or clock.now()
                _tell(period, "royalty.payment_overdue")
            elif due_on >= today and period.payment_reminded_at is None:
                period.payment_reminded_at = clock.now()
                _tell(period, "royalty.payment_soon")
    _tell_of_cures(today)


def _tell_of_cures(today: dt.date) -> None:
    """Tell holders that the time of their notice of default is over and the default still stands, once."""
    over = sa.select(RoyaltyDefault.id).where(
        RoyaltyDefault.state == "given",
        RoyaltyDefault.cure_over_at.is_(None),
        RoyaltyDefault.cure_by < today,
    )
    for key in list(db.session.scalars(over)):
        with unit_of_work():
            row = lock(RoyaltyDefault, key)
            stands = row.state == "given" and ground_of(row.period, today) is not None
            if stands and row.cure_over_at is None:
                row.cure_over_at = clock.now()
                record("royalty.cure_over", row, organisation_id=row.period.licence.licensee_id)


def _make_plans() -> None:
    form = Notice.terms["fee_form"].as_string()
    without = (
        sa.select(Licence.id)
        .join(Notice, Licence.notice_id == Notice.id)
        .outerjoin(RoyaltyPlan, RoyaltyPlan.licence_id == Licence.id)
        .where(RoyaltyPlan.id.is_(None), Licence.kind == "open", form.in_(_FORMS))
        .order_by(Licence.id)
    )
    for key in list(db.session.scalars(without)):
        with unit_of_work():
            licence = lock(Licence, key)
            terms = {} if licence.notice is None else licence.notice.terms
            base = rules.base_of(terms)
            if base is None or not rules.bears_royalty(terms):
                continue
            length, source = rules.length_of(terms)
            plan = RoyaltyPlan(
                licence=licence,
                base=base,
                rate_percent=Decimal(terms["rate_percent"]),
                currency=terms["currency"],
                length=length,
                length_source=source,
                limits_source="default",
                report_days=rules.REPORT_DAYS,
                pay_days=rules.PAY_DAYS,
                created_at=clock.now(),
            )
            db.session.add(plan)
            record("royalty.planned", plan, organisation_id=licence.licensee_id, licence_id=licence.id)


def _begin_periods() -> None:
    """Every period that has begun by today, one after the other without a gap."""
    today = clock.today()
    last = (
        sa.select(RoyaltyPeriod.licence_id, sa.func.max(RoyaltyPeriod.ends).label("ends"))
        .group_by(RoyaltyPeriod.licence_id)
        .subquery()
    )
    behind = (
        sa.select(RoyaltyPlan.id)
        .outerjoin(last, last.c.licence_id == RoyaltyPlan.licence_id)
        .where(sa.or_(last.c.ends.is_(None), last.c.ends < today))
    )
    for key in list(db.session.scalars(behind)):
        with unit_of_work():
            plan = lock(RoyaltyPlan, key)
            licence = plan.licence
            reached = db.session.scalar(
                sa.select(sa.func.max(RoyaltyPeriod.ends)).where(RoyaltyPeriod.licence_id == licence.id)
            )
            begins = licence.effective_on if reached is None else reached + dt.timedelta(days=1)
            end = last_day_of(licence)
            while begins <= today and (end is None or begins <= end):
                found = rules.stretch(
                    begins, plan.length, end, report_days=plan.report_days, pay_days=plan.pay_days
                )
                period = RoyaltyPeriod(
                    licence=licence,
                    state=PERIOD.initial,
                    begins=found.begins,
                    ends=found.ends,
                    report_due_on=found.report_due_on,
                    pay_due_on=found.pay_due_on,
                    provisional=found.provisional,
                    base=plan.base,
                    rate_percent=plan.rate_percent,
                    minimum_minor=plan.minimum_minor,
                    cap_minor=plan.cap_minor,
                    currency=plan.currency,
                )
                db.session.add(period)
                record("royalty.period_begun", period, organisation_id=licence.licensee_id)
                begins = found.ends + dt.timedelta(days=1)


def _shorten() -> None:
    """A licence that ended early ends its running period on that day, and its due dates follow."""
    ended = (
        sa.select(RoyaltyPeriod.id)
        .join(Licence, RoyaltyPeriod.licence_id == Licence.id)
        .where(RoyaltyPeriod.state == "running", Licence.ended_on < RoyaltyPeriod.ends)
    )
    for key in list(db.session.scalars(ended)):
        with unit_of_work():
            period = lock(RoyaltyPeriod, key)
            plan = db.session.scalars(
                sa.select(RoyaltyPlan).where(RoyaltyPlan.licence_id == period.licence_id)
            ).one()
            last = period.licence.ended_on
            if last is None or period.state != "running":
                continue
            found = rules.stretch(
                period.begins,
                plan.length,
                max(last, period.begins),
                report_days=plan.report_days,
                pay_days=plan.pay_days,
            )
            period.ends, period.provisional = found.ends, found.provisional
            period.report_due_on, period.pay_due_on = found.report_due_on, found.pay_due_on
            record("royalty.period_shortened", period, organisation_id=period.licence.licensee_id)


def last_day_of(licence: Licence) -> dt.date | None:
    """The day after which a licence bears no royalty; None where no end is on record."""
    return licence.ended_on or licence.term_to or licence.patent_expires_on


def _move(period: RoyaltyPeriod, action: str) -> None:
    PERIOD.execute(SYSTEM, period, action, organisation_id=period.licence.licensee_id)


def _tell(period: RoyaltyPeriod, entry: str) -> None:
    record(entry, period, organisation_id=period.licence.licensee_id)


TASKS: dict[str, Handler] = {"royalties.make_periods": make_periods, "royalties.remind": remind}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule("royalties.make_periods", every=dt.timedelta(minutes=10)),
    Schedule("royalties.remind", every=dt.timedelta(hours=1)),
)
