"""Two records of one organisation become one; and one organisation succeeds another.

A merger repairs the register: there was only ever one organisation, so everything of the duplicate goes to
the one that stays, and its old id leads there. A succession is an event of law (Civil Code 67): both existed,
what was done before stays with the predecessor, and the successor acts for it from the day on.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from .confirming import resolve_clash
from .following import FIRST_COUNTS, ONE_PLACE_PER, in_words, references
from .lifecycle import CLASH, IDENTITY, INVITATION, JOIN_REQUEST, MANDATE, VERIFICATION
from .models import (
    IdentityClash,
    Invitation,
    JoinRequest,
    Mandate,
    Membership,
    Organisation,
    OrganisationChange,
    OrganisationPast,
    Verification,
)

_FILLED: Final = ("name_en", "region", "state_established")
_PAID_TO: Final = ("bank_account_name", "bank_name", "bank_account", "stripe_account")
_RANK: Final = {"viewer": 0, "editor": 1, "administrator": 2}


@dataclass(frozen=True)
class Preview:
    """What a merger would move: table and column → rows; and what keeps it from being done.

    `blocked` are the tables in which both have what can only be once; `refusal` is what `merge` would raise.
    """

    counts: dict[str, int]
    blocked: tuple[str, ...]
    refusal: Conflict | None = None


def preview(actor: Actor, from_id: int, to_id: int) -> Preview:
    """What `merge` would do; reads only.

    Raises:
        Forbidden: not an operator; NotFound, Conflict: as `merge`.
    """
    source, target = _pair(actor, "organisation.merge", from_id, to_id)
    counts = {
        f"{column.table.name}.{column.name}": number
        for column in references()
        if (number := _count(column, source.id))
    }
    blocked = tuple(
        sorted(
            {
                column.table.name
                for column in references()
                if not column.table.info.get(FIRST_COUNTS)
                and column.table.name not in _SETTLED
                and _twice(column, source.id, target.id)
            }
        )
    )
    return Preview(counts, blocked, _refusal(source, target, blocked))


def _refusal(gone: Organisation, stays: Organisation, blocked: tuple[str, ...]) -> Conflict | None:
    if gone.code and stays.code and gone.code != stays.code and gone.confirmed and stays.confirmed:
        return Conflict(
            "merge-codes-differ", "Both have confirmed codes that differ: they are two organisations."
        )
    if blocked:
        return Conflict(
            "merge-blocked",
            "Both have what there can only be one of (%(tables)s): one of the two has to end first.",
            tables=", ".join(blocked),
        )
    return None


# What `_settle` sees to before anything moves.
_SETTLED: Final = frozenset({"memberships", "invitations", "join_requests", "verifications", "mandates"})


def merge(actor: Actor, from_id: int, to_id: int, *, typed: str, source: str) -> OrganisationChange:
    """Make a duplicate and the organisation that stays one: everything of it follows, its id leads there.

    Patents, offers, notices, licences, demands, memberships, mandates, tokens and all else that names an
    organisation. Nothing is deleted but second memberships of one person (the higher level stays) and second
    places among the owners of one patent. It cannot be undone.

    Args:
        typed: the exact name of the duplicate, typed by the operator as the confirmation.
        source: what shows that the two are one.

    Raises:
        Forbidden: not an operator; NotFound: `organisation-not-found`.
        Invalid: `merge-not-confirmed`, `source-missing`.
        Conflict: `organisation-over` (one is merged or succeeded), `merge-with-itself`, `merge-codes-differ`,
            `merge-blocked`: both have something that can only be once, such as open notices on one offer.
    """
    gone, stays = _pair(actor, "organisation.merge", from_id, to_id)
    if typed.strip() != gone.name:
        message = N_("Please type the exact name of the duplicate.")
        raise Invalid("merge-not-confirmed", message, fields={"typed": [message]})
    note = _source(source)
    # Always in the order of ids, so that two mergers cannot wait for each other.
    for id_ in sorted((gone.id, stays.id)):
        lock(Organisation, id_)
    refusal = preview(actor, gone.id, stays.id).refusal
    if refusal is not None:
        raise refusal
    _settle(actor, gone, stays)
    counts = _move(gone.id, stays.id)
    _take_over(gone, stays)
    gone.merged_into_id, gone.merged_at = stays.id, clock.now()
    db.session.flush()
    for column in ("merged_into_id", "succeeded_by_id"):
        counts[f"organisations.{column}"] += _rewrite(
            db.metadata.tables["organisations"].columns[column], gone.id, stays.id
        )
    change = OrganisationChange(
        kind="merged",
        from_id=gone.id,
        to_id=stays.id,
        happened_on=clock.today(),
        source=note,
        counts={name: number for name, number in sorted(counts.items()) if number},
        done_by=actor.user_id,
        done_at=clock.now(),
    )
    db.session.add(change)
    db.session.flush()
    db.session.expire_all()
    record("organisation.merged", stays, organisation_id=stays.id, merged=gone.id)
    record("organisation.merged_away", gone, organisation_id=stays.id, into=stays.id)
    return change


def standing_id(organisation_id: int) -> int:
    """The id that an id leads to: of the organisation that a duplicate was merged into, else itself."""
    into = db.session.scalar(sa.select(Organisation.merged_into_id).where(Organisation.id == organisation_id))
    return into or organisation_id


def standing_ids(organisation_ids: Iterable[int]) -> dict[int, int]:
    """Each id → the id that it leads to, in one query."""
    ids = list(organisation_ids)
    query = sa.select(Organisation.id, Organisation.merged_into_id).where(
        Organisation.id.in_(ids), Organisation.merged_into_id.is_not(None)
    )
    into = {row.id: row.merged_into_id for row in db.session.execute(query)}
    return {one: into.get(one, one) for one in ids}


def succeed(actor: Actor, from_id: int, to_id: int, *, on: dt.date, source: str) -> OrganisationChange:
    """Note that one organisation has another's rights and duties since a day.

    From that day the successor's people act for the predecessor, in all its matters. Nothing changes hands
    here by itself: for offers in force the patentee changes, so the holder has to withdraw and declare anew
    (GL V-11 §9), which the duties of offers say from then on.

    Args:
        on: the day, which may be ahead.
        source: what shows it, e.g. which decision of which day.

    Raises:
        Forbidden: not an operator; NotFound: `organisation-not-found`.
        Invalid: `source-missing`.
        Conflict: `organisation-over`, `merge-with-itself`, `succession-circle`.
    """
    gone, follows = _pair(actor, "organisation.succeed", from_id, to_id)
    note = _source(source)
    for id_ in sorted((gone.id, follows.id)):
        lock(Organisation, id_)
    gone.succeeded_by_id, gone.succeeded_on = follows.id, on
    change = OrganisationChange(
        kind="succeeded",
        from_id=gone.id,
        to_id=follows.id,
        happened_on=on,
        source=note,
        counts={},
        done_by=actor.user_id,
        done_at=clock.now(),
    )
    db.session.add(change)
    record("organisation.succeeded", gone, organisation_id=gone.id, occurred_on=on, by=follows.id)
    return change


def changes_of(organisation_id: int) -> list[OrganisationChange]:
    """The mergers and successions that an organisation was part of, newest first."""
    query = (
        sa.select(OrganisationChange)
        .where(
            sa.or_(OrganisationChange.from_id == organisation_id, OrganisationChange.to_id == organisation_id)
        )
        .order_by(OrganisationChange.id.desc())
    )
    return list(db.session.scalars(query))


def _pair(actor: Actor, action: str, from_id: int, to_id: int) -> tuple[Organisation, Organisation]:
    require(actor, action)
    found = [db.session.get(Organisation, id_) for id_ in (from_id, to_id)]
    gone, stays = found
    if gone is None or stays is None:
        raise NotFound("organisation-not-found", "There is no such organisation.")
    if gone.id == stays.id:
        raise Conflict("merge-with-itself", "These are not two organisations.")
    if gone.merged_into_id or stays.merged_into_id or gone.succeeded_by_id or stays.succeeded_by_id:
        raise Conflict("organisation-over", "One of the two was merged or succeeded already.")
    return gone, stays


def _source(text: str) -> str:
    text = text.strip()
    if not text or len(text) > 200:
        message = N_("Please say what it rests on, in at most 200 characters.")
        raise Invalid("source-missing", message, fields={"source": [message]})
    return text


def _settle(actor: Actor, gone: Organisation, stays: Organisation) -> None:
    """See to what both have and what can only be once, each by the rules of its own life."""
    mine = {
        one.user_id: one
        for one in db.session.scalars(sa.select(Membership).where(Membership.organisation_id == stays.id))
    }
    second = db.session.scalars(sa.select(Membership).where(Membership.organisation_id == gone.id)).all()
    for membership in second:
        kept = mine.get(membership.user_id)
        if kept is not None:
            kept.level = max(kept.level, membership.level, key=_RANK.__getitem__)
            db.session.delete(membership)
    for mandate in db.session.scalars(
        sa.select(Mandate).where(
            sa.or_(
                sa.and_(Mandate.agent_id == gone.id, Mandate.principal_id == stays.id),
                sa.and_(Mandate.agent_id == stays.id, Mandate.principal_id == gone.id),
            ),
            Mandate.state.in_(("given", "accepted")),
        )
    ).all():
        mandate.revoked_at, mandate.revoked_by = clock.now(), actor.user_id
        MANDATE.execute(actor, mandate, "revoke", organisation_id=stays.id)
    for invitation in _both(Invitation, INVITATION.initial, "email", gone, stays):
        invitation.ended_at = clock.now()
        INVITATION.execute(actor, invitation, "revoke", organisation_id=stays.id)
    for request in _both(JoinRequest, JOIN_REQUEST.initial, "user_id", gone, stays):
        request.decided_at, request.decided_by = clock.now(), actor.user_id
        JOIN_REQUEST.execute(actor, request, "refuse", organisation_id=stays.id)
    waiting = sa.select(Verification).where(
        Verification.organisation_id == gone.id, Verification.state == VERIFICATION.initial
    )
    taken = sa.select(Verification.id).where(
        Verification.organisation_id == stays.id, Verification.state == VERIFICATION.initial
    )
    if db.session.scalar(taken) is not None:
        for verification in db.session.scalars(waiting).all():
            verification.decided_at, verification.decided_by = clock.now(), actor.user_id
            VERIFICATION.execute(actor, verification, "return", organisation_id=stays.id)
    for clash in db.session.scalars(
        sa.select(IdentityClash).where(
            IdentityClash.state == CLASH.initial,
            IdentityClash.organisation_id.in_((gone.id, stays.id)),
            IdentityClash.other_id.in_((gone.id, stays.id)),
        )
    ).all():
        resolve_clash(actor, clash.id, "merged")
    db.session.flush()


def _both(model: Any, state: str, by: str, gone: Organisation, stays: Organisation) -> list[Any]:
    """Open rows of the duplicate for which the other has one with the same `by`."""
    column = getattr(model, by)
    there = sa.select(column).where(model.organisation_id == stays.id, model.state == state)
    query = sa.select(model).where(model.organisation_id == gone.id, model.state == state, column.in_(there))
    return list(db.session.scalars(query))


def _move(from_id: int, to_id: int) -> Counter[str]:
    """Rewrite every reference, and count the rows: `table.column` → rows, `table.column left` → rows left."""
    counts: Counter[str] = Counter()
    for column in references():
        table, name = column.table, f"{column.table.name}.{column.name}"
        if ONE_PLACE_PER in table.info:
            counts[f"{table.name} joined"] += _join_places(column, from_id, to_id)
        left = _left(column, from_id, to_id)
        counts[f"{name} left"] += len(left)
        counts[name] += _rewrite(column, from_id, to_id, left)
    _readdress(from_id, to_id, counts)
    return counts


def _rewrite(column: sa.Column[Any], from_id: int, to_id: int, left: frozenset[int] = frozenset()) -> int:
    table = column.table
    values: dict[str, Any] = {column.name: to_id}
    if "version" in table.columns:
        values["version"] = table.columns["version"] + 1
    query = sa.update(table).where(column == from_id)
    if left:
        query = query.where(table.columns["id"].not_in(left))
    done: int = db.session.execute(query.values(**values)).rowcount  # type: ignore[attr-defined]
    return done


def _readdress(from_id: int, to_id: int, counts: Counter[str]) -> None:
    """Messages name whom they are for by words; those that moved are for the one that stays."""
    for column, once_with in in_words():
        table = column.table
        told = table.alias("told")
        # Told of one entry as two, it is told once: the second message stays with the old id.
        twice = sa.exists().where(
            told.c[column.name] == f"organisation:{to_id}",
            *(told.c[name] == table.c[name] for name in once_with),
        )
        query = sa.update(table).where(column == f"organisation:{from_id}", ~twice)
        result = db.session.execute(query.values(**{column.name: f"organisation:{to_id}"}))
        counts[f"{table.name}.{column.name}"] += result.rowcount  # type: ignore[attr-defined]


def _join_places(column: sa.Column[Any], from_id: int, to_id: int) -> int:
    """Where both had a place in one thing, one is enough: there was only ever one organisation."""
    table = column.table
    of = table.c[table.info[ONE_PLACE_PER]]
    query = sa.delete(table).where(column == from_id, of.in_(sa.select(of).where(column == to_id)))
    done: int = db.session.execute(query).rowcount  # type: ignore[attr-defined]
    return done


def _left(column: sa.Column[Any], from_id: int, to_id: int) -> frozenset[int]:
    """Ids of the rows that stay with the old id: they are about the two, or the other has its own."""
    table = column.table
    if table.name in ("mandates", "identity_clashes"):
        one, other = (
            ("agent_id", "principal_id") if table.name == "mandates" else ("organisation_id", "other_id")
        )
        pair = (from_id, to_id)
        query = sa.select(table.c.id).where(table.c[one].in_(pair), table.c[other].in_(pair))
        between = frozenset(db.session.scalars(query))
        return between | (frozenset() if table.name == "mandates" else _twice(column, from_id, to_id))
    return _twice(column, from_id, to_id)


def _twice(column: sa.Column[Any], from_id: int, to_id: int) -> frozenset[int]:
    """Ids of the duplicate's rows that a unique key keeps from becoming the other's."""
    found: set[int] = set()
    for names, where in _unique_with(column):
        table, there = column.table.alias("of_duplicate"), column.table.alias("of_other")
        same = [table.c[name] == there.c[name] for name in names if name != column.name]
        query = sa.select(table.c.id).where(
            table.c[column.name] == from_id,
            sa.exists().where(there.c[column.name] == to_id, *same, *_within(where, there)),
            *_within(where, table),
        )
        found.update(db.session.scalars(query))
    return frozenset(found)


def _unique_with(column: sa.Column[Any]) -> Iterator[tuple[list[str], str | None]]:
    """The unique keys that a column is part of: their columns, and the condition of a partial one."""
    table = column.table
    if not isinstance(table, sa.Table) or "id" not in table.columns:
        return
    if column.unique:
        yield [column.name], None
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint) and column.name in constraint.columns:
            yield [one.name for one in constraint.columns], None
    for index in table.indexes:
        if index.unique and column.name in index.columns:
            where = index.dialect_options["postgresql"].get("where")
            yield [one.name for one in index.columns], None if where is None else str(where)


def _within(where: str | None, table: Any) -> list[Any]:
    """The condition of a partial key, about one alias of its table: `state = 'x'` or `state IN (…)`."""
    if where is None:
        return []
    name, _, rest = where.partition(" ")
    return [sa.literal_column(f"{table.name}.{name} {rest}")]


def _count(column: sa.Column[Any], organisation_id: int) -> int:
    query = sa.select(sa.func.count()).select_from(column.table).where(column == organisation_id)
    return db.session.scalar(query) or 0


def _take_over(gone: Organisation, stays: Organisation) -> None:
    """Fill what the one that stays does not say of itself; its own word and its confirmation go first."""
    for name in _FILLED:
        if getattr(stays, name) is None:
            setattr(stays, name, getattr(gone, name))
    # An account that licensees pay into is never taken from a record that only states who it is.
    if stays.bank_account is None and (gone.confirmed or not stays.confirmed):
        for name in _PAID_TO:
            if getattr(stays, name) is None:
                setattr(stays, name, getattr(gone, name))
    if gone.claimed_at is not None and (stays.claimed_at is None or gone.claimed_at < stays.claimed_at):
        stays.claimed_at = gone.claimed_at
    code = gone.code
    if code is None or stays.code not in (None, code):
        return
    proof = (gone.confirmed_at, gone.confirmed_by, gone.confirmed_how, gone.confirmed_source)
    vouched = gone.confirmed and not stays.confirmed
    # One code stands once: the duplicate gives it up before the other has it.
    gone.code = None
    if gone.confirmed:
        IDENTITY.execute(SYSTEM, gone, "doubt", organisation_id=gone.id)
    db.session.flush()
    stays.code = code

    def effect() -> None:
        stays.confirmed_at, stays.confirmed_by, stays.confirmed_how, stays.confirmed_source = proof

    if vouched:
        how = proof[2]
        IDENTITY.execute(SYSTEM, stays, "confirm", effect=effect, organisation_id=stays.id, how=how)


def former_names_of_duplicates(organisation_id: int) -> list[str]:
    """The names of the duplicates that were merged into an organisation, and those that they had before."""
    merged = sa.select(Organisation.id).where(Organisation.merged_into_id == organisation_id)
    names = list(db.session.scalars(sa.select(Organisation.name).where(Organisation.id.in_(merged))))
    before = sa.select(OrganisationPast.value).where(
        OrganisationPast.organisation_id.in_(merged), OrganisationPast.field == "name"
    )
    return sorted({*names, *(name for name in db.session.scalars(before) if name)})
