"""What messages say, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l

from marketplace.accounts.models import Organisation
from marketplace.core.database import db
from marketplace.deals.bundles.models import Bundle, BundleTransfer
from marketplace.deals.disputes.models import Dispute
from marketplace.deals.models import Licence, Notice, Obligation, Payment, Quarantine, RefundTask
from marketplace.deals.negotiated.models import NegotiatedRecord
from marketplace.deals.orders.models import ServiceOrder
from marketplace.deals.royalties.models import RoyaltyDefault, RoyaltyPeriod, RoyaltyStatement
from marketplace.deals.shares.models import LedgerTransaction, TransformationReport
from marketplace.demands.models import Demand, DemandAnswer
from marketplace.listings.models import Offer, Patent
from marketplace.listings.showcase.models import Question
from marketplace.listings.stocktaking.models import Stock, StockComment
from marketplace.search.saved.models import SavedSearch

from . import royalties
from .hooks.models import WebhookEndpoint
from .models import Notification
from .wordings import WORDINGS


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is shown: a line, a sentence or two, and the path of the page it is about."""

    title: str
    body: str
    path: str


CODES: Final = tuple(WORDINGS)

_PASS_REASONS: Final[dict[str, Any]] = {
    "off_topic": _l("Not what we need"),
    "too_expensive": _l("Too expensive"),
    "not_mature": _l("Not ready for use"),
    "solved": _l("Solved in another way"),
    "terms": _l("Other terms do not suit"),
    "other": _l("Another reason"),
}

MODELS: Final[Mapping[str, Any]] = {
    "organisation": Organisation,
    "offer": Offer,
    "patent": Patent,
    "notice": Notice,
    "payment": Payment,
    "obligation": Obligation,
    "refund": RefundTask,
    "licence": Licence,
    "demand": Demand,
    "answer": DemandAnswer,
    "question": Question,
    "quarantine": Quarantine,
    "stock": Stock,
    "comment": StockComment,
    "saved_search": SavedSearch,
    "webhook": WebhookEndpoint,
    "dispute": Dispute,
    "order": ServiceOrder,
    "negotiated": NegotiatedRecord,
    "bundle": Bundle,
    "transfer": BundleTransfer,
    **royalties.MODELS,
}


def render(notification: Notification) -> Message:
    """A message in the present language; rows that are gone by now are named by a dash."""
    wording = WORDINGS[notification.code]
    places = _places(notification.parameters)
    body = str(wording.body) % places
    if notification.parameters.get("comment") is not None:
        body = f"{body}\n{gettext('Comment: %(text)s', text=places['comment'])}"
    return Message(str(wording.title) % places, body, wording.path % places)


def render_all(notifications: Iterable[Notification]) -> list[tuple[Notification, Message]]:
    """Messages for a page of an inbox; the rows they speak of are read with one query per kind."""
    rows = list(notifications)
    held: list[Any] = []  # the session forgets rows that nobody holds
    for name, model in MODELS.items():
        ids = {row.parameters[name] for row in rows if name in row.parameters}
        if ids:
            held += db.session.scalars(sa.select(model).where(model.id.in_(ids))).unique()
    messages = [(row, render(row)) for row in rows]
    del held
    return messages


# Of most rows a name is said, which needs none of the rows around them.
_ALONE: Final = (sa.orm.lazyload("*"),)


def _places(parameters: Mapping[str, Any]) -> dict[str, Any]:
    places: dict[str, Any] = {
        "amount": "—", "reference": "—", "effective_on": "—", "reason": "—", "ended_on": "—",
        "stated_on": "—", "pass_reason": "—", "due": "—",
        "count": parameters.get("count", 0), "day": parameters.get("day", "—"),
        "state": parameters.get("state", ""),
    }  # fmt: skip
    for name, model in MODELS.items():
        id_ = parameters.get(name)
        row = None if id_ is None else db.session.get(model, id_, options=_ALONE)
        places[f"{name}_id"] = id_
        places[name] = "—" if row is None else _name(row)
        match row:
            case BundleTransfer():
                places["amount"] = _sum(row.amount_minor, row.currency)
            case Payment():
                places["amount"] = _sum(row.amount_minor, row.currency)
                places["reference"] = row.reference
            case Obligation():
                places["amount"] = _sum(row.amount_minor, row.currency)
                places["due"] = row.due_on.isoformat() if row.due_on else "—"
            case RefundTask():
                places["amount"] = _sum(row.amount_minor, row.currency)
            case Licence():
                places["effective_on"] = row.effective_on.isoformat()
                places["ended_on"] = row.ended_on.isoformat() if row.ended_on else "—"
                stated_on = row.patent_end_stated_on
                places["stated_on"] = stated_on.isoformat() if stated_on else "—"
            case DemandAnswer() if row.pass_reason is not None:
                said = [str(_PASS_REASONS[row.pass_reason]), row.pass_note]
                places["pass_reason"] = " · ".join(one for one in said if one)
            case Dispute():
                places["due"] = row.answer_due_on.isoformat()
            case RoyaltyPeriod():
                places["due"] = row.report_due_on.isoformat()
            case RoyaltyStatement():
                places["amount"] = _sum(row.royalty_minor, row.period.currency)
            case RoyaltyDefault():
                places["due"] = row.cure_by.isoformat()
            case TransformationReport():
                places["due"] = row.due_on.isoformat()
            case LedgerTransaction():
                places["amount"] = _sum(
                    sum(max(one.amount_minor, 0) for one in row.postings), row.postings[0].currency
                )
            case Quarantine():
                places["reason"] = row.reason
    return places


def _sum(minor: int, currency: str) -> str:
    return f"{minor // 100:,}.{minor % 100:02} {currency}"


def _name(row: Any) -> str:
    match row:
        case Organisation():
            return _in_language(row.name, row.name_en)
        case Offer():
            return _in_language(row.patent.title, row.patent.title_en)
        case Patent() | Demand():
            return _in_language(row.title, row.title_en)
        case Notice() | Licence() | Bundle():
            return row.number
        case BundleTransfer():
            return row.reference
        case SavedSearch():
            return row.name
        case Dispute():
            return f"{row.number} {row.title}"
        case WebhookEndpoint():
            return row.url
        case ServiceOrder():
            return f"{row.number} {_in_language(row.what_zh, row.what_en)}"
        case NegotiatedRecord():
            return row.licence.number
        case StockComment():
            return row.text
        case _:
            return royalties.name_of(row) or str(row.id)


def _in_language(chinese: str, english: str | None) -> str:
    locale = get_locale()
    return english if english and locale is not None and locale.language == "en" else chinese
