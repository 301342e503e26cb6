"""Showing that an e-mail address is one's own, with a link that is sent to it.

An unproven address may look, and may take licences: verifying people never gates a notice (PL 51). It may not
invite others or publish, as both reach people who did not ask (decision 0014).
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.tasks import enqueue
from marketplace.core.unit_of_work import lock, record

from .models import User

VALID_FOR: Final = dt.timedelta(days=3)
TASK: Final = "accounts.mail_address_link"


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="address")


def address_code(user: User) -> str:
    """What the link in the mail carries for this person and address, good for three days from now."""
    until = int((clock.now() + VALID_FOR).timestamp())
    return str(_signer().dumps([user.id, user.email, until]))


def user_of_code(code: str) -> User | None:
    """Whom a link was sent to; None if it is forged or too old, or the address is another one by now."""
    try:
        user_id, email, until = _signer().loads(code)
    except (BadSignature, ValueError, TypeError):
        return None
    if clock.now().timestamp() > until:
        return None
    user = db.session.get(User, user_id)
    return user if user is not None and user.active and user.email == email else None


def send_link(user: User) -> None:
    """Have the link sent, in the present unit of work; asked twice, it is sent once."""
    enqueue(TASK, key=str(user.id), user_id=user.id)


def prove_address(user_id: int) -> User:
    """Note that the address is the person's own; repeating changes nothing."""
    user = lock(User, user_id)
    if user.email_verified_at is None:
        user.email_verified_at = clock.now()
        record("account.address_proven", user)
    return user
