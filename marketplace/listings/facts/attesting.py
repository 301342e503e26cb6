"""Attestations: a member of an organisation vouches for facts of many patents, and may take it back.

The text that is confirmed names the list of patents by its digest, and the confirmation names the text by
its digest: if the list has changed between showing and confirming, it has to be shown again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.identifiers import InvalidNumber, parse_number
from marketplace.core.permissions import allowed, require
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.listings.models import Patent, PatentFact, PatentParty

from . import worklist, writing
from .models import Attestation, AttestedPatent
from .statements import Signatory, compose
from .worklist import ATTESTABLE

AT_ONCE: Final = 1_000  # patents; more are written in the background, batch by batch
LARGEST: Final = 60_000  # patents on one list
_SHOWN: Final = 5  # unknown numbers that are named in a refusal


@dataclass(frozen=True)
class Draft:
    """What would be confirmed: patent id → number, the text, and both digests."""

    patents: dict[int, str]
    facts: tuple[str, ...]
    as_of: dt.date
    locale: str
    text: str
    sha256: str
    list_sha256: str


def draft(
    actor: Actor,
    organisation_id: int,
    facts: Sequence[str],
    *,
    locale: str,
    numbers: Sequence[str] | None = None,
) -> Draft:
    """The text for the chosen facts and patents, as it would be confirmed today. Reads only.

    Args:
        facts: keys of `worklist.ATTESTABLE`.
        locale: `zh` or `en`.
        numbers: patent numbers in any usual form; left out: all patents on which one of the facts is
            unknown or stale and none contradicts.

    Raises:
        Forbidden: `not-a-member`: only a member of the organisation itself vouches for its patents.
        Invalid: `facts-missing`, `patents-missing`, `patents-unknown`, `patents-contradict`, `list-too-long`.
    """
    if not allowed(actor, "patent.attest", organisation_id).allowed or actor.user_id is None:
        raise Forbidden("not-a-member", "Only a member of the organisation itself can vouch for its patents.")
    chosen = tuple(name for name in ATTESTABLE if name in facts)
    if not chosen:
        raise Invalid("facts-missing", "Choose at least one fact.")
    today = clock.today()
    if numbers is None:
        ids = worklist.needing(organisation_id, list(chosen), today, attest=True)
        patents = _numbered(Patent.id.in_(ids))
    else:
        patents = _named(organisation_id, numbers)
        _refuse_contradicted(patents, chosen)
    if not patents:
        raise Invalid("patents-missing", "There is no patent to vouch for.")
    if len(patents) > LARGEST:
        raise Invalid("list-too-long", "At most %(limit)s patents can be vouched for at once.", limit=LARGEST)
    user = db.session.get_one(User, actor.user_id)
    organisation = db.session.get_one(Organisation, organisation_id)
    language = "en" if locale == "en" else "zh"
    listed = "\n".join(sorted(patents.values()))
    list_sha256 = hashlib.sha256(listed.encode()).hexdigest()
    who = Signatory(user.name, user.email, organisation.name, organisation.code)
    text = compose(language, who, chosen, today, len(patents), list_sha256)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Draft(patents, chosen, today, language, text, sha256, list_sha256)


def _numbered(condition: sa.ColumnElement[bool]) -> dict[int, str]:
    query = sa.select(Patent.id, sa.func.coalesce(Patent.number, Patent.publication_number)).where(condition)
    return {row[0]: row[1] for row in db.session.execute(query.order_by(Patent.id))}


def _named(organisation_id: int, numbers: Sequence[str]) -> dict[int, str]:
    """The organisation's patents with these numbers; all have to be its own."""
    wanted: dict[str, str] = {}
    foreign: list[str] = []
    for text in numbers[: LARGEST + 1]:
        try:
            wanted[str(parse_number(text))] = text
        except InvalidNumber:
            foreign.append(text)
    mine = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id == organisation_id)
    found: dict[int, str] = {}
    names = list(wanted)
    for start in range(0, len(names), 1_000):
        part = names[start : start + 1_000]
        found |= _numbered(
            sa.and_(
                Patent.id.in_(mine),
                sa.or_(Patent.number.in_(part), Patent.publication_number.in_(part)),
            )
        )
    if len(found) < len(wanted):
        known = set(found.values())
        foreign += [text for name, text in wanted.items() if name not in known]
    if foreign:
        raise Invalid(
            "patents-unknown",
            "%(count)s of these numbers are no patents of the organisation here, such as %(numbers)s.",
            count=len(foreign),
            numbers=", ".join(foreign[:_SHOWN]),
        )
    return found


def _refuse_contradicted(patents: dict[int, str], facts: Sequence[str]) -> None:
    """A statement on many patents must not undo in passing what is known of one: a pledge, a preservation."""
    contradicts = sa.or_(
        *(sa.and_(PatentFact.name == name, PatentFact.value != ATTESTABLE[name]) for name in facts)
    )
    found: list[int] = []
    ids = list(patents)
    for start in range(0, len(ids), 1_000):
        part = PatentFact.patent_id.in_(ids[start : start + 1_000])
        found += db.session.scalars(sa.select(PatentFact.patent_id).where(part, contradicts).distinct())
    if found:
        raise Invalid(
            "patents-contradict",
            "Something else is known of %(count)s of these patents, such as %(numbers)s.",
            count=len(found),
            numbers=", ".join(patents[id_] for id_ in sorted(found)[:_SHOWN]),
        )


