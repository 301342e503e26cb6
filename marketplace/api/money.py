"""What stands beside the money: the payer's record, flags of the provider, taxes, and comparisons."""

from __future__ import annotations

import datetime as dt
from typing import Any

import marshmallow as ma
from flask import Response
from marshmallow import fields

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import NotFound
from marketplace.core.files import StoredFile, store
from marketplace.deals import flags, reconcile, records
from marketplace.deals.models import FLAG_KINDS, Difference, Obligation, PaymentFlag, Reconciliation
from marketplace.deals.notices import get_notice
from marketplace.deals.payments import get_payment
from marketplace.deals.taxes import rules as taxes
from marketplace.deals.taxes.services import taxes_of, taxes_of_obligation

from . import shapes
from .documents import Blueprint
from .files import attachment, pdf
from .shapes import Amount, Day, Id, Instant, key_of

blueprint = Blueprint("money", "records, flags and taxes", "What stands beside the money of a deal.")


class FlagView(ma.Schema):
    """A refund or a dispute at the provider, by its own word; it ends no licence."""

    id = Id(required=True)
    payment_id = Id(required=True)
    kind = fields.String(required=True, metadata={"enum": list(FLAG_KINDS)})
    status = fields.String(required=True)
    amount = fields.Nested(Amount, required=True, allow_none=True)
    checkout_amount = fields.Nested(
        Amount,
        required=True,
        allow_none=True,
        metadata={
            "description": "told of a checkout that pays several notices: `amount` is this payment's share "
            "of it, or the same sum where only a part of the checkout is meant; null for a payment alone"
        },
    )
    reason = fields.String(required=True, allow_none=True)
    funds_withdrawn = fields.Boolean(required=True)
    opened_at = Instant(required=True)
    closed_at = Instant(required=True, allow_none=True)


class FlagList(ma.Schema):
    """Flags, oldest first."""

    items = fields.List(fields.Nested(FlagView), required=True)


class TaxRuleView(ma.Schema):
    """A rule while it holds, both days inclusive; `unconfirmed` until somebody competent confirms it."""

    code = fields.String(required=True)
    borne_by = fields.String(required=True, metadata={"enum": ["payee", "payer", "both"]})
    rate_percent = fields.Float(required=True, allow_none=True)
    valid_from = Day(required=True)
    valid_to = Day(required=True, allow_none=True)
    state = fields.String(required=True, metadata={"enum": list(taxes.STATES)})
    source = fields.String(required=True)
    note_zh = fields.String(required=True)
    note_en = fields.String(required=True)


class TaxRuleList(ma.Schema):
    """The rules of a day."""

    on = Day(required=True)
    items = fields.List(fields.Nested(TaxRuleView), required=True)


class TaxView(ma.Schema):
    """A rule on a sum; where the tax cannot be known, `unknown_because` says why."""

    rule = fields.Nested(TaxRuleView, required=True)
    amount = fields.Nested(Amount, required=True, allow_none=True)
    unknown_because = fields.String(required=True, allow_none=True)


class TaxList(ma.Schema):
    """What a sum may bear: information for both sides, never advice."""

    items = fields.List(fields.Nested(TaxView), required=True)


class TaxQuery(shapes.Query):
    """Of which day."""

    on = shapes.day()


class DifferenceView(ma.Schema):
    """What did not agree."""

    account = fields.String(required=True)
    reason = fields.String(required=True)
    payment_id = Id(required=True, allow_none=True)
    quarantine_id = Id(required=True, allow_none=True)
    provider_id = fields.String(required=True, allow_none=True)
    expected = fields.Dict(required=True)
    received = fields.Dict(required=True)


class ReconciliationView(ma.Schema):
    """One comparison of our payments with the provider's, with its counts."""

    id = Id(required=True)
    started_at = Instant(required=True)
    finished_at = Instant(required=True)
    since = Instant(required=True)
    livemode = fields.Boolean(required=True)
    accounts = fields.Integer(required=True)
    counts = fields.Dict(required=True)


class ReconciliationDetail(ReconciliationView):
    """A comparison with everything that differed."""

    differences = fields.List(fields.Nested(DifferenceView), required=True)


_BINARY = {"type": "string", "format": "binary"}


@blueprint.call("GET", "/payments/<payment_id>/record")
@access("signed_in")
@blueprint.response(200, _BINARY, content_type="application/pdf")
def get_payment_record(payment_id: str) -> Response:
    """The payer's record of a payment that has arrived: a sealed PDF, marked as no invoice."""
    content, name = records.payment_record(current_actor(), key_of(payment_id))
    return pdf(content, name)


