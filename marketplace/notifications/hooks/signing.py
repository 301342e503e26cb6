"""Secrets and signatures as Standard Webhooks has them: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from marketplace.accounts.links import token_of

_PREFIX: Final = "whsec_"


def secret_of(nonce: str) -> str:
    """The secret that a nonce stands for: `whsec_` and 32 bytes in Base64, derived from our key."""
    return _PREFIX + base64.b64encode(bytes.fromhex(token_of(nonce, "webhook"))).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the signature of one message under one secret."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message; with two secrets the receiver may check either (key rotation)."""
    signatures = [signature(secret, message_id, timestamp, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
