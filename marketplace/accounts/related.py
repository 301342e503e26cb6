"""Which organisations are related, as far as the accounts here can tell: one notion for all who ask.

It says that two sides share a person, an agent, a code or an account. It is no finding of control: who owns
a company stands in the commercial register, which is not read here.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa

from .models import Mandate, Membership, Organisation

GROUNDS: Final = ("member", "agent", "code", "bank", "stripe")
"""`member`: one person belongs to both. `agent`: one acts for the other under a mandate in force. `code`: the
same credit code, confirmed for one of them. `bank`, `stripe`: licence money goes to the same account."""


def related(today: dt.date) -> sa.CompoundSelect[*tuple[Any, ...]]:
    """Every ordered pair of related organisations, in one statement whose size does not follow the licences'.

    Args:
        today: the day on which a mandate has to be in force.

    Returns:
        Columns `one_id`, `other_id` and `ground`; each pair stands in both orders, once for each ground.
    """
    mine, theirs = sa.orm.aliased(Membership), sa.orm.aliased(Membership)
    shared = sa.select(
        mine.organisation_id.label("one_id"),
        theirs.organisation_id.label("other_id"),
        sa.literal("member").label("ground"),
    ).where(mine.user_id == theirs.user_id, mine.organisation_id != theirs.organisation_id)
    in_force = (
        Mandate.state == "accepted",
        Mandate.revoked_at.is_(None),
        Mandate.valid_from <= today,
        Mandate.valid_to >= today,
    )
    ground = sa.literal("agent")
    acting = sa.select(Mandate.agent_id, Mandate.principal_id, ground).where(*in_force)
    acted_for = sa.select(Mandate.principal_id, Mandate.agent_id, ground).where(*in_force)
    return sa.union(
        shared,
        acting,
        acted_for,
        _same("code", Organisation.code, confirmed=True),
        _same("bank", Organisation.bank_account),
        _same("stripe", Organisation.stripe_account),
    )


def _same(
    ground: str, column: sa.orm.InstrumentedAttribute[str | None], *, confirmed: bool = False
) -> sa.Select[*tuple[Any, ...]]:
    """Pairs with an equal value, found among the values that stand more than once."""
    repeated = (
        sa.select(column.label("value"))
        .where(column.is_not(None), column != "", Organisation.merged_into_id.is_(None))
        .group_by(column)
        .having(sa.func.count() > 1)
        .subquery(f"repeated_{ground}")
    )
    holding = sa.select(Organisation.id, Organisation.identity, repeated.c.value).join(
        repeated, column == repeated.c.value
    )
    live = holding.where(Organisation.merged_into_id.is_(None))
    one, other = live.subquery(f"one_{ground}"), live.subquery(f"other_{ground}")
    pairs = sa.select(one.c.id, other.c.id, sa.literal(ground)).where(
        one.c.value == other.c.value, one.c.id != other.c.id
    )
    if confirmed:
        pairs = pairs.where(sa.or_(one.c.identity == "confirmed", other.c.identity == "confirmed"))
    return pairs
