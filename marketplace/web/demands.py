"""Firms' demands: the public list, posting one, its page with matches and answers, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, abort, current_app, flash, json, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import BooleanField, DateField, SelectField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.fields import read
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.demands import accesses, answers, reminders, services
from marketplace.demands.columns import DESCRIBED_LENGTH, DESCRIPTION_LENGTH, INDUSTRIES, TITLE_LENGTH
from marketplace.demands.models import POSTERS, Demand, Recommendation
from marketplace.demands.policies import is_public
from marketplace.demands.rules import LONGEST_NOTE, LONGEST_TEXT, OUTCOME_REASONS
from marketplace.demands.rules import PASS_REASONS as ANSWER_PASS_REASONS
from marketplace.demands.schemas import DemandSchema
from marketplace.demands.services import Asked
from marketplace.listings.models import IN_FORCE, Offer
from marketplace.matching import services as matching
from marketplace.matching.lifecycle import PASS_REASONS
from marketplace.matching.services import Match
from marketplace.search.answering import Source
from marketplace.search.engine import EngineUnavailable

from . import demand_accesses, demand_lists, formats, labels
from .forms import Form, at_most, optional, options, required, sentence_of, status_of, stripped

blueprint = Blueprint("demands", __name__, url_prefix="/demands")
demand_accesses.add_to(blueprint)
demand_lists.add_to(blueprint)

_SIZE = 20
_MOST_OFFERS = 200  # in the lists of own offers and patents to answer with


class DemandForm(Form):
    """A need in the firm's own words."""

    organisation_id = SelectField(_l("For which organisation?"), [optional()], coerce=str)
    organisation = StringField(
        _l("For which firm? Full name or credit code"),
        [optional(), at_most(200)],
        filters=[stripped],
    )
    title = StringField(
        _l("What do you need, in one sentence?"),
        [required(), at_most(TITLE_LENGTH)],
        description=_l("For example: a coating that keeps pump impellers from wearing in sandy water"),
        filters=[stripped],
    )
    description = TextAreaField(
        _l("Describe the problem"),
        [required(), at_most(DESCRIPTION_LENGTH)],
        description=_l(
            "What do you make, what does not work, what have you tried, which values must be reached? "
            "Everybody can read this: leave secrets out."
        ),
        filters=[stripped],
    )
    confidential = TextAreaField(
        _l("Confidential part"),
        [optional(), at_most(DESCRIPTION_LENGTH)],
        description=_l(
            "Values, drawings, suppliers: only organisations that accept a confidentiality statement and to "
            "whom you grant access read this. It is in no search and in no list."
        ),
        filters=[stripped],
    )
    industry = SelectField(_l("Industry"), [optional()])
    ipc = StringField(
        _l("IPC classes, if you know them"),
        [optional(), at_most(200)],
        description=_l("Separated by ; for example F04D 29/22; C23C 4"),
        filters=[stripped],
    )
    budget = StringField(
        _l("Highest sum up front, in yuan"),
        [optional(), at_most(20)],
        description=_l("Matches within it come first."),
        filters=[stripped],
    )
    district = SelectField(_l("District"), [optional()])
    answer_by = DateField(
        _l("Answers wanted by"), [optional()], description=_l("You are reminded three days before.")
    )
    unnamed = BooleanField(_l("Do not show the firm's name to others"))
    described_as = StringField(
        _l("What others read in its place"),
        [optional(), at_most(DESCRIBED_LENGTH)],
        description=_l("For example: a maker of pumps in Minhang with 300 people"),
        filters=[stripped],
    )


def _form(actor: Actor, demand: Demand | None = None) -> DemandForm:
    fresh = demand is not None and request.method == "GET"
    form = DemandForm(obj=demand) if fresh else DemandForm()
    form.district.choices = [
        ("", gettext("Elsewhere or not given")),
        *labels.districts(current_app.config["SETTINGS"].region),
    ]
    form.industry.choices = [("", gettext("By the IPC class, or not given")), *_industries()]
    principals = _may_post_for(actor) if demand is None else []
    form.organisation_id.choices = [(str(one.id), formats.wording(one, "name")) for one in principals]
    if len(principals) < 2:
        del form.organisation_id
    if demand is not None or "bureau" not in actor.roles:
        del form.organisation
    if demand is not None and not allowed(actor, "demand.read_confidential", demand).allowed:
        del form.confidential
    if demand is not None and fresh:
        form.ipc.data = "; ".join(demand.ipc)
        form.budget.data = "" if demand.budget_minor is None else f"{demand.budget_minor / 100:.10g}"
        form.unnamed.data = not demand.named
    return form


