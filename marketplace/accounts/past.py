"""What organisations were: names, types, districts, each until a day; and renaming.

The row holds what is so today. What was so before stands in `organisation_past`, with the last day on which
it held: the value on a day is the earliest one that held until that day or later, else today's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import current, lock, record

from .models import DATED, Organisation, OrganisationPast


def change(organisation: Organisation, values: Mapping[str, Any], *, since: dt.date | None = None) -> None:
    """Give the locked organisation new values; of those that are dated, keep what held until the day before.

    In the present unit of work. What changes twice on one day leaves no trace of the value in between.

    Args:
        since: the first day of the new values, by default today.
    """
    last = (since or clock.today()) - dt.timedelta(days=1)
    for name, value in values.items():
        before = getattr(organisation, name)
        if before == value:
            continue
        setattr(organisation, name, value)
        if name not in DATED or _begun_after(organisation.id, name, last):
            continue
        db.session.add(
            OrganisationPast(
                organisation_id=organisation.id,
                field=name,
                value=None if before is None else str(before),
                valid_to=last,
                changed_at=clock.now(),
                changed_by=current().actor.user_id,
            )
        )


def _begun_after(organisation_id: int, name: str, last: dt.date) -> bool:
    """Whether the present value begins later than the day on which it would have ended: it never held."""
    return (
        db.session.scalar(
            sa.select(OrganisationPast.id)
            .where(
                OrganisationPast.organisation_id == organisation_id,
                OrganisationPast.field == name,
                OrganisationPast.valid_to >= last,
            )
            .limit(1)
        )
        is not None
    )


def past_of(organisation_id: int, fields: Collection[str] = DATED) -> list[OrganisationPast]:
    """What an organisation was before, latest first."""
    query = (
        sa.select(OrganisationPast)
        .where(OrganisationPast.organisation_id == organisation_id, OrganisationPast.field.in_(fields))
        .order_by(OrganisationPast.valid_to.desc(), OrganisationPast.id.desc())
    )
    return list(db.session.scalars(query))


def former_names(organisation_ids: Iterable[int]) -> dict[int, list[OrganisationPast]]:
    """The names that organisations had before, latest first, in one query."""
    found: dict[int, list[OrganisationPast]] = {}
    query = (
        sa.select(OrganisationPast)
        .where(OrganisationPast.organisation_id.in_(list(organisation_ids)), OrganisationPast.field == "name")
        .order_by(OrganisationPast.valid_to.desc(), OrganisationPast.id.desc())
    )
    for row in db.session.scalars(query):
        found.setdefault(row.organisation_id, []).append(row)
    return found


@dataclass(frozen=True)
class FormerName:
    """A name that an organisation bore, or under which a duplicate of it was entered.

    Attributes:
        since, until: first and last day; None at the beginning of what is known. A duplicate's present name
            has neither: it was another way of writing.
        language: `zh` or `en`.
    """

    name: str
    language: str
    since: dt.date | None
    until: dt.date | None


def former_names_with_periods(organisation_ids: Iterable[int]) -> dict[int, list[FormerName]]:
    """All names besides the present ones, with their days, latest first: in one query, for the index.

    The names of the duplicates that were merged into an organisation are among them. Organisations that
    always had one name are not in the answer.
    """
    stays = sa.func.coalesce(Organisation.merged_into_id, Organisation.id)
    mine = stays.in_(list(organisation_ids))
    past = (
        sa.select(
            stays.label("stays"),
            Organisation.id.label("of"),
            OrganisationPast.field.label("field"),
            OrganisationPast.value.label("value"),
            OrganisationPast.valid_to.label("until"),
        )
        .join(OrganisationPast, OrganisationPast.organisation_id == Organisation.id)
        .where(mine, OrganisationPast.field.in_(("name", "name_en")))
    )
    never = sa.literal(None, sa.Date())
    duplicates = [
        sa.select(stays, Organisation.id, sa.literal(field), column, never).where(
            mine, Organisation.merged_into_id.is_not(None), column.is_not(None)
        )
        for field, column in (("name", Organisation.name), ("name_en", Organisation.name_en))
    ]
    rows = db.session.execute(sa.union_all(past, *duplicates)).all()
    found: dict[int, list[FormerName]] = {}
    ended: dict[tuple[int, str], dt.date] = {}
    for stays_id, of, field, value, until in sorted(rows, key=lambda row: (row[4] is None, row[4] or row[1])):
        before = ended.get((of, field))
        since = before + dt.timedelta(days=1) if before is not None and until is not None else None
        if until is not None:
            ended[of, field] = until
        if value:
            one = FormerName(value, "zh" if field == "name" else "en", since, until)
            found.setdefault(stays_id, []).insert(0, one)
    return found


def ids_of_name(name: str) -> sa.Select[int]:
    """Ids of the organisations that had exactly this name, as a subquery."""
    return sa.select(OrganisationPast.organisation_id).where(
        OrganisationPast.field == "name", OrganisationPast.value == name
    )


class Past:
    """What one field of all organisations was on a day: read once, for figures."""

    def __init__(self, field: str) -> None:
        self._until: dict[int, list[tuple[dt.date, str | None]]] = {}
        query = (
            sa.select(OrganisationPast.organisation_id, OrganisationPast.valid_to, OrganisationPast.value)
            .where(OrganisationPast.field == field)
            .order_by(OrganisationPast.valid_to, OrganisationPast.id)
        )
        for organisation_id, valid_to, value in db.session.execute(query):
            self._until.setdefault(organisation_id, []).append((valid_to, value))

    @property
    def organisations(self) -> Collection[int]:
        """Those that had another value before."""
        return self._until.keys()

    def on(self, organisation_id: int, day: dt.date, today: str | None) -> str | None:
        """The value on a day, given what it is today."""
        for valid_to, value in self._until.get(organisation_id, ()):
            if day <= valid_to:
                return value
        return today


def rename(
    actor: Actor, organisation_id: int, *, name: str, name_en: str | None, since: dt.date, source: str
) -> Organisation:
    """Give an organisation its new name from a day on; the one before is kept as a former name.

    It stays the same legal person (Civil Code 65 asks for the register's entry): nothing of it changes hands.

    Args:
        since: first day of the new name; not in the future.
        source: what shows it, e.g. which notice of the register of which day.

    Raises:
        Forbidden: not an operator; NotFound: `organisation-not-found`.
        Invalid: `name-missing`, `name-unchanged`, `date-future`, `source-missing`.
    """
    if db.session.get(Organisation, organisation_id) is None:
        raise NotFound("organisation-not-found", "There is no such organisation.")
    organisation = lock(Organisation, organisation_id)
    require(actor, "organisation.rename", organisation)
    name, source = name.strip(), source.strip()
    if not name or len(name) > 200:
        message = N_("Please give the name of the organisation.")
        raise Invalid("name-missing", message, fields={"name": [message]})
    if name == organisation.name and (name_en or None) == organisation.name_en:
        message = N_("This is the present name.")
        raise Invalid("name-unchanged", message, fields={"name": [message]})
    if since > clock.today():
        message = N_("This day is still to come.")
        raise Invalid("date-future", message, fields={"since": [message]})
    if not source or len(source) > 200:
        message = N_("Please say what it rests on, in at most 200 characters.")
        raise Invalid("source-missing", message, fields={"source": [message]})
    change(organisation, {"name": name, "name_en": name_en or None}, since=since)
    record("organisation.renamed", organisation, organisation_id=organisation.id, occurred_on=since)
    return organisation
