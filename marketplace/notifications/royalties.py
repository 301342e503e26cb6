"""Royalties and shares: who is told of what, and in which words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from flask_babel import lazy_gettext as _l

from marketplace.accounts.models import Organisation
from marketplace.core.database import db
from marketplace.core.journal import JournalEntry
from marketplace.deals.disputes import parties
from marketplace.deals.models import Licence
from marketplace.deals.royalties.models import (
    RoyaltyDefault,
    RoyaltyPeriod,
    RoyaltyPlanChange,
    RoyaltyStatement,
)
from marketplace.deals.royalties.services import current
from marketplace.deals.shares.models import LedgerTransaction, OwnerSplit, TransformationReport

from .proofs import Told

_PERIOD: Final = "/royalties/%(royalty_period_id)s"
_TERMS: Final = "/royalties/licences/%(licence_id)s"

# Code → title, body, path; the places are those of `texts`.
WORDING: Final[Mapping[str, tuple[Any, Any, str]]] = {
    "royalty_due": (
        _l("A royalty period is over: please hand in your statement by %(due)s"),
        _l(
            "The period %(royalty_period)s of licence %(licence)s on “%(patent)s” is over. State what was "
            "sold under the patent; where nothing was, hand in a zero statement."
        ),
        _PERIOD,
    ),
    "royalty_report_soon": (
        _l("Your royalty statement is due on %(due)s"),
        _l(
            "No statement is there yet for the period %(royalty_period)s of licence %(licence)s on "
            "“%(patent)s”."
        ),
        _PERIOD,
    ),
    "royalty_overdue": (
        _l("Your royalty statement is late: it was due on %(due)s"),
        _l(
            "The statement for the period %(royalty_period)s of licence %(licence)s on “%(patent)s” is "
            "missing. Please hand it in now: the holder may give notice of default."
        ),
        _PERIOD,
    ),
    "royalty_overdue_holder": (
        _l("%(organisation)s has not handed in its royalty statement"),
        _l(
            "The statement for the period %(royalty_period)s on “%(patent)s” was due on %(due)s. You may "
            "give notice of default and set a day; nothing follows by itself."
        ),
        _PERIOD,
    ),
    "royalty_reported": (
        _l("%(organisation)s has handed in a royalty statement"),
        _l(
            "By statement %(royalty_statement)s the royalty on “%(patent)s” for the period "
            "%(royalty_period)s is %(amount)s. The page shows how it is worked out."
        ),
        _PERIOD,
    ),
    "royalty_corrected": (
        _l("%(organisation)s has corrected a royalty statement"),
        _l(
            "By statement %(royalty_statement)s the royalty on “%(patent)s” for the period "
            "%(royalty_period)s is now %(amount)s. The page shows the reason and the earlier statement."
        ),
        _PERIOD,
    ),
    "royalty_payment_soon": (
        _l("A royalty falls due soon"),
        _l("The royalty on “%(patent)s” for the period %(royalty_period)s is not paid yet."),
        _PERIOD,
    ),
    "royalty_payment_overdue": (
        _l("A royalty was not paid in time"),
        _l(
            "The royalty on “%(patent)s” for the period %(royalty_period)s is overdue. Please pay it now: "
            "the holder may give notice of default."
        ),
        _PERIOD,
    ),
    "royalty_payment_overdue_holder": (
        _l("%(organisation)s has not paid a royalty in time"),
        _l(
            "The royalty on “%(patent)s” for the period %(royalty_period)s is overdue. You may give notice "
            "of default and set a day; nothing follows by itself."
        ),
        _PERIOD,
    ),
    "royalty_default_given": (
        _l("The holder demands what is overdue by %(due)s"),
        _l(
            "Notice of default %(royalty_default)s for the period %(royalty_period)s on “%(patent)s” sets a "
            "last day. Once it is over, the holder may end licence %(licence)s. Read the notice, and hand in "
            "or pay what is missing."
        ),
        _PERIOD,
    ),
    "royalty_default_restored": (
        _l("The holder notes that a default was made good"),
        _l("Notice of default %(royalty_default)s is settled. Licence %(licence)s goes on as it was."),
        _PERIOD,
    ),
    "royalty_default_taken_back": (
        _l("The holder has taken a notice of default back"),
        _l("Notice of default %(royalty_default)s is void. Licence %(licence)s goes on as it was."),
        _PERIOD,
    ),
    "royalty_cure_over": (
        _l("The time of a notice of default is over, and the default stands"),
        _l(
            "Your notice %(royalty_default)s to %(organisation)s on “%(patent)s” set %(due)s as its last "
            "day. You may now end licence %(licence)s on this ground, or leave it as it is: nothing follows "
            "by itself."
        ),
        _PERIOD,
    ),
    "royalty_plan_proposed": (
        _l("The other party proposes how the royalty terms are read"),
        _l("The proposal for licence %(licence)s on “%(patent)s” holds only once you accept it."),
        _TERMS,
    ),
    "royalty_plan_accepted": (
        _l("Your reading of the royalty terms is accepted"),
        _l("It holds for licence %(licence)s on “%(patent)s” from the next period on."),
        _TERMS,
    ),
    "royalty_plan_declined": (
        _l("Your reading of the royalty terms is declined"),
        _l("Licence %(licence)s on “%(patent)s” goes on as before."),
        _TERMS,
    ),
    "royalty_plan_taken_back": (
        _l("A proposed reading of the royalty terms is taken back"),
        _l("Licence %(licence)s on “%(patent)s” goes on as before."),
        _TERMS,
    ),
    "shares_report_due": (
        _l("Your yearly report on transformed results for %(report)s is due on %(due)s"),
        _l(
            "State-established institutions report to their supervising body each year (Shanghai Regulations "
            "on promoting transformation, Art. 18). The figures of this platform are ready to be saved."
        ),
        "/shares",
    ),
    "shares_split_agreed": (
        _l("%(organisation)s has entered an agreement of the owners of “%(patent)s”"),
        _l(
            "It divides net licence income by what it says you have agreed (Patent Law, Art. 14). Contact it "
            "if that is not so."
        ),
        "/shares",
    ),
    "shares_received": (
        _l("%(organisation)s has paid you your share of licence income"),
        _l(
            "%(amount)s for “%(patent)s” now stands in your own book, to be divided among those who made and "
            "transformed the result at your institution."
        ),
        "/shares/patents/%(patent_id)s",
    ),
}


def told(entry: JournalEntry) -> Iterable[Told]:
    """What an entry of `ACTIONS` gives reason to tell."""
    return _TELL[entry.action](entry)


def name_of(row: Any) -> str | None:
    """How a message names a row of royalties or shares; None for any other row."""
    match row:
        case RoyaltyPeriod():
            return f"{row.begins.isoformat()} – {row.ends.isoformat()}"
        case RoyaltyStatement() | RoyaltyDefault():
            return row.number
        case TransformationReport():
            return str(row.year)
        case _:
            return None


MODELS: Final[Mapping[str, Any]] = {
    "royalty_period": RoyaltyPeriod,
    "royalty_statement": RoyaltyStatement,
    "royalty_default": RoyaltyDefault,
    "report": TransformationReport,
    "share": LedgerTransaction,
}


def _ids(licence: Licence) -> dict[str, Any]:
    return {"licence": licence.id, "patent": licence.patent_id, "organisation": licence.licensee_id}


def _holders(licence: Licence) -> list[int]:
    return sorted(parties.holders_of(licence.patent, licence.offer))


def _of_period(entry: JournalEntry) -> Iterable[Told]:
    """The licensee; of what is late the holder's side as well."""
    period = db.session.get_one(RoyaltyPeriod, entry.subject_id)
    code, ids = entry.action.replace(".", "_"), _ids(period.licence) | {"royalty_period": period.id}
    yield period.licence.licensee_id, code, ids
    if entry.action in ("royalty.overdue", "royalty.payment_overdue"):
        for organisation_id in _holders(period.licence):
            yield organisation_id, f"{code}_holder", ids