def _industries() -> list[tuple[str, str]]:
    return [(code, names[formats.english()]) for code, names in INDUSTRIES.items()]


def _may_post_for(actor: Actor) -> list[Organisation]:
    """The actor's own organisation first, then those whose mandate lets it seek licences."""
    rows = db.session.scalars(
        sa.select(Organisation).where(Organisation.id.in_(actor.licensees)).order_by(Organisation.id)
    )
    return sorted(rows, key=lambda one: one.id != actor.organisation_id)


def _values(form: DemandForm) -> dict[str, Any]:
    """The form's texts, converted as imports and the API convert them."""
    given = {
        name: value
        for name, value in form.data.items()
        if name not in ("csrf_token", "answer_by", "unnamed", "organisation", "organisation_id")
    }
    values = read(DemandSchema, {**given, "named": "no" if form.unnamed.data else "yes"})
    if "organisation" in form:
        values["organisation"] = form.organisation.data
    if "organisation_id" in form and (form.organisation_id.data or "").isdecimal():
        values["organisation_id"] = int(form.organisation_id.data)
    return {**values, "answer_by": form.answer_by.data}


# --- lists


@dataclass(frozen=True)
class Filters:
    """The filters of the address: what they ask for, and why one of them cannot be used."""

    asked: Asked
    problem: str | None = None

    @property
    def any(self) -> bool:
        """Whether anything is narrowed."""
        return self.asked != Asked()


def filters() -> Filters:
    """The filters of the present address, for the list and its feed."""
    given = {
        "ipc": request.args.get("ipc", "").strip(),
        "budget": request.args.get("budget_from", "").strip(),
    }
    problem = None
    values: dict[str, Any] = {}
    for name, value in given.items():
        if value:
            try:
                values |= read(DemandSchema, {name: value}, partial=True)
            except Invalid as error:
                problem = problem or next(iter(error.fields.values()))[0]
    district, industry = request.args.get("district", ""), request.args.get("industry", "")
    posted_by = request.args.get("posted_by", "")
    until = request.args.get("answer_by_to", "").strip()
    day: dt.date | None = None
    if until:
        try:
            day = dt.date.fromisoformat(until)
        except ValueError:
            problem = problem or gettext("Please enter a date such as 2026-11-20.")
    return Filters(
        Asked(
            text=request.args.get("q", "").strip()[:100] or None,
            industry=industry if industry in INDUSTRIES else None,
            ipc=(values.get("ipc") or (None,))[0],
            district=district if district.isdecimal() else None,
            budget_from=values.get("budget"),
            answer_by_to=day,
            posted_by=posted_by if posted_by in POSTERS else None,
            open_only=bool(request.args.get("open")),
        ),
        problem,
    )


@blueprint.get("")
@access("public")
def index() -> ResponseReturnValue:
    """Published demands, newest first, narrowed by the address."""
    chosen = filters()
    rows = [] if chosen.problem else services.list_demands(asked=chosen.asked, after=_key(), limit=_SIZE + 1)
    page = render_template(
        "demands/index.html",
        demands=rows[:_SIZE],
        after=_after(rows),
        chosen=chosen,
        total=0 if chosen.problem else services.count_demands(chosen.asked),
        industries=_industries(),
        districts=labels.districts(current_app.config["SETTINGS"].region),
        posters=POSTERS,
        may_post=allowed(current_actor(), "demand.post").allowed or current_actor().user_id is None,
    )
    return page, 422 if chosen.problem else 200


def _key() -> int | None:
    after = request.args.get("after", type=int)
    return after if after is None or 0 < after < 1 << 62 else None


def _after(rows: list[Demand]) -> int | None:
    return rows[_SIZE - 1].id if len(rows) > _SIZE else None


@blueprint.get("/mine")
@access("signed_in")
def mine() -> ResponseReturnValue:
    """The demands of one's own organisation, every state; the bureau's own ones for the bureau."""
    actor = current_actor()
    require(actor, "demand.post")
    posted_by = "bureau" if "bureau" in actor.roles else None
    rows = services.own_demands(actor, posted_by=posted_by, after=_key(), limit=_SIZE + 1)
    return render_template(
        "demands/mine.html",
        demands=rows[:_SIZE],
        after=_after(rows),
        waiting=answers.waiting([row.id for row in rows]),
    )


@blueprint.get("/answers")
@access("organisation")
def own_answers() -> ResponseReturnValue:
    """What one's own organisation has answered, with what the firms think of it."""
    rows = answers.own_answers(current_actor(), after=_key(), limit=_SIZE + 1)
    after = rows[_SIZE - 1].id if len(rows) > _SIZE else None
    return render_template("demands/answers.html", answers=rows[:_SIZE], after=after)


