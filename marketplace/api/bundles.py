"""Several offers in one go: the basket, a bundle of notices, and one payment for several of them."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import Actor
from marketplace.deals import notices, payments
from marketplace.deals.bundles import basket, paying, services
from marketplace.deals.bundles.models import Bundle, BundlePart, BundleTransfer
from marketplace.deals.bundles.rules import MOST
from marketplace.deals.export_control.models import ANSWERS
from marketplace.deals.export_control.rules import MAINLAND
from marketplace.deals.lookup import licences_of
from marketplace.deals.models import Licence

from . import shapes
from .answering import once, once_prepared
from .documents import Blueprint, described
from .notices import FILE_PART, LARGEST_SLIP, BankDetails, Party, party_view, sent_file
from .shapes import After, Amount, Id, Instant, key_of

blueprint = Blueprint(
    "bundles", "bundles", "Several offers in one go: a notice for each, one payment for each payee."
)

SECONDS: Final = 20.0  # the worker gives what is left after that


# --- shapes


class BasketEntry(ma.Schema):
    """An offer in the basket, as it would be taken up today."""

    offer_id = Id(required=True)
    payee = fields.Nested(Party, required=True)
    due_first = fields.Nested(
        Amount, required=True, metadata={"description": "due before the licence takes effect"}
    )
    terms_digest = fields.String(required=True, metadata={"description": "of the announced terms"})
    problem = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "code of why no notice can be given now; null when it can"},
    )
    barred = fields.List(
        fields.String(), required=True, metadata={"description": "known bars: a caution, no refusal"}
    )


class BasketTotal(ma.Schema):
    """What is due to one payee before the licences take effect."""

    payee = fields.Nested(Party, required=True)
    amount = fields.Nested(Amount, required=True)
    offers = fields.Integer(required=True)


class BasketView(ma.Schema):
    """The basket of the caller's organisation."""

    items = fields.List(fields.Nested(BasketEntry), required=True)
    totals = fields.List(fields.Nested(BasketTotal), required=True)


class BasketRequest(ma.Schema):
    """An offer to lay aside."""

    offer_id = fields.String(required=True)


class BundleOffer(ma.Schema):
    """One offer to take up."""

    offer_id = fields.String(required=True)
    terms_digest = fields.String(
        allow_none=True,
        metadata={"description": "of the terms that the licensee has seen; others are not taken up"},
    )
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


class BundleRequest(ma.Schema):
    """Which offers, and what stands in every notice; nothing of it is a condition."""

    offers = fields.List(
        fields.Nested(BundleOffer), required=True, metadata={"description": f"1 to {MOST}", "maxItems": MOST}
    )
    use = shapes.text(notices.MAX_USE, description="what the patents are to be used for")
    contact = shapes.text(notices.MAX_CONTACT, description="how the holders reach the licensee")
    licensee_id = fields.String(
        allow_none=True, metadata={"description": "for an agency: for which principal; default: itself"}
    )
    seat = shapes.text(2, description="where the licensee is seated (ISO 3166); default: CN")


class BundlePartView(ma.Schema):
    """What became of one offer."""

    offer_id = Id(required=True)
    state = fields.String(required=True, metadata={"enum": ["waiting", "served", "refused"]})
    problem = fields.String(
        required=True, allow_none=True, metadata={"description": "code of why it was refused"}
    )
    notice_id = Id(required=True, allow_none=True)
    licence_id = Id(required=True, allow_none=True)
    clauses = fields.List(
        Id(), required=True, metadata={"description": "further clauses accepted with the notice"}
    )


class PayableView(ma.Schema):
    """Notices that can be paid in one go: one payee, one account, one currency."""

    payee = fields.Nested(Party, required=True)
    amount = fields.Nested(Amount, required=True)
    channels = fields.List(fields.String(), required=True)
    notice_ids = fields.List(Id(), required=True)


class TransferShare(ma.Schema):
    """One of the payments that a transfer consists of, in the order in which a part pays them."""

    payment_id = Id(required=True)
    notice_id = Id(required=True)
    amount = fields.Nested(Amount, required=True)
    state = fields.String(required=True)


