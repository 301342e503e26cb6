"""The holder's overview: what needs doing now, and how things stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.deals.models import Licence, Notice, Obligation, Payment, RefundTask
from marketplace.listings import standing
from marketplace.listings.changes.services import count_open, open_tasks
from marketplace.listings.models import Offer
from marketplace.listings.showcase.questions import unanswered
from marketplace.statistics.models import Activity

from . import (
    changes,
    facts,
    formats,
    holder_declaration,
    holder_lists,
    holder_notices,
    holder_offers,
    holder_patents,
    holder_statements,
    pricing,
)
from .holder_frame import blueprint, called, parties, party

__all__ = ["blueprint"]

# Their views belong to the same blueprint.
VIEWS = (
    holder_patents,
    holder_statements,
    holder_lists,
    holder_declaration,
    holder_offers,
    holder_notices,
    facts,
    pricing,
    changes,
)

_SHOWN = 5  # tasks of one sort that are named one by one
_PATIENCE = 7  # days that a reader's question may wait


@dataclass(frozen=True)
class Task:
    """Something that waits for the holder.

    Attributes:
        text: what it is, with how many.
        items: texts and addresses of single ones, when they are few.
        address: where all of them are; None when `items` are all.
        urgent: whether a duty or a deadline stands behind it.
    """

    text: str
    icon: str
    address: str | None
    advice: str = ""
    items: Sequence[tuple[Any, str]] = ()
    urgent: bool = False


@blueprint.get("")
@access("organisation")
def home() -> ResponseReturnValue:
    """What needs doing now, counts, and where to go."""
    mine = party()
    counts = standing.counts(mine.id, clock.today())
    clients = parties(current_actor())
    return render_template(
        "holder/home.html",
        tasks=_tasks(mine, counts),
        counts=counts,
        total=sum(counts.values()),
        live=_live(mine),
        licences=_licences(mine),
        received=_received(mine),
        views=_views(mine),
        waiting=_waiting([one.id for one in clients]) if len(clients) > 1 else {},
    )


def _waiting(holders: Sequence[int]) -> dict[int, int]:
    """Organisation → how many duties, payments and recordals wait there; for who works for several."""
    waiting = dict.fromkeys(holders, 0)
    for rows in (
        sa.select(Offer.holder_id).where(
            Offer.status == "announced", Offer.duty_to_withdraw_since.is_not(None)
        ),
        sa.select(Offer.holder_id)
        .select_from(Payment)
        .join(Obligation, Payment.obligation_id == Obligation.id)
        .join(Notice, Obligation.notice_id == Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .where(Payment.channel == "bank", Payment.state == "slip_uploaded"),
        sa.select(Offer.holder_id)
        .select_from(Licence)
        .join(Offer, Licence.offer_id == Offer.id)
        .where(
            Licence.kind == "open",
            Licence.state == "in_effect",
            Licence.recordal_state.in_(("to_do", "late")),
        ),
    ):
        counted = rows.add_columns(sa.func.count()).where(Offer.holder_id.in_(holders))
        for holder_id, count in db.session.execute(counted.group_by(Offer.holder_id)):
            waiting[holder_id] += count
    return waiting


def _live(mine: Organisation) -> int:
    return (
        db.session.scalar(
            sa.select(sa.func.count())
            .select_from(Offer)
            .where(
                Offer.holder_id == mine.id,
                Offer.status.in_(("announced", "withdrawal_filed")),
                Offer.evidence == "verified",
            )
        )
        or 0
    )


def _licences(mine: Organisation) -> int:
    query = sa.select(sa.func.count()).select_from(Licence).join(Offer, Licence.offer_id == Offer.id)
    return db.session.scalar(query.where(Offer.holder_id == mine.id, Licence.kind == "open")) or 0


def _received(mine: Organisation) -> int:
    """Licence money that came in under the holder's offers and was confirmed here, in 分."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(Obligation.amount_minor), 0))
        .join(Notice, Obligation.notice_id == Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .where(Offer.holder_id == mine.id, Obligation.state == "paid")
    )
    return int(db.session.scalar(query) or 0)


def _views(mine: Organisation) -> int:
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(Activity.count), 0))
        .join(Offer, Activity.offer_id == Offer.id)
        .where(Offer.holder_id == mine.id, Activity.kind == "opened")
    )
    return int(db.session.scalar(query) or 0)


