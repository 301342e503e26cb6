"""The bureau's reports: made, looked at, published, held against today, corrected, and their schedule."""

from __future__ import annotations

import codecs
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired

from marketplace.accounts.identity import access, current_actor
from marketplace.core.database import db
from marketplace.core.errors import DomainError, Forbidden, NotFound, Unauthenticated
from marketplace.core.permissions import allowed, require
from marketplace.core.unit_of_work import unit_of_work
from marketplace.statistics import facts
from marketplace.statistics.definitions import GROUPING_TITLES
from marketplace.statistics.reports import periods, schedules, services, telling
from marketplace.statistics.reports.building import Number
from marketplace.statistics.reports.lifecycle import REPORT
from marketplace.statistics.reports.listing import called
from marketplace.statistics.reports.models import SCHEDULED, ReportChange, StatisticsReport
from marketplace.statistics.reports.periods import Period
from marketplace.statistics.reports.revisions import CAUSES
from marketplace.statistics.services import csv_text

from . import labels
from .downloads import kept, saved
from .forms import Form, at_most, options, required, sentence_of, status_of, stripped
from .groups import group_name

_PAGE = 30
_SHOWN = 200


class MakeForm(Form):
    """Which report to make."""

    kind = SelectField(_l("Kind of report"), [required()])
    period = StringField(
        _l("Period"),
        [required(), at_most(20)],
        description=_l("Such as 2026-10, 2026-Q3 or 2026. It has to be over."),
        filters=[stripped],
    )
    issuer = StringField(_l("Issued by"), [at_most(services.LONGEST_ISSUER)], filters=[stripped])
    document_number = StringField(
        _l("Document number"), [at_most(services.LONGEST_NUMBER)], filters=[stripped]
    )
    public = BooleanField(_l("Open to everyone once it is published"))


class NoteForm(Form):
    """Why a report is corrected."""

    note = TextAreaField(
        _l("What was corrected, and why"), [at_most(services.LONGEST_NOTE)], filters=[stripped]
    )


class ScheduleForm(Form):
    """When reports of a kind are made by themselves."""

    active = BooleanField(_l("Make them by themselves"))
    day = IntegerField(_l("Day of the month after the period"), [required()])
    hour = IntegerField(_l("Hour, Shanghai time"), [InputRequired(_l("Please fill in this field."))])
    publish = BooleanField(_l("Publish them without a person looking first"))
    public = BooleanField(_l("Open to everyone once it is published"))
    issuer = StringField(_l("Issued by"), [at_most(services.LONGEST_ISSUER)], filters=[stripped])
    addresses = TextAreaField(
        _l("Sent to"),
        [at_most(4000)],
        description=_l("E-mail addresses of accounts that have confirmed them, one a line."),
    )


@access("bureau")
def report_list() -> ResponseReturnValue:
    """Reports that were made, the latest period first."""
    return _listed(_new_form(None))


@access("bureau")
def make_report() -> ResponseReturnValue:
    """Make a draft of a period that is over."""
    actor, form = current_actor(), _new_form(request.form)
    require(actor, "report.make")
    if form.validate_on_submit():
        try:
            period = periods.written(form.kind.data, form.period.data)
            prepared = services.prepare(period)
            db.session.rollback()
            with unit_of_work(actor):
                report = services.make(
                    actor,
                    prepared,
                    issuer=form.issuer.data or "",
                    document_number=form.document_number.data or "",
                    public=form.public.data,
                )
        except (NotFound, Forbidden, Unauthenticated):
            raise
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The draft is there. Its files follow within a minute."), "success")
            return redirect(url_for("bureau.report", report_id=report.id))
    return _listed(form)


def _new_form(data: Any) -> MakeForm:
    form = MakeForm(formdata=data)
    form.kind.choices = options([(kind, labels.name("report_kind", kind)) for kind in SCHEDULED])
    return form


