"""The whole history of one matter as the journal tells it, and how far it is proven."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation, User
from marketplace.core import checks
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.files import StoredFile, store
from marketplace.core.identifiers import InvalidNumber, parse_number
from marketplace.core.journal import GENESIS, JournalEntry, seal_of
from marketplace.core.permissions import require
from marketplace.deals.evidence.models import LicencePaper, NoticeEvidence, TimeStamp
from marketplace.deals.models import Licence, Notice
from marketplace.demands.models import Demand
from marketplace.listings.models import Offer, Patent, PatentParty
from marketplace.listings.services.patents import by_number

from . import anchors, subjects
from .models import Anchor
from .sentences import SENTENCES

MATTERS: Final[Mapping[str, type[Any]]] = {
    "patent": Patent,
    "licence": Licence,
    "notice": Notice,
    "offer": Offer,
    "demand": Demand,
    "organisation": Organisation,
}
PUBLIC_ACTIONS: Final = frozenset(
    {"offer.announced", "offer.verified", "offer.withdrawn", "offer.revoked", "offer.lapsed"}
)
"""What of an offer its licensees see as well."""
_AT_ONCE: Final = 5000


@dataclass(frozen=True)
class Line:
    """One entry of a trace.

    Attributes:
        number: the entry's, in the whole journal.
        sentence: what happened, as an English message to be translated.
        person: the account that did it; `name` only where the reader's own organisation has it.
        organisation: whose matter it is.
        holds: whether its seal follows from the entry before and from what it says.
    """

    number: int
    recorded_at: dt.datetime
    occurred_on: dt.date
    origin: str
    action: str
    sentence: str
    kind: str
    subject_type: str
    subject_id: int
    person: int | None
    name: str | None
    staff_role: str | None
    organisation: Organisation | None
    data: Mapping[str, Any]
    seal: str
    holds: bool


@dataclass(frozen=True)
class Paper:
    """A document of the matter: its digest, and whether the store still has these bytes."""

    what: str
    number: str
    name: str
    digest: str
    at: dt.datetime | None
    present: bool
    stamped_at: dt.datetime | None = None


@dataclass(frozen=True)
class Key:
    """Where an entry stands, before it is read."""

    number: int
    action: str
    subject_type: str


@dataclass(frozen=True)
class Trace:
    """The history of one matter, as far as the reader may see it.

    Attributes:
        kind, id: the matter, `kind` one of `MATTERS`.
        keys: its entries, oldest first.
        found: the rows that it is about, by table.
    """

    kind: str
    id: int
    row: Any
    keys: Sequence[Key]
    found: subjects.Ids

    @cached_property
    def kinds(self) -> Counter[str]:
        """Kind → number of entries."""
        return Counter(subjects.kind_of(key.subject_type) for key in self.keys)

    def numbers(self, kind: str | None = None) -> list[int]:
        """The entries' numbers, oldest first; those of one kind if it is given."""
        return [key.number for key in self.keys if kind is None or subjects.kind_of(key.subject_type) == kind]


@dataclass(frozen=True)
class Standing:
    """How far the journal itself is proven: the last whole check, the last anchor, its last time-stamp."""

    check: checks.Check | None
    anchor: Anchor | None
    stamped: Anchor | None


def standing() -> Standing:
    """What was last found of the whole chain."""
    query = sa.select(Anchor).where(Anchor.token.is_not(None)).order_by(Anchor.id.desc()).limit(1)
    return Standing(checks.last_check(), anchors.last_anchor(), db.session.scalar(query))


def find(actor: Actor, text: str) -> tuple[str, int]:
    """The matter that a number names: kind and id.

    Args:
        text: number of a licence, a notice, a patent or a declaration; or `offer 12`, `demand 12`,
            `organisation 12` by id; or the exact name or credit code of an organisation.

    Raises:
        Invalid: `trace-number`: nothing was given. NotFound: `trace-unknown`: nothing is called so.
        Unauthenticated, Forbidden: not a supervisor.
    """
    require(actor, "audit.trace_any")
    words = " ".join(text.split())
    if not words:
        raise Invalid("trace-number", "Please enter a number.", fields={"q": ["Please enter a number."]})
    kind, _, key = words.partition(" ")
    if kind in MATTERS and key.isdecimal() and len(key) < 16:
        return kind, int(key)
    named: list[tuple[str, Any, Any]] = [
        ("licence", Licence.id, Licence.number == words.upper()),
        ("notice", Notice.id, Notice.number == words.upper()),
        ("licence", Licence.id, Licence.recordal_number == words),
        ("offer", Offer.id, Offer.declaration_number == words),
        (
            "organisation",
            Organisation.id,
            sa.or_(Organisation.name == words, Organisation.code == words.upper()),
        ),
    ]
    try:
        patent = by_number(parse_number(words))
    except InvalidNumber:
        patent = None
    if patent is not None:
        return "patent", patent.id
    for kind, column, condition in named:
        found = db.session.scalar(sa.select(column).where(condition).order_by(column).limit(1))
        if found is not None:
            return kind, found
    raise NotFound("trace-unknown", "No patent, licence, notice, offer or organisation has this number.")