def _tasks(mine: Organisation, counts: dict[str, int]) -> list[Task]:
    """In the order in which they matter: duties and money, what is under way, what may begin."""
    return [
        *_duties(mine),
        *_money(mine),
        *_recordals(mine),
        *_questions(mine),
        *_changes(mine),
        *_under_way(mine),
        *_patents(counts),
    ]


def _questions(mine: Organisation) -> list[Task]:
    """Readers' questions that nobody has answered, with the days that the oldest has waited."""
    return [
        Task(
            ngettext(
                "%(num)d question of a reader waits for an answer",
                "%(num)d questions of readers wait for an answer",
                one.count,
            ),
            "chat-left-text",
            url_for("questions.index", state="open"),
            ngettext("The oldest for %(num)d day.", "The oldest for %(num)d days.", one.days),
            urgent=one.days > _PATIENCE,
        )
        for one in unanswered([mine.id])
    ]


def _changes(mine: Organisation) -> list[Task]:
    """Guided tasks after an event, the first due on top, each with its day and its next step."""
    tasks = open_tasks([mine.id], limit=_SHOWN + 1)
    if not tasks:
        return []
    count = count_open(mine.id)
    text = ngettext(
        "%(num)d change of a patent is being worked on",
        "%(num)d changes of patents are being worked on",
        count,
    )
    return [
        Task(
            text,
            "signpost-split",
            url_for("holder.changes"),
            items=[
                (changes.line_of(task), url_for("holder.change", task_id=task.id)) for task in tasks[:_SHOWN]
            ],
            urgent=any(task.due_on is not None and task.due_on <= clock.today() for task in tasks),
        )
    ]


def _duties(mine: Organisation) -> list[Task]:
    rows = db.session.scalars(
        sa.select(Offer)
        .where(
            Offer.holder_id == mine.id,
            Offer.status == "announced",
            Offer.duty_to_withdraw_since.is_not(None),
        )
        .order_by(Offer.duty_to_withdraw_since)
    ).all()
    if not rows:
        return []
    text = ngettext(
        "%(num)d live offer has to be withdrawn", "%(num)d live offers have to be withdrawn", len(rows)
    )
    advice = gettext("A bar has arisen. The law asks you to withdraw promptly and to tell the licensees.")
    return [
        Task(
            text,
            "exclamation-octagon",
            url_for("holder.offers", group="duty"),
            advice,
            _named(rows),
            urgent=True,
        )
    ]


def _named(rows: Sequence[Offer]) -> list[tuple[Any, str]]:
    return [
        (formats.wording(row.patent, "title"), url_for("holder.offer", offer_id=row.id))
        for row in rows[:_SHOWN]
    ]


def _payer(payment: Payment) -> str:
    return f"{called(payment.obligation.notice.licensee)} · {formats.money(payment.amount_minor)}"


