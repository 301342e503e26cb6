"""What others say to a declaration, on the holder's side: consents, the price notice, papers to hand in."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from flask import Response, flash, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import Email, InputRequired, NumberRange

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.consents import price_notices, standing
from marketplace.listings.consents import services as consents
from marketplace.listings.consents.models import COUNTINGS
from marketplace.listings.models import IN_FORCE, Offer
from marketplace.listings.papers import services as papers
from marketplace.listings.services import get_offer

from . import formats, labels
from .downloads import saved
from .forms import Form, at_most, options, required, required_when, sentence_of, status_of, stripped
from .holder_frame import blueprint, party

_SIZE = 100


def own_offer(offer_id: int) -> Offer:
    """An offer whose holder the actor acts for; others' public ones have their page elsewhere.

    Raises:
        NotFound: `offer-not-found`.
    """
    found = get_offer(current_actor(), offer_id)
    if not allowed(current_actor(), "offer.edit", found).allowed:
        raise NotFound("offer-not-found", "There is no such offer.")
    return found


# --- consents


def _ground() -> TextAreaField:
    """Why the declaration is withdrawn, as the co-owners are shown it and as it will be filed."""
    return TextAreaField(
        _l("Reason of the withdrawal"),
        [required(), at_most(2000)],
        description=_l("A bar that has arisen, or another proper reason. No conditions may be attached."),
        filters=[stripped],
    )


class PartyForm(Form):
    """Whose consent it is."""

    party = RadioField(_l("Whose consent?"), [required(_l("Please choose one."))])
    pledgee = StringField(
        _l("Name of the pledgee"),
        [required_when(_l("needed for the pledgee")), at_most(200)],
        filters=[stripped],
    )


class AskForm(PartyForm):
    """Where the question goes."""

    email = StringField(
        _l("E-mail address"),
        [
            required_when(_l("needed unless the party has joined")),
            at_most(254),
            Email(message=_l("This is no e-mail address.")),
        ],
        description=_l("The link works once and for 30 days. Whoever has it answers for the party."),
        filters=[stripped],
    )
    locale = RadioField(_l("Language of the message"))
    ground = _ground()


class PaperForm(PartyForm):
    """A consent that was signed on paper."""

    paper = FileField(
        _l("Signed paper"),
        [FileRequired(_l("Please choose a file."))],
        description=_l("PDF, PNG or JPEG, at most 10 MB."),
    )
    signer = StringField(_l("Signed by"), [required(), at_most(100)], filters=[stripped])
    position = StringField(_l("Position"), [required(), at_most(100)], filters=[stripped])
    signed_on = DateField(_l("Signed on"), [required()])
    ground = _ground()


def _shape(form: AskForm | PaperForm, offer: Offer, purpose: str) -> None:
    """Offer the parties whose consent this is about, and leave out what is not asked of them."""
    choices = [
        (str(one.organisation_id), formats.wording(one.organisation, "name"))
        for one in offer.patent.parties
        if one.organisation_id != offer.holder_id or offer.holder_id not in current_actor().own
    ]
    if purpose == "withdrawal":
        del form.pledgee
    else:
        del form.ground
        if _may_be_pledged(offer):
            choices.append(("pledgee", gettext("the pledgee:")))
        else:
            del form.pledgee
    form.party.choices = options(choices)


def _may_be_pledged(offer: Offer) -> bool:
    """Whether there may be a pledgee, who has to agree (IR 86 (4)): not where it is known that none is."""
    return all(fact.value != "no" for fact in offer.patent.facts if fact.name == "pledged")


def _named(form: AskForm | PaperForm, purpose: str) -> dict[str, Any]:
    about = {"purpose": purpose, "ground": form.ground.data if "ground" in form else None}
    if form.party.data == "pledgee":
        return about | {"pledgee": form.pledgee.data or ""}
    return about | {"patentee": int(form.party.data)}


def _ask_form(offer: Offer, purpose: str, ground: str | None) -> AskForm:
    data = {"party": request.args.get("party"), "locale": "zh", "ground": ground}
    form = AskForm(prefix="ask", data=data)
    _shape(form, offer, purpose)
    form.locale.choices = options([("zh", "中文"), ("en", "English")])
    return form


def _paper_form(offer: Offer, purpose: str, ground: str | None) -> PaperForm:
    data = {"party": request.args.get("party"), "signed_on": clock.today(), "ground": ground}
    form = PaperForm(prefix="paper", data=data)
    _shape(form, offer, purpose)
    return form


@blueprint.route("/offers/<int:offer_id>/consents", methods=["GET", "POST"])
@access("organisation")
def consents_of(offer_id: int) -> ResponseReturnValue:
    """Who has said what to the declaration; asking, and handing in a signed paper."""
    return _consents(own_offer(offer_id), "declaration", "holder.consents_of")


@blueprint.route("/offers/<int:offer_id>/withdrawal-consents", methods=["GET", "POST"])
@access("organisation")
def withdrawal_consents(offer_id: int) -> ResponseReturnValue:
    """The same for the withdrawal of an offer that stands, which all patentees make (GL V-11 §4)."""
    return _consents(own_offer(offer_id), "withdrawal", "holder.withdrawal_consents")


def _consents(offer: Offer, purpose: str, here: str) -> ResponseReturnValue:
    handing_in = request.args.get("by") == "paper"
    rows = standing.consents_of(offer, purpose)
    build = _paper_form if handing_in else _ask_form
    form: AskForm | PaperForm = build(offer, purpose, standing.ground_of(rows))
    if form.validate_on_submit():
        try:
            _send(offer.id, form, purpose)
        except DomainError as error:
            form.accept(error)
            offer = own_offer(offer.id)
            rows = standing.consents_of(offer, purpose)
        else:
            return redirect(url_for(here, offer_id=offer.id))
    return render_template(
        "consents/holder.html",
        offer=offer,
        patent=offer.patent,
        purpose=purpose,
        here=here,
        owners=standing.patentees(offer, rows, purpose),
        pledgees=[row for row in rows if row.capacity == "pledgee" and row.state != "void"],
        past=[row for row in rows if row.state in ("void", "refused")],
        early=standing.may_be_asked(offer, purpose),
        form=form,
        handing_in=handing_in,
        pledged=purpose == "declaration" and _may_be_pledged(offer),
    ), status_of(form)


def _send(offer_id: int, form: AskForm | PaperForm, purpose: str) -> None:
    actor = current_actor()
    if isinstance(form, PaperForm):
        content = form.paper.data.read()
        with unit_of_work(actor):
            consents.hand_in(
                actor,
                offer_id,
                content=content,
                signer=form.signer.data,
                position=form.position.data,
                signed_on=form.signed_on.data,
                **_named(form, purpose),
            )
        flash(gettext("The signed paper is kept."), "success")
        return
    with unit_of_work(actor):
        consents.ask(
            actor,
            offer_id,
            email=form.email.data or None,
            locale=form.locale.data or "zh",
            **_named(form, purpose),
        )
    flash(gettext("The party is asked."), "success")


@blueprint.post("/consents/<int:consent_id>/take-back")
@access("organisation")
def take_consent_back(consent_id: int) -> ResponseReturnValue:
    """Take a question back."""
    actor = current_actor()
    found = consents.get_consent(actor, consent_id)
    offer_id = found.offer_id
    page = "holder.withdrawal_consents" if found.purpose == "withdrawal" else "holder.consents_of"
    try:
        with unit_of_work(actor):
            consents.take_back(actor, consent_id)
    except DomainError as error:
        flash(sentence_of(error), "danger")
    else:
        flash(gettext("The question is taken back; its link is void."), "success")
    return redirect(url_for(page, offer_id=offer_id))


@blueprint.get("/consents/<int:consent_id>/paper")
@access("organisation")
def consent_paper(consent_id: int) -> ResponseReturnValue:
    """The paper of a consent that was given."""
    row, content = consents.paper_of(current_actor(), consent_id)
    return saved(content, row.name, row.content_type)


# --- the price notice


class RuleForm(Form):
    """How the organisation holds its price notices."""

    days = IntegerField(
        _l("Days of a notice"),
        [
            InputRequired(_l("Please fill in this field.")),
            NumberRange(1, price_notices.LONGEST_DAYS, message=_l("Between %(min)d and %(max)d days.")),
        ],
        description=_l("The law gives no number. 15 is customary; what counts are your institution's rules."),
    )
    counting = RadioField(_l("Counted in"), [required(_l("Please choose one."))])


class DecideForm(Form):
    """The answer to an objection."""

    decision = RadioField(_l("Decision"), [required(_l("Please choose one."))])
    answer = TextAreaField(_l("Answer"), [required(), at_most(4000)], filters=[stripped])


def _decide_form(objection_id: int, *, filled: bool) -> DecideForm:
    form = DecideForm(prefix=f"o{objection_id}") if filled else DecideForm(None, prefix=f"o{objection_id}")
    form.decision.choices = options((code, labels.name("objection", code)) for code in ("rejected", "upheld"))
    return form


@blueprint.route("/offers/<int:offer_id>/price-notice", methods=["GET", "POST"])
@access("organisation")
def price_notice(offer_id: int) -> ResponseReturnValue:
    """The price notice of a declaration: its days, its page, objections and the answers to them."""
    offer = own_offer(offer_id)
    notice = standing.running_notice(offer)
    sent = request.form.get("objection", type=int) if request.method == "POST" else None
    forms = {
        one.id: _decide_form(one.id, filled=one.id == sent)
        for one in (notice.objections if notice else ())
        if one.decision is None
    }
    form = forms.get(sent) if sent is not None else None
    if form is not None and sent is not None and form.validate_on_submit():
        actor = current_actor()
        try:
            with unit_of_work(actor):
                price_notices.decide(actor, sent, decision=form.decision.data, answer=form.answer.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The answer is kept and shown on the notice's page."), "success")
            return redirect(url_for("holder.price_notice", offer_id=offer_id))
    return render_template(
        "consents/holder_notice.html",
        offer=offer,
        patent=offer.patent,
        notice=notice,
        rule=standing.rule_of(offer.holder_id),
        forms=forms,
        refused=form,
        over=notice is not None and clock.today() > notice.ends_on,
    ), 422 if form is not None and form.errors else 200


@blueprint.route("/price-notice-rule", methods=["GET", "POST"])
@access("organisation")
def price_notice_rule() -> ResponseReturnValue:
    """For how long the organisation shows its prices, and whether it has to."""
    mine: Organisation = party()
    known = standing.rule_of(mine.id)
    form = RuleForm(
        data={
            "days": known.days if known else standing.CUSTOMARY_DAYS,
            "counting": known.counting if known else "calendar",
        }
    )
    form.counting.choices = options((code, labels.name("counting", code)) for code in COUNTINGS)
    actor = current_actor()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                price_notices.set_rule(
                    actor,
                    mine.id,
                    days=form.days.data,
                    counting=form.counting.data,
                )
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The rule is kept; it holds for notices from now on."), "success")
            return redirect(url_for("holder.price_notice_rule"))
    return render_template(
        "consents/rule.html",
        form=form,
        known=known,
        may=allowed(actor, "price_notice.rule", mine.id).allowed,
        established=mine.state_established,
        institution=mine.type in ("university", "institute", "hospital"),
    ), status_of(form)


# --- papers


@blueprint.get("/offers/<int:offer_id>/papers/<kind>.<form>")
@access("organisation")
def paper(offer_id: int, kind: str, form: str) -> ResponseReturnValue:
    """One paper of the declaration, or a page that says why it cannot be made."""
    offer = own_offer(offer_id)
    try:
        made = papers.make(current_actor(), offer, kind, form, party=request.args.get("party", type=int))
    except NotFound:
        raise
    except DomainError as error:
        fields = [sentence for found in getattr(error, "fields", {}).values() for sentence in found]
        flash(" ".join([sentence_of(error), *fields]), "danger")
        return redirect(url_for("holder.offer", offer_id=offer_id))
    return saved(made.content, made.name, made.content_type)


_PAPERS_FOR = (*standing.EARLY, "filed", *IN_FORCE)


@blueprint.get("/offers/papers")
@access("organisation")
def choose_papers() -> ResponseReturnValue:
    """Declarations whose papers can be made together."""
    before = request.args.get("before", type=int)
    query = sa.select(Offer).where(Offer.holder_id == party().id, Offer.status.in_(_PAPERS_FOR))
    if before is not None:
        query = query.where(Offer.id < before)
    rows = db.session.scalars(query.order_by(Offer.id.desc()).limit(_SIZE + 1)).all()
    return render_template(
        "consents/papers.html",
        rows=rows[:_SIZE],
        before=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
        most=papers.MOST_AT_ONCE,
    )


@blueprint.post("/offers/papers")
@access("organisation")
def papers_at_once() -> ResponseReturnValue:
    """The papers of the selected declarations as one ZIP, sent as they are made."""
    chosen = [int(text) for text in request.form.getlist("offer") if text.isdecimal() and len(text) < 19]
    forms = [form for form in request.form.getlist("form") if form in papers.FORMATS] or list(papers.FORMATS)
    try:
        pieces = papers.bundle(current_actor(), chosen, forms)
    except DomainError as error:
        flash(sentence_of(error), "danger")
        return redirect(url_for("holder.choose_papers"))
    name = f"papers-{clock.today().isoformat()}.zip"
    return Response(
        stream_with_context(pieces),
        mimetype="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "X-Accel-Buffering": "no"},
    )
