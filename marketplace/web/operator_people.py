"""Accounts and organisations: making, finding, disabling, a new password. No impersonation."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, RadioField, SelectField, StringField, TextAreaField

from marketplace.accounts import administration, confirming, passwords, services
from marketplace.accounts.identity import access, current_actor
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import unit_of_work

from . import labels
from .forms import Form, at_most, optional, options, required, required_when, status_of, stripped
from .operator_frame import blueprint, key_given, words_given

_SIZE = 50


@blueprint.get("/accounts")
@access("operator")
def accounts() -> ResponseReturnValue:
    """Accounts, found by address, name or organisation."""
    q, before = words_given(), key_given("before")
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
    q, before = words_given(), key_given("before")
    rows = administration.find_organisations(current_actor(), q, before=before, size=_SIZE + 1)
    return render_template(
        "operator/organisations.html",
        rows=rows[:_SIZE],
        q=q,
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
        clashes=confirming.open_clashes(current_actor(), limit=_SIZE),
        form=ClashForm(formdata=None),
    )


# --- who they are


class ConfirmForm(Form):
    """What confirms who an organisation is."""

    how = RadioField(
        _l("What confirms it?"),
        [required(_l("Please choose one."))],
        choices=options((code, labels.name("confirmed_how", code)) for code in confirming.STATED_BY_PEOPLE),
    )
    code = StringField(
        _l("Unified social credit code"),
        [optional(), at_most(18)],
        description=_l("As in the documents. Another organisation that only states this code keeps it so."),
        filters=[stripped],
    )
    source = StringField(
        _l("What does it rest on?"),
        [required(), at_most(200)],
        description=_l("Which document of which day, or who at the bureau said so."),
        filters=[stripped],
    )


class ClashForm(Form):
    """What was found about two organisations with one code."""

    note = TextAreaField(_l("What was done?"), [required(), at_most(2000)], filters=[stripped])
    remove_code = BooleanField(_l("Take the code away from the one that only states it"))


@blueprint.route("/organisations/<int:organisation_id>", methods=["GET", "POST"])
@access("operator")
def organisation(organisation_id: int) -> ResponseReturnValue:
    """Who an organisation is by its own word, and confirming it."""
    actor, found = current_actor(), services.get_organisation(organisation_id)
    form = ConfirmForm(data={"code": found.code, "how": "documents"})
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                confirming.confirm_organisation(
                    actor, organisation_id, how=form.how.data, source=form.source.data, code=form.code.data
                )
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The identity is confirmed."), "success")
            return redirect(url_for("operator.organisation", organisation_id=organisation_id))
    return render_template("operator/organisation.html", one=found, form=form), status_of(form)


@blueprint.post("/organisations/<int:organisation_id>/doubt")
@access("operator")
def doubt(organisation_id: int) -> ResponseReturnValue:
    """Take a confirmation back."""
    actor = current_actor()
    with unit_of_work(actor):
        confirming.doubt_organisation(actor, organisation_id)
    flash(gettext("The confirmation is taken back."), "info")
    return redirect(url_for("operator.organisation", organisation_id=organisation_id))


@blueprint.post("/clashes/<int:clash_id>")
@access("operator")
def resolve_clash(clash_id: int) -> ResponseReturnValue:
    """Close a clash of codes, saying what was found."""
    actor, form = current_actor(), ClashForm()
    if form.validate_on_submit():
        with unit_of_work(actor):
            confirming.resolve_clash(actor, clash_id, form.note.data, remove_code=form.remove_code.data)
        flash(gettext("Noted."), "success")
    else:
        flash(gettext("Please say what was done."), "danger")
    return redirect(url_for("operator.organisations"))


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
        [required_when(_l("needed for firms, holders and agencies")), at_most(200)],
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
                if form.role.data in ("bureau", "operator") and (form.organisation.data or form.code.data):
                    message = gettext("Bureau and operators act for no organisation: leave this empty.")
                    raise Invalid("staff-alone", message, fields={"organisation": [message]})
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
