"""What a line of a bank statement says about money owed here. Pure functions; sums in 分."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from marketplace.deals.numbers import ALPHABET, PAYMENT

_REFERENCE: Final = re.compile(rf"{PAYMENT}(\d{{8}})([{ALPHABET}]{{8}})")
_LOOKALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_BRACKETS: Final = str.maketrans("()", "（）")


def references(text: str) -> tuple[str, ...]:
    """The payment references in what a payer wrote, each once and in order, as they are stored.

    Banks fold width and case, drop hyphens and put spaces in; people write O for 0, and I or L for 1.
    """
    plain = re.sub(r"[^0-9A-Z]+", "", unicodedata.normalize("NFKC", text).upper())
    found = _REFERENCE.findall(plain.translate(_LOOKALIKES))
    return tuple(dict.fromkeys(f"{PAYMENT}-{day}-{rest}" for day, rest in found))


def same_name(one: str, other: str) -> bool:
    """Whether two names of organisations differ in width, spaces and brackets at most."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).translate(_BRACKETS).casefold()


def verdict(owed: int, before: int, came: int) -> str:
    """What a sum that came makes of an unpaid payment, after `before` of it had come already.

    Returns:
        `part`, `settled`, or `differs` when it is more than was left.
    """
    total = before + came
    return "part" if total < owed else "settled" if total == owed else "differs"
