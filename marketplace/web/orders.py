"""Orders of know-how and services that a holder lists beside its offer: placing one, answering, the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.convert import InvalidValue, yuan
from marketplace.core.errors import DomainError, Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.orders import services
from marketplace.deals.orders.lifecycle import ORDER
from marketplace.deals.orders.models import ServiceOrder
from marketplace.listings.services.offers import get_offer

from .forms import Form, at_most, optional, required, status_of, stripped

blueprint = Blueprint("orders", __name__, url_prefix="/orders")

_PAGE: Final = 30
_SIDES: Final = ("customer", "provider")


class PlaceForm(Form):
    """What is wanted of it."""

    wish = TextAreaField(
        _l("What exactly do you need?"),
        [optional(), at_most(services.LONGEST_WISH)],
        description=_l("Where, for how many people, on which machine. Only the holder and you read it."),
        filters=[stripped],
    )
    wanted_by = DateField(_l("Wanted by"), [optional()])


class AcceptForm(Form):
    """The holder's yes."""

    price = StringField(
        _l("Price in yuan"),
        [optional(), at_most(40)],
        description=_l("The whole price. The customer may still step back until it is done."),
        filters=[stripped],
    )
    answer = TextAreaField(
        _l("When and how"), [optional(), at_most(services.LONGEST_ANSWER)], filters=[stripped]
    )


class DeclineForm(Form):
    """The holder's no."""

    answer = TextAreaField(_l("Why not"), [optional(), at_most(services.LONGEST_ANSWER)], filters=[stripped])


class DayForm(Form):
    """The day of a step."""

    on = DateField(_l("Day"), [required()])


@blueprint.app_context_processor
def _orders() -> dict[str, Any]:
    """`may_order(offer)` for the offer's page."""
    return {"may_order": lambda offer: services.orderable(current_actor(), offer)}


@blueprint.get("")
@access("signed_in")
def index() -> ResponseReturnValue:
    """Orders of the actor's organisation, given and received; for staff all."""
    after, side = request.args.get("after", type=int), request.args.get("side")
    side = side if side in _SIDES else None
    rows = services.orders(current_actor(), side=side, after=after, limit=_PAGE + 1)
    return render_template(
        "orders/index.html",
        rows=rows[:_PAGE],
        older=rows[_PAGE - 1].id if len(rows) > _PAGE else None,
        side=side,
        answer_by=services.answer_by,
        today=clock.today(),
    )


@blueprint.route("/new/<int:offer_id>/<int:side_offer_id>", methods=["GET", "POST"])
@access("organisation")
def new(offer_id: int, side_offer_id: int) -> ResponseReturnValue:
    """Order it."""
    actor, form = current_actor(), PlaceForm()
    offer, line = get_offer(actor, offer_id), services.listed(offer_id, side_offer_id)
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                order = services.place(
                    actor, offer_id, side_offer_id, wish=form.wish.data, wanted_by=form.wanted_by.data
                )
        except (NotFound, Forbidden, Unauthenticated):
            raise
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Ordered. The holder is asked to accept it."), "success")
            return redirect(url_for("orders.show", order_id=order.id))
    page = render_template("orders/new.html", form=form, offer=offer, line=line, days=services.ANSWER_DAYS)
    return page, status_of(form)


@blueprint.get("/<int:order_id>")
@access("signed_in")
def show(order_id: int) -> ResponseReturnValue:
    """One order, and what its reader may do now."""
    return _shown(order_id)


def _shown(order_id: int, **forms: Form) -> ResponseReturnValue:
    actor = current_actor()
    order = services.get(actor, order_id)
    day = DayForm(formdata=None)
    day.on.data = clock.today()
    page = render_template(
        "orders/show.html",
        order=order,
        actions={one.action for one in ORDER.offered(actor, order)},
        providing=_provides(actor, order),
        answer_by=services.answer_by(order),
        today=clock.today(),
        accepting=forms.get("accept") or AcceptForm(formdata=None),
        declining=forms.get("decline") or DeclineForm(formdata=None),
        finishing=forms.get("finish") or day,
        paying=forms.get("pay") or day,
    )
    return page, 422 if any(form.errors or form.form_errors for form in forms.values()) else 200


def _provides(actor: Actor, order: ServiceOrder) -> bool:
    return order.provider_id in actor.holders


def _done(
    order_id: int, name: str, form: Form, act: Callable[[Actor], object], said: str
) -> ResponseReturnValue:
    """Take one step; what is refused is shown beside its form."""
    actor = current_actor()
    if not form.validate_on_submit():
        return _shown(order_id, **{name: form})
    try:
        with unit_of_work(actor):
            act(actor)
    except (NotFound, Forbidden, Unauthenticated):
        raise
    except DomainError as error:
        form.accept(error)
        return _shown(order_id, **{name: form})
    flash(said, "success")
    return redirect(url_for("orders.show", order_id=order_id))


@blueprint.post("/<int:order_id>/accept")
@access("organisation")
def accept(order_id: int) -> ResponseReturnValue:
    """The holder takes it."""
    form = AcceptForm()

    def act(actor: Actor) -> object:
        return services.accept(actor, order_id, price_minor=_price(form), answer=form.answer.data)

    return _done(order_id, "accept", form, act, gettext("Accepted; the customer is told."))


def _price(form: AcceptForm) -> int | None:
    try:
        price: int | None = yuan()(form.price.data) if form.price.data else None
    except InvalidValue as error:
        raise Invalid(error.code, error.reason, fields={"price": [error.reason]}) from error
    return price


@blueprint.post("/<int:order_id>/decline")
@access("organisation")
def decline(order_id: int) -> ResponseReturnValue:
    """The holder does not take it."""
    form = DeclineForm()
    return _done(
        order_id,
        "decline",
        form,
        lambda actor: services.decline(actor, order_id, answer=form.answer.data),
        gettext("Declined; the customer is told."),
    )


@blueprint.post("/<int:order_id>/cancel")
@access("organisation")
def cancel(order_id: int) -> ResponseReturnValue:
    """The customer steps back."""
    return _done(
        order_id,
        "cancel",
        Form(),
        lambda actor: services.cancel(actor, order_id),
        gettext("Cancelled; the holder is told."),
    )


@blueprint.post("/<int:order_id>/finish")
@access("organisation")
def finish(order_id: int) -> ResponseReturnValue:
    """The holder says that it is done."""
    form = DayForm()
    return _done(
        order_id,
        "finish",
        form,
        lambda actor: services.finish(actor, order_id, on=form.on.data),
        gettext("Noted; the customer is told."),
    )


@blueprint.post("/<int:order_id>/pay")
@access("organisation")
def pay(order_id: int) -> ResponseReturnValue:
    """The holder says that the money has come."""
    form = DayForm()
    return _done(
        order_id,
        "pay",
        form,
        lambda actor: services.pay(actor, order_id, on=form.on.data),
        gettext("Noted; the customer is told."),
    )
