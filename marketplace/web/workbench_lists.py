"""The stock as files: the template, lists that are read back, and exports."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock, importing
from marketplace.core.errors import NotFound
from marketplace.listings.stocktaking import exports, filters

from .downloads import saved, streamed
from .formats import english
from .forms import status_of
from .holder_frame import party
from .list_templates import header, headers_of
from .uploads import UploadForm, carry_out, kept_list, rehearse, sentence_on
from .workbench_frame import blueprint, desk

_KIND = "stock"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/template.xlsx")
@access("organisation")
def template() -> ResponseReturnValue:
    """A list to fill in, with this organisation's units, people and grades to choose from."""
    return saved(exports.template(desk(), english=english()), gettext("Stock-taking template") + ".xlsx")


@blueprint.route("/upload", methods=["GET", "POST"])
@access("organisation")
def upload() -> ResponseReturnValue:
    """Choose a list; what it would do is shown before anything is written."""
    found, mine, actor = desk(), party(), current_actor()
    form = UploadForm()
    rehearsal = rehearse(actor, _KIND, form, mine.id, owner=mine.code or mine.name)
    return render_template(
        "workbench/upload.html",
        desk=found,
        form=form,
        columns=importing.columns_of(_KIND),
        header=header,
        headers=headers_of(_KIND),
        rehearsal=rehearsal,
    ), status_of(form)


@blueprint.post("/upload/import")
@access("organisation")
def import_list() -> ResponseReturnValue:
    """Take over a list that was checked."""
    found, mine, actor = desk(), party(), current_actor()
    kept = kept_list(request.form.get("file", 0, type=int), _KIND, mine.id)
    done = carry_out(actor, _KIND, kept, owner=mine.code or mine.name, dry_run=False)
    if done.report_id is None:
        flash(sentence_on(done.summary), "success")
        return redirect(url_for("workbench.index"))
    return render_template(
        "workbench/imported.html",
        desk=found,
        done=done,
        sentence=sentence_on(done.summary),
        headers=headers_of(_KIND),
    )


@blueprint.get("/export.<ending>")
@access("organisation")
def export(ending: str) -> ResponseReturnValue:
    """What matches the filter, as a spreadsheet or CSV that is written while it is sent."""
    if ending not in ("xlsx", "csv"):
        raise NotFound("file-missing", "The file is no longer in the store.")
    found = desk()
    wanted = filters.parse(request.args.to_dict(flat=False), strict=False)
    lines = exports.rows(wanted, found, english=english())
    pieces = exports.as_xlsx(lines) if ending == "xlsx" else exports.as_csv(lines)
    return streamed(pieces, f"stock-{clock.today():%Y%m%d}.{ending}")