def _money(mine: Organisation) -> list[Task]:
    tasks = []
    waiting = db.session.scalars(
        sa.select(Payment)
        .join(Obligation, Payment.obligation_id == Obligation.id)
        .join(Notice, Obligation.notice_id == Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .where(Offer.holder_id == mine.id, Payment.channel == "bank", Payment.state == "slip_uploaded")
        .order_by(Payment.id)
    ).all()
    if waiting:
        tasks.append(
            Task(
                ngettext("%(num)d payment to confirm", "%(num)d payments to confirm", len(waiting)),
                "cash-coin",
                url_for("holder.notices", group="to_confirm"),
                gettext("The licence takes effect when you confirm that the announced sum has arrived."),
                [
                    (
                        _payer(payment),
                        url_for("holder.notice", notice_id=payment.obligation.notice_id),
                    )
                    for payment in waiting[:_SHOWN]
                ],
                urgent=True,
            )
        )
    refunds = db.session.scalars(
        sa.select(RefundTask)
        .join(Payment, RefundTask.payment_id == Payment.id)
        .join(Obligation, Payment.obligation_id == Obligation.id)
        .join(Notice, Obligation.notice_id == Notice.id)
        .join(Offer, Notice.offer_id == Offer.id)
        .where(Offer.holder_id == mine.id, RefundTask.state == "open")
        .order_by(RefundTask.id)
    ).all()
    if refunds:
        tasks.append(
            Task(
                ngettext("%(num)d payment to give back", "%(num)d payments to give back", len(refunds)),
                "arrow-counterclockwise",
                url_for("holder.notices", group="refunds"),
                gettext("The money came without a licence behind it."),
                [
                    (
                        _payer(task.payment),
                        url_for("holder.notice", notice_id=task.payment.obligation.notice_id),
                    )
                    for task in refunds[:_SHOWN]
                ],
                urgent=True,
            )
        )
    return tasks


def _recordals(mine: Organisation) -> list[Task]:
    rows = db.session.scalars(
        sa.select(Licence)
        .join(Offer, Licence.offer_id == Offer.id)
        .where(
            Offer.holder_id == mine.id,
            Licence.kind == "open",
            Licence.state == "in_effect",
            Licence.recordal_state.in_(("to_do", "late")),
        )
        .order_by(Licence.recordal_due_on, Licence.id)
    ).all()
    if not rows:
        return []
    late = sum(row.recordal_state == "late" for row in rows)
    text = ngettext("%(num)d recordal to file", "%(num)d recordals to file", len(rows))
    advice = gettext("Within three months of effect; you or the licensee may file.")
    if late:
        advice += " " + ngettext("%(num)d is overdue.", "%(num)d are overdue.", late)
    items = [
        (
            gettext(
                "%(licensee)s, by %(day)s",
                licensee=called(row.licensee),
                day=formats.day(row.recordal_due_on),
            ),
            url_for("holder.licence", licence_id=row.id),
        )
        for row in rows[:_SHOWN]
    ]
    return [
        Task(text, "journal-check", url_for("holder.licences", group="to_do"), advice, items, urgent=late > 0)
    ]


def _under_way(mine: Organisation) -> list[Task]:
    rows: dict[str, list[Offer]] = {}
    states = ("draft", "in_review", "price_notice", "ready", "filed", "withdrawal_filed")
    query = sa.select(Offer).where(Offer.holder_id == mine.id)
    for offer in db.session.scalars(query.where(Offer.status.in_(states)).order_by(Offer.id)):
        rows.setdefault(offer.status, []).append(offer)
    stated = db.session.scalars(
        query.where(Offer.status == "announced", Offer.evidence == "holder_stated").order_by(Offer.id)
    ).all()
    if stated:
        rows["stated"] = list(stated)
    texts = {
        "ready": (
            ngettext(
                "%(num)d declaration to file", "%(num)d declarations to file", len(rows.get("ready", ()))
            ),
            gettext("File it with CNIPA, then record the filing here."),
            "send",
        ),
        "filed": (
            ngettext(
                "%(num)d filing awaits its announcement",
                "%(num)d filings await their announcement",
                len(rows.get("filed", ())),
            ),
            gettext("When CNIPA has announced it, record number and day."),
            "hourglass-split",
        ),
        "stated": (
            ngettext(
                "%(num)d announcement awaits verification",
                "%(num)d announcements await verification",
                len(rows.get("stated", ())),
            ),
            gettext("The operator checks it against the gazette; until then the offer is not live."),
            "shield-check",
        ),
        "price_notice": (
            ngettext(
                "%(num)d price notice is running",
                "%(num)d price notices are running",
                len(rows.get("price_notice", ())),
            ),
            gettext("Close it when its days are over."),
            "megaphone",
        ),
        "in_review": (
            ngettext(
                "%(num)d declaration is in internal review",
                "%(num)d declarations are in internal review",
                len(rows.get("in_review", ())),
            ),
            "",
            "people",
        ),
        "draft": (
            ngettext("%(num)d draft to finish", "%(num)d drafts to finish", len(rows.get("draft", ()))),
            "",
            "pencil-square",
        ),
        "withdrawal_filed": (
            ngettext(
                "%(num)d withdrawal awaits its announcement",
                "%(num)d withdrawals await their announcement",
                len(rows.get("withdrawal_filed", ())),
            ),
            gettext("Notices remain possible until then."),
            "hourglass-split",
        ),
    }
    return [
        Task(text, icon, url_for("holder.offers", group=state), advice, _named(rows[state]))
        for state, (text, advice, icon) in texts.items()
        if rows.get(state)
    ]


def _patents(counts: dict[str, int]) -> list[Task]:
    tasks = []
    if counts["unknown"]:
        text = ngettext(
            "%(num)d patent has facts that are unknown",
            "%(num)d patents have facts that are unknown",
            counts["unknown"],
        )
        advice = gettext("What is unknown counts as a bar: state it, and the patent may be offered.")
        tasks.append(Task(text, "question-circle", url_for("holder.patents", group="unknown"), advice))
    if counts["may_file"]:
        text = ngettext("%(num)d patent may be offered", "%(num)d patents may be offered", counts["may_file"])
        advice = gettext("All nine bars are clear: begin a declaration.")
        tasks.append(Task(text, "check-circle", url_for("holder.patents", group="may_file"), advice))
    return tasks
