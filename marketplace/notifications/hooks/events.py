"""Which entries of the journal are told to organisations' systems, to whom, and what is said: ids and states.

An event is called as the journal's action. The table is the whole list: what is not in it is sent to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from marketplace.accounts.models import Mandate
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.core.readers import subjects
from marketplace.deals.bundles.models import Bundle, BundlePart
from marketplace.deals.clauses.models import ClauseAcceptance
from marketplace.deals.disputes import parties
from marketplace.deals.disputes.models import Dispute
from marketplace.deals.export_control.models import ExportCheck
from marketplace.deals.models import Licence, Notice, Payment
from marketplace.deals.orders.models import ServiceOrder
from marketplace.deals.royalties.models import RoyaltyDefault, RoyaltyPeriod
from marketplace.demands.models import Demand, DemandAnswer
from marketplace.listings.models import Offer

from .models import WebhookEndpoint


@dataclass(frozen=True)
class Kind:
    """One kind of thing that events are about.

    Attributes:
        object: what it is called in a message.
        model: its rows.
        told: the organisations that it concerns.
        data: ids and states.
    """

    object: str
    model: type[Any]
    told: Callable[[Any], set[int]]
    data: Callable[[Any], dict[str, Any]]


def _owners(offer: Offer) -> set[int]:
    return parties.holders_of(offer.patent, offer)


def _offer_told(offer: Offer) -> set[int]:
    """Its owners, and whoever has a licence under it in effect: what becomes of the offer concerns them."""
    licensees = sa.select(Licence.licensee_id).where(
        Licence.offer_id == offer.id, Licence.state == "in_effect"
    )
    return _owners(offer) | set(db.session.scalars(licensees))


def _licence_told(licence: Licence) -> set[int]:
    return {licence.licensee_id, *parties.holders_of(licence.patent, licence.offer)}


def _notice_data(notice: Notice) -> dict[str, Any]:
    return {"offer_id": notice.offer_id, "licensee_id": notice.licensee_id}


def _payment_data(payment: Payment) -> dict[str, Any]:
    notice = payment.obligation.notice
    return {"obligation_id": payment.obligation_id, "notice_id": notice.id, "offer_id": notice.offer_id}


def _licence_data(licence: Licence) -> dict[str, Any]:
    return {
        "offer_id": licence.offer_id,
        "notice_id": licence.notice_id,
        "licensee_id": licence.licensee_id,
        "recordal_state": licence.recordal_state,
    }


def _dispute_data(dispute: Dispute) -> dict[str, Any]:
    return {
        "subject": dispute.subject,
        "subject_id": dispute.notice_id or dispute.payment_id or dispute.licence_id,
        "settlement": dispute.settlement,
    }


_NOTICE = Kind("notice", Notice, lambda row: _owners(row.offer) | {row.licensee_id}, _notice_data)
_CHECK = Kind(
    "export_check",
    ExportCheck,
    lambda row: _NOTICE.told(row.notice),
    lambda row: {"notice_id": row.notice_id, "offer_id": row.notice.offer_id},
)
_ACCEPTANCE = Kind(
    "clause_acceptance",
    ClauseAcceptance,
    lambda row: _NOTICE.told(row.notice),
    lambda row: {"clause_id": row.clause_id, "notice_id": row.notice_id, "offer_id": row.notice.offer_id},
)
_PAYMENT = Kind(
    "payment",
    Payment,
    lambda row: {row.obligation.notice.licensee_id, row.obligation.notice.offer.holder_id},
    _payment_data,
)
_LICENCE = Kind("licence", Licence, _licence_told, _licence_data)
_OFFER = Kind("offer", Offer, _offer_told, lambda row: {"patent_id": row.patent_id, "evidence": row.evidence})
_DISPUTE = Kind("dispute", Dispute, parties.told, _dispute_data)
_ORDER = Kind(
    "order",
    ServiceOrder,
    lambda row: {row.provider_id, row.customer_id},
    lambda row: {"offer_id": row.offer_id},
)
_BUNDLE = Kind("bundle", Bundle, lambda row: {row.licensee_id}, lambda row: {"licensee_id": row.licensee_id})
_PART = Kind(
    "bundle_part",
    BundlePart,
    lambda row: {row.bundle.licensee_id},
    lambda row: {"bundle_id": row.bundle_id, "offer_id": row.offer_id, "notice_id": row.notice_id},
)
_ROYALTY_PERIOD = Kind(
    "royalty_period",
    RoyaltyPeriod,
    lambda row: _licence_told(row.licence),
    lambda row: {"licence_id": row.licence_id, "offer_id": row.licence.offer_id},
)
_ROYALTY_DEFAULT = Kind(
    "royalty_default",
    RoyaltyDefault,
    lambda row: _licence_told(row.period.licence),
    lambda row: {
        "period_id": row.period_id,
        "licence_id": row.period.licence_id,
        "offer_id": row.period.licence.offer_id,
    },
)
_DEMAND = Kind("demand", Demand, lambda row: {row.organisation_id, row.poster_id} - {None}, lambda _row: {})
_ANSWER = Kind(
    "answer",
    DemandAnswer,
    lambda row: {row.organisation_id, row.demand.organisation_id} - {None},
    lambda row: {"demand_id": row.demand_id, "offer_id": row.offer_id},
)
_MANDATE = Kind(
    "mandate", Mandate, lambda row: {row.agent_id, row.principal_id}, lambda row: {"scope": row.scope}
)
_ENDPOINT = Kind("endpoint", WebhookEndpoint, lambda row: {row.organisation_id}, lambda _row: {})

TEST: Final = "webhook.tested"

EVENTS: Final[Mapping[str, tuple[Kind, Any]]] = {
    "notice.served": (_NOTICE, _l("A notice is served")),
    "notice.service_proven": (_NOTICE, _l("The service of a notice is proven")),
    "notice.undelivered": (_NOTICE, _l("A notice did not arrive before the offer ended")),
    "notice.paid": (_NOTICE, _l("What is owed under a notice is paid")),
    "notice.lapsed": (_NOTICE, _l("A notice lapses unpaid")),
    "notice.abandoned": (_NOTICE, _l("A notice is given up")),
    "notice.refused": (_NOTICE, _l("A notice is refused, as its export is not cleared")),
    "export.asked": (_CHECK, _l("The technology of a notice has to be classed for export")),
    "export.answered": (_CHECK, _l("The technology of a notice is classed for export")),
    "export.licensed": (_CHECK, _l("The export licence for a notice is recorded")),
    "export.registered": (_CHECK, _l("The registration of a technology export is recorded")),
    "clause.accepted": (_ACCEPTANCE, _l("A further clause is accepted")),
    "payment.slip_uploaded": (_PAYMENT, _l("A bank slip is shown for a payment")),
    "payment.part_received": (_PAYMENT, _l("A part of a payment has arrived")),
    "payment.confirmed": (_PAYMENT, _l("A payment has arrived")),
    "payment.invoiced": (_PAYMENT, _l("An invoice is there for a payment")),
    "payment.cancelled": (_PAYMENT, _l("An attempt to pay is cancelled")),
    "payment.failed": (_PAYMENT, _l("An attempt to pay has failed")),
    "payment.expired": (_PAYMENT, _l("An attempt to pay has run out")),
    "payment.quarantined": (_PAYMENT, _l("A payment is set aside")),
    "licence.in_effect": (_LICENCE, _l("A licence takes effect")),
    "licence.ordinary_noted": (_LICENCE, _l("A negotiated ordinary licence is recorded")),
    "licence.ended": (_LICENCE, _l("A licence has ended")),
    "licence.end_proposed": (_LICENCE, _l("The end of a licence is proposed")),
    "licence.end_declined": (_LICENCE, _l("The proposed end of a licence is declined")),
    "licence.recordal_filed": (_LICENCE, _l("The recordal of a licence is filed")),
    "licence.recorded": (_LICENCE, _l("A licence is recorded")),
    "licence.recordal_late": (_LICENCE, _l("The recordal of a licence is late")),
    "licence.recordal_due_soon": (_LICENCE, _l("The recordal of a licence is to be filed soon")),
    "licence.recordal_changed": (_LICENCE, _l("The recordal of a licence is changed")),
    "licence.recordal_cancelled": (_LICENCE, _l("The recordal of a licence is cancelled")),
    "offer.filed": (_OFFER, _l("A declaration is filed")),
    "offer.announced": (_OFFER, _l("The announcement of an offer is stated")),
    "offer.verified": (_OFFER, _l("An offer is live")),
    "offer.refused": (_OFFER, _l("A declaration is refused")),
    "offer.withdrawal_filed": (_OFFER, _l("The withdrawal of an offer is filed")),
    "offer.withdrawn": (_OFFER, _l("An offer is withdrawn")),
    "offer.revoked": (_OFFER, _l("An offer is revoked")),
    "offer.lapsed": (_OFFER, _l("An offer has lapsed")),
    "offer.duty_raised": (_OFFER, _l("A bar raises the duty to withdraw an offer")),
    "offer.duty_cleared": (_OFFER, _l("The duty to withdraw an offer is gone")),
    "dispute.opened": (_DISPUTE, _l("A dispute is opened")),
    "dispute.answered": (_DISPUTE, _l("A dispute is answered")),
    "dispute.settlement_proposed": (_DISPUTE, _l("A settlement is proposed")),
    "dispute.settlement_declined": (_DISPUTE, _l("A proposed settlement is declined")),
    "dispute.settled": (_DISPUTE, _l("A dispute is settled")),
    "dispute.referred": (_DISPUTE, _l("A dispute is taken to an authority or a court")),
    "dispute.returned": (_DISPUTE, _l("A mediation has ended without an agreement")),
    "dispute.decided": (_DISPUTE, _l("A dispute is decided")),
    "dispute.withdrawn": (_DISPUTE, _l("A dispute is withdrawn")),
    "order.placed": (_ORDER, _l("A service is ordered")),
    "order.accepted": (_ORDER, _l("An order of a service is accepted")),
    "order.declined": (_ORDER, _l("An order of a service is declined")),
    "order.cancelled": (_ORDER, _l("An order of a service is cancelled")),
    "order.done": (_ORDER, _l("An ordered service is done")),
    "order.paid": (_ORDER, _l("An ordered service is paid")),
    "bundle.made": (_BUNDLE, _l("Several offers are taken up in one go")),
    "bundle_part.served": (_PART, _l("The notice of one of several offers is served")),
    "bundle_part.refused": (_PART, _l("The notice of one of several offers could not be served")),
    "bundle.done": (_BUNDLE, _l("All of several offers are answered for")),
    "royalty.due": (_ROYALTY_PERIOD, _l("A royalty statement is due")),
    "royalty.overdue": (_ROYALTY_PERIOD, _l("A royalty statement is late")),
    "royalty.reported": (_ROYALTY_PERIOD, _l("A royalty statement is received")),
    "royalty.corrected": (_ROYALTY_PERIOD, _l("A royalty statement is corrected")),
    "royalty.default_given": (_ROYALTY_DEFAULT, _l("A notice of default is given")),
    "royalty.cure_over": (_ROYALTY_DEFAULT, _l("The time to make a default good is over")),
    "royalty.default_restored": (_ROYALTY_DEFAULT, _l("A default is made good")),
    "royalty.default_taken_back": (_ROYALTY_DEFAULT, _l("A notice of default is taken back")),
    "royalty.default_ended": (_ROYALTY_DEFAULT, _l("A licence is ended for a default")),
    "demand.answered": (_DEMAND, _l("A demand is answered")),
    "demand.expired": (_DEMAND, _l("The time of a demand is over")),
    "demand_answer.helpful": (_ANSWER, _l("An answer to a demand is found helpful")),
    "demand_answer.passed": (_ANSWER, _l("An answer to a demand is passed over")),
    "mandate.given": (_MANDATE, _l("A power of attorney is given")),
    "mandate.accepted": (_MANDATE, _l("A power of attorney is accepted")),
    "mandate.declined": (_MANDATE, _l("A power of attorney is declined")),
    "mandate.revoked": (_MANDATE, _l("A power of attorney is ended")),
}
_SENT: Final = {**EVENTS, TEST: (_ENDPOINT, _l("A test"))}


@dataclass(frozen=True)
class Happening:
    """What an entry says to the outside: to whom, and the message's body."""

    event: str
    told: frozenset[int]
    body: dict[str, Any]


