"""A forgotten password: a link that works once, for an hour; and changing one's own password.

The link carries what a session keeps of the person, which a new password makes void; nothing is stored.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.unit_of_work import lock, record

from .models import User

VALID_FOR: Final = dt.timedelta(hours=1)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="password-reset")


def reset_code(user: User) -> str:
    """What the link in the mail carries for this person, good for an hour from now."""
    until = int((clock.now() + VALID_FOR).timestamp())
    return str(_signer().dumps([user.get_id(), until]))


def user_of_code(code: str) -> User | None:
    """The person whom a link was sent to; None if it is forged, too old, or was used."""
    try:
        known, until = _signer().loads(code)
    except (BadSignature, ValueError, TypeError):
        return None
    if clock.now().timestamp() > until:
        return None
    user = db.session.get(User, int(known.partition(".")[0]))
    return user if user is not None and user.active and user.get_id() == known else None


def set_own_password(user_id: int, password_hash: str) -> User:
    """Keep a new password, which ends every session made under the old one and makes sent links void.

    Args:
        user_id: the person who proved to be the account's owner.
        password_hash: hashed before the unit of work.
    """
    user = lock(User, user_id)
    user.password_hash = password_hash
    record("account.password_set", user)
    return user
