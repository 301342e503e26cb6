"""A holder's declarations: the list, and one with its steps, story, views, notices, licences and money."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence, Notice, Obligation
from marketplace.listings.consents import standing
from marketplace.listings.lifecycle import declaration_faults, sentences
from marketplace.listings.models import IN_FORCE, Offer
from marketplace.listings.papers.services import to_hand_in
from marketplace.listings.services import act, eligibility_of, get_offer
from marketplace.statistics.models import Activity

from .forms import sentence_of, status_of
from .holder_consents import own_offer
from .holder_declaration import QUESTION_OF
from .holder_frame import blueprint, party
from .holder_journal import price_notice_days, timeline
from .holder_steps import STEPS, form_of, steps_of, values_of

_SIZE = 50

# Groups of the list: status, or what is to be done.
GROUPS: Mapping[str, Any] = {
    "draft": Offer.status == "draft",
    "in_review": Offer.status == "in_review",
    "price_notice": Offer.status == "price_notice",
    "ready": Offer.status == "ready",
    "filed": Offer.status == "filed",
    "stated": sa.and_(Offer.status.in_(IN_FORCE), Offer.evidence == "holder_stated"),
    "live": sa.and_(Offer.status.in_(IN_FORCE), Offer.evidence == "verified"),
    "withdrawal_filed": Offer.status == "withdrawal_filed",
    "duty": sa.and_(Offer.status.in_(IN_FORCE), Offer.duty_to_withdraw_since.is_not(None)),
    "over": Offer.status.in_(("refused", "withdrawn", "revoked", "lapsed", "discarded")),
}


@blueprint.get("/offers")
@access("organisation")
def offers() -> ResponseReturnValue:
    """The declarations of the organisation, newest first."""
    mine = party()
    group = request.args.get("group", "")
    before = request.args.get("before", type=int)
    query = sa.select(Offer).where(Offer.holder_id == mine.id)
    counted = sa.select(*(sa.func.count(sa.case((rule, 1))).label(name) for name, rule in GROUPS.items()))
    counts = db.session.execute(counted.where(Offer.holder_id == mine.id)).one()._asdict()
    if group in GROUPS:
        query = query.where(GROUPS[group])
    if before is not None:
        query = query.where(Offer.id < before)
    rows = db.session.scalars(query.order_by(Offer.id.desc()).limit(_SIZE + 1)).all()
    shown = rows[:_SIZE]
    ids = [row.id for row in shown]
    return render_template(
        "holder/offers.html",
        rows=shown,
        licences=_licence_counts(ids),
        views=_opened(ids),
        group=group,
        counts=counts,
        total=db.session.scalar(
            sa.select(sa.func.count()).select_from(Offer).where(Offer.holder_id == mine.id)
        ),
        before=shown[-1].id if len(rows) > _SIZE else None,
    )


def _licence_counts(ids: list[int]) -> dict[int | None, int]:
    rows = db.session.execute(
        sa.select(Licence.offer_id, sa.func.count())
        .where(Licence.offer_id.in_(ids), Licence.kind == "open")
        .group_by(Licence.offer_id)
    )
    return {row[0]: row[1] for row in rows}


def _opened(ids: list[int]) -> dict[int, int]:
    rows = db.session.execute(
        sa.select(Activity.offer_id, sa.func.sum(Activity.count))
        .where(Activity.offer_id.in_(ids), Activity.kind == "opened")
        .group_by(Activity.offer_id)
    )
    return {key: int(count) for key, count in rows}


# --- one offer


@blueprint.get("/offers/<int:offer_id>")
@access("organisation")
def offer(offer_id: int) -> ResponseReturnValue:
    """Where it stands, what may be done, and what has happened."""
    return offer_page(own_offer(offer_id), "holder")


def offer_page(found: Offer, area: str) -> str:
    """The page of one offer for those who look after it.

    Args:
        area: `holder` or `operator`: whose pages its links lead to.
    """
    actor = current_actor()
    first, others = steps_of(actor, found)
    notices = db.session.scalars(
        sa.select(Notice).where(Notice.offer_id == found.id).order_by(Notice.id.desc()).limit(_SIZE)
    ).all()
    licences = db.session.scalars(
        sa.select(Licence).where(Licence.offer_id == found.id).order_by(Licence.id.desc()).limit(_SIZE)
    ).all()
    early = found.status in standing.EARLY
    consents = standing.consents_of(found)
    return render_template(
        "holder/offer.html",
        area=area,
        offer=found,
        patent=found.patent,
        first=first,
        others=others,
        early=early,
        faults=sentences(declaration_faults(found)) if early else {},
        question_of=QUESTION_OF,
        eligibility=eligibility_of(found.patent),
        position=_position(found),
        days=price_notice_days(found),
        owners=standing.patentees(found, consents),
        waits=_waits(found) if early else (),
        pledgees=[row for row in consents if row.capacity == "pledgee" and row.state != "void"],
        price_notice=standing.running_notice(found),
        in_writing=standing.in_writing(found, consents),
        lines=to_hand_in(actor, found) if early or found.status == "filed" else (),
        moments=timeline(found),
        views=_views(found),
        notices=notices,
        licences=licences,
        received=_received(found),
    )


def _waits(found: Offer) -> list[str]:
    """What others still have to say, or what time has to pass, before the declaration is ready."""
    sentences_ = []
    for check in (standing.check_owners, standing.check_price_notice):
        try:
            check(found)
        except DomainError as error:
            sentences_.append(sentence_of(error))
    return sentences_


def _position(found: Offer) -> int:
    """Which of the four stations of a declaration it has come to; 5 once all are behind it."""
    if found.status == "draft":
        return 1
    if found.status in ("in_review", "price_notice", "ready"):
        return 2
    if found.status in ("filed", "refused"):
        return 3
    return 5 if found.evidence == "verified" else 4


def _views(found: Offer) -> dict[str, tuple[int, int]]:
    """Kind of activity → count in the last 30 days and in all."""
    since = clock.today() - dt.timedelta(days=29)
    recent = sa.func.coalesce(sa.func.sum(sa.case((Activity.day >= since, Activity.count))), 0)
    rows = db.session.execute(
        sa.select(Activity.kind, recent, sa.func.sum(Activity.count))
        .where(Activity.offer_id == found.id)
        .group_by(Activity.kind)
    )
    return {kind: (int(month), int(total)) for kind, month, total in rows}


def _received(found: Offer) -> int:
    """Money that was confirmed under this offer, in 分."""
    query = (
        sa.select(sa.func.coalesce(sa.func.sum(Obligation.amount_minor), 0))
        .join(Notice, Obligation.notice_id == Notice.id)
        .where(Notice.offer_id == found.id, Obligation.state == "paid")
    )
    return int(db.session.scalar(query) or 0)


@blueprint.route("/offers/<int:offer_id>/<action>", methods=["GET", "POST"])
@access("organisation")
def step(offer_id: int, action: str) -> ResponseReturnValue:
    """One step of an offer's life: its form, and doing it."""
    own_offer(offer_id)
    return step_page(offer_id, action, "holder")


def step_page(offer_id: int, action: str, area: str) -> ResponseReturnValue:
    """The form of a step, or after sending it the offer's page again."""
    if action not in STEPS:
        raise NotFound("step-unknown", "An offer has no such step.")
    actor, found = current_actor(), STEPS[action]
    form = form_of(found, get_offer(actor, offer_id))
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                act(actor, offer_id, action, values_of(form))
        except DomainError as error:
            if error.code == "declaration-number-taken" and "declaration_number" in form:
                form.declaration_number.errors = [sentence_of(error)]
            else:
                form.accept(error)
        else:
            flash(str(found.done), "success")
            return redirect(url_for(f"{area}.offer", offer_id=offer_id))
    subject = get_offer(actor, offer_id)
    return render_template(
        "holder/step.html",
        area=area,
        step=found,
        form=form,
        offer=subject,
        patent=subject.patent,
        fields=[field for field in form if field.name != "csrf_token"],
    ), status_of(form)
