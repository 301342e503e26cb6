"""Notices that came in, the money behind them, and the licences that followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, DateField, RadioField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.convert import InvalidValue, yuan
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, NotFound, Unavailable
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import flags, ledger
from marketplace.deals import licences as licence_services
from marketplace.deals import payments as payment_services
from marketplace.deals import refunds as refund_services
from marketplace.deals.bundles import paying
from marketplace.deals.evidence.services import MAX_TEXT
from marketplace.deals.export_control.holding import check_of
from marketplace.deals.export_control.supervision import WAITING_NOTICES, is_waiting, waiting_of
from marketplace.deals.licences import CORRECTIONS, PARTIES_REASONS
from marketplace.deals.lifecycle import RECORDAL
from marketplace.deals.lookup import licence_of, licences_of_holders, newest, owned_by, payments_of
from marketplace.deals.models import Licence, Notice, Obligation, Payment, RefundTask
from marketplace.deals.notices import get_notice, notice_document
from marketplace.deals.policies import holder_side, payee
from marketplace.deals.taxes.services import taxes_of
from marketplace.listings.models import Offer

from . import formats, labels
from .downloads import saved, stored
from .forms import Form, at_most, optional, options, required, required_when, sentence_of, status_of, stripped
from .holder_frame import blueprint, party

_SIZE = 50


def _with_payment(*rules: Any) -> Any:
    return Notice.id.in_(
        sa.select(Obligation.notice_id).join(Payment, Payment.obligation_id == Obligation.id).where(*rules)
    )


_REFUNDED = sa.select(RefundTask.payment_id).where(RefundTask.state.in_(("open", "asked")))
GROUPS: Mapping[str, Any] = {
    "to_confirm": _with_payment(Payment.channel == "bank", Payment.state == "slip_uploaded"),
    "open": Notice.state.in_(("served", "not_served")),
    "export": Notice.id.in_(WAITING_NOTICES),
    "paid": Notice.state == "paid",
    "over": Notice.state.in_(("lapsed", "abandoned", "undelivered", "refused")),
    "quarantined": _with_payment(Payment.state == "quarantined"),
    "refunds": _with_payment(Payment.id.in_(_REFUNDED)),
}


@blueprint.get("/notices")
@access("organisation")
def notices() -> ResponseReturnValue:
    """Notices on the organisation's patents, those of which it is a co-owner too; newest first."""
    mine = party()
    group, before = request.args.get("group", ""), request.args.get("before", type=int)
    own = owned_by([mine.id])
    query = sa.select(Notice).join(Offer, Notice.offer_id == Offer.id).where(own)
    counted = (
        sa.select(*(sa.func.count(sa.case((rule, 1))).label(name) for name, rule in GROUPS.items()))
        .join(Offer, Notice.offer_id == Offer.id)
        .where(own)
    )
    counts = db.session.execute(counted).one()._asdict()
    if group in GROUPS:
        query = query.where(GROUPS[group])
    if before is not None:
        query = query.where(Notice.id < before)
    rows = db.session.scalars(query.order_by(Notice.id.desc()).limit(_SIZE + 1)).all()
    return render_template(
        "holder/notices.html",
        rows=rows[:_SIZE],
        checks=waiting_of([one.id for one in rows[:_SIZE]]),
        group=group,
        counts=counts,
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
        together=paying.waiting_at([mine.id]) if not group and before is None else [],
    )


# --- one notice and its money


class ConfirmForm(Form):
    """What arrived, and when."""

    paid_on = DateField(
        _l("Paid on"),
        [required()],
        description=_l("The day of the transfer, as your account statement shows it."),
    )
    amount = StringField(_l("Amount received, in yuan"), [required(), at_most(40)], filters=[stripped])
    sure = BooleanField(_l("Yes, this is what arrived with this transfer"))


class InvoiceForm(Form):
    """The payee's own invoice."""

    invoice = FileField(
        _l("Invoice"),
        [FileRequired(_l("Please choose a file."))],
        description=_l("Your own electronic invoice (PDF), or a picture of it; at most 10 MB."),
    )


class RefundForm(Form):
    """How the money was given back."""

    note = TextAreaField(
        _l("How was it given back?"),
        [required(), at_most(500)],
        description=_l("For example the reference of your transfer."),
        filters=[stripped],
    )
    slip = FileField(_l("Your bank's slip"), [optional()], description=_l("PDF, PNG or JPEG, up to 10 MB."))


@blueprint.get("/notices/<int:notice_id>")
@access("organisation")
def notice(notice_id: int) -> ResponseReturnValue:
    """Who gave notice, on what terms, what is owed and paid, and the licence."""
    return notice_page(_received_notice(notice_id), "holder")


