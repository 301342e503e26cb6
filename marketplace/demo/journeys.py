"""A few deals made here from beginning to end, or stuck on the way, so that every state can be seen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from marketplace.core.database import db
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences, notices, payments
from marketplace.deals.bundles import basket, paying
from marketplace.deals.bundles import services as bundles
from marketplace.deals.clauses import services as clauses
from marketplace.deals.models import Licence, Notice, Payment
from marketplace.listings.models import Offer, Patent

from .accounts import actor_of
from .catalogue import DATA


def serve(patent_number: str, licensee: str, use: str, contact: str) -> Notice:
    """A firm serves its written notice on the offer that is in force on a patent."""
    actor = actor_of(licensee)
    [offer_id] = _live([patent_number])
    prepared = notices.prepare_notice(actor, offer_id, use, contact)
    with unit_of_work(actor, origin="demo"):
        return notices.serve_notice(actor, prepared)


def lay_aside(patent_numbers: Sequence[str], licensee: str) -> None:
    """A firm puts offers into its basket."""
    actor = actor_of(licensee)
    with unit_of_work(actor, origin="demo"):
        for offer_id in _live(patent_numbers):
            basket.add(actor, offer_id)


def add_clause(patent_number: str, kind: str, text: str, text_en: str) -> None:
    """The holder offers a further clause beside the announced terms of its patent."""
    [offer_id] = _live([patent_number])
    actor = actor_of(db.session.get_one(Offer, offer_id).holder.name)
    with unit_of_work(actor, origin="demo"):
        clauses.publish_clause(actor, offer_id, kind=kind, text=text, text_en=text_en)


def take_up(patent_numbers: Sequence[str], licensee: str, use: str, contact: str) -> None:
    """A firm gives notices on several offers in one go; what cannot be taken up is refused.

    Of each offer's further clauses it accepts the first and leaves the others.
    """
    actor = actor_of(licensee)
    wanted = _live(patent_numbers)
    taken = {key: [found[0].id] for key, found in clauses.clauses_of_each(wanted).items()}
    with unit_of_work(actor, origin="demo"):
        bundle = bundles.begin_bundle(actor, wanted, use, contact, clauses=taken)
    bundles.serve_parts(actor, bundle.id, origin="demo")


def pay_together(licensee: str) -> None:
    """The firm pays what it owes to each payee of its last bundle in one transfer, and uploads the slip."""
    actor = actor_of(licensee)
    bundle = bundles.list_bundles(actor, limit=1)[0]
    for group in paying.groups(bundle):
        with unit_of_work(actor, origin="demo"):
            begun = paying.begin_transfer(actor, bundle.id, "bank", [one.notice.id for one in group.due])
            paying.upload_slip(actor, begun.id, (DATA / "slip.pdf").read_bytes(), "电子回单.pdf")


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


def _live(patent_numbers: Sequence[str]) -> list[int]:
    """The offers that are in force on these patents, in this order."""
    query = (
        sa.select(Patent.number, Offer.id)
        .join(Patent, Offer.patent_id == Patent.id)
        .where(Patent.number.in_(patent_numbers), Offer.status.in_(("announced", "withdrawal_filed")))
    )
    found = dict(db.session.execute(query).all())
    return [found[number] for number in patent_numbers]


def licence_between(patent_number: str, licensee: str) -> Licence:
    """The licence that came of the last notice of that licensee on that patent."""
    return _licence(patent_number, licensee)


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
