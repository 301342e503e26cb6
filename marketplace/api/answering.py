"""How a call is answered: one unit of work for a write, once per Idempotency-Key, with an ETag.

The answer to a write with a key is kept in the transaction of its effect. Keys belong to the organisation
that the token acts for; for a token without one (bureau, operator) to its user, as a negative number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import marshmallow as ma
import sqlalchemy as sa
from flask import Response, g, json, request
from sqlalchemy.orm.exc import StaleDataError

from marketplace.accounts.identity import current_actor
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, StaleVersion
from marketplace.core.idempotency import Answer, recall, remember, request_hash
from marketplace.core.unit_of_work import unit_of_work

P = TypeVar("P")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def note_body() -> None:
    """Remember what makes this request the same as another one, before anything reads the body."""
    if request.method == "POST":
        g.request_digest = request_hash("POST", request.full_path, request.get_data(cache=True))


def require_scope(actor: Actor, scope: str) -> None:
    """Raise when a token lacks a scope.

    Raises:
        Forbidden: `scope-missing`.
    """
    if actor.user_id is not None and scope not in actor.scopes:
        raise Forbidden("scope-missing", "This token lacks the scope for this call.", scope=scope)


def once(schema: type[ma.Schema], act: Callable[[Actor], Any], *, status: int = 200) -> Response:
    """Do a write in one unit of work and answer with what `act` returns, dumped by `schema`.

    Raises:
        Invalid: `idempotency-key-invalid`, `idempotency-key-reused`.
        Conflict: `changed-meanwhile`, when another request came between.
        DomainError: what `act` raises.
    """
    return once_prepared(schema, lambda _actor: None, lambda actor, _nothing: act(actor), status=status)


def once_prepared(
    schema: type[ma.Schema],
    prepare: Callable[[Actor], P],
    act: Callable[[Actor, P], Any],
    *,
    status: int = 200,
    finish: Callable[[Actor, dict[str, Any]], Any] | None = None,
) -> Response:
    """As `once`, with something slow before the unit of work, and perhaps something after it.

    Args:
        prepare: runs before the unit of work (printing a paper); skipped when the key is known already.
        finish: runs after the unit of work, also on a repeated call, and gives the answer in place of
            `act`'s; it must do its work once by itself (opening a checkout).
    """
    actor = current_actor()
    require_scope(actor, "write")
    key = _key()
    stored = _recalled(actor, key)
    if stored is None:
        try:
            prepared = prepare(actor)
            with unit_of_work(actor):
                stored = _recall(actor, key)
                fresh = stored is None
                if stored is None:
                    stored = Answer(status, dumped(schema, act(actor, prepared)))
                    if key is not None:
                        remember(_scope(actor), key, g.request_digest, stored.status, stored.body)
        except (DomainError, sa.exc.IntegrityError, StaleDataError) as error:
            # Of two racing requests with one key the later one gets the answer of the earlier one.
            earlier = _recalled(actor, key)
            if earlier is not None:
                stored, fresh = earlier, False
            elif isinstance(error, DomainError):
                raise
            else:
                raise Conflict(
                    "changed-meanwhile", "Someone else changed this in the same moment: please try again."
                ) from error
    else:
        fresh = False
    body = stored.body if finish is None else dumped(schema, finish(actor, stored.body))
    response = json_answer(body, stored.status)
    if not fresh:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def dumped(schema: type[ma.Schema], value: Any) -> dict[str, Any]:
    """A value by its schema, as JSON."""
    body: dict[str, Any] = schema().dump(value)
    return body


def json_answer(body: dict[str, Any], status: int = 200) -> Response:
    """A JSON response; a body with a `version` gets it as its ETag too."""
    response = Response(json.dumps(body), status=status, content_type="application/json")
    if "version" in body:
        response.set_etag(str(body["version"]))
    return response


def check_version(version: int) -> None:
    """Compare the row's version with If-Match, where the caller sent it; call it with the row locked.

    Raises:
        StaleVersion: `stale-version`.
    """
    wanted = request.if_match
    if request.headers.get("If-Match") and not wanted.star_tag and not wanted.contains(str(version)):
        raise StaleVersion(
            "stale-version", "This was changed in the meantime: please look at it again.", version=version
        )


def _key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or _KEY.fullmatch(key):
        return key
    message = "An Idempotency-Key has 1 to 255 visible ASCII characters."
    raise Invalid(
        "idempotency-key-invalid",
        "An Idempotency-Key has 1 to 255 visible ASCII characters.",
        fields={"Idempotency-Key": [message]},
    )


def _scope(actor: Actor) -> int:
    return actor.organisation_id if actor.organisation_id is not None else -(actor.user_id or 0)


def _recall(actor: Actor, key: str | None) -> Answer | None:
    return None if key is None else recall(_scope(actor), key, g.request_digest)


def _recalled(actor: Actor, key: str | None) -> Answer | None:
    """As `_recall`, as it is committed now: before or after the unit of work."""
    if key is None:
        return None
    db.session.rollback()  # what an open transaction sees may be older
    return _recall(actor, key)
