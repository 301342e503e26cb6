"""Taking a licence: the written notice, and paying what it makes due."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from flask import Response, request
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core.actor import Actor
from marketplace.core.errors import Invalid
from marketplace.core.files import MAX_UPLOAD
from marketplace.deals import ledger, notices, payments
from marketplace.deals.export_control.models import ANSWERS
from marketplace.deals.export_control.rules import MAINLAND
from marketplace.deals.lookup import licence_of, payments_of
from marketplace.deals.models import NOTICE_STATES, Notice, Obligation, Payment

from . import shapes
from .answering import once, once_prepared
from .documents import Blueprint, described
from .files import pdf
from .shapes import After, Amount, Day, Id, Instant, key_of

blueprint = Blueprint("notices", "notices and payments", "The written notice of Article 51, and its payment.")


LARGEST_SLIP = MAX_UPLOAD + 64 * 1024  # bytes, with what multipart adds

# --- shapes


class Party(ma.Schema):
    """An organisation or person."""

    id = Id(required=True)
    name = fields.String(required=True)
    identity = fields.String(
        metadata={
            "enum": ["stated", "confirmed"],
            "description": "whether operator or bureau confirmed who it is; no condition for a licence",
        }
    )


class ObligationView(ma.Schema):
    """A sum that the notice makes due."""

    id = Id(required=True)
    kind = fields.String(required=True, metadata={"description": "fee, entry_fee or royalty"})
    amount = fields.Nested(Amount, required=True)
    due_on = Day(required=True, allow_none=True)
    state = fields.String(required=True, metadata={"enum": ["open", "paid", "cancelled"]})
    instalment = fields.Integer(
        allow_none=True, metadata={"description": "counted from 1; null where the sum is owed at once"}
    )
    due_months = fields.Integer(
        allow_none=True, metadata={"description": "months after the licence's effect"}
    )
    overdue = fields.Boolean()
    received = fields.Nested(Amount, metadata={"description": "what has come and counts"})
    remaining = fields.Nested(Amount, metadata={"description": "what is still to come"})


class NoticeView(ma.Schema):
    """A written notice with its frozen terms."""

    id = Id(required=True)
    number = fields.String(required=True)
    offer_id = Id(required=True)
    licensee = fields.Nested(Party, required=True)
    state = fields.String(
        required=True,
        metadata={"enum": list(NOTICE_STATES)},
    )
    written_at = Instant(required=True)
    served_at = Instant(required=True, allow_none=True)
    sha256 = fields.String(required=True, metadata={"description": "of the sealed document"})
    document_url = fields.String(required=True, metadata={"format": "uri"})
    obligations = fields.List(fields.Nested(ObligationView), required=True)
    channels = fields.List(fields.String(), metadata={"description": "ways in which it can be paid"})
    payment_ids = fields.List(Id(), metadata={"description": "attempts to pay so far"})
    licence_id = Id(required=True, allow_none=True)
    use = fields.String(allow_none=True)
    contact = fields.String(allow_none=True)


class NoticeRequest(ma.Schema):
    """What the licensee wants to tell; nothing of it is a condition."""

    use = shapes.text(notices.MAX_USE, description="what the patent is to be used for")
    contact = shapes.text(notices.MAX_CONTACT, description="how the holder reaches the licensee")
    licensee_id = fields.String(
        allow_none=True, metadata={"description": "for an agency: for which principal; default: itself"}
    )
    seat = shapes.text(2, description="where the licensee is seated (ISO 3166); default: CN")
    technology = fields.String(
        allow_none=True,
        validate=validate.OneOf(ANSWERS),
        metadata={"description": "for a licensee seated abroad: what applies to the technology it thinks"},
    )
    clauses = fields.List(
        fields.String(validate=validate.Length(max=20)),
        validate=validate.Length(max=50),
        metadata={"description": "further clauses of the offer that the licensee accepts; none is needed"},
    )


class ProofRequest(ma.Schema):
    """Proof that a sealed notice reached a holder who has not joined."""

    proof = shapes.text(500, required=True)
    sent_at = fields.AwareDateTime(required=True, format="iso")


class BankDetails(ma.Schema):
    """Where to transfer to; the reference identifies the payment."""

    account_name = fields.String(required=True, allow_none=True)
    bank = fields.String(required=True, allow_none=True)
    account = fields.String(required=True, allow_none=True)
    reference = fields.String(required=True)


class PaymentView(ma.Schema):
    """An attempt to pay, into the holder's own account."""

    id = Id(required=True)
    notice_id = Id(required=True)
    obligation_id = Id(required=True)
    state = fields.String(
        required=True,
        metadata={
            "enum": [
                "open",
                "slip_uploaded",
                "paid",
                "failed",
                "expired",
                "cancelled",
                "quarantined",
                "reversed",
            ]
        },
    )
    channel = fields.String(required=True, metadata={"enum": ["bank", "stripe"]})
    amount = fields.Nested(Amount, required=True)
    client_reference_id = fields.String(required=True)
    checkout_session_id = fields.String(required=True, allow_none=True)
    checkout_url = fields.String(required=True, allow_none=True)
    bank = fields.Nested(BankDetails, required=True, allow_none=True)
    paid_on = Day(required=True, allow_none=True)
    invoiced = fields.Boolean(
        required=True, metadata={"description": "whether the payee's invoice is there; this record is none"}
    )
    licence_id = Id(required=True, allow_none=True)
    received = fields.Nested(Amount, metadata={"description": "what has come by this attempt so far"})