def rows_of(entries: Iterable[JournalEntry]) -> list[Any]:
    """Rows that `happening` will ask for, of the kinds that come in numbers: see `subjects`."""
    return subjects((entry for entry in entries if entry.action in _SENT), Notice, Licence, Payment, Offer)


def happening(entry: JournalEntry) -> Happening | None:
    """What is told of an entry; None where it is told to nobody.

    The body names the thing and its present state; whoever may see more asks the API for it.
    """
    found = _SENT.get(entry.action)
    if found is None:
        return None
    kind = found[0]
    row = db.session.get(kind.model, entry.subject_id)
    if row is None or entry.subject_type != kind.model.__tablename__:
        return None
    state = _state(kind, row)
    ids = {
        name: str(value) if name.endswith("_id") and value is not None else value
        for name, value in kind.data(row).items()
    }
    return Happening(
        entry.action,
        frozenset(kind.told(row)),
        {
            "type": entry.action,
            "timestamp": clock.format_instant(entry.recorded_at),
            "data": {"object": kind.object, "id": str(row.id), "state": state, **ids},
        },
    )


def _state(kind: Kind, row: Any) -> str:
    """The present state of a thing. A bundle has none of its own: `waiting` until every part is over."""
    if kind is _BUNDLE:
        return "waiting" if row.done_at is None else "done"
    return str(row.status if kind is _OFFER else row.state)
