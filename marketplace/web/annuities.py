"""Annuities that open licences make cheaper: a holder's own, and all of them for the bureau."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.tables import safe_cell
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.recordals.reliefs import JOINT, SOLE, reliefs_of, state_relief
from marketplace.listings.stocktaking.exports import as_csv, as_xlsx
from marketplace.pricing import reductions
from marketplace.pricing.figures import annuity_scale
from marketplace.pricing.reductions import Line, lines

from . import formats
from .downloads import streamed
from .forms import Form, optional, required, status_of

blueprint = Blueprint("annuities", __name__)

_SIZE: Final = 50  # patents to a page
_LAST_PAGE: Final = 10_000
_ENDINGS: Final = ("csv", "xlsx", "json")


class ReliefForm(Form):
    """The relief for holders of small means (费减备案)."""

    since = DateField(_l("Granted from"), [required()])
    until = DateField(_l("Until (inclusive)"), [optional()])


@blueprint.route("/holder/annuities", methods=["GET", "POST"])
@access("organisation")
def index() -> ResponseReturnValue:
    """Which annuities of one's patents are reduced, what that saves, and until when."""
    actor, form = current_actor(), ReliefForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                state_relief(actor, since=form.since.data, until=form.until.data)
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Noted."), "success")
            return redirect(url_for("annuities.index"))
    return _page(form, actor.organisation_id)


@blueprint.get("/bureau/annuities")
@access("bureau")
def bureau() -> ResponseReturnValue:
    """Every reduced annuity, for supervision."""
    return _page(None, None)


def _page(form: ReliefForm | None, organisation_id: int | None) -> ResponseReturnValue:
    number = min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE)
    today = clock.today()
    mine = reliefs_of([organisation_id]).rows.get(organisation_id) if organisation_id else None
    page = render_template(
        "holder/annuities.html",
        rows=reductions.page(organisation_id, number, _SIZE),
        page=number,
        size=_SIZE,
        patents=reductions.count_patents(organisation_id),
        totals=reductions.totals(organisation_id),
        form=form,
        relief=mine,
        sole=SOLE,
        joint=JOINT,
        today=today,
        scale=annuity_scale("invention", today),
        endings=_ENDINGS,
        bureau=organisation_id is None,
    )
    return page, status_of(form) if form is not None else 200


@blueprint.get("/holder/annuities.<ending>")
@access("organisation")
def own_file(ending: str) -> ResponseReturnValue:
    """One's own reduced annuities as a file."""
    return _file(ending, current_actor().organisation_id)


@blueprint.get("/bureau/annuities.<ending>")
@access("bureau")
def every_file(ending: str) -> ResponseReturnValue:
    """All reduced annuities as a file."""
    return _file(ending, None)


def _file(ending: str, organisation_id: int | None) -> ResponseReturnValue:
    if ending not in _ENDINGS:
        raise NotFound("file-missing", "The file is no longer in the store.")
    found = lines(organisation_id)
    pieces: dict[str, Any] = {
        "csv": lambda: as_csv(_table(found)),
        "xlsx": lambda: as_xlsx(_table(found)),
        "json": lambda: _array(found),
    }
    return streamed(pieces[ending](), f"annuities-{clock.today():%Y%m%d}.{ending}")


def _table(found: Iterator[Line]) -> Iterator[list[str]]:
    yield [
        safe_cell(text)
        for text in (
            gettext("Patent number"),
            gettext("Title"),
            gettext("Patentees"),
            gettext("Patent year"),
            gettext("Due on"),
            gettext("Full annuity (yuan)"),
            gettext("Relief (per cent)"),
            gettext("Without the open licence (yuan)"),
            gettext("With it (yuan)"),
            gettext("Saved (yuan)"),
            gettext("Licence"),
            gettext("Recordal number"),
            gettext("Recorded on"),
            gettext("Withdrawal announced on"),
            gettext("Licence practised until"),
        )
    ]
    for one in found:
        year = one.annuity
        yield [
            safe_cell(value)
            for value in (
                formats.patent_number(one.patent_number),
                one.title,
                "; ".join(one.patentees),
                year.year,
                year.due_on,
                _yuan(year.full_minor),
                year.relief_percent,
                _yuan(year.without_minor),
                _yuan(year.with_minor),
                _yuan(year.saved_minor),
                one.licence_number,
                one.recordal_number,
                one.recorded_on,
                one.withdrawn_on,
                one.ends_on,
            )
        ]


def _array(found: Iterator[Line]) -> Iterator[str]:
    opening = "[\n"
    for one in found:
        year = one.annuity
        said = {
            "patent_number": one.patent_number,
            "title": one.title,
            "patentees": list(one.patentees),
            "patent_year": year.year,
            "due_on": year.due_on.isoformat(),
            "full_minor": year.full_minor,
            "relief_percent": year.relief_percent,
            "without_minor": year.without_minor,
            "with_minor": year.with_minor,
            "saved_minor": year.saved_minor,
            "licence_number": one.licence_number,
            "recordal_number": one.recordal_number,
            "recorded_on": one.recorded_on.isoformat(),
            "withdrawn_on": one.withdrawn_on.isoformat() if one.withdrawn_on else None,
            "ends_on": one.ends_on.isoformat(),
        }
        yield opening + json.dumps(said, ensure_ascii=False)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def _yuan(minor: int | None) -> str:
    return "" if minor is None else f"{minor // 100}.{minor % 100:02}"
