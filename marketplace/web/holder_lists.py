"""The holder's lists: patents, announced declarations, withdrawals and licences, by template and upload."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import Organisation
from marketplace.core import importing
from marketplace.core.errors import NotFound

from .forms import status_of
from .holder_frame import blueprint, party
from .list_templates import header, headers_of, template_answer
from .uploads import Kind, UploadForm, carry_out, kept_list, rehearse, report_answer, sentence_on

KINDS = {
    "patents": Kind(
        "patents",
        _l("Upload a list of patents"),
        _l("With what you know of each: annuities, pledges, licences. An empty cell changes nothing."),
    ),
    "offers": Kind(
        "offers",
        _l("Upload declarations that CNIPA has announced"),
        _l("They count as stated by the holder until the operator has verified them against the gazette."),
    ),
    "withdrawals": Kind(
        "withdrawals",
        _l("Upload withdrawals that CNIPA has announced"),
        _l("By the number of the declaration. Licences that were taken stand."),
    ),
    "licences": Kind(
        "licences",
        _l("Upload licences taken elsewhere, and recordals"),
        _l("Open licences are counted once they are recorded; negotiated ordinary licences are kept apart."),
    ),
    "bank-statement": Kind(
        "bank-statement",
        _l("Upload a bank statement"),
        _l(
            "Payments are matched by their reference and sum. "
            "Lines that say nothing of a licence here are not kept."
        ),
    ),
}
_AFTER = {
    "patents": "patents",
    "offers": "offers",
    "withdrawals": "offers",
    "licences": "licences",
    "bank-statement": "statement",
}


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise NotFound("import-kind-unknown", "There is no such kind of list.")
    return KINDS[name]


def _owner(mine: Organisation) -> str:
    return mine.code or mine.name


@blueprint.route("/lists/<kind>", methods=["GET", "POST"])
@access("organisation")
def upload(kind: str) -> ResponseReturnValue:
    """Choose a file; its rehearsal is shown before anything is written."""
    found, mine, actor = _kind(kind), party(), current_actor()
    form = UploadForm()
    rehearsal = rehearse(actor, kind, form, mine.id, owner=_owner(mine))
    return render_template(
        "holder/upload.html",
        form=form,
        kind=found,
        kinds=KINDS,
        columns=importing.columns_of(kind),
        rehearsal=rehearsal,
        header=header,
        headers=headers_of(kind),
    ), status_of(form)


@blueprint.post("/lists/<kind>/import")
@access("organisation")
def import_list(kind: str) -> ResponseReturnValue:
    """Import a list that was rehearsed."""
    found, mine, actor = _kind(kind), party(), current_actor()
    kept = kept_list(request.form.get("file", 0, type=int), kind, mine.id)
    done = carry_out(actor, kind, kept, owner=_owner(mine), dry_run=False)
    following = url_for(f"holder.{_AFTER[kind]}")
    if done.report_id is None:
        flash(sentence_on(done.summary), "success")
        return redirect(following)
    return render_template(
        "holder/imported.html",
        kind=found,
        done=done,
        sentence=sentence_on(done.summary),
        next=following,
        headers=headers_of(kind),
    )


@blueprint.get("/lists/report/<int:file_id>")
@access("organisation")
def list_report(file_id: int) -> ResponseReturnValue:
    """The rows that were not taken, with line, column, value and reason."""
    return report_answer(file_id, party().id)


@blueprint.get("/lists/<kind>/template.xlsx")
@access("organisation")
def template(kind: str) -> ResponseReturnValue:
    """An empty list with its headers, choices and notes."""
    _kind(kind)
    return template_answer(kind)
