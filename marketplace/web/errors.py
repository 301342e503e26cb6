"""Error pages that help: what happened, what to do, where to go.

The API answers the same errors as problem documents; it puts its own answerer into
`app.extensions["marketplace.problem"]`, and addresses below /api/ are left to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from marketplace.core.database import db
from marketplace.core.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    StaleVersion,
    Unauthenticated,
    Unavailable,
)

from .forms import sentence_of

STATUS: tuple[tuple[type[DomainError], int], ...] = (
    (NotFound, 404),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (StaleVersion, 409),
    (Conflict, 409),
    (Invalid, 422),
    (Unavailable, 503),
)


@dataclass(frozen=True)
class Help:
    """What a page for a status says: what happened and what to do."""

    title: Any
    advice: Any


PAGES: dict[int, Help] = {
    400: Help(
        _l("This request cannot be understood"),
        _l("Go back, check what you entered and try once more."),
    ),
    401: Help(_l("Please sign in"), _l("This page is for people with an account.")),
    403: Help(
        _l("This is not open to your account"),
        _l("Perhaps you act for another organisation at the moment, or need another role."),
    ),
    404: Help(
        _l("There is no such page"),
        _l("The address may be mistyped, or the thing may have been removed. Search for the patent instead."),
    ),
    405: Help(_l("This cannot be done here"), _l("Go back and use the page's buttons.")),
    409: Help(
        _l("The state of things does not allow this"),
        _l("Someone may have been faster. Go back, load the page again and see how things stand now."),
    ),
    413: Help(_l("The file is too large"), _l("Please choose a smaller file.")),
    422: Help(
        _l("Something in your request cannot be accepted"), _l("Go back, correct it and try once more.")
    ),
    429: Help(_l("Too many attempts"), _l("Please wait a minute and try again.")),
    500: Help(
        _l("Something went wrong on our side"),
        _l("Nothing was half done. Please try again; if it stays, tell the operator the number below."),
    ),
    503: Help(_l("A part of the platform does not answer"), _l("Please try again in a moment.")),
}


def init_app(app: Flask) -> None:
    """Register the error pages."""
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(HTTPException, _http_error)


def _domain_error(error: DomainError) -> ResponseReturnValue:
    if _for_machines():
        return _problem(error)
    db.session.rollback()
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    if status == 401 and request.method == "GET":
        flash(gettext("Please sign in to see this page."), "info")
        return redirect(url_for("account.sign_in", next=request.full_path.rstrip("?")))
    sentence = sentence_of(error)
    fields: dict[str, list[str]] = getattr(error, "fields", {})
    extra = [gettext(text, **error.parameters) for texts in fields.values() for text in texts]
    return error_page(status, sentence, [text for text in dict.fromkeys(extra) if text != sentence])


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if _for_machines():
        return _problem(error)
    if error.response is not None or (error.code or 500) < 400:
        return error
    db.session.rollback()
    if isinstance(error, CSRFError):
        said = gettext("This form was open for too long. Go back, reload the page and send it again.")
        return error_page(400, said)
    return error_page(error.code or 500)


def error_page(status: int, sentence: str | None = None, details: list[str] | None = None) -> tuple[str, int]:
    """The page for a status, with the sentence that says what happened in this case."""
    found = PAGES.get(status) or PAGES[400 if status < 500 else 500]
    return (
        render_template(
            "errors/page.html", status=status, help=found, sentence=sentence, details=details or []
        ),
        status,
    )


def _for_machines() -> bool:
    return request.path.startswith("/api/") and "marketplace.problem" in current_app.extensions


def _problem(error: Exception) -> ResponseReturnValue:
    answer: ResponseReturnValue = current_app.extensions["marketplace.problem"](error)
    return answer
