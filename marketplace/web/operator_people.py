"""Accounts and organisations: making, finding, disabling, a new password. No impersonation."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, SelectField, StringField

from marketplace.accounts import administration, passwords, services
from marketplace.accounts.identity import access, current_actor
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import unit_of_work

from . import labels
from .forms import Form, at_most, optional, options, required, status_of, stripped
from .operator_frame import blueprint

_SIZE = 50


@blueprint.get("/accounts")
@access("operator")
def accounts() -> ResponseReturnValue:
    """Accounts, found by address, name or organisation."""
    q, before = request.args.get("q", "").strip()[:200], request.args.get("before", type=int)
    rows = administration.find_users(current_actor(), q, before=before, size=_SIZE + 1)
    return render_template(
        "operator/accounts.html",
        rows=rows[:_SIZE],
        q=q,
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


@blueprint.get("/organisations")
@access("operator")
def organisations() -> ResponseReturnValue:
    """Organisations, with who acts for them."""
    q, before = request.args.get("q", "").strip()[:200], request.args.get("before", type=int)
    rows = administration.find_organisations(current_actor(), q, before=before, size=_SIZE + 1)
    return render_template(
        "operator/organisations.html",
        rows=rows[:_SIZE],
        q=q,
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
    )


class AccountForm(Form):
    """A new account. Its password is made here and shown once."""

    email = EmailField(_l("E-mail address"), [required(), at_most(254)], filters=[stripped])
    name = StringField(_l("Name"), [required(), at_most(100)], filters=[stripped])
    role = SelectField(
        _l("Role"),
        [required()],
        choices=options((code, labels.name("role", code)) for code in services.ROLES),
    )
    organisation = StringField(
        _l("Organisation"),
        [optional(), at_most(200)],
        description=_l("Exact name; it is made if it is not known. Not for bureau and operators."),
        filters=[stripped],
    )
    code = StringField(_l("Unified social credit code"), [optional(), at_most(18)], filters=[stripped])


@blueprint.route("/accounts/new", methods=["GET", "POST"])
@access("operator")
def new_account() -> ResponseReturnValue:
    """Make an account; the password is shown once."""
    actor, form = current_actor(), AccountForm()
    if form.validate_on_submit():
        password = administration.new_password()
        password_hash = passwords.hash_password(password)
        try:
            with unit_of_work(actor):
                require(actor, "account.create")
                if services.user_by_email(services.clean_email(form.email.data)) is not None:
                    message = gettext("There is an account with this address already.")
                    raise Invalid("email-taken", message, fields={"email": [message]})
                user, _ = services.create_account(
                    services.NewAccount(
                        email=form.email.data,
                        role=form.role.data,
                        organisation=form.organisation.data or None,
                        code=form.code.data or None,
                        name=form.name.data,
                        password_hash=password_hash,
                    )
                )
                email = user.email
        except DomainError as error:
            form.accept(error)
        else:
            return _password_page(email, password)
    return render_template("operator/account_form.html", form=form), status_of(form)


def _password_page(email: str, password: str) -> ResponseReturnValue:
    """Shown once, and kept by no cache."""
    answer = render_template("operator/password.html", email=email, password=password)
    return answer, 200, {"Cache-Control": "no-store"}


@blueprint.post("/accounts/<int:user_id>/password")
@access("operator")
def reset_password(user_id: int) -> ResponseReturnValue:
    """Give an account a new password, shown once."""
    actor = current_actor()
    password = administration.new_password()
    password_hash = passwords.hash_password(password)
    with unit_of_work(actor):
        email = administration.set_password(actor, user_id, password_hash).email
    return _password_page(email, password)


@blueprint.post("/accounts/<int:user_id>/<deed>")
@access("operator")
def account_deed(user_id: int, deed: str) -> ResponseReturnValue:
    """Disable an account, or enable it again."""
    if deed not in ("enable", "disable"):
        raise NotFound("step-unknown", "There is no such step.")
    actor = current_actor()
    with unit_of_work(actor):
        administration.set_active(actor, user_id, deed == "enable")
    flash(
        gettext("The account can sign in again.")
        if deed == "enable"
        else gettext("The account is disabled."),
        "success",
    )
    return redirect(url_for("operator.accounts", q=request.form.get("q") or None))
