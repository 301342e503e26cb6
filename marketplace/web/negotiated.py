"""Negotiated ordinary licences: stating one with its paper, answering, and where they stand beside others."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import DateField, RadioField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.convert import InvalidValue, credit_code, yuan
from marketplace.core.errors import N_, DomainError, Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.negotiated import services
from marketplace.deals.negotiated.lifecycle import STATEMENT
from marketplace.deals.negotiated.models import NegotiatedRecord
from marketplace.deals.negotiated.rules import KINDS
from marketplace.listings.models import Patent
from marketplace.listings.services.patents import find_patent, get_patent

from . import labels
from .downloads import kept
from .forms import Form, at_most, optional, options, required, status_of, stripped
from .people import uploaded

blueprint = Blueprint("negotiated", __name__, url_prefix="/negotiated")

_PAGE: Final = 30


class StateForm(Form):
    """What was signed."""

    patents = TextAreaField(
        _l("Patent numbers"),
        [required(), at_most(2000)],
        description=_l("One a line, all that the contract covers. Each has its own line in the register."),
        filters=[stripped],
    )
    kind = RadioField(_l("Kind of licence"), [required(_l("Please choose one."))], default="ordinary")
    licensee = StringField(
        _l("Licensee"),
        [optional(), at_most(200)],
        description=_l("As it is registered. Leave it empty if your organisation is the licensee."),
        filters=[stripped],
    )
    licensee_code = StringField(
        _l("Unified social credit code of the licensee"), [optional(), at_most(40)], filters=[stripped]
    )
    signed_on = DateField(_l("Signed on"), [required()])
    effective_on = DateField(_l("In effect from"), [required()])
    term_to = DateField(
        _l("Until (inclusive)"),
        [optional()],
        description=_l("Leave it empty if the licence runs as long as the patent lives."),
    )
    fee = StringField(
        _l("Fee in yuan"),
        [optional(), at_most(40)],
        description=_l("Only the two sides and the bureau see it; it is in no figure."),
        filters=[stripped],
    )
    file = FileField(
        _l("The contract"),
        [],
        description=_l(
            "Or the pages that show parties, patents, kind and term; cover what is secret. "
            "PDF, PNG or JPEG, up to 10 MB."
        ),
    )


class ContestForm(Form):
    """Why it is not so."""

    reason = TextAreaField(
        _l("What is not so?"), [required(), at_most(services.LONGEST_REASON)], filters=[stripped]
    )


@blueprint.app_context_processor
def _negotiated() -> dict[str, Any]:
    """For the pages of patents, offers and licences: what was negotiated beside the open licences."""
    return {
        "negotiated_beside": services.beside,
        "negotiated_of": services.of_licence,
        "negotiated_states": lambda rows: services.states_of(
            [row.id for row in rows if row.kind == "ordinary"]
        ),
    }


@blueprint.get("")
@access("signed_in")
def index() -> ResponseReturnValue:
    """What either side has stated; for staff all of it."""
    after = request.args.get("after", type=int)
    rows = services.statements(current_actor(), after=after, limit=_PAGE + 1)
    return render_template(
        "negotiated/index.html",
        rows=rows[:_PAGE],
        older=rows[_PAGE - 1].id if len(rows) > _PAGE else None,
    )


@blueprint.route("/state", methods=["GET", "POST"])
@access("organisation")
def state() -> ResponseReturnValue:
    """State one."""
    actor, form = current_actor(), StateForm()
    form.kind.choices = options((code, labels.name("negotiated_kind", code)) for code in KINDS)
    chosen = request.args.get("patent", type=int)
    if request.method == "GET" and chosen is not None:
        form.patents.data = get_patent(chosen).reference
    if form.validate_on_submit():
        try:
            contract = _contract(form)
            patents = [_patent(text) for text in re.split(r"[\s;；,，]+", form.patents.data) if text]
            with unit_of_work(actor):
                rows = services.state(actor, patents, contract, file=uploaded(form.file))
        except (Unauthenticated, Forbidden):
            raise
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("It is in the register, and the other side is asked to confirm it."), "success")
            return redirect(url_for("negotiated.show", record_id=rows[0].id))
    return render_template("negotiated/state.html", form=form, today=clock.today()), status_of(form)


def _patent(text: str) -> Patent:
    """The patent with this number; what is wrong with it belongs to the field of the numbers."""
    try:
        return find_patent(text)
    except (Invalid, NotFound) as error:
        message = N_("No patent with the number %(number)s is known here.")
        raise Invalid(error.code, message, fields={"patents": [message]}, number=text) from error


def _contract(form: StateForm) -> services.Contract:
    values: dict[str, Any] = {}
    for field, name, convert in (
        ("fee", "fee_minor", yuan()),
        ("licensee_code", "licensee_code", credit_code()),
    ):
        try:
            values[name] = convert(form[field].data) if form[field].data else None
        except InvalidValue as error:
            raise Invalid(error.code, error.reason, fields={field: [error.reason]}) from error
    return services.Contract(
        kind=form.kind.data,
        licensee=form.licensee.data or None,
        signed_on=form.signed_on.data,
        effective_on=form.effective_on.data,
        term_to=form.term_to.data,
        **values,
    )


@blueprint.get("/<int:record_id>")
@access("signed_in")
def show(record_id: int) -> ResponseReturnValue:
    """One statement, and what may be done about it now."""
    return _shown(record_id, ContestForm(formdata=None))


def _shown(record_id: int, form: ContestForm) -> ResponseReturnValue:
    actor = current_actor()
    row = services.get(actor, record_id)
    together = services.same_contract(row)
    page = render_template(
        "negotiated/show.html",
        row=row,
        licence=row.licence,
        together=together,
        waiting=sum(_offers(actor, one, "confirm") for one in together),
        actions={one.action for one in STATEMENT.offered(actor, row)},
        licence_url=_address(actor, row),
        form=form,
    )
    return page, status_of(form)


def _offers(actor: Actor, row: NegotiatedRecord, action: str) -> bool:
    return any(one.action == action for one in STATEMENT.offered(actor, row))


def _address(actor: Actor, row: NegotiatedRecord) -> str:
    """The page of the licence on the reader's side."""
    holder = not actor.is_staff and row.licence.licensee_id not in actor.licensees
    endpoint = "holder.licence" if holder else "licensing.licence"
    return url_for(endpoint, licence_id=row.licence_id)


