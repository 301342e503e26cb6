"""Those who made and transformed a result: entered by name, and forgotten."""

from __future__ import annotations

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid, NotFound
from marketplace.core.unit_of_work import record

from .books import book_of
from .models import SharePerson


def add_person(actor: Actor, organisation_id: int, name: str, staff_number: str | None = None) -> SharePerson:
    """Enter a person who shares: a name, and a staff number to tell two of one name apart; nothing else.

    Raises:
        Invalid: `name-missing`.
    """
    book_of(actor, organisation_id)
    if not name.strip():
        said = N_("Please give the name.")
        raise Invalid("name-missing", said, fields={"name": [said]})
    row = SharePerson(
        organisation_id=organisation_id,
        name=name.strip()[:100],
        staff_number=(staff_number or "").strip()[:40] or None,
        added_at=clock.now(),
    )
    db.session.add(row)
    record("shares.person_added", row, organisation_id=organisation_id)
    return row


def erase_person(actor: Actor, person_id: int) -> SharePerson:
    """Erase a person's name and number; the ledger, which holds the id alone, stays as it is.

    Raises:
        NotFound: there is none, or it is another institution's.
    """
    found = db.session.get(SharePerson, person_id)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    book_of(actor, found.organisation_id)
    found.name = found.staff_number = None
    found.erased_at = clock.now()
    record("shares.person_erased", found, organisation_id=found.organisation_id)
    return found
