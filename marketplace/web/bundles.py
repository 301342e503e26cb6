"""Several offers in one go: the basket, one confirmation for all of them, and what became of each."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import HiddenField, SelectField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core.actor import Actor
from marketplace.core.errors import Conflict, DomainError, Invalid
from marketplace.core.idempotency import recall, remember, request_hash
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.deals import notices, payments
from marketplace.deals.bundles import basket, paying, services
from marketplace.deals.bundles.basket import Looked
from marketplace.deals.bundles.models import Bundle
from marketplace.deals.bundles.rules import MOST
from marketplace.deals.clauses.services import clauses_of_each, named
from marketplace.deals.export_control.models import ANSWERS
from marketplace.deals.export_control.rules import MAINLAND
from marketplace.deals.lookup import licences_of
from marketplace.deals.models import OPEN_PAYMENT

from . import labels
from .forms import Form, at_most, optional, options, required, sentence_of, status_of, stripped
from .licensing import contact_of, may_act_for
from .proofs import registered_seat
from .seats import seats
from .shell import safe_next

blueprint = Blueprint("bundles", __name__)

SECONDS: Final = 15.0  # for so long whoever confirms waits; the worker gives the rest
_SIZE: Final = 20


# --- the basket


@blueprint.get("/basket")
@access("organisation")
def show_basket() -> ResponseReturnValue:
    """What was laid aside, what stands in the way, and what it costs by payee."""
    actor = current_actor()
    looked = basket.basket(actor)
    return render_template(
        "bundles/basket.html",
        looked=looked,
        ready=[one for one in looked if one.problem is None],
        totals=basket.totals(looked),
        said={one.offer.id: sentence_of(one.problem) for one in looked if one.problem},
        most=MOST,
    )


@blueprint.post("/basket/<int:offer_id>")
@access("organisation")
def add(offer_id: int) -> ResponseReturnValue:
    """Lay an offer aside."""
    actor = current_actor()
    try:
        with unit_of_work(actor):
            basket.add(actor, offer_id)
    except Conflict as error:
        flash(sentence_of(error), "warning")
    else:
        count = len(basket.offer_ids(actor))
        flash(
            ngettext(
                "It is in the basket: %(num)d offer.", "It is in the basket: %(num)d offers in all.", count
            ),
            "success",
        )
    return redirect(safe_next(request.form.get("next")) or url_for("bundles.show_basket"))


@blueprint.post("/basket/<int:offer_id>/remove")
@access("organisation")
def remove(offer_id: int) -> ResponseReturnValue:
    """Take an offer out of the basket."""
    actor = current_actor()
    with unit_of_work(actor):
        basket.remove(actor, offer_id)
    return redirect(safe_next(request.form.get("next")) or url_for("bundles.show_basket"))


# --- one confirmation


class TakeUpForm(Form):
    """What the licensee adds to the announced terms of all the offers: nothing of it is a condition."""

    licensee = SelectField(_l("Who takes the licences?"), coerce=int)
    use = TextAreaField(
        _l("What do you intend to use them for?"),
        [optional(), at_most(notices.MAX_USE)],
        description=_l("It stands in every notice, for the holders' information only. It limits nothing."),
        filters=[stripped],
    )
    contact = StringField(
        _l("How can the holders reach you?"),
        [required(), at_most(notices.MAX_CONTACT)],
        description=_l("Name and telephone or e-mail address; printed in the notices."),
        filters=[stripped],
    )
    seat = SelectField(_l("Where is the licensee seated?"), default=MAINLAND)
    once = HiddenField()

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.seat.choices = options(seats())


@blueprint.route("/basket/take-up", methods=["GET", "POST"])
@access("organisation")
def take_up() -> ResponseReturnValue:
    """The frozen terms of every offer, one statement of use, one button for a notice each."""
    actor = current_actor()
    form = TakeUpForm()
    licensees = may_act_for(actor)
    form.licensee.choices = [(one.id, one.name) for one in licensees]
    if request.method == "GET":
        form.licensee.data = request.args.get("licensee", actor.organisation_id, type=int)
        form.seat.data = registered_seat(licensees) or MAINLAND
        form.contact.data = contact_of(actor)
        form.once.data = secrets.token_hex(16)
    elif form.validate():
        try:
            bundle_id = _begin(actor, form)
        except DomainError as error:
            form.accept(error)
        else:
            services.serve_parts(actor, bundle_id, seconds=SECONDS)
            return redirect(url_for("bundles.show", bundle_id=bundle_id))
    looked = basket.basket(actor, _chosen(actor, form))
    ready = [one for one in looked if one.problem is None]
    if not ready:
        return redirect(url_for("bundles.show_basket"))
    ticked = request.form.getlist("offer", type=int) or [one.offer.id for one in ready]
    return (
        render_template(
            "bundles/take_up.html",
            form=form,
            ready=ready,
            ticked=ticked,
            left_out=len(looked) - len(ready),
            totals=basket.totals(ready),
            answers=[(code, labels.name("technology", code)) for code in ANSWERS],
            said=request.form,
            clauses=clauses_of_each([one.offer.id for one in ready]),
        ),
        422 if form.form_errors else status_of(form),
    )


def _chosen(actor: Actor, form: TakeUpForm) -> int | None:
    chosen: int | None = form.licensee.data
    return chosen if chosen in actor.licensees else None


def _begin(actor: Actor, form: TakeUpForm) -> int:
    """The bundle that this page makes, once however often its button is pressed."""
    wanted = request.form.getlist("offer", type=int)
    digest = request_hash("POST", request.path, repr(sorted(wanted)).encode())
    key = f"take-up:{form.once.data or secrets.token_hex(16)}:{digest}"[:255]
    scope = actor.organisation_id or 0
    with unit_of_work(actor):
        lock(Organisation, scope)  # of two clicks the second one finds what the first has made
        known = recall(scope, key, digest)
        if known is not None:
            return int(known.body["id"])
        bundle = services.begin_bundle(
            actor,
            wanted,
            form.use.data,
            form.contact.data,
            licensee_id=form.licensee.data,
            seat=form.seat.data,
            technology={one: request.form.get(f"technology-{one}", "") for one in wanted},
            terms={one: request.form.get(f"terms-{one}", "") for one in wanted},
            clauses={one: request.form.getlist(f"clauses-{one}", type=int) for one in wanted},
        )
        remember(scope, key, digest, 201, {"id": bundle.id})
        return bundle.id


# --- a bundle


@blueprint.get("/my/bundles")
@access("organisation")
def index() -> ResponseReturnValue:
    """The bundles of one's organisation, newest first."""
    after = request.args.get("after", type=int)
    rows = services.list_bundles(current_actor(), after=after, limit=_SIZE + 1)
    return render_template(
        "bundles/index.html",
        bundles=rows[:_SIZE],
        after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


@blueprint.get("/bundles/<int:bundle_id>")
@access("signed_in")
def show(bundle_id: int) -> ResponseReturnValue:
    """What became of each part, and what is to be paid to whom."""
    actor = current_actor()
    bundle = services.get_bundle(actor, bundle_id)
    given = [part.notice_id for part in bundle.parts if part.notice_id is not None]
    mine = allowed(actor, "bundle.serve", bundle).allowed
    groups = paying.groups(bundle)
    return render_template(
        "bundles/show.html",
        bundle=bundle,
        counts={
            state: sum(part.state == state for part in bundle.parts)
            for state in ("waiting", "served", "refused")
        },
        licences=licences_of(given),
        mine=mine,
        now=_now(bundle) if mine else {},
        groups=groups,
        clauses=named(key for part in bundle.parts for key in part.clauses),
        transfers=[(one, paying.standing(one)) for one in bundle.transfers],
        alone=_alone(groups),
        checkout=request.args.get("checkout"),
    )


def _now(bundle: Bundle) -> dict[int, Looked]:
    """The present terms of parts that were refused because the terms had changed."""
    changed = [part.offer_id for part in bundle.parts if part.problem == "offer-changed"]
    return {one.offer.id: one for one in basket.look(bundle.licensee, changed)} if changed else {}


def _alone(groups: Sequence[paying.Group]) -> list[paying.Due]:
    """What is being paid notice by notice."""
    ids = [one.under_way.id for group in groups for one in group.under_way if one.under_way is not None]
    together = paying.transfers_of(ids)
    return [
        one
        for group in groups
        for one in group.under_way
        if one.under_way is not None and one.under_way.id not in together
    ]


@blueprint.post("/bundles/<int:bundle_id>/serve")
@access("organisation")
def serve(bundle_id: int) -> ResponseReturnValue:
    """Go on with the parts that wait."""
    services.serve_parts(current_actor(), bundle_id, seconds=SECONDS)
    return redirect(url_for("bundles.show", bundle_id=bundle_id))


@blueprint.post("/bundles/<int:bundle_id>/parts/<int:offer_id>/retry")
@access("organisation")
def retry(bundle_id: int, offer_id: int) -> ResponseReturnValue:
    """Try a refused part again, on the terms that the page has shown."""
    actor = current_actor()
    try:
        with unit_of_work(actor):
            services.retry_part(actor, bundle_id, offer_id, terms=request.form.get("terms") or None)
    except Conflict as error:
        flash(sentence_of(error), "warning")
    else:
        services.serve_parts(actor, bundle_id, seconds=SECONDS)
    return redirect(url_for("bundles.show", bundle_id=bundle_id, _anchor=f"part-{offer_id}"))


@blueprint.post("/bundles/<int:bundle_id>/pay")
@access("organisation")
def pay(bundle_id: int) -> ResponseReturnValue:
    """Start one payment for several notices: the bank's details, or the provider's checkout."""
    actor = current_actor()
    channel, chosen = request.form.get("channel", ""), request.form.getlist("notice", type=int)
    try:
        if len(chosen) == 1:  # one alone is paid as any other notice
            payment = payments.start_payment(actor, chosen[0], channel)
            there = url_for("licensing.notice", notice_id=chosen[0], _anchor="pay")
            return redirect(payment.checkout_url or there)
        transfer = paying.start_transfer(actor, bundle_id, channel, chosen)
    except (Conflict, Invalid) as error:
        flash(sentence_of(error), "warning")
        return redirect(url_for("bundles.show", bundle_id=bundle_id, _anchor="pay"))
    if transfer.checkout_url and any(one.state in OPEN_PAYMENT for one in paying.payments_of(transfer)):
        return redirect(transfer.checkout_url)
    return redirect(url_for("bundle_transfers.show", transfer_id=transfer.id))
