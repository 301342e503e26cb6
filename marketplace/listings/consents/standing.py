"""Where the consents to a declaration and its price notice stand, and what they keep from going on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.listings.declared import terms_digest, withdrawal_digest
from marketplace.listings.models import Offer

from .models import Consent, PriceNotice, PriceNoticeRule

# Before a declaration is filed; afterwards nobody is asked about it any more.
EARLY: Final = ("draft", "in_review", "price_notice", "ready")
# While an offer stands and its withdrawal is not filed yet.
WITHDRAWABLE: Final = ("announced",)
# The law gives no number of days; 15 is what most institutions use.
CUSTOMARY_DAYS: Final = 15

State = Literal["not_asked", "asked", "given", "refused", "outdated"]


@dataclass(frozen=True)
class Standing:
    """One patentee of an offer, and what it has said to the present terms.

    `outdated`: it was asked or had agreed to terms that have been changed since.
    """

    organisation: Organisation
    is_holder: bool
    state: State
    consent: Consent | None


def may_be_asked(offer: Offer, purpose: str) -> bool:
    """Whether parties are asked about this, and answer, in the offer's present state."""
    return offer.status in (EARLY if purpose == "declaration" else WITHDRAWABLE)


def consents_of(offer: Offer, purpose: str = "declaration") -> list[Consent]:
    """Every consent that was asked for, the last first, those taken back or void included."""
    query = (
        sa.select(Consent)
        .where(Consent.offer_id == offer.id, Consent.purpose == purpose)
        .order_by(Consent.id.desc())
    )
    return list(db.session.scalars(query))


def digest_of(consent: Consent) -> str:
    """The digest of what this question is about, as it stands now."""
    if consent.purpose == "withdrawal":
        return withdrawal_digest(consent.offer, consent.ground)
    return terms_digest(consent.offer)


def ground_of(consents: Sequence[Consent]) -> str | None:
    """The ground of a withdrawal that its parties were asked about last."""
    return next((row.ground for row in consents if row.state != "void"), None)


def taken_back(consent: Consent) -> bool:
    """Whether the question was taken back by the holder, rather than made void by a change of the terms."""
    return consent.state == "void" and consent.voided_at is None


def patentees(
    offer: Offer, consents: Sequence[Consent] | None = None, purpose: str = "declaration"
) -> list[Standing]:
    """Each patentee in the register's order, with what it has said.

    Args:
        consents: as `consents_of` gives them, when they are at hand.
        purpose: to the declaration, or to the withdrawal on the ground that was asked about last.
    """
    rows = consents_of(offer, purpose) if consents is None else consents
    digest = terms_digest(offer) if purpose == "declaration" else withdrawal_digest(offer, ground_of(rows))
    found = []
    for party in offer.patent.parties:
        mine = next(
            (
                row
                for row in rows
                if row.capacity == "patentee"
                and row.organisation_id == party.organisation_id
                and not taken_back(row)
            ),
            None,
        )
        found.append(
            Standing(
                party.organisation,
                party.organisation_id == offer.holder_id,
                _state(mine, digest),
                mine,
            )
        )
    return found


def _state(consent: Consent | None, digest: str) -> State:
    if consent is None:
        return "not_asked"
    if consent.state == "refused":
        return "refused"
    if consent.state == "void" or consent.terms_sha256 != digest:
        return "outdated"
    return "given" if consent.state == "given" else "asked"


def in_writing(offer: Offer, consents: Sequence[Consent] | None = None) -> bool:
    """Whether the co-owners were asked here: then each has to answer, and nobody's word stands for theirs."""
    return any(one.consent is not None and not one.is_holder for one in patentees(offer, consents))


def check_owners(offer: Offer) -> None:
    """Keep a declaration back while a co-owner who was asked has not agreed to these very terms.

    Where nobody was asked here, marking the declaration as ready is the holder's statement that all agree.

    Raises:
        Conflict: `owners-consent-refused`, `owners-consent-missing`.
    """
    if len(offer.patent.parties) < 2:
        return
    found = patentees(offer)
    others = [one for one in found if not one.is_holder]
    if all(one.consent is None for one in others):
        return
    refused = [one for one in others if one.state == "refused"]
    if refused:
        raise Conflict(
            "owners-consent-refused",
            "A co-owner has refused (%(parties)s): all of them have to agree to an open licence.",
            parties=_names(refused),
        )
    missing = [one for one in others if one.state != "given"]
    if missing:
        raise Conflict(
            "owners-consent-missing",
            "Co-owners who were asked have not agreed to these terms yet: %(parties)s.",
            parties=_names(missing),
        )


