"""Which language a reader gets: the chosen one, else the browser's, else Chinese."""

from __future__ import annotations

from flask import has_request_context, request, session

LANGUAGES = ("zh", "en")


def select() -> str:
    """`zh` or `en` for this request; Chinese outside a request."""
    if not has_request_context():
        return "zh"
    chosen = session.get("locale")
    if chosen in LANGUAGES:
        return str(chosen)
    # Only the two plain tags: with zh_Hans_CN in the list, `zh-CN,en` would match English.
    return request.accept_languages.best_match(LANGUAGES, "zh") or "zh"
