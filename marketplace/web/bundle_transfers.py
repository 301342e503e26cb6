"""One payment for several notices: what to write into the transfer, and whether it has arrived."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.convert import InvalidValue, yuan
from marketplace.core.errors import Conflict, DomainError
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals import flags, ledger
from marketplace.deals.bundles import paying
from marketplace.deals.models import OPEN_PAYMENT

from . import formats
from .forms import Form, sentence_of, status_of
from .holder_notices import ConfirmForm

blueprint = Blueprint("bundle_transfers", __name__)


class SlipForm(Form):
    """The bank's slip for all of them."""

    slip = FileField(
        _l("Bank slip"),
        [FileRequired(_l("Please choose the file first."))],
        description=_l("PDF, PNG or JPEG, up to 10 MB. It helps the holder to find your payment."),
    )


@blueprint.get("/transfers/<int:transfer_id>")
@access("signed_in")
def show(transfer_id: int) -> ResponseReturnValue:
    """A transfer for several notices, for the payer and the payee."""
    return _page(transfer_id)


def _page(
    transfer_id: int, form: ConfirmForm | None = None, slip_form: SlipForm | None = None
) -> ResponseReturnValue:
    actor = current_actor()
    transfer = paying.get_transfer(actor, transfer_id)
    attempts = paying.payments_of(transfer)
    come = ledger.standings([one.obligation_id for one in attempts])
    left = {
        one.id: one.obligation.amount_minor - come.get(one.obligation_id, 0)
        for one in attempts
        if one.obligation.state == "open"
    }
    form = form or ConfirmForm(formdata=None, data={"paid_on": clock.today()})
    slip_form = slip_form or SlipForm(formdata=None)
    return (
        render_template(
            "bundles/transfer.html",
            transfer=transfer,
            attempts=attempts,
            left=left,
            left_minor=sum(left.values()),
            state=paying.standing(transfer),
            flags=flags.flags_of([one.id for one in attempts]),
            awaited=any(one.state in OPEN_PAYMENT for one in attempts),
            payer=allowed(actor, "transfer.pay", transfer).allowed,
            payee=allowed(actor, "transfer.confirm", transfer).allowed,
            form=form,
            slip_form=slip_form,
        ),
        max(status_of(one) for one in (form, slip_form)),
    )


@blueprint.post("/transfers/<int:transfer_id>/slip")
@access("organisation")
def slip(transfer_id: int) -> ResponseReturnValue:
    """Keep the bank's slip for the payee."""
    actor = current_actor()
    form = SlipForm()
    if form.validate_on_submit():
        given = form.slip.data
        try:
            with unit_of_work(actor):
                paying.upload_slip(actor, transfer_id, given.read(), given.filename)
        except DomainError as error:
            form.slip.errors = [sentence_of(error)]
        else:
            flash(gettext("The slip is uploaded. The holder is asked to confirm the payment."), "success")
            return redirect(url_for("bundle_transfers.show", transfer_id=transfer_id))
    return _page(transfer_id, slip_form=form)


@blueprint.post("/transfers/<int:transfer_id>/cancel")
@access("organisation")
def cancel(transfer_id: int) -> ResponseReturnValue:
    """Give the payment up, to pay in another way."""
    actor = current_actor()
    with unit_of_work(actor):
        bundle_id = paying.cancel_transfer(actor, transfer_id).bundle_id
    flash(gettext("This attempt is cancelled. Choose how to pay."), "info")
    return redirect(url_for("bundles.show", bundle_id=bundle_id, _anchor="pay"))


@blueprint.post("/transfers/<int:transfer_id>/checkout")
@access("organisation")
def checkout(transfer_id: int) -> ResponseReturnValue:
    """Open the checkout that could not be opened before."""
    try:
        transfer = paying.open_checkout(current_actor(), transfer_id)
    except Conflict as error:
        flash(sentence_of(error), "warning")
        return redirect(url_for("bundle_transfers.show", transfer_id=transfer_id))
    return redirect(transfer.checkout_url or url_for("bundle_transfers.show", transfer_id=transfer_id))


@blueprint.post("/transfers/<int:transfer_id>/confirm")
@access("signed_in")
def confirm(transfer_id: int) -> ResponseReturnValue:
    """State that the transfer has arrived; about another sum than the awaited one the page asks once more."""
    actor = current_actor()
    transfer = paying.get_transfer(actor, transfer_id)
    form = ConfirmForm()
    if form.validate_on_submit():
        try:
            amount = yuan()(form.amount.data) or 0
        except InvalidValue as error:
            form.amount.errors = [error.reason]
            return _page(transfer_id, form=form)
        awaited = sum(
            ledger.remaining(one.obligation)
            for one in paying.payments_of(transfer)
            if one.obligation.state == "open"
        )
        if amount != awaited and not form.sure.data:
            form.amount.errors = [
                gettext(
                    "%(owed)s is awaited, and you entered %(given)s. If this is what arrived, say so below: "
                    "a part pays the notices in their order, and what is too much you have to return.",
                    owed=formats.money(awaited, transfer.currency),
                    given=formats.money(amount, transfer.currency),
                )
            ]
            return _page(transfer_id, form=form)
        try:
            with unit_of_work(actor):
                paying.confirm_transfer(
                    actor, transfer_id, form.paid_on.data, amount, again=bool(form.sure.data)
                )
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Noted. What is paid in full is a licence in effect."), "success")
            return redirect(url_for("bundle_transfers.show", transfer_id=transfer_id))
    return _page(transfer_id, form=form)
