"""Opening a dispute, answering it, showing evidence, agreeing on an end, or taking it elsewhere (PL 52).

The licence stays as it is meanwhile: nothing here touches a notice, a payment or a licence.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Forbidden, Invalid, NotFound
from marketplace.core.files import StoredFile, checked_upload, keep
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record, unit_of_work
from marketplace.deals import numbers
from marketplace.deals.lookup import owned_by
from marketplace.deals.models import Licence, Notice, Payment
from marketplace.listings.models import Offer, PatentParty

from .lifecycle import DISPUTE, SETTLEMENT
from .models import LIVING, OUTCOMES, TOPICS, VENUES, Dispute, DisputeEntry, DisputeReferral
from .parties import Matter, patent_and_offer
from .policies import holder_side, licensee_side

NUMBER: Final = "ZY"
ANSWER_DAYS: Final = 15
"""Days that the platform gives the other side for its answer; no law sets them."""

REMIND_DAYS: Final = 3
LONGEST: Final = 5000
Upload = tuple[str, bytes]


def matter(actor: Actor, subject: str, key: int) -> Matter:
    """What a dispute would be about.

    Raises:
        NotFound: there is none, or it is another party's.
    """
    models: dict[str, type[Matter]] = {"notice": Notice, "payment": Payment, "licence": Licence}
    row: Matter | None = db.session.get(models[subject], key) if subject in models else None  # type: ignore[assignment]
    if row is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "dispute.open", row)
    return row


def open_dispute(
    actor: Actor,
    subject: str,
    key: int,
    *,
    topic: str,
    title: str,
    statement: str,
    file: Upload | None = None,
) -> Dispute:
    """Open a dispute over a notice, a payment or a licence.

    Args:
        actor: either side of it.
        subject, key: `notice`, `payment` or `licence`, and its id.
        topic: one of `TOPICS`.
        title: what it is about, in one line.
        statement: what happened and what is asked for.
        file: name and bytes of a first piece of evidence.

    Raises:
        NotFound: as `matter`. Forbidden: the actor is on neither side.
        Invalid: `dispute-topic`, `dispute-text`, or what `checked_upload` says of the file.
        Conflict: `dispute-open`: one over the same matter is open; `other-side-absent`.
    """
    row = matter(actor, subject, key)
    lock(type(row), row.id)
    if topic not in TOPICS:
        message = N_("Please choose what the dispute is about.")
        raise Invalid("dispute-topic", message, fields={"topic": [message]})
    title, statement = _said(title, "title", 200), _said(statement, "statement", LONGEST)
    field = {"notice": Dispute.notice_id, "payment": Dispute.payment_id, "licence": Dispute.licence_id}[
        subject
    ]
    if db.session.scalar(sa.select(Dispute.id).where(field == key, Dispute.state.in_(LIVING)).limit(1)):
        raise Conflict("dispute-open", "A dispute over this is open already: write there.")
    side = "licensee" if licensee_side(actor, row) else "holder"
    patent, offer = patent_and_offer(row)
    licensee = (row.obligation.notice if isinstance(row, Payment) else row).licensee
    holders = [party.organisation for party in patent.parties] + ([offer.holder] if offer else [])
    if not (licensee.joined if side == "holder" else any(one.joined for one in holders)):
        raise Conflict(
            "other-side-absent",
            "The other side has no account here and could not answer: take one of the other ways.",
        )
    today = clock.today()
    dispute = Dispute(
        number=numbers.new_number(NUMBER, today),
        subject=subject,
        notice_id=key if subject == "notice" else None,
        payment_id=key if subject == "payment" else None,
        licence_id=key if subject == "licence" else None,
        patent_id=patent.id,
        licensee=licensee,
        topic=topic,
        title=title,
        state=DISPUTE.initial,
        opened_side=side,
        opened_by=actor.organisation_id,
        opened_at=clock.now(),
        answer_due_on=clock.deadline(today, days=ANSWER_DAYS).date,
        settlement=SETTLEMENT.initial,
    )
    db.session.add(dispute)
    db.session.flush()
    _add(actor, dispute, side, "statement", statement, file)
    record("dispute.opened", dispute, organisation_id=licensee.id, side=side, over=subject, topic=topic)
    return dispute


def get(actor: Actor, dispute_id: int) -> Dispute:
    """One dispute with all that was said in it.

    Raises:
        NotFound: there is none, or it is others'.
    """
    dispute = db.session.get(Dispute, dispute_id)
    if dispute is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    require(actor, "dispute.view", dispute)
    return dispute


def disputes(actor: Actor, *, after: int | None = None, limit: int = 50) -> list[Dispute]:
    """Those that the actor is a side of (staff: all), newest first.

    Args:
        after: id of the last one of the page before.
        limit: at most this many, 200 at most.
    """
    query = sa.select(Dispute).order_by(Dispute.id.desc()).limit(min(limit, 200))
    if after is not None:
        query = query.where(Dispute.id < after)
    if not actor.is_staff:
        query = query.where(_mine(actor))
    return list(db.session.scalars(query))


def over(actor: Actor, subject: str, key: int) -> list[Dispute]:
    """Disputes over one notice, payment or licence that the actor may see, newest first."""
    field = {"notice": Dispute.notice_id, "payment": Dispute.payment_id, "licence": Dispute.licence_id}[
        subject
    ]
    query = sa.select(Dispute).where(field == key).order_by(Dispute.id.desc())
    if not actor.is_staff:
        query = query.where(_mine(actor))
    return list(db.session.scalars(query))


def _mine(actor: Actor) -> sa.ColumnElement[bool]:
    owned = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id.in_(actor.holders))
    declared = sa.select(Notice.id).join(Offer, Notice.offer_id == Offer.id).where(owned_by(actor.holders))
    licensed = sa.select(Licence.id).join(Offer, Licence.offer_id == Offer.id).where(owned_by(actor.holders))
    return sa.or_(
        Dispute.licensee_id.in_(actor.licensees),
        Dispute.patent_id.in_(owned),
        Dispute.notice_id.in_(declared),
        Dispute.licence_id.in_(licensed),
    )


def answer(actor: Actor, dispute_id: int, *, text: str, file: Upload | None = None) -> Dispute:
    """The other side's answer.

    Raises:
        NotFound. Forbidden: the side that opened it. Invalid: `dispute-text`.
        Conflict: `illegal-transition`, when it is answered or over.
    """
    dispute = _locked(actor, dispute_id)
    text = _said(text, "text", LONGEST)
    side = "licensee" if dispute.opened_side == "holder" else "holder"
    _execute(actor, dispute, "answer", side=side)
    _add(actor, dispute, side, "answer", text, file)
    return dispute


def add(actor: Actor, dispute_id: int, *, text: str | None, file: Upload | None = None) -> DisputeEntry:
    """A remark or a piece of evidence of either side, while the dispute is not over.

    Raises:
        NotFound. Forbidden: the bureau and operators look on. Invalid: `dispute-text`, or the file's fault.
        Conflict: `dispute-over`.
    """
    dispute = _living(actor, dispute_id)
    if file is None or (text or "").strip():
        text = _said(text, "text", LONGEST)
    side = side_of(actor, dispute)
    entry = _add(actor, dispute, side, "remark" if file is None else "evidence", text, file)
    record("dispute.added", dispute, organisation_id=dispute.licensee_id, entry=entry.id, side=side)
    return entry


def propose_settlement(actor: Actor, dispute_id: int, *, text: str) -> Dispute:
    """Propose the text of a settlement; only the other side can agree to it.

    Raises:
        NotFound, Forbidden. Invalid: `dispute-text`. Conflict: `dispute-over`, `illegal-transition`.
    """
    dispute = _living(actor, dispute_id)
    text = _said(text, "text", LONGEST)
    side = side_of(actor, dispute)

    def effect() -> None:
        dispute.settlement_text, dispute.settlement_side = text, side
        dispute.settlement_by = actor.organisation_id

    SETTLEMENT.execute(
        actor, dispute, "propose", effect=effect, organisation_id=dispute.licensee_id, side=side
    )
    return dispute


def agree(actor: Actor, dispute_id: int) -> Dispute:
    """Agree to the text as it stands: the dispute is settled, and the text is kept as both have it.

    Raises:
        NotFound. Forbidden: the side that proposed it. Conflict: `dispute-over`, `illegal-transition`.
    """
    dispute = _living(actor, dispute_id)
    SETTLEMENT.execute(actor, dispute, "agree", organisation_id=dispute.licensee_id)
    side = "licensee" if dispute.settlement_side == "holder" else "holder"
    _add(actor, dispute, side, "settlement", dispute.settlement_text, None)
    _execute(actor, dispute, "settle", closed=True)
    return dispute


def decline(actor: Actor, dispute_id: int) -> Dispute:
    """Decline the proposed text.

    Raises:
        NotFound, Forbidden. Conflict: `dispute-over`, `illegal-transition`.
    """
    return _drop(actor, dispute_id, "decline")


def take_settlement_back(actor: Actor, dispute_id: int) -> Dispute:
    """Take back what one's own side has proposed.

    Raises:
        NotFound, Forbidden. Conflict: `dispute-over`, `illegal-transition`.
    """
    return _drop(actor, dispute_id, "take_back")


def _drop(actor: Actor, dispute_id: int, action: str) -> Dispute:
    dispute = _living(actor, dispute_id)
    side = dispute.settlement_side
    SETTLEMENT.execute(actor, dispute, action, organisation_id=dispute.licensee_id, side=side)
    # Who proposed is read by the table's permissions, so it goes after the move.
    dispute.settlement_text = dispute.settlement_side = dispute.settlement_by = None
    return dispute


def refer(
    actor: Actor,
    dispute_id: int,
    *,
    venue: str,
    body: str,
    filed_on: dt.date,
    reference: str | None = None,
    file: Upload | None = None,
    entry_id: int | None = None,
) -> Dispute:
    """Note that a side has taken the dispute to CNIPA, a local department or a court.

    Args:
        venue: `cnipa` (PL 52), `local` (IR 95, 97) or `court`.
        body: the department or the court by name.
        filed_on: the day on which it was filed there.
        reference: its file number, if it has one.
        file: what proves the filing.
        entry_id: instead of it, what one's own side has shown in the dispute already.

    Raises:
        NotFound, Forbidden. Invalid: `dispute-venue`, `dispute-text`, `date-in-future`, `date-too-early`.
        Conflict: `dispute-over`, `settlement-open`.
    """
    dispute = _living(actor, dispute_id)
    if venue not in VENUES:
        message = N_("Please choose where the dispute was taken.")
        raise Invalid("dispute-venue", message, fields={"venue": [message]})
    body = _said(body, "body", 200)
    _on_or_before_today(filed_on, "filed_on")
    side = side_of(actor, dispute)
    _execute(actor, dispute, "refer", venue=venue, side=side, occurred_on=filed_on)
    dispute.referrals.append(
        DisputeReferral(
            venue=venue,
            body=body,
            reference=(reference or "").strip()[:80] or None,
            side=side,
            filed_on=filed_on,
            outcome="pending",
            file=_shown(dispute, side, entry_id) or _kept(actor, file),
            stated_at=clock.now(),
        )
    )
    return dispute


def end_referral(
    actor: Actor,
    dispute_id: int,
    *,
    outcome: str,
    ended_on: dt.date,
    text: str | None = None,
    file: Upload | None = None,
    entry_id: int | None = None,
) -> Dispute:
    """Note how the last referral ended.

    Args:
        outcome: `no_agreement` (the dispute goes on), `agreement` before the authority, or `decision`.
        ended_on: of that end.
        text: what was agreed or decided; needed for these two, and so is its paper.
        file: the mediation agreement, the decision or the judgment.
        entry_id: instead of it, what one's own side has shown in the dispute already.

    Raises:
        NotFound, Forbidden. Invalid: `dispute-outcome`, `dispute-text`, `dispute-evidence`, `date-in-future`,
        `date-too-early`. Conflict: `illegal-transition`, when it is nowhere.
    """
    dispute = _living(actor, dispute_id)
    if outcome not in OUTCOMES or outcome == "pending":
        message = N_("Please say how it ended.")
        raise Invalid("dispute-outcome", message, fields={"outcome": [message]})
    DISPUTE.find("decide", dispute.state)
    referral = dispute.referrals[-1]
    _on_or_before_today(ended_on, "ended_on")
    if ended_on < referral.filed_on:
        message = N_("It was not filed yet on this day.")
        raise Invalid("date-too-early", message, fields={"ended_on": [message]})
    side = side_of(actor, dispute)
    if outcome == "no_agreement":
        _execute(actor, dispute, "return", occurred_on=ended_on, side=side)
    else:
        text = _said(text, "text", LONGEST)
        paper = _shown(dispute, side, entry_id) or file
        if paper is None:
            message = N_("Please upload the paper that says so: an end is recorded with its evidence.")
            raise Invalid("dispute-evidence", message, fields={"file": [message]})
        _execute(actor, dispute, "decide", occurred_on=ended_on, closed=True, side=side, outcome=outcome)
        dispute.decided_on, dispute.decision = ended_on, text
        _add(actor, dispute, side, "decision", text, paper)
    referral.outcome, referral.ended_on = outcome, ended_on
    return dispute


def withdraw(actor: Actor, dispute_id: int) -> Dispute:
    """The side that opened it takes it back.

    Raises:
        NotFound, Forbidden. Conflict: `illegal-transition`, when it is over.
    """
    dispute = _locked(actor, dispute_id)
    _execute(actor, dispute, "withdraw", closed=True)
    return dispute


def file_of(actor: Actor, dispute_id: int, file_id: int) -> StoredFile:
    """A file that was shown in a dispute, for its sides and for staff.

    Raises:
        NotFound: there is none, or it is not yours to see.
    """
    dispute = get(actor, dispute_id)
    files = [one.file for one in dispute.entries] + [one.file for one in dispute.referrals]
    shown = next((one for one in files if one is not None and one.id == file_id), None)
    if shown is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return shown


def remind() -> None:
    """Remind of answers that are due or overdue, once each (a schedule)."""
    today = clock.today()
    soon = today + dt.timedelta(days=REMIND_DAYS)
    for field, action, before in (
        (Dispute.reminded_at, "dispute.answer_due", Dispute.answer_due_on <= soon),
        (Dispute.overdue_at, "dispute.answer_overdue", Dispute.answer_due_on < today),
    ):
        query = sa.select(Dispute.id).where(Dispute.state == "open", field.is_(None), before)
        for key in list(db.session.scalars(query)):
            with unit_of_work(SYSTEM):
                dispute = lock(Dispute, key)
                if dispute.state == "open" and getattr(dispute, field.key) is None:
                    setattr(dispute, field.key, clock.now())
                    record(action, dispute, organisation_id=dispute.licensee_id)


def side_of(actor: Actor, dispute: Dispute) -> str:
    """For which side the actor speaks.

    Raises:
        Forbidden: for neither.
    """
    if licensee_side(actor, dispute):
        return "licensee"
    if holder_side(actor, dispute):
        return "holder"
    raise Forbidden("forbidden", "Your account may not do this.")


def _locked(actor: Actor, dispute_id: int) -> Dispute:
    return lock(Dispute, get(actor, dispute_id).id)


def _living(actor: Actor, dispute_id: int) -> Dispute:
    dispute = _locked(actor, dispute_id)
    require(actor, "dispute.act", dispute)
    if dispute.state not in LIVING:
        raise Conflict("dispute-over", "This dispute is over.")
    return dispute


def _execute(
    actor: Actor,
    dispute: Dispute,
    action: str,
    *,
    closed: bool = False,
    occurred_on: dt.date | None = None,
    **data: str,
) -> None:
    def effect() -> None:
        if closed:
            dispute.closed_at = clock.now()

    DISPUTE.execute(
        actor,
        dispute,
        action,
        effect=effect,
        organisation_id=dispute.licensee_id,
        occurred_on=occurred_on,
        **data,
    )


def _shown(dispute: Dispute, side: str, entry_id: int | None) -> StoredFile | None:
    """The file of an entry of one side; None where no entry is named. Raises NotFound: there is none."""
    if entry_id is None:
        return None
    found = next((one.file for one in dispute.entries if one.id == entry_id and one.side == side), None)
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return found


def _add(
    actor: Actor, dispute: Dispute, side: str, kind: str, text: str | None, file: Upload | StoredFile | None
) -> DisputeEntry:
    entry = DisputeEntry(
        kind=kind,
        side=side,
        organisation_id=actor.organisation_id,
        user_id=actor.user_id,
        text=text,
        file=_kept(actor, file),
        written_at=clock.now(),
    )
    dispute.entries.append(entry)
    db.session.flush()
    return entry


def _kept(actor: Actor, file: Upload | StoredFile | None) -> StoredFile | None:
    if file is None or isinstance(file, StoredFile):
        return file
    name, content = file
    return keep(
        content,
        name=name,
        content_type=checked_upload(content),
        purpose="dispute",
        organisation_id=actor.organisation_id,
    )


def _said(text: str | None, field: str, most: int) -> str:
    text = (text or "").strip()
    if not text or len(text) > most:
        message = N_("Please write something, of at most %(most)s characters.")
        raise Invalid("dispute-text", message, fields={field: [message]}, most=most)
    return text


def _on_or_before_today(day: dt.date, field: str) -> None:
    if day > clock.today():
        message = N_("This day is still to come.")
        raise Invalid("date-in-future", message, fields={field: [message]})