def check_withdrawal(offer: Offer, ground: str | None) -> None:
    """Keep a withdrawal back while a co-owner who was asked about it has not agreed (GL V-11 §4).

    Where nobody was asked here, filing it is the holder's statement that all of them agree.

    Args:
        ground: the one to be filed.

    Raises:
        Conflict: `withdrawal-consent-refused`, `withdrawal-consent-missing`, `withdrawal-ground-differs`.
    """
    rows = consents_of(offer, "withdrawal")
    others = [one for one in patentees(offer, rows, "withdrawal") if not one.is_holder]
    if all(one.consent is None for one in others):
        return
    refused = [one for one in others if one.state == "refused"]
    if refused:
        raise Conflict(
            "withdrawal-consent-refused",
            "A co-owner has refused (%(parties)s): a withdrawal is made by all patentees.",
            parties=_names(refused),
        )
    missing = [one for one in others if one.state != "given"]
    if missing:
        raise Conflict(
            "withdrawal-consent-missing",
            "Co-owners who were asked have not agreed to this withdrawal yet: %(parties)s.",
            parties=_names(missing),
        )
    agreed = ground_of(rows)
    if ground and ground != agreed:
        raise Conflict(
            "withdrawal-ground-differs",
            "The co-owners have agreed to another ground (%(ground)s): file that one, or ask them again.",
            ground=agreed or "",
        )


def check_all_signed(offer: Offer) -> None:
    """GL V-11 §3.3: with an agency, all patentees' signed consent has to be there.

    Raises:
        Conflict: `patentees-consent-missing`.
    """
    missing = [one for one in patentees(offer) if one.state != "given"]
    if missing:
        raise Conflict(
            "patentees-consent-missing",
            "An agency files only with the signed consent of every patentee; still missing: %(parties)s.",
            parties=_names(missing),
        )


def _names(found: Sequence[Standing]) -> str:
    return "、".join(one.organisation.name for one in found)


# --- the price notice


def rule_of(organisation_id: int) -> PriceNoticeRule | None:
    """What the organisation has said about its price notices; None when it has said nothing."""
    return db.session.scalar(
        sa.select(PriceNoticeRule).where(PriceNoticeRule.organisation_id == organisation_id)
    )


def running_notice(offer: Offer) -> PriceNotice | None:
    """The price notice of the present terms; None when there is none."""
    return db.session.scalar(
        sa.select(PriceNotice).where(PriceNotice.offer_id == offer.id, PriceNotice.state == "running")
    )


@dataclass(frozen=True)
class LastDay:
    """The last day of a price notice; `provisional` while the holidays of its year are not known."""

    day: dt.date
    provisional: bool


def last_day(start: dt.date, days: int, counting: str) -> LastDay:
    """The last day of a notice of `days` that begins on `start`, which itself is not counted.

    Calendar days run by Civil Code 201 and 203: a last day off moves to the next working day. Working days
    are those of the State Council's yearly table.
    """
    if counting == "calendar":
        found = clock.deadline(start, days=days)
        return LastDay(found.date, found.provisional)
    last = clock.working_days_after(start, days)
    return LastDay(last.date, last.provisional)


def check_price_notice(offer: Offer) -> None:
    """Keep a declaration back until its price notice is over and every objection is answered.

    A state-established institution needs one (Law on Promoting the Transformation of Scientific and
    Technological Achievements, Art. 18). Where the organisation is none, and has laid down no days either,
    the notice is its own affair, and only objections that came in keep the declaration back.

    Raises:
        Conflict: `price-notice-missing`, `price-notice-objections`, `price-notice-upheld`,
            `price-notice-running`.
    """
    required, notice = bool(offer.holder.state_established), running_notice(offer)
    if notice is None:
        if required:
            raise Conflict(
                "price-notice-missing",
                "A state-established institution shows result and price first: begin the price notice.",
            )
        return
    undecided = sum(one.decision is None for one in notice.objections)
    if undecided:
        raise Conflict(
            "price-notice-objections",
            "Objections to the price notice have no answer yet (%(count)s).",
            count=undecided,
        )
    if any(one.decision == "upheld" for one in notice.objections):
        raise Conflict(
            "price-notice-upheld",
            "An objection to the price notice was upheld: change the terms and begin the notice anew.",
        )
    if clock.today() <= notice.ends_on and (required or rule_of(offer.holder_id) is not None):
        raise Conflict(
            "price-notice-running",
            "The price notice runs until %(date)s, that day included.",
            date=notice.ends_on.isoformat(),
        )
