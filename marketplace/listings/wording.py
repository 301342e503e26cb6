"""The list of promotional words that the operator keeps, with reasons and the days it held.

IR 85 forbids commercial promotion in a declaration and names no words: which ones are sent back is for those
who run the platform to say. The default is `data_words.txt`; the first change copies it into the database.
"""

from __future__ import annotations

import datetime as dt
import unicodedata

import sqlalchemy as sa

from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.permissions import require
from marketplace.core.unit_of_work import lock, record

from . import rules
from .facts.models import PromotionalWord

# The day on which the rule took effect: the default list is as old as the rule.
SINCE_THE_RULE = dt.date(2024, 1, 20)


def in_force() -> tuple[rules.Word, ...]:
    """The words that a declaration may not contain today, with their reasons. One query."""
    today = clock.today()
    rows = db.session.scalars(sa.select(PromotionalWord).order_by(PromotionalWord.id)).all()
    if not rows:
        return rules.default_words()
    return tuple(
        rules.Word(row.word, row.reason, row.reason_en)
        for row in rows
        if row.since <= today and (row.until is None or today <= row.until)
    )


def versions() -> list[PromotionalWord]:
    """Every line of the list, past and present, by word; none while the default list holds."""
    query = sa.select(PromotionalWord).order_by(PromotionalWord.word, PromotionalWord.since)
    return list(db.session.scalars(query))


def add(
    actor: Actor, word: str, reason: str, reason_en: str, since: dt.date | None = None
) -> PromotionalWord:
    """Forbid a word from a day on, today by default.

    Raises:
        Invalid: `word-missing`, `date-impossible`.
        Conflict: `word-listed`: it is on the list.
        Forbidden: the list is the operator's.
    """
    require(actor, "wording.change")
    plain = unicodedata.normalize("NFKC", word).strip().lower()
    faults = {
        name: ["Please fill in this field."]
        for name, text in (("word", plain), ("reason", reason.strip()), ("reason_en", reason_en.strip()))
        if not text
    }
    if faults:
        raise Invalid("word-missing", "A word and its reason in both languages are needed.", fields=faults)
    _copy_default()
    present = sa.select(PromotionalWord.id).where(
        PromotionalWord.word == plain, PromotionalWord.until.is_(None)
    )
    if db.session.scalar(present) is not None:
        raise Conflict("word-listed", "This word is on the list already.")
    row = PromotionalWord(
        word=plain,
        reason=reason.strip(),
        reason_en=reason_en.strip(),
        since=since or clock.today(),
        entered_at=clock.now(),
        entered_by=actor.user_id,
    )
    db.session.add(row)
    record("wording.added", row, since=row.since.isoformat())
    return row


def end(actor: Actor, word: str) -> None:
    """Allow a word from tomorrow on: today is the last day on which it is forbidden.

    Raises:
        NotFound: `word-not-listed`.
        Forbidden: the list is the operator's.
    """
    require(actor, "wording.change")
    _copy_default()
    found = db.session.scalar(
        sa.select(PromotionalWord.id).where(PromotionalWord.word == word, PromotionalWord.until.is_(None))
    )
    if found is None:
        raise NotFound("word-not-listed", "This word is not on the list.")
    row = lock(PromotionalWord, found)
    row.until = clock.today()
    row.ended_by = actor.user_id
    record("wording.ended", row, until=row.until.isoformat())


def _copy_default() -> None:
    """Take the default list over into the database, once."""
    if db.session.scalar(sa.select(PromotionalWord.id).limit(1)) is not None:
        return
    now = clock.now()
    db.session.add_all(
        PromotionalWord(
            word=one.word, reason=one.reason, reason_en=one.reason_en, since=SINCE_THE_RULE, entered_at=now
        )
        for one in rules.default_words()
    )
    db.session.flush()
