"""Which negotiated licences the register takes beside an open one (Patent Law Art. 51 para. 3), purely."""

from __future__ import annotations

import datetime as dt
from typing import Final

from marketplace.core.errors import N_, Conflict, DomainError, Invalid

KINDS: Final = ("ordinary", "sole", "exclusive")
"""普通, 排他 and 独占 licences, as a contract may call them."""


def refusal_of_kind(kind: str, *, offered: bool) -> DomainError | None:
    """Why a licence of this kind is not recorded; None when it is.

    Args:
        kind: one of `KINDS`, or anything.
        offered: whether an open licence of the patent is declared and not withdrawn.
    """
    if kind == "ordinary":
        return None
    if kind not in KINDS:
        message = N_("Please choose which kind of licence it is.")
        return Invalid("negotiated-kind", message, fields={"kind": [message]})
    if offered:
        return Conflict(
            "exclusive-beside-offer",
            "While the open licence stands, the patentee may grant ordinary licences but no sole or "
            "exclusive one (Patent Law Art. 51 para. 3). Withdraw the offer first.",
        )
    message = N_("Only ordinary licences are recorded here. Enter this one in the facts of the patent.")
    return Invalid("negotiated-kind", message, fields={"kind": [message]})


def refusal_of_days(
    signed_on: dt.date,
    effective_on: dt.date,
    term_to: dt.date | None,
    *,
    today: dt.date,
    granted_on: dt.date | None,
    expires_on: dt.date | None,
) -> Invalid | None:
    """Which of the days cannot be; None when all can.

    A licence is valid only while the patent lives (Civil Code 865), and is recorded once it runs.
    """
    for field, day in (("signed_on", signed_on), ("effective_on", effective_on)):
        if day > today:
            message = N_("This day is still to come.")
            return Invalid("date-in-future", message, fields={field: [message]})
    if granted_on is not None and effective_on < granted_on:
        message = N_("The patent was not granted yet on this day.")
        return Invalid("date-too-early", message, fields={"effective_on": [message]})
    if expires_on is not None and effective_on > expires_on:
        message = N_("The patent had ended on this day.")
        return Invalid("negotiated-term", message, fields={"effective_on": [message]})
    if term_to is not None and term_to < effective_on:
        message = N_("The term ends before it begins.")
        return Invalid("negotiated-term", message, fields={"term_to": [message]})
    if term_to is not None and expires_on is not None and term_to > expires_on:
        message = N_("A licence cannot outlive its patent (Civil Code 865).")
        return Invalid("negotiated-term", message, fields={"term_to": [message]})
    return None