def _listed(form: MakeForm) -> ResponseReturnValue:
    rows = services.reports(current_actor(), after=request.args.get("after", type=_key), limit=_PAGE + 1)
    page = render_template(
        "bureau/reports.html",
        rows=rows[:_PAGE],
        older=rows[_PAGE - 1].id if len(rows) > _PAGE else None,
        form=form,
        may_make=allowed(current_actor(), "report.make").allowed,
        words=_words,
    )
    return page, status_of(form)


def _key(text: str) -> int:
    """A key that both databases can hold; others are left aside."""
    number = int(text)
    if not 0 < number < 2**63:
        raise ValueError(text)
    return number


def _words(report: StatisticsReport) -> str:
    return Period(report.kind, report.first, report.last).words()


@access("bureau")
def report(report_id: int) -> ResponseReturnValue:
    """One report: what it says, its files, and what differs today."""
    return _shown(report_id, NoteForm(formdata=None))


def _shown(report_id: int, form: NoteForm) -> ResponseReturnValue:
    actor = current_actor()
    found = services.get_report(actor, _possible(report_id))
    content = services.content_of(found)
    page = render_template(
        "bureau/report.html",
        report=found,
        words=_words(found),
        told=telling.told(content, group_name),
        against=telling.comparison(content, group_name),
        cautions=telling.cautions(),
        actions={one.action for one in REPORT.offered(actor, found)},
        may_correct=found.state == "published" and allowed(actor, "report.correct").allowed,
        changes=services.changes(found),
        shown=_SHOWN,
        called=_called,
        causes=_causes,
        mails=services.mails(found),
        form=form,
    )
    return page, status_of(form)


def _possible(report_id: int) -> int:
    if report_id >= 2**63:
        raise NotFound("report-not-found", "There is no such report.")
    return report_id


def _called(row: ReportChange) -> str:
    """A number in words, its group included."""
    number = Number(row.figure, row.cut, row.grp, row.cell, row.part)
    words = called(number)
    if row.cut == "outside":
        return f"{words} · {gettext('outside the region')}"
    return f"{words} · {GROUPING_TITLES[row.cut]}: {group_name(row.cut, row.grp)}" if row.cut else words


def _causes(row: ReportChange) -> str:
    return " · ".join(str(CAUSES[code]) for code in row.causes if code in CAUSES)


@access("bureau")
def report_file(report_id: int, language: str, form: str) -> ResponseReturnValue:
    """One of its files."""
    found = services.get_file(current_actor(), _possible(report_id), form, language)
    return kept(found.file)


@access("bureau")
def report_changes(report_id: int) -> ResponseReturnValue:
    """What differs from a report, with its causes, as CSV."""
    found = services.get_report(current_actor(), _possible(report_id))
    lines = [
        {
            "correction": "" if revision is None else revision.number,
            "note": "" if revision is None else revision.note,
            "figure": row.figure,
            "by": row.cut,
            "group": row.grp,
            "cell": row.cell,
            "part": row.part,
            "old": row.old,
            "new": row.new,
            "causes": " ".join(row.causes),
            "found_at": row.found_at.isoformat(),
            "journal_id": row.journal_id,
        }
        for revision, rows in services.changes(found)
        for row in rows
    ]
    text = csv_text(lines).removeprefix("\ufeff")
    return saved(codecs.BOM_UTF8 + text.encode(), f"report-{report_id}-changes.csv")


@access("bureau")
def report_rows(report_id: int) -> ResponseReturnValue:
    """The patents or licences that a number counted when the report was made, as CSV."""
    number = Number(*(request.args.get(name, "") for name in ("figure", "by", "group", "cell", "part")))
    lines = services.frozen_rows(current_actor(), _possible(report_id), number)
    text = csv_text(lines).removeprefix("\ufeff")
    return saved(codecs.BOM_UTF8 + text.encode(), f"report-{report_id}-rows.csv")


