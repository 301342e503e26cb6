"""From offer to licence: the written notice, paying the holder, and the licence's own page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    DateField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation, User
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.convert import InvalidValue, yuan
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import flags, ledger, licences, lookup, notices, payments, refunds, rules
from marketplace.deals.bundles import paying
from marketplace.deals.clauses.services import clauses_of
from marketplace.deals.export_control.holding import check_of
from marketplace.deals.export_control.rules import MAINLAND
from marketplace.deals.export_control.supervision import is_waiting, waiting_of
from marketplace.deals.models import OPEN_PAYMENT, Licence, Notice
from marketplace.deals.taxes.services import taxes_of
from marketplace.listings.models import Offer
from marketplace.listings.services import offers

from . import labels
from .downloads import stored
from .forms import Form, at_most, optional, options, required, required_when, sentence_of, status_of, stripped
from .holder_notices import CorrectionForm, answer_to_end, may_correct
from .proofs import SeatForm, registered_seat
from .seats import name_of_seat

blueprint = Blueprint("licensing", __name__)

_SIZE = 20


# --- the notice


class NoticeForm(SeatForm):
    """What the licensee adds to the announced terms: nothing of it is a condition."""

    licensee = SelectField(_l("Who takes the licence?"), coerce=int)
    use = TextAreaField(
        _l("What do you intend to use it for?"),
        [optional(), at_most(notices.MAX_USE)],
        description=_l("For the holder's information only. It limits nothing."),
        filters=[stripped],
    )
    contact = StringField(
        _l("How can the holder reach you?"),
        [required(), at_most(notices.MAX_CONTACT)],
        description=_l("Name and telephone or e-mail address; printed in the notice."),
        filters=[stripped],
    )
    clauses = SelectMultipleField(
        _l("Further clauses of the holder"),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l(
            "Take any or none: the licence depends on none of them. You can accept them later, too."
        ),
    )
    stage = HiddenField()


@blueprint.route("/offers/<int:offer_id>/licence", methods=["GET", "POST"])
@access("organisation")
def begin(offer_id: int) -> ResponseReturnValue:
    """Terms in plain words, then a look at what was written, then the notice is served."""
    actor = current_actor()
    offer = offers.get_offer(actor, offer_id)
    if not offer.in_force_on(clock.today()):
        raise Conflict("offer-not-live", "This offer cannot be taken up any more.")
    form = NoticeForm()
    licensees = may_act_for(actor)
    form.licensee.choices = [(one.id, one.name) for one in licensees]
    offered = clauses_of(offer.id)
    form.clauses.choices = options((str(one.id), labels.name("clause_kind", one.kind)) for one in offered)
    stage = "write"
    if form.validate_on_submit():
        stage = form.stage.data if form.stage.data in ("write", "serve") else "check"
        if stage == "serve":
            try:
                return _serve(actor, offer, form)
            except Invalid as error:
                form.accept(error)
                stage = "write"
            except Conflict as error:
                if "notice_id" in error.parameters:
                    flash(sentence_of(error), "info")
                    return redirect(url_for("licensing.notice", notice_id=error.parameters["notice_id"]))
                if "licence_id" in error.parameters:
                    flash(sentence_of(error), "info")
                    return redirect(url_for("licensing.licence", licence_id=error.parameters["licence_id"]))
                raise
    if request.method == "GET":
        form.licensee.data = actor.organisation_id
        form.contact.data = contact_of(actor)
        form.seat.data = registered_seat(licensees) or MAINLAND
    terms = notices.frozen_terms(offer)
    return (
        render_template(
            "licensing/begin.html",
            offer=offer,
            form=form,
            stage=stage,
            term=rules.licence_term(clock.today(), offer.term_to, offer.patent.expires_on),
            owed=rules.obligations_of(terms),
            basis=rules.basis_of(terms),
            at_once=_at_once(terms),
            offered=offered,
            known_seat=registered_seat(licensees),
            seat_name=name_of_seat,
            licensee=dict(form.licensee.choices).get(form.licensee.data),
        ),
        status_of(form),
    )


def _serve(actor: Actor, offer: Offer, form: NoticeForm) -> ResponseReturnValue:
    # Printing and sealing take a third of a second: before the unit of work.
    prepared = notices.prepare_notice(
        actor,
        offer.id,
        form.use.data,
        form.contact.data,
        licensee_id=form.licensee.data,
        seat=form.seat.data,
        technology=form.technology.data or None,
        clauses=form.clauses.data or (),
    )
    with unit_of_work(actor):
        notice = notices.serve_notice(actor, prepared)
        notice_id, licence = notice.id, lookup.licence_of(notice)
        licence_id = licence.id if licence else None
    if licence_id is not None:
        flash(gettext("The notice was served, and your licence is in effect."), "success")
        return redirect(url_for("licensing.licence", licence_id=licence_id))
    flash(gettext("The notice is written and sealed."), "success")
    return redirect(url_for("licensing.notice", notice_id=notice_id))


def may_act_for(actor: Actor) -> list[Organisation]:
    """The actor's own organisation first, then those whose mandate lets it take licences."""
    ids = [actor.organisation_id, *sorted(actor.licensees - actor.own)]
    rows = {
        one.id: one for one in db.session.scalars(sa.select(Organisation).where(Organisation.id.in_(ids)))
    }
    return [rows[key] for key in ids if key in rows]


