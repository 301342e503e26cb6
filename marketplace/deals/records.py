"""The payer's record of a payment: a sealed paper that says what came, and that it is no invoice."""

from __future__ import annotations

import sqlalchemy as sa

from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict

from . import papers
from .documents import Came, RecordDocument, record_pdf
from .lookup import licence_of
from .models import Payment, Receipt
from .payments import get_payment

_KINDS = {"fee": "许可使用费", "entry_fee": "入门费", "royalty": "提成"}


def payment_record(actor: Actor, payment_id: int) -> tuple[bytes, str]:
    """The record as a sealed PDF, with a name for the file. Slow: outside a unit of work.

    Raises:
        NotFound: there is no such payment, or it is another party's.
        Conflict: `payment-not-proven`: no money has come by it.
    """
    payment = get_payment(actor, payment_id)
    found = record_document(payment)
    return papers.seal(
        record_pdf(found, papers.fallback_fonts()), "付款记录"
    ), f"付款记录-{payment.reference}.pdf"


def record_document(payment: Payment) -> RecordDocument:
    """What the record of a payment says.

    Raises:
        Conflict: `payment-not-proven`.
    """
    receipts = list(
        db.session.scalars(
            sa.select(Receipt).where(Receipt.payment_id == payment.id).order_by(Receipt.id)
        ).unique()
    )
    if not receipts:
        raise Conflict("payment-not-proven", "A record follows a payment that has arrived.")
    owed, notice = payment.obligation, payment.obligation.notice
    licence = licence_of(notice)
    return RecordDocument(
        number=payment.reference,
        issued_at=max(one.recorded_at for one in receipts),
        payer=papers.party(notice.licensee),
        payee=papers.party(notice.offer.holder),
        patent_number=papers.patent_number(notice.offer.patent),
        patent_title=notice.offer.patent.title,
        item=_KINDS[owed.kind] + (f"（第 {owed.instalment} 期）" if owed.instalment else ""),
        owed_minor=owed.amount_minor,
        currency=owed.currency,
        due_on=owed.due_on,
        channel=papers.CHANNEL_WORDS[payment.channel],
        receipts=tuple(
            Came(one.paid_on, one.amount_minor, one.currency, "冲正" if one.reverses_id else "")
            for one in receipts
        ),
        received_minor=sum(one.amount_minor for one in receipts),
        notice_number=notice.number,
        licence_number="" if licence is None else licence.number,
        invoiced=payment.invoice_id is not None,
        issuer=papers.ISSUER,
        demonstration=not papers.settings().production,
    )
