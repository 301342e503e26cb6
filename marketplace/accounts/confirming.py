"""Who an organisation is: stated by itself, or confirmed by an operator or the bureau; and codes that clash.

A credit code is public and proves nothing (decision 0011). What is confirmed wins: lists are matched with
it and never with what somebody typed. A clash is neither refused nor merged but shown to the operator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.identifiers import InvalidNumber, credit_code
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import current, lock, record

from .lifecycle import CLASH, IDENTITY
from .models import IdentityClash, Organisation

STATED_BY_PEOPLE: Final = ("documents", "bureau")


def clean_code(text: str | None) -> str | None:
    """A credit code in its canonical form, None for nothing.

    Raises:
        Invalid: `credit-code-invalid`.
    """
    if not text or not text.strip():
        return None
    try:
        return credit_code(text)
    except InvalidNumber:
        message = N_("The unified social credit code is not valid.")
        raise Invalid("credit-code-invalid", message, fields={"code": [message]}) from None


def confirm_organisation(
    actor: Actor, organisation_id: int, *, how: str, source: str, code: str | None = None
) -> Organisation:
    """Confirm that an organisation is who it says, and its credit code.

    Others that state the same code keep it as self-stated, and the operator gets a task for each.

    Args:
        actor: an operator, or the bureau for what it knows itself.
        organisation_id: which.
        how: `documents` that an operator has seen, or the word of the `bureau`.
        source: what it rests on, e.g. which document of which day.
        code: the code that is confirmed, where it is not the one on record.

    Raises:
        NotFound: `organisation-not-found`.
        Forbidden: neither operator nor bureau, or the bureau about documents.
        Invalid: `confirmation-unknown`, `source-missing`, `credit-code-invalid`.
        Conflict: `code-confirmed`: another organisation with this code is confirmed.
    """
    require(actor, "organisation.confirm")
    if how not in STATED_BY_PEOPLE or (how == "documents" and not actor.is_operator):
        raise Invalid("confirmation-unknown", "Please say what confirms the identity.")
    source = source.strip()
    if not source or len(source) > 200:
        message = N_("Please say what it rests on, in at most 200 characters.")
        raise Invalid("source-missing", message, fields={"source": [message]})
    organisation = _locked(organisation_id)
    wanted = clean_code(code) or organisation.code
    _refuse_taken(organisation, wanted)

    def effect() -> None:
        organisation.code = wanted
        organisation.confirmed_at, organisation.confirmed_by = clock.now(), actor.user_id
        organisation.confirmed_how, organisation.confirmed_source = how, source

    IDENTITY.execute(actor, organisation, "confirm", effect=effect, organisation_id=organisation.id, how=how)
    note_clashes([organisation.id])
    return organisation


def confirm_by(organisation: Organisation, how: str) -> None:
    """Confirm what an operator names in a list (`import`) or opens an account for (`account`).

    In the present unit of work, whose actor answers for it; the row is locked or new.
    """

    def effect() -> None:
        organisation.confirmed_at, organisation.confirmed_by = clock.now(), current().actor.user_id
        organisation.confirmed_how, organisation.confirmed_source = how, None

    IDENTITY.execute(SYSTEM, organisation, "confirm", effect=effect, organisation_id=organisation.id, how=how)


def doubt_organisation(actor: Actor, organisation_id: int) -> Organisation:
    """Take a confirmation back that was given by mistake: the code is self-stated again.

    Raises:
        NotFound: `organisation-not-found`.
        Conflict: `illegal-transition`, when it is not confirmed.
    """
    require(actor, "organisation.doubt")
    organisation = _locked(organisation_id)

    def effect() -> None:
        organisation.confirmed_at = organisation.confirmed_by = None
        organisation.confirmed_how = organisation.confirmed_source = None

    IDENTITY.execute(actor, organisation, "doubt", effect=effect, organisation_id=organisation.id)
    return organisation


def note_clashes(organisation_ids: Iterable[int]) -> None:
    """Open a task for the operator for each other organisation that has the code of one of these.

    In the present unit of work. A pair is told once as long as its task is open; a pair that was resolved
    is told again only when the code was stated or confirmed anew.
    """
    ids = sorted(set(organisation_ids))
    mine, others = sa.orm.aliased(Organisation), sa.orm.aliased(Organisation)
    db.session.flush()
    pairs = db.session.execute(
        sa.select(mine.id, others.id, mine.code, mine.identity)
        .join(others, sa.and_(others.code == mine.code, others.id != mine.id))
        .where(mine.id.in_(ids), mine.merged_into_id.is_(None), others.merged_into_id.is_(None))
        .order_by(mine.id, others.id)
    ).all()
    known = {
        frozenset(row)
        for row in db.session.execute(
            sa.select(IdentityClash.organisation_id, IdentityClash.other_id).where(
                IdentityClash.state == CLASH.initial,
                IdentityClash.kind == "code",
                sa.or_(IdentityClash.organisation_id.in_(ids), IdentityClash.other_id.in_(ids)),
            )
        )
    }
    for first, second, code, identity in pairs:
        if frozenset((first, second)) in known:
            continue
        known.add(frozenset((first, second)))
        # The one whose code is only stated comes first.
        stating, other = (second, first) if identity == "confirmed" else (first, second)
        clash = IdentityClash(
            code=code or "",
            organisation_id=stating,
            other_id=other,
            state=CLASH.initial,
            created_at=clock.now(),
        )
        db.session.add(clash)
        record("organisation.clash_opened", clash, organisation_id=stating, other=other)


def note_namesakes(pairs: Mapping[int, int]) -> None:
    """Open a task for the operator for each organisation that a list made beside one that states its name.

    In the present unit of work. Lists are not matched with it by mere name (decision 0014): the operator
    confirms and merges, or closes the case.

    Args:
        pairs: id of the new organisation → id of the one whose members state the name.
    """
    for made, stating in sorted(pairs.items()):
        clash = IdentityClash(
            kind="name",
            code="",
            organisation_id=stating,
            other_id=made,
            state=CLASH.initial,
            created_at=clock.now(),
        )
        db.session.add(clash)
        record("organisation.clash_opened", clash, organisation_id=stating, other=made)


def open_clashes(actor: Actor, *, after: int | None = None, limit: int = 50) -> list[IdentityClash]:
    """Clashes that nobody has looked into, oldest first; for staff.

    Args:
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
    """
    require(actor, "clash.see")
    query = sa.select(IdentityClash).where(IdentityClash.state == CLASH.initial).order_by(IdentityClash.id)
    if after is not None:
        query = query.where(IdentityClash.id > after)
    return list(db.session.scalars(query.limit(min(limit, 200))))


def resolve_clash(actor: Actor, clash_id: int, note: str, *, remove_code: bool = False) -> IdentityClash:
    """Close a clash, saying what was found.

    Args:
        remove_code: take the code away from the organisation that only states it.

    Raises:
        NotFound: there is none.
        Invalid: `note-missing`.
        Conflict: `illegal-transition` when it is closed, `code-confirmed` for a code that is confirmed.
    """
    require(actor, "clash.resolve")
    if db.session.get(IdentityClash, clash_id) is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    note = note.strip()
    if not note:
        message = N_("Please say what was done.")
        raise Invalid("note-missing", message, fields={"note": [message]})
    clash = lock(IdentityClash, clash_id)
    CLASH.find("resolve", clash.state)
    if remove_code:
        stating = lock(Organisation, clash.organisation_id)
        if stating.confirmed:
            raise Conflict(
                "code-confirmed", "The code of this organisation is confirmed: it cannot be removed."
            )
        if clash.kind == "code" and stating.code == clash.code:
            stating.code = None
            record("organisation.changed", stating, organisation_id=stating.id, fields=["code"])

    def effect() -> None:
        clash.resolution, clash.resolved_by, clash.resolved_at = note, actor.user_id, clock.now()

    CLASH.execute(actor, clash, "resolve", effect=effect, organisation_id=clash.organisation_id)
    return clash


def _locked(organisation_id: int) -> Organisation:
    if db.session.get(Organisation, organisation_id) is None:
        raise NotFound("organisation-not-found", "There is no such organisation.")
    return lock(Organisation, organisation_id)


def _refuse_taken(organisation: Organisation, code: str | None) -> None:
    taken = code is not None and db.session.scalar(
        sa.select(Organisation.id).where(
            Organisation.code == code,
            Organisation.identity == "confirmed",
            Organisation.id != organisation.id,
        )
    )
    if taken:
        raise Conflict(
            "code-confirmed",
            "Another organisation with this credit code is confirmed already.",
            organisation=str(taken),
        )