def attest(actor: Actor, organisation_id: int, shown: Draft, confirmed_sha256: str) -> Attestation:
    """Keep the confirmation and write its facts: at once for a short list, else in the background.

    Args:
        shown: drawn up anew from the same choice (see `draft`).
        confirmed_sha256: of the text that the person was shown and confirmed.

    Raises:
        Conflict: `attestation-changed`: the text would not be the one that was shown.
        Forbidden: `not-a-member`.
    """
    require(actor, "patent.attest", organisation_id)
    if shown.sha256 != confirmed_sha256:
        raise Conflict(
            "attestation-changed",
            "The list or the text has changed since it was shown. Please read it again and confirm it.",
        )
    user = db.session.get_one(User, actor.user_id)
    row = Attestation(
        organisation_id=organisation_id,
        user_id=user.id,
        signed_by=f"{user.name} <{user.email}>"[:200],
        signed_at=clock.now(),
        as_of=shown.as_of,
        locale=shown.locale,
        text=shown.text,
        sha256=shown.sha256,
        list_sha256=shown.list_sha256,
        patents=len(shown.patents),
        facts={name: ATTESTABLE[name] for name in shown.facts},
    )
    db.session.add(row)
    db.session.flush()
    listed = [
        {"attestation_id": row.id, "patent_id": patent_id, "number": number, "done_at": None}
        for patent_id, number in shown.patents.items()
    ]
    db.session.execute(sa.insert(AttestedPatent.__table__), listed)  # type: ignore[arg-type]
    record(
        "attestation.signed",
        row,
        organisation_id=organisation_id,
        sha256=row.sha256,
        patents=row.patents,
        facts=list(row.facts),
    )
    if len(listed) <= AT_ONCE:
        write_next(row)
    else:
        enqueue("listings.attestation", key=f"{row.id}", attestation_id=row.id)
    return row


def write_next(attestation: Attestation) -> int:
    """Write, or after a revocation take back, the facts of the next patents on the list.

    Returns:
        How many patents were dealt with; 0 when nothing is left.
    """
    done = AttestedPatent.done_at
    waiting = done.is_not(None) if attestation.revoked_at is not None else done.is_(None)
    query = (
        sa.select(AttestedPatent.patent_id)
        .where(AttestedPatent.attestation_id == attestation.id, waiting)
        .order_by(AttestedPatent.patent_id)
        .limit(AT_ONCE)
    )
    ids = list(db.session.scalars(query))
    if not ids:
        return 0
    if attestation.revoked_at is not None:
        writing.revoke(attestation.id, ids)
    else:
        statements = [writing.Statement(id_, attestation.facts, attestation.as_of) for id_ in ids]
        writing.state(statements, source="attestation", attestation_id=attestation.id)
    db.session.execute(
        sa.update(AttestedPatent)
        .where(AttestedPatent.attestation_id == attestation.id, AttestedPatent.patent_id.in_(ids))
        .values(done_at=None if attestation.revoked_at is not None else clock.now())
    )
    return len(ids)


def write_all(attestation_id: int) -> None:
    """Finish a long list, or its revocation, batch by batch; a task that may be repeated."""
    row = db.session.get_one(Attestation, attestation_id)
    actor = Actor(user_id=row.revoked_by or row.user_id, organisation_id=row.organisation_id)
    db.session.rollback()
    left = 1
    while left:
        with unit_of_work(actor):
            left = write_next(lock(Attestation, attestation_id))


def revoke(actor: Actor, attestation_id: int, reason: str) -> Attestation:
    """Take an attestation back: the facts that still rest on it are unknown again, and offers are reviewed.

    Raises:
        NotFound: `attestation-not-found`.
        Conflict: `attestation-revoked`: it is revoked already.
        Invalid: `reason-missing`.
    """
    row = get(actor, attestation_id)
    require(actor, "attestation.revoke", row.organisation_id)
    if not reason.strip():
        raise Invalid("reason-missing", "Please say why.", fields={"reason": ["Please say why."]})
    row = lock(Attestation, row.id)
    if row.revoked_at is not None:
        raise Conflict("attestation-revoked", "This attestation was revoked already.")
    row.revoked_at, row.revoked_by, row.revoked_reason = clock.now(), actor.user_id, reason.strip()[:500]
    record("attestation.revoked", row, organisation_id=row.organisation_id, patents=row.patents)
    if row.patents <= AT_ONCE:
        write_next(row)
    else:
        enqueue("listings.attestation", key=f"{row.id}", attestation_id=row.id)
    return row


def get(actor: Actor, attestation_id: int) -> Attestation:
    """One attestation of an organisation that the actor acts for, or any for staff.

    Raises:
        NotFound: `attestation-not-found`.
    """
    row = db.session.get(Attestation, attestation_id)
    if row is None or not (actor.is_staff or row.organisation_id in actor.holders):
        raise NotFound("attestation-not-found", "There is no such attestation.")
    return row


def of(organisation_id: int) -> list[Attestation]:
    """The attestations of an organisation, the newest first."""
    query = sa.select(Attestation).where(Attestation.organisation_id == organisation_id)
    return list(db.session.scalars(query.order_by(Attestation.id.desc()).limit(200)))


def written(attestation: Attestation) -> int:
    """How many patents of the list have the attested facts by now."""
    query = sa.select(sa.func.count()).where(
        AttestedPatent.attestation_id == attestation.id, AttestedPatent.done_at.is_not(None)
    )
    return db.session.scalar(query) or 0


def listed(attestation: Attestation) -> list[str]:
    """The numbers on the list in ascending order: their digest is `list_sha256`."""
    query = sa.select(AttestedPatent.number).where(AttestedPatent.attestation_id == attestation.id)
    return sorted(db.session.scalars(query))
