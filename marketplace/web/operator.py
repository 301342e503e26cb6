"""The operator's queues: what waits for a person, and what went wrong. Nobody acts as another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import checks, dead_letters
from marketplace.core.database import db
from marketplace.core.errors import Conflict, NotFound
from marketplace.core.readers import DeadLetter
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.export_control.supervision import count_waiting
from marketplace.deals.models import Notice, Obligation, Payment, Quarantine, RefundTask
from marketplace.deals.patent_ends import count_stated_ends
from marketplace.deals.refunds import WAITING, list_refunds
from marketplace.listings.models import IN_FORCE, Offer
from marketplace.listings.services import awaiting_verification

from . import (
    operator_ends,
    operator_exports,
    operator_lists,
    operator_offers,
    operator_people,
    operator_quarantine,
    operator_reconciliations,
    operator_synonyms,
    operator_system,
    operator_words,
)
from .forms import sentence_of
from .operator_frame import blueprint, key_given

__all__ = ["blueprint"]

# Their views belong to the same blueprint.
VIEWS = (
    operator_offers, operator_ends, operator_lists, operator_people, operator_system, operator_words,
    operator_synonyms, operator_quarantine, operator_reconciliations, operator_exports,
)  # fmt: skip

_SIZE = 50


@dataclass(frozen=True)
class Queue:
    """One queue: how many wait, and what for."""

    text: Any
    count: int
    address: str
    icon: str
    advice: Any = ""


def _count(query: sa.Select[Any]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0


_UNSERVED = sa.select(Notice.id).where(Notice.state == "not_served")
_ABSENT_PAYEES = (
    sa.select(Payment.id)
    .join(Obligation, Payment.obligation_id == Obligation.id)
    .join(Notice, Obligation.notice_id == Notice.id)
    .join(Offer, Notice.offer_id == Offer.id)
    .join(Organisation, Offer.holder_id == Organisation.id)
    .where(
        Payment.channel == "bank",
        Payment.state.in_(("open", "slip_uploaded")),
        Organisation.claimed_at.is_(None),
    )
)
_SLIPS = sa.select(Payment.id).where(Payment.state == "slip_uploaded", Payment.escalated_at.is_not(None))
_DUTIES = sa.select(Offer.id).where(Offer.status.in_(IN_FORCE), Offer.duty_to_withdraw_since.is_not(None))


@blueprint.get("")
@access("operator")
def home() -> ResponseReturnValue:
    """Every queue with its length."""
    stated = sa.select(Offer.id).where(Offer.status.in_(IN_FORCE), Offer.evidence == "holder_stated")
    queues = (
        Queue(
            _l("Announcements to verify"),
            _count(stated),
            url_for("operator.verification"),
            "shield-check",
            _l("Stated by holders; live once you have seen them in the gazette."),
        ),
        Queue(
            _l("Quarantine"),
            _count(sa.select(Quarantine.id).where(Quarantine.state == "open")),
            url_for("operator.quarantine"),
            "cash-stack",
            _l("Money or messages that do not fit what is owed."),
        ),
        Queue(
            _l("Failed work"),
            _count(sa.select(DeadLetter.id).where(DeadLetter.resolved_at.is_(None))),
            url_for("operator.failed"),
            "bug",
            _l("What was given up after five attempts."),
        ),
        Queue(
            _l("Notices without proof of service"),
            _count(_UNSERVED),
            url_for("operator.service"),
            "envelope-exclamation",
            _l("Their holders have not joined: the sealed notice has to be sent and proven."),
        ),
        Queue(
            _l("Payments to holders who have not joined"),
            _count(_ABSENT_PAYEES),
            url_for("operator.absent_payees"),
            "cash-coin",
            _l("Confirm them when the holder has told you that the money arrived."),
        ),
        Queue(
            _l("Slips that wait for the payee"),
            _count(_SLIPS),
            url_for("operator.waiting_slips"),
            "clock-history",
            _l("Shown more than two working days ago, and the holder has neither confirmed nor refused."),
        ),
        Queue(
            _l("Ends of patents to check"),
            count_stated_ends(),
            url_for("operator.patent_ends"),
            "hourglass-split",
            _l("Only the holder says that the patent has ended; its licences wait for you."),
        ),
        Queue(
            _l("Export checks that wait"),
            count_waiting(),
            url_for("operator.export_checks"),
            "globe-asia-australia",
            _l("Licensees seated outside the mainland; the parties answer, or you in the holder's place."),
        ),
        Queue(
            _l("Refunds that are open"),
            _count(sa.select(RefundTask.id).where(RefundTask.state.in_(WAITING))),
            url_for("operator.refunds"),
            "arrow-counterclockwise",
            _l("Holders have to give the money back."),
        ),
        Queue(
            _l("Live offers that have to be withdrawn"),
            _count(_DUTIES),
            url_for("operator.offers", group="duty"),
            "exclamation-octagon",
            _l("A bar has arisen; record a revocation when CNIPA announces one."),
        ),
    )
    return render_template(
        "operator/home.html",
        queues=queues,
        broken=operator_system.break_of(checks.last_check()),
        idle_since=operator_system.idle_since(),
    )


@blueprint.get("/verification")
@access("operator")
def verification() -> ResponseReturnValue:
    """Announcements that only their holders have stated, oldest first."""
    return render_template("operator/verification.html", rows=awaiting_verification())


@blueprint.get("/service")
@access("operator")
def service() -> ResponseReturnValue:
    """Sealed notices whose service is not proven."""
    query = sa.select(Notice).where(Notice.id.in_(_UNSERVED)).order_by(Notice.id)
    return render_template("operator/service.html", rows=db.session.scalars(query.limit(200)).all())


@blueprint.get("/payments")
@access("operator")
def absent_payees() -> ResponseReturnValue:
    """Transfers to holders for whom nobody acts here."""
    return _payments_page(
        _ABSENT_PAYEES,
        gettext("Payments to holders who have not joined"),
        gettext("Ask the holder before you confirm: the money went to the holder's own account."),
    )


@blueprint.get("/slips")
@access("operator")
def waiting_slips() -> ResponseReturnValue:
    """Transfers whose slip has waited too long for the payee's word."""
    return _payments_page(
        _SLIPS,
        gettext("Slips that wait for the payee"),
        gettext("Ask the holder to look at its account: only the payee can say that the money arrived."),
    )


