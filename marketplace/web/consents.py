"""Where co-owners and pledgees read the terms and answer, by link or signed in; and public price notices.

The link's token travels in the query once and then in the session: requests are logged by their path, and no
page that follows has the token in its address.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, HiddenField, RadioField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core.actor import VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.unit_of_work import unit_of_work
from marketplace.extensions import limiter
from marketplace.listings.consents import price_notices
from marketplace.listings.consents import services as consents
from marketplace.listings.consents.models import Consent
from marketplace.listings.consents.standing import digest_of
from marketplace.listings.declared import shown_terms
from marketplace.listings.papers.services import consent_paper

from .downloads import saved
from .forms import Form, at_most, options, required, required_when, sentence_of, status_of, stripped

blueprint = Blueprint("consents", __name__)

_TOKEN, _ANSWERED = "consent_token", "consent_answered"


class AnswerForm(Form):
    """Yes or no, by whom."""

    terms = HiddenField()
    answer = RadioField(_l("Your answer"), [required(_l("Please choose one."))])
    reason = TextAreaField(
        _l("Why does the party refuse?"),
        [required_when(_l("needed for a refusal")), at_most(4000)],
        filters=[stripped],
    )
    name = StringField(_l("Your name"), [required(), at_most(100)], filters=[stripped])
    position = StringField(
        _l("Your position"),
        [required(), at_most(100)],
        description=_l("In which capacity you answer for the party, for example its legal representative."),
        filters=[stripped],
    )
    sure = BooleanField(
        _l("I have read all of the terms above and may answer for the party."),
        [required(_l("Please confirm this."))],
    )


class ObjectionForm(Form):
    """An objection to a price notice."""

    name = StringField(
        _l("Your name"),
        [required(), at_most(100)],
        description=_l("Seen by the institution only. The objection and its answer are shown without it."),
        filters=[stripped],
    )
    text = TextAreaField(_l("Your objection"), [required(), at_most(4000)], filters=[stripped])


# --- by link


@blueprint.get("/consents/open")
@access("public")
@limiter.limit("30 per minute")
def open_link() -> ResponseReturnValue:
    """Where the mail leads: the token goes into the session, and out of the address."""
    token = request.args.get("token", "")
    try:
        consents.by_link(token)
    except NotFound as error:
        return _gone(error)
    session.pop(_ANSWERED, None)
    session[_TOKEN] = token
    return redirect(url_for("consents.by_link"))


def _gone(error: NotFound) -> ResponseReturnValue:
    session.pop(_TOKEN, None)
    return render_template("consents/gone.html", sentence=sentence_of(error)), 404


@blueprint.route("/consents/answer", methods=["GET", "POST"])
@access("public")
@limiter.limit("10 per minute", methods=["POST"])
def by_link() -> ResponseReturnValue:
    """All of the terms, and the answer of whoever holds the link."""
    token = session.get(_TOKEN, "")
    try:
        consent = consents.by_link(token)
    except NotFound as error:
        return _gone(error)
    answered = _answer(consent, VISITOR, token)
    if answered is not None:
        return answered
    session.pop(_TOKEN, None)
    session[_ANSWERED] = consent.id
    return redirect(url_for("consents.answered"))


@blueprint.get("/consents/answered")
@access("public")
def answered() -> ResponseReturnValue:
    """What was answered in this browser, with the paper."""
    return render_template("consents/answered.html", consent=_answered_here())


@blueprint.get("/consents/answered/paper")
@access("public")
def answered_paper() -> ResponseReturnValue:
    """The paper of the consent that was given in this browser."""
    row, content = consents.paper_by_link(_answered_here().id)
    return saved(content, row.name, row.content_type)


def _answered_here() -> Consent:
    found = db.session.get(Consent, session.get(_ANSWERED, 0))
    if found is None:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return found


# --- signed in


@blueprint.get("/consents")
@access("organisation")
def index() -> ResponseReturnValue:
    """What the organisation was asked to consent to."""
    return render_template("consents/index.html", rows=consents.asked_of(current_actor().own))


@blueprint.route("/consents/<int:consent_id>", methods=["GET", "POST"])
@access("organisation")
@limiter.limit("30 per minute", methods=["POST"])
def show(consent_id: int) -> ResponseReturnValue:
    """All of the terms, and the answer of a member of the party."""
    actor = current_actor()
    consent = consents.get_consent(actor, consent_id)
    if consent.organisation_id not in actor.own:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    if consent.state != "asked":
        return render_template("consents/answered.html", consent=consent, inside=True)
    refused = _answer(consent, actor, None)
    if refused is not None:
        return refused
    flash(gettext("Your answer is kept, and the holder is told."), "success")
    return redirect(url_for("consents.show", consent_id=consent_id))


# --- both


def _answer(consent: Consent, actor: Actor, token: str | None) -> ResponseReturnValue | None:
    """The page with the form, or None once the answer is kept."""
    form = AnswerForm(data={"terms": digest_of(consent)})
    form.answer.choices = options(
        [("give", gettext("Yes, the party agrees")), ("refuse", gettext("No, the party refuses"))]
    )
    if form.validate_on_submit():
        try:
            _keep(form, consent, actor, token)
        except DomainError as error:
            form.accept(error)
        else:
            return None
    # What is shown now is what the next answer is about.
    form.terms.data = digest_of(consent)
    offer = consent.offer
    return render_template(
        "consents/answer.html",
        consent=consent,
        offer=offer,
        patent=offer.patent,
        terms=shown_terms(offer),
        form=form,
        inside=token is None,
    ), status_of(form)


def _keep(form: AnswerForm, consent: Consent, actor: Actor, token: str | None) -> None:
    name, position = form.name.data, form.position.data
    if form.answer.data == "refuse":
        with unit_of_work(actor):
            consents.refuse(
                actor, consent.id, name=name, position=position, reason=form.reason.data or "", token=token
            )
        return
    strength = "member" if token is None else "link"
    consents.check_shown(consent, form.terms.data or "")
    written = consent_paper(consent, name=name, position=position, strength=strength)
    with unit_of_work(actor):
        consents.give(actor, consent.id, written, token=token)


# --- public price notices


@blueprint.route("/price-notices/<code>", methods=["GET", "POST"])
@access("public")
@limiter.limit("60 per minute")
@limiter.limit("5 per hour", methods=["POST"], deduct_when=lambda response: response.status_code == 302)
def price_notice(code: str) -> ResponseReturnValue:
    """The result's name and the intended price; objections while it runs."""
    notice = price_notices.by_code(code)
    form = ObjectionForm()
    if form.validate_on_submit():
        actor = current_actor()
        try:
            with unit_of_work(actor):
                price_notices.make_objection(actor, code, name=form.name.data, text=form.text.data)
        except DomainError as error:
            form.accept(error)
            notice = price_notices.by_code(code)
        else:
            flash(gettext("Your objection is kept; the institution has to answer it."), "success")
            return redirect(url_for("consents.price_notice", code=code))
    shown: dict[str, Any] = {"notice": notice, "form": form, "open": price_notices.is_open(notice)}
    return render_template("consents/price_notice.html", **shown), status_of(form)