@blueprint.post("/<int:record_id>/confirm")
@access("organisation")
def confirm(record_id: int) -> ResponseReturnValue:
    """Confirm it, or with `all` every statement of the same contract that waits."""
    actor = current_actor()
    keys = [record_id]
    if request.form.get("all"):
        together = services.same_contract(services.get(actor, record_id))
        keys = [one.id for one in together if _offers(actor, one, "confirm")]
    return _done(
        record_id, lambda: services.confirm(actor, keys), gettext("Confirmed; the other side is told.")
    )


@blueprint.post("/<int:record_id>/contest")
@access("organisation")
def contest(record_id: int) -> ResponseReturnValue:
    """Contest it."""
    actor, form = current_actor(), ContestForm()
    if not form.validate_on_submit():
        return _shown(record_id, form)
    return _done(
        record_id,
        lambda: services.contest(actor, record_id, reason=form.reason.data),
        gettext("Contested; the other side is told."),
    )


@blueprint.post("/<int:record_id>/withdraw")
@access("organisation")
def withdraw(record_id: int) -> ResponseReturnValue:
    """Take one's statement back."""
    actor = current_actor()
    return _done(
        record_id, lambda: services.withdraw(actor, record_id), gettext("Your statement is taken back.")
    )


def _done(record_id: int, act: Callable[[], object], said: str) -> ResponseReturnValue:
    with unit_of_work(current_actor()):
        act()
    flash(said, "success")
    return redirect(url_for("negotiated.show", record_id=record_id))


@blueprint.get("/<int:record_id>/file")
@access("signed_in")
def file(record_id: int) -> Response:
    """The paper that shows it."""
    return kept(services.file_of(current_actor(), record_id))
