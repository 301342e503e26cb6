"""What a notice makes due, when a licence takes effect and how long it runs. Pure functions.

Money in 分 (minor units) of the announced currency; dates are Shanghai dates, inclusive; instants in UTC.
PL is the Patent Law, GL the Guidelines for Patent Examination.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from marketplace.core import clock
from marketplace.core.errors import Conflict

# Neither the law nor the guidelines set a period between notice and payment. A transfer that needs a unit's
# internal approval takes weeks; and lapsing costs nothing, since a new notice may be served at any time.
DAYS_TO_PAY: Final = 30

# A transfer between banks arrives within a working day; a second one is left for looking it up.
SLIP_WORKING_DAYS: Final = 2

# Stripe takes at most eight digits of minor units in one payment: ¥999,999.99.
STRIPE_CEILING_MINOR: Final = 99_999_999

RECORDAL_MONTHS: Final = 3

# How a patent ended → why its licences end.
PATENT_ENDS: Final[Mapping[str, str]] = {
    "terminated": "patent_ended",
    "expired": "patent_ended",
    "invalidated": "patent_invalidated",
}


@dataclass(frozen=True)
class Owed:
    """One sum that is due: `fee` or `entry_fee`, in minor units; an instalment of it with its number.

    The whole sum, or the first instalment, is due before the licence takes effect; later ones fall due
    `due_months` after that.
    """

    kind: str
    amount_minor: int
    currency: str
    instalment: int | None = None
    due_months: int | None = None


@dataclass(frozen=True)
class Term:
    """A licence's first and last day, both inclusive."""

    begins: dt.date
    ends: dt.date


def obligations_of(terms: Mapping[str, Any]) -> list[Owed]:
    """What the announced terms make due, and what of it before the licence takes effect (PL 51).

    Args:
        terms: `Offer.terms()`, as frozen into the notice.

    Returns:
        Nothing for free offers (a fixed fee of zero is free) and pure royalties, else the one sum, or its
        instalments in order.

    Raises:
        Conflict: `terms-incomplete`, when a fixed fee is announced without its amount.
    """
    form, amount, currency = terms["fee_form"], terms["fee_minor"], terms["currency"]
    if form in ("free", "royalty_net_sales", "royalty_profit"):
        return []
    if form == "fixed":
        if amount is None:
            raise Conflict(
                "terms-incomplete", "The announced fee is not on record yet; please ask the operator."
            )
        return _sums("fee", amount, currency, terms)
    if form == "entry_plus_royalty":
        # Without an entry fee it is a pure royalty.
        return _sums("entry_fee", amount, currency, terms)
    raise Conflict("terms-incomplete", "The announced fee is not on record yet; please ask the operator.")


def _sums(kind: str, amount: int | None, currency: str, terms: Mapping[str, Any]) -> list[Owed]:
    if not amount:
        return []
    # Notices from before instalments were announced say nothing of them.
    instalments = terms.get("instalments") or ()
    if not instalments:
        return [Owed(kind, amount, currency)]
    if sum(minor for _, minor in instalments) != amount:
        raise Conflict("terms-incomplete", "The announced fee is not on record yet; please ask the operator.")
    return [
        Owed(kind, minor, currency, number, months) for number, (months, minor) in enumerate(instalments, 1)
    ]


def instalment_due(effective_on: dt.date, months: int) -> clock.Deadline:
    """The last day of a later instalment, by the legal calendar: months after the licence took effect."""
    return clock.deadline(effective_on, months=months)


def makes_the_licence(instalment: int | None) -> bool:
    """Whether a sum has to be paid before the licence takes effect: the whole, or the first instalment."""
    return instalment in (None, 1)


def basis_of(terms: Mapping[str, Any]) -> str:
    """How the licence begins: `paid` (notice and payment), `free` or `royalty` (nothing due on day one)."""
    if obligations_of(terms):
        return "paid"
    return "free" if terms["fee_form"] in ("free", "fixed") else "royalty"


