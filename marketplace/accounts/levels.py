"""What members may do for their organisation: the one table from level to permissions.

A technology manager (`Membership.role`) has a level like everybody else: the role says in what capacity a
person acts, the level how far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Level:
    """What one level gives.

    Attributes:
        scopes: `read`, and `write` for whoever may change something. A token never gets beyond them.
        roles: what the actor is besides `member` or `manager`. `administrator` decides about members, the
            account, the organisation's data and powers of attorney; `viewer` only looks.
    """

    scopes: frozenset[str]
    roles: frozenset[str]


LEVELS: Final[dict[str, Level]] = {
    "administrator": Level(frozenset({"read", "write"}), frozenset({"administrator"})),
    "editor": Level(frozenset({"read", "write"}), frozenset()),
    "viewer": Level(frozenset({"read"}), frozenset({"viewer"})),
}