def contact_of(actor: Actor) -> str:
    """How the actor was to be reached the last time, else name and address."""
    last = db.session.scalar(
        sa.select(Notice.contact)
        .where(Notice.licensee_id == actor.organisation_id, Notice.contact.is_not(None))
        .order_by(Notice.id.desc())
        .limit(1)
    )
    if last:
        return last
    user = db.session.get(User, actor.user_id)
    return f"{user.name} {user.email}" if user else ""


def _at_once(terms: Mapping[str, Any]) -> bool:
    """Whether the notice alone makes the licence, so that there is no step of paying."""
    setting = current_app.config["SETTINGS"].royalty_only_effective_on_notice
    return rules.effective_on_service(terms, royalty_only_effective_on_notice=setting)


class PayForm(Form):
    """How to pay."""

    channel = RadioField(_l("How do you want to pay?"), [required(_l("Please choose how to pay."))])


class RoyaltyForm(Form):
    """The first royalty, where the licence begins with its payment."""

    amount = StringField(_l("First royalty in yuan"), [required()], filters=[stripped])


class SlipForm(Form):
    """The bank's slip."""

    slip = FileField(
        _l("Bank slip"),
        [FileRequired(_l("Please choose the file first."))],
        description=_l("PDF, PNG or JPEG, up to 10 MB. It helps the holder to find your payment."),
    )


@blueprint.get("/notices/<int:notice_id>")
@access("signed_in")
def notice(notice_id: int) -> ResponseReturnValue:
    """A notice: its document, hash and time, and what is to be paid."""
    return _notice_page(current_actor(), notice_id)


def _notice_page(
    actor: Actor,
    notice_id: int,
    form: PayForm | None = None,
    slip_form: SlipForm | None = None,
    royalty_form: RoyaltyForm | None = None,
) -> ResponseReturnValue:
    found = notices.get_notice(actor, notice_id)
    check = check_of(found.id)
    attempts = lookup.payments_of(found)
    under_way = next((one for one in attempts if one.state in OPEN_PAYMENT), None)
    channels = payments.channels_of(found)
    form = form or _pay_form(found)
    slip_form = slip_form or SlipForm(formdata=None)
    royalty_form = royalty_form or RoyaltyForm(formdata=None)
    return (
        render_template(
            "licensing/notice.html",
            notice=found,
            offer=found.offer,
            attempts=attempts,
            under_way=under_way,
            transfer=paying.transfer_of(under_way) if under_way else None,
            slip_form=slip_form,
            royalty_form=royalty_form,
            channels=channels,
            form=form,
            licence=lookup.licence_of(found),
            check=check,
            export_waits=check is not None and is_waiting(check),
            basis=rules.basis_of(found.terms),
            at_once=_at_once(found.terms),
            licensee_side=found.licensee_id in actor.licensees,
            checkout=request.args.get("checkout"),
            payee_side=found.offer.holder_id in actor.holders,
            counts=ledger.standings([one.id for one in found.obligations]),
            receipts=ledger.receipts_of([one.id for one in found.obligations]),
            refunds=refunds.refunds_of(found),
            flags=flags.flags_of([one.id for one in attempts]),
            taxes=taxes_of(found),
            next_owed=payments.next_owed(found),
        ),
        max(status_of(one) for one in (form, slip_form, royalty_form)),
    )