class TransferView(ma.Schema):
    """One payment for several notices, into the holder's own account."""

    id = Id(required=True)
    bundle_id = Id(required=True)
    payee = fields.Nested(Party, required=True)
    state = fields.String(
        required=True,
        metadata={"enum": ["open", "slip_uploaded", "quarantined", "paid", "part", "cancelled"]},
    )
    channel = fields.String(required=True, metadata={"enum": ["bank", "stripe"]})
    amount = fields.Nested(Amount, required=True)
    client_reference_id = fields.String(required=True)
    checkout_session_id = fields.String(required=True, allow_none=True)
    checkout_url = fields.String(required=True, allow_none=True)
    bank = fields.Nested(BankDetails, required=True, allow_none=True)
    payments = fields.List(fields.Nested(TransferShare), required=True)


class BundleView(ma.Schema):
    """Several notices given in one go. It has no state of its own: each part is a legal act of its own."""

    id = Id(required=True)
    number = fields.String(required=True)
    licensee = fields.Nested(Party, required=True)
    created_at = Instant(required=True)
    done_at = Instant(required=True, allow_none=True)
    use = fields.String(allow_none=True)
    contact = fields.String(allow_none=True)
    parts = fields.List(fields.Nested(BundlePartView), required=True)
    payable = fields.List(fields.Nested(PayableView), required=True)
    transfer_ids = fields.List(Id(), required=True)


class RetryRequest(ma.Schema):
    """On which terms a refused part is tried again."""

    terms_digest = fields.String(
        allow_none=True,
        metadata={"description": "of the present terms, once seen; default: those agreed to first"},
    )


class TransferRequest(ma.Schema):
    """What to pay in one go, and how."""

    channel = fields.String(required=True, validate=validate.OneOf(payments.CHANNELS))
    notice_ids = fields.List(fields.String(), required=True, metadata={"description": "of one payable group"})


class ConfirmTransferRequest(ma.Schema):
    """What has arrived in the payee's account, and when it was paid."""

    paid_on = shapes.day(required=True)
    amount = fields.Nested(Amount, required=True)
    again = fields.Boolean(
        load_default=False, metadata={"description": "the same sum of the same day has come once more"}
    )


# --- views of rows


def basket_view(actor: Actor) -> dict[str, Any]:
    """The basket, as `BasketView`."""
    looked = basket.basket(actor)
    return {
        "items": [
            {
                "offer_id": one.offer.id,
                "payee": party_view(one.offer.holder),
                "due_first": shapes.money(one.first_minor, one.currency),
                "terms_digest": one.digest,
                "problem": one.problem.code if one.problem is not None else None,
                "barred": list(one.barred),
            }
            for one in looked
        ],
        "totals": [
            {
                "payee": party_view(one.payee),
                "amount": shapes.money(one.amount_minor, one.currency),
                "offers": one.offers,
            }
            for one in basket.totals(looked)
        ],
    }


def bundle_view(bundle: Bundle) -> dict[str, Any]:
    """A bundle, as `BundleView`."""
    licences = licences_of([part.notice_id for part in bundle.parts if part.notice_id is not None])
    plain = ("id", "number", "created_at", "done_at", "use", "contact")
    return {
        **{name: getattr(bundle, name) for name in plain},
        "licensee": party_view(bundle.licensee),
        "parts": [_part_view(part, licences) for part in bundle.parts],
        "payable": [
            {
                "payee": party_view(group.payee),
                "amount": shapes.money(group.amount_minor, group.currency),
                "channels": list(group.channels),
                "notice_ids": [one.notice.id for one in group.due],
            }
            for group in paying.groups(bundle)
            if group.due
        ],
        "transfer_ids": [one.id for one in bundle.transfers],
    }


def _part_view(part: BundlePart, licences: dict[int, Licence]) -> dict[str, Any]:
    licence = licences.get(part.notice_id) if part.notice_id is not None else None
    return {
        **{name: getattr(part, name) for name in ("offer_id", "state", "problem", "notice_id", "clauses")},
        "licence_id": licence.id if licence is not None else None,
    }


