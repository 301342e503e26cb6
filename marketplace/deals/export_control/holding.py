"""The export check of a notice while it is served and paid: opened with it, and holding the licence back."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid
from marketplace.core.unit_of_work import record
from marketplace.deals.models import Notice
from marketplace.listings.models import Offer

from . import rules
from .lifecycle import EXPORT_CHECK
from .models import ANSWERS, ExportCheck, TechnologyClass


def check_of(notice_id: int) -> ExportCheck | None:
    """The export check of a notice; None where the licensee is seated in the mainland."""
    query = sa.select(ExportCheck).where(ExportCheck.notice_id == notice_id)
    return db.session.scalar(query.options(sa.orm.lazyload(ExportCheck.notice)))  # it is at hand


def stated_class(patent_id: int) -> TechnologyClass | None:
    """What the holder has stated of a patent's technology for all licensees abroad."""
    return db.session.scalar(sa.select(TechnologyClass).where(TechnologyClass.patent_id == patent_id))


def require_exportable(offer: Offer, seat: str, answer: str | None) -> None:
    """Raise unless a notice from this seat can be served at all.

    Raises:
        Invalid: `seat-unknown`; `technology-class-missing`: whoever is seated abroad says what it thinks
            applies.
        Conflict: `technology-banned`: it may not be exported (TIE).
    """
    if len(seat) != 2 or not seat.isascii() or not seat.isupper():
        raise Invalid(
            "seat-unknown",
            "Please choose where the licensee is seated.",
            fields={"seat": ["Please choose where the licensee is seated."]},
        )
    if not rules.is_export(seat):
        return
    if answer not in ANSWERS:
        raise Invalid(
            "technology-class-missing",
            "Please say what applies to the technology.",
            fields={"technology": ["Please say what applies to the technology."]},
        )
    stated = stated_class(offer.patent_id)
    if answer == "banned" or (stated is not None and stated.answer == "banned"):
        raise Conflict(
            "technology-banned",
            "This technology is banned from export: no licence can be given to a licensee seated abroad.",
        )


def open_check(actor: Actor, notice: Notice, seat: str, answer: str | None) -> ExportCheck | None:
    """Open the check of a new notice, in the present unit of work; none in the mainland."""
    if not rules.is_export(seat) or answer is None:
        return None
    now = clock.now()
    stated = stated_class(notice.offer.patent_id)
    holder = stated.answer if stated is not None else None
    state = rules.settled(answer, holder)
    check = ExportCheck(
        notice=notice,
        seat=seat,
        state=EXPORT_CHECK.initial,
        licensee_answer=answer,
        licensee_by=actor.user_id,
        licensee_at=now,
        holder_answer=holder,
        holder_by=stated.stated_by if stated is not None else None,
        holder_at=stated.stated_at if stated is not None else None,
    )
    db.session.add(check)
    db.session.flush()
    record(
        "export.asked",
        check,
        organisation_id=notice.licensee_id,
        occurred_on=clock.legal_date(now),
        notice_id=notice.id,
        offer_id=notice.offer_id,
        state=state,
    )
    if state != EXPORT_CHECK.initial:

        def effect() -> None:
            check.settled_at = now if state == "free" else None

        EXPORT_CHECK.execute(
            SYSTEM,
            check,
            f"begin_{state}",
            effect=effect,
            organisation_id=notice.licensee_id,
            notice_id=notice.id,
            offer_id=notice.offer_id,
        )
    return check


def hold_back(notice: Notice, at: dt.datetime) -> dt.datetime | None:
    """When the licence of a notice that is served and paid takes effect; None while the check is open.

    Args:
        at: when notice and payment were both there; it is kept for the time when the check is settled.
    """
    check = check_of(notice.id)
    if check is None:
        return at
    if check.state in rules.OPEN:
        check.ready_at = at
        return None
    return rules.effective_at(at, check.licence_on)


def waits(notice: Notice) -> bool:
    """Whether a notice waits for its export check, so that it must not lapse meanwhile.

    Once the offer has ended, only one that was paid before waits on.
    """
    check = check_of(notice.id)
    return (
        check is not None
        and check.state in rules.OPEN
        and (check.ready_at is not None or notice.offer.in_force_on(clock.today()))
    )


def wait_no_more(notice: Notice) -> None:
    """The notice has ended: whatever is said of its technology, no licence follows; the row is locked."""
    check = check_of(notice.id)
    if check is not None and check.state in rules.OPEN:
        check.ready_at = None


def refusal_of(notice: Notice) -> str:
    """Why a notice was refused, as a reason of refunds."""
    check = check_of(notice.id)
    return "technology_banned" if check is not None and check.state == "banned" else "export_not_cleared"
