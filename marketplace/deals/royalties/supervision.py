"""Royalties counted for supervision: how many statements came, how many are late; no party's figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.permissions import require
from marketplace.deals.models import Licence, Obligation

from .models import RoyaltyDefault, RoyaltyPeriod, RoyaltyPlan, RoyaltyStatement

LEAST_LICENSEES: Final = 5
"""A sum over fewer licensees would tell what one of them sells: it is withheld."""


@dataclass(frozen=True)
class Counts:
    """Figures over all licences that bear royalty.

    Attributes:
        licences: how many bear royalty.
        due: periods whose last day for the statement is over.
        reported, late: of these with a statement; without one.
        unpaid: claims from statements that are overdue.
        defaults: notices of default that stand.
        royalty_minor: royalties of all statements that count in 分; None over fewer than `LEAST_LICENSEES`
            licensees, or where another currency than yuan is among them.
    """

    licences: int
    due: int
    reported: int
    late: int
    unpaid: int
    defaults: int
    royalty_minor: int | None


def counts(actor: Actor) -> Counts:
    """The figures, for the bureau and operators (five statements, whatever there is).

    Raises:
        Forbidden: not staff.
    """
    require(actor, "royalty.supervise")
    today = clock.today()
    by_state = {
        str(state): int(number)
        for state, number in db.session.execute(
            sa.select(RoyaltyPeriod.state, sa.func.count())
            .where(RoyaltyPeriod.report_due_on < today)
            .group_by(RoyaltyPeriod.state)
        )
    }
    unpaid = (
        sa.select(sa.func.count())
        .select_from(RoyaltyStatement)
        .join(Obligation, RoyaltyStatement.obligation_id == Obligation.id)
        .where(Obligation.state == "open", Obligation.due_on < today)
    )
    licensees, currencies, total = db.session.execute(
        sa.select(
            sa.func.count(sa.distinct(Licence.licensee_id)),
            sa.func.count(sa.distinct(sa.case((RoyaltyPeriod.currency != "CNY", RoyaltyPeriod.currency)))),
            sa.func.coalesce(sa.func.sum(RoyaltyStatement.royalty_minor), 0),
        )
        .join(RoyaltyPeriod, RoyaltyStatement.period_id == RoyaltyPeriod.id)
        .join(Licence, RoyaltyPeriod.licence_id == Licence.id)
        .where(RoyaltyStatement.current.is_(True))
    ).one()
    told = licensees >= LEAST_LICENSEES and not currencies
    return Counts(
        licences=_number(sa.select(sa.func.count()).select_from(RoyaltyPlan)),
        due=sum(by_state.values()),
        reported=by_state.get("reported", 0),
        late=sum(number for state, number in by_state.items() if state != "reported"),
        unpaid=_number(unpaid),
        defaults=_number(
            sa.select(sa.func.count()).select_from(RoyaltyDefault).where(RoyaltyDefault.state == "given")
        ),
        royalty_minor=int(total) if told else None,
    )


def _number(query: sa.Select[int]) -> int:
    return db.session.scalar(query) or 0
