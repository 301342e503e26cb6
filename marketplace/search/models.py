"""Index generations: each is a reader of the journal with its own cursor; one of them is live."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.database import Code, Model, Versioned, one_of

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
