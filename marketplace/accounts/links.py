"""Links that work once, sent by mail: their tokens are derived, and only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flask import current_app


def new_nonce() -> str:
    """What a link's token is derived from, together with the secret key."""
    return secrets.token_urlsafe(24)


def token_of(nonce: str, purpose: str) -> str:
    """The token that the link carries; nobody can tell it from the database without the secret key."""
    key = current_app.config["SECRET_KEY"].encode()
    return hmac.new(key, f"{purpose}:{nonce}".encode(), hashlib.sha256).hexdigest()


def digest_of(token: str) -> str:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
