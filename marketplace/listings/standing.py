"""Where many patents stand at once: the bars of `rules.eligibility` as one SQL expression.

A holder may have thousands of patents, and lists have to filter and count them by this. A test holds the
expression and the rule to the same answers.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa

from marketplace.core.database import db

from .facts import staleness
from .models import ALL_FACTS, FACTS, Offer, Patent, PatentFact, PatentParty

STANDINGS: Final = ("may_file", "barred", "unknown", "offered")

# A declaration is under way or in force.
CURRENT: Final = (
    "draft", "in_review", "price_notice", "ready", "filed", "announced", "withdrawal_filed",
)  # fmt: skip


def patents_of(organisation_id: int, today: dt.date) -> sa.Subquery:
    """The patents of one organisation, as a table with `id`, `standing`, `stale` and `offered`.

    `standing` is `may_file` (every bar is clear), `barred` (one certainly exists) or `unknown`; `stale`
    whether a fact that matters should be checked again; `offered` whether a declaration on it is under way or
    in force.

    Args:
        today: the legal date that dates are compared with.
    """
    mine = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id == organisation_id)
    facts = facts_of(mine, today)
    current = sa.exists().where(Offer.patent_id == Patent.id, Offer.status.in_(CURRENT))
    standing = sa.case(
        (sa.or_(*_barred(facts.c, today)), "barred"),
        (sa.or_(*_unknown(facts.c)), "unknown"),
        else_="may_file",
    )
    stale = sa.or_(
        facts.c.stale == 1,
        sa.and_(Patent.kind != "invention", facts.c.stale_report == 1),
    )
    return (
        sa.select(
            Patent.id.label("id"),
            standing.label("standing"),
            sa.func.coalesce(stale, sa.false()).label("stale"),
            current.label("offered"),
        )
        .outerjoin(facts, facts.c.patent_id == Patent.id)
        .where(Patent.id.in_(mine))
        .subquery()
    )


def stale_of(organisation_id: int, today: dt.date) -> sa.Select[int]:
    """Ids of the patents of one organisation of which a fact that matters should be checked again.

    The same as `stale` of `patents_of`, without looking at anything else: a condition for long lists.
    """
    ages = staleness.ages(today)
    mine = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id == organisation_id)
    old = sa.or_(
        *(
            sa.and_(
                PatentFact.name == name,
                staleness.stale(name, PatentFact.value, PatentFact.as_of, today, ages),
                *([Patent.kind != "invention"] if name == "evaluation_report" else []),
            )
            for name in ALL_FACTS
        )
    )
    return (
        sa.select(PatentFact.patent_id)
        .join(Patent, Patent.id == PatentFact.patent_id)
        .where(PatentFact.patent_id.in_(mine), old)
    )


def facts_of(patents: sa.Select[Any], today: dt.date) -> sa.Subquery:
    """The facts of patents side by side: `patent_id`, the value of each fact, `stale` and `stale_report`.

    `stale` is 1 when any of the facts should be checked again, `stale_report` the same of the evaluation
    report, which does not matter for inventions.

    Args:
        patents: selects their ids.
    """
    ages = staleness.ages(today)
    old = {
        name: sa.and_(
            PatentFact.name == name,
            staleness.stale(name, PatentFact.value, PatentFact.as_of, today, ages),
        )
        for name in ALL_FACTS
    }
    any_old = sa.or_(*(condition for name, condition in old.items() if name != "evaluation_report"))
    return (
        sa.select(
            PatentFact.patent_id.label("patent_id"),
            *(
                sa.func.max(sa.case((PatentFact.name == name, PatentFact.value))).label(name)
                for name in ALL_FACTS
            ),
            sa.func.max(sa.case((any_old, 1), else_=0)).label("stale"),
            sa.func.max(sa.case((old["evaluation_report"], 1), else_=0)).label("stale_report"),
        )
        .where(PatentFact.patent_id.in_(patents))
        .group_by(PatentFact.patent_id)
        .subquery()
    )


def _barred(fact: Any, today: dt.date) -> list[sa.ColumnElement[bool]]:
    """One condition for each bar that certainly exists; a fact that is unknown (NULL) makes none true."""
    day = today.isoformat()  # facts hold ISO dates as text, which sort as dates do

    def lasts(column: Any) -> sa.ColumnElement[bool]:
        return sa.and_(column != "none", column >= day)

    return [
        fact.legal_status.in_(("pending", "terminated", "expired", "invalidated")),
        Patent.grant_date > today,
        Patent.expires_on < today,
        lasts(fact.exclusive_licence_until),
        lasts(fact.preserved_until),
        sa.or_(fact.annuity_paid_until == "none", fact.annuity_paid_until < day),
        fact.pledged == "without_consent",
        sa.and_(Patent.kind != "invention", fact.evaluation_report.in_(("none", "negative"))),
        fact.other_hindrance != "none",
        fact.ownership == "differs",
    ]


def _unknown(fact: Any) -> list[sa.ColumnElement[bool]]:
    needed = [name for name in FACTS if name != "evaluation_report"]
    return [
        *(fact[name].is_(None) for name in needed),
        sa.and_(Patent.kind != "invention", fact.evaluation_report.is_(None)),
    ]


def group_of(patents: sa.Subquery) -> sa.ColumnElement[str]:
    """One of STANDINGS for a row of `patents_of`: a current declaration comes first."""
    return sa.case((patents.c.offered, "offered"), else_=patents.c.standing)


def counts(organisation_id: int, today: dt.date) -> dict[str, int]:
    """How many patents of an organisation stand where, by each of STANDINGS; they add up to all."""
    patents = patents_of(organisation_id, today)
    group = group_of(patents).label("group")
    found = {row[0]: row[1] for row in db.session.execute(sa.select(group, sa.func.count()).group_by(group))}
    return {name: found.get(name, 0) for name in STANDINGS}
