"""Offers as the operator sees them: verified, revoked and withdrawn by the gazette; notices served."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import DomainError
from marketplace.core.identifiers import InvalidNumber, parse_number
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Notice
from marketplace.deals.notices import get_notice, notice_document, prove_service
from marketplace.listings.models import Offer, Patent
from marketplace.listings.services import get_offer

from . import holder_notices
from .downloads import saved
from .forms import Form, at_most, required, stripped
from .holder_offers import GROUPS, offer_page, step_page
from .operator_frame import blueprint, key_given, words_given

_SIZE = 50


@blueprint.get("/offers")
@access("operator")
def offers() -> ResponseReturnValue:
    """Find an offer by number of patent or declaration, title or holder."""
    q, group = words_given(), request.args.get("group", "")
    before = key_given("before")
    query = (
        sa.select(Offer)
        .join(Patent, Offer.patent_id == Patent.id)
        .join(Organisation, Offer.holder_id == Organisation.id)
        .order_by(Offer.id.desc())
        .limit(_SIZE + 1)
    )
    if group in GROUPS:
        query = query.where(GROUPS[group])
    if q:
        query = query.where(_matches(q))
    if before is not None:
        query = query.where(Offer.id < before)
    rows = db.session.scalars(query).all()
    counted = sa.select(*(sa.func.count(sa.case((rule, 1))).label(name) for name, rule in GROUPS.items()))
    return render_template(
        "operator/offers.html",
        rows=rows[:_SIZE],
        q=q,
        group=group,
        counts=db.session.execute(counted.select_from(Offer)).one()._asdict(),
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


def _matches(q: str) -> sa.ColumnElement[bool]:
    """By number if it is one, else by declaration, title or holder."""
    try:
        number = str(parse_number(q))
    except InvalidNumber:
        named = (column.icontains(q, autoescape=True) for column in (Patent.title, Organisation.name))
        return sa.or_(Offer.declaration_number == q, *named)
    return sa.or_(Patent.number == number, Patent.publication_number == number, Offer.declaration_number == q)


@blueprint.get("/offers/<int:offer_id>")
@access("operator")
def offer(offer_id: int) -> ResponseReturnValue:
    """One offer with the steps that are the operator's."""
    return offer_page(get_offer(current_actor(), offer_id), "operator")


@blueprint.route("/offers/<int:offer_id>/<action>", methods=["GET", "POST"])
@access("operator")
def step(offer_id: int, action: str) -> ResponseReturnValue:
    """One step: verifying an announcement, a revocation, a withdrawal."""
    return step_page(offer_id, action, "operator")


# --- notices


class ProofForm(Form):
    """What proves that a sealed notice reached the holder."""

    proof = StringField(
        _l("What proves it?"),
        [required(), at_most(500)],
        description=_l("For example: registered letter with its number, the holder's answer of a day."),
        filters=[stripped],
    )
    sent_on = DateField(_l("Proven for the day"), [required()])


@blueprint.get("/notices/<int:notice_id>")
@access("operator")
def notice(notice_id: int) -> ResponseReturnValue:
    """One notice with its payments, refunds and service."""
    return _notice_page(get_notice(current_actor(), notice_id))


def _notice_page(found: Notice, form: ProofForm | None = None) -> ResponseReturnValue:
    return holder_notices.notice_page(
        found, "operator", proof_form=form or ProofForm(data={"sent_on": clock.today()})
    )


@blueprint.post("/notices/<int:notice_id>/service")
@access("operator")
def prove(notice_id: int) -> ResponseReturnValue:
    """Record the proof of service."""
    actor, form = current_actor(), ProofForm()
    if form.validate_on_submit():
        # Only the day is proven: its end, or now if it is today.
        proven = min(clock.end_of_day_utc(form.sent_on.data) - dt.timedelta(seconds=1), clock.now())
        sent_at = proven if form.sent_on.data <= clock.today() else clock.end_of_day_utc(form.sent_on.data)
        try:
            with unit_of_work(actor):
                prove_service(actor, notice_id, proof=form.proof.data, sent_at=sent_at)
        except DomainError as error:
            form.accept(error, sent_at="sent_on")
        else:
            flash(gettext("The service is recorded."), "success")
            return redirect(url_for("operator.notice", notice_id=notice_id))
    return _notice_page(get_notice(actor, notice_id), form)


@blueprint.get("/notices/<int:notice_id>/document")
@access("operator")
def document(notice_id: int) -> ResponseReturnValue:
    """The sealed notice."""
    found = get_notice(current_actor(), notice_id)
    return saved(notice_document(current_actor(), notice_id), f"{found.number}.pdf")


@blueprint.get("/payments/<int:payment_id>/slip")
@access("operator")
def slip(payment_id: int) -> ResponseReturnValue:
    """The payer's bank slip."""
    return holder_notices.slip_answer(payment_id)


@blueprint.post("/payments/<int:payment_id>/confirm")
@access("operator")
def confirm(payment_id: int) -> ResponseReturnValue:
    """Confirm a transfer for a holder who has not joined."""
    return holder_notices.confirm_answer(payment_id, "operator")


@blueprint.post("/refunds/<int:refund_id>")
@access("operator")
def refund(refund_id: int) -> ResponseReturnValue:
    """Note that money was given back."""
    return holder_notices.refund_answer(refund_id, "operator")