class PaymentRequest(ma.Schema):
    """How to pay."""

    channel = fields.String(required=True, validate=validate.OneOf(payments.CHANNELS))
    obligation_id = fields.String(
        allow_none=True, metadata={"description": "which sum; default: the first one that is open"}
    )


class ConfirmRequest(ma.Schema):
    """What has arrived in the payee's account, and when it was paid."""

    paid_on = shapes.day(required=True)
    amount = fields.Nested(Amount, required=True)
    again = fields.Boolean(
        load_default=False, metadata={"description": "the same sum of the same day has come once more"}
    )


# --- views of rows


def party_view(organisation: Organisation) -> dict[str, Any]:
    """An organisation, as `Party`."""
    return {name: getattr(organisation, name) for name in ("id", "name", "identity")}


def notice_view(notice: Notice) -> dict[str, Any]:
    """A notice, as `NoticeView`."""
    licence = licence_of(notice)
    counts = ledger.standings([one.id for one in notice.obligations])
    plain = ("id", "number", "offer_id", "state", "written_at", "served_at", "use", "contact")
    return {
        **{name: getattr(notice, name) for name in plain},
        "licensee": party_view(notice.licensee),
        "sha256": notice.document_digest,
        "document_url": shapes.address(f"{shapes.BASE}/notices/{notice.id}/document"),
        "obligations": [_obligation_view(one, counts.get(one.id, 0)) for one in notice.obligations],
        "channels": list(payments.channels_of(notice)) if notice.obligations else [],
        "payment_ids": [payment.id for payment in payments_of(notice)],
        "licence_id": licence.id if licence is not None else None,
    }


def _obligation_view(one: Obligation, received: int) -> dict[str, Any]:
    plain = ("id", "kind", "due_on", "state", "instalment", "due_months", "overdue")
    return {name: getattr(one, name) for name in plain} | {
        "amount": shapes.money(one.amount_minor, one.currency),
        "received": shapes.money(received, one.currency),
        "remaining": shapes.money(one.amount_minor - received, one.currency),
    }


def payment_view(payment: Payment) -> dict[str, Any]:
    """An attempt to pay, as `PaymentView`."""
    licence = licence_of(payment.obligation.notice)
    return {
        "id": payment.id,
        "notice_id": payment.obligation.notice_id,
        "obligation_id": payment.obligation_id,
        "state": payment.state,
        "channel": payment.channel,
        "amount": shapes.money(payment.amount_minor, payment.currency),
        "client_reference_id": payment.reference,
        "checkout_session_id": payment.checkout_session_id,
        "checkout_url": payment.checkout_url,
        "bank": {
            "account_name": payment.account_name,
            "bank": payment.bank,
            "account": payment.account,
            "reference": payment.reference,
        }
        if payment.channel == "bank"
        else None,
        "paid_on": payment.paid_on,
        "received": shapes.money(max(ledger.came_by(payment), 0), payment.currency),
        "invoiced": payment.invoice_id is not None,
        "licence_id": licence.id if licence is not None else None,
    }