@access("bureau")
def act_on_report(report_id: int, action: str) -> ResponseReturnValue:
    """Publish a draft, throw it away, or hold a published report against today."""
    actor, key = current_actor(), _possible(report_id)
    acts = {
        "publish": (services.publish, gettext("Published. From now on it stays as it is.")),
        "discard": (services.discard, gettext("The draft was thrown away.")),
    }
    try:
        if action == "check":
            require(actor, "report.correct")
            services.get_report(actor, key)
            facts.refresh()
            count = services.check(key)
            flash(gettext("Compared with today: %(count)s numbers differ.", count=count), "success")
        elif action in acts:
            act, said = acts[action]
            with unit_of_work(actor):
                act(actor, key)
            flash(said, "success")
        else:
            raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    except (NotFound, Forbidden, Unauthenticated):
        raise
    except DomainError as error:
        flash(sentence_of(error), "danger")
    if action == "discard":
        return redirect(url_for("bureau.report_list"))
    return redirect(url_for("bureau.report", report_id=key))


@access("bureau")
def correct_report(report_id: int) -> ResponseReturnValue:
    """Publish what differs as a correction with a note."""
    actor, form = current_actor(), NoteForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                services.correct(actor, _possible(report_id), form.note.data or "")
        except (NotFound, Forbidden, Unauthenticated):
            raise
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("The correction is published."), "success")
            return redirect(url_for("bureau.report", report_id=report_id))
    return _shown(report_id, form)


@access("bureau")
def report_schedule() -> ResponseReturnValue:
    """When reports are made by themselves, and who is sent them."""
    return _schedules({})


@access("bureau")
def set_report_schedule(kind: str) -> ResponseReturnValue:
    """Set it for one kind."""
    actor, form = current_actor(), ScheduleForm(prefix=kind)
    require(actor, "report.schedule")
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                schedules.set_schedule(
                    actor,
                    kind,
                    active=form.active.data,
                    day=form.day.data,
                    hour=-1 if form.hour.data is None else form.hour.data,
                    publish=form.publish.data,
                    public=form.public.data,
                    issuer=form.issuer.data or "",
                    addresses=(form.addresses.data or "").replace(",", "\n").splitlines(),
                )
        except (NotFound, Forbidden, Unauthenticated):
            raise
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Saved."), "success")
            return redirect(url_for("bureau.report_schedule"))
    if kind not in SCHEDULED:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return _schedules({kind: form})


def _schedules(given: dict[str, ScheduleForm]) -> ResponseReturnValue:
    actor = current_actor()
    people = schedules.recipients(actor)
    forms = {}
    for kind, row in schedules.schedules(actor).items():
        form = given.get(kind)
        if form is None:
            form = ScheduleForm(formdata=None, prefix=kind, obj=row)
            if row is None:
                form.day.data, form.hour.data = 5, 9
            form.addresses.data = "\n".join(one.user.email for one in people[kind])
        forms[kind] = form
    page = render_template(
        "bureau/report_schedule.html", forms=forms, may_set=allowed(actor, "report.schedule").allowed
    )
    return page, 422 if any(form.errors or form.form_errors for form in given.values()) else 200


def add_to(blueprint: Blueprint) -> None:
    """Add the pages of reports to the bureau's."""
    blueprint.add_url_rule("/reports", view_func=report_list)
    blueprint.add_url_rule("/reports", view_func=make_report, methods=["POST"])
    blueprint.add_url_rule("/reports/schedule", view_func=report_schedule)
    blueprint.add_url_rule("/reports/schedule/<kind>", view_func=set_report_schedule, methods=["POST"])
    blueprint.add_url_rule("/reports/<int:report_id>", view_func=report)
    blueprint.add_url_rule("/reports/<int:report_id>/changes.csv", view_func=report_changes)
    blueprint.add_url_rule("/reports/<int:report_id>/rows.csv", view_func=report_rows)
    blueprint.add_url_rule("/reports/<int:report_id>/files/<language>.<form>", view_func=report_file)
    blueprint.add_url_rule("/reports/<int:report_id>/correct", view_func=correct_report, methods=["POST"])
    blueprint.add_url_rule("/reports/<int:report_id>/<action>", view_func=act_on_report, methods=["POST"])