def _payments_page(chosen: sa.Select[Any], title: str, lead: str) -> ResponseReturnValue:
    query = sa.select(Payment).where(Payment.id.in_(chosen)).order_by(Payment.id)
    rows = db.session.scalars(query.limit(200)).all()
    return render_template("operator/payments.html", rows=rows, title=title, lead=lead)


@blueprint.get("/refunds")
@access("operator")
def refunds() -> ResponseReturnValue:
    """Money that holders have to give back."""
    before = key_given("before")
    rows = list_refunds(current_actor(), after=before, limit=_SIZE + 1)
    return render_template(
        "operator/refunds.html", rows=rows[:_SIZE], before=rows[_SIZE - 1].id if len(rows) > _SIZE else None
    )


# --- failed work

_KINDS_OF_WORK = {
    "task": _l("Background task"),
    "reader": _l("Reader of the journal"),
    "search": _l("Search index"),
}


@blueprint.get("/failed")
@access("operator")
def failed() -> ResponseReturnValue:
    """Work that was given up, newest first."""
    return _failed_page()


def _failed_page(problem: str | None = None) -> ResponseReturnValue:
    before = key_given("before")
    rows = dead_letters.open_letters(current_actor(), before=before, size=_SIZE + 1)
    page = render_template(
        "operator/failed.html",
        rows=rows[:_SIZE],
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
        kinds=_KINDS_OF_WORK,
        problem=problem,
    )
    return page, 409 if problem else 200


@blueprint.post("/failed/<int:letter_id>/<deed>")
@access("operator")
def failed_deed(letter_id: int, deed: str) -> ResponseReturnValue:
    """Try again, or close what was settled in another way."""
    actor = current_actor()
    try:
        if deed == "retry":
            dead_letters.retry(actor, letter_id)
            flash(gettext("Tried again: what was left to do is under way or done."), "success")
        elif deed == "resolve":
            with unit_of_work(actor):
                dead_letters.resolve(actor, letter_id)
            flash(gettext("Closed."), "success")
        else:
            raise NotFound("step-unknown", "There is no such step.")
    except Conflict as error:
        return _failed_page(sentence_of(error))
    return redirect(url_for("operator.failed"))
