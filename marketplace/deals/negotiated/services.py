"""Stating a negotiated ordinary licence with its evidence, and the other side's word on it.

Such a licence stands in the register beside open ones and is in no figure of theirs (PL 51 para. 3,
GL V-11 §8). The platform concludes none: it notes what two parties have signed elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from marketplace.accounts.models import Organisation
from marketplace.accounts.resolving import Named, resolve
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Forbidden, Invalid, NotFound
from marketplace.core.files import StoredFile, checked_upload, keep
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record
from marketplace.deals import numbers
from marketplace.deals.imports import import_key
from marketplace.deals.licences import end_now
from marketplace.deals.lifecycle import LICENCE, RECORDAL
from marketplace.deals.lookup import lock_licence
from marketplace.deals.models import Licence
from marketplace.deals.rules import recordal_deadline
from marketplace.listings.models import IN_FORCE, Offer, Patent, PatentParty

from .lifecycle import STATEMENT
from .models import NegotiatedRecord
from .rules import refusal_of_days, refusal_of_kind

MOST_PATENTS: Final = 50
LONGEST_REASON: Final = 500
WITHDRAWN: Final = "statement_withdrawn"
HELD_BACK: Final = ("contested", "withdrawn")
Upload = tuple[str, bytes]


@dataclass(frozen=True)
class Contract:
    """What one side says was signed.

    Attributes:
        kind: `ordinary`; `sole` and `exclusive` are refused with the reason.
        signed_on, effective_on: legal dates; a licence is stated once it runs.
        term_to: its last day, None for the life of the patent.
        fee_minor: in 分, None where it is not told; only the two sides and staff see it.
        licensee, licensee_code: who it is for; left out by the licensee itself.
        licensee_id: one of the organisations that the actor takes licences for, else its own.
    """

    signed_on: dt.date
    effective_on: dt.date
    kind: str = "ordinary"
    term_to: dt.date | None = None
    fee_minor: int | None = None
    licensee: str | None = None
    licensee_code: str | None = None
    licensee_id: int | None = None


def state(
    actor: Actor, patents: Sequence[Patent], contract: Contract, *, file: Upload | None
) -> list[NegotiatedRecord]:
    """State a negotiated licence on one or more patents; the other side is asked to confirm it.

    Args:
        actor: an owner of every one of the patents, or else the licensee.
        patents: those that the contract covers; each gets a licence of its own in the register.
        file: name and bytes of the contract or of the pages that show it; for the two sides and staff.

    Raises:
        Forbidden. Invalid: `negotiated-patents`, `negotiated-kind`, `negotiated-licensee`,
        `negotiated-evidence`, `negotiated-term`, `date-in-future`, `date-too-early`, or the file's fault.
        Conflict: `exclusive-beside-offer` (Art. 51 para. 3), `negotiated-known`.
    """
    require(actor, "negotiated.state")
    patents = _once(patents)
    holding = all(_owned(actor, patent) for patent in patents)
    licensee = _licensee(actor, contract, holding=holding)
    if any(party.organisation_id == licensee.id for patent in patents for party in patent.parties):
        message = N_("An owner of the patent needs no licence on it.")
        raise Invalid("negotiated-licensee", message, fields={"licensee": [message]})
    if contract.fee_minor is not None and contract.fee_minor < 0:
        message = N_("A fee is not below zero.")
        raise Invalid("negotiated-fee", message, fields={"fee": [message]})
    if file is None:
        message = N_("Please upload the contract, or the pages that show parties, patents, kind and term.")
        raise Invalid("negotiated-evidence", message, fields={"file": [message]})
    rows = [lock(Patent, patent.id) for patent in sorted(patents, key=lambda one: one.id)]
    for patent in rows:
        refusal = refusal_of_kind(contract.kind, offered=_offered(patent.id)) or refusal_of_days(
            contract.signed_on,
            contract.effective_on,
            contract.term_to,
            today=clock.today(),
            granted_on=patent.grant_date,
            expires_on=patent.expires_on,
        )
        if refusal is not None:
            raise refusal
    name, content = file
    kept = keep(
        content,
        name=name,
        content_type=checked_upload(content),
        purpose="negotiated_licence",
        organisation_id=actor.organisation_id,
    )
    side = "holder" if holding else "licensee"
    return [_stated(actor, patent, licensee, contract, kept, side) for patent in rows]


def _stated(
    actor: Actor, patent: Patent, licensee: Organisation, contract: Contract, file: StoredFile, side: str
) -> NegotiatedRecord:
    key = import_key(patent.id, None, licensee.id, "ordinary", contract.effective_on)
    known = db.session.scalar(sa.select(Licence).where(Licence.import_key == key))
    if known is not None:
        raise Conflict(
            "negotiated-known", "This licence is in the register already (%(number)s).", number=known.number
        )
    licence = Licence(
        number=numbers.new_number(numbers.LICENCE, contract.effective_on),
        kind="ordinary",
        state=LICENCE.initial,
        evidence="holder_stated",
        patent=patent,
        licensee=licensee,
        import_key=key,
        effective_at=clock.start_of_day_utc(contract.effective_on),
        effective_on=contract.effective_on,
        term_to=contract.term_to,
        patent_expires_on=patent.expires_on,
        amount_minor=contract.fee_minor,
        currency="CNY",
        recordal_state=RECORDAL.initial,
        recordal_due_on=recordal_deadline(contract.effective_on).date,
        created_at=clock.now(),
    )
    row = NegotiatedRecord(
        licence=licence,
        state=STATEMENT.initial,
        side=side,
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        signed_on=contract.signed_on,
        file=file,
        recorded_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    record(
        "licence.ordinary_noted",
        licence,
        organisation_id=licensee.id,
        occurred_on=contract.effective_on,
        offer_id=None,
        patent_id=patent.id,
    )
    record("negotiated.stated", row, organisation_id=licensee.id, occurred_on=contract.signed_on, side=side)
    return row


def get(actor: Actor, record_id: int) -> NegotiatedRecord:
    """One statement.

    Raises:
        NotFound: there is none, or it is others'.
    """
    row = db.session.get(NegotiatedRecord, record_id)
    if row is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "negotiated.view", row)
    return row


def statements(actor: Actor, *, after: int | None = None, limit: int = 50) -> list[NegotiatedRecord]:
    """Those that the actor is a side of (staff: all), newest first.

    Args:
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
    """
    query = sa.select(NegotiatedRecord).join(Licence).order_by(NegotiatedRecord.id.desc())
    if after is not None:
        query = query.where(NegotiatedRecord.id < after)
    if not actor.is_staff:
        owned = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id.in_(actor.holders))
        query = query.where(sa.or_(Licence.licensee_id.in_(actor.licensees), Licence.patent_id.in_(owned)))
    return list(db.session.scalars(query.limit(min(limit, 200))))


def same_contract(row: NegotiatedRecord) -> list[NegotiatedRecord]:
    """The statements that were made with one file at once, this one included, in the order of their ids."""
    query = sa.select(NegotiatedRecord).where(NegotiatedRecord.file_id == row.file_id)
    return list(db.session.scalars(query.order_by(NegotiatedRecord.id)))


def of_licence(licence_id: int) -> NegotiatedRecord | None:
    """The statement behind a licence; None for one that was taken openly or came with a list."""
    return db.session.scalar(sa.select(NegotiatedRecord).where(NegotiatedRecord.licence_id == licence_id))


def states_of(licence_ids: Collection[int]) -> dict[int, str]:
    """The states of the statements behind these licences, one query for a page; none for other licences."""
    if not licence_ids:
        return {}
    query = sa.select(NegotiatedRecord.licence_id, NegotiatedRecord.state).where(
        NegotiatedRecord.licence_id.in_(licence_ids)
    )
    return {row.licence_id: row.state for row in db.session.execute(query)}


def beside(patent_id: int) -> list[Licence]:
    """Negotiated ordinary licences of a patent that nobody contests, newest first."""
    query = (
        sa.select(Licence)
        .where(Licence.patent_id == patent_id, Licence.kind == "ordinary", ~held_back())
        .order_by(Licence.effective_on.desc(), Licence.id.desc())
    )
    return list(db.session.scalars(query))


def held_back() -> sa.ColumnElement[bool]:
    """Whether a licence is only contested or withdrawn word. For queries that select from `Licence`."""
    return sa.exists().where(NegotiatedRecord.licence_id == Licence.id, NegotiatedRecord.state.in_(HELD_BACK))


def confirm(actor: Actor, record_ids: Collection[int]) -> list[NegotiatedRecord]:
    """The other side confirms one or more statements.

    Raises:
        NotFound. Forbidden: the side that stated it. Conflict: `illegal-transition`.
    """
    return [_answer(actor, one, "confirm", None) for one in sorted(record_ids)]


def contest(actor: Actor, record_id: int, *, reason: str | None) -> NegotiatedRecord:
    """The other side contests a statement: it counts nowhere until it confirms it after all.

    Raises:
        NotFound. Forbidden: the side that stated it. Invalid: `negotiated-reason`.
        Conflict: `illegal-transition`.
    """
    reason = (reason or "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        message = N_("Please say in at most 500 characters what is not so.")
        raise Invalid("negotiated-reason", message, fields={"reason": [message]})
    return _answer(actor, record_id, "contest", reason)


def withdraw(actor: Actor, record_id: int) -> NegotiatedRecord:
    """The side that stated it takes it back; the licence is ended in the register as never confirmed.

    Raises:
        NotFound, Forbidden. Conflict: `illegal-transition`, once both have said so.
    """
    row = _locked(actor, record_id)
    STATEMENT.execute(actor, row, "withdraw", organisation_id=row.licence.licensee_id, side=row.side)
    licence = lock_licence(row.licence)
    licence.import_key = None  # so that the same licence can be stated anew
    if licence.state == "in_effect":
        end_now(actor, licence, "end", WITHDRAWN, clock.today())
    return row


def file_of(actor: Actor, record_id: int) -> StoredFile:
    """The evidence, for the two sides and staff.

    Raises:
        NotFound: there is none, or it is not yours to see.
    """
    return get(actor, record_id).file


def _answer(actor: Actor, record_id: int, action: str, reason: str | None) -> NegotiatedRecord:
    row = _locked(actor, record_id)

    def effect() -> None:
        row.answered_by, row.answered_at, row.reason = actor.user_id, clock.now(), reason

    across = "licensee" if row.side == "holder" else "holder"
    STATEMENT.execute(actor, row, action, effect=effect, organisation_id=row.licence.licensee_id, side=across)
    return row


def _locked(actor: Actor, record_id: int) -> NegotiatedRecord:
    return lock(NegotiatedRecord, get(actor, record_id).id)


def _once(patents: Sequence[Patent]) -> list[Patent]:
    found = list({patent.id: patent for patent in patents}.values())
    if not 1 <= len(found) <= MOST_PATENTS:
        message = N_("Please name between 1 and 50 patents.")
        raise Invalid("negotiated-patents", message, fields={"patents": [message]})
    return found


def _owned(actor: Actor, patent: Patent) -> bool:
    return any(party.organisation_id in actor.holders for party in patent.parties)


def _licensee(actor: Actor, contract: Contract, *, holding: bool) -> Organisation:
    """Whom the licence is for: as named by the holder; the licensee speaks only for itself."""
    name = (contract.licensee or "").strip()
    if holding and name:
        named = Named(name, contract.licensee_code)
        return db.session.get_one(Organisation, resolve([named], trusted=False)[named])
    if holding:
        message = N_("Please name the licensee.")
        raise Invalid("negotiated-licensee", message, fields={"licensee": [message]})
    key = contract.licensee_id or actor.organisation_id
    if key not in actor.licensees:
        raise Forbidden("forbidden", "Your account may not do this.")
    return db.session.get_one(Organisation, key)


def _offered(patent_id: int) -> bool:
    query = sa.select(Offer.id).where(Offer.patent_id == patent_id, Offer.status.in_(IN_FORCE))
    return db.session.scalar(query.limit(1)) is not None
