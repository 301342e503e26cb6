"""The log of accesses to personal data: ids and codes only, numbered, sealed and append-only.

PIPL Art. 51 and 55 to 56 ask for safe processing and for records of it that are kept for at least three
years; nothing here deletes a line.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.accounts.following import for_good
from marketplace.core import triggers
from marketplace.core.database import Code, Key, Model, one_of

CHANNELS: Final = ("page", "api", "command")
WHAT: Final = (
    "account",
    "account_list",
    "contact",
    "export",
    "members",
    "verification",
    "wishes",
)


class Access(Model):
    """One look at one person's data.

    Attributes:
        person_id: the account looked at; None where the data is of people without an account.
        organisation_id: the organisation whose people or contact they are.
        actor_id: who looked; None for a command.
        what: which data, one of `WHAT`; `channel`: how, one of `CHANNELS`.
        subject_type, subject_id: the matter in which it was shown.
    """

    __tablename__ = "access_log"
    __table_args__ = (
        one_of("channel", CHANNELS),
        sa.Index("ix_access_log_person", "person_id", "id"),
        sa.Index("ix_access_log_actor", "actor_id", "id"),
        sa.Index("ix_access_log_organisation", "organisation_id", "id"),
        for_good(),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime]
    person_id: Mapped[int | None] = mapped_column(Key)
    organisation_id: Mapped[int | None] = mapped_column(Key)
    actor_id: Mapped[int | None] = mapped_column(Key)
    what: Mapped[str] = mapped_column(Code(32))
    channel: Mapped[str] = mapped_column(Code(8))
    subject_type: Mapped[str | None] = mapped_column(Code(32))
    subject_id: Mapped[int | None] = mapped_column(Key)
    request_id: Mapped[str | None] = mapped_column(Code(64))
    seal: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


triggers.append_only("access_log", "the log of accesses is append-only")
