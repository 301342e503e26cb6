"""What stands beside a notice: its evidence, the export check, further clauses; a notice of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, RadioField, SelectField, StringField, TextAreaField, ValidationError

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, NotFound
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import lookup, notices
from marketplace.deals.clauses import services as clauses
from marketplace.deals.clauses.models import KINDS
from marketplace.deals.evidence.services import evidence_of
from marketplace.deals.evidence.stamping import stamp_of, token_of
from marketplace.deals.export_control import services as export
from marketplace.deals.export_control.holding import check_of, stated_class
from marketplace.deals.export_control.lifecycle import EXPORT_CHECK
from marketplace.deals.export_control.models import ANSWERS, CLASSES
from marketplace.deals.export_control.rules import MAINLAND, seat_of
from marketplace.deals.export_control.supervision import due_of, is_waiting
from marketplace.listings.models import Offer
from marketplace.listings.services import offers

from . import labels
from .downloads import saved, stored
from .forms import Form, at_most, optional, options, required, status_of, stripped
from .seats import name_of_seat, seats

blueprint = Blueprint("proofs", __name__)


def registered_seat(licensees: Sequence[Organisation]) -> str | None:
    """Where the licensee is seated by its registration; None where nothing says it, or one has to choose."""
    if len(licensees) != 1:
        return None
    return seat_of(licensees[0].code, licensees[0].region)


class SeatForm(Form):
    """Where the licensee is seated, and what it thinks applies to the technology if that is abroad."""

    seat = SelectField(_l("Where is the licensee seated?"), default=MAINLAND)
    technology = SelectField(
        _l("Which technology is it under the export rules?"),
        choices=[],
        description=_l("Only for licensees outside the mainland."),
        default="",
    )

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.seat.choices = options(seats())
        self.technology.choices = options(
            [("", "—"), *((code, labels.name("technology", code)) for code in ANSWERS)]
        )

    def validate_technology(self, field: SelectField) -> None:
        """Said where it is asked, instead of behind the look over the notice."""
        if self.seat.data != MAINLAND and not field.data:
            raise ValidationError(gettext("Please say what applies to the technology."))


class OwnNoticeForm(SeatForm):
    """A written notice that the licensee made and sealed itself."""

    licensee = SelectField(_l("Who takes the licence?"), coerce=int)
    contact = StringField(
        _l("How can the holder reach you?"), [required(), at_most(notices.MAX_CONTACT)], filters=[stripped]
    )
    document = FileField(
        _l("Your sealed notice"),
        [FileRequired(_l("Please choose the file first."))],
        description=_l("PDF up to 10 MB, signed electronically or a scan of the sealed paper."),
    )


@blueprint.route("/offers/<int:offer_id>/licence/own-notice", methods=["GET", "POST"])
@access("organisation")
def own_notice(offer_id: int) -> ResponseReturnValue:
    """Serve a sealed PDF of one's own in the place of our document."""
    from .licensing import may_act_for

    actor = current_actor()
    offer = offers.get_offer(actor, offer_id)
    if not offer.in_force_on(clock.today()):
        raise Conflict("offer-not-live", "This offer cannot be taken up any more.")
    form = OwnNoticeForm()
    licensees = may_act_for(actor)
    form.licensee.choices = options((str(one.id), one.name) for one in licensees)
    if form.validate_on_submit():
        try:
            prepared = notices.prepare_notice(
                actor,
                offer.id,
                None,
                form.contact.data,
                licensee_id=form.licensee.data,
                document=form.document.data.read(),
                seat=form.seat.data,
                technology=form.technology.data or None,
            )
            with unit_of_work(actor):
                notice_id = notices.serve_notice(actor, prepared).id
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Your notice is kept as you sealed it."), "success")
            return redirect(url_for("licensing.notice", notice_id=notice_id))
    if request.method == "GET":
        form.licensee.data = actor.organisation_id
        form.seat.data = registered_seat(licensees) or MAINLAND
    failed = bool(form.errors or form.form_errors)
    return render_template("proofs/own_notice.html", offer=offer, form=form), 422 if failed else 200