def trace(actor: Actor, kind: str, id_: int) -> Trace:
    """The history of a matter. Staff see all of it; a party sees what is its own or between the parties.

    Raises:
        NotFound: `trace-unknown`: there is no such thing, or it is another's.
        Unauthenticated, Forbidden: nobody who acts for an organisation.
    """
    require(actor, "audit.trace")
    model = MATTERS.get(kind)
    row = db.session.get(model, id_) if model is not None and 0 < id_ < 2**63 else None
    if row is None:
        raise _unknown()
    if actor.is_staff:
        roots, beside = _roots(kind, row)
        public: frozenset[int] = frozenset()
    else:
        roots, beside, public = _own_roots(actor, kind, row)
    found = subjects.below(roots)
    for table, ids in beside.items():
        found.setdefault(table, set()).update(ids)
    keys = list(_keys(found))
    if not actor.is_staff:
        keys = _seen(actor, keys, public)
    return Trace(kind, row.id, row, sorted(keys, key=lambda one: one.number), found)


def _unknown() -> NotFound:
    return NotFound("trace-unknown", "No patent, licence, notice, offer or organisation has this number.")


Roots = dict[str, set[int]]


def _roots(kind: str, row: Any) -> tuple[Roots, Roots]:
    """From where to descend, and what is shown beside without descending."""
    beside: Roots = {}
    if kind in ("licence", "notice"):
        if row.offer_id is not None:
            beside["offers"] = {row.offer_id}
        beside["patents"] = {row.patent_id if kind == "licence" else row.offer.patent_id}
    if kind == "offer":
        beside["patents"] = {row.patent_id}
    roots: Roots = {row.__tablename__: {row.id}}
    if kind == "licence" and row.notice_id is not None:
        roots["notices"] = {row.notice_id}
    return roots, beside


def _own_roots(actor: Actor, kind: str, row: Any) -> tuple[Roots, Roots, frozenset[int]]:
    """As `_roots` for a party, and the offers of which it sees only what was announced.

    Raises:
        NotFound: it is no party of the matter.
    """
    if kind == "organisation" and row.id in actor.own:
        return {"organisations": {row.id}}, {}, frozenset()
    if kind == "demand" and row.organisation_id in actor.licensees:
        return {"demands": {row.id}}, {}, frozenset()
    if kind == "offer" and row.holder_id in actor.holders:
        return {"offers": {row.id}}, {"patents": {row.patent_id}}, frozenset()
    if kind == "patent":
        owns = sa.select(PatentParty.patent_id).where(
            PatentParty.patent_id == row.id, PatentParty.organisation_id.in_(actor.holders)
        )
        offers = sa.select(Offer.id).where(Offer.patent_id == row.id, Offer.holder_id.in_(actor.holders))
        mine = set(db.session.scalars(offers))
        if mine or db.session.scalar(owns) is not None:
            return {"offers": mine}, {"patents": {row.id}}, frozenset()
    if kind in ("licence", "notice"):
        roots, beside = _roots(kind, row)
        if row.offer is not None and row.offer.holder_id in actor.holders:
            return roots, beside, frozenset()
        if row.licensee_id in actor.licensees:
            beside.pop("patents", None)
            return roots, beside, frozenset(beside.get("offers", ()))
    raise _unknown()


def _keys(found: Mapping[str, Iterable[int]]) -> Iterator[Key]:
    for table, ids in found.items():
        left = iter(sorted(ids))
        while some := tuple(islice(left, _AT_ONCE)):
            query = sa.select(JournalEntry.id, JournalEntry.action).where(
                JournalEntry.subject_type == table, JournalEntry.subject_id.in_(some)
            )
            for number, action in db.session.execute(query):
                yield Key(number, action, table)


def _seen(actor: Actor, keys: Sequence[Key], public: frozenset[int]) -> list[Key]:
    """Those of the entries that a party may see."""
    whose: dict[int, int | None] = {}
    ask = [one.number for one in keys if one.subject_type not in subjects.BETWEEN_PARTIES]
    left = iter(ask)
    while some := tuple(islice(left, _AT_ONCE)):
        query = sa.select(JournalEntry.id, JournalEntry.organisation_id).where(JournalEntry.id.in_(some))
        whose.update((number, organisation) for number, organisation in db.session.execute(query))
    announced = bool(public)
    return [
        one
        for one in keys
        if one.subject_type in subjects.BETWEEN_PARTIES
        or actor.acts_for(whose.get(one.number))
        or (one.subject_type == "offers" and one.action in PUBLIC_ACTIONS)
        or (one.subject_type == "patents" and not announced and one.action == "patent.entered")
    ]


