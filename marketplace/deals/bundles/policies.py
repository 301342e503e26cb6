"""Who may fill a basket, give the notices of a bundle, and pay or confirm one of its transfers."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, acts_for_an_organisation, bureau, system

from .models import Bundle, BundlePart, BundleTransfer


def _bundle(subject: Any) -> Bundle | None:
    if isinstance(subject, BundlePart | BundleTransfer):
        return subject.bundle
    return subject if isinstance(subject, Bundle) else None


def taker(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the licensee: its members and agencies under a mandate."""
    bundle = _bundle(subject)
    return bundle is not None and bundle.licensee_id in actor.licensees


def transfer_payee(actor: Actor, subject: Any) -> bool:
    """Whoever acts for the holder into whose account the money goes."""
    return isinstance(subject, BundleTransfer) and subject.payee_id in actor.holders


def operator_for_absent_payee(actor: Actor, subject: Any) -> bool:
    """The operator, as long as nobody acts for the holder here."""
    return isinstance(subject, BundleTransfer) and actor.is_operator and not subject.payee.joined


_SEES = (taker, system, bureau)
_PARTIES = (taker, transfer_payee, bureau)

RULES = {
    "basket.view": Rule(READ, (acts_for_an_organisation,)),
    "basket.change": Rule(WRITE, (acts_for_an_organisation,)),
    "bundle.make": Rule(WRITE, (acts_for_an_organisation,)),
    "bundle.view": Rule(READ, (taker, bureau), sees=_SEES),
    "bundle.serve": Rule(WRITE, (taker, system), sees=_SEES),
    "transfer.start": Rule(WRITE, (taker,), sees=_SEES),
    "transfer.view": Rule(READ, _PARTIES, sees=_PARTIES),
    "transfer.pay": Rule(WRITE, (taker,), sees=_PARTIES),
    "transfer.confirm": Rule(WRITE, (transfer_payee, operator_for_absent_payee), sees=_PARTIES),
}