def _pay_form(found: Notice) -> PayForm:
    form = PayForm()
    form.channel.choices = [(code, labels.name("channel", code)) for code in payments.channels_of(found)]
    if request.method == "GET" and len(form.channel.choices) == 1:
        form.channel.data = form.channel.choices[0][0]
    return form


@blueprint.get("/notices/<int:notice_id>/document")
@access("signed_in")
def notice_document(notice_id: int) -> Response:
    """The sealed notice as it was served."""
    actor = current_actor()
    found = notices.get_notice(actor, notice_id)
    return _pdf(notices.notice_document(actor, notice_id), f"{found.number}.pdf")


def _pdf(content: bytes, name: str) -> Response:
    """A PDF shown in the browser, or saved with `?download=1`."""
    response = Response(content, mimetype="application/pdf")
    kind = "attachment" if request.args.get("download") else "inline"
    response.headers.set("Content-Disposition", kind, filename=name)
    response.cache_control.private = True
    response.cache_control.max_age = 0
    return response


@blueprint.post("/notices/<int:notice_id>/abandon")
@access("organisation")
def abandon(notice_id: int) -> ResponseReturnValue:
    """Give the notice up."""
    actor = current_actor()
    with unit_of_work(actor):
        notices.abandon_notice(actor, notice_id)
    flash(gettext("The notice is given up. You may serve a new one as long as the offer is open."), "info")
    return redirect(url_for("licensing.notice", notice_id=notice_id))


# --- paying


@blueprint.post("/notices/<int:notice_id>/pay")
@access("organisation")
def pay(notice_id: int) -> ResponseReturnValue:
    """Start to pay: the bank's details, or the provider's checkout."""
    actor = current_actor()
    form = _pay_form(notices.get_notice(actor, notice_id))
    if not form.validate_on_submit():
        return _notice_page(actor, notice_id, form)
    try:
        payment = payments.start_payment(actor, notice_id, form.channel.data)
    except Conflict as error:
        if "payment_id" not in error.parameters:
            raise
        flash(sentence_of(error), "info")
        return redirect(url_for("licensing.notice", notice_id=notice_id))
    if payment.checkout_url and payment.state == "open":
        return redirect(payment.checkout_url)
    return redirect(url_for("licensing.notice", notice_id=notice_id, _anchor="pay"))


@blueprint.post("/notices/<int:notice_id>/royalty")
@access("organisation")
def royalty(notice_id: int) -> ResponseReturnValue:
    """State the first royalty."""
    actor = current_actor()
    form = RoyaltyForm()
    if form.validate_on_submit():
        try:
            minor = yuan()(form.amount.data)
            with unit_of_work(actor):
                payments.declare_royalty(actor, notice_id, minor or 0)
        except InvalidValue:
            form.amount.errors = [gettext("Please give a sum above zero.")]
        except Invalid as error:
            form.accept(error)
        else:
            return redirect(url_for("licensing.notice", notice_id=notice_id, _anchor="pay"))
    return _notice_page(actor, notice_id, royalty_form=form)