def _stated(entry: JournalEntry) -> Iterable[Told]:
    period = db.session.get_one(RoyaltyPeriod, entry.subject_id)
    key = entry.data.get("statement_id")
    statement = current(period) if key is None else db.session.get(RoyaltyStatement, int(key))
    ids = _ids(period.licence) | {"royalty_period": period.id}
    if statement is not None:
        ids["royalty_statement"] = statement.id
    for organisation_id in _holders(period.licence):
        yield organisation_id, entry.action.replace(".", "_"), ids


def _default(entry: JournalEntry) -> Iterable[Told]:
    """The licensee; that the time is over is told to whom the money is owed, who may act on it."""
    row = db.session.get_one(RoyaltyDefault, entry.subject_id)
    licence = row.period.licence
    ids = _ids(licence) | {"royalty_default": row.id, "royalty_period": row.period_id}
    if entry.action != "royalty.cure_over":
        yield licence.licensee_id, entry.action.replace(".", "_"), ids
    elif licence.offer is not None:
        yield licence.offer.holder_id, "royalty_cure_over", ids


def _plan(entry: JournalEntry) -> Iterable[Told]:
    """The other party of a proposal and of its being taken back; who proposed, of the answer."""
    change = db.session.get_one(RoyaltyPlanChange, entry.subject_id)
    licence = change.plan.licence
    code, ids = entry.action.replace(".", "_"), _ids(licence)
    answered = entry.action in ("royalty.plan_accepted", "royalty.plan_declined")
    if answered:
        yield change.organisation_id, code, ids
    elif change.side == "holder":
        yield licence.licensee_id, code, ids
    else:
        for organisation_id in _holders(licence):
            yield organisation_id, code, ids


def _report(entry: JournalEntry) -> Iterable[Told]:
    report = db.session.get_one(TransformationReport, entry.subject_id)
    yield report.organisation_id, "shares_report_due", {"report": report.id}


def _split(entry: JournalEntry) -> Iterable[Told]:
    """The other owners, whose parts somebody else has entered."""
    split = db.session.get_one(OwnerSplit, entry.subject_id)
    for party in split.patent.parties:
        if party.organisation_id != split.book_id:
            yield (
                party.organisation_id,
                "shares_split_agreed",
                {"organisation": split.book_id, "patent": split.patent_id},
            )


def _share(entry: JournalEntry) -> Iterable[Told]:
    row = db.session.get_one(LedgerTransaction, entry.subject_id)
    payer = db.session.get_one(Organisation, int(entry.data["payer"]))
    yield row.book_id, "shares_received", {"organisation": payer.id, "patent": row.patent_id, "share": row.id}


_TELL: Final[Mapping[str, Callable[[JournalEntry], Iterable[Told]]]] = {
    "royalty.due": _of_period,
    "royalty.report_soon": _of_period,
    "royalty.overdue": _of_period,
    "royalty.payment_soon": _of_period,
    "royalty.payment_overdue": _of_period,
    "royalty.reported": _stated,
    "royalty.corrected": _stated,
    "royalty.default_given": _default,
    "royalty.default_restored": _default,
    "royalty.default_taken_back": _default,
    "royalty.cure_over": _default,
    "royalty.plan_proposed": _plan,
    "royalty.plan_accepted": _plan,
    "royalty.plan_declined": _plan,
    "royalty.plan_taken_back": _plan,
    "shares.report_due": _report,
    "shares.split_agreed": _split,
    "shares.received": _share,
}
ACTIONS: Final = tuple(_TELL)
