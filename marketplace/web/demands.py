"""Firms' demands: the public list, the poster's own, posting one, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, SelectField, StringField, TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Invalid
from marketplace.core.fields import read
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import unit_of_work
from marketplace.demands import answers, services
from marketplace.demands.columns import DESCRIBED_LENGTH, DESCRIPTION_LENGTH, INDUSTRIES, TITLE_LENGTH
from marketplace.demands.models import POSTERS, Demand
from marketplace.demands.schemas import DemandSchema
from marketplace.demands.services import Asked

from . import demand_accesses, demand_answers, demand_page, formats, labels
from .forms import Form, at_most, optional, required, status_of, stripped
from .list_pages import ListPages
from .uploads import Kind

blueprint = Blueprint("demands", __name__, url_prefix="/demands")
demand_accesses.add_to(blueprint)
demand_answers.add_to(blueprint)

LISTS = ListPages(
    Kind(
        "demands",
        _l("Upload a list of demands"),
        _l(
            "One row a demand, with the firm whose it is. They are published at once; repeating changes "
            "nothing."
        ),
    ),
    permission="demand.import",
    above=(_l("Our demands"), "demands.mine"),
    after=lambda actor: "demands.index" if actor.is_operator else "demands.mine",
)
LISTS.add_to(blueprint)

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
    rows = (
        []
        if chosen.problem
        else services.list_demands(asked=chosen.asked, after=demand_page.after(), limit=_SIZE + 1)
    )
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


def _after(rows: list[Demand]) -> int | None:
    return rows[_SIZE - 1].id if len(rows) > _SIZE else None


@blueprint.get("/mine")
@access("signed_in")
def mine() -> ResponseReturnValue:
    """The demands of one's own organisation, every state; the bureau's own ones for the bureau."""
    actor = current_actor()
    require(actor, "demand.post")
    posted_by = "bureau" if "bureau" in actor.roles else None
    rows = services.own_demands(actor, posted_by=posted_by, after=demand_page.after(), limit=_SIZE + 1)
    return render_template(
        "demands/mine.html",
        demands=rows[:_SIZE],
        after=_after(rows),
        waiting=answers.waiting([row.id for row in rows]),
    )


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

    return demand_page.done(
        demand_id, actor, act, gettext("Your demand is published. These offers fit it best."), "success"
    )


@blueprint.post("/<int:demand_id>/extend")
@access("signed_in")
def extend(demand_id: int) -> ResponseReturnValue:
    """Give the demand more time."""
    actor = current_actor()
    day = request.form.get("answer_by", None, type=dt.date.fromisoformat)
    return demand_page.done(
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
    return demand_page.done(
        demand_id,
        actor,
        lambda: services.close_demand(
            actor, demand_id, outcome, reason=reason, note=request.form.get("note")
        ),
        gettext("The demand is closed."),
        "info",
    )


@blueprint.get("/<int:demand_id>")
@access("public")
def show(demand_id: int) -> ResponseReturnValue:
    """A demand; for its owner and staff the offers that fit it, with reasons; for holders a way to answer."""
    return demand_page.page(current_actor(), demand_id)
