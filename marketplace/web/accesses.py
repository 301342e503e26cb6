"""Who looked at personal data: for each person about itself, for supervision about all."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from marketplace.accounts.access_log import services as access_log
from marketplace.accounts.access_log.models import WHAT, Access
from marketplace.accounts.identity import access, current_actor

blueprint = Blueprint("accesses", __name__)
_SIZE = 50
_WORDS = {
    "account": _l("The account"),
    "account_list": _l("A list of accounts"),
    "contact": _l("The contact in a notice"),
    "export": _l("An export"),
    "members": _l("The members of an organisation"),
    "verification": _l("Papers that show who somebody is"),
    "wishes": _l("The wish to be erased"),
}
_CHANNELS = {"page": _l("on a page"), "api": _l("by a program"), "command": _l("by a command")}


def _number(name: str) -> int | None:
    """A number that the address gives; None where it gives none that could be an id."""
    text = request.args.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _page(rows: list[Access], *, staff: bool) -> ResponseReturnValue:
    return render_template(
        "accesses/index.html",
        rows=rows[:_SIZE],
        after=rows[_SIZE - 1].id if len(rows) > _SIZE else None,
        words=_WORDS,
        channels=_CHANNELS,
        staff=staff,
        person=_number("person"),
        by=_number("by"),
        what=request.args.get("what"),
    )


@blueprint.get("/account/looks")
@access("signed_in")
def own() -> ResponseReturnValue:
    """Who looked at the data of the signed-in person."""
    rows = access_log.looks_at(current_actor(), before=_number("before"), limit=_SIZE + 1)
    return _page(rows, staff=False)


@blueprint.get("/bureau/looks")
@access("bureau")
def search() -> ResponseReturnValue:
    """The log of accesses to personal data, found by person, by who looked, or by what."""
    what = request.args.get("what")
    rows = access_log.find(
        current_actor(),
        person_id=_number("person"),
        by=_number("by"),
        what=what if what in WHAT else None,
        before=_number("before"),
        limit=_SIZE + 1,
    )
    return _page(rows, staff=True)
