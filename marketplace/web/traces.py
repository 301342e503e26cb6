"""The whole history of one matter: entries in words, papers, and how far the journal is proven."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.audit import exports, traces
from marketplace.core.errors import DomainError, Invalid
from marketplace.core.permissions import allowed

from . import labels
from .downloads import saved
from .formats import english
from .forms import Form, at_most, required, stripped
from .holder_frame import called

blueprint = Blueprint("traces", __name__)
_SIZE = 50
KINDS = {
    "patent": _l("Patent"),
    "offer": _l("Offer"),
    "notice": _l("Notice"),
    "money": _l("Money"),
    "licence": _l("Licence"),
    "royalty": _l("Royalty"),
    "dispute": _l("Dispute"),
    "demand": _l("Demand"),
    "organisation": _l("Organisation"),
    "account": _l("Account and organisation"),
}
ORIGINS = {
    "import": _l("taken over from a list"),
    "demo": _l("demonstration"),
    "repair": _l("repair"),
}
PAPERS = {
    "notice": _l("Notice in writing"),
    "service_proof": _l("Proof of service"),
    "certificate": _l("Deal certificate"),
    "licence_paper": _l("Paper beside the licence"),
}


class ExportForm(Form):
    """Why a trace leaves the platform."""

    reason = StringField(
        _l("Case number or reason"),
        [required(), at_most(exports.MAX_REASON)],
        description=_l("It is kept in the journal. No names of persons."),
        filters=[stripped],
    )


@blueprint.get("/bureau/trace")
@access("bureau")
def search() -> ResponseReturnValue:
    """Find the matter that a number names."""
    q, problem = request.args.get("q", "").strip()[:200], None
    if q:
        try:
            kind, key = traces.find(current_actor(), q)
        except DomainError as error:
            problem = gettext(error.message)
        else:
            return redirect(url_for("traces.show", kind=kind, key=key))
    page = render_template("traces/search.html", q=q, problem=problem, standing=traces.standing())
    return page, 404 if problem else 200


@blueprint.get("/traces/<kind>/<int:key>")
@access("signed_in")
def show(kind: str, key: int) -> ResponseReturnValue:
    """What happened to one matter, newest first, as far as the reader may see it."""
    return _page(kind, key, ExportForm(formdata=None))


def _page(kind: str, key: int, form: ExportForm) -> ResponseReturnValue:
    actor = current_actor()
    found = traces.trace(actor, kind, key)
    only = request.args.get("only")
    only = only if only in KINDS else None
    numbers = found.numbers(only)[::-1]
    last = max((len(numbers) + _SIZE - 1) // _SIZE, 1)
    page = min(max(request.args.get("page", 1, type=int), 1), last)
    shown = traces.lines(actor, numbers[(page - 1) * _SIZE : page * _SIZE])
    return render_template(
        "traces/show.html",
        found=found,
        title=_title(found),
        kinds=KINDS,
        origins=ORIGINS,
        paper_names=PAPERS,
        only=only,
        lines=shown,
        total=len(numbers),
        page=page,
        size=_SIZE,
        papers=traces.papers(found),
        standing=traces.standing(),
        called=called,
        who=_who,
        form=form,
        may_export=allowed(actor, "audit.export").allowed,
        staff=actor.is_staff,
    ), (422 if form.errors else 200)


def _title(found: traces.Trace) -> str:
    row = found.row
    if found.kind == "organisation":
        return called(row)
    if found.kind in ("licence", "notice"):
        return str(row.number)
    if found.kind == "patent":
        return f"{row.reference} {row.title}"
    if found.kind == "offer":
        return f"{row.patent.reference} {row.patent.title}"
    return str(row.title_en if english() and row.title_en else row.title)


def _who(line: traces.Line) -> str:
    """Who did it, as the reader may know it."""
    if line.person is None:
        return str(gettext("the platform"))
    if line.staff_role:
        return str(labels.name("role", line.staff_role))
    return line.name or str(gettext("account %(number)s", number=line.person))


@blueprint.post("/traces/<kind>/<int:key>/export")
@access("bureau")
def export(kind: str, key: int) -> ResponseReturnValue:
    """The trace as a ZIP for a court or an inspector; the reason is kept in the journal."""
    form = ExportForm()
    if not form.validate_on_submit():
        return _page(kind, key, form)
    try:
        content = exports.export(current_actor(), kind, key, form.reason.data, english=english())
    except Invalid as error:
        form.accept(error)
        return _page(kind, key, form)
    return saved(content, f"trace-{kind}-{key}.zip")
