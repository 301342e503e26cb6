"""Patents: entering them, what is known about them, and whether they may be offered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext

from marketplace.accounts.models import Organisation
from marketplace.accounts.resolving import known
from marketplace.core import clock, convert
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound
from marketplace.core.identifiers import InvalidNumber, PatentNumber, PublicationNumber, parse_number
from marketplace.core.importing import Problem
from marketplace.core.permissions import require
from marketplace.listings import register, rules
from marketplace.listings.changes.owners import require_free_owners
from marketplace.listings.facts import writing
from marketplace.listings.facts.models import FactHistory
from marketplace.listings.lifecycle import patent_view
from marketplace.listings.models import ALL_FACTS, Patent, PatentFact, PatentParty


def find_patent(text: str) -> Patent:
    """The patent with that application or publication number, in any written form.

    Raises:
        Invalid: the number cannot be one (codes of `identifiers`).
        NotFound: `patent-not-found`.
    """
    try:
        number = parse_number(text)
    except InvalidNumber as error:
        reason = convert.reason(error.code, error.parameters)
        raise Invalid(error.code, reason, fields={"number": [reason]}) from error
    return patent_with(number)


def patent_with(number: PatentNumber | PublicationNumber) -> Patent:
    """The patent with that number.

    Raises:
        NotFound: `patent-not-found`.
    """
    patent = by_number(number)
    if patent is None:
        raise NotFound("patent-not-found", "No patent with this number is known here.")
    return patent


def by_number(number: PatentNumber | PublicationNumber) -> Patent | None:
    """The patent with that number, if it is known; the letters A and B of one publication are one."""
    if isinstance(number, PatentNumber):
        return db.session.scalar(sa.select(Patent).where(Patent.number == str(number)))
    names = [str(number)]
    if number.kind == "invention" and len(number.digits) == 9:
        names = [f"{number.base}B", f"{number.base}A"]
    return db.session.scalar(sa.select(Patent).where(Patent.publication_number.in_(names)).limit(1))


def get_patent(patent_id: int) -> Patent:
    """One patent.

    Raises:
        NotFound: `patent-not-found`.
    """
    patent = db.session.get(Patent, patent_id)
    if patent is None:
        raise NotFound("patent-not-found", "No patent with this number is known here.")
    return patent


def own_patents(actor: Actor, *, before: int | None = None, size: int = 50) -> list[Patent]:
    """Patents of the organisations that the actor acts for (staff: all), newest first.

    Args:
        before: the id of the last patent of the page before (keyset paging).
    """
    query = sa.select(Patent).order_by(Patent.id.desc()).limit(size)
    if not actor.is_staff:
        mine = sa.select(PatentParty.patent_id).where(PatentParty.organisation_id.in_(actor.holders))
        query = query.where(Patent.id.in_(mine))
    if before is not None:
        query = query.where(Patent.id < before)
    return list(db.session.scalars(query))


def eligibility_of(patent: Patent) -> rules.Eligibility:
    """Whether a declaration on the patent may be filed today, with the ten bars."""
    return rules.eligibility(patent_view(patent), clock.today())


def enter_patent(actor: Actor, values: Mapping[str, Any]) -> Patent:
    """Enter a patent, or add to what is known of it.

    Args:
        values: converted import columns of patents; without `patentees` it is the actor's organisation's.

    Raises:
        Invalid: `patent-invalid`, with the fields.
        Conflict: `number-conflict`.
        Forbidden: a patent on which the actor acts for none of the patentees; `co-owner-left-out`.
    """
    require(actor, "patent.enter")
    number, publication = register.numbers_of(values)
    named = number or publication
    stored = by_number(named) if named is not None else None
    if stored is not None:
        require_change(actor, stored, known(register.named(values), own=actor.holders).values())
        require_free_owners(actor, stored, register.named(values))
    elif not values.get("patentees") and actor.organisation_id is not None:
        own = db.session.get_one(Organisation, actor.organisation_id)
        values = {**values, **register.owned_by(own)}
    found = register.problems(values, clock.today())
    if stored is None and not values.get("title"):
        found.append(Problem("title", "required", convert.reason("required")))
    _refuse(found)
    if stored is None:
        require_new(actor, known(register.named(values), own=actor.holders).values())
    source = "operator" if actor.is_operator else "holder"
    [outcome] = register.write([values], source=source)
    if isinstance(outcome, list):
        _refuse(outcome)
    stored = by_number(named) if named is not None else None
    if stored is None:
        raise Conflict("number-conflict", "The numbers of this patent contradict each other.")
    return db.session.get_one(Patent, stored.id, populate_existing=True)


def require_new(actor: Actor, named: Collection[int]) -> None:
    """Raise unless the actor may enter a patent that is not known yet.

    Args:
        named: ids of the organisations that are named as its patentees; a mere namesake is none of them.

    Raises:
        Forbidden: `not-your-patent`: the actor acts for none of them.
    """
    if not actor.is_operator and actor.holders.isdisjoint(named):
        raise Forbidden("not-your-patent", "You act for none of the patentees of this patent.")


def require_change(actor: Actor, patent: Patent, named: Collection[int]) -> None:
    """Raise unless the actor may change the patent, and change it so.

    Open licensing needs every co-owner (GL V-11 §3.2), so none of them may write another out of the register.

    Args:
        named: ids of the organisations that are to be its patentees; none when they stay as they are.

    Raises:
        Forbidden: the actor acts for none of the patentees; `co-owner-left-out`.
    """
    require(actor, "patent.change", patent)
    if actor.is_operator or not named:
        return
    kept = actor.holders.union(named)
    if any(party.organisation_id not in kept for party in patent.parties):
        raise Forbidden(
            "co-owner-left-out",
            "This leaves out a co-owner of the patent for whom you do not act; an operator can change that.",
        )


def _refuse(found: list[Problem]) -> None:
    if found:
        fields: dict[str, list[str]] = {}
        for problem in found:
            fields.setdefault(problem.field, []).append(problem.reason)
        raise Invalid("patent-invalid", "Some entries of the patent cannot be right.", fields=fields)


def set_fact(
    actor: Actor,
    patent: Patent,
    name: str,
    value: Any,
    *,
    as_of: dt.date | None = None,
    source: str | None = None,
) -> None:
    """Say what is known about a patent's state; offers in force on it are reviewed at once.

    Args:
        name: one of `models.ALL_FACTS`.
        value: converted (see `columns.CONVERT_FACT`); None makes it unknown.
        as_of: when it was so; today by default.
        source: where it is known from; the actor by default.

    Raises:
        Invalid: `fact-unknown`, `date-impossible`.
        Forbidden: the actor acts for none of the patentees.
    """
    require(actor, "patent.change", patent)
    if name not in ALL_FACTS:
        raise Invalid("fact-unknown", "There is no such fact about a patent.")
    day = as_of or clock.today()
    if day > clock.today():
        raise Invalid("date-impossible", "This date is not possible.")
    stated = None if value is None else writing.text_of(value)
    writing.state(
        [writing.Statement(patent.id, {name: stated}, day)],
        source=source or ("operator" if actor.is_operator else "holder"),
        force=True,
    )


def set_facts(
    actor: Actor,
    patent: Patent,
    values: Mapping[str, Any],
    *,
    as_of: dt.date | None = None,
    source: str | None = None,
) -> list[str]:
    """Say several things about a patent from one source, as `set_fact`; returns the facts that changed.

    Raises:
        Invalid: `fact-missing`: there is none; `date-impossible`.
        Forbidden: the actor acts for none of the patentees.
    """
    require(actor, "patent.change", patent)
    day = as_of or clock.today()
    if day > clock.today():
        message = gettext("This day lies in the future.")
        raise Invalid("date-impossible", "This date is not possible.", fields={"as_of": [message]})
    stated = {
        name: writing.text_of(value)
        for name, value in values.items()
        if name in ALL_FACTS and value is not None
    }
    if not stated:
        raise Invalid("fact-missing", "State at least one fact.")
    [changed] = writing.state(
        [writing.Statement(patent.id, stated, day)],
        source=source or ("operator" if actor.is_operator else "holder"),
    )
    return changed


def facts_of(patent: Patent) -> list[PatentFact]:
    """What is known of a patent, in the order of `models.ALL_FACTS`."""
    return sorted(patent.facts, key=lambda fact: ALL_FACTS.index(fact.name))


def history_of(patent: Patent) -> list[FactHistory]:
    """What was stated about a patent before, the last to end first."""
    query = sa.select(FactHistory).where(FactHistory.patent_id == patent.id)
    return list(db.session.scalars(query.order_by(FactHistory.ended_at.desc(), FactHistory.id.desc())))
