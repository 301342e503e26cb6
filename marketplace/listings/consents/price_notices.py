"""The price notice (公示) of an institution: its rule, its days, and objections with their answers."""

from __future__ import annotations

import secrets
from typing import Final

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.listings.declared import payment_text_of
from marketplace.listings.models import Offer

from . import standing
from .lifecycle import PRICE_NOTICE
from .models import COUNTINGS, DECISIONS, PriceNotice, PriceNoticeRule, PriceObjection

LONGEST_DAYS: Final = 180


def set_rule(actor: Actor, organisation_id: int, *, days: int, counting: str) -> PriceNoticeRule:
    """Lay down how an organisation holds its price notices; notices that run keep their days.

    Args:
        days: 1 to 180; the law gives no number.
        counting: `calendar` or `working`.

    Raises:
        Forbidden: it is its own people's, or the operator's.
        Invalid: `price-notice-days`.
    """
    require(actor, "price_notice.rule", organisation_id)
    if not 1 <= days <= LONGEST_DAYS or counting not in COUNTINGS:
        message = gettext("Between 1 and %(most)d days.", most=LONGEST_DAYS)
        raise Invalid("price-notice-days", "These days are not possible.", fields={"days": [message]})
    found = standing.rule_of(organisation_id)
    if found is None:
        found = PriceNoticeRule(organisation_id=organisation_id)
        db.session.add(found)
    else:
        found = lock(PriceNoticeRule, found.id)
    found.days, found.counting = days, counting
    found.changed_at, found.changed_by = clock.now(), actor.user_id
    record(
        "price_notice.rule_set",
        found,
        organisation_id=organisation_id,
        days=days,
        counting=counting,
    )
    return found


def begin(offer: Offer) -> PriceNotice:
    """Begin the notice of an offer's price today: a part of the offer's step, whose guard wants a price."""
    rule = standing.rule_of(offer.holder_id)
    days = rule.days if rule is not None else standing.CUSTOMARY_DAYS
    counting = rule.counting if rule is not None else "calendar"
    end = standing.last_day(clock.today(), days, counting)
    notice = PriceNotice(
        offer_id=offer.id,
        offer=offer,
        code=secrets.token_hex(10),
        state=PRICE_NOTICE.initial,
        title=offer.patent.title,
        price=payment_text_of(offer),
        days=days,
        counting=counting,
        starts_on=clock.today(),
        ends_on=end.day,
        provisional=end.provisional,
        created_at=clock.now(),
    )
    db.session.add(notice)
    return notice


def void(actor: Actor, offer: Offer) -> None:
    """End the notice of an offer whose terms were changed, or that was discarded."""
    notice = standing.running_notice(offer)
    if notice is not None:
        PRICE_NOTICE.execute(
            actor, lock(PriceNotice, notice.id), "void", organisation_id=offer.holder_id, offer=offer.id
        )


def by_code(code: str) -> PriceNotice:
    """The notice that an address shows.

    Raises:
        NotFound: `price-notice-unknown`.
    """
    found = db.session.scalar(sa.select(PriceNotice).where(PriceNotice.code == code))
    if found is None:
        raise NotFound("price-notice-unknown", "There is no such price notice.")
    return found


def is_open(notice: PriceNotice) -> bool:
    """Whether objections may still be made: it runs, and its last day is not over."""
    return (
        notice.state == "running"
        and notice.offer.status in standing.EARLY
        and clock.today() <= notice.ends_on
    )


def make_objection(actor: Actor, code: str, *, name: str, text: str) -> PriceObjection:
    """Object to a price notice while it runs.

    Raises:
        NotFound: `price-notice-unknown`.
        Conflict: `price-notice-over`.
    """
    notice = lock(PriceNotice, by_code(code).id)
    require(actor, "price_notice.object", notice)
    if not is_open(notice):
        raise Conflict("price-notice-over", "The price notice is over: no more objections are taken.")
    objection = PriceObjection(
        price_notice_id=notice.id, notice=notice, name=name.strip(), text=text.strip(), made_at=clock.now()
    )
    db.session.add(objection)
    record("price_notice.objected", objection, organisation_id=notice.offer.holder_id, offer=notice.offer_id)
    return objection


def decide(actor: Actor, objection_id: int, *, decision: str, answer: str) -> PriceObjection:
    """Answer an objection: `rejected`, or `upheld`, after which the terms have to change.

    Raises:
        NotFound: `not-found`, also for somebody else's.
        Invalid: `value-missing` without an answer.
        Conflict: `objection-decided` already.
    """
    found = db.session.get(PriceObjection, objection_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "price_notice.decide", found.notice.offer)
    missing = {
        field: [gettext("Please fill in this field.")]
        for field, given in (("answer", answer.strip()), ("decision", decision in DECISIONS))
        if not given
    }
    if missing:
        raise Invalid("value-missing", "A value is missing.", fields=missing)
    objection = lock(PriceObjection, found.id)
    if objection.decision is not None:
        raise Conflict("objection-decided", "This objection has its answer already.")
    objection.decision, objection.answer = decision, answer.strip()
    objection.decided_at, objection.decided_by = clock.now(), actor.user_id
    offer = objection.notice.offer
    record(
        "price_notice.decided",
        objection,
        organisation_id=offer.holder_id,
        offer=offer.id,
        decision=decision,
    )
    return objection