# --- notices


@blueprint.call("POST", "/offers/<offer_id>/notices")
@access("signed_in")
@blueprint.arguments(NoticeRequest, required=False)
@blueprint.response(201, NoticeView)
def serve_notice(values: dict[str, Any], offer_id: str) -> Response:
    """Serve the written notice on an offer. Nobody approves anything.

    The terms are frozen, the document is printed and sealed. Where nothing is due first, the licence exists
    in this answer.
    """
    licensee = values.get("licensee_id")

    def prepare(actor: Actor) -> notices.PreparedNotice:
        return notices.prepare_notice(
            actor,
            key_of(offer_id),
            values.get("use"),
            values.get("contact"),
            licensee_id=None if licensee is None else key_of(licensee),
            seat=values.get("seat") or MAINLAND,
            technology=values.get("technology"),
            clauses=[key_of(one) for one in values.get("clauses") or ()],
        )

    return once_prepared(
        NoticeView,
        prepare,
        lambda actor, prepared: notice_view(notices.serve_notice(actor, prepared)),
        status=201,
    )


@blueprint.call("GET", "/notices")
@access("organisation")
@blueprint.arguments(After, location="query")
@blueprint.response(200, shapes.page_of(NoticeView, "NoticePage"))
def list_notices(asked: dict[str, Any]) -> Any:
    """Notices that the caller is party to, newest first."""
    rows = notices.list_notices(current_actor(), after=_after(asked), limit=asked["size"] + 1)
    return shapes.page(rows, asked["size"], notice_view)


@blueprint.call("GET", "/notices/<notice_id>")
@access("signed_in")
@blueprint.response(200, NoticeView)
def get_notice(notice_id: str) -> dict[str, Any]:
    """One notice."""
    return notice_view(notices.get_notice(current_actor(), key_of(notice_id)))


@blueprint.call("GET", "/notices/<notice_id>/document")
@access("signed_in")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/pdf")
def get_notice_document(notice_id: str) -> Response:
    """The sealed document of a notice, whose sha256 the notice names."""
    actor = current_actor()
    notice = notices.get_notice(actor, key_of(notice_id))
    return pdf(notices.notice_document(actor, notice.id), f"{notice.number}.pdf")


@blueprint.call("POST", "/notices/<notice_id>/actions/abandon")
@access("signed_in")
@blueprint.response(200, NoticeView)
def abandon_notice(notice_id: str) -> Response:
    """Give an open notice up (licensee)."""
    return once(NoticeView, lambda actor: notice_view(notices.abandon_notice(actor, key_of(notice_id))))


@blueprint.call("POST", "/notices/<notice_id>/actions/prove_service")
@access("signed_in")
@blueprint.arguments(ProofRequest)
@blueprint.response(200, NoticeView)
def prove_service(values: dict[str, Any], notice_id: str) -> Response:
    """Record the proof that a sealed notice reached a holder who has not joined (operator, holder)."""

    def act(actor: Actor) -> dict[str, Any]:
        notice = notices.prove_service(
            actor, key_of(notice_id), proof=values["proof"], sent_at=values["sent_at"]
        )
        return notice_view(notice)

    return once(NoticeView, act)


# --- payments