@blueprint.call("GET", "/payments/<payment_id>/invoice")
@access("signed_in")
@blueprint.response(200, _BINARY, content_type="application/octet-stream")
def get_payment_invoice(payment_id: str) -> Response:
    """The payee's own invoice, once it was uploaded (`POST /payments/{id}/actions/invoice`)."""
    key = get_payment(current_actor(), key_of(payment_id)).invoice_id
    row = None if key is None else db.session.get(StoredFile, key)
    if row is None:
        raise NotFound("file-missing", "The file is no longer in the store.")
    return attachment(store().read(row.digest), row.name)


@blueprint.call("GET", "/payments/<payment_id>/flags")
@access("signed_in")
@blueprint.response(200, FlagList)
def list_payment_flags(payment_id: str) -> dict[str, Any]:
    """Refunds and disputes at the provider over one payment."""
    payment = get_payment(current_actor(), key_of(payment_id))
    return {"items": [_flag(one) for one in flags.flags_of([payment.id])]}


def _flag(row: PaymentFlag) -> dict[str, Any]:
    plain = ("id", "payment_id", "kind", "status", "reason", "funds_withdrawn", "opened_at", "closed_at")
    currency = row.currency or row.payment.currency
    return {name: getattr(row, name) for name in plain} | {
        "amount": shapes.money(row.amount_minor, currency),
        "checkout_amount": shapes.money(row.checkout_minor, currency),
    }


@blueprint.call("GET", "/taxes")
@access("public")
@blueprint.arguments(TaxQuery, location="query")
@blueprint.response(200, TaxRuleList)
def list_tax_rules(asked: dict[str, Any]) -> dict[str, Any]:
    """The dated rules on taxes of licence fees that hold on a day, with their sources."""
    day: dt.date = asked.get("on") or clock.today()
    return {"on": day, "items": [_rule(one) for one in taxes.rules_on(day)]}


@blueprint.call("GET", "/notices/<notice_id>/taxes")
@access("signed_in")
@blueprint.response(200, TaxList)
def list_notice_taxes(notice_id: str) -> dict[str, Any]:
    """What all sums of a notice together may bear, for both sides."""
    return _taxes(taxes_of(get_notice(current_actor(), key_of(notice_id))))


@blueprint.call("GET", "/obligations/<obligation_id>/taxes")
@access("signed_in")
@blueprint.response(200, TaxList)
def list_obligation_taxes(obligation_id: str) -> dict[str, Any]:
    """What one owed sum may bear, a royalty or an instalment say, by the rules of its day."""
    owed = db.session.get(Obligation, key_of(obligation_id))
    if owed is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    get_notice(current_actor(), owed.notice_id)
    return _taxes(taxes_of_obligation(owed))


def _taxes(found: list[taxes.Tax]) -> dict[str, Any]:
    return {
        "items": [
            {
                "rule": _rule(one.rule),
                "amount": shapes.money(one.amount_minor),
                "unknown_because": one.unknown,
            }
            for one in found
        ]
    }


def _rule(one: taxes.Rule) -> dict[str, Any]:
    plain = ("code", "borne_by", "valid_from", "valid_to", "state", "source", "note_zh", "note_en")
    rate = None if one.rate_percent is None else shapes.number(one.rate_percent)
    return {name: getattr(one, name) for name in plain} | {"rate_percent": rate}


@blueprint.call("GET", "/reconciliations")
@access("signed_in")
@blueprint.arguments(shapes.After, location="query")
@blueprint.response(200, shapes.page_of(ReconciliationView, "ReconciliationPage"))
def list_reconciliations(asked: dict[str, Any]) -> Any:
    """Comparisons of our payments with the provider's, newest first (bureau, operator)."""
    rows = reconcile.reports(
        current_actor(),
        before=int(asked["after"]) if "after" in asked else None,
        limit=asked["size"] + 1,
    )
    return shapes.page(rows, asked["size"], _report)


@blueprint.call("GET", "/reconciliations/<report_id>")
@access("signed_in")
@blueprint.response(200, ReconciliationDetail)
def get_reconciliation(report_id: str) -> dict[str, Any]:
    """One comparison with everything that differed (bureau, operator)."""
    report, differences = reconcile.report_of(current_actor(), key_of(report_id))
    return _report(report) | {"differences": [_difference(one) for one in differences]}


def _report(row: Reconciliation) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ReconciliationView().fields}


def _difference(row: Difference) -> dict[str, Any]:
    return {name: getattr(row, name) for name in DifferenceView().fields}
