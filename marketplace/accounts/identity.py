"""Who is asking: the signed-in person of a page, the bearer token of an API call, or a visitor."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import g, request, session
from flask_login import current_user

from marketplace.core.actor import VISITOR, Actor
from marketplace.core.database import db
from marketplace.core.errors import Forbidden, Unauthenticated
from marketplace.extensions import login_manager

from . import services
from .models import User

LEVELS = ("public", "signed_in", "organisation", "bureau", "operator")
View = TypeVar("View", bound=Callable[..., Any])


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load(user_id: str) -> User | None:
    number = user_id.partition(".")[0]
    user = db.session.get(User, int(number)) if number.isdecimal() else None
    return user if user is not None and user.active and user.get_id() == user_id else None


def current_actor() -> Actor:
    """The actor of this request. Pages know people by their session, the API by a bearer token only.

    Raises:
        Unauthenticated: the token is not valid.
    """
    if "actor" not in g:
        g.actor = _token_actor() if request.path.startswith("/api/") else _session_actor()
    return cast("Actor", g.actor)


def _token_actor() -> Actor:
    header = request.headers.get("Authorization", "")
    if not header:
        return VISITOR
    kind, _, token = header.partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise Unauthenticated("token-invalid", "The token is not valid any more.")
    return services.actor_of_token(token.strip())


def _session_actor() -> Actor:
    if not current_user.is_authenticated:
        return VISITOR
    user: User = current_user._get_current_object()  # noqa: SLF001 - Flask-Login's way to the user itself
    chosen = session.get("organisation_id")
    try:
        return services.actor_for(user, chosen)
    except Unauthenticated:
        session.pop("organisation_id", None)
        return services.actor_for(user, None)


def _holds(actor: Actor, level: str) -> bool:
    return {
        "public": True,
        "signed_in": actor.user_id is not None,
        "organisation": actor.organisation_id is not None,
        "bureau": actor.is_staff,
        "operator": actor.is_operator,
    }[level]


def access(level: str) -> Callable[[View], View]:
    """Say who may enter a view at all; every view has this mark (a test walks the routes).

    What may be done to which object is decided by the services through the permission table.

    Args:
        level: one of LEVELS.
    """
    if level not in LEVELS:
        raise ValueError(level)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*arguments: Any, **named: Any) -> Any:
            actor = current_actor()
            if not _holds(actor, level):
                if actor.user_id is None:
                    raise Unauthenticated("sign-in-required", "Please sign in to do this.")
                raise Forbidden("forbidden", "Your account may not do this.")
            return view(*arguments, **named)

        guarded.access = level  # type: ignore[attr-defined]
        return cast("View", guarded)

    return decorate