def effective_on_service(terms: Mapping[str, Any], *, royalty_only_effective_on_notice: bool) -> bool:
    """Whether service of the notice alone makes the licence.

    Free offers: nothing is to be paid. Pure royalties: PL 51 makes payment a condition of obtaining the
    licence and says nothing of a royalty without an entry fee, so a setting decides (domain.md §4).
    """
    basis = basis_of(terms)
    return basis == "free" or (basis == "royalty" and royalty_only_effective_on_notice)


def pay_by(served_at: dt.datetime) -> dt.date:
    """The last day on which payment keeps a notice alive here."""
    return clock.legal_date(served_at) + dt.timedelta(days=DAYS_TO_PAY)


def answer_to_slip_by(shown_on: dt.date) -> clock.Deadline:
    """The last day on which a payee's word on a bank slip is no concern of the operator's yet."""
    return clock.working_days_after(shown_on, SLIP_WORKING_DAYS)


def bank_instant(paid_on: dt.date) -> dt.datetime:
    """The instant that stands for a transfer of which only the day is proven: that day's beginning."""
    return clock.start_of_day_utc(paid_on)


def effective_at(served_at: dt.datetime, payments: Iterable[dt.datetime]) -> dt.datetime:
    """When notice and payment are both there: the latest of them (PL 51), never before service."""
    return max([served_at, *payments])


def licence_term(
    effective_on: dt.date, term_to: dt.date | None, patent_expires_on: dt.date | None
) -> Term | None:
    """From effect to the end of the announced term, or of the patent if that is earlier.

    A licence contract is valid only while the patent lives (Civil Code 865).

    Returns:
        None when the term was over before the licence could take effect.

    Raises:
        Conflict: `term-unknown`, when neither end is on record.
    """
    ends = [day for day in (term_to, patent_expires_on) if day is not None]
    if not ends:
        raise Conflict(
            "term-unknown", "The announced licence term is not on record yet; please ask the operator."
        )
    return Term(effective_on, min(ends)) if effective_on <= min(ends) else None


def end_with_patent(
    status: str, as_of: dt.date, effective_on: dt.date, term_to: dt.date | None
) -> tuple[str, dt.date] | None:
    """Why and with which last day a licence ends early with its patent; None when it does not.

    Args:
        status: legal status of the patent.
        as_of: since when; for an invalidated one the day of the decision, as PL 47 lets stand what was
            performed until then.
        effective_on: the licence's first day; it does not end before.
        term_to: its last day by its term, None where that is not on record.
    """
    reason = PATENT_ENDS.get(status)
    if reason is None or (term_to is not None and as_of > term_to):
        return None
    return reason, max(as_of, effective_on)


def recordal_deadline(effective_on: dt.date) -> clock.Deadline:
    """The last day for filing the recordal: three months from effect (IR 15 ¶2, counted by IR 5)."""
    return clock.deadline(effective_on, months=RECORDAL_MONTHS)


def end_of_offer(left_on: dt.date, recorded_at: dt.datetime | None) -> dt.datetime:
    """The instant from which an ended offer can no longer be taken up.

    The end takes effect on the day it is announced. On that day itself the platform's own record decides:
    until then the offer was shown as live, and who paid in trust of that keeps the licence.

    Args:
        left_on: day of the announced end.
        recorded_at: when the end was recorded here, None if unknown.
    """
    if recorded_at is not None and clock.legal_date(recorded_at) == left_on:
        # Stripe gives whole seconds only: drop the fraction, so that the same second is not "before".
        return recorded_at.replace(microsecond=0)
    return clock.start_of_day_utc(left_on)


def too_late(
    at: dt.datetime,
    *,
    offer_ended_at: dt.datetime | None,
    notice_ended_at: dt.datetime | None,
    last_day: dt.date | None,
) -> str | None:
    """Why a payment proven at `at` cannot make a licence any more, as a code; None when it can.

    Args:
        at: when notice and payment were both there.
        offer_ended_at: when the offer's end took effect, None while it stands.
        notice_ended_at: when the notice lapsed or was abandoned, None while it stands.
        last_day: the last day of the offer's term and the patent's, inclusive.
    """
    if offer_ended_at is not None and at >= offer_ended_at:
        return "offer_ended"
    if last_day is not None and clock.legal_date(at) > last_day:
        return "term_over"
    if notice_ended_at is not None and at >= notice_ended_at:
        return "notice_ended"
    return None
