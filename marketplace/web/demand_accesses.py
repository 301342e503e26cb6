"""The confidential part of a demand: asking for it, deciding, and reading it, which is kept."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core.errors import DomainError, Invalid
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands import accesses, services
from marketplace.demands.rules import LONGEST_NOTE
from marketplace.demands.statement import statement

from .forms import Form, at_most, required, sentence_of, status_of, stripped


class AskForm(Form):
    """Why a holder wants to read the confidential part, and that it accepts the statement."""

    purpose = TextAreaField(
        _l("Why could you help?"),
        [required(), at_most(LONGEST_NOTE)],
        description=_l("The firm decides by it: your field, what you have, what you need to know."),
        filters=[stripped],
    )
    accepted = BooleanField(_l("I have read the statement and accept it for my organisation"))


@access("organisation")
def ask(demand_id: int) -> ResponseReturnValue:
    """Ask for the confidential part, with the statement to accept; an agency chooses for whom it asks."""
    actor = current_actor()
    demand = services.get_demand(actor, demand_id)
    asking = request.args.get("for", actor.organisation_id, type=int)
    words = statement(*accesses.asking_parties(actor, asking))
    form = AskForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                accesses.ask(
                    actor,
                    demand_id,
                    purpose=form.purpose.data,
                    statement=words,
                    accepted=bool(form.accepted.data),
                    organisation_id=asking,
                )
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The firm is asked. You are told what it decides."), "success")
            return redirect(url_for("demands.show", demand_id=demand_id, _anchor="confidential"))
    page = render_template(
        "demands/ask_access.html",
        form=form,
        demand=demand,
        statement=words,
        asking=asking,
        may_ask_for=accesses.may_ask_for(actor, demand),
    )
    return page, status_of(form)


@access("organisation")
def confidential(demand_id: int) -> ResponseReturnValue:
    """The confidential part, for whom access was granted; the reading is kept."""
    actor = current_actor()
    demand = services.get_demand(actor, demand_id)
    with unit_of_work(actor):
        text = accesses.read(actor, demand_id)
    page = render_template("demands/confidential.html", demand=demand, text=text)
    return page, 200, {"Cache-Control": "no-store"}


@access("signed_in")
def decide(access_id: int, action: str) -> ResponseReturnValue:
    """Grant, refuse or end an access, as the poster; or take one's own request back."""
    if action not in ("grant", "refuse", "revoke", "take_back"):
        abort(404)
    actor = current_actor()
    demand_id = accesses.get_access(actor, access_id).demand_id
    try:
        with unit_of_work(actor):
            accesses.decide(actor, access_id, action, reason=request.form.get("reason"))
    except Invalid as error:
        sentences = [gettext(one) for many in error.fields.values() for one in many]
        flash(sentences[0] if sentences else sentence_of(error), "danger")
    else:
        flash(
            {
                "grant": gettext("The organisation may read the confidential part."),
                "refuse": gettext("The organisation is told that you refuse, and why."),
                "revoke": gettext("The access is ended."),
                "take_back": gettext("Your request is taken back."),
            }[action],
            "success",
        )
    return redirect(url_for("demands.show", demand_id=demand_id, _anchor="confidential"))


def add_to(blueprint: Blueprint) -> None:
    """Add these pages to those of demands."""
    for rule, view, methods in (
        ("/<int:demand_id>/access", ask, ["GET", "POST"]),
        ("/<int:demand_id>/confidential", confidential, ["GET"]),
        ("/accesses/<int:access_id>/<action>", decide, ["POST"]),
    ):
        blueprint.add_url_rule(rule, view_func=view, methods=methods)
