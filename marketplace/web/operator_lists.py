"""The operator's lists: gazette lists of announcements, withdrawals and recordals, and all others."""

from __future__ import annotations

import datetime as dt

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import importing
from marketplace.core.errors import NotFound

from .forms import at_most, optional, status_of, stripped
from .list_templates import header, headers_of, template_answer
from .operator_frame import blueprint
from .uploads import Kind, UploadForm, carry_out, kept_list, rehearse, report_answer, sentence_on

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "gazette-announcements",
            _l("Gazette: announced declarations"),
            _l(
                "As the gazette prints them, matched by patent number: filed ones become live, stated ones "
                "are verified, unknown ones are entered. Fee and term are read from the text where it "
                "is certain."
            ),
        ),
        Kind(
            "gazette-withdrawals",
            _l("Gazette: announced withdrawals"),
            _l("Matched by patent number; a declaration number, where given, must agree."),
        ),
        Kind(
            "gazette-recordals",
            _l("Gazette: recordals of licences"),
            _l("In effect, changed or cancelled, matched by patent number and licensee."),
        ),
        Kind(
            "offers",
            _l("Declarations, by the columns of the template"),
            _l("What is in this list counts as verified and is live."),
        ),
        Kind(
            "withdrawals",
            _l("Withdrawals, by declaration number"),
            _l("By the number of the declaration."),
        ),
        Kind(
            "licences",
            _l("Licences taken elsewhere, with their recordals"),
            _l("A recordal number verifies the licence."),
        ),
        Kind("patents", _l("Register: patents and their state"), _l("Repeating changes nothing.")),
        Kind(
            "facts",
            _l("Register: facts of patents that are known here"),
            _l("An extract of the register: only facts change, and what a holder stated rests on more then."),
        ),
        Kind(
            "mirrored",
            _l("Offers of another platform"),
            _l("Shown apart with source and link; nobody takes them here, and no figure counts them."),
        ),
        Kind("organisations", _l("Organisations"), _l("By credit code, else by exact name.")),
        Kind("demands", _l("Demands of firms"), _l("They are published at once.")),
        Kind(
            "reference-fees",
            _l("Reference fees by industry"),
            _l("Published figures of recorded contracts, each with its source; holders estimate by them."),
        ),
        Kind(
            "annuities",
            _l("The scale of annuities"),
            _l("By kind of right and patent year; the newest scale counts."),
        ),
    )
}


class ListForm(UploadForm):
    """A file, and whose list it is."""

    owner = StringField(
        _l("Whose list is it?"),
        [optional(), at_most(200)],
        description=_l("Credit code or exact name; leave it empty for lists of the gazette."),
        filters=[stripped],
    )
    as_of = DateField(
        _l("As of"),
        [optional()],
        description=_l("Only if the file has no column with the day of each row."),
    )
    complete = BooleanField(
        _l("This is the platform's whole list"),
        description=_l("What is mirrored from it and is not in the list has ended there, and goes."),
    )
    confirmed = BooleanField(
        _l("I have checked that the list is whole"),
        description=_l("Needed only where more than half of what is mirrored from the platform would go."),
    )

    def asks_for(self, kind: str) -> list[str]:
        """The fields beside the file that this kind of list asks for."""
        return list(_ASKED.get(kind, ()))


_ASKED = {
    "patents": ("owner",),
    "offers": ("owner",),
    "facts": ("as_of",),
    "mirrored": ("owner", "complete", "confirmed"),
}
_OPTIONS = ("as_of", "complete", "confirmed")  # what the import itself is told beside the owner


def _kind(name: str) -> Kind:
    if name not in KINDS:
        raise NotFound("import-kind-unknown", "There is no such kind of list.")
    return KINDS[name]


@blueprint.get("/lists")
@access("operator")
def lists() -> ResponseReturnValue:
    """The kinds of lists."""
    return render_template("operator/lists.html", kinds=KINDS)


@blueprint.route("/lists/<kind>", methods=["GET", "POST"])
@access("operator")
def upload(kind: str) -> ResponseReturnValue:
    """Choose a file; its rehearsal is shown before anything is written."""
    found, actor = _kind(kind), current_actor()
    form = ListForm()
    if kind == "mirrored":
        form.owner.label.text = gettext("Which platform are they from?")
        form.owner.description = gettext("Its name as readers see it: “mirrored from …”.")
    options = {name: form[name].data for name in form.asks_for(kind) if name in _OPTIONS}
    rehearsal = rehearse(actor, kind, form, None, owner=form.owner.data or None, options=options)
    return render_template(
        "operator/upload.html",
        form=form,
        kind=found,
        columns=importing.columns_of(kind),
        rehearsal=rehearsal,
        header=header,
        headers=headers_of(kind),
    ), status_of(form)


@blueprint.post("/lists/<kind>/import")
@access("operator")
def import_list(kind: str) -> ResponseReturnValue:
    """Import a list that was rehearsed; the result says what did not match."""
    found, actor = _kind(kind), current_actor()
    kept = kept_list(request.form.get("file", 0, type=int), kind, None)
    options = {
        "as_of": request.form.get("as_of", None, type=dt.date.fromisoformat),
        "complete": bool(request.form.get("complete")),
        "confirmed": bool(request.form.get("confirmed")),
    }
    owner = request.form.get("owner") or None
    done = carry_out(actor, kind, kept, owner=owner, dry_run=False, options=options)
    return render_template(
        "operator/imported.html",
        kind=found,
        done=done,
        sentence=sentence_on(done.summary),
        headers=headers_of(kind),
        report=url_for("operator.list_report", file_id=done.report_id) if done.report_id else None,
    )


@blueprint.get("/lists/report/<int:file_id>")
@access("operator")
def list_report(file_id: int) -> ResponseReturnValue:
    """The rows that were not taken."""
    return report_answer(file_id, None)


@blueprint.get("/lists/<kind>/template.xlsx")
@access("operator")
def template(kind: str) -> ResponseReturnValue:
    """An empty list with its headers, choices and notes."""
    _kind(kind)
    return template_answer(kind)