def _received_notice(notice_id: int) -> Notice:
    actor = current_actor()
    found = get_notice(actor, notice_id)
    if not holder_side(actor, found):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return found


def notice_page(
    found: Notice,
    area: str,
    *,
    form: ConfirmForm | None = None,
    refund_form: RefundForm | None = None,
    proof_form: Form | None = None,
    invoice_form: InvoiceForm | None = None,
    about: int = 0,
) -> ResponseReturnValue:
    """The page of one notice for the holder's side, or the operator's.

    Args:
        area: `holder` or `operator`.
        form, refund_form: one that was refused, to be shown again.
        proof_form: the operator's, for a notice that is not served.
        invoice_form: one that was refused.
        about: the id of the payment or refund that it is about.
    """
    actor = current_actor()
    check = check_of(found.id)
    attempts = payments_of(found)
    refunds = refund_services.refunds_of(found)
    refused = next(
        (each for each in (form, refund_form, proof_form, invoice_form) if each and each.errors), None
    )
    return render_template(
        "holder/notice.html",
        area=area,
        declares=area == "operator" or payee(actor, found),
        notice=found,
        offer=found.offer,
        terms=found.terms,
        payments=attempts,
        transfers=paying.transfers_of([payment.id for payment in attempts]),
        confirmable={payment.id for payment in attempts if _may_confirm(actor, payment)},
        refunds={
            payment.id: [task for task in refunds if task.payment_id == payment.id] for payment in attempts
        },
        closable={
            task.id
            for task in refunds
            if task.state == "open" and allowed(actor, "refund.done", task).allowed
        },
        returnable={
            task.id
            for task in refunds
            if task.payment.channel == "stripe"
            and (task.state == "open" or (task.state == "asked" and task.provider_refund_id is None))
            and allowed(actor, "refund.at_provider", task).allowed
        },
        flags=flags.flags_of([payment.id for payment in attempts]),
        taxes=taxes_of(found),
        counts=ledger.standings([one.id for one in found.obligations]),
        receipts=ledger.receipts_of([one.id for one in found.obligations]),
        licence=licence_of(found),
        check=check,
        export_waits=check is not None and is_waiting(check),
        forms=_one_each(
            [payment.id for payment in attempts],
            lambda: ConfirmForm(formdata=None, data={"paid_on": clock.today()}),
            about,
            form,
        ),
        refund_forms=_one_each(
            [task.id for task in refunds], lambda: RefundForm(formdata=None), about, refund_form
        ),
        invoice_forms=_one_each(
            [payment.id for payment in attempts if allowed(actor, "payment.invoice", payment).allowed],
            lambda: InvoiceForm(formdata=None),
            about,
            invoice_form,
        ),
        refused=refused,
        proof_form=proof_form,
    ), 422 if refused else 200


def _one_each(ids: list[int], make: Callable[[], Form], about: int, refused: Form | None) -> dict[int, Form]:
    """Id → a form of its own; the one that was refused stands where it was filled in."""
    forms = {key: refused if refused is not None and key == about else make() for key in ids}
    for key, form in forms.items():
        _apart(form, key)
    return forms


def _may_confirm(actor: Actor, payment: Payment) -> bool:
    return (
        payment.channel == "bank"
        and payment.state != "paid"
        and (payment.state in ("open", "slip_uploaded", "quarantined"))
        and allowed(actor, "payment.confirm", payment).allowed
    )


@blueprint.get("/notices/<int:notice_id>/document")
@access("organisation")
def document(notice_id: int) -> ResponseReturnValue:
    """The sealed notice as it was served."""
    found = get_notice(current_actor(), notice_id)
    return saved(notice_document(current_actor(), notice_id), f"{found.number}.pdf")


@blueprint.get("/payments/<int:payment_id>/slip")
@access("organisation")
def slip(payment_id: int) -> ResponseReturnValue:
    """The payer's bank slip."""
    return slip_answer(payment_id)


@blueprint.route("/payments/<int:payment_id>/invoice", methods=["GET", "POST"])
@access("organisation")
def invoice(payment_id: int) -> ResponseReturnValue:
    """The payee's own invoice, to be saved; or to be uploaded for the payer."""
    actor = current_actor()
    payment = payment_services.get_payment(actor, payment_id)
    notice_id = _received_notice(payment.obligation.notice_id).id
    if request.method == "GET":
        return stored(payment.invoice_id)
    form = InvoiceForm()
    if form.validate_on_submit():
        given = form.invoice.data
        try:
            with unit_of_work(actor):
                payment_services.upload_invoice(actor, payment_id, given.read(), given.filename)
        except DomainError as error:
            form.accept(error, file="invoice")
        else:
            flash(gettext("The invoice is kept, and the licensee is told."), "success")
            return redirect(url_for("holder.notice", notice_id=notice_id))
    return notice_page(get_notice(actor, notice_id), "holder", invoice_form=form, about=payment_id)


