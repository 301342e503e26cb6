"""Accounts and organisations: making, finding, confirming, merging, erasing. No impersonation."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, EmailField, RadioField, SelectField, StringField, TextAreaField

from marketplace.accounts import (
    administration,
    confirming,
    erasing,
    members,
    merging,
    passwords,
    past,
    services,
    verifying,
)
from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation, OrganisationChange
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.changes import services as changes
from marketplace.listings.changes.models import ChangeTask
from marketplace.listings.models import IN_FORCE, Offer, Patent

from . import labels
from .downloads import kept
from .forms import Form, at_most, optional, options, required, required_when, sentence_of, status_of, stripped
from .operator_frame import blueprint, key_given, words_given
from .people import past_value

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
        wishes=erasing.wishes(current_actor(), limit=_SIZE),
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
        verifications=verifying.waiting(current_actor(), limit=_SIZE),
        requests=members.open_requests(current_actor(), limit=_SIZE),
        former=past.former_names(row.id for row in rows[:_SIZE]),
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


class RenameForm(Form):
    """A new name, since when, and what shows it."""

    name = StringField(_l("New name"), [required(), at_most(200)], filters=[stripped])
    name_en = StringField(_l("English name"), [optional(), at_most(200)], filters=[stripped])
    since = DateField(_l("First day of the new name"), [required()])
    source = StringField(
        _l("What does it rest on?"), [required(), at_most(200)], filters=[stripped], id="rename_source"
    )


class OtherForm(Form):
    """The other organisation of a merger or a succession."""

    other = StringField(
        _l("The other one: exact name, credit code or number"), [required(), at_most(200)], filters=[stripped]
    )


class DuplicateForm(OtherForm):
    """The record that stays."""

    other = StringField(
        _l("The other one: exact name, credit code or number"),
        [required(), at_most(200)],
        filters=[stripped],
        id="stays",
    )


class SucceedForm(OtherForm):
    """Who succeeds, and since when."""

    on = DateField(_l("Since"), [required()])
    source = StringField(
        _l("What does it rest on?"), [required(), at_most(200)], filters=[stripped], id="succeed_source"
    )


class MergeForm(Form):
    """The confirmation of a merger."""

    typed = StringField(_l("Name of the duplicate, typed as it is"), [required(), at_most(200)])
    source = StringField(
        _l("What shows that the two are one?"), [required(), at_most(200)], filters=[stripped]
    )


@blueprint.route("/organisations/<int:organisation_id>", methods=["GET", "POST"])
@access("operator")
def organisation(organisation_id: int) -> ResponseReturnValue:
    """Who an organisation is by its own word, and confirming it."""
    actor, found = current_actor(), services.get_organisation(organisation_id)
    if found.merged_into_id is not None:
        flash(gettext("%(name)s was a duplicate: this is the record that stays.", name=found.name), "info")
        return redirect(url_for("operator.organisation", organisation_id=found.merged_into_id))
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
    return _organisation_page(found, form=form)


def _organisation_page(found: Organisation, **forms: Form) -> ResponseReturnValue:
    actor = current_actor()
    changes = merging.changes_of(found.id)
    refused = any(one.errors or getattr(one, "form_errors", None) for one in forms.values())
    return render_template(
        "operator/organisation.html",
        one=found,
        form=forms.get("form") or ConfirmForm(formdata=None, data={"code": found.code, "how": "documents"}),
        rename_form=forms.get("rename_form")
        or RenameForm(
            formdata=None, data={"name": found.name, "name_en": found.name_en, "since": clock.today()}
        ),
        merge_form=forms.get("merge_form") or DuplicateForm(formdata=None),
        succeed_form=forms.get("succeed_form") or SucceedForm(formdata=None, data={"on": clock.today()}),
        members=members.members_of(actor, found.id),
        before=past.past_of(found.id),
        changes=[(one, services.get_organisation(_other_of(one, found.id))) for one in changes],
        also=merging.former_names_of_duplicates(found.id),
        state=verifying.state_of(found),
        last=verifying.last_of(found.id),
        past_value=past_value,
    ), (422 if refused else 200)


def _other_of(change: OrganisationChange, organisation_id: int) -> int:
    return change.to_id if change.from_id == organisation_id else change.from_id


def _other(form: OtherForm, organisation_id: int) -> Organisation | None:
    """The organisation that a form names by number, credit code or exact name."""
    text = form.other.data
    if text.isdecimal() and len(text) < 16:
        found = services.find_by_id(int(text))
    else:
        try:
            code = confirming.clean_code(text)
        except Invalid:
            code = None
        found = services.find_organisation(None if code else text, code)
    if found is None or found.id == organisation_id:
        form.other.errors = [gettext("There is no other organisation with this name, code or number.")]
        return None
    return found


@blueprint.post("/organisations/<int:organisation_id>/rename")
@access("operator")
def rename(organisation_id: int) -> ResponseReturnValue:
    """Give an organisation its new name; the one before is kept."""
    actor, found, form = current_actor(), services.get_organisation(organisation_id), RenameForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                past.rename(
                    actor,
                    organisation_id,
                    name=form.name.data,
                    name_en=form.name_en.data,
                    since=form.since.data,
                    source=form.source.data,
                )
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The new name is kept, and the one before as a former name."), "success")
            return redirect(url_for("operator.organisation", organisation_id=organisation_id))
    return _organisation_page(found, rename_form=form)


@blueprint.post("/organisations/<int:organisation_id>/succeed")
@access("operator")
def succeed(organisation_id: int) -> ResponseReturnValue:
    """Note who succeeds an organisation, and since when."""
    actor, found, form = current_actor(), services.get_organisation(organisation_id), SucceedForm()
    if form.validate_on_submit() and (other := _other(form, organisation_id)) is not None:
        try:
            with unit_of_work(actor):
                merging.succeed(actor, organisation_id, other.id, on=form.on.data, source=form.source.data)
                _begin_tasks(actor, organisation_id, form.on.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(
                gettext("The succession is noted. Offers in force have to be withdrawn and declared anew."),
                "info",
            )
            return redirect(url_for("operator.organisation", organisation_id=organisation_id))
    return _organisation_page(found, succeed_form=form)


def _begin_tasks(actor: Actor, organisation_id: int, on: dt.date) -> None:
    """A guided task for each offer in force of the predecessor: withdraw, then declare anew (GL V-11 §9)."""
    waiting = sa.select(ChangeTask.patent_id).where(
        ChangeTask.event == "succession", ChangeTask.state == "open"
    )
    query = (
        sa.select(Patent)
        .join(Offer, Offer.patent_id == Patent.id)
        .where(Offer.holder_id == organisation_id, Offer.status.in_(IN_FORCE), Patent.id.not_in(waiting))
        .order_by(Patent.id)
    )
    for patent in db.session.scalars(query).unique().all():
        changes.begin(actor, patent, "succession", event_on=on)


@blueprint.post("/organisations/<int:organisation_id>/merge")
@access("operator")
def choose_merger(organisation_id: int) -> ResponseReturnValue:
    """Choose the record that stays, to see what a merger would do."""
    found, form = services.get_organisation(organisation_id), DuplicateForm()
    if form.validate_on_submit() and (other := _other(form, organisation_id)) is not None:
        return redirect(url_for("operator.merge", organisation_id=organisation_id, into=other.id))
    return _organisation_page(found, merge_form=form)


@blueprint.route("/organisations/<int:organisation_id>/merge/<int:into>", methods=["GET", "POST"])
@access("operator")
def merge(organisation_id: int, into: int) -> ResponseReturnValue:
    """What a merger would move; typed, it is done."""
    actor, form = current_actor(), MergeForm()
    gone, stays = services.get_organisation(organisation_id), services.get_organisation(into)
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                merging.merge(actor, gone.id, stays.id, typed=form.typed.data, source=form.source.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The two are one now; the old number leads here."), "success")
            return redirect(url_for("operator.organisation", organisation_id=into))
    # Read anew: a refused merger has rolled its rows back.
    preview = merging.preview(actor, organisation_id, into)
    return render_template(
        "operator/merge.html",
        gone=services.get_organisation(organisation_id),
        stays=services.get_organisation(into),
        preview=preview,
        refusal=sentence_of(preview.refusal) if preview.refusal is not None else "",
        totals=_totals(preview.counts),
        form=form,
    ), (422 if form.errors or getattr(form, "form_errors", None) else 200)


def _totals(counts: dict[str, int]) -> list[tuple[str, int]]:
    """What moves in the words of the page: a name and a number each; the rest in one line."""
    found: dict[str, int] = {}
    for column, number in counts.items():
        name = _NAMED.get(column.partition(".")[0], "other")
        found[name] = found.get(name, 0) + number
    return [(name, found[name]) for name in (*dict.fromkeys(_NAMED.values()), "other") if name in found]


_NAMED = {
    "patent_parties": "patents",
    "offers": "offers",
    "notices": "notices",
    "licences": "licences",
    "demands": "demands",
    "memberships": "members",
    "mandates": "mandates",
    "tokens": "tokens",
}


# --- papers that show who an organisation is


class PapersForm(Form):
    """What was seen in the papers, or why they are returned."""

    source = StringField(
        _l("What does it rest on?"),
        [optional(), at_most(200)],
        description=_l("Which document of which day, or who at the bureau said so."),
        filters=[stripped],
    )
    reason = TextAreaField(_l("Why they are returned"), [optional(), at_most(500)], filters=[stripped])


@blueprint.get("/papers")
@access("bureau")
def all_papers() -> ResponseReturnValue:
    """Verifications that wait; the bureau decides them too."""
    return render_template("operator/papers.html", rows=verifying.waiting(current_actor(), limit=_SIZE))


@blueprint.route("/papers/<int:verification_id>", methods=["GET", "POST"])
@access("bureau")
def papers(verification_id: int) -> ResponseReturnValue:
    """The papers of one organisation: confirm who it is, or return them."""
    actor, form = current_actor(), PapersForm()
    verification = verifying.get(actor, verification_id)
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                if request.form.get("deed") == "confirm":
                    verifying.confirm(actor, verification_id, source=form.source.data or "")
                else:
                    verifying.give_back(actor, verification_id, reason=form.reason.data or "")
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Noted."), "success")
            return redirect(url_for("operator.all_papers"))
    return render_template("operator/paper.html", one=verification, form=form), (
        422 if form.errors or getattr(form, "form_errors", None) else 200
    )


@blueprint.get("/papers/files/<int:document_id>")
@access("bureau")
def paper_file(document_id: int) -> ResponseReturnValue:
    """One paper, for staff."""
    return kept(verifying.paper_of(current_actor(), document_id))


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


class EraseForm(Form):
    """The confirmation of an erasure."""

    typed = StringField(_l("Address of the account, typed"), [required(), at_most(254)], filters=[stripped])


@blueprint.route("/accounts/<int:user_id>/erasure", methods=["GET", "POST"])
@access("operator")
def erase(user_id: int) -> ResponseReturnValue:
    """What erasing an account would erase and keep; typed, it is done."""
    actor, form = current_actor(), EraseForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                erasing.erase(actor, user_id, typed=form.typed.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The account is erased."), "success")
            return redirect(url_for("operator.accounts"))
    return render_template(
        "operator/erase.html",
        user=administration.get_user(actor, user_id),
        plan=erasing.plan(actor, user_id),
        form=form,
    ), (422 if form.errors or getattr(form, "form_errors", None) else 200)
