"""Patentees stay as they are while a declaration on their patent is in force."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.accounts.resolving import Named
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict
from marketplace.listings.models import IN_FORCE, Offer, Patent


def declared_in_force(patent_id: int) -> Offer | None:
    """The declaration in force on a patent."""
    return db.session.scalar(sa.select(Offer).where(Offer.patent_id == patent_id, Offer.status.in_(IN_FORCE)))


def require_free_owners(actor: Actor, patent: Patent, owners: Sequence[Named]) -> None:
    """Raise when a list or a form would change the patentees of a patent whose declaration is in force.

    GL V-11 §9: withdraw first, then change the bibliographic data. An operator records what the register
    shows, whatever came first.

    Args:
        owners: the patentees to be, in order; none when they stay as they are.

    Raises:
        Conflict: `owners-bound`.
    """
    if actor.is_operator or not owners:
        return
    present = [party.organisation for party in patent.parties]
    if len(owners) == len(present) and all(map(_same, owners, present)):
        return
    if declared_in_force(patent.id) is not None:
        raise Conflict(
            "owners-bound",
            "A declaration on this patent is in force: withdraw it first, then change the patentees. "
            "The task “something changed” on the patent leads through it.",
        )


def _same(named: Named, organisation: Organisation) -> bool:
    """Whether a row's patentee is this one: by its id or code, else by its name."""
    if named.id is not None:
        return named.id == organisation.id
    if named.code and organisation.code:
        return named.code == organisation.code
    return named.name in (organisation.name, organisation.name_en)
