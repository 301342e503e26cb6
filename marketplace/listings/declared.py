"""What a declaration says, whole: its own terms, and what it takes from the holder's standing data."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

from . import rules
from .models import Offer


class Payee(NamedTuple):
    """The account that licence money goes to."""

    account_name: str
    bank: str | None
    account: str


def offer_terms(offer: Offer) -> rules.Terms:
    """What the declaration says, for the rules."""
    return rules.Terms(
        fee_form=offer.fee_form,
        fee_minor=offer.fee_minor,
        rate_percent=offer.rate_percent,
        rate_base=offer.rate_base,
        payment_text=offer.payment_text,
        fee_explanation=offer.fee_explanation,
        term_from=offer.term_from,
        term_to=offer.term_to,
        contact=offer.contact,
        instalments=tuple((months, minor) for months, minor in offer.instalments or ()),
    )


def payee_of(offer: Offer) -> Payee | None:
    """The account that the declaration names, else the holder's."""
    if offer.payee_account:
        return Payee(
            offer.payee_account_name or offer.holder.name, offer.payee_bank or None, offer.payee_account
        )
    holder = offer.holder
    if not holder.bank_account:
        return None
    return Payee(holder.bank_account_name or holder.name, holder.bank_name or None, holder.bank_account)


def channels_of(offer: Offer) -> list[str]:
    """The ways of paying that the declaration names, else those that the payee has."""
    if offer.channels or offer.fee_form == "free":
        return list(offer.channels)
    stripe = ["stripe"] if offer.holder.stripe_account else []
    return [*(["bank"] if payee_of(offer) or not stripe else []), *stripe]


def payment_text_of(offer: Offer) -> str:
    """How the fee is paid and its standard: the declaration's wording, else the usual one for its form."""
    if offer.payment_text or offer.fee_form is None or rules.form_faults(offer_terms(offer)):
        return offer.payment_text or ""
    return rules.payment_text(offer_terms(offer))


def shown_terms(offer: Offer) -> dict[str, Any]:
    """Everything that whoever consents to the declaration is shown, as plain values."""
    patent, payee = offer.patent, payee_of(offer)
    free = offer.fee_form == "free"
    # Only where there are some: what was consented to before keeps its digest.
    instalments = {"instalments": [list(one) for one in offer.instalments]} if offer.instalments else {}
    return instalments | {
        "patent_number": patent.reference,
        "title": patent.title,
        "patentees": [party.organisation.name for party in patent.parties],
        "fee_form": offer.fee_form,
        "fee_minor": offer.fee_minor,
        "currency": offer.currency,
        "rate_percent": None if offer.rate_percent is None else f"{offer.rate_percent.normalize():f}",
        "rate_base": offer.rate_base,
        "payment_text": payment_text_of(offer),
        "channels": channels_of(offer),
        "payee": None if free or payee is None else list(payee),
        "term_from": None if offer.term_from is None else offer.term_from.isoformat(),
        "term_to": None if offer.term_to is None else offer.term_to.isoformat(),
        "contact": offer.contact,
        "fee_explanation": offer.fee_explanation,
        "not_included": offer.not_included,
    }


def terms_digest(offer: Offer) -> str:
    """The SHA-256 (hex) of the shown terms, as JSON with sorted keys and without blanks, in UTF-8."""
    return _digest(shown_terms(offer))


def shown_withdrawal(offer: Offer, ground: str | None) -> dict[str, Any]:
    """Everything that whoever consents to the withdrawal of an offer is shown, as plain values."""
    patent = offer.patent
    return {
        "withdrawal_of": offer.declaration_number,
        "announced_on": None if offer.announced_on is None else offer.announced_on.isoformat(),
        "patent_number": patent.reference,
        "title": patent.title,
        "patentees": [party.organisation.name for party in patent.parties],
        "ground": ground,
    }


def withdrawal_digest(offer: Offer, ground: str | None) -> str:
    """The SHA-256 (hex) of the shown withdrawal, written as that of the terms."""
    return _digest(shown_withdrawal(offer, ground))


def _digest(values: dict[str, Any]) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
