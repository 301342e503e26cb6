"""Signing in and out, signing up, the second factor, and the page of one's own organisation."""

from __future__ import annotations

from typing import Any

import pyotp
import segno
import sqlalchemy as sa
from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from flask_login import current_user, login_user, logout_user
from wtforms import (
    BooleanField,
    EmailField,
    PasswordField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import Email, Length, Regexp

from marketplace.accounts import members, passwords, past, recovery, services, verifying
from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Invitation, Organisation, Token, User
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.permissions import allowed
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.extensions import limiter
from marketplace.notifications.passwords import TASK as MAIL_PASSWORD_LINK

from . import labels
from .forms import Form, at_most, optional, options, required, status_of, stripped
from .people import past_value, shown_address_link
from .shell import safe_next

blueprint = Blueprint("account", __name__)

SELECTED_TYPES = ("university", "institute", "hospital", "enterprise")
SELF_SIGN_UP = ("firm", "holder", "individual", "manager")
_ISSUER = "Patent Open Licensing"
_PENDING = "pending_user"
_WAIT_FOR_SECOND_FACTOR = 10 * 60  # seconds
# `hash_password` refuses it too; here it is said together with the other fields' faults.
_LONG_ENOUGH = Length(
    min=passwords.MINIMUM_LENGTH, message=_l("Please choose a password of at least 10 characters.")
)


# --- signing in


class SignInForm(Form):
    """Address and password."""

    email = EmailField(_l("E-mail address"), [required()], filters=[stripped])
    password = PasswordField(_l("Password"), [required()])
    remember = BooleanField(_l("Keep me signed in on this device"))


@blueprint.route("/sign-in", methods=["GET", "POST"])
@access("public")
@limiter.limit("10 per minute", methods=["POST"])
def sign_in() -> ResponseReturnValue:
    """Sign in; staff go on to their second factor (not in the demonstration)."""
    following = safe_next(request.values.get("next"))
    if current_user.is_authenticated:
        return redirect(following or url_for("home.index"))
    form = SignInForm()
    if form.validate_on_submit():
        user = services.user_by_email(form.email.data)
        matches = passwords.password_matches(user.password_hash if user else None, form.password.data)
        if user is None or not matches or not user.active:
            form.form_errors = [gettext("The e-mail address or the password is not right.")]
        elif user.staff_role and current_app.config["SETTINGS"].production:
            session[_PENDING] = {"id": user.id, "at": clock.now().timestamp(), "next": following}
            return redirect(url_for("account.second_factor" if user.totp_secret else "account.enrol"))
        else:
            return _enter(user, following, remember=form.remember.data)
    return render_template("account/sign_in.html", form=form, following=following), status_of(form)


def _enter(user: User, following: str | None, *, remember: bool = False) -> ResponseReturnValue:
    kept = session.get("locale")
    session.clear()  # nothing that was put into the visitor's session lives on in the user's
    login_user(user, remember=remember)
    # A language chosen before signing in stands; else the account's, unless it is the default for all.
    if kept or user.locale != "zh":
        session["locale"] = kept or user.locale
    return redirect(following or _first_page(user))


def _first_page(user: User) -> str:
    wanted = {"bureau": "bureau.home", "operator": "operator.home"}.get(user.staff_role or "", "home.index")
    return url_for(wanted)


@blueprint.post("/sign-out")
@access("public")
def sign_out() -> ResponseReturnValue:
    """Sign out; the language stays."""
    kept = session.get("locale")
    logout_user()
    session.clear()
    if kept:
        session["locale"] = kept
    flash(gettext("You are signed out."), "success")
    response = redirect(url_for("home.index"))
    response.delete_cookie(current_app.config.get("REMEMBER_COOKIE_NAME", "remember_token"))
    return response


class CodeForm(Form):
    """Six digits from the authenticator."""

    code = StringField(
        _l("Code from your authenticator app"),
        [required(), Regexp(r"^\d{6}$", message=_l("Please give the six digits."))],
        filters=[lambda value: value.replace(" ", "") if value else value],
    )


def _pending() -> User:
    """The person whose password was right and whose second factor is still to come."""
    waiting = session.get(_PENDING)
    if not waiting or clock.now().timestamp() - waiting["at"] > _WAIT_FOR_SECOND_FACTOR:
        session.pop(_PENDING, None)
        abort(redirect(url_for("account.sign_in")))
    user = db.session.get(User, waiting["id"])
    if user is None or not user.active:
        abort(redirect(url_for("account.sign_in")))
    return user


@blueprint.route("/sign-in/code", methods=["GET", "POST"])
@access("public")
@limiter.limit("5 per minute", methods=["POST"])
def second_factor() -> ResponseReturnValue:
    """The second factor of bureau and operators."""
    user = _pending()
    if not user.totp_secret:
        return redirect(url_for("account.enrol"))
    form = CodeForm()
    if form.validate_on_submit():
        user_id = user.id
        with unit_of_work(Actor(user_id=user_id)):
            right = services.use_code(user_id, form.code.data)
        if right:
            return _enter(db.session.get_one(User, user_id), session[_PENDING]["next"])
        form.code.errors = [gettext("This code is not right, or its time is over.")]
    return render_template("account/second_factor.html", form=form), status_of(form)


@blueprint.route("/sign-in/enrol", methods=["GET", "POST"])
@access("public")
@limiter.limit("10 per minute", methods=["POST"])
def enrol() -> ResponseReturnValue:
    """Set the second factor up: scan, then prove it once."""
    user = _pending()
    if user.totp_secret:
        return redirect(url_for("account.second_factor"))
    secret = session.setdefault("totp_offer", pyotp.random_base32())
    form = CodeForm()
    totp = pyotp.TOTP(secret)
    if form.validate_on_submit():
        if totp.verify(form.code.data, for_time=clock.now(), valid_window=1):
            following = session[_PENDING]["next"]
            user_id = user.id
            with unit_of_work(Actor(user_id=user_id)):
                user = services.set_second_factor(user_id, secret)
                services.use_code(user_id, form.code.data)
            return _enter(user, following)
        form.code.errors = [gettext("This code is not right, or its time is over.")]
    picture = segno.make(totp.provisioning_uri(name=user.email, issuer_name=_ISSUER)).svg_data_uri(scale=5)
    return render_template("account/enrol.html", form=form, picture=picture, secret=secret), status_of(form)


# --- a forgotten password, and changing one's own


class ForgottenForm(Form):
    """Whom to send the link to."""

    email = EmailField(
        _l("E-mail address"),
        [required(), at_most(254), Email(_l("Please give a valid e-mail address."))],
        filters=[stripped],
    )


class NewPasswordForm(Form):
    """A new password."""

    password = PasswordField(
        _l("New password"),
        [required(), _LONG_ENOUGH],
        description=_l("At least 10 characters."),
        id="new_password",
    )


class ChangePasswordForm(NewPasswordForm):
    """A new password, and the present one as proof."""

    present = PasswordField(_l("Present password"), [required()], id="present_password")


@blueprint.route("/sign-in/forgotten", methods=["GET", "POST"])
@access("public")
@limiter.limit("10 per hour", methods=["POST"])
def forgotten() -> ResponseReturnValue:
    """Ask for a link by mail. The answer is the same whether there is such an account or not."""
    form = ForgottenForm()
    sent = False
    if form.validate_on_submit():
        user = services.user_by_email(form.email.data)
        if user is not None and user.active:
            user_id = user.id
            with unit_of_work(SYSTEM):
                enqueue(MAIL_PASSWORD_LINK, key=str(user_id), user_id=user_id)
        sent = True
    return render_template("account/forgotten.html", form=form, sent=sent), status_of(form)


@blueprint.route("/sign-in/reset/<code>", methods=["GET", "POST"])
@access("public")
@limiter.limit("10 per minute", methods=["POST"])
def reset(code: str) -> ResponseReturnValue:
    """Choose a new password, with the link from the mail; then sign in with it."""
    user = recovery.user_of_code(code)
    form = NewPasswordForm()
    if user is None:
        return render_template("account/reset.html", form=None), 404
    if form.validate_on_submit() and _keep_password(user.id, form):
        flash(gettext("Your new password is kept. Please sign in with it."), "success")
        return redirect(url_for("account.sign_in"))
    return render_template("account/reset.html", form=form), status_of(form)


def _keep_password(user_id: int, form: NewPasswordForm) -> bool:
    """Whether the form's password was good enough, and is kept now."""
    try:
        password_hash = passwords.hash_password(form.password.data)
    except Invalid as error:
        form.accept(error)
        return False
    with unit_of_work(Actor(user_id=user_id)):
        recovery.set_own_password(user_id, password_hash)
    return True


@blueprint.post("/account/password")
@access("signed_in")
@limiter.limit("10 per hour", deduct_when=lambda response: response.status_code != 302)
def change_password() -> ResponseReturnValue:
    """Change one's password: other devices are signed out, this one stays."""
    form = ChangePasswordForm()
    if form.validate_on_submit():
        user_id = current_user.id
        if not passwords.password_matches(current_user.password_hash, form.present.data):
            form.present.errors = [gettext("This is not your present password.")]
        elif _keep_password(user_id, form):
            login_user(db.session.get_one(User, user_id))
            flash(gettext("Your new password is kept. Other devices are signed out."), "success")
            return redirect(url_for("account.settings"))
    return _settings_page(password_form=form)


# --- signing up


class SignUpForm(Form):
    """An account, and the organisation it joins."""

    organisation = StringField(_l("Name of the organisation"), [required(), at_most(200)], filters=[stripped])
    code = StringField(_l("Unified social credit code"), [optional(), at_most(18)], filters=[stripped])
    organisation_type = SelectField(_l("Type of organisation"), [required()])
    region = SelectField(_l("District"), [optional()])
    name = StringField(_l("Your name"), [required(), at_most(100)], filters=[stripped])
    email = EmailField(
        _l("E-mail address"),
        [required(), at_most(254), Email(_l("Please give a valid e-mail address."))],
        filters=[stripped],
    )
    password = PasswordField(
        _l("Password"), [required(), _LONG_ENOUGH], description=_l("At least 10 characters.")
    )


def _sign_up_form(role: str) -> SignUpForm:
    form = SignUpForm()
    region = current_app.config["SETTINGS"].region
    form.region.choices = [("", gettext("Elsewhere or not given")), *labels.districts(region)]
    types = {
        "firm": ("enterprise",),
        "holder": ("university", "institute", "hospital", "enterprise"),
        "manager": ("agency",),
        "individual": ("individual",),
    }[role]
    form.organisation_type.choices = [(code, labels.name("owner_type", code)) for code in types]
    if len(types) == 1:
        del form.organisation_type
    if role == "individual":
        del form.organisation
        del form.code
    return form


@blueprint.get("/sign-up")
@access("public")
def sign_up() -> ResponseReturnValue:
    """First question: who are you?"""
    return render_template("account/sign_up.html", roles=SELF_SIGN_UP)


@blueprint.route("/sign-up/<role>", methods=["GET", "POST"])
@access("public")
@limiter.limit("10 per hour", methods=["POST"], deduct_when=lambda response: response.status_code == 302)
def sign_up_as(role: str) -> ResponseReturnValue:
    """Second question: the account and its organisation."""
    if role not in SELF_SIGN_UP:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    following = safe_next(request.args.get("next"))
    form, invited = _sign_up_form(role), _invited(following)
    if invited is not None:
        if role != "individual":
            return redirect(url_for("account.sign_up_as", role="individual", next=following))
        del form.region
    if invited is not None and request.method == "GET":
        form.email.data = invited.email
    if form.validate_on_submit():
        try:
            new = services.NewAccount(
                email=form.email.data,
                role=role,
                organisation=form.organisation.data if "organisation" in form else form.name.data,
                code=(form.code.data or None) if "code" in form else None,
                name=form.name.data,
                password_hash=passwords.hash_password(form.password.data),
                organisation_type=form.organisation_type.data if "organisation_type" in form else None,
                region=(form.region.data or None) if "region" in form else None,
            )
            locale = "en" if str(get_locale()) == "en" else "zh"
            with unit_of_work(SYSTEM):
                if invited is not None:
                    user = members.sign_up_invited(new, _invitation_token(following), locale=locale)
                else:
                    user = services.sign_up(new, locale=locale)
        except Invalid as error:
            form.accept(error)
        else:
            flash(gettext("Welcome. Your account is ready."), "success")
            return _enter(user, None if invited is not None else following)
    return render_template("account/sign_up_as.html", form=form, role=role, invited=invited), status_of(form)


def _invited(following: str | None) -> Invitation | None:
    """The open invitation that somebody comes from who signs up."""
    token = _invitation_token(following)
    return members.invitation_of(token) if token else None


def _invitation_token(following: str | None) -> str:
    before, _, token = (following or "").rpartition("/")
    return token if before == "/invitations" else ""


# --- acting for an organisation


@blueprint.post("/account/act-for")
@access("signed_in")
def act_for() -> ResponseReturnValue:
    """Switch to another of one's organisations."""
    chosen = request.form.get("organisation", type=int)
    if all(membership.organisation_id != chosen for membership in current_user.memberships):
        raise NotFound("organisation-not-found", "There is no such organisation.")
    session["organisation_id"] = chosen
    return redirect(url_for("home.index"))


# --- the account page


class OrganisationForm(Form):
    """What an organisation says of itself, and where its money goes."""

    name_en = StringField(_l("English name"), [optional(), at_most(200)], filters=[stripped])
    type = SelectField(_l("Type of organisation"), [required()])
    region = SelectField(_l("District"), [optional()])
    state_established = RadioField(
        _l("Established by the state?"),
        [optional()],
        choices=options((("yes", _l("Yes")), ("no", _l("No")))),
        validate_choice=False,
        description=_l(
            "State-established universities and institutes publish the price they intend to take "
            "(Law on Promoting the Transformation of Scientific and Technological Achievements 18)."
        ),
    )
    bank_account_name = StringField(_l("Account name"), [optional(), at_most(200)], filters=[stripped])
    bank_name = StringField(_l("Bank and branch"), [optional(), at_most(200)], filters=[stripped])
    bank_account = StringField(
        _l("Account number"),
        [
            optional(),
            at_most(64),
            Regexp(r"^[0-9A-Za-z \-]*$", message=_l("Only digits, letters and blanks.")),
        ],
        filters=[stripped],
    )
    stripe_account = StringField(
        _l("Stripe account"),
        [
            optional(),
            Regexp(r"^acct_[0-9A-Za-z]{4,60}$", message=_l("It begins with acct_, then letters and digits.")),
        ],
        filters=[stripped],
    )


class TokenForm(Form):
    """A token for a program."""

    label = StringField(_l("What is it for?"), [required(), at_most(80)], filters=[stripped])
    scopes = SelectMultipleField(
        _l("What may it do?"),
        [required(_l("Please choose at least one."))],
        choices=options((("read", _l("Read")), ("write", _l("Read and write")))),
    )


@blueprint.get("/account")
@access("signed_in")
def settings() -> ResponseReturnValue:
    """One's account and organisation."""
    return _settings_page()


def _settings_page(**forms: Any) -> ResponseReturnValue:
    actor = current_actor()
    organisation = db.session.get(Organisation, actor.organisation_id) if actor.organisation_id else None
    tokens = db.session.scalars(
        sa.select(Token)
        .where(Token.user_id == actor.user_id, Token.revoked_at.is_(None))
        .order_by(Token.id.desc())
    ).all()
    form = forms.get("form") or _organisation_form(organisation)
    refused = any(made.errors or made.form_errors for made in forms.values() if isinstance(made, Form))
    return (
        render_template(
            "account/settings.html",
            organisation=organisation,
            tokens=tokens,
            form=form,
            token_form=forms.get("token_form") or TokenForm(formdata=None),
            decides=organisation is not None and allowed(actor, "organisation.edit", organisation).allowed,
            level=_level(actor.organisation_id),
            verification=verifying.state_of(organisation) if organisation is not None else None,
            before=past.past_of(organisation.id) if organisation is not None else [],
            past_value=past_value,
            address_link=shown_address_link(),
            password_form=forms.get("password_form") or ChangePasswordForm(formdata=None),
            new_token=forms.get("new_token"),
        ),
        422 if refused else 200,
    )


def _level(organisation_id: int | None) -> str | None:
    """The level that the person has in an organisation."""
    return next(
        (one.level for one in current_user.memberships if one.organisation_id == organisation_id), None
    )


def _organisation_form(organisation: Organisation | None) -> OrganisationForm | None:
    if organisation is None:
        return None
    form = OrganisationForm(obj=organisation) if request.method == "GET" else OrganisationForm()
    if request.method == "GET":
        said = {True: "yes", False: "no", None: None}
        form.state_established.data = said[organisation.state_established]
    if organisation.type in services.OWNER_TYPES:
        form.type.choices = [(code, labels.name("owner_type", code)) for code in SELECTED_TYPES]
        if request.method == "POST" and "type" not in request.form:
            form.type.data = organisation.type
    else:
        del form.type
    if organisation.type not in ("university", "institute", "hospital"):
        del form.state_established
    form.region.choices = [
        ("", gettext("Elsewhere or not given")),
        *labels.districts(current_app.config["SETTINGS"].region),
    ]
    if organisation.region and all(organisation.region != code for code, _ in form.region.choices):
        form.region.choices.append((organisation.region, labels.district(organisation.region)))
    return form


@blueprint.post("/account/organisation")
@access("organisation")
def save_organisation() -> ResponseReturnValue:
    """Change the organisation's data."""
    actor = current_actor()
    form = _organisation_form(services.get_organisation(actor.organisation_id or 0))
    if form is not None and form.validate_on_submit():
        values: dict[str, str | bool | None] = {
            name: (value or None) for name, value in form.data.items() if name != "csrf_token"
        }
        said = {"yes": True, "no": False}.get(str(values.pop("state_established", None)))
        if said is not None:
            values["state_established"] = said
        with unit_of_work(actor):
            services.edit_organisation(actor, actor.organisation_id or 0, values)
        flash(gettext("Saved."), "success")
        return redirect(url_for("account.settings"))
    return _settings_page(form=form)


@blueprint.post("/account/tokens")
@access("signed_in")
def create_token() -> ResponseReturnValue:
    """Make a token; it is shown once."""
    actor = current_actor()
    form = TokenForm()
    if not form.validate_on_submit():
        return _settings_page(token_form=form)
    scopes = frozenset(form.scopes.data) | ({"read"} if "write" in form.scopes.data else frozenset())
    with unit_of_work(actor):
        plain = services.create_token(
            db.session.get_one(User, actor.user_id), scopes, actor.organisation_id, form.label.data
        )
    return _settings_page(new_token=plain)


@blueprint.post("/account/tokens/<int:token_id>/revoke")
@access("signed_in")
def revoke_token(token_id: int) -> ResponseReturnValue:
    """End a token at once."""
    actor = current_actor()
    found = db.session.get(Token, token_id)
    if found is None or found.user_id != actor.user_id:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    with unit_of_work(actor):
        services.revoke_token(lock(Token, token_id))
    flash(gettext("The token does not work any more."), "success")
    return redirect(url_for("account.settings", _anchor="tokens"))