@blueprint.post("/payments/<int:payment_id>/slip")
@access("organisation")
def upload_slip(payment_id: int) -> ResponseReturnValue:
    """Keep the bank's slip for the holder."""
    actor = current_actor()
    payment = payments.get_payment(actor, payment_id)
    notice_id = payment.obligation.notice_id
    form = SlipForm()
    if form.validate_on_submit():
        given = form.slip.data
        try:
            with unit_of_work(actor):
                payments.upload_slip(actor, payment_id, given.read(), given.filename)
        except Invalid as error:
            form.slip.errors = [sentence_of(error)]
        else:
            flash(gettext("The slip is uploaded. The holder is asked to confirm the payment."), "success")
            return redirect(url_for("licensing.notice", notice_id=notice_id, _anchor="pay"))
    return _notice_page(actor, notice_id, slip_form=form)


@blueprint.get("/payments/<int:payment_id>/slip")
@access("signed_in")
def slip(payment_id: int) -> Response:
    """The uploaded slip, for both sides; always saved, never shown inside our pages."""
    return stored(payments.get_payment(current_actor(), payment_id).slip_id)


@blueprint.get("/payments/<int:payment_id>/invoice")
@access("signed_in")
def invoice(payment_id: int) -> Response:
    """The holder's invoice for a payment, for both sides."""
    return stored(payments.get_payment(current_actor(), payment_id).invoice_id)


@blueprint.post("/payments/<int:payment_id>/cancel")
@access("organisation")
def cancel_payment(payment_id: int) -> ResponseReturnValue:
    """Give an attempt up, to pay in another way."""
    actor = current_actor()
    with unit_of_work(actor):
        notice_id = payments.cancel_payment(actor, payment_id).obligation.notice_id
    flash(gettext("This attempt is cancelled. Choose how to pay."), "info")
    return redirect(url_for("licensing.notice", notice_id=notice_id, _anchor="pay"))


# --- licences


class RecordalForm(Form):
    """The recordal, as far as it has come."""

    filed_on = DateField(_l("Filed on"), [optional()])
    late_reason = TextAreaField(
        _l("Why is it late?"),
        [required_when(_l("needed after the three months")), at_most(1000)],
        filters=[stripped],
    )
    number = StringField(_l("Recordal number"), [optional(), at_most(80)], filters=[stripped])
    on = DateField(_l("Recorded on"), [optional()])


@blueprint.get("/licences/<int:licence_id>")
@access("signed_in")
def licence(licence_id: int) -> ResponseReturnValue:
    """A licence: number, certificate, recordal."""
    return _licence_page(current_actor(), licence_id)


def _licence_page(
    actor: Actor,
    licence_id: int,
    form: RecordalForm | None = None,
    correction: CorrectionForm | None = None,
) -> ResponseReturnValue:
    found = licences.get_licence(actor, licence_id)
    correction = correction or CorrectionForm(formdata=None)
    form = form or RecordalForm(formdata=None, filed_on=clock.today(), on=clock.today())
    return (
        render_template(
            "licensing/licence.html",
            licence=found,
            flags=flags.flags_of_notice(found.notice),
            counts=ledger.standings([one.id for one in found.notice.obligations]) if found.notice else {},
            form=form,
            licensee_side=found.licensee_id in actor.licensees,
            correction=correction,
            may_correct=may_correct(actor, found),
            may_record=allowed(actor, "licence.recordal", found).allowed,
            deadline=rules.recordal_deadline(found.effective_on),
            late=found.recordal_due_on is not None and clock.today() > found.recordal_due_on,
        ),
        max(status_of(form), status_of(correction)),
    )


@blueprint.get("/licences/<int:licence_id>/certificate")
@access("signed_in")
def certificate(licence_id: int) -> Response:
    """The signed deal certificate."""
    actor = current_actor()
    found = licences.get_licence(actor, licence_id)
    return _pdf(licences.certificate_bytes(actor, licence_id), f"{found.number}.pdf")


