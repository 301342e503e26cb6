"""What an organisation holds on its own patents: units, people, the stock with its states, bulk work."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.following import first_counts
from marketplace.accounts.models import User
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.listings.models import KINDS, Patent
from marketplace.listings.standing import STANDINGS

STATES = ("entered", "submitted", "unit_approved", "approved")
ROLES = ("inventor", "unit_reviewer", "institution_reviewer")
PRACTICES = ("unknown", "none", "own", "licensed", "assigned")
WISHES = {"transfer": 1, "licence": 2, "own_use": 4}  # bits of `Stock.wish`; 0 is no wish stated
JOB_STATES = ("waiting", "running", "done")


class Unit(Versioned, Model):
    """A college, institute or department of an organisation; `path` names its ancestors and itself."""

    __tablename__ = "stock_units"
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("stock_units.id"), index=True)
    path: Mapped[str] = mapped_column(Code(200), default="")
    name: Mapped[str] = mapped_column(sa.String(100))
    name_en: Mapped[str | None] = mapped_column(sa.String(100))
    created_at: Mapped[dt.datetime]


class UnitMember(Model):
    """A member of the organisation in a unit, with a role there; institution reviewers are in no unit."""

    __tablename__ = "stock_members"
    __table_args__ = (
        one_of("role", ROLES),
        sa.UniqueConstraint("organisation_id", "user_id", "unit_id", "role"),
        sa.CheckConstraint(
            "(unit_id IS NULL) = (role = 'institution_reviewer')", name="unit_where_role_needs_it"
        ),
        first_counts(),
    )
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"), index=True)
    unit_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("stock_units.id"), index=True)
    role: Mapped[str] = mapped_column(Code(24))
    created_at: Mapped[dt.datetime]

    user: Mapped[User] = relationship(lazy="joined")


class StockSettings(Versioned, Model):
    """How an organisation takes stock: which levels review, and the day its standings were worked out."""

    __tablename__ = "stock_settings"
    __table_args__ = (first_counts(),)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), unique=True)
    unit_review: Mapped[bool] = mapped_column(default=True)
    institution_review: Mapped[bool] = mapped_column(default=True)
    standing_on: Mapped[dt.date | None]


class Grade(Model):
    """A step of the organisation's own scale; without any, the product's own scale is used."""

    __tablename__ = "stock_grades"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "code"), first_counts())
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    code: Mapped[str] = mapped_column(Code(8))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(60))
    name_en: Mapped[str | None] = mapped_column(sa.String(60))
    help: Mapped[str | None] = mapped_column(sa.String(500))
    help_en: Mapped[str | None] = mapped_column(sa.String(500))


# What lists filter by, in the order that lets counts be read off the index without sorting.
_FACETS = (
    "state", "standing", "grade", "wish", "practice", "unit_id", "kind", "section", "grant_year",
    "inventor_id",
)  # fmt: skip


class Stock(Versioned, Model):
    """One patent in the stock of one of its owners.

    `standing`, `kind`, `section`, `grant_year` and `haystack` repeat what the patent and its facts say, so
    that fifty thousand rows can be filtered and counted at once; `rebuild` makes them anew.

    Attributes:
        held: whether the organisation is still a patentee.
        wish: bits of WISHES.
        grade: code of the scale, empty where none is given.
        section: IPC section, `L` for Locarno classes, empty where no class is known.
        haystack: numbers and titles in lower case, for finding text.
    """

    __tablename__ = "stock"
    __table_args__ = (
        one_of("state", STATES),
        one_of("practice", PRACTICES),
        one_of("standing", STANDINGS),
        one_of("kind", KINDS),
        sa.CheckConstraint("wish BETWEEN 0 AND 7", name="wish_known"),
        sa.UniqueConstraint("organisation_id", "patent_id"),
        sa.Index("ix_stock_facets", "organisation_id", "held", *_FACETS),
        sa.Index("ix_stock_page", "organisation_id", "held", "id", *_FACETS),
        first_counts(),
    )
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    patent_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("patents.id"), index=True)
    held: Mapped[bool] = mapped_column(default=True)
    unit_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("stock_units.id"), index=True)
    inventor_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"), index=True)
    state: Mapped[str] = mapped_column(Code(16), default="entered")
    grade: Mapped[str] = mapped_column(Code(8), default="")
    wish: Mapped[int] = mapped_column(default=0)
    practice: Mapped[str] = mapped_column(Code(16), default="unknown")
    practised_by: Mapped[str | None] = mapped_column(sa.String(200))
    practised_how: Mapped[str | None] = mapped_column(sa.Text)
    practised_since: Mapped[dt.date | None]
    note: Mapped[str | None] = mapped_column(sa.Text)
    standing: Mapped[str] = mapped_column(Code(16))
    kind: Mapped[str] = mapped_column(Code(16))
    section: Mapped[str] = mapped_column(Code(1), default="")
    grant_year: Mapped[int | None]
    haystack: Mapped[str] = mapped_column(sa.Text)
    changed_at: Mapped[dt.datetime]

    patent: Mapped[Patent] = relationship(lazy="raise_on_sql")


class StockComment(Model):
    """What a reviewer or an inventor wrote with a step; the journal keeps the step itself."""

    __tablename__ = "stock_comments"
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    stock_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("stock.id"), index=True)
    author_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(Code(24))
    text: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[dt.datetime]


class StockView(Model):
    """A filter with a name, of one member; shared ones are seen by all of the organisation."""

    __tablename__ = "stock_views"
    __table_args__ = (sa.UniqueConstraint("organisation_id", "user_id", "name"), first_counts())
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"))
    name: Mapped[str] = mapped_column(sa.String(80))
    filter: Mapped[dict[str, Any]]
    shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime]


class StockJob(Versioned, Model):
    """One action on many patents, and how far it has come.

    Attributes:
        acting_for_id: the organisation that the person acted for: the owner, or an agency with its mandate.
        chosen: `{"ids": [...]}` of the stock, or `{"filter": {...}}`.
        values: what is set, or the comment.
        reached, last: ids of the stock: what has been done, and where it ends.
        touched_at: the machine's own time of the last batch: a job that stands still is taken up again.
    """

    __tablename__ = "stock_jobs"
    __table_args__ = (one_of("state", JOB_STATES),)
    organisation_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"), index=True)
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"))
    acting_for_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("organisations.id"))
    action: Mapped[str] = mapped_column(Code(24))
    chosen: Mapped[dict[str, Any]]
    values: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(Code(16), default="waiting")
    total: Mapped[int]
    reached: Mapped[int] = mapped_column(Key, default=0)
    last: Mapped[int] = mapped_column(Key)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime]
    touched_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]

    @property
    def done(self) -> int:
        """How many patents have been dealt with."""
        return self.changed + self.unchanged + self.refused


class StockRefusal(Model):
    """Why an action was refused for one patent; the sentence is rendered in the reader's language."""

    __tablename__ = "stock_refusals"
    __table_args__ = (sa.UniqueConstraint("job_id", "stock_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    job_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("stock_jobs.id"))
    stock_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("stock.id"))
    code: Mapped[str] = mapped_column(Code(64))
    message: Mapped[str] = mapped_column(sa.Text)
    parameters: Mapped[dict[str, Any]]