def transfer_view(transfer: BundleTransfer) -> dict[str, Any]:
    """A payment for several notices, as `TransferView`."""
    plain = ("id", "bundle_id", "channel", "checkout_session_id", "checkout_url")
    return {
        **{name: getattr(transfer, name) for name in plain},
        "payee": party_view(transfer.payee),
        "state": paying.standing(transfer),
        "amount": shapes.money(transfer.amount_minor, transfer.currency),
        "client_reference_id": transfer.reference,
        "bank": {name: getattr(transfer, name) for name in ("account_name", "bank", "account", "reference")}
        if transfer.channel == "bank"
        else None,
        "payments": [
            {
                "payment_id": one.id,
                "notice_id": one.obligation.notice_id,
                "amount": shapes.money(one.amount_minor, one.currency),
                "state": one.state,
            }
            for one in paying.payments_of(transfer)
        ],
    }


# --- the basket


@blueprint.call("GET", "/basket")
@access("organisation")
@blueprint.response(200, BasketView)
def get_basket() -> dict[str, Any]:
    """The basket of one's organisation, with what stands in the way and what is due by payee."""
    return basket_view(current_actor())


@blueprint.call("POST", "/basket")
@access("organisation")
@blueprint.arguments(BasketRequest)
@blueprint.response(200, BasketView)
def add_to_basket(values: dict[str, Any]) -> Response:
    """Lay an offer aside; one that lies there already stays."""

    def act(actor: Actor) -> dict[str, Any]:
        basket.add(actor, key_of(values["offer_id"]))
        return basket_view(actor)

    return once(BasketView, act)


@blueprint.call("POST", "/basket/<offer_id>/actions/remove")
@access("organisation")
@blueprint.response(200, BasketView)
def remove_from_basket(offer_id: str) -> Response:
    """Take an offer out of the basket; one that is not there is no error."""

    def act(actor: Actor) -> dict[str, Any]:
        basket.remove(actor, key_of(offer_id))
        return basket_view(actor)

    return once(BasketView, act)


# --- bundles


@blueprint.call("POST", "/bundles")
@access("signed_in")
@blueprint.arguments(BundleRequest)
@blueprint.response(201, BundleView)
def make_bundle(values: dict[str, Any]) -> Response:
    """Give a written notice on each of several offers. One failure never stops the others.

    The bundle is there from the first moment, with every part `waiting`; each notice is then given by
    itself. Called again with the same key it goes on where it stopped, and so does the worker by itself.
    """
    licensee = values.get("licensee_id")
    chosen = {key_of(one["offer_id"]): one for one in values["offers"]}

    def act(actor: Actor, _nothing: None) -> dict[str, Any]:
        seen = {key: one["terms_digest"] for key, one in chosen.items() if one.get("terms_digest")}
        bundle = services.begin_bundle(
            actor,
            list(chosen),
            values.get("use"),
            values.get("contact"),
            licensee_id=None if licensee is None else key_of(licensee),
            seat=values.get("seat") or MAINLAND,
            technology={key: one["technology"] for key, one in chosen.items() if one.get("technology")},
            terms=seen,
            clauses={key: [key_of(c) for c in one.get("clauses") or ()] for key, one in chosen.items()},
        )
        return bundle_view(bundle)

    def serve(actor: Actor, begun: dict[str, Any]) -> dict[str, Any]:
        return bundle_view(services.serve_parts(actor, int(begun["id"]), seconds=SECONDS))

    return once_prepared(BundleView, lambda _actor: None, act, status=201, finish=serve)


@blueprint.call("GET", "/bundles")
@access("organisation")
@blueprint.arguments(After, location="query")
@blueprint.response(200, shapes.page_of(BundleView, "BundlePage"))
def list_bundles(asked: dict[str, Any]) -> Any:
    """Bundles of one's organisation, newest first."""
    after = int(asked["after"]) if "after" in asked else None
    rows = services.list_bundles(current_actor(), after=after, limit=asked["size"] + 1)
    return shapes.page(rows, asked["size"], bundle_view)


@blueprint.call("GET", "/bundles/<bundle_id>")
@access("signed_in")
@blueprint.response(200, BundleView)
def get_bundle(bundle_id: str) -> dict[str, Any]:
    """One bundle: what became of each part, and what can be paid in one go."""
    return bundle_view(services.get_bundle(current_actor(), key_of(bundle_id)))


@blueprint.call("POST", "/bundles/<bundle_id>/actions/serve")
@access("signed_in")
@blueprint.response(200, BundleView)
def serve_bundle(bundle_id: str) -> Response:
    """Go on with the parts that wait (licensee)."""

    def act(actor: Actor, _nothing: None) -> dict[str, Any]:
        return bundle_view(services.get_bundle(actor, key_of(bundle_id)))

    def serve(actor: Actor, found: dict[str, Any]) -> dict[str, Any]:
        return bundle_view(services.serve_parts(actor, int(found["id"]), seconds=SECONDS))

    return once_prepared(BundleView, lambda _actor: None, act, finish=serve)


