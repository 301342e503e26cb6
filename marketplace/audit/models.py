"""Anchors: what the chain of seals was at a time, so that a later change of the whole chain shows."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.core import triggers
from marketplace.core.database import Code, Key, Model


class Anchor(Model):
    """The journal up to a number, checked entry by entry since the anchor before, and its time-stamp.

    Attributes:
        last: number of its last entry; the first is the one after the anchor before.
        seal: the seal of that entry.
        root: the tree hash over the seals of its entries (RFC 9162 §2.1).
        accesses: number of the last line in the log of accesses to personal data.
        accesses_seal: the seal of that line.
        digest: SHA-256 over all of these and the digest of the anchor before.
        token: the time-stamp (RFC 3161, DER) over `digest`; None where no authority gave one.
    """

    __tablename__ = "audit_anchors"
    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    made_at: Mapped[dt.datetime]
    last: Mapped[int] = mapped_column(Key, unique=True)
    seal: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    root: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    accesses: Mapped[int] = mapped_column(Key)
    accesses_seal: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    token: Mapped[bytes | None]
    stamped_at: Mapped[dt.datetime | None]
    authority: Mapped[str | None] = mapped_column(sa.String(200))
    failure: Mapped[str | None] = mapped_column(Code(32))


triggers.append_only("audit_anchors", "anchors are append-only")