class AnswerForm(Form):
    """What applies to the technology, by the holder."""

    answer = RadioField(_l("Which technology is it under the export rules?"), [required()])
    note = TextAreaField(
        _l("Remark"),
        [optional(), at_most(export.MAX_NOTE)],
        description=_l("For instance the number in the catalogue."),
        filters=[stripped],
    )

    def __init__(self, *args: Any, answers: tuple[str, ...] = ANSWERS, **values: Any) -> None:
        super().__init__(*args, **values)
        self.answer.choices = options((code, labels.name("technology_said", code)) for code in answers)


class ExportLicenceForm(Form):
    """The export licence, or the registration of free technology."""

    number = StringField(_l("Number"), [required(), at_most(export.MAX_NUMBER)], filters=[stripped])
    on = DateField(_l("Issued on"), [required()])
    file = FileField(_l("Copy"), [optional()])


@blueprint.get("/notices/<int:notice_id>/evidence")
@access("signed_in")
def evidence(notice_id: int) -> ResponseReturnValue:
    """How a notice was sent and what proves it; its export check; further clauses."""
    return _page(current_actor(), notice_id)


def _page(
    actor: Actor, notice_id: int, answer: AnswerForm | None = None, licence: ExportLicenceForm | None = None
) -> ResponseReturnValue:
    found = notices.get_notice(actor, notice_id)
    answer = answer or AnswerForm(formdata=None)
    licence = licence or ExportLicenceForm(formdata=None, data={"on": clock.today()})
    accepted = clauses.accepted_by(found.id)
    taken = {one.clause_id for one in accepted}
    check = check_of(found.id)
    steps = {one.action for one in EXPORT_CHECK.offered(actor, check)} if check is not None else set()
    waits = check is not None and is_waiting(check)
    due = due_of(check) if check is not None and waits else None
    return (
        render_template(
            "proofs/evidence.html",
            notice=found,
            evidence=evidence_of(found),
            stamp=stamp_of(found.id),
            check=check,
            due=due,
            late=due is not None and clock.today() > due.date,
            seat_name=name_of_seat,
            answer_form=answer,
            licence_form=licence,
            licence=lookup.licence_of(found),
            may_answer="answer_free" in steps,
            may_license="license" in steps,
            may_register=check is not None
            and check.state == "free"
            and check.registration_number is None
            and allowed(actor, "export.note_licence", found).allowed,
            accepted=accepted,
            offered=[one for one in clauses.clauses_of(found.offer_id) if one.id not in taken],
            may_accept=allowed(actor, "clause.accept", found).allowed and found.state not in clauses.ENDED,
        ),
        max(status_of(one) for one in (answer, licence)),
    )


@blueprint.post("/notices/<int:notice_id>/export/answer")
@access("signed_in")
def answer_export(notice_id: int) -> ResponseReturnValue:
    """The holder's word on the technology."""
    actor = current_actor()
    form = AnswerForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                export.answer(actor, notice_id, answer=form.answer.data, note=form.note.data)
        except DomainError as error:
            form.accept(error)
            return _page(actor, notice_id, answer=form)
        flash(gettext("Noted."), "success")
        return redirect(url_for("proofs.evidence", notice_id=notice_id))
    return _page(actor, notice_id, answer=form)


@blueprint.post("/notices/<int:notice_id>/export/<kind>")
@access("signed_in")
def note_export(notice_id: int, kind: str) -> ResponseReturnValue:
    """The export licence of restricted technology, or the registration of free technology."""
    actor = current_actor()
    form = ExportLicenceForm()
    if kind not in ("licence", "registration"):
        raise NotFound("step-unknown", "A notice has no such step.")
    if form.validate_on_submit():
        given = form.file.data
        try:
            with unit_of_work(actor):
                if kind == "registration":
                    export.note_registration(actor, notice_id, number=form.number.data, on=form.on.data)
                else:
                    export.note_licence(
                        actor,
                        notice_id,
                        number=form.number.data,
                        on=form.on.data,
                        content=given.read() if given else None,
                        name=(given.filename or "") if given else "",
                    )
        except DomainError as error:
            form.accept(error)
            return _page(actor, notice_id, licence=form)
        flash(gettext("Noted."), "success")
        return redirect(url_for("proofs.evidence", notice_id=notice_id))
    return _page(actor, notice_id, licence=form)