@blueprint.call("POST", "/bundles/<bundle_id>/parts/<offer_id>/actions/retry")
@access("signed_in")
@blueprint.arguments(RetryRequest, required=False)
@blueprint.response(200, BundleView)
def retry_part(values: dict[str, Any], bundle_id: str, offer_id: str) -> Response:
    """Try a refused part again (licensee)."""

    def act(actor: Actor, _nothing: None) -> dict[str, Any]:
        part = services.retry_part(
            actor, key_of(bundle_id), key_of(offer_id), terms=values.get("terms_digest")
        )
        return bundle_view(part.bundle)

    def serve(actor: Actor, found: dict[str, Any]) -> dict[str, Any]:
        return bundle_view(services.serve_parts(actor, int(found["id"]), seconds=SECONDS))

    return once_prepared(BundleView, lambda _actor: None, act, finish=serve)


# --- one payment for several notices


@blueprint.call("POST", "/bundles/<bundle_id>/transfers")
@access("signed_in")
@blueprint.arguments(TransferRequest)
@blueprint.response(201, TransferView)
def start_transfer(values: dict[str, Any], bundle_id: str) -> Response:
    """Start one payment for several notices of a bundle, into the holder's own account (licensee).

    `bank` answers with the account and the one reference to write into the transfer, `stripe` with one
    checkout that has a line for each notice. A part that arrives pays the notices in the order of `payments`.
    """

    def act(actor: Actor, _nothing: None) -> dict[str, Any]:
        ids = [key_of(one) for one in values["notice_ids"]]
        return transfer_view(paying.begin_transfer(actor, key_of(bundle_id), values["channel"], ids))

    def open_checkout(actor: Actor, begun: dict[str, Any]) -> dict[str, Any]:
        return transfer_view(paying.open_checkout(actor, int(begun["id"])))

    return once_prepared(
        TransferView,
        lambda _actor: None,
        act,
        status=201,
        finish=open_checkout if values["channel"] == "stripe" else None,
    )


@blueprint.call("GET", "/transfers/<transfer_id>")
@access("signed_in")
@blueprint.response(200, TransferView)
def get_transfer(transfer_id: str) -> dict[str, Any]:
    """One payment for several notices (both sides)."""
    return transfer_view(paying.get_transfer(current_actor(), key_of(transfer_id)))


@blueprint.call("POST", "/transfers/<transfer_id>/actions/slip", raw_body=True, largest=LARGEST_SLIP)
@access("signed_in")
@described(requestBody=FILE_PART)
@blueprint.response(200, TransferView)
def upload_transfer_slip(transfer_id: str) -> Response:
    """Show the bank's slip (PDF, PNG or JPEG) to the payee; it proves nothing by itself (licensee)."""
    content, name = sent_file("slip")
    return once(
        TransferView,
        lambda actor: transfer_view(paying.upload_slip(actor, key_of(transfer_id), content, name)),
    )


@blueprint.call("POST", "/transfers/<transfer_id>/actions/cancel")
@access("signed_in")
@blueprint.response(200, TransferView)
def cancel_transfer(transfer_id: str) -> Response:
    """Give the payment up, to pay in another way (licensee)."""
    return once(TransferView, lambda actor: transfer_view(paying.cancel_transfer(actor, key_of(transfer_id))))


@blueprint.call("POST", "/transfers/<transfer_id>/actions/confirm")
@access("signed_in")
@blueprint.arguments(ConfirmTransferRequest)
@blueprint.response(200, TransferView)
def confirm_transfer(values: dict[str, Any], transfer_id: str) -> Response:
    """State that the transfer has arrived (payee): each licence follows when its own sum is there."""

    def act(actor: Actor) -> dict[str, Any]:
        amount = values["amount"]
        key = key_of(transfer_id)
        paying.confirm_transfer(
            actor,
            key,
            values["paid_on"],
            amount["amount_minor"],
            amount["currency"],
            again=values["again"],
        )
        return transfer_view(paying.get_transfer(actor, key))

    return once(TransferView, act)
