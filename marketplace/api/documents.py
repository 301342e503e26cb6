"""The OpenAPI document, and blueprints that say all that it needs to know."""

from __future__ import annotations

from collections.abc import Callable
from json import JSONDecodeError
from typing import Any

import flask_smorest
from apispec import APISpec
from flask import Response, current_app, request
from marshmallow import RAISE
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import UnsupportedMediaType

from marketplace.accounts.identity import current_actor
from marketplace.core.errors import Invalid

from . import problems
from .answering import note_body, require_scope
from .shapes import BASE

View = Callable[..., Any]
LARGEST_BODY = 1024 * 1024  # bytes
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Makes repeating safe: the same key and request get the stored answer, for 7 days.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag that you saw; 412 when the thing was changed since.",
    "schema": {"type": "string"},
}


class Parser(FlaskParser):
    """Unknown query parameters are refused, not passed over."""

    DEFAULT_UNKNOWN_BY_LOCATION: dict[str, str | None] = {  # noqa: RUF012 - webargs declares it so
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
    }

    def _raw_load_json(self, req: Any) -> Any:
        """The body's JSON; nested too deeply or with a number too long, it is no JSON to us."""
        try:
            return super()._raw_load_json(req)
        except (JSONDecodeError, UnicodeDecodeError):
            raise
        except (RecursionError, ValueError) as error:
            raise JSONDecodeError("too deep or too long", "[", 0) from error


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """One part of the API.

    Args:
        name: of its endpoints.
        title: the tag in the OpenAPI document.
    """

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, title: str, description: str) -> None:
        super().__init__(f"api_{name}", __name__, url_prefix=BASE, description=description)
        self.title = title
        self.before_request(_begin)
        self.after_request(_end)

    def arguments(self, schema: Any, **options: Any) -> Callable[[View], View]:
        """What the view takes, as in flask-smorest."""
        decorator: Callable[[View], View] = super().arguments(schema, **options)
        return decorator

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Callable[[View], View]:
        """What the view answers, as in flask-smorest."""
        decorator: Callable[[View], View] = super().response(status_code, schema, **options)
        return decorator

    def call(
        self,
        method: str,
        rule: str,
        *,
        query: tuple[dict[str, Any], ...] = (),
        raw_body: bool = False,
        largest: int = LARGEST_BODY,
        writes: bool | None = None,
        conditional: bool = False,
    ) -> Callable[[View], View]:
        """Register a view, which already has its `@access` mark.

        Args:
            query: descriptions of query parameters that the view reads by itself.
            raw_body: whether the view reads the body itself, whatever its content type.
            largest: how many bytes a body may have.
            writes: whether it takes an Idempotency-Key; by default every POST.
            conditional: whether it looks at If-Match.
        """

        def register(view: View) -> View:
            headers = [IDEMPOTENCY_KEY] if (method == "POST" if writes is None else writes) else []
            headers += [IF_MATCH] if conditional else []
            described = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
            view.raw_body, view.largest = raw_body, largest  # type: ignore[attr-defined]
            view.takes_query = bool(query) or any(one.get("in") == "query" for one in described)  # type: ignore[attr-defined]
            public = view.access == "public"  # type: ignore[attr-defined]
            documented = self.doc(
                operationId=view.__name__,
                security=[{}, {"token": []}] if public else [{"token": []}],
            )(view)
            if query or headers:
                arguments = documented._apidoc.setdefault("arguments", {})  # noqa: SLF001 - smorest's own place
                arguments.setdefault("parameters", []).extend([*query, *headers])
            self.add_url_rule(rule, view.__name__, documented, methods=[method], tags=[self.title])
            return view

        return register


def described(**details: Any) -> Callable[[View], View]:
    """Members of the OpenAPI operation that no schema gives."""
    decorator: Callable[[View], View] = flask_smorest.Blueprint.doc(**details)
    return decorator


def body_schema(schema: Any) -> dict[str, Any]:
    """The JSON Schema of a body."""
    converter = current_app.extensions["marketplace.api"].ma_plugin.converter
    made: dict[str, Any] = converter.schema2jsonschema(schema)
    return made


def _begin() -> None:
    """Before every call: who asks, may the token at all, is the body one that is understood."""
    view = current_app.view_functions[request.endpoint or ""]
    raw = getattr(view, "raw_body", False)
    request.max_content_length = getattr(view, "largest", LARGEST_BODY)
    actor = current_actor()
    if request.method in ("GET", "HEAD") and getattr(view, "access", "") != "public":
        require_scope(actor, "read")
    note_body()
    if request.args and not getattr(view, "takes_query", False):
        message = "There is no such parameter."
        raise Invalid(
            "parameter-unknown",
            "This call takes no parameters in its address.",
            fields={name: [message] for name in request.args},
        )
    if request.method == "POST" and not raw and request.get_data(cache=True) and not request.is_json:
        raise UnsupportedMediaType


def _end(response: Response) -> Response:
    """After every call: answers differ by token and language, and no cache keeps what it was not told to."""
    response.vary.update(("Authorization", "Accept-Language"))
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


class Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest with problem documents; the document and its page are served by `reference`."""

    ERROR_SCHEMA = problems.Problem
    spec: APISpec

    def _register_doc_blueprint(self) -> None:
        pass

    def _register_error_handlers(self) -> None:
        """Errors are answered in one place: web/errors.py hands them to `problems.answer`."""

    def _register_responses(self) -> None:
        for name in ("DEFAULT_ERROR", "UNPROCESSABLE_ENTITY"):
            self.spec.components.response(
                name,
                {
                    "description": "A problem: its `code` says which.",
                    "content": {problems.CONTENT_TYPE: {"schema": self.ERROR_SCHEMA}},
                },
                lazy=True,
            )

    def register_blueprint(self, blueprint: Blueprint) -> None:
        """Register a part and describe its calls."""
        app = self._app
        app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        app.register_blueprint(blueprint)
        blueprint.register_views_in_doc(self, app, self.spec, name=blueprint.name, parameters=None)
        self.spec.tag({"name": blueprint.title, "description": blueprint.description})


def _null_once(_converter: Any, _field: Any, ret: dict[str, Any], **_named: Any) -> dict[str, Any]:
    """A field that may be null and says so in its metadata too is told apart once."""
    kinds = ret.get("type")
    return {"type": list(dict.fromkeys(kinds))} if isinstance(kinds, list) else {}


def configure(app: Any) -> Api:
    """The API of an application, without its parts."""
    app.config.update(API_TITLE="Open licence marketplace", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    api = Api(
        spec_kwargs={
            "info": {
                "description": (
                    "Search announced open licences under Articles 50 to 52 of China's Patent Law, declare "
                    "them, take them by written notice and payment, and count them.\n\n"
                    "Money is in whole minor units with a currency; instants are UTC with Z; legal dates are "
                    "Shanghai dates, inclusive; ids are opaque. Errors are problem documents (RFC 9457) in "
                    "the language of Accept-Language (zh, en)."
                ),
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
        }
    )
    api.init_app(app)
    api.ma_plugin.converter.add_attribute_function(_null_once)
    api.spec.components.security_scheme(
        "token",
        {
            "type": "http",
            "scheme": "bearer",
            "description": "A token with the scopes `read` and `write`; it acts for one organisation.",
        },
    )
    return api
