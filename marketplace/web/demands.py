"""Firms' demands: the public list, posting one, and its ranked matches with reasons."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Invalid, NotFound
from marketplace.core.fields import read
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.demands import answers, services
from marketplace.demands.columns import DESCRIPTION_LENGTH, TITLE_LENGTH
from marketplace.demands.models import Demand, Recommendation
from marketplace.demands.schemas import DemandSchema
from marketplace.listings.models import IN_FORCE, Offer
from marketplace.matching import services as matching
from marketplace.matching.lifecycle import PASS_REASONS
from marketplace.matching.services import Match
from marketplace.search.answering import Source
from marketplace.search.engine import EngineUnavailable

from . import labels
from .forms import Form, at_most, optional, options, required, status_of, stripped

blueprint = Blueprint("demands", __name__, url_prefix="/demands")

_SIZE = 20
_MOST_OFFERS = 200  # in the list of own offers to answer with


class DemandForm(Form):
    """A need in the firm's own words."""

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
    answer_by = DateField(_l("Answers wanted by"), [optional()])


def _form(demand: Demand | None = None) -> DemandForm:
    form = DemandForm(obj=demand) if demand is not None and request.method == "GET" else DemandForm()
    form.district.choices = [
        ("", gettext("Elsewhere or not given")),
        *labels.districts(current_app.config["SETTINGS"].region),
    ]
    if demand is not None and request.method == "GET":
        form.ipc.data = "; ".join(demand.ipc)
        form.budget.data = "" if demand.budget_minor is None else f"{demand.budget_minor / 100:.10g}"
    return form


def _values(form: DemandForm) -> dict[str, object]:
    """The form's texts, converted as imports and the API convert them."""
    given = {name: value for name, value in form.data.items() if name not in ("csrf_token", "answer_by")}
    return {**read(DemandSchema, given), "answer_by": form.answer_by.data}


@blueprint.get("")
@access("public")
def index() -> ResponseReturnValue:
    """Published demands, newest first."""
    rows = services.list_demands(after=request.args.get("after", type=int), limit=_SIZE + 1)
    return render_template("demands/index.html", demands=rows[:_SIZE], after=_after(rows))


def _after(rows: list[Demand]) -> int | None:
    return rows[_SIZE - 1].id if len(rows) > _SIZE else None


@blueprint.get("/mine")
@access("organisation")
def mine() -> ResponseReturnValue:
    """The demands of one's own organisation, every state."""
    rows = services.own_demands(current_actor(), after=request.args.get("after", type=int), limit=_SIZE + 1)
    return render_template("demands/mine.html", demands=rows[:_SIZE], after=_after(rows))


@blueprint.route("/new", methods=["GET", "POST"])
@access("organisation")
def new() -> ResponseReturnValue:
    """Post a demand; the answer is its page with the matches."""
    actor = current_actor()
    form = _form()
    if form.validate_on_submit():
        try:
            values = _values(form)
            with unit_of_work(actor):
                demand_id = services.publish_demand(actor, values).id
        except Invalid as error:
            form.accept(error)
        else:
            flash(gettext("Your demand is published. These offers fit it best."), "success")
            return redirect(url_for("demands.show", demand_id=demand_id))
    elif request.method == "GET":
        form.title.data = request.args.get("text", "")[:TITLE_LENGTH]
    return render_template("demands/edit.html", form=form, demand=None), status_of(form)


@blueprint.route("/<int:demand_id>/edit", methods=["GET", "POST"])
@access("organisation")
def edit(demand_id: int) -> ResponseReturnValue:
    """Change a demand that is not answered or over."""
    actor = current_actor()
    demand = services.get_demand(actor, demand_id)
    require(actor, "demand.change", demand)
    form = _form(demand)
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


@blueprint.post("/<int:demand_id>/close")
@access("organisation")
def close(demand_id: int) -> ResponseReturnValue:
    """Take the demand back, or say that it is settled."""
    actor = current_actor()
    with unit_of_work(actor):
        services.close_demand(actor, demand_id)
    flash(gettext("The demand is closed."), "info")
    return redirect(url_for("demands.show", demand_id=demand_id))


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


@blueprint.get("/<int:demand_id>")
@access("public")
def show(demand_id: int) -> ResponseReturnValue:
    """A demand; for its owner and staff the offers that fit it, with reasons; for holders a way to answer."""
    actor = current_actor()
    demand = services.get_demand(actor, demand_id)
    sees_matches = allowed(actor, "recommendation.list", demand).allowed
    unavailable = False
    source: Source | None = None
    shown: list[Shown] = []
    passed: list[Recommendation] = []
    answers: list[Recommendation] = []
    if sees_matches:
        known = {row.offer_id: row for row in matching.recommendations_of(actor, demand)}
        passed = [row for row in known.values() if row.state == "passed"]
        answers = [row for row in known.values() if _answered_by(row)]
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
    own = allowed(actor, "demand.change", demand).allowed
    return render_template(
        "demands/show.html",
        demand=demand,
        own=own,
        actions=actions,
        sees_matches=sees_matches,
        shown=shown,
        passed=passed,
        answers=answers,
        unavailable=unavailable,
        source=source,
        pass_form=PassForm(formdata=None),
        my_offers=_my_live_offers(actor)
        if "answer" in actions and demand.organisation_id not in actor.licensees
        else [],
    )


def _answered_by(row: Recommendation) -> bool:
    return any(reason.get("kind") == "answer" for reason in row.reasons)


def _shown(match: Match, row: Recommendation | None) -> Shown:
    return Shown(match, row.state if row else "shown", row.id if row else None)


def _my_live_offers(actor: Actor) -> list[Offer]:
    today = clock.today()
    mine = {actor.organisation_id, *actor.principals} - {None}
    rows = db.session.scalars(
        sa.select(Offer)
        .where(Offer.holder_id.in_(mine), Offer.status.in_(IN_FORCE), Offer.evidence == "verified")
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


@blueprint.post("/<int:demand_id>/answer")
@access("organisation")
def answer(demand_id: int) -> ResponseReturnValue:
    """Answer a demand with one of one's own live offers."""
    actor = current_actor()
    offer_id = request.form.get("offer", 0, type=int)
    with unit_of_work(actor):
        answers.answer_demand(actor, demand_id, offer_id)
    flash(gettext("The firm is told of your offer."), "success")
    return redirect(url_for("demands.show", demand_id=demand_id))
