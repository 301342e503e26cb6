"""How a search could go on while it is typed."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from marketplace.accounts.identity import access
from marketplace.search import suggestions, titles
from marketplace.search.models import SUGGESTION_KINDS

from .documents import Blueprint

blueprint = Blueprint("suggest", "suggestions", "Completing a search while it is typed.")


class SuggestionShape(ma.Schema):
    """A way to go on: search for `text`."""

    kind = fields.String(required=True, metadata={"enum": list(SUGGESTION_KINDS)})
    text = fields.String(required=True)
    title_zh = fields.String(
        required=True, allow_none=True, metadata={"description": "of a place of the classification"}
    )
    title_en = fields.String(required=True, allow_none=True)
    offers = fields.Integer(required=True, metadata={"description": "live offers that have it"})


class Suggestions(ma.Schema):
    """At most six words, three places of the classification and three owners."""

    items = fields.List(fields.Nested(SuggestionShape), required=True)


class SuggestQuery(ma.Schema):
    """What was typed so far."""

    q = fields.String(
        load_default="",
        metadata={"description": "writing, pinyin or initials; beyond 60 characters nothing is suggested"},
    )


@blueprint.call("GET", "/suggest")
@access("public")
@blueprint.arguments(SuggestQuery, location="query")
@blueprint.response(200, Suggestions)
def suggest(values: dict[str, Any]) -> dict[str, Any]:
    """Suggestions from live offers: words of titles, places of the classification, owners.

    The last word is completed where nothing begins like the whole text. They may be five minutes old.
    """
    return {"items": [_shown(hint) for hint in suggestions.suggest(values["q"])]}


def _shown(hint: suggestions.Hint) -> dict[str, Any]:
    title = titles.title(hint.text) if hint.kind == "ipc" else None
    return {
        "kind": hint.kind,
        "text": hint.text,
        "title_zh": title.zh if title else None,
        "title_en": title.en if title else None,
        "offers": hint.offers,
    }