def slip_answer(payment_id: int) -> ResponseReturnValue:
    """A bank slip as a download, for the parties and staff."""
    return stored(payment_services.get_payment(current_actor(), payment_id).slip_id)


@blueprint.post("/payments/<int:payment_id>/confirm")
@access("organisation")
def confirm(payment_id: int) -> ResponseReturnValue:
    """State that a transfer has arrived: the licence follows when it is the announced sum."""
    return confirm_answer(payment_id, "holder")


def confirm_answer(payment_id: int, area: str) -> ResponseReturnValue:
    """Confirm a transfer; about another sum than the announced one the page asks once more."""
    actor = current_actor()
    payment = payment_services.get_payment(actor, payment_id)
    notice_id = payment.obligation.notice_id
    form = ConfirmForm()
    if form.validate_on_submit():
        amount = _amount(form)
        left = ledger.remaining(payment.obligation)
        if amount is not None and amount != left and not form.sure.data:
            form.amount.errors = [_asked(left, amount, payment.currency)]
        elif amount is not None:
            try:
                with unit_of_work(actor):
                    done = payment_services.confirm_payment(
                        actor, payment_id, form.paid_on.data, amount, again=bool(form.sure.data)
                    )
                    said = _said(done)
            except DomainError as error:
                form.accept(error)
            else:
                flash(*said)
                return redirect(url_for(f"{area}.notice", notice_id=notice_id))
    return notice_page(get_notice(actor, notice_id), area, form=form, about=payment_id)


def _amount(form: ConfirmForm) -> int | None:
    """The sum in 分; a fault is put into the form."""
    try:
        amount: int | None = yuan()(form.amount.data)
    except InvalidValue as error:
        form.amount.errors = [error.reason]
        return None
    if amount is None:
        form.amount.errors = [gettext("Please fill in this field.")]
    return amount


def _asked(left: int, given: int, currency: str) -> str:
    """The question about another sum than the one that is awaited."""
    if given < left:
        sentence = _l(
            "%(owed)s is still owed, and you entered %(given)s. If this is what arrived, say so below: it "
            "counts as a part, and the licence takes effect when the rest is there."
        )
    else:
        sentence = _l(
            "%(owed)s is still owed, and you entered %(given)s. If this is what arrived, say so below: what "
            "is too much has to be given back."
        )
    return str(sentence % {"owed": formats.money(left, currency), "given": formats.money(given, currency)})


def _said(payment: Payment) -> tuple[str, str]:
    obligation = payment.obligation
    if obligation.state == "open" and payment.state != "paid":
        return gettext(
            "Kept as a part: %(left)s is still to come.",
            left=formats.money(ledger.remaining(obligation), payment.currency),
        ), "warning"
    if ledger.came_by(payment) > payment.amount_minor:
        return gettext("Confirmed. More came than was owed: please give the surplus back."), "warning"
    if obligation.notice.state == "paid" and obligation.state == "paid":
        return gettext("Confirmed. The licence is in effect."), "success"
    return gettext("Confirmed. This money has no licence behind it: please give it back."), "warning"


@blueprint.post("/refunds/<int:refund_id>")
@access("organisation")
def refund(refund_id: int) -> ResponseReturnValue:
    """Note that money was given back."""
    return refund_answer(refund_id, "holder")


def refund_answer(refund_id: int, area: str) -> ResponseReturnValue:
    """Note that money was given back by a transfer, with how."""
    actor = current_actor()
    notice_id = refund_services.get_refund(actor, refund_id).payment.obligation.notice_id
    form = RefundForm()
    if form.validate_on_submit():
        given = form.slip.data
        try:
            with unit_of_work(actor):
                refund_services.close_refund(
                    actor,
                    refund_id,
                    form.note.data,
                    evidence=given.read() if given else None,
                    filename=given.filename if given else "",
                )
        except DomainError as error:
            form.accept(error, file="slip")
        else:
            flash(gettext("Noted."), "success")
            return redirect(url_for(f"{area}.notice", notice_id=notice_id))
    return notice_page(get_notice(actor, notice_id), area, refund_form=form, about=refund_id)


