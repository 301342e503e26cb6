"""Every error as a problem document (RFC 9457) in the caller's language.

One table says which status a class of errors has; codes are listed in docs/api.md with their remedies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import structlog
from flask import Response, current_app, g, json, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from flask_babel import lazy_gettext as _l
from marshmallow import INCLUDE, Schema, fields
from werkzeug.exceptions import HTTPException

from marketplace.core.database import db
from marketplace.core.errors import (
    N_,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    StaleVersion,
    Unauthenticated,
    Unavailable,
)
from marketplace.deals.webhooks import SignatureRefused

log = structlog.get_logger(__name__)

CONTENT_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = 5  # seconds, when a part does not answer

STATUS: Final[tuple[tuple[type[DomainError], int], ...]] = (
    (SignatureRefused, 400),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (StaleVersion, 412),
    (Invalid, 422),
    (Unavailable, 503),
)

TITLES: Final[dict[int, Any]] = {
    400: _l("The request cannot be understood"),
    401: _l("A valid token is needed"),
    403: _l("This token may not do this"),
    404: _l("Not found"),
    405: _l("This method is not possible here"),
    406: _l("This form of answer is not available"),
    409: _l("The state of things does not allow this"),
    412: _l("It was changed in the meantime"),
    413: _l("The request is too large"),
    415: _l("This form of body is not understood"),
    422: _l("Something in the request cannot be accepted"),
    429: _l("Too many requests"),
    500: _l("Something went wrong on our side"),
    503: _l("A part of the platform does not answer"),
}

# What the web server itself refuses: status → code and sentence.
SERVER: Final[dict[int, tuple[str, str]]] = {
    400: ("request-malformed", N_("The request cannot be understood.")),
    404: ("address-unknown", N_("There is nothing at this address.")),
    405: ("method-not-allowed", N_("This address does not know this method.")),
    413: ("body-too-large", N_("The body of the request is too large.")),
    415: ("content-type-unsupported", N_("Send the body as application/json.")),
    422: ("request-invalid", N_("Some values in the request cannot be accepted.")),
    429: ("too-many-requests", N_("Too many requests: please wait and try again.")),
    500: ("internal-error", N_("Something went wrong on our side. Nothing was half done; please try again.")),
}
BAD_JSON: Final = ("json-invalid", N_("The body is not valid JSON."))

# What marshmallow says in English by itself.
MARSHMALLOW: Final = (
    N_("Missing data for required field."),
    N_("Field may not be null."),
    N_("Unknown field."),
    N_("Invalid input type."),
    N_("Not a valid string."),
    N_("Not a valid integer."),
    N_("Not a valid list."),
    N_("Not a valid date."),
    N_("Not a valid datetime."),
)

_RESERVED: Final = frozenset(
    {"type", "title", "status", "detail", "code", "instance", "request_id", "errors"}
)
_PLACE: Final = re.compile(r"%\(\w+\)[sd]")


class Problem(Schema):
    """A problem document. Parameters of the detail stand beside these members."""

    class Meta:
        """Parameters come beside the standard members."""

        unknown = INCLUDE

    type = fields.Url(required=True, metadata={"description": "where the code is explained"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "in the caller's language"})
    code = fields.String(required=True, metadata={"description": "stable; listed in docs/api.md"})
    instance = fields.String(required=True, metadata={"description": "the path that was called"})
    request_id = fields.String(required=True, metadata={"description": "name it when you ask for help"})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": "for 422: what is wrong, by field"},
    )


def answer(error: Exception) -> ResponseReturnValue:
    """The response for an error: what web/errors.py calls for addresses below /api/."""
    db.session.rollback()
    if isinstance(error, DomainError):
        return _domain(error)
    if isinstance(error, HTTPException):
        if error.response is not None or (error.code or 500) < 400:
            return error
        return _server(error)
    raise error


def _domain(error: DomainError) -> Response:
    status = next(status for kind, status in STATUS if isinstance(error, kind))
    headers = {}
    if status == 401:
        known = "Authorization" in request.headers
        headers["WWW-Authenticate"] = 'Bearer realm="api"' + (', error="invalid_token"' if known else "")
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER)
    errors = {
        name: [said(sentence, error.parameters) for sentence in sentences]
        for name, sentences in getattr(error, "fields", {}).items()
    }
    return problem(
        status, error.code, said(error.message, error.parameters), errors, error.parameters, headers
    )


def _server(error: HTTPException) -> Response:
    status = error.code or 500
    code, sentence = SERVER.get(status, SERVER[400 if status < 500 else 500])
    data: Mapping[str, Any] = getattr(error, "data", None) or {}
    errors = _by_field(data.get("messages", {})) if status == 422 else {}
    if status == 400 and "json" in data.get("messages", {}):
        code, sentence = BAD_JSON
    if status >= 500:
        # The cause goes to the log, not to the caller.
        log.error("api_failed", exc_info=getattr(error, "original_exception", None) or error)
    headers = {name: value for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")}
    return problem(status, code, said(sentence, {}), errors, {}, headers)


def problem(
    status: int,
    code: str,
    detail: str,
    errors: Mapping[str, list[str]] | None = None,
    parameters: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document as a response.

    Args:
        detail: a sentence in the caller's language.
        errors: sentences by field.
        parameters: further members; none may have the name of a standard one.
    """
    body: dict[str, Any] = {
        "type": f"{current_app.config['SETTINGS'].public_url}/docs#problem-{code}",
        "title": str(TITLES.get(status, TITLES[400 if status < 500 else 500])),
        "status": status,
        "detail": detail,
        "code": code,
        "instance": request.path,
        "request_id": g.get("request_id", ""),
    }
    if errors:
        body["errors"] = dict(errors)
    body |= {name: value for name, value in (parameters or {}).items() if name not in _RESERVED}
    response = Response(json.dumps(body, default=str), status=status, content_type=CONTENT_TYPE)
    response.headers.extend(headers or {})
    response.headers["Content-Language"] = "en" if _english() else "zh"
    response.headers["Cache-Control"] = "no-store"
    return response


def said(sentence: str, parameters: Mapping[str, Any]) -> str:
    """A sentence in the caller's language; one that a service has translated already stays as it is."""
    text = str(gettext(sentence))
    if parameters and _PLACE.search(text):
        return text % parameters
    return text


def _english() -> bool:
    locale = get_locale()
    return locale is not None and locale.language == "en"


def _by_field(messages: Any) -> dict[str, list[str]]:
    """Marshmallow's messages, nested by place and field, as sentences by field."""
    found: dict[str, list[str]] = {}

    def walk(node: Any, path: tuple[str, ...]) -> None:
        if isinstance(node, Mapping):
            for name, inner in node.items():
                walk(inner, path if name in ("_schema", "value", "key") else (*path, str(name)))
        else:
            sentences = node if isinstance(node, list) else [node]
            found.setdefault(".".join(path) or "body", []).extend(said(str(one), {}) for one in sentences)

    for inner in messages.values() if isinstance(messages, Mapping) else [messages]:
        walk(inner, ())
    return found
