"""The daily mail of recommendations: who has been told of what."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core.database import Key, Model


class DigestItem(Model):
    """A recommendation that is in a person's mail of a day: nobody is told of it twice."""

    __tablename__ = "digest_items"
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), primary_key=True)
    recommendation_id: Mapped[int] = mapped_column(
        Key, sa.ForeignKey("recommendations.id"), primary_key=True, index=True
    )
    sent_on: Mapped[dt.date]