# --- posting


@blueprint.route("/new", methods=["GET", "POST"])
@access("signed_in")
def new() -> ResponseReturnValue:
    """Post a demand, or begin a draft; the answer is its page with the matches."""
    actor = current_actor()
    require(actor, "demand.post")
    form = _form(actor)
    if form.validate_on_submit():
        keep = request.form.get("step") == "draft"
        try:
            values = _values(form)
            with unit_of_work(actor):
                make = services.draft_demand if keep else services.publish_demand
                demand_id = make(actor, values).id
        except DomainError as error:
            form.accept(error)
        else:
            if keep:
                flash(gettext("The draft is kept. Nobody else sees it."), "success")
            else:
                flash(gettext("Your demand is published. These offers fit it best."), "success")
            return redirect(url_for("demands.show", demand_id=demand_id))
    elif request.method == "GET":
        form.title.data = request.args.get("text", "")[:TITLE_LENGTH]
    return render_template("demands/edit.html", form=form, demand=None), status_of(form)


@blueprint.route("/<int:demand_id>/edit", methods=["GET", "POST"])
@access("signed_in")
def edit(demand_id: int) -> ResponseReturnValue:
    """Change a demand that is not answered or over."""
    actor = current_actor()
    demand = services.get_demand(actor, demand_id)
    require(actor, "demand.change", demand)
    form = _form(actor, demand)
    if form.validate_on_submit():
        try:
            values = _values(form)
            with unit_of_work(actor):
                services.edit_demand(actor, demand_id, values)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Saved."), "success")
            return redirect(url_for("demands.show", demand_id=demand_id))
    return render_template("demands/edit.html", form=form, demand=demand), status_of(form)


@blueprint.post("/<int:demand_id>/publish")
@access("signed_in")
def publish(demand_id: int) -> ResponseReturnValue:
    """Publish a draft."""
    actor = current_actor()

    def act() -> None:
        services.publish_draft(actor, services.get_demand(actor, demand_id).id)

    return _done(
        demand_id, actor, act, gettext("Your demand is published. These offers fit it best."), "success"
    )


@blueprint.post("/<int:demand_id>/extend")
@access("signed_in")
def extend(demand_id: int) -> ResponseReturnValue:
    """Give the demand more time."""
    actor = current_actor()
    day = request.form.get("answer_by", None, type=dt.date.fromisoformat)
    return _done(
        demand_id,
        actor,
        lambda: services.extend_demand(actor, demand_id, day),
        gettext("The demand has more time."),
        "success",
    )


@blueprint.post("/<int:demand_id>/close")
@access("signed_in")
def close(demand_id: int) -> ResponseReturnValue:
    """Say that the need is met or not, with a reason, or take the demand back."""
    actor = current_actor()
    outcome, _, reason = request.form.get("outcome", "").partition(":")
    return _done(
        demand_id,
        actor,
        lambda: services.close_demand(
            actor, demand_id, outcome, reason=reason, note=request.form.get("note")
        ),
        gettext("The demand is closed."),
        "info",
    )


def _done(
    demand_id: int, actor: Actor, act: Any, said: str, kind: str, anchor: str | None = None
) -> ResponseReturnValue:
    """Do a step of the page in one unit of work; a refusal is said on the page."""
    try:
        with unit_of_work(actor):
            act()
    except Invalid as error:
        sentences = [gettext(one) for many in error.fields.values() for one in many]
        flash(sentences[0] if sentences else sentence_of(error), "danger")
    else:
        flash(said, kind)
    return redirect(url_for("demands.show", demand_id=demand_id, _anchor=anchor))


# --- the page of a demand


@dataclass(frozen=True)
class Shown:
    """A match with what became of it, if anything was noted yet."""

    match: Match
    state: str
    recommendation_id: int | None


class PassForm(Form):
    """Why an offer does not fit."""

    reason = SelectField(
        _l("Why does it not fit?"),
        choices=options((code, labels.name("pass_reason", code)) for code in PASS_REASONS),
    )
    note = StringField(_l("In your own words"), [optional(), at_most(500)], filters=[stripped])


class AnswerForm(Form):
    """A holder's answer: with an offer, with a patent that is not declared yet, or in words alone."""

    offer = SelectField(_l("One of your live offers"), [optional()], coerce=str)
    patent = SelectField(
        _l("Or a patent that you would open"),
        [optional()],
        coerce=str,
        description=_l("Only the firm sees this. It is an intention and binds nobody."),
    )
    text = TextAreaField(
        _l("What do you want to say to the firm?"),
        [optional(), at_most(LONGEST_TEXT)],
        description=_l("How it solves the problem, what it has been used for, whom to ask."),
        filters=[stripped],
    )


