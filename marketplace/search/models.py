"""Index generations, each a reader of the journal; and what helps to find: synonyms, titles, hints."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.database import Code, Key, Model, Versioned, one_of

# Compared by code point on both databases, so that what begins alike lies side by side.
ByCode = sa.String(80).with_variant(sa.String(80, collation="C"), "postgresql")

GENERATION_STATES = ("building", "ready", "dropped")


class SearchGeneration(Versioned, Model):
    """One physical index of one engine. At most one per engine is live."""

    __tablename__ = "search_generations"
    __table_args__ = (
        one_of("state", GENERATION_STATES),
        sa.Index(
            "uq_search_generations_live",
            "engine",
            unique=True,
            sqlite_where=sa.text("live = 1"),
            postgresql_where=sa.text("live"),
        ),
    )
    name: Mapped[str] = mapped_column(Code(64), unique=True)
    engine: Mapped[str] = mapped_column(Code(16))
    state: Mapped[str] = mapped_column(Code(16), default="building")
    live: Mapped[bool] = mapped_column(default=False)
    signature: Mapped[str] = mapped_column(Code(80))
    created_at: Mapped[dt.datetime]
    dropped_at: Mapped[dt.datetime | None]

    @property
    def reader(self) -> str:
        """Name of the journal cursor."""
        return f"search:{self.name}"


class SynonymGroup(Model):
    """Words that mean the same to a search, from `since` until `until`; a change ends a row and adds one.

    An empty table means the list in `data/synonyms.txt`; the operator's first change copies it here.
    """

    __tablename__ = "search_synonyms"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    terms: Mapped[list[str]]
    since: Mapped[dt.datetime]
    until: Mapped[dt.datetime | None]
    entered_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    ended_by: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))


class IpcTitle(Model):
    """What a place of the classification is called, as imported from the office's scheme.

    A place that is not here has the short title in `listings/data/ipc.tsv`, if any.
    """

    __tablename__ = "ipc_titles"
    symbol: Mapped[str] = mapped_column(Code(16), primary_key=True)
    title_zh: Mapped[str] = mapped_column(sa.String(1000))
    title_en: Mapped[str] = mapped_column(sa.String(1000))
    entered_at: Mapped[dt.datetime]


SUGGESTION_KINDS = ("word", "ipc", "owner")


class Suggestion(Model):
    """Something to complete a search with, under one of the ways in which people begin to type it.

    `key` is its plain writing, its pinyin or the initials of that; `weight` the number of offers behind it.
    Derived from the live offers and rebuilt by the worker.
    """

    __tablename__ = "search_suggestions"
    __table_args__ = (
        one_of("kind", SUGGESTION_KINDS),
        sa.UniqueConstraint("key", "kind", "text"),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(ByCode)
    kind: Mapped[str] = mapped_column(Code(8))
    text: Mapped[str] = mapped_column(sa.String(200))
    weight: Mapped[int]
