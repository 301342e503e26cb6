"""The register of licences: searched, read page by page, and saved as a file while it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, SelectField, StringField

from marketplace.accounts.identity import access, current_actor
from marketplace.core import clock
from marketplace.core.errors import Invalid, NotFound
from marketplace.core.tables import safe_cell
from marketplace.deals.models import RECORDAL_STATES
from marketplace.deals.recordals.register import Asked, Entry, entries, every_entry, line_of
from marketplace.extensions import limiter
from marketplace.listings.stocktaking.exports import as_csv, as_xlsx

from . import formats, labels
from .downloads import streamed
from .forms import Form, at_most, optional, options, stripped

blueprint = Blueprint("register", __name__, url_prefix="/register")

ENDINGS: Final = ("csv", "xlsx", "json", "jsonl")
_SIZE: Final = 50


class RegisterForm(Form):
    """What is looked for; an address with parameters, so that it can be kept."""

    class Meta:
        """It changes nothing."""

        csrf = False

    number = StringField(_l("Licence or recordal number"), [optional(), at_most(80)], filters=[stripped])
    patent = StringField(_l("Patent number"), [optional(), at_most(40)], filters=[stripped])
    party = StringField(_l("Patentee or licensee"), [optional(), at_most(100)], filters=[stripped])
    district = StringField(_l("District (code)"), [optional(), at_most(6)], filters=[stripped])
    ipc = StringField(_l("Classification"), [optional(), at_most(20)], filters=[stripped])
    first = DateField(_l("In effect from"), [optional()])
    last = DateField(_l("In effect until"), [optional()])
    state = SelectField(_l("State"), [optional()])
    recordal = SelectField(_l("Recordal"), [optional()])


def _form() -> RegisterForm:
    form = RegisterForm(request.args)
    every = ("", _l("All"))
    form.state.choices = options(
        [every, *((one, labels.name("licence_state", one)) for one in ("in_effect", "ended"))]
    )
    form.recordal.choices = options(
        [every, *((one, labels.name("recordal_state", one)) for one in RECORDAL_STATES)]
    )
    return form


def _asked(form: RegisterForm) -> Asked:
    """What the form asks for, without what it could not read."""
    wrong = form.errors
    said = {name: value for name, value in form.data.items() if value and name not in wrong}
    return Asked(**said)


@blueprint.get("")
@access("public")
def index() -> ResponseReturnValue:
    """The register, newest first."""
    actor, form = current_actor(), _form()
    form.validate()
    rows: list[Entry] = []
    try:
        rows = entries(actor, _asked(form), after=request.args.get("after", type=int), limit=_SIZE + 1)
    except Invalid as error:
        form.accept(error)
    asked = {name: value for name, value in request.args.items() if name != "after" and value}
    return render_template(
        "home/register.html",
        form=form,
        rows=rows[:_SIZE],
        after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
        asked=asked,
        endings=ENDINGS,
        staff=actor.is_staff,
    ), 422 if form.errors else 200


@blueprint.get("/licences.<ending>")
@access("public")
@limiter.limit("10 per minute; 60 per hour")
def file(ending: str) -> ResponseReturnValue:
    """Everything that the address asks for, as a file."""
    if ending not in ENDINGS:
        raise NotFound("file-missing", "The file is no longer in the store.")
    form = _form()
    form.validate()
    found = every_entry(current_actor(), _asked(form))
    pieces: dict[str, Any] = {
        "csv": lambda: as_csv(_lines(found)),
        "xlsx": lambda: as_xlsx(_lines(found)),
        "json": lambda: _array(found),
        "jsonl": lambda: (_json(one) + "\n" for one in found),
    }
    return streamed(pieces[ending](), f"licences-{clock.today():%Y%m%d}.{ending}")


def _lines(found: Iterator[Entry]) -> Iterator[list[str]]:
    yield [
        safe_cell(text)
        for text in (
            gettext("Licence"),
            gettext("Kind"),
            gettext("State"),
            gettext("Recordal"),
            gettext("Recordal number"),
            gettext("Recorded on"),
            gettext("Patent number"),
            gettext("Title"),
            gettext("Classification"),
            gettext("District"),
            gettext("Number of the declaration"),
            gettext("Patentees"),
            gettext("Licensee"),
            gettext("In effect from"),
            gettext("Until (inclusive)"),
            gettext("Ended on"),
        )
    ]
    for one in found:
        yield [
            safe_cell(value)
            for value in (
                one.number,
                labels.name("licence_kind", one.kind),
                labels.name("licence_state", one.state),
                labels.name("recordal_state", one.recordal_state),
                one.recordal_number,
                one.recorded_on,
                formats.patent_number(one.patent_number),
                one.title,
                formats.ipc(one.ipc) if one.ipc else "",
                labels.district(one.district) if one.district else "",
                one.declaration_number,
                "; ".join(one.licensors),
                one.licensee,
                one.effective_on,
                one.term_to,
                one.ended_on,
            )
        ]


def _array(found: Iterator[Entry]) -> Iterator[str]:
    opening = "[\n"
    for one in found:
        yield opening + _json(one)
        opening = ",\n"
    yield "[]\n" if opening == "[\n" else "\n]\n"


def _json(one: Entry) -> str:
    return json.dumps(line_of(one), ensure_ascii=False)