@blueprint.get("/<int:demand_id>")
@access("public")
def show(demand_id: int) -> ResponseReturnValue:
    """A demand; for its owner and staff the offers that fit it, with reasons; for holders a way to answer."""
    return _page(current_actor(), demand_id, None)


def _page(actor: Actor, demand_id: int, form: AnswerForm | None) -> ResponseReturnValue:
    demand = services.get_demand(actor, demand_id)
    if reminders.is_first_opening(actor, demand):
        with unit_of_work(actor):
            reminders.note_opening(actor, demand_id)
        demand = services.get_demand(actor, demand_id)
    sees_matches = allowed(actor, "recommendation.list", demand).allowed
    unavailable = False
    source: Source | None = None
    shown: list[Shown] = []
    passed: list[Recommendation] = []
    if sees_matches:
        known = {row.offer_id: row for row in matching.recommendations_of(actor, demand)}
        passed = [row for row in known.values() if row.state == "passed"]
        if demand.state in ("published", "answered"):
            try:
                found = matching.matches_for(demand)
            except EngineUnavailable:
                unavailable = True
            else:
                source = found.source
                shown = [_shown(match, known.get(match.offer_id)) for match in found]
                shown = [one for one in shown if one.state != "passed"]
    actions = {transition.action for transition in services.offered(actor, demand)}
    keeps_secret = allowed(actor, "demand.read_confidential", demand).allowed
    may_answer = (
        "answer" in actions
        and actor.organisation_id is not None
        and demand.organisation_id not in actor.licensees
        and (demand.answer_by is None or demand.answer_by >= clock.today())
    )
    if may_answer and form is None:
        form = _answer_form(actor)
    page = render_template(
        "demands/show.html",
        demand=demand,
        address=f"{current_app.config['SETTINGS'].public_url}{url_for('demands.show', demand_id=demand.id)}",
        json_ld=_json_ld(demand) if is_public(demand) else None,
        own=allowed(actor, "demand.change", demand).allowed,
        judges=keeps_secret,
        # What became of a match is the firm's to say, also where the bureau posts for it.
        marks=demand.organisation_id in actor.licensees,
        name_of_industry=lambda code: INDUSTRIES.get(code, (code, code))[formats.english()],
        shows_name=services.shows_name(actor, demand),
        actions=actions,
        sees_matches=sees_matches,
        shown=shown,
        passed=passed,
        answers=answers.answers_to(actor, demand),
        unavailable=unavailable,
        source=source,
        pass_form=PassForm(formdata=None),
        answer_pass_reasons=ANSWER_PASS_REASONS,
        outcomes=OUTCOME_REASONS,
        accesses=accesses.accesses_to(actor, demand) if keeps_secret and demand.confidential else [],
        readings=accesses.readings(actor, demand) if keeps_secret and demand.confidential else [],
        my_access=None if keeps_secret else accesses.own_access(actor, demand),
        answer_form=form if may_answer else None,
        longest=LONGEST_TEXT,
        longest_note=LONGEST_NOTE,
    )
    return page, 200 if form is None else status_of(form)


def _shown(match: Match, row: Recommendation | None) -> Shown:
    return Shown(match, row.state if row else "shown", row.id if row else None)


def _json_ld(demand: Demand) -> Markup:
    """The public part for search engines, as a Demand of schema.org; a data block is not executed."""
    root = current_app.config["SETTINGS"].public_url
    it: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Demand",
        "@id": root + url_for("demands.show", demand_id=demand.id),
        "name": demand.title,
        "alternateName": demand.title_en,
        "description": demand.description,
        "availabilityStarts": demand.published_on.isoformat() if demand.published_on else None,
        "availabilityEnds": demand.answer_by.isoformat() if demand.answer_by else None,
        "areaServed": labels.district(demand.district) if demand.district else None,
    }
    if demand.budget_minor is not None:
        it["priceSpecification"] = {
            "@type": "PriceSpecification",
            "maxPrice": f"{Decimal(demand.budget_minor) / 100:.2f}",
            "priceCurrency": "CNY",
        }
    # Who seeks is said the other way round: an organisation `seeks` a demand.
    said: dict[str, Any] = {key: value for key, value in it.items() if value is not None}
    if demand.named:
        context = said.pop("@context")
        said = {
            "@context": context,
            "@type": "Organization",
            "name": demand.organisation.name,
            "seeks": said,
        }
    text = json.dumps(said, ensure_ascii=False)
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 - no markup can begin without the sign


