"""Password hashing. Slow by design, so it is done before a unit of work opens."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from marketplace.core.errors import Invalid

MINIMUM_LENGTH = 10
_hasher = PasswordHasher()
_DECOY = _hasher.hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """The argon2id hash of a password.

    Raises:
        Invalid: `password-too-short`, below 10 characters.
    """
    if len(password) < MINIMUM_LENGTH:
        raise Invalid(
            "password-too-short",
            "Please choose a password of at least 10 characters.",
            fields={"password": ["Please choose a password of at least 10 characters."]},
        )
    return _hasher.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Compare; an unknown account (None) costs as much time as a known one."""
    try:
        return _hasher.verify(password_hash or _DECOY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False
