"""Offers of other platforms: listed apart, with their source, linking out; nobody takes them here."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.accounts.identity import access
from marketplace.listings.mirrored import services

from .operator_frame import key_given, words_given

blueprint = Blueprint("mirrored", __name__, url_prefix="/mirrored")

_SIZE = 30


@blueprint.get("")
@access("public")
def index() -> ResponseReturnValue:
    """Look through what other platforms offer."""
    q, source, before = words_given(), key_given("source"), key_given("before")
    rows = services.find(words=q, source_id=source, before=before, size=_SIZE + 1)
    shown = rows[:_SIZE]
    return render_template(
        "mirrored/index.html",
        rows=shown,
        q=q,
        source=source,
        counts=services.counts(),
        before=shown[-1].id if len(rows) > _SIZE else None,
        narrowed=bool(request.args.get("q") or source),
    )
