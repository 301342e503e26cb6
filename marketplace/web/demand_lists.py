"""Lists of demands: the template and the upload, for the bureau, operators, agencies and firms."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from marketplace.accounts.identity import access, current_actor
from marketplace.core import importing
from marketplace.core.actor import Actor
from marketplace.core.permissions import require

from .forms import status_of
from .list_templates import header, headers_of, template_answer
from .uploads import Kind, UploadForm, carry_out, kept_list, rehearse, report_answer, sentence_on

_NAME = "demands"
KIND = Kind(
    _NAME,
    _l("Upload a list of demands"),
    _l("One row a demand, with the firm whose it is. They are published at once; repeating changes nothing."),
)


def _actor() -> Actor:
    actor = current_actor()
    require(actor, "demand.import")
    return actor


@access("signed_in")
def upload() -> ResponseReturnValue:
    """Choose a file; its rehearsal is shown before anything is written."""
    actor = _actor()
    form = UploadForm()
    rehearsal = rehearse(actor, _NAME, form, actor.organisation_id, owner=None)
    return render_template(
        "demands/upload.html",
        form=form,
        kind=KIND,
        columns=importing.columns_of(_NAME),
        rehearsal=rehearsal,
        header=header,
        headers=headers_of(_NAME),
    ), status_of(form)


@access("signed_in")
def import_list() -> ResponseReturnValue:
    """Import a list that was rehearsed."""
    actor = _actor()
    kept = kept_list(request.form.get("file", 0, type=int), _NAME, actor.organisation_id)
    done = carry_out(actor, _NAME, kept, owner=None, dry_run=False)
    if done.report_id is None:
        flash(sentence_on(done.summary), "success")
        return redirect(url_for("demands.index" if actor.is_operator else "demands.mine"))
    return render_template(
        "demands/imported.html",
        kind=KIND,
        done=done,
        sentence=sentence_on(done.summary),
        headers=headers_of(_NAME),
    )


@access("signed_in")
def list_report(file_id: int) -> ResponseReturnValue:
    """The rows that were not taken, with line, column, value and reason."""
    return report_answer(file_id, _actor().organisation_id)


@access("signed_in")
def template() -> ResponseReturnValue:
    """An empty list with its headers, choices and notes."""
    _actor()
    return template_answer(_NAME)


def add_to(blueprint: Blueprint) -> None:
    """Add these pages to those of demands."""
    for rule, view, methods in (
        ("/list", upload, ["GET", "POST"]),
        ("/list/import", import_list, ["POST"]),
        ("/list/report/<int:file_id>", list_report, ["GET"]),
        ("/list/template.xlsx", template, ["GET"]),
    ):
        blueprint.add_url_rule(rule, view_func=view, methods=methods)