def _answer_form(actor: Actor) -> AnswerForm:
    form = AnswerForm()
    none = ("", gettext("None"))
    form.offer.choices = [
        none,
        *((str(one.id), _patent_text(one.patent)) for one in _my_live_offers(actor)),
    ]
    form.patent.choices = [
        none,
        *((str(one.id), _patent_text(one)) for one in answers.undeclared_patents(actor, _MOST_OFFERS)),
    ]
    return form


def _patent_text(patent: Any) -> str:
    title = patent.title_en if formats.english() and patent.title_en else patent.title
    return f"{title} · {formats.patent_number(patent)}"


def _my_live_offers(actor: Actor) -> list[Offer]:
    today = clock.today()
    rows = db.session.scalars(
        sa.select(Offer)
        .where(Offer.holder_id.in_(actor.holders), Offer.status.in_(IN_FORCE), Offer.evidence == "verified")
        .order_by(Offer.id.desc())
        .limit(_MOST_OFFERS)
    )
    return [offer for offer in rows if offer.in_force_on(today)]


@blueprint.post("/<int:demand_id>/offers/<int:offer_id>/<state>")
@access("organisation")
def mark(demand_id: int, offer_id: int, state: str) -> ResponseReturnValue:
    """Say what became of a match: opened (and go there), contacted, or passed over with a reason."""
    if state not in ("opened", "contacted", "passed"):
        abort(404)
    actor = current_actor()
    demand = services.get_demand(actor, demand_id)
    require(actor, "recommendation.list", demand)
    form = PassForm()
    # The engine is asked before the unit of work.
    found = [] if _recommended(demand_id, offer_id) else matching.matches_for(demand)
    with unit_of_work(actor):
        demand = lock(Demand, demand_id)
        matching.store(demand, found)
        row = _recommended(demand_id, offer_id)
        if row is None:
            raise NotFound("offer-not-found", "There is no such offer.")
        matching.mark(actor, row, state, reason=form.reason.data, note=form.note.data)
    if state == "opened":
        return redirect(url_for("offers.show", offer_id=offer_id))
    flash(gettext("Noted."), "success")
    return redirect(url_for("demands.show", demand_id=demand_id))


def _recommended(demand_id: int, offer_id: int) -> Recommendation | None:
    return db.session.scalar(
        sa.select(Recommendation).where(
            Recommendation.demand_id == demand_id, Recommendation.offer_id == offer_id
        )
    )


# --- answers


@blueprint.post("/<int:demand_id>/answer")
@access("organisation")
def answer(demand_id: int) -> ResponseReturnValue:
    """Answer a demand with one of one's own live offers, with a patent of one's own, or in words."""
    actor = current_actor()
    services.get_demand(actor, demand_id)
    form = _answer_form(actor)
    if not form.validate():
        return _page(actor, demand_id, form)
    try:
        with unit_of_work(actor):
            if form.offer.data:
                answers.answer_demand(actor, demand_id, int(form.offer.data), form.text.data)
            elif form.patent.data:
                answers.answer_with_patent(actor, demand_id, int(form.patent.data), form.text.data)
            else:
                answers.answer_with_message(actor, demand_id, form.text.data or "")
    except Invalid as error:
        form.accept(error)
        return _page(actor, demand_id, form)
    flash(gettext("The firm is told of your answer."), "success")
    return redirect(url_for("demands.show", demand_id=demand_id, _anchor="answers"))


@blueprint.post("/answers/<int:answer_id>/<action>")
@access("signed_in")
def judge(answer_id: int, action: str) -> ResponseReturnValue:
    """Find an answer helpful, pass it with a reason, reply to it, or (its holder) take it back."""
    if action not in ("helpful", "pass", "reply", "withdraw"):
        abort(404)
    actor = current_actor()
    demand_id = answers.get_answer(actor, answer_id).demand_id

    def act() -> None:
        if action == "reply":
            answers.reply(actor, answer_id, request.form.get("text", ""))
        elif action == "withdraw":
            answers.withdraw_answer(actor, answer_id)
        else:
            answers.judge(
                actor,
                answer_id,
                action,
                reason=request.form.get("reason"),
                note=request.form.get("note"),
            )

    said = {
        "helpful": gettext("The holder is told that its answer helps."),
        "pass": gettext("The holder is told of your reason."),
        "reply": gettext("Your message is sent."),
        "withdraw": gettext("Your answer is taken back."),
    }[action]
    return _done(demand_id, actor, act, said, "success", anchor="answers")