@blueprint.post("/licences/<int:licence_id>/recordal/filed")
@access("organisation")
def recordal_filed(licence_id: int) -> ResponseReturnValue:
    """Note that the recordal was filed."""
    actor = current_actor()
    form = RecordalForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                licences.file_recordal(
                    actor,
                    licence_id,
                    filed_on=form.filed_on.data,
                    late_reason=form.late_reason.data or None,
                )
        except Invalid as error:
            form.accept(error)
        else:
            flash(gettext("Noted: the recordal is filed."), "success")
            return redirect(url_for("licensing.licence", licence_id=licence_id))
    return _licence_page(actor, licence_id, form)


@blueprint.post("/licences/<int:licence_id>/recordal/recorded")
@access("organisation")
def recordal_recorded(licence_id: int) -> ResponseReturnValue:
    """Note CNIPA's recordal number."""
    actor = current_actor()
    form = RecordalForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                licences.record_recordal(
                    actor, licence_id, number=form.number.data or "", on=form.on.data or clock.today()
                )
        except Invalid as error:
            form.accept(error)
        else:
            flash(gettext("Noted: the licence is recorded."), "success")
            return redirect(url_for("licensing.licence", licence_id=licence_id))
    return _licence_page(actor, licence_id, form)


@blueprint.post("/licences/<int:licence_id>/recordal/correct")
@access("organisation")
def recordal_corrected(licence_id: int) -> ResponseReturnValue:
    """Take back what one's own side stated last of the recordal."""
    actor = current_actor()
    form = CorrectionForm()
    if not form.validate_on_submit():
        return _licence_page(actor, licence_id, correction=form)
    with unit_of_work(actor):
        licences.correct_recordal(actor, licence_id, reason=form.reason.data)
    flash(gettext("Noted."), "success")
    return redirect(url_for("licensing.licence", licence_id=licence_id, _anchor="recordal"))


@blueprint.post("/licences/<int:licence_id>/agreed-end/<answer>")
@access("organisation")
def answer_end(licence_id: int, answer: str) -> ResponseReturnValue:
    """Propose to end a licence today by agreement, answer the holder's proposal, or take one's own back."""
    actor = current_actor()
    if answer == "propose":
        with unit_of_work(actor):
            licences.propose_end(actor, licence_id)
        flash(gettext("Noted."), "success")
    else:
        answer_to_end(actor, licence_id, answer)
    return redirect(url_for("licensing.licence", licence_id=licence_id))


@blueprint.get("/my/licences")
@access("organisation")
def my_licences() -> ResponseReturnValue:
    """Licences that one's organisation holds, newest first."""
    mine = _ids(current_actor())
    query = (
        sa.select(Licence).where(Licence.licensee_id.in_(mine)).order_by(Licence.id.desc()).limit(_SIZE + 1)
    )
    after = request.args.get("after", type=int)
    if after is not None:
        query = query.where(Licence.id < after)
    rows = db.session.scalars(query).all()
    waiting = db.session.scalars(
        sa.select(Notice)
        .where(Notice.licensee_id.in_(mine), Notice.state.in_(("served", "not_served")))
        .order_by(Notice.id.desc())
    ).all()
    return render_template(
        "licensing/licences.html",
        licences=rows[:_SIZE],
        waiting=[] if after else waiting,
        checks={} if after else waiting_of([one.id for one in waiting]),
        after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


@blueprint.get("/my/notices")
@access("organisation")
def my_notices() -> ResponseReturnValue:
    """Notices that one's organisation wrote, newest first, every state."""
    mine = _ids(current_actor())
    query = sa.select(Notice).where(Notice.licensee_id.in_(mine)).order_by(Notice.id.desc()).limit(_SIZE + 1)
    after = request.args.get("after", type=int)
    if after is not None:
        query = query.where(Notice.id < after)
    rows = db.session.scalars(query).all()
    return render_template(
        "licensing/notices.html",
        notices=rows[:_SIZE],
        checks=waiting_of([one.id for one in rows[:_SIZE]]),
        after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


def _ids(actor: Actor) -> set[int]:
    return {key for key in (actor.organisation_id, *actor.principals) if key is not None}