def entries(numbers: Sequence[int]) -> list[JournalEntry]:
    """The entries with these numbers, in order."""
    found: list[JournalEntry] = []
    left = iter(numbers)
    while some := tuple(islice(left, _AT_ONCE)):
        found += db.session.scalars(
            sa.select(JournalEntry).where(JournalEntry.id.in_(some)).order_by(JournalEntry.id)
        )
    return sorted(found, key=lambda one: one.id)


def seals_before(numbers: Iterable[int]) -> dict[int, bytes]:
    """For each entry the seal of the one before it."""
    wanted = sorted(number - 1 for number in numbers if number > 1)
    found = {1: GENESIS}
    left = iter(wanted)
    while some := tuple(islice(left, _AT_ONCE)):
        query = sa.select(JournalEntry.id, JournalEntry.seal).where(JournalEntry.id.in_(some))
        found.update({number + 1: seal for number, seal in db.session.execute(query)})
    return found


def columns_of(entry: JournalEntry) -> dict[str, Any]:
    """An entry's columns by name."""
    return {column.key: getattr(entry, column.key) for column in JournalEntry.__table__.columns}


def lines(actor: Actor, numbers: Sequence[int]) -> list[Line]:
    """These entries in words, in the order of the numbers; the actor must have got them from a trace."""
    found = {one.id: one for one in entries(sorted(numbers))}
    before = seals_before(found)
    people = _people({one.actor_id for one in found.values() if one.actor_id})
    ids = {one.organisation_id for one in found.values() if one.organisation_id}
    organisations = {
        one.id: one for one in db.session.scalars(sa.select(Organisation).where(Organisation.id.in_(ids)))
    }
    told = []
    for number in numbers:
        entry = found[number]
        person = people.get(entry.actor_id or 0)
        own = person is not None and bool({one.organisation_id for one in person.memberships} & actor.own)
        told.append(
            Line(
                entry.id,
                entry.recorded_at,
                entry.occurred_on,
                entry.origin,
                entry.action,
                SENTENCES.get(entry.action, entry.action),
                subjects.kind_of(entry.subject_type),
                entry.subject_type,
                entry.subject_id,
                entry.actor_id,
                person.name if person is not None and own else None,
                person.staff_role if person is not None else None,
                organisations.get(entry.organisation_id or 0),
                entry.data,
                entry.seal.hex(),
                number in before and seal_of(before[number], number, columns_of(entry)) == entry.seal,
            )
        )
    return told


def _people(ids: Iterable[int]) -> dict[int, User]:
    query = sa.select(User).where(User.id.in_(list(ids))).options(sa.orm.joinedload(User.memberships))
    return {user.id: user for user in db.session.scalars(query).unique()}


def papers(found: Trace) -> list[Paper]:
    """The documents of the notices and licences of a trace; whether they may be seen was asked by it."""
    shown: list[Paper] = []
    numbers = found.found.get("notices", set())
    stamps = {
        one.notice_id: one.stamped_at
        for one in db.session.scalars(sa.select(TimeStamp).where(TimeStamp.notice_id.in_(numbers)))
    }
    for notice in db.session.scalars(sa.select(Notice).where(Notice.id.in_(numbers)).order_by(Notice.id)):
        digest = notice.document_digest
        name = f"{notice.number}.pdf"
        shown.append(
            Paper(
                "notice", notice.number, name, digest, notice.written_at, held(digest), stamps.get(notice.id)
            )
        )
    proofs = (
        sa.select(Notice.number, StoredFile)
        .join(NoticeEvidence, NoticeEvidence.notice_id == Notice.id)
        .join(StoredFile, StoredFile.id == NoticeEvidence.proof_id)
        .where(Notice.id.in_(numbers))
        .order_by(Notice.id)
    )
    for number, file in db.session.execute(proofs):
        shown.append(_kept("service_proof", number, file))
    licences = found.found.get("licences", set())
    query = sa.select(Licence).where(Licence.id.in_(licences)).order_by(Licence.id)
    for licence in db.session.scalars(query):
        if licence.certificate_digest:
            digest, name = licence.certificate_digest, f"{licence.number}.pdf"
            shown.append(
                Paper("certificate", licence.number, name, digest, licence.effective_at, held(digest))
            )
    beside = (
        sa.select(Licence.number, StoredFile)
        .join(LicencePaper, LicencePaper.licence_id == Licence.id)
        .join(StoredFile, StoredFile.id == LicencePaper.file_id)
        .where(Licence.id.in_(licences))
        .order_by(LicencePaper.id)
    )
    for number, file in db.session.execute(beside):
        shown.append(_kept("licence_paper", number, file))
    return shown


def _kept(what: str, number: str, file: StoredFile) -> Paper:
    ending = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}.get(file.content_type, "bin")
    name = f"{number}-{what}-{file.id}.{ending}"
    return Paper(what, number, name, file.digest, file.created_at, held(file.digest))


def held(digest: str) -> bool:
    """Whether the store has a file under this digest."""
    return bool(digest) and store().path(digest).exists()
