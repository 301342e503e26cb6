"""What comes after a licence: the packet of its recordal, changes and cancellations, the papers beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, RadioField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.convert import InvalidValue
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import licences
from marketplace.deals.evidence.services import MAX_TEXT, add_source, papers_of
from marketplace.deals.imports import LicenceImport
from marketplace.deals.models import Licence
from marketplace.deals.policies import side_of
from marketplace.deals.recordals import services
from marketplace.deals.recordals.elsewhere import record_elsewhere
from marketplace.deals.recordals.packet import PURPOSES, packet

from . import labels
from .downloads import saved, stored
from .forms import Form, at_most, optional, options, required, status_of, stripped

blueprint = Blueprint("recordals", __name__)


class ChangeForm(Form):
    """An item of the recordal that CNIPA has changed."""

    on = DateField(_l("Changed on"), [required()])
    item = StringField(
        _l("Which item?"),
        [required(), at_most(services.MAX_ITEM)],
        description=_l("In CNIPA's words, for instance 被许可人地址."),
        filters=[stripped],
    )
    before = StringField(_l("Before"), [optional(), at_most(services.MAX_VALUE)], filters=[stripped])
    after = StringField(_l("After"), [optional(), at_most(services.MAX_VALUE)], filters=[stripped])
    file = FileField(_l("CNIPA's notice"), [optional()], description=_l("PDF, PNG or JPEG, up to 10 MB."))


class CancelForm(Form):
    """The cancellation of a recordal."""

    on = DateField(_l("Cancelled on"), [required()])
    file = FileField(_l("CNIPA's notice"), [optional()], description=_l("PDF, PNG or JPEG, up to 10 MB."))


class ResultForm(Form):
    """What CNIPA sent."""

    file = FileField(
        _l("CNIPA's notice"),
        [FileRequired(_l("Please choose the file first."))],
        description=_l("PDF, PNG or JPEG, up to 10 MB."),
    )


class SourceForm(Form):
    """Evidence of a licence."""

    text = TextAreaField(_l("What does it show?"), [optional(), at_most(MAX_TEXT)], filters=[stripped])
    file = FileField(_l("File"), [optional()], description=_l("PDF, PNG or JPEG, up to 10 MB."))


class ElsewhereForm(Form):
    """A licence that was taken elsewhere; the names of its fields are those of an import of licences."""

    patent_number = StringField(_l("Patent number"), [required(), at_most(40)], filters=[stripped])
    kind = RadioField(
        _l("Kind"),
        [required(_l("Please choose one."))],
        choices=options((code, labels.name("licence_kind", code)) for code in ("open", "ordinary")),
    )
    declaration_number = StringField(
        _l("Declaration number"),
        [optional(), at_most(40)],
        description=_l("For an open licence; without it, the declaration of that day counts."),
        filters=[stripped],
    )
    licensee = StringField(_l("Licensee"), [required(), at_most(200)], filters=[stripped])
    licensee_code = StringField(
        _l("Unified social credit code of the licensee"), [optional(), at_most(18)], filters=[stripped]
    )
    effective_on = DateField(_l("In effect from"), [required()])
    ended_on = DateField(_l("Ended on"), [optional()])
    amount = StringField(_l("Amount in yuan"), [optional(), at_most(20)], filters=[stripped])
    recordal_number = StringField(_l("Recordal number"), [optional(), at_most(80)], filters=[stripped])
    recorded_on = DateField(_l("Recorded on"), [optional()])
    source = StringField(
        _l("Where was it taken, and where is it on record?"),
        [required(), at_most(200)],
        filters=[stripped],
    )
    file = FileField(_l("Evidence"), [optional()], description=_l("PDF, PNG or JPEG, up to 10 MB."))


_FORMS: dict[str, type[Form]] = {
    "change": ChangeForm,
    "cancel": CancelForm,
    "result": ResultForm,
    "source": SourceForm,
}


def _upload(form: Form) -> dict[str, Any]:
    given = form["file"].data
    return {"content": given.read() if given else None, "name": (given.filename or "") if given else ""}


@blueprint.get("/licences/<int:licence_id>/papers")
@access("signed_in")
def papers(licence_id: int) -> ResponseReturnValue:
    """The packet of the recordal, its changes, and the papers beside a licence."""
    return _page(licences.get_licence(current_actor(), licence_id))


def _page(licence: Licence, deed: str = "", form: Form | None = None) -> ResponseReturnValue:
    actor = current_actor()
    forms = {name: kind(formdata=None, data={"on": clock.today()}) for name, kind in _FORMS.items()}
    if form is not None:
        forms[deed] = form
    for name, each in forms.items():
        for field in each:
            field.id = f"{field.id}-{name}"
    return (
        render_template(
            "licensing/papers.html",
            licence=licence,
            changes=services.changes_of(licence),
            papers=papers_of(licence),
            forms=forms,
            refused=deed if form is not None else "",
            side=side_of(actor, licence),
            may_record=allowed(actor, "licence.recordal", licence).allowed,
            may_add=allowed(actor, "licence.add_paper", licence).allowed,
            holder_page=side_of(actor, licence) == "holder",
        ),
        status_of(form) if form is not None else 200,
    )


@blueprint.post("/licences/<int:licence_id>/papers/<deed>")
@access("signed_in")
def act(licence_id: int, deed: str) -> ResponseReturnValue:
    """Note a change or the cancellation of the recordal, or lay a paper beside the licence."""
    if deed not in _FORMS:
        raise NotFound("step-unknown", "A licence has no such step.")
    actor = current_actor()
    form = _FORMS[deed]()
    if not form.validate_on_submit():
        return _page(licences.get_licence(actor, licence_id), deed, form)
    said = {name: value for name, value in form.data.items() if name not in ("csrf_token", "file")}
    calls: dict[str, Callable[..., object]] = {
        "change": services.change_recordal,
        "cancel": services.cancel_recordal,
        "result": services.keep_result,
        "source": add_source,
    }
    try:
        with unit_of_work(actor):
            calls[deed](actor, licence_id, **said, **_upload(form))
    except NotFound:
        raise
    except DomainError as error:
        form.accept(error)
        return _page(licences.get_licence(actor, licence_id), deed, form)
    flash(gettext("Noted."), "success")
    return redirect(url_for("recordals.papers", licence_id=licence_id))


@blueprint.get("/licences/<int:licence_id>/papers/<int:paper_id>/file")
@access("signed_in")
def paper(licence_id: int, paper_id: int) -> ResponseReturnValue:
    """A paper beside a licence, as it was laid there."""
    licence = licences.get_licence(current_actor(), licence_id)
    return stored(next((one.file_id for one in papers_of(licence) if one.id == paper_id), None))


@blueprint.get("/licences/<int:licence_id>/packet/<purpose>")
@access("signed_in")
def packet_file(licence_id: int, purpose: str) -> ResponseReturnValue:
    """All papers of the recordal, or of the registration of a technology contract, as one ZIP."""
    found = next((one for one in PURPOSES if one == purpose), None)
    if found is None:
        raise NotFound("step-unknown", "A licence has no such step.")
    asked = request.args.get("applicant")
    side = None if asked not in ("holder", "licensee") else asked
    made = packet(current_actor(), licence_id, found, side)  # type: ignore[arg-type]
    return saved(made.content, made.name)


@blueprint.route("/licences/elsewhere", methods=["GET", "POST"])
@access("signed_in")
def elsewhere() -> ResponseReturnValue:
    """Record a licence that was taken elsewhere, with its source and evidence."""
    actor: Actor = current_actor()
    form = ElsewhereForm()
    if form.validate_on_submit():
        try:
            values = _converted(form)
            with unit_of_work(actor):
                licence_id = record_elsewhere(actor, values, **_upload(form)).id
        except _Refused:
            pass
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The licence is on record, and the other side is told."), "success")
            return redirect(url_for("recordals.papers", licence_id=licence_id))
    return render_template("licensing/elsewhere.html", form=form), status_of(form)


class _Refused(Exception):
    """A value could not be read; its field says so."""


def _converted(form: ElsewhereForm) -> dict[str, Any]:
    """The values of the form, read as an import reads them."""
    values, refused = {}, False
    for column in LicenceImport.columns:
        if column.name not in form:
            continue
        try:
            values[column.name] = column.convert(form[column.name].data)
        except InvalidValue as error:
            form[column.name].errors = [error.reason]
            refused = True
    if refused:
        raise _Refused
    return values
