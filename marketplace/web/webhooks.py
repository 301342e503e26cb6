"""Addresses to which an organisation's own systems are told of what concerns it, and the log."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField, StringField
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.accounts.identity import access, current_actor
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.notifications.hooks import services
from marketplace.notifications.hooks.delivering import KEPT, PATIENCE
from marketplace.notifications.hooks.events import EVENTS

from .forms import Form, at_most, optional, options, required, status_of, stripped

blueprint = Blueprint("webhooks", __name__, url_prefix="/account/webhooks")

_PAGE: Final = 30
ERRORS: Final = {
    "address-not-public": _l("The name stands for an address that is not public"),
    "name-unknown": _l("The name is not known"),
    "certificate": _l("The certificate is not valid"),
    "timeout": _l("No answer in time"),
    "connection": _l("No connection"),
}


class EndpointForm(Form):
    """An address, and what is sent to it."""

    url = StringField(
        _l("Address of your system"),
        [required(), at_most(500)],
        filters=[stripped],
        description=_l("Begins with https:// and is reached from the public Internet."),
    )
    label = StringField(_l("What is it for?"), [optional(), at_most(120)], filters=[stripped])
    events = SelectMultipleField(
        _l("What shall it be told?"),
        choices=options((code, text) for code, (_kind, text) in EVENTS.items()),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )


class EventsForm(Form):
    """Other events for an address that is there."""

    label = EndpointForm.label
    events = EndpointForm.events


@blueprint.route("", methods=["GET", "POST"])
@access("organisation")
def index() -> ResponseReturnValue:
    """All addresses, and a form for another one."""
    actor = current_actor()
    if not allowed(actor, "webhook.list").allowed:
        return render_template("webhooks/index.html", endpoints=[], form=None)
    form = EndpointForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                endpoint = services.register(actor, form.url.data, form.events.data or (), form.label.data)
        except DomainError as error:
            form.accept(error)
        else:
            return _shown(endpoint.id, secret=services.secret(endpoint))
    page = render_template("webhooks/index.html", endpoints=services.endpoints(actor), form=form)
    return page, status_of(form)


@blueprint.route("/<int:endpoint_id>", methods=["GET", "POST"])
@access("organisation")
def show(endpoint_id: int) -> ResponseReturnValue:
    """One address: its events, and what was sent to it."""
    actor = current_actor()
    form = EventsForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                services.choose(actor, endpoint_id, form.events.data or (), form.label.data or "")
        except NotFound:
            raise
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Saved."), "success")
            return redirect(url_for("webhooks.show", endpoint_id=endpoint_id))
    return _shown(endpoint_id, form=form)


def _shown(
    endpoint_id: int, *, form: EventsForm | None = None, secret: str | None = None
) -> ResponseReturnValue:
    """The page of one address; a secret is on it only when it has just been made."""
    actor = current_actor()
    endpoint = services.get(actor, endpoint_id)
    if form is None or not form.errors:
        form = EventsForm(formdata=None, obj=endpoint)
    after = request.args.get("after", type=int)
    rows = services.deliveries(actor, endpoint_id, after=after, limit=_PAGE + 1)
    page = render_template(
        "webhooks/show.html",
        endpoint=endpoint,
        form=form,
        secret=secret,
        deliveries=rows[:_PAGE],
        older=rows[_PAGE - 1].id if len(rows) > _PAGE else None,
        names={code: text for code, (_kind, text) in EVENTS.items()},
        errors=ERRORS,
        days=KEPT.days,
        patience=PATIENCE.days,
    )
    return page, status_of(form)


@blueprint.post("/<int:endpoint_id>/rotate")
@access("organisation")
def rotate(endpoint_id: int) -> ResponseReturnValue:
    """A new secret, shown once."""
    actor = current_actor()
    with unit_of_work(actor):
        endpoint = services.rotate(actor, endpoint_id)
    return _shown(endpoint_id, secret=services.secret(endpoint))


@blueprint.post("/<int:endpoint_id>/test")
@access("organisation")
def test(endpoint_id: int) -> ResponseReturnValue:
    """Have a test message sent."""
    actor = current_actor()
    with unit_of_work(actor):
        services.test(actor, endpoint_id)
    flash(gettext("A test is on its way: it appears below within seconds."), "success")
    return redirect(url_for("webhooks.show", endpoint_id=endpoint_id))


@blueprint.post("/<int:endpoint_id>/<any(disable, enable, remove):deed>")
@access("organisation")
def change(endpoint_id: int, deed: str) -> ResponseReturnValue:
    """Disable, enable or remove an address."""
    actor = current_actor()
    with unit_of_work(actor):
        services.change_state(actor, endpoint_id, deed)
    flash(gettext("The change is saved."), "success")
    if deed == "remove":
        return redirect(url_for("webhooks.index"))
    return redirect(url_for("webhooks.show", endpoint_id=endpoint_id))


@blueprint.post("/deliveries/<int:delivery_id>/replay")
@access("organisation")
def replay(delivery_id: int) -> ResponseReturnValue:
    """Have a message sent once more."""
    actor = current_actor()
    with unit_of_work(actor):
        delivery = services.replay(actor, delivery_id)
    flash(gettext("The message is sent again."), "success")
    return redirect(url_for("webhooks.show", endpoint_id=delivery.endpoint_id))
