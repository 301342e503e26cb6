"""Reports as they were published, what has changed since, who gets them, and which are made by themselves."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from marketplace.accounts.models import User
from marketplace.core.database import Code, Key, Model, Versioned, one_of
from marketplace.core.files import StoredFile

KINDS = ("month", "quarter", "year", "range")
SCHEDULED = ("month", "quarter", "year")
STATES = ("draft", "published", "superseded", "discarded")
FORMS = ("pdf", "xlsx", "csv", "json")
LANGUAGES = ("zh", "en")


class StatisticsReport(Versioned, Model):
    """One report. What it says is fixed when it is made and lies in the file store under its digests.

    Attributes:
        kind, first, last: the period; a `range` is any other than a whole month, quarter or year.
        as_of: the cut-off day.
        journal_id: the last journal entry that its figures know.
        definitions: figure → version of its definition.
        content_id: the figures, as JSON.
        rows_id: which patents and licences each number counts (`listing`).
        public: visitors may have the published files.
        automatic: made by the schedule.
        replaces_id: the published report of the same period that this one supersedes.
        checked_journal_id: up to which entry it was last held against the present figures.
    """

    __tablename__ = "statistics_reports"
    __table_args__ = (
        one_of("kind", KINDS),
        one_of("state", STATES),
        sa.CheckConstraint("first <= last AND last <= as_of", name="days_in_order"),
        sa.Index("ix_statistics_reports_period", "kind", "first", "last"),
        sa.Index(
            "uq_statistics_reports_published", "kind", "first", "last", unique=True,
            sqlite_where=sa.text("state = 'published'"), postgresql_where=sa.text("state = 'published'"),
        ),
        sa.Index(
            "uq_statistics_reports_draft", "kind", "first", "last", unique=True,
            sqlite_where=sa.text("state = 'draft'"), postgresql_where=sa.text("state = 'draft'"),
        ),
    )  # fmt: skip
    kind: Mapped[str] = mapped_column(Code(8))
    first: Mapped[dt.date]
    last: Mapped[dt.date]
    as_of: Mapped[dt.date]
    journal_id: Mapped[int] = mapped_column(Key)
    state: Mapped[str] = mapped_column(Code(12))
    issuer: Mapped[str] = mapped_column(sa.String(100))
    document_number: Mapped[str] = mapped_column(sa.String(60))
    definitions: Mapped[dict[str, Any]]
    content_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("files.id"))
    rows_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("files.id"))
    public: Mapped[bool]
    automatic: Mapped[bool]
    made_at: Mapped[dt.datetime]
    made_by_id: Mapped[int | None] = mapped_column(Key)
    published_at: Mapped[dt.datetime | None]
    published_by_id: Mapped[int | None] = mapped_column(Key)
    replaces_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("statistics_reports.id"))
    checked_at: Mapped[dt.datetime | None]
    checked_journal_id: Mapped[int | None] = mapped_column(Key)

    content: Mapped[StoredFile] = relationship(foreign_keys=content_id, lazy="selectin")
    rows: Mapped[StoredFile] = relationship(foreign_keys=rows_id, lazy="selectin")
    files: Mapped[list[ReportFile]] = relationship(
        order_by="ReportFile.language.desc(), ReportFile.id", lazy="selectin"
    )


class ReportFile(Model):
    """One written form of a report in one language."""

    __tablename__ = "report_files"
    __table_args__ = (
        one_of("form", FORMS), one_of("language", LANGUAGES),
        sa.UniqueConstraint("report_id", "form", "language"),
    )  # fmt: skip
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    report_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("statistics_reports.id"))
    form: Mapped[str] = mapped_column(Code(8))
    language: Mapped[str] = mapped_column(Code(8))
    file_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("files.id"))

    file: Mapped[StoredFile] = relationship(lazy="joined")


class ReportRevision(Model):
    """A correction (更正) that the bureau published to a report; the report itself stays as it was."""

    __tablename__ = "report_revisions"
    __table_args__ = (sa.UniqueConstraint("report_id", "number"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    report_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("statistics_reports.id"))
    number: Mapped[int]
    note: Mapped[str] = mapped_column(sa.Text)
    journal_id: Mapped[int] = mapped_column(Key)
    published_at: Mapped[dt.datetime]
    published_by_id: Mapped[int | None] = mapped_column(Key)


class ReportChange(Model):
    """A number of a published report that is another one today.

    Attributes:
        figure, cut, grp, cell: which number: the figure, its cut, the group, and days, stage or interval.
        part: `numerator`, `denominator`, `n`, `median_days` or `p90_days`.
        old, new: the number then and now, None where it was or is not shown.
        causes: codes of `revisions.CAUSES`.
        revision_id: the correction that published it, None while it is only known.
    """

    __tablename__ = "report_changes"
    __table_args__ = (sa.Index("ix_report_changes_report", "report_id", "revision_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    report_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("statistics_reports.id"))
    revision_id: Mapped[int | None] = mapped_column(Key, sa.ForeignKey("report_revisions.id"))
    figure: Mapped[str] = mapped_column(Code(24))
    cut: Mapped[str] = mapped_column(Code(16))
    grp: Mapped[str] = mapped_column(Code(40))
    cell: Mapped[str] = mapped_column(Code(24))
    part: Mapped[str] = mapped_column(Code(16))
    old: Mapped[int | None] = mapped_column(sa.BigInteger)
    new: Mapped[int | None] = mapped_column(sa.BigInteger)
    causes: Mapped[list[str]]
    found_at: Mapped[dt.datetime]
    journal_id: Mapped[int] = mapped_column(Key)


class ReportSchedule(Versioned, Model):
    """That reports of a kind are made by themselves.

    Attributes:
        kind: one of SCHEDULED.
        active: whether it runs.
        day: of the first month after the period, 1 to 28.
        hour: in Shanghai.
        publish: published at once, without a person looking at the draft.
        public: visitors may have what was published.
        since: only periods that end on or after this day are made.
    """

    __tablename__ = "report_schedules"
    __table_args__ = (
        one_of("kind", SCHEDULED),
        sa.CheckConstraint("day BETWEEN 1 AND 28 AND hour BETWEEN 0 AND 23", name="time_possible"),
        sa.UniqueConstraint("kind"),
    )
    kind: Mapped[str] = mapped_column(Code(8))
    active: Mapped[bool]
    day: Mapped[int]
    hour: Mapped[int]
    publish: Mapped[bool]
    public: Mapped[bool]
    issuer: Mapped[str] = mapped_column(sa.String(100))
    since: Mapped[dt.date]


class ReportRecipient(Model):
    """Who is sent the published reports of a kind."""

    __tablename__ = "report_recipients"
    __table_args__ = (one_of("kind", SCHEDULED), sa.UniqueConstraint("kind", "user_id"))
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(Code(8))
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"))

    user: Mapped[User] = relationship(lazy="selectin")


class ReportMail(Model):
    """That a person was sent the report of a period: at most one a period and person."""

    __tablename__ = "report_mails"
    __table_args__ = (sa.UniqueConstraint("kind", "first", "last", "user_id"),)
    id: Mapped[int] = mapped_column(Key, primary_key=True)
    report_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("statistics_reports.id"))
    kind: Mapped[str] = mapped_column(Code(8))
    first: Mapped[dt.date]
    last: Mapped[dt.date]
    user_id: Mapped[int] = mapped_column(Key, sa.ForeignKey("users.id"))
    asked_at: Mapped[dt.datetime]
    sent_at: Mapped[dt.datetime | None]
    failed: Mapped[bool]

    user: Mapped[User] = relationship(lazy="selectin")
