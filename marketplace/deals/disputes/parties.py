"""The two sides of a dispute: the licensee, and who declared or owns the patent."""

from __future__ import annotations

from marketplace.core.database import db
from marketplace.deals.models import Licence, Notice, Payment
from marketplace.listings.models import Offer, Patent

from .models import Dispute

Matter = Notice | Payment | Licence


def matter_of(dispute: Dispute) -> Matter:
    """What a dispute is about."""
    matter = dispute.notice or dispute.payment or dispute.licence
    if matter is None:
        raise LookupError(f"dispute {dispute.id} is about nothing")  # a check of the table keeps one of three
    return matter


def patent_and_offer(matter: Matter) -> tuple[Patent, Offer | None]:
    """The patent behind a matter, and the offer if there was one."""
    if isinstance(matter, Licence):
        return matter.patent, matter.offer
    offer = (matter.obligation.notice if isinstance(matter, Payment) else matter).offer
    return offer.patent, offer


def holders_of(patent: Patent, offer: Offer | None) -> set[int]:
    """Ids of the organisations on the holder's side: the patentees, and who declared."""
    owners = {party.organisation_id for party in patent.parties}
    return owners | ({offer.holder_id} if offer is not None else set())


def holders(dispute: Dispute) -> set[int]:
    """Ids of the organisations on the holder's side of a dispute."""
    return holders_of(*patent_and_offer(matter_of(dispute)))


def told(dispute: Dispute) -> set[int]:
    """Ids of all organisations that a dispute concerns."""
    return holders(dispute) | {dispute.licensee_id}


def side(dispute: Dispute, which: str) -> set[int]:
    """Ids of the organisations on one side."""
    return {dispute.licensee_id} if which == "licensee" else holders(dispute)


def patent_of(dispute: Dispute) -> Patent:
    """The patent that a dispute is about."""
    return db.session.get_one(Patent, dispute.patent_id)