@blueprint.call("POST", "/notices/<notice_id>/payments")
@access("signed_in")
@blueprint.arguments(PaymentRequest)
@blueprint.response(201, PaymentView)
def start_payment(values: dict[str, Any], notice_id: str) -> Response:
    """Start to pay what a notice makes due, into the holder's own account.

    `bank` answers with the account and the reference to write into the transfer, `stripe` with a checkout to
    send the payer to. While the provider does not answer, the attempt stays: call again to take it up.
    """

    def act(actor: Actor, _nothing: None) -> dict[str, Any]:
        obligation = values.get("obligation_id")
        payment = payments.begin_payment(
            actor,
            key_of(notice_id),
            values["channel"],
            None if obligation is None else key_of(obligation),
        )
        return payment_view(payment)

    def open_checkout(actor: Actor, begun: dict[str, Any]) -> dict[str, Any]:
        return payment_view(payments.open_checkout(actor, int(begun["id"])))

    return once_prepared(
        PaymentView,
        lambda _actor: None,
        act,
        status=201,
        # The intent is committed with its key; the provider is called after that, and again on a retry.
        finish=open_checkout if values["channel"] == "stripe" else None,
    )


@blueprint.call("GET", "/payments/<payment_id>")
@access("signed_in")
@blueprint.response(200, PaymentView)
def get_payment(payment_id: str) -> dict[str, Any]:
    """One attempt to pay."""
    return payment_view(payments.get_payment(current_actor(), key_of(payment_id)))


FILE_PART: Final = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
            }
        }
    },
}


def sent_file(default: str) -> tuple[bytes, str]:
    """Bytes and name of the part `file`. Raises Invalid: `file-missing`."""
    sent = request.files.get("file")
    if sent is None:
        raise Invalid(
            "file-missing",
            "Send the file as the part `file` of multipart/form-data.",
            fields={"file": ["Send the file as the part `file` of multipart/form-data."]},
        )
    with sent.stream:
        return sent.read(), (sent.filename or default)[:200]


@blueprint.call("POST", "/payments/<payment_id>/actions/slip", raw_body=True, largest=LARGEST_SLIP)
@access("signed_in")
@described(requestBody=FILE_PART)
@blueprint.response(200, PaymentView)
def upload_slip(payment_id: str) -> Response:
    """Upload the bank's slip (PDF, PNG or JPEG up to 10 MB) as `file`; it proves nothing by itself."""
    content, name = sent_file("slip")

    def act(actor: Actor) -> dict[str, Any]:
        return payment_view(payments.upload_slip(actor, key_of(payment_id), content, name))

    return once(PaymentView, act)


@blueprint.call("POST", "/payments/<payment_id>/actions/invoice", raw_body=True, largest=LARGEST_SLIP)
@access("signed_in")
@described(requestBody=FILE_PART)
@blueprint.response(200, PaymentView)
def upload_invoice(payment_id: str) -> Response:
    """Upload the payee's own invoice (PDF, PNG or JPEG up to 10 MB) as `file`, once the payment is proven."""
    content, name = sent_file("invoice")

    def act(actor: Actor) -> dict[str, Any]:
        return payment_view(payments.upload_invoice(actor, key_of(payment_id), content, name))

    return once(PaymentView, act)


@blueprint.call("POST", "/payments/<payment_id>/actions/confirm")
@access("signed_in")
@blueprint.arguments(ConfirmRequest)
@blueprint.response(200, PaymentView)
def confirm_payment(values: dict[str, Any], payment_id: str) -> Response:
    """State that a transfer has arrived (payee). The licence follows when the announced sum is there.

    A part leaves the rest owed; of what is too much the surplus becomes a refund. Money in another currency
    is set aside: the payment is `quarantined` then, and the operator sees it.
    """

    def act(actor: Actor) -> dict[str, Any]:
        amount = values["amount"]
        payment = payments.confirm_payment(
            actor,
            key_of(payment_id),
            values["paid_on"],
            amount["amount_minor"],
            amount["currency"],
            again=values["again"],
        )
        return payment_view(payment)

    return once(PaymentView, act)


@blueprint.call("POST", "/payments/<payment_id>/actions/cancel")
@access("signed_in")
@blueprint.response(200, PaymentView)
def cancel_payment(payment_id: str) -> Response:
    """Give an open attempt up, to pay in another way (licensee)."""
    return once(PaymentView, lambda actor: payment_view(payments.cancel_payment(actor, key_of(payment_id))))


def _after(asked: dict[str, Any]) -> int | None:
    return int(asked["after"]) if "after" in asked else None