@blueprint.get("/notices/<int:notice_id>/export/licence-copy")
@access("signed_in")
def export_licence(notice_id: int) -> Response:
    """The copy of the export licence, for both sides and staff."""
    check = check_of(notices.get_notice(current_actor(), notice_id).id)
    return stored(check.licence_file_id if check is not None else None)


@blueprint.get("/notices/<int:notice_id>/time-stamp")
@access("signed_in")
def time_stamp(notice_id: int) -> Response:
    """The token of RFC 3161, for whoever wants to check it with a tool of their own."""
    found = notices.get_notice(current_actor(), notice_id)
    return saved(token_of(found.id), f"{found.number}.tst", "application/timestamp-token")


@blueprint.get("/notices/<int:notice_id>/service-proof")
@access("signed_in")
def service_proof(notice_id: int) -> Response:
    """The file that proves service."""
    row = evidence_of(notices.get_notice(current_actor(), notice_id))
    return stored(row.proof_id if row is not None else None)


@blueprint.post("/notices/<int:notice_id>/clauses/<int:clause_id>")
@access("organisation")
def accept(notice_id: int, clause_id: int) -> ResponseReturnValue:
    """Accept a further clause."""
    actor = current_actor()
    with unit_of_work(actor):
        clauses.accept_clause(actor, notice_id, clause_id)
    flash(gettext("You have accepted the clause."), "success")
    return redirect(url_for("proofs.evidence", notice_id=notice_id))


# --- the holder's side of an offer


class ClauseForm(Form):
    """A further clause."""

    kind = SelectField(_l("What is the clause about?"), [required()])
    text = TextAreaField(_l("The clause"), [required(), at_most(clauses.MAX_TEXT)], filters=[stripped])
    text_en = TextAreaField(
        _l("The clause in English"), [optional(), at_most(clauses.MAX_TEXT)], filters=[stripped]
    )

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.kind.choices = options((code, labels.name("clause_kind", code)) for code in KINDS)


def _own_offer(actor: Actor, offer_id: int) -> Offer:
    offer = db.session.get(Offer, offer_id)
    if offer is None:
        raise NotFound("offer-not-found", "There is no such offer.")
    require(actor, "clause.publish", offer)
    return offer


@blueprint.route("/holder/offers/<int:offer_id>/beside", methods=["GET", "POST"])
@access("organisation")
def beside(offer_id: int) -> ResponseReturnValue:
    """What a holder says beside the announced terms: further clauses, and the class of the technology."""
    actor = current_actor()
    offer = _own_offer(actor, offer_id)
    sent = request.form.get("form") if request.method == "POST" else None
    form = ClauseForm() if sent == "clause" else ClauseForm(formdata=None)
    stated = stated_class(offer.patent_id)
    given = {"answer": stated.answer, "note": stated.note} if stated is not None else {}
    technology = (
        AnswerForm(answers=CLASSES)
        if sent == "technology"
        else AnswerForm(formdata=None, answers=CLASSES, data=given)
    )
    chosen: Form = technology if sent == "technology" else form
    if sent and chosen.validate_on_submit():
        try:
            with unit_of_work(actor):
                if sent == "technology":
                    export.state_class(
                        actor, offer.id, answer=technology.answer.data, note=technology.note.data
                    )
                else:
                    clauses.publish_clause(
                        actor,
                        offer.id,
                        kind=form.kind.data,
                        text=form.text.data,
                        text_en=form.text_en.data,
                    )
        except DomainError as error:
            chosen.accept(error)
        else:
            flash(gettext("Noted."), "success")
            return redirect(url_for("proofs.beside", offer_id=offer_id))
    failed = bool(chosen.errors or chosen.form_errors) if sent else False
    return (
        render_template(
            "proofs/beside.html",
            offer=offer,
            form=form,
            technology=technology,
            clauses=clauses.clauses_of(offer.id, published_only=False),
        ),
        422 if failed else 200,
    )


@blueprint.post("/holder/clauses/<int:clause_id>/withdraw")
@access("organisation")
def withdraw(clause_id: int) -> ResponseReturnValue:
    """Offer a clause no longer."""
    actor = current_actor()
    with unit_of_work(actor):
        offer_id = clauses.withdraw_clause(actor, clause_id).offer_id
    flash(gettext("The clause is no longer offered; who accepted it keeps it."), "success")
    return redirect(url_for("proofs.beside", offer_id=offer_id))
