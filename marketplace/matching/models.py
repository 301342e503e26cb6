"""The daily mail of recommendations: who has been told of what, and who wants none."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.database import Key, Model


class DigestItem(Model):
    """A recommendation that was in a person's daily mail: nobody is told of it twice."""

    __tablename__ = "digest_items"
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), primary_key=True)
    recommendation_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("recommendations.id"), primary_key=True, index=True
    )
    sent_on: Mapped[dt.date]


class DigestStop(Model):
    """A person who does not want the daily mail."""

    __tablename__ = "digest_stops"
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), primary_key=True)
    stopped_at: Mapped[dt.datetime]
