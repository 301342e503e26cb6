"""The searches that a person keeps: what is new to each, how often to be told, and no more being told.

Members keep them for their organisation, staff for themselves: who may is said by the permission table alone.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.core.errors import DomainError
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import unit_of_work
from marketplace.search.query import parse
from marketplace.search.saved import services
from marketplace.search.saved.models import ALERTS, SavedSearch

from .forms import Form, at_most, options, required, status_of, stripped
from .queries import described, given

blueprint = Blueprint("saved_searches", __name__, url_prefix="/saved-searches")

ALERT_NAMES: Final[dict[str, Any]] = {
    "off": _l("No alert"),
    "at_once": _l("At once"),
    "daily": _l("Once a day"),
    "weekly": _l("Once a week"),
}


class SavedSearchForm(Form):
    """What a search is called, and how often its owner is told."""

    name = StringField(_l("Name"), [required(), at_most(services.LONGEST_NAME)], filters=[stripped])
    alert = SelectField(
        _l("Tell me of new offers"),
        choices=options((code, ALERT_NAMES[code]) for code in ALERTS),
        default="daily",
        description=_l("By e-mail and in your messages; each mail has a link that ends them."),
    )


@blueprint.get("")
@access("signed_in")
def index() -> ResponseReturnValue:
    """All of them, each with the number of new offers."""
    listed = services.saved_searches(current_actor())
    return render_template(
        "saved_searches/index.html", listed=listed, described=described, alerts=ALERT_NAMES
    )


@blueprint.route("/new", methods=["GET", "POST"])
@access("signed_in")
def save() -> ResponseReturnValue:
    """Keep the search whose parameters are those of this address."""
    actor = current_actor()
    require(actor, "saved_search.save")
    parameters = services.kept_parameters(given())
    parse(parameters)
    form = SavedSearchForm(data={"name": _first_name(parameters)} if request.method == "GET" else None)
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                services.save(actor, form.name.data, parameters, form.alert.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The search is saved."), "success")
            return redirect(url_for("saved_searches.index"))
    page = render_template("saved_searches/save.html", form=form, parts=described(parameters))
    return page, status_of(form)


def _first_name(parameters: dict[str, list[str]]) -> str:
    """A name to begin with: what is asked for, in words."""
    parts = [str(part) for part in described(parameters)]
    return (parameters.get("q", [""])[0] or " · ".join(parts) or gettext("All offers"))[
        : services.LONGEST_NAME
    ]


@blueprint.get("/<int:saved_search_id>")
@access("signed_in")
def show(saved_search_id: int) -> ResponseReturnValue:
    """What is new to a search since its owner last looked."""
    found = services.get(current_actor(), saved_search_id)
    return render_template(
        "saved_searches/show.html",
        found=found,
        offers=services.new_offers(found.saved),
        parts=described(found.saved.parameters),
        alerts=ALERT_NAMES,
    )


@blueprint.post("/<int:saved_search_id>/open")
@access("signed_in")
def open_(saved_search_id: int) -> ResponseReturnValue:
    """Note that its owner looks, and go to the search itself."""
    actor = current_actor()
    with unit_of_work(actor):
        saved = services.look(actor, saved_search_id)
    return redirect(_address(saved))


def _address(saved: SavedSearch) -> str:
    return url_for("offers.search", **saved.parameters)


@blueprint.route("/<int:saved_search_id>/change", methods=["GET", "POST"])
@access("signed_in")
def change(saved_search_id: int) -> ResponseReturnValue:
    """Another name, another rhythm, or the end of it."""
    actor = current_actor()
    found = services.get(actor, saved_search_id)
    form = SavedSearchForm(obj=found.saved)
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                services.rename(actor, saved_search_id, form.name.data)
                services.set_alert(actor, saved_search_id, form.alert.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The change is saved."), "success")
            return redirect(url_for("saved_searches.index"))
    page = render_template(
        "saved_searches/change.html", form=form, found=found, parts=described(found.saved.parameters)
    )
    return page, status_of(form)


@blueprint.post("/<int:saved_search_id>/delete")
@access("signed_in")
def delete(saved_search_id: int) -> ResponseReturnValue:
    """Keep it no more."""
    actor = current_actor()
    with unit_of_work(actor):
        services.delete(actor, saved_search_id)
    flash(gettext("The saved search is deleted."), "success")
    return redirect(url_for("saved_searches.index"))
