"""Who is told of what stands beside a notice: its export check, its refusal, further clauses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.deals.clauses.models import ClauseAcceptance
from marketplace.deals.disputes import parties
from marketplace.deals.export_control.models import ExportCheck
from marketplace.deals.export_control.rules import due
from marketplace.deals.export_control.supervision import due_of, waiting_under
from marketplace.deals.models import Notice

Told = tuple[int | str, str, dict[str, Any]]
"""To whom (an organisation or a staff role), the message's code, and its ids."""


def told(entry: JournalEntry) -> Iterable[Told]:
    """What an entry of `ACTIONS` gives reason to tell."""
    return _TELL[entry.action](entry)


def _ids(notice: Notice) -> dict[str, Any]:
    return {"notice": notice.id, "offer": notice.offer_id, "organisation": notice.licensee_id}


def _holders(notice: Notice) -> list[int]:
    return sorted(parties.holders_of(notice.offer.patent, notice.offer))


def _asked(entry: JournalEntry) -> Iterable[Told]:
    """The holder's side has to say what applies; where nobody is there to say it, the operator."""
    check = db.session.get_one(ExportCheck, entry.subject_id)
    if entry.data["state"] != "asked":
        return
    notice = check.notice
    day = due("asked", clock.legal_date(check.licensee_at)).date.isoformat()
    for organisation_id in _holders(notice):
        yield organisation_id, "export_asked", _ids(notice) | {"day": day}
    if not notice.offer.holder.joined:
        yield "operator", "export_to_look_into", _ids(notice)


def _restricted(entry: JournalEntry) -> Iterable[Told]:
    notice = db.session.get_one(ExportCheck, entry.subject_id).notice
    for organisation_id in [*_holders(notice), notice.licensee_id]:
        yield organisation_id, "export_restricted", _ids(notice)


def _answered(entry: JournalEntry) -> Iterable[Told]:
    """The licensee; of a ban the refusal of the notice tells. An open question is the operator's too."""
    notice = db.session.get_one(ExportCheck, entry.subject_id).notice
    state = entry.data["state"]
    if state == "restricted":
        yield from _restricted(entry)
    elif state == "free":
        yield notice.licensee_id, "export_free", _ids(notice)
    elif state == "asked":
        yield notice.licensee_id, "export_unsure", _ids(notice)
        yield "operator", "export_to_look_into", _ids(notice)


def _licensed(entry: JournalEntry) -> Iterable[Told]:
    """Both sides but for the one that has recorded it."""
    notice = db.session.get_one(ExportCheck, entry.subject_id).notice
    for organisation_id in [*_holders(notice), notice.licensee_id]:
        if organisation_id != entry.organisation_id:
            yield organisation_id, "export_licensed", _ids(notice)


def _refused(entry: JournalEntry) -> Iterable[Told]:
    notice = db.session.get_one(Notice, entry.subject_id)
    banned = entry.data.get("reason", "technology_banned") == "technology_banned"
    code = "notice_refused" if banned else "notice_not_cleared"
    for organisation_id in [*_holders(notice), notice.licensee_id]:
        yield organisation_id, code, _ids(notice)


def offer_ended(entry: JournalEntry) -> Iterable[Told]:
    """Both sides of what is paid and waits under an offer that has ended: there is a last day now."""
    for check in waiting_under(entry.subject_id):
        if check.ready_at is None:
            continue
        notice, day = check.notice, due_of(check).date.isoformat()
        for organisation_id in [*_holders(notice), notice.licensee_id]:
            yield organisation_id, "export_offer_ended", _ids(notice) | {"day": day}


def _clause_accepted(entry: JournalEntry) -> Iterable[Told]:
    notice = db.session.get_one(ClauseAcceptance, entry.subject_id).notice
    for organisation_id in _holders(notice):
        yield organisation_id, "clause_accepted", _ids(notice)


_TELL: Final[Mapping[str, Callable[[JournalEntry], Iterable[Told]]]] = {
    "export.asked": _asked,
    "export.restricted_as_said": _restricted,
    "export.answered": _answered,
    "export.licensed": _licensed,
    "notice.refused": _refused,
    "clause.accepted": _clause_accepted,
    "offer.revoked": offer_ended,
    "offer.lapsed": offer_ended,
}
ACTIONS: Final = tuple(_TELL)
