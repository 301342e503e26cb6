"""People and their organisations: members, invitations, verification, mandates, and being forgotten."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import (
    Blueprint,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import DateField, EmailField, RadioField, StringField, TextAreaField
from wtforms.validators import Email

from marketplace.accounts import addresses, confirming, erasing, mandates, members, services, verifying
from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.levels import LEVELS
from marketplace.accounts.models import Mandate, Organisation, OrganisationPast
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.extensions import limiter

from . import labels
from .downloads import kept
from .forms import Form, at_most, optional, options, required, stripped

blueprint = Blueprint("people", __name__)

MANDATE_SCOPES = ("holder", "licensee", "both")


def _own() -> tuple[Actor, Organisation]:
    """The actor, and the organisation acted for (which the view's access level has asked for)."""
    actor = current_actor()
    return actor, services.get_organisation(actor.organisation_id or 0)


def uploaded(field: Any) -> tuple[str, bytes] | None:
    """Name and content of what a file field was given, None for nothing."""
    given = field.data
    if not isinstance(given, FileStorage) or not given.filename:
        return None
    return given.filename, given.read()


# --- one's address


@blueprint.route("/account/address/<code>", methods=["GET", "POST"])
@access("public")
@limiter.limit("30 per hour", methods=["POST"])
def address(code: str) -> ResponseReturnValue:
    """Show that an address is one's own, with the mailed link. Opening it changes nothing: scanners do."""
    user = addresses.user_of_code(code)
    if user is None:
        return render_template("account/address.html", user=None, form=None), 404
    form = Form()
    if form.validate_on_submit():
        user_id = user.id
        with unit_of_work(Actor(user_id=user_id)):
            addresses.prove_address(user_id)
        flash(gettext("Your e-mail address is confirmed."), "success")
        return redirect(url_for("account.settings" if current_user.is_authenticated else "account.sign_in"))
    return render_template("account/address.html", user=user, form=form)


@blueprint.post("/account/address")
@access("signed_in")
@limiter.limit("5 per hour")
def send_address_link() -> ResponseReturnValue:
    """Have the link sent once more."""
    user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user itself
    with unit_of_work(current_actor()):
        addresses.send_link(user)
    flash(gettext("The link is on its way to %(address)s.", address=user.email), "success")
    return redirect(url_for("account.settings"))


# --- members


class InviteForm(Form):
    """Whom to invite."""

    email = EmailField(
        _l("E-mail address"),
        [required(), at_most(254), Email(_l("Please give a valid e-mail address."))],
        filters=[stripped],
        id="invited",
    )
    level = RadioField(
        _l("What may this person do?"),
        [required(_l("Please choose one."))],
        choices=options((code, labels.name("level", code)) for code in LEVELS),
        default="editor",
    )


@blueprint.route("/account/members", methods=["GET", "POST"])
@access("organisation")
@limiter.limit("30 per hour", methods=["POST"])
def people() -> ResponseReturnValue:
    """Who acts for one's organisation, whom it has invited, who asks to join; and inviting somebody."""
    actor, organisation = _own()
    form = InviteForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                members.invite(
                    actor,
                    organisation.id,
                    form.email.data,
                    form.level.data,
                    locale="en" if str(get_locale()) == "en" else "zh",
                )
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The invitation is on its way. The link works once, for 14 days."), "success")
            return redirect(url_for("people.people"))
    return (
        render_template(
            "account/members.html",
            organisation=organisation,
            rows=members.members_of(actor, organisation.id),
            invitations=members.open_invitations(actor, organisation.id),
            requests=members.open_requests(actor, organisation.id),
            decides=allowed(actor, "member.change", organisation).allowed,
            levels=list(LEVELS),
            now=clock.now(),
            form=form,
            link=_shown_link,
        ),
        422 if form.errors or getattr(form, "form_errors", None) else 200,
    )


def _shown_link(invitation: Any) -> str | None:
    """The demonstration sends no mail, so that its links are shown to whoever had them made."""
    if current_app.config["SETTINGS"].production:
        return None
    return url_for("people.invitation", token=members.link_token(invitation))


@blueprint.post("/account/members/<int:user_id>/level")
@access("organisation")
def set_level(user_id: int) -> ResponseReturnValue:
    """Change what a member may do."""
    actor, organisation = _own()
    with unit_of_work(actor):
        members.set_level(actor, organisation.id, user_id, request.form.get("level", ""))
    flash(gettext("Saved."), "success")
    return redirect(url_for("people.people"))


@blueprint.post("/account/members/<int:user_id>/remove")
@access("organisation")
def remove_member(user_id: int) -> ResponseReturnValue:
    """End a membership: a colleague's, or one's own."""
    actor, organisation = _own()
    with unit_of_work(actor):
        members.remove_member(actor, organisation.id, user_id)
    if user_id == actor.user_id:
        flash(gettext("You do not act for this organisation any more."), "success")
        return redirect(url_for("account.settings"))
    flash(gettext("This person does not act for the organisation any more."), "success")
    return redirect(url_for("people.people"))


@blueprint.post("/account/invitations/<int:invitation_id>/revoke")
@access("organisation")
def revoke_invitation(invitation_id: int) -> ResponseReturnValue:
    """Make an invitation void."""
    actor = current_actor()
    with unit_of_work(actor):
        members.revoke_invitation(actor, invitation_id)
    flash(gettext("The invitation is void."), "success")
    return redirect(url_for("people.people"))


@blueprint.post("/account/requests/<int:request_id>/<deed>")
@access("signed_in")
def answer_request(request_id: int, deed: str) -> ResponseReturnValue:
    """Answer a request to join, or take one's own back."""
    if deed not in ("accept", "refuse", "withdraw"):
        raise NotFound("step-unknown", "There is no such step.")
    actor = current_actor()
    with unit_of_work(actor):
        members.answer_request(actor, request_id, deed, level=request.form.get("level") or "viewer")
    flash(gettext("Noted."), "success")
    if deed == "withdraw":
        return redirect(url_for("people.join"))
    return redirect(url_for("operator.organisations" if actor.is_operator else "people.people"))


@blueprint.route("/invitations/<token>", methods=["GET", "POST"])
@access("public")
@limiter.limit("30 per hour", methods=["POST"])
def invitation(token: str) -> ResponseReturnValue:
    """Accept an invitation, with the mailed link; who has no account yet makes one first."""
    found = members.invitation_of(token)
    if found is None:
        return render_template("account/invitation.html", invitation=None, form=None), 404
    form = Form()
    if form.validate_on_submit():
        actor = current_actor()
        if actor.user_id is None:
            return redirect(url_for("account.sign_in", next=url_for("people.invitation", token=token)))
        try:
            with unit_of_work(Actor(user_id=actor.user_id)):
                members.accept_invitation(actor.user_id, token)
        except DomainError as error:
            form.form_errors = [gettext(error.message, **error.parameters)]
        else:
            # Whoever follows an invitation means to work for that organisation next.
            session["organisation_id"] = found.organisation_id
            flash(gettext("You may act for this organisation now."), "success")
            return redirect(url_for("account.settings"))
    return render_template("account/invitation.html", invitation=found, form=form, token=token), (
        422 if getattr(form, "form_errors", None) else 200
    )


# --- joining an organisation


class JoinForm(Form):
    """Which organisation, and a word to those who answer."""

    organisation = StringField(
        _l("Organisation: exact name or credit code"), [required(), at_most(200)], filters=[stripped]
    )
    message = TextAreaField(
        _l("A word to its administrators"), [optional(), at_most(500)], filters=[stripped]
    )


@blueprint.route("/account/join", methods=["GET", "POST"])
@access("signed_in")
@limiter.limit("10 per hour", methods=["POST"])
def join() -> ResponseReturnValue:
    """Ask to act for an organisation that is known here."""
    actor, form = current_actor(), JoinForm()
    if form.validate_on_submit():
        found = _named(form.organisation.data)
        if found is None:
            form.organisation.errors = [gettext("There is no organisation with this name or code here.")]
        else:
            try:
                with unit_of_work(actor):
                    members.ask_to_join(actor, found.id, form.message.data)
            except DomainError as error:
                form.accept(error)
            else:
                flash(gettext("You have asked. You are told by mail when there is an answer."), "success")
                return redirect(url_for("people.join"))
    refused = form.errors or getattr(form, "form_errors", None)
    return render_template("account/join.html", form=form, rows=members.own_requests(actor)), (
        422 if refused else 200
    )


def _named(text: str) -> Organisation | None:
    try:
        code = confirming.clean_code(text)
    except DomainError:
        code = None
    return services.find_organisation(None if code else text, code)


# --- mandates


class MandateForm(Form):
    """A power of attorney for an agency."""

    agent = StringField(
        _l("Agency: exact name or credit code"), [required(), at_most(200)], filters=[stripped]
    )
    scope = RadioField(
        _l("It may act for you"),
        [required()],
        choices=options((code, labels.name("mandate_scope", code)) for code in MANDATE_SCOPES),
        default="holder",
    )
    until = DateField(_l("Until (inclusive)"), [required()])
    paper = FileField(
        _l("Signed power of attorney"),
        [optional()],
        description=_l("PDF, PNG or JPEG, at most 10 MB. Both of you and staff can see it."),
    )


@blueprint.route("/account/mandates", methods=["GET", "POST"])
@access("organisation")
@limiter.limit("30 per hour", methods=["POST"])
def powers() -> ResponseReturnValue:
    """Powers of attorney given and received, those that are over too; and giving one."""
    actor, organisation = _own()
    form = MandateForm()
    if request.method == "GET":
        form.until.data = clock.today() + dt.timedelta(days=365)
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                mandates.mandate_agency(
                    actor,
                    organisation.id,
                    agency=form.agent.data,
                    scope=form.scope.data,
                    until=form.until.data,
                    paper=uploaded(form.paper),
                )
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The agency is asked; it may act for you once it has accepted."), "success")
            return redirect(url_for("people.powers"))
    given, received = mandates.mandates_of(organisation.id)
    return (
        render_template(
            "account/mandates.html",
            organisation=organisation,
            given=_by_life(given),
            received=_by_life(received),
            decides=allowed(actor, "mandate.grant", organisation).allowed,
            form=form,
            state=mandate_state,
        ),
        422 if form.errors or getattr(form, "form_errors", None) else 200,
    )


def mandate_state(mandate: Mandate) -> str:
    """The state as it is shown: one in force whose last day has passed is over."""
    over = mandate.state in ("given", "accepted") and mandate.valid_to < clock.today()
    return "over" if over else mandate.state


def _by_life(rows: Sequence[Mandate]) -> tuple[list[Mandate], list[Mandate]]:
    """Those that live, and those that are history."""
    living = [row for row in rows if mandate_state(row) in ("given", "accepted")]
    return living, [row for row in rows if row not in living]


@blueprint.post("/account/mandates/<int:mandate_id>/<deed>")
@access("organisation")
def answer_mandate(mandate_id: int, deed: str) -> ResponseReturnValue:
    """Accept, decline or end a power of attorney."""
    actor = current_actor()
    if deed not in ("accept", "decline", "revoke"):
        raise NotFound("step-unknown", "There is no such step.")
    with unit_of_work(actor):
        if deed == "revoke":
            mandates.revoke_mandate(actor, mandate_id)
        else:
            mandates.answer_mandate(actor, mandate_id, deed)
    said = {
        "accept": _l("You may act for this organisation from now on."),
        "decline": _l("The power of attorney is declined."),
        "revoke": _l("The power of attorney has ended."),
    }
    flash(str(said[deed]), "success")
    return redirect(url_for("people.powers"))


@blueprint.get("/account/mandates/<int:mandate_id>/paper")
@access("signed_in")
def mandate_paper(mandate_id: int) -> ResponseReturnValue:
    """The signed power of attorney."""
    return kept(mandates.paper_of(current_actor(), mandate_id))


# --- who the organisation is


class VerificationForm(Form):
    """Papers that show who an organisation is."""

    code = StringField(
        _l("Unified social credit code"),
        [optional(), at_most(18)],
        description=_l("As in the business licence."),
        filters=[stripped],
    )
    business_licence = FileField(labels.name("identity_paper", "business_licence"), [optional()])
    letter_of_authority = FileField(labels.name("identity_paper", "letter_of_authority"), [optional()])
    other = FileField(labels.name("identity_paper", "other"), [optional()])


@blueprint.route("/account/verification", methods=["GET", "POST"])
@access("organisation")
@limiter.limit("20 per hour", methods=["POST"])
def verification() -> ResponseReturnValue:
    """What shows who one's organisation is. No licence waits for it."""
    actor, organisation = _own()
    form = VerificationForm(data={"code": organisation.code})
    if form.validate_on_submit():
        papers = [(kind, *given) for kind in verifying.KINDS if (given := uploaded(form[kind])) is not None]
        try:
            with unit_of_work(actor):
                verifying.submit(actor, organisation.id, code=form.code.data, papers=papers)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Your papers are handed in. You are told when somebody has looked."), "success")
            return redirect(url_for("people.verification"))
    return (
        render_template(
            "account/verification.html",
            organisation=organisation,
            state=verifying.state_of(organisation),
            last=verifying.last_of(organisation.id),
            decides=allowed(actor, "verification.submit", organisation).allowed,
            days=current_app.config["SETTINGS"].verification_retention_days,
            form=form,
        ),
        422 if form.errors or getattr(form, "form_errors", None) else 200,
    )


# --- being forgotten


@blueprint.post("/account/erasure/<deed>")
@access("signed_in")
@limiter.limit("10 per hour")
def erasure(deed: str) -> ResponseReturnValue:
    """Ask to have one's personal data erased, or take that back."""
    if deed not in ("ask", "take-back"):
        raise NotFound("step-unknown", "There is no such step.")
    actor = current_actor()
    with unit_of_work(actor):
        erasing.ask(actor) if deed == "ask" else erasing.take_back(actor)
    flash(
        gettext("The operator is asked to erase your data.")
        if deed == "ask"
        else gettext("Your account stays."),
        "success",
    )
    return redirect(url_for("account.settings"))


# --- what was


def past_value(row: OrganisationPast) -> Any:
    """A former value as it is read."""
    if row.value is None:
        return "—"
    if row.field == "type":
        return labels.name("owner_type", row.value)
    if row.field == "region":
        return labels.district(row.value)
    if row.field == "state_established":
        return gettext("yes") if row.value == "True" else gettext("no")
    return row.value


def shown_address_link() -> str | None:
    """The demonstration sends no mail: the link that proves one's address, for the page of the account."""
    user = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user itself
    if current_app.config["SETTINGS"].production or user.email_verified_at is not None:
        return None
    return url_for("people.address", code=addresses.address_code(user))
