"""The workbench: an organisation's whole stock in one list that is narrowed down, and what is done with many.

One patent of the stock, bulk actions with their progress, and saved views. Units, levels and grades are in
`workbench_setup`, files in `workbench_lists`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.widgets import CheckboxInput, ListWidget

from marketplace.accounts.identity import access
from marketplace.core import convert
from marketplace.core.errors import DomainError, Invalid
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.models import KINDS
from marketplace.listings.services import get_patent
from marketplace.listings.standing import STANDINGS
from marketplace.listings.stocktaking import filters, jobs, services, setup
from marketplace.listings.stocktaking.desk import Desk, desk_of
from marketplace.listings.stocktaking.filters import NONE, SECTIONS, Filter
from marketplace.listings.stocktaking.lifecycle import STOCK
from marketplace.listings.stocktaking.models import PRACTICES, STATES, WISHES, StockJob
from marketplace.listings.stocktaking.rules import routes

from . import workbench_lists, workbench_setup  # noqa: F401 - they add their pages to the blueprint
from .forms import Form, at_most, optional, options, status_of, stripped
from .shell import safe_next
from .workbench_frame import blueprint, desk, grade_of, said, unit_choices
from .workbench_words import HISTORY, PRACTICE, SECTION, WISH

__all__ = ["blueprint"]

_MOST_TICKED = 200


# --- the list


@blueprint.get("")
@access("organisation")
def index() -> ResponseReturnValue:
    """The stock, narrowed down, with counts of what else there is."""
    found = desk()
    wanted = filters.parse(request.args.to_dict(flat=False), strict=False)
    before = request.args.get("before", type=int)
    counts = filters.count(wanted, found)
    ids = filters.page(wanted, found, before=before, size=filters.SIZE + 1)
    more = ids[filters.SIZE - 1] if len(ids) > filters.SIZE else None
    names = services.people(found)
    return render_template(
        "workbench/index.html",
        desk=found,
        wanted=wanted,
        query=_query(wanted),
        counts=counts,
        cases=services.cases(found, ids[: filters.SIZE]),
        before=before,
        more=more,
        people=names,
        units=unit_choices(found),
        views=setup.views(found),
        sections=[(code, SECTION[code]) for code in SECTIONS],
        kinds=KINDS,
        standings=STANDINGS,
        states=STATES,
        practices=PRACTICES,
        wishes=(*WISHES, NONE),
        NONE=NONE,
    )


def _query(wanted: Filter) -> dict[str, Any]:
    """The filter as parameters of an address."""
    return wanted.as_json()


# --- one patent


class StockForm(Form):
    """What is said of a patent."""

    grade = SelectField(_l("Grade"), [optional()], choices=[])
    wish = SelectMultipleField(
        _l("Wish for conversion"),
        [optional()],
        choices=options(WISH.items()),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    practice = SelectField(_l("Use so far"), [optional()], choices=options(PRACTICE.items()))
    practised_by = StringField(_l("Used by"), [optional(), at_most(200)], filters=[stripped])
    practised_since = DateField(_l("Used since"), [optional()])
    practised_how = TextAreaField(_l("How it is used"), [optional(), at_most(2000)], filters=[stripped])
    note = TextAreaField(
        _l("Prospects and remarks"),
        [optional(), at_most(4000)],
        filters=[stripped],
        description=_l("Prospects, what is still lacking, whom to ask."),
    )


def _form(found: Desk, case: Any) -> StockForm:
    row = case.row
    known = {name: getattr(row, name) for name in services.SAID if name != "wish"}
    form = StockForm(data={**known, "wish": routes(row.wish)})
    grades = [("", gettext("No grade")), *((step.code, grade_of(found, step.code)) for step in found.scale)]
    form.grade.choices = options(grades)
    form.wish.choices = options((code, WISH[code]) for code in WISHES)
    return form


@blueprint.route("/<int:stock_id>", methods=["GET", "POST"])
@access("organisation")
def show(stock_id: int) -> ResponseReturnValue:
    """One patent: what is said of it, who checked it, and what may be done now."""
    found = desk()
    case = services.get_case(found, stock_id)
    form = _form(found, case)
    if form.validate_on_submit():
        try:
            version = request.form.get("version", type=int)
            with unit_of_work(found.actor):
                held = desk_of(found.actor, found.organisation_id)
                changed = services.edit(
                    services.get_case(held, stock_id, locked=True), _said(form), version=version
                )
        except DomainError as error:
            form.accept(error)
            case = services.get_case(desk(), stock_id)
        else:
            flash(gettext("Saved.") if changed else gettext("Nothing has changed."), "success")
            return redirect(url_for("workbench.show", stock_id=stock_id))
    return render_template(
        "workbench/show.html",
        desk=found,
        case=case,
        row=case.row,
        patent=get_patent(case.row.patent_id),
        form=form,
        may_edit=_may_edit(found, case),
        may_place=allowed(found.actor, "stock.place", case).allowed,
        may_draft=allowed(found.actor, "stock.amend", case).allowed,
        steps=_steps(case),
        history=services.history(case),
        history_names=HISTORY,
        people=services.people(found),
        units=unit_choices(found),
    ), status_of(form)


def _said(form: StockForm) -> dict[str, Any]:
    return {name: form[name].data for name in services.SAID}


def _may_edit(found: Desk, case: Any) -> bool:
    return any(one.action == "edit" for one in STOCK.offered(found.actor, case))


def _steps(case: Any) -> list[str]:
    """What may be done now, as a person asks for it; a step that needs completing first is offered too."""
    offered = [one.action for one in services.possible(case)]
    asked = [{"settle": "submit", "approve_unit": "approve"}.get(name, name) for name in offered]
    if case.state == "entered" and "edit" in offered:
        asked.append("submit")
    return [name for name in ("submit", "take_back", "approve", "return", "comment") if name in asked]


@blueprint.post("/<int:stock_id>/place")
@access("organisation")
def place(stock_id: int) -> ResponseReturnValue:
    """Put a patent into a unit, and name who enters it."""
    found = desk()
    values = {
        "unit_id": request.form.get("unit", type=int),
        "inventor_id": request.form.get("inventor", type=int),
    }
    return _change(found, stock_id, lambda case: services.place(case, values))


@blueprint.post("/<int:stock_id>/act")
@access("organisation")
def act(stock_id: int) -> ResponseReturnValue:
    """Take a step, with or without a comment."""
    found = desk()
    action, comment = request.form.get("action", ""), request.form.get("comment")
    if action not in ("submit", "take_back", "approve", "return", "comment"):
        raise Invalid("bulk-action-unknown", "There is no such action.")
    return _change(found, stock_id, lambda case: services.act(case, action, comment))


def _change(found: Desk, stock_id: int, change: Any) -> ResponseReturnValue:
    try:
        with unit_of_work(found.actor):
            held = desk_of(found.actor, found.organisation_id)
            changed = change(services.get_case(held, stock_id, locked=True))
    except DomainError as error:
        flash(said(error), "danger")
    else:
        flash(gettext("Done.") if changed else gettext("Nothing has changed."), "success")
    return redirect(url_for("workbench.show", stock_id=stock_id))


# --- many patents


@blueprint.post("/bulk")
@access("organisation")
def bulk() -> ResponseReturnValue:
    """Begin an action on the patents that are ticked, or on all that match the filter."""
    found = desk()
    action = request.form.get("action", "")
    wanted = filters.parse(request.form.to_dict(flat=False), strict=False)
    back = url_for("workbench.index", **_query(wanted))
    ticked = request.form.getlist("id", type=int)[:_MOST_TICKED]
    everything = request.form.get("scope") == "all"
    if not everything and not ticked:
        flash(gettext("Tick some patents first, or choose all that match."), "warning")
        return redirect(back)
    try:
        values = _bulk_values(action)
        if everything and request.form.get("confirmed") != "yes":
            total, _last = filters.number_of(wanted, found)
            if total > jobs.AT_ONCE:
                return _ask(found, action, wanted, total, values)
        with unit_of_work(found.actor):
            job = jobs.start(
                desk_of(found.actor, found.organisation_id),
                action,
                values,
                ids=None if everything else ticked,
                wanted=wanted if everything else None,
            )
    except DomainError as error:
        flash(said(error), "danger")
        return redirect(back)
    if job.state == "done" and not job.refused:
        flash(summary_of(job), "success")
        return redirect(back)
    return redirect(url_for("workbench.job", job_id=job.id, back=back))


def _bulk_values(action: str) -> dict[str, Any]:
    """What an action takes, from the form, as JSON."""
    form = request.form
    if action == "set_unit":
        return {"unit_id": form.get("to_unit", type=int)}
    if action == "set_inventor":
        return {"inventor_id": form.get("to_inventor", type=int)}
    if action == "set_grade":
        return {"grade": form.get("to_grade", "")}
    if action == "set_wish":
        return {"wish": [code for code in form.getlist("to_wish") if code in WISHES]}
    if action == "set_practice":
        return {
            "practice": form.get("to_practice", "unknown"),
            "practised_by": form.get("to_practised_by", "").strip()[:200] or None,
            "practised_how": form.get("to_practised_how", "").strip()[:2000] or None,
            "practised_since": _iso(form.get("to_practised_since")),
        }
    return {"comment": form.get("comment", "").strip()[: services.LONGEST]}


def _iso(text: str | None) -> str | None:
    try:
        day = convert.date()(text or "")
    except convert.InvalidValue as error:
        message = convert.reason(error.code, error.parameters)
        raise Invalid(error.code, message) from error
    return day.isoformat() if day else None


def _ask(
    found: Desk, action: str, wanted: Filter, total: int, values: Mapping[str, Any]
) -> ResponseReturnValue:
    """Ask before something is done to many patents at once."""
    kept = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in ("csrf_token", "id", "confirmed")
    ]
    return render_template(
        "workbench/confirm.html",
        desk=found,
        action=action,
        total=total,
        kept=kept,
        values=values,
        back=url_for("workbench.index", **_query(wanted)),
        people=services.people(found),
    )


def summary_of(job: StockJob) -> str:
    """What became of the chosen patents, in one sentence."""
    sentence: str = gettext(
        "%(changed)d changed, %(unchanged)d were so already, %(refused)d refused.",
        changed=job.changed,
        unchanged=job.unchanged,
        refused=job.refused,
    )
    return sentence


@blueprint.get("/jobs")
@access("organisation")
def job_list() -> ResponseReturnValue:
    """The last actions on many patents."""
    found = desk()
    return render_template(
        "workbench/jobs.html", desk=found, jobs=jobs.recent(found), people=services.people(found)
    )


@blueprint.get("/jobs/<int:job_id>")
@access("organisation")
def job(job_id: int) -> ResponseReturnValue:
    """How far an action on many patents has come, and what was refused; reloads itself until it is done."""
    found = desk()
    one = jobs.get_job(found, job_id)
    after = request.args.get("after", 0, type=int)
    refused = jobs.refusals(one, after=after)
    return render_template(
        "workbench/job.html",
        desk=found,
        job=one,
        refusals=[(row, stock, str(gettext(row.message, **row.parameters))) for row, stock in refused],
        next=refused[-1][0].id if len(refused) == 100 else None,
        sentence=summary_of(one),
        back=safe_next(request.args.get("back")) or url_for("workbench.index"),
        people=services.people(found),
    )


# --- saved views


@blueprint.get("/views")
@access("organisation")
def views() -> ResponseReturnValue:
    """The saved views, one's own and those that are shared."""
    found = desk()
    return render_template(
        "workbench/views.html", desk=found, views=setup.views(found), people=services.people(found)
    )


@blueprint.post("/views")
@access("organisation")
def save_view() -> ResponseReturnValue:
    """Save the present filter under a name."""
    found = desk()
    wanted = filters.parse(request.form.to_dict(flat=False), strict=False)
    try:
        with unit_of_work(found.actor):
            setup.save_view(
                desk_of(found.actor, found.organisation_id),
                request.form.get("name", ""),
                wanted,
                shared=request.form.get("shared") == "yes",
            )
    except DomainError as error:
        flash(said(error), "danger")
    else:
        flash(gettext("The view is saved."), "success")
    return redirect(url_for("workbench.index", **_query(wanted)))


@blueprint.post("/views/<int:view_id>/remove")
@access("organisation")
def remove_view(view_id: int) -> ResponseReturnValue:
    """Remove a saved view."""
    found = desk()
    with unit_of_work(found.actor):
        setup.remove_view(desk_of(found.actor, found.organisation_id), view_id)
    flash(gettext("The view is removed."), "success")
    return redirect(url_for("workbench.views"))
