"""Numbers and codes of deals: readable, without letters that look like digits, and never guessable codes."""

from __future__ import annotations

import datetime as dt
import secrets

# Crockford's base 32: no I, L, O, U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})

NOTICE, LICENCE, PAYMENT, BUNDLE = "TZ", "XK", "FK", "PL"


def new_number(prefix: str, on: dt.date) -> str:
    """A number such as `XK-20261124-7F3K2M` for the Shanghai date `on`."""
    return f"{prefix}-{on:%Y%m%d}-{_random(6)}"


def new_reference(on: dt.date) -> str:
    """A payment reference that a payer writes into a transfer; 40 random bits beside the date."""
    return f"{PAYMENT}-{on:%Y%m%d}-{_random(8)}"


def new_certificate_code() -> str:
    """An unguessable check code of 100 bits."""
    return _random(20)


def clean_code(text: str) -> str:
    """A check code as it is stored, from what a person typed: any case, dashes, O for 0, I or L for 1."""
    return text.strip().upper().translate(_LOOKALIKES)


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
