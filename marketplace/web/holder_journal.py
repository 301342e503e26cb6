"""The story of an offer as its journal tells it: when, what and who."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask_babel import gettext
from sqlalchemy.orm import joinedload

from marketplace.accounts.models import Membership, Organisation, User
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import N_
from marketplace.core.journal import JournalEntry
from marketplace.deals.models import Licence, Notice
from marketplace.listings.models import Offer

from . import labels
from .holder_frame import called

LONGEST = 200  # entries that a page shows

WORDS: Mapping[str, str] = {
    "offer.drafted": N_("Draft begun"),
    "offer.edited": N_("Terms changed"),
    "offer.review_submitted": N_("Submitted for internal review"),
    "offer.approved": N_("Approved in the review"),
    "offer.price_notice_started": N_("Price notice begun"),
    "offer.ready": N_("Ready to file; the owners agree"),
    "offer.filed": N_("Filed with CNIPA"),
    "offer.reopened": N_("Filing taken back: recorded by mistake"),
    "offer.discarded": N_("Draft discarded"),
    "offer.announced": N_("Announced by CNIPA"),
    "offer.verified": N_("Announcement verified"),
    "offer.refused": N_("Refused by CNIPA"),
    "offer.withdrawal_filed": N_("Withdrawal filed"),
    "offer.withdrawn": N_("Withdrawal announced"),
    "offer.revoked": N_("Revoked by CNIPA"),
    "offer.lapsed": N_("Ended by itself"),
    "offer.duty_raised": N_("A duty to withdraw has arisen"),
    "offer.duty_cleared": N_("The duty to withdraw is gone"),
    "notice.written": N_("Written notice by %(party)s"),
    "notice.served": N_("Notice of %(party)s served"),
    "notice.service_proven": N_("Service of the notice of %(party)s proven"),
    "notice.lapsed": N_("Notice of %(party)s lapsed unpaid"),
    "notice.undelivered": N_("Notice of %(party)s was never served"),
    "notice.abandoned": N_("%(party)s gave its notice up"),
    "notice.refused": N_("Notice of %(party)s refused: its export is banned or was not cleared"),
    "notice.paid": N_("%(party)s has paid"),
    "licence.in_effect": N_("Licence of %(party)s in effect"),
    "licence.ended": N_("Licence of %(party)s ended"),
    "licence.patent_end_stated": N_("End of the patent stated; the operator checks the licence of %(party)s"),
    "licence.patent_end_unstated": N_("End of the patent no longer stated; the licence of %(party)s stays"),
    "licence.end_proposed": N_("End of the licence of %(party)s by agreement proposed"),
    "licence.end_accepted": N_("End of the licence of %(party)s by agreement accepted"),
    "licence.end_declined": N_("End of the licence of %(party)s by agreement declined"),
    "licence.end_taken_back": N_("Proposed end of the licence of %(party)s taken back"),
    "licence.recordal_filed": N_("Recordal for %(party)s filed"),
    "licence.recorded": N_("Licence of %(party)s recorded with CNIPA"),
    "licence.recordal_corrected": N_("What was stated of the recordal for %(party)s was taken back"),
    "licence.recordal_verified": N_("Recordal for %(party)s verified by the gazette's list"),
    "licence.recordal_late": N_("Recordal for %(party)s is overdue"),
    "licence.recordal_due_soon": N_("Both sides reminded of the recordal for %(party)s"),
    "licence.recordal_changed": N_("A change of the recordal for %(party)s was noted"),
    "licence.recordal_cancelled": N_("The cancellation of the recordal for %(party)s was noted"),
    "licence.paper_kept": N_("A paper was laid beside the licence of %(party)s"),
}


@dataclass(frozen=True)
class Moment:
    """One entry as it is shown: the legal date, when it was recorded, what happened, who did it."""

    on: dt.date
    at: dt.datetime
    text: str
    detail: str
    who: str


def timeline(offer: Offer) -> list[Moment]:
    """What happened to an offer, its notices and licences, newest first."""
    notices = _parties(Notice, offer)
    licences = _parties(Licence, offer)
    about = [
        sa.and_(JournalEntry.subject_type == Offer.__tablename__, JournalEntry.subject_id == offer.id),
        *(
            sa.and_(JournalEntry.subject_type == table, JournalEntry.subject_id.in_(list(rows)))
            for table, rows in ((Notice.__tablename__, notices), (Licence.__tablename__, licences))
            if rows
        ),
    ]
    entries = db.session.scalars(
        sa.select(JournalEntry)
        .where(sa.or_(*about), JournalEntry.action.in_(WORDS))
        .order_by(JournalEntry.id.desc())
        .limit(LONGEST)
    ).all()
    people = _people(entries)
    named = {Notice.__tablename__: notices, Licence.__tablename__: licences}
    return [
        Moment(
            entry.occurred_on,
            entry.recorded_at,
            gettext(WORDS[entry.action], party=named.get(entry.subject_type, {}).get(entry.subject_id, "")),
            _detail(entry),
            _who(entry, people),
        )
        for entry in entries
    ]


def _parties(model: type[Notice | Licence], offer: Offer) -> dict[int, str]:
    rows = db.session.execute(
        sa.select(model.id, Organisation)
        .join(Organisation, model.licensee_id == Organisation.id)
        .where(model.offer_id == offer.id)
        .order_by(model.id.desc())
        .limit(LONGEST)
    )
    return {row.id: called(row.Organisation) for row in rows}


def _people(entries: Sequence[JournalEntry]) -> dict[int, User]:
    ids = {entry.actor_id for entry in entries if entry.actor_id is not None}
    query = (
        sa.select(User)
        .where(User.id.in_(ids))
        .options(joinedload(User.memberships).joinedload(Membership.organisation))
    )
    return {user.id: user for user in db.session.scalars(query).unique()}


def _who(entry: JournalEntry, people: Mapping[int, User]) -> str:
    """A person with its organisation; staff by their role; else the platform, or the list it came with."""
    user = people.get(entry.actor_id or 0)
    if user is None:
        imported = entry.origin in ("import", "demo")
        return str(gettext("by import") if imported else gettext("the platform"))
    if user.staff_role:
        return str(labels.name("role", user.staff_role))
    organisations = [called(membership.organisation) for membership in user.memberships]
    return f"{user.name} · {organisations[0]}" if organisations else user.name


def _detail(entry: JournalEntry) -> str:
    """What the entry's codes add: evidence, bars, the reason of an end."""
    data = entry.data
    if entry.action in ("offer.announced", "offer.verified") and data.get("evidence"):
        return str(labels.name("evidence", data["evidence"]))
    if entry.action == "offer.duty_raised":
        return "、".join(str(labels.name("bar_fault", code)) for code in data.get("bars", ()))
    if entry.action == "licence.recorded":
        return str(data.get("number") or "")
    if entry.action == "licence.ended" and data.get("reason"):
        return str(labels.name("end_reason", data["reason"]))
    return ""


def price_notice_days(offer: Offer) -> int | None:
    """For how many days the price notice has run, its first day counted; None when there is none."""
    if offer.price_notice_from is None:
        return None
    return (clock.today() - offer.price_notice_from).days + 1
