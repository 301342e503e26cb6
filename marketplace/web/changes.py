"""Something changed: which event it is, and the steps that the law puts in order, as a checklist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, RadioField, StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.listings.changes import services
from marketplace.listings.changes.models import EVENTS, ChangeTask
from marketplace.listings.changes.owners import declared_in_force
from marketplace.listings.models import IN_FORCE, Patent
from marketplace.listings.services import get_patent

from . import formats, holder_frame, labels, operator_frame
from .forms import Form, at_most, optional, options, required, sentence_of, status_of, stripped


@dataclass(frozen=True)
class Words:
    """A step in words: what to do, what the law says, and the action that leads there."""

    title: Any
    lead: Any
    button: Any = None


STEPS: dict[str, Words] = {
    "file_withdrawal": Words(
        _l("File the withdrawal with CNIPA"),
        _l("Without conditions, and with the written consent of all patentees (Guidelines V-11 §4)."),
        _l("Record the filing of a withdrawal"),
    ),
    "withdrawal_announced": Words(
        _l("Wait for the announcement of the withdrawal"),
        _l("It takes effect on that day. Until then notices remain possible; licences taken stand."),
        _l("Record the announced withdrawal"),
    ),
    "tell_licensees": Words(
        _l("Tell the licensees"),
        _l("Their licences stand (Patent Law, Article 50); they should know with whom they deal."),
        _l("They have been told"),
    ),
    "change_owners": Words(
        _l("Change the patentees"),
        _l("First with CNIPA, then here. Only after the withdrawal was announced (Guidelines V-11 §9)."),
        _l("Change the patentees here"),
    ),
    "redeclare": Words(
        _l("Declare anew with the same terms"),
        _l("A draft repeats the terms that were withdrawn; the new patentees check and file it."),
        _l("Draft the declaration"),
    ),
    "abandon": Words(
        _l("Abandon the patent, and record its end"),
        _l("Only after the withdrawal was announced (Guidelines V-11 §9)."),
        _l("State the legal status"),
    ),
    "state_pledge": Words(
        _l("State the pledge"),
        _l("And whether the pledgee agrees in writing that the open licence goes on."),
        _l("State the pledge"),
    ),
    "pledgee_consent": Words(
        _l("Hand in the pledgee's written consent"),
        _l("Without it the pledge is a bar, and a declaration in force has to be withdrawn (Rule 86)."),
        _l("State the consent"),
    ),
}


class BeginForm(Form):
    """Which event it is, and when."""

    event = RadioField(
        _l("What has changed, or is about to?"),
        [required(_l("Please choose one."))],
        choices=options((code, labels.name("change_event", code)) for code in EVENTS),
    )
    event_on = DateField(
        _l("On which day?"), [required()], description=_l("Of the event itself; it may lie ahead.")
    )
    due_on = DateField(
        _l("By when do you want it done?"),
        [optional()],
        description=_l("The law says promptly and names no day; the tasks are sorted by this one."),
    )
    note = StringField(_l("Note"), [optional(), at_most(500)], filters=[stripped])


def _own(patent_id: int) -> Patent:
    patent = get_patent(patent_id)
    if not allowed(current_actor(), "change.begin", patent).allowed:
        raise NotFound("patent-not-found", "No patent with this number is known here.")
    return patent


@holder_frame.blueprint.route("/patents/<int:patent_id>/changed", methods=["GET", "POST"])
@access("organisation")
def begin_change(patent_id: int) -> ResponseReturnValue:
    """Choose the event; the task with its steps follows."""
    actor, patent = current_actor(), _own(patent_id)
    form = BeginForm(data={"event_on": clock.today(), "event": request.args.get("event")})
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                task = services.begin(
                    actor,
                    _own(patent_id),
                    form.event.data,
                    event_on=form.event_on.data,
                    due_on=form.due_on.data,
                    note=form.note.data or None,
                )
        except DomainError as error:
            form.accept(error)
        else:
            return redirect(url_for("holder.change", task_id=task.id))
    patent = _own(patent_id)
    return render_template(
        "changes/begin.html",
        form=form,
        patent=patent,
        offer=declared_in_force(patent.id),
        tasks=services.tasks_of(patent.id),
        leads={code: labels.label("change_event", code).hint for code in EVENTS},
    ), status_of(form)


def _rows(tasks: list[ChangeTask]) -> list[tuple[ChangeTask, Any]]:
    """Tasks with the step whose turn it is."""
    return [
        (task, next((step for step in services.steps_of(task) if step.state == "now"), None))
        for task in tasks
    ]


@holder_frame.blueprint.get("/changes")
@access("organisation")
def changes() -> ResponseReturnValue:
    """The open tasks of the holder, the one due first on top."""
    rows = _rows(services.open_tasks([holder_frame.party().id]))
    return render_template("changes/list.html", area="holder", rows=rows, words=STEPS)


@operator_frame.blueprint.get("/changes", endpoint="changes")
@access("operator")
def all_changes() -> ResponseReturnValue:
    """The open tasks of all holders."""
    return render_template(
        "changes/list.html", area="operator", rows=_rows(services.open_tasks(None)), words=STEPS
    )


@holder_frame.blueprint.get("/changes/<int:task_id>")
@access("organisation")
def change(task_id: int) -> ResponseReturnValue:
    """One task as a checklist."""
    return _page(task_id, "holder")


@operator_frame.blueprint.get("/changes/<int:task_id>", endpoint="change")
@access("operator")
def any_change(task_id: int) -> ResponseReturnValue:
    """One task as the operator sees it."""
    return _page(task_id, "operator")


def _page(task_id: int, area: str) -> str:
    task = services.get_task(current_actor(), task_id)
    steps = services.steps_of(task)
    return render_template(
        "changes/show.html",
        area=area,
        task=task,
        patent=task.patent,
        steps=steps,
        words=STEPS,
        address=_addresses(task) if area == "holder" else {},
        in_force=task.offer is not None and task.offer.status in IN_FORCE,
        keeps=area == "holder" and task.state == "open",
    )


def _addresses(task: ChangeTask) -> dict[str, str]:
    """Step → the page that does it; the others are done by a button here."""
    patent = url_for("holder.fact", patent_id=task.patent_id, name="pledged")
    found = {
        "change_owners": url_for("holder.edit_patent", patent_id=task.patent_id),
        "abandon": url_for("holder.fact", patent_id=task.patent_id, name="legal_status"),
        "state_pledge": patent,
        "pledgee_consent": patent,
    }
    if task.offer is not None:
        for code, action in (("file_withdrawal", "file_withdrawal"), ("withdrawal_announced", "withdraw")):
            found[code] = url_for("holder.step", offer_id=task.offer.id, action=action)
    if task.redeclared is not None and task.redeclared.status not in ("refused", "discarded"):
        found["redeclare"] = url_for("holder.offer", offer_id=task.redeclared.id)
    return found


@holder_frame.blueprint.post("/changes/<int:task_id>/<action>")
@access("organisation")
def keep_change(task_id: int, action: str) -> ResponseReturnValue:
    """Tick a step that no fact shows, draft the new declaration, or give the task up."""
    actor = current_actor()
    if action not in ("tell", "redeclare", "cancel"):
        raise NotFound("step-unknown", "An offer has no such step.")
    draft = None
    try:
        with unit_of_work(actor):
            if action == "tell":
                services.tell(actor, task_id, request.form.get("step", ""))
            elif action == "cancel":
                services.cancel(actor, task_id)
            else:
                draft = services.redeclare(actor, task_id)
    except DomainError as error:
        db.session.rollback()
        flash(sentence_of(error), "danger")
    else:
        if draft is not None:
            flash(gettext("The draft repeats the terms. Please check every one before you file."), "success")
            return redirect(url_for("holder.offer", offer_id=draft.id))
        flash(gettext("The task is given up.") if action == "cancel" else gettext("Noted."), "success")
    return redirect(url_for("holder.change", task_id=task_id))


def line_of(task: ChangeTask) -> str:
    """A task in one line: the event, the patent, the next step and the day."""
    [(_, step)] = _rows([task])
    parts = [str(labels.name("change_event", task.event)), task.patent.title]
    if step is not None:
        parts.append(str(STEPS[step.code].title))
    parts.append(formats.day(task.due_on or task.event_on))
    return " · ".join(parts)
