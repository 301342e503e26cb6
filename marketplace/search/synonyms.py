"""The operator's list of words that mean the same to a search, with its versions.

It is applied when a question is asked, so that a change needs no new index and both engines follow it alike.
The list in `data/synonyms.txt` holds until the operator's first change copies it into the database.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import N_, Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from . import analysis
from .models import SynonymGroup
from .tree import LONGEST_UNIT

MOST_TERMS: Final = 12
LONGEST_TERM: Final = 60
Version = tuple[int, int]

DEFAULT: Final[tuple[tuple[str, ...], ...]] = tuple(
    tuple(line.split("; ")) for line in analysis.lines("synonyms.txt")
)

_COUNTS: Final = sa.select(sa.func.count(SynonymGroup.id), sa.func.count(SynonymGroup.until))


def version() -> Version:
    """Changes with every change of the list."""
    added, ended = db.session.execute(_COUNTS).one()
    return added, ended


def in_force() -> list[tuple[str, ...]]:
    """The groups that are applied now."""
    if version() == (0, 0):
        return list(DEFAULT)
    return [tuple(row.terms) for row in versions() if row.until is None]


def versions() -> list[SynonymGroup]:
    """Every line of the list, past and present, in the order of entry; none while the default holds."""
    return list(db.session.scalars(sa.select(SynonymGroup).order_by(SynonymGroup.id)))


def read(text: str) -> tuple[str, ...]:
    """The terms in what the operator wrote: separated by semicolons or lines, each once.

    Raises:
        Invalid: `synonyms-few`, `synonyms-many`, `synonym-unsearchable`.
    """
    plain = unicodedata.normalize("NFKC", text).replace("\n", ";").replace("、", ";")
    terms = tuple(dict.fromkeys(" ".join(part.split()) for part in plain.split(";") if part.strip()))
    for term in terms:
        if len(term) > LONGEST_TERM or not 0 < len(key(term)) <= LONGEST_UNIT:
            message = N_("Such a term cannot be searched for; use words of at most 60 characters.")
            raise Invalid("synonym-unsearchable", message, fields={"terms": [message]})
    if len({key(term) for term in terms}) < 2:
        message = N_("At least two terms are needed.")
        raise Invalid("synonyms-few", message, fields={"terms": [message]})
    if len(terms) > MOST_TERMS:
        message = N_("At most 12 terms can stand in one group.")
        raise Invalid("synonyms-many", message, fields={"terms": [message]})
    return terms


def key(term: str) -> tuple[str, ...]:
    """The words of a term as a search cuts them."""
    return tuple(analysis.words(term))


def put(actor: Actor, text: str, instead_of: Sequence[str] | None = None) -> SynonymGroup:
    """Add a group, or give a group other terms: the old line ends and a new one begins.

    Raises:
        Invalid: as `read`; Conflict: `synonym-listed`: a term stands in another group.
        NotFound: `synonyms-not-listed`; Forbidden: the list is the operator's.
    """
    require(actor, "synonyms.change")
    terms = read(text)
    _copy_default()
    if instead_of is not None:
        _end(actor, instead_of)
        db.session.flush()
    taken = {key(term) for group in in_force() for term in group}
    if any(key(term) in taken for term in terms):
        message = N_("One of the terms stands in another group already.")
        raise Conflict("synonym-listed", message)
    row = SynonymGroup(terms=list(terms), since=clock.now(), entered_by=actor.user_id)
    db.session.add(row)
    record("synonyms.added", row)
    return row


def end(actor: Actor, terms: Sequence[str]) -> None:
    """Take a group off the list.

    Raises:
        NotFound: `synonyms-not-listed`; Forbidden: the list is the operator's.
    """
    require(actor, "synonyms.change")
    _copy_default()
    _end(actor, terms)


def _end(actor: Actor, terms: Sequence[str]) -> None:
    found = next((row for row in versions() if row.until is None and row.terms == list(terms)), None)
    if found is None:
        raise NotFound("synonyms-not-listed", "This group is not on the list.")
    row = lock(SynonymGroup, found.id)
    row.until = clock.now()
    row.ended_by = actor.user_id
    record("synonyms.ended", row)


def _copy_default() -> None:
    """Take the default list over into the database, once."""
    if version() != (0, 0):
        return
    now = clock.now()
    db.session.add_all(SynonymGroup(terms=list(terms), since=now) for terms in DEFAULT)
    db.session.flush()