@blueprint.post("/refunds/<int:refund_id>/provider")
@access("organisation")
def refund_at_provider(refund_id: int) -> ResponseReturnValue:
    """Give the money back through the provider that brought it."""
    actor = current_actor()
    notice_id = refund_services.get_refund(actor, refund_id).payment.obligation.notice_id
    try:
        task = refund_services.refund_at_provider(actor, refund_id)
    except (Conflict, Unavailable) as error:
        flash(sentence_of(error), "warning")
    else:
        if task.state == "done":
            flash(gettext("The provider has returned the money."), "success")
        else:
            flash(gettext("The provider was asked to return the money; it tells us when it has."), "success")
    return redirect(url_for("holder.notice", notice_id=notice_id))


@blueprint.get("/refunds/<int:refund_id>/slip")
@access("signed_in")
def refund_slip(refund_id: int) -> ResponseReturnValue:
    """The slip of a transfer by which money was given back, for both sides and staff."""
    return stored(refund_services.get_refund(current_actor(), refund_id).evidence_id)


# --- licences


LICENCE_GROUPS: Mapping[str, Any] = {
    "in_effect": Licence.state == "in_effect",
    "to_do": sa.and_(
        Licence.kind == "open", Licence.state == "in_effect", Licence.recordal_state.in_(("to_do", "late"))
    ),
    "recorded": Licence.recordal_state == "recorded",
    "ended": Licence.state == "ended",
}


