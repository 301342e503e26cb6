"""A few deals made here from beginning to end, or stuck on the way, so that every state can be seen."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences, notices, payments
from marketplace.deals.models import Licence, Notice, Payment
from marketplace.listings.models import Offer, Patent

from .accounts import actor_of
from .catalogue import DATA


def serve(patent_number: str, licensee: str, use: str, contact: str) -> Notice:
    """A firm serves its written notice on the offer that is in force on a patent."""
    actor = actor_of(licensee)
    offer_id = db.session.scalars(
        sa.select(Offer.id)
        .join(Patent, Offer.patent_id == Patent.id)
        .where(Patent.number == patent_number, Offer.status.in_(("announced", "withdrawal_filed")))
    ).one()
    prepared = notices.prepare_notice(actor, offer_id, use, contact)
    with unit_of_work(actor, origin="demo"):
        return notices.serve_notice(actor, prepared)


def transfer(patent_number: str, licensee: str) -> Payment:
    """The licensee pays by bank transfer and uploads the bank's slip."""
    actor = actor_of(licensee)
    notice = _notice(patent_number, licensee)
    with unit_of_work(actor, origin="demo"):
        payment = payments.begin_payment(actor, notice.id, "bank")
    with unit_of_work(actor, origin="demo"):
        return payments.upload_slip(actor, payment.id, (DATA / "slip.pdf").read_bytes(), "电子回单.pdf")


def confirm(patent_number: str, licensee: str, holder: str, paid_on: dt.date) -> None:
    """The holder confirms that the announced sum has arrived: the licence is in effect."""
    actor = actor_of(holder)
    payment = _payment(_notice(patent_number, licensee))
    with unit_of_work(actor, origin="demo"):
        payments.confirm_payment(actor, payment.id, paid_on, payment.amount_minor)
    certify(patent_number, licensee)


def certify(patent_number: str, licensee: str) -> None:
    """Print and seal the certificate now, as the worker does."""
    licences.render_certificate(_licence(patent_number, licensee).id)


def abandon(patent_number: str, licensee: str) -> None:
    """The licensee gives its notice up."""
    actor = actor_of(licensee)
    with unit_of_work(actor, origin="demo"):
        notices.abandon_notice(actor, _notice(patent_number, licensee).id)


def file_recordal(patent_number: str, licensee: str) -> None:
    """The licensee files the recordal."""
    actor = actor_of(licensee)
    with unit_of_work(actor, origin="demo"):
        licences.file_recordal(actor, _licence(patent_number, licensee).id)


def record_recordal(patent_number: str, licensee: str, number: str, on: dt.date) -> None:
    """The office has recorded the licence."""
    actor = actor_of(licensee)
    with unit_of_work(actor, origin="demo"):
        licences.record_recordal(actor, _licence(patent_number, licensee).id, number=number, on=on)


def _notice(patent_number: str, licensee: str) -> Notice:
    """The last notice of that licensee on that patent."""
    actor = actor_of(licensee)
    return db.session.scalars(
        sa.select(Notice)
        .join(Offer, Notice.offer_id == Offer.id)
        .join(Patent, Offer.patent_id == Patent.id)
        .where(Patent.number == patent_number, Notice.licensee_id == actor.organisation_id)
        .order_by(Notice.id.desc())
        .limit(1)
    ).one()


def _payment(notice: Notice) -> Payment:
    [obligation] = notice.obligations
    return db.session.scalars(sa.select(Payment).where(Payment.obligation_id == obligation.id)).one()


def _licence(patent_number: str, licensee: str) -> Licence:
    notice = _notice(patent_number, licensee)
    return db.session.scalars(sa.select(Licence).where(Licence.notice_id == notice.id)).one()