@blueprint.get("/licences")
@access("organisation")
def licences() -> ResponseReturnValue:
    """Licences on the organisation's patents, as a co-owner too, newest first; those taken elsewhere too."""
    mine = party()
    group, before = request.args.get("group", ""), request.args.get("before", type=int)
    own = licences_of_holders([mine.id])
    counts = dict.fromkeys(LICENCE_GROUPS, 0)
    for rule in own:
        counted = sa.select(
            *(sa.func.count(sa.case((one, 1))).label(name) for name, one in LICENCE_GROUPS.items())
        )
        for name, number in db.session.execute(counted.where(rule)).one()._asdict().items():
            counts[name] += number
    further = [LICENCE_GROUPS[group]] if group in LICENCE_GROUPS else []
    if before is not None:
        further.append(Licence.id < before)
    rows = db.session.scalars(newest(own, *further, limit=_SIZE + 1)).all()
    return render_template(
        "holder/licences.html",
        rows=rows[:_SIZE],
        group=group,
        counts=counts,
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


class FileRecordalForm(Form):
    """When the recordal was filed; why so late, if it is."""

    filed_on = DateField(_l("Recordal filed on"), [required()])
    late_reason = TextAreaField(
        _l("Why is it late?"),
        [required_when(_l("needed after the three months")), at_most(500)],
        filters=[stripped],
    )


class RecordedForm(Form):
    """CNIPA's recordal."""

    number = StringField(_l("Recordal number"), [required(), at_most(80)], filters=[stripped])
    on = DateField(_l("Recorded on"), [required()])


class CorrectionForm(Form):
    """Why what was stated of the recordal is taken back."""

    reason = RadioField(
        _l("Why is it taken back?"),
        [required(_l("Please choose one."))],
        choices=options((code, labels.name("correction_reason", code)) for code in CORRECTIONS),
    )


def may_correct(actor: Actor, licence: Licence) -> bool:
    """Whether the actor may take back what was stated last of the recordal."""
    actions = {row.action for row in RECORDAL.offered(actor, licence)}
    return not actions.isdisjoint(("take_filing_back", "take_record_back", "take_unfiled_record_back"))


class EndForm(Form):
    """Why and when a licence ended early."""

    reason = RadioField(
        _l("Why does it end?"),
        [required(_l("Please choose one."))],
        choices=options((code, labels.name("end_reason", code)) for code in PARTIES_REASONS),
    )
    on = DateField(_l("Last day of the licence"), [required()])
    ground = TextAreaField(
        _l("Your ground, as you wrote it to the licensee"),
        [required_when(_l("needed with notice of termination")), at_most(MAX_TEXT)],
        description=_l("It is kept beside the licence and shown to the licensee."),
        filters=[stripped],
    )
    file = FileField(
        _l("Your notice of termination"), [optional()], description=_l("PDF, PNG or JPEG, up to 10 MB.")
    )
    sure = BooleanField(
        _l("Yes, end this licence. The end cannot be taken back here."),
        [required(_l("Please confirm that the licence ends."))],
    )


_LICENCE_FORMS: dict[str, type[Form]] = {
    "file": FileRecordalForm,
    "record": RecordedForm,
    "correct": CorrectionForm,
    "end": EndForm,
}


def _held_licence(licence_id: int) -> Licence:
    actor = current_actor()
    found = licence_services.get_licence(actor, licence_id)
    if not holder_side(actor, found):
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return found


@blueprint.route("/licences/<int:licence_id>", methods=["GET"])
@access("organisation")
def licence(licence_id: int) -> ResponseReturnValue:
    """One licence, its recordal and its end."""
    return _licence_page(_held_licence(licence_id))


def _licence_page(found: Licence, refused: str = "", form: Form | None = None) -> ResponseReturnValue:
    forms = {
        name: kind(formdata=None, data={"filed_on": clock.today(), "on": clock.today()})
        for name, kind in _LICENCE_FORMS.items()
    }
    if form is not None:
        forms[refused] = form
    for name, each in forms.items():
        _apart(each, name)
    return render_template(
        "holder/licence.html",
        licence=found,
        flags=flags.flags_of_notice(found.notice),
        counts=ledger.standings([one.id for one in found.notice.obligations]) if found.notice else {},
        patent=found.patent,
        offer=found.offer,
        declares=found.offer is not None and found.offer.holder_id in current_actor().holders,
        forms=forms,
        refused=refused,
        may_correct=may_correct(current_actor(), found),
        overdue=found.recordal_due_on is not None and found.recordal_due_on < clock.today(),
    ), status_of(form) if form is not None else 200


def _end(actor: Actor, licence_id: int, given: dict[str, Any]) -> None:
    """Propose the end, or end the licence on a ground that stands in writing (Civil Code 565)."""
    if given.get("reason") == "agreed":
        licence_services.propose_end(actor, licence_id, on=given["on"])
        return
    upload = given.pop("file", None)
    licence_services.end_licence(
        actor,
        licence_id,
        reason=given["reason"],
        on=given["on"],
        ground=given["ground"] or "",
        content=upload.read() if upload else None,
        name=(upload.filename or "") if upload else "",
    )


def _apart(form: Form, name: object) -> None:
    """Ids that no other form of the page has, so that every label and every link finds its field."""
    for field in form:
        field.id = f"{field.id}-{name}"


@blueprint.post("/licences/<int:licence_id>/<deed>")
@access("organisation")
def licence_deed(licence_id: int, deed: str) -> ResponseReturnValue:
    """Note the filing of the recordal or CNIPA's recordal, take these back, or note the end of a licence."""
    if deed not in _LICENCE_FORMS:
        raise NotFound("step-unknown", "A licence has no such step.")
    actor = current_actor()
    _held_licence(licence_id)
    form = _LICENCE_FORMS[deed]()
    if form.validate_on_submit():
        given = {
            name: value or None for name, value in form.data.items() if name not in ("csrf_token", "sure")
        }
        calls: dict[str, Callable[..., object]] = {
            "file": licence_services.file_recordal,
            "record": licence_services.record_recordal,
            "correct": licence_services.correct_recordal,
            "end": licence_services.end_licence,
        }
        try:
            with unit_of_work(actor):
                if deed == "end":
                    _end(actor, licence_id, given)
                else:
                    calls[deed](actor, licence_id, **given)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Noted."), "success")
            return redirect(url_for("holder.licence", licence_id=licence_id))
    return _licence_page(_held_licence(licence_id), deed, form)


@blueprint.post("/licences/<int:licence_id>/agreed-end/<answer>")
@access("organisation")
def answer_end(licence_id: int, answer: str) -> ResponseReturnValue:
    """Answer what the licensee has proposed, or take one's own proposal back."""
    _held_licence(licence_id)
    answer_to_end(current_actor(), licence_id, answer)
    return redirect(url_for("holder.licence", licence_id=licence_id))


def answer_to_end(actor: Actor, licence_id: int, answer: str) -> None:
    """Do what a party says to a proposed end: accept, decline or take back."""
    calls: dict[str, Callable[[Actor, int], Licence]] = {
        "accept": licence_services.accept_end,
        "decline": licence_services.decline_end,
        "take_back": licence_services.take_end_back,
    }
    if answer not in calls:
        raise NotFound("step-unknown", "A licence has no such step.")
    with unit_of_work(actor):
        calls[answer](actor, licence_id)
    flash(gettext("Noted."), "success")


@blueprint.get("/licences/<int:licence_id>/certificate")
@access("organisation")
def certificate(licence_id: int) -> ResponseReturnValue:
    """The deal certificate (成交凭证) as a PDF."""
    found = _held_licence(licence_id)
    number = found.number
    return saved(licence_services.certificate_bytes(current_actor(), licence_id), f"{number}.pdf")
