"""Verbs for reports: make, write, publish, discard, hold against today, correct, list, open."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from flask import current_app
from flask_babel import force_locale

from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import SYSTEM, Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, Invalid, NotFound
from marketplace.core.files import keep, store
from marketplace.core.permissions import allowed, require
from marketplace.core.tasks import enqueue, enqueue_all, renew
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.deals.models import Licence
from marketplace.listings.models import Patent
from marketplace.statistics import facts, services

from .building import Collected, Number, collect, compose, numbers
from .lifecycle import REPORT
from .listing import RowList, pack
from .models import (
    FORMS,
    LANGUAGES,
    ReportChange,
    ReportFile,
    ReportMail,
    ReportRecipient,
    ReportRevision,
    ReportSchedule,
    StatisticsReport,
)
from .periods import Period
from .revisions import differences
from .telling import Namer
from .writing import write

GROUP_NAMES: Final = "marketplace.group_names"
WRITE, MAIL, CHECK = "reports.write", "reports.mail", "reports.check"
LONGEST_ISSUER, LONGEST_NUMBER, LONGEST_NOTE = 100, 60, 2000
LARGEST_PAGE: Final = 200
_AT_ONCE: Final = 5_000  # ids in one query
_SEEN: Final = ("draft", "published", "superseded")


@dataclass(frozen=True)
class Prepared:
    """Figures of a period with their row list, before they are kept: made outside a unit of work."""

    content: dict[str, Any]
    rows: bytes


def prepare(period: Period, as_of: dt.date | None = None) -> Prepared:
    """The figures of a period and whom they count, from the present facts; reads only.

    Raises:
        Invalid: `report-period-open`: the period is not over, or later than the day of observation; and as
            `building.collect`.
    """
    observed = services.question("conversion", as_of=as_of).as_of
    if period.last > observed:
        sentence = "This period is not over yet: choose one whose last day has been observed."
        raise Invalid(
            "report-period-open",
            "This period is not over yet: choose one whose last day has been observed.",
            fields={"period": [sentence]},
        )
    made = collect(period, as_of)
    return Prepared(made.content, pack(made.members, services.snapshot().facts))


def make(
    actor: Actor,
    prepared: Prepared,
    *,
    issuer: str = "",
    document_number: str = "",
    public: bool = False,
    automatic: bool = False,
) -> StatisticsReport:
    """Keep a draft, in place of an earlier draft of the same period, and ask for its files.

    Args:
        issuer: the organ that issues it, as printed.
        document_number: its number, may be empty.
        public: visitors may have it once it is published.
        automatic: made by the schedule.

    Raises:
        Forbidden, Unauthenticated: not for this actor.
        Invalid: `too-long`.
    """
    require(actor, "report.make")
    for name, value, most in (
        ("issuer", issuer, LONGEST_ISSUER), ("document_number", document_number, LONGEST_NUMBER),
    ):  # fmt: skip
        if len(value) > most:
            raise Invalid("report-text-long", "This is too long.", fields={name: ["This is too long."]})
    content = prepared.content
    first, last = (dt.date.fromisoformat(content[day]) for day in ("first", "last"))
    same = (
        StatisticsReport.kind == content["kind"],
        StatisticsReport.first == first,
        StatisticsReport.last == last,
    )
    draft = db.session.scalars(
        sa.select(StatisticsReport).where(*same, StatisticsReport.state == "draft").with_for_update()
    ).first()
    if draft is not None:
        REPORT.execute(actor, draft, "discard")
        db.session.flush()
    published = db.session.scalar(
        sa.select(StatisticsReport.id).where(*same, StatisticsReport.state == "published")
    )
    name = f"report-{Period(content['kind'], first, last).code}"
    encoded = json.dumps(content, ensure_ascii=False, sort_keys=True).encode()
    report = StatisticsReport(
        kind=content["kind"],
        first=first,
        last=last,
        as_of=dt.date.fromisoformat(content["as_of"]),
        journal_id=content["journal_id"] or 0,
        state=REPORT.initial,
        issuer=issuer,
        document_number=document_number,
        definitions={one["code"]: one["version"] for one in content["definitions"]["en"]},
        content=keep(encoded, name=f"{name}.json", content_type="application/json", purpose="report-figures"),
        rows=keep(
            prepared.rows, name=f"{name}-rows.zip", content_type="application/zip", purpose="report-rows"
        ),
        public=public,
        automatic=automatic,
        made_at=clock.now(),
        made_by_id=actor.user_id,
        replaces_id=published,
        files=[],
    )
    db.session.add(report)
    db.session.flush()
    record(
        "report.made",
        report,
        as_of=report.as_of.isoformat(),
        journal_id=report.journal_id,
        figures=report.content.digest,
        rows=report.rows.digest,
    )
    enqueue(WRITE, key=str(report.id), report_id=report.id)
    return report


def write_files(report_id: int) -> None:
    """Write all forms of a draft in all languages (a task; opens its own units). Repeating changes nothing.

    Raises:
        LookupError: the application has no names for groups.
    """
    report = db.session.get(StatisticsReport, report_id)
    if report is None or report.state == "discarded":
        return
    content = content_of(report)
    listed = RowList(store().read(report.rows.digest))
    there = {(one.form, one.language) for one in report.files}
    values = {"issuer": report.issuer, "document_number": report.document_number}
    code = Period(report.kind, report.first, report.last).code
    db.session.rollback()
    for language in LANGUAGES:
        for form in FORMS:
            if (form, language) in there:
                continue
            with force_locale(language):
                composed = compose(content, language, name=group_names(), **values)
                written = write(composed, form, listed.tables() if form == "xlsx" else ())
            db.session.rollback()
            renew()
            with unit_of_work():
                _add_file(report_id, form, language, written, f"report-{code}-{language}.{form}")
    _publish_by_itself(report_id)


def _add_file(report_id: int, form: str, language: str, content: bytes, name: str) -> None:
    report = db.session.get_one(StatisticsReport, report_id, with_for_update=True, populate_existing=True)
    if report.state != "draft" or any((one.form, one.language) == (form, language) for one in report.files):
        return
    types = {
        "pdf": "application/pdf",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "csv": "text/csv",
        "json": "application/json",
    }
    file = keep(content, name=name, content_type=types[form], purpose="report")
    report.files.append(ReportFile(form=form, language=language, file_id=file.id, file=file))
    record("report.written", report, form=form, language=language, digest=file.digest)


def _publish_by_itself(report_id: int) -> None:
    report = db.session.get_one(StatisticsReport, report_id, populate_existing=True)
    wanted = report.automatic and report.state == "draft" and db.session.scalar(
        sa.select(ReportSchedule.publish).where(
            ReportSchedule.kind == report.kind, ReportSchedule.active.is_(True)
        )
    )  # fmt: skip
    db.session.rollback()
    if wanted:
        with unit_of_work():
            publish(SYSTEM, report_id)


def group_names() -> Namer:
    """What groups are called on pages. Raises LookupError: none were brought in."""
    found: Namer | None = current_app.extensions.get(GROUP_NAMES)
    if found is None:
        raise LookupError(GROUP_NAMES)
    return found


def content_of(report: StatisticsReport) -> dict[str, Any]:
    """What a report says, as `building.collect` gave it.

    Raises:
        NotFound: `file-missing`.
    """
    found: dict[str, Any] = json.loads(store().read(report.content.digest))
    return found


# --- publishing


def publish(actor: Actor, report_id: int) -> StatisticsReport:
    """Publish a draft: from now on it never changes; an older one of the same period is superseded.

    Raises:
        NotFound, Forbidden, Unauthenticated: not for this actor.
        Conflict: `report-files-wait`, `illegal-transition`.
    """
    report = _locked(actor, report_id)

    def effect() -> None:
        older = db.session.scalars(
            sa.select(StatisticsReport)
            .where(
                StatisticsReport.kind == report.kind,
                StatisticsReport.first == report.first,
                StatisticsReport.last == report.last,
                StatisticsReport.state == "published",
            )
            .with_for_update()
        ).first()
        if older is not None:
            REPORT.execute(actor, older, "supersede", by=report.id)
            db.session.flush()
            report.replaces_id = older.id
        report.published_at, report.published_by_id = clock.now(), actor.user_id

    digests = {f"{one.form}-{one.language}": one.file.digest for one in report.files}
    REPORT.execute(actor, report, "publish", effect=effect, files=digests)
    _ask_for_mails(report)
    return report


def discard(actor: Actor, report_id: int) -> StatisticsReport:
    """Throw a draft away.

    Raises:
        NotFound, Forbidden, Unauthenticated: not for this actor.
        Conflict: `illegal-transition`: it is published.
    """
    report = _locked(actor, report_id)
    REPORT.execute(actor, report, "discard")
    return report


def _locked(actor: Actor, report_id: int) -> StatisticsReport:
    report = db.session.get(StatisticsReport, report_id, with_for_update=True, populate_existing=True)
    if report is None or (not allowed(actor, "report.see", report).allowed and not actor.is_system):
        raise NotFound("report-not-found", "There is no such report.")
    return report


def _ask_for_mails(report: StatisticsReport) -> None:
    """Whoever gets reports of this kind is sent this one, unless they had one of the same period."""
    if report.kind not in ("month", "quarter", "year"):
        return
    had = set(
        db.session.scalars(
            sa.select(ReportMail.user_id).where(
                ReportMail.kind == report.kind,
                ReportMail.first == report.first,
                ReportMail.last == report.last,
            )
        )
    )
    people = db.session.scalars(
        sa.select(ReportRecipient.user_id).where(ReportRecipient.kind == report.kind)
    ).all()
    mails = [
        ReportMail(
            report_id=report.id, kind=report.kind, first=report.first, last=report.last, user_id=user_id,
            asked_at=clock.now(), failed=False,
        )
        for user_id in people
        if user_id not in had
    ]  # fmt: skip
    db.session.add_all(mails)
    db.session.flush()
    enqueue_all(MAIL, [(str(one.id), {"mail_id": one.id}) for one in mails])


# --- held against today


def check(report_id: int) -> int:
    """Recompute a published report from the present facts and note what differs (opens its own unit).

    The report stays as it is. What a correction has published is the number to hold against.

    Returns:
        How many numbers differ and are in no published correction yet.
    """
    report = db.session.get(StatisticsReport, report_id)
    if report is None or report.state != "published":
        return 0
    content, listed = content_of(report), RowList(store().read(report.rows.digest))
    period = Period(report.kind, report.first, report.last)
    now: Collected = collect(period, report.as_of)
    facts_now = services.snapshot()
    found = differences(content, listed, now, RowList(pack(now.members, facts_now.facts)))
    corrected = _corrected(report_id)
    db.session.rollback()
    with unit_of_work():
        report = db.session.get_one(StatisticsReport, report_id, with_for_update=True, populate_existing=True)
        pending = (ReportChange.report_id == report_id, ReportChange.revision_id.is_(None))
        before = {
            (_number(row), row.new): row.found_at
            for row in db.session.scalars(sa.select(ReportChange).where(*pending))
        }
        db.session.execute(sa.delete(ReportChange).where(*pending))
        rows = _pending(
            report_id, found, corrected, dict(numbers(content)), before, facts_now.journal_id or 0
        )
        db.session.add_all(rows)
        report.checked_at, report.checked_journal_id = clock.now(), facts_now.journal_id
        if {(_number(row), row.new) for row in rows} != set(before):
            record("report.differs", report, numbers=len(rows))
    return len(rows)


def _pending(
    report_id: int,
    found: Sequence[Any],
    corrected: dict[Number, int | None],
    said: dict[Number, int | None],
    before: dict[tuple[Number, int | None], dt.datetime],
    journal_id: int,
) -> list[ReportChange]:
    present = {one.number: (one.new, one.causes) for one in found}
    # A number that was corrected and is as published again is a change once more.
    for number in corrected:
        present.setdefault(number, (said.get(number), ("unknown",)))
    rows = []
    for number, (new, causes) in sorted(present.items()):
        old = corrected.get(number, said.get(number))
        if old == new:
            continue
        rows.append(
            ReportChange(
                report_id=report_id,
                revision_id=None,
                figure=number.figure,
                cut=number.cut,
                grp=number.grp,
                cell=number.cell,
                part=number.part,
                old=old,
                new=new,
                causes=list(causes),
                found_at=before.get((number, new), clock.now()),
                journal_id=journal_id,
            )
        )
    return rows


def _number(row: ReportChange) -> Number:
    return Number(row.figure, row.cut, row.grp, row.cell, row.part)


def _corrected(report_id: int) -> dict[Number, int | None]:
    rows = db.session.scalars(
        sa.select(ReportChange)
        .where(ReportChange.report_id == report_id, ReportChange.revision_id.is_not(None))
        .order_by(ReportChange.revision_id)
    )
    return {_number(row): row.new for row in rows}


def check_all() -> None:
    """Hold every published report against the present facts, where the journal has moved (a schedule)."""
    facts.refresh()
    standing = services.snapshot()
    ids = db.session.scalars(
        sa.select(StatisticsReport.id)
        .where(
            StatisticsReport.state == "published",
            sa.or_(
                StatisticsReport.checked_journal_id.is_(None),
                StatisticsReport.checked_journal_id != standing.journal_id,
            ),
        )
        .order_by(StatisticsReport.id)
    ).all()
    db.session.rollback()
    for report_id in ids:
        check(report_id)
        renew()


def correct(actor: Actor, report_id: int, note: str) -> ReportRevision:
    """Publish what is known to differ as a correction with a note; the report and its files stay.

    Raises:
        NotFound, Forbidden, Unauthenticated: not for this actor.
        Conflict: `report-unchanged`: nothing differs; `illegal-transition`: it is not published.
        Invalid: `report-note-missing`.
    """
    require(actor, "report.correct")
    report = _locked(actor, report_id)
    if report.state != "published":
        raise Conflict("report-not-published", "Only a published report can be corrected.")
    note = note.strip()
    if not note or len(note) > LONGEST_NOTE:
        sentence = "Please say in a sentence or two what was corrected and why."
        raise Invalid(
            "report-note-missing",
            "Please say in a sentence or two what was corrected and why.",
            fields={"note": [sentence]},
        )
    pending = db.session.scalars(
        sa.select(ReportChange).where(ReportChange.report_id == report_id, ReportChange.revision_id.is_(None))
    ).all()
    if not pending:
        raise Conflict("report-unchanged", "Nothing of this report is known to differ.")
    last = db.session.scalar(
        sa.select(sa.func.max(ReportRevision.number)).where(ReportRevision.report_id == report_id)
    )
    revision = ReportRevision(
        report_id=report_id,
        number=(last or 0) + 1,
        note=note,
        journal_id=max(one.journal_id for one in pending),
        published_at=clock.now(),
        published_by_id=actor.user_id,
    )
    db.session.add(revision)
    db.session.flush()
    for one in pending:
        one.revision_id = revision.id
    record("report.corrected", report, revision=revision.number, numbers=len(pending))
    return revision


# --- reading


def reports(
    actor: Actor, *, kind: str | None = None, after: int | None = None, limit: int = 30
) -> list[StatisticsReport]:
    """Reports, the latest period first: all for staff, the published ones marked public for others.

    Args:
        kind: only these.
        after: id of the last one of the page before.
        limit: at most so many.
    """
    query = sa.select(StatisticsReport).where(StatisticsReport.state.in_(_SEEN))
    if not allowed(actor, "report.list").allowed:
        query = query.where(StatisticsReport.public.is_(True), StatisticsReport.published_at.is_not(None))
    if kind is not None:
        query = query.where(StatisticsReport.kind == kind)
    place = (StatisticsReport.last, StatisticsReport.id)
    if after is not None:
        anchor = db.session.get(StatisticsReport, after)
        if anchor is None:
            return []
        query = query.where(sa.tuple_(*place) < (anchor.last, anchor.id))
    return list(
        db.session.scalars(
            query.order_by(*(column.desc() for column in place)).limit(min(limit, LARGEST_PAGE))
        )
    )


def get_report(actor: Actor, report_id: int) -> StatisticsReport:
    """One report.

    Raises:
        NotFound: there is none that this actor may see.
    """
    report = db.session.get(StatisticsReport, report_id)
    if report is None or not allowed(actor, "report.see", report).allowed:
        raise NotFound("report-not-found", "There is no such report.")
    return report


def get_file(actor: Actor, report_id: int, form: str, language: str) -> ReportFile:
    """One written form of a report.

    Raises:
        NotFound: `report-not-found`, `report-form-unknown`: also while it is still being written.
    """
    report = get_report(actor, report_id)
    for one in report.files:
        if (one.form, one.language) == (form, language):
            return one
    raise NotFound("report-form-unknown", "The report cannot be had in this form.")


def changes(report: StatisticsReport) -> list[tuple[ReportRevision | None, list[ReportChange]]]:
    """What differs from a report: first what is only known, then each published correction, newest first."""
    rows = db.session.scalars(
        sa.select(ReportChange)
        .where(ReportChange.report_id == report.id)
        .order_by(
            ReportChange.cut, ReportChange.figure, ReportChange.grp, ReportChange.cell, ReportChange.part
        )
    ).all()
    revisions = db.session.scalars(
        sa.select(ReportRevision)
        .where(ReportRevision.report_id == report.id)
        .order_by(ReportRevision.number.desc())
    ).all()
    pending = [row for row in rows if row.revision_id is None]
    found: list[tuple[ReportRevision | None, list[ReportChange]]] = [(None, pending)] if pending else []
    return found + [(one, [row for row in rows if row.revision_id == one.id]) for one in revisions]


def frozen_rows(actor: Actor, report_id: int, number: Number) -> list[dict[str, Any]]:
    """The patents or licences that a number of a report counted when it was made.

    Returns:
        Of each `unit` (`patent` or `licence`), `id`, and `number`: that of the patent or licence today.

    Raises:
        NotFound: `report-not-found`, `figure-cell-unknown`.
        Forbidden, Unauthenticated: not for this actor.
    """
    report = get_report(actor, report_id)
    require(actor, "report.rows", report)
    listed = RowList(store().read(report.rows.digest))
    if number not in listed:
        raise NotFound("figure-cell-unknown", "This figure has no such rows.")
    unit, ids = listed.unit(number), [int(one) for one in listed.ids(number)]
    name: Any = Licence.number
    if unit == "patent":
        name = sa.func.coalesce(Patent.number, Patent.publication_number)
    key = (Patent if unit == "patent" else Licence).id
    called: dict[int, str | None] = {}
    for start in range(0, len(ids), _AT_ONCE):
        rows = db.session.execute(
            sa.select(key, name.label("called")).where(key.in_(ids[start : start + _AT_ONCE]))
        )
        called |= {row.id: row.called for row in rows}
    return [{"unit": unit, "id": one, "number": called.get(one)} for one in ids]


def mails(report: StatisticsReport) -> list[ReportMail]:
    """To whom a report was sent."""
    return list(
        db.session.scalars(
            sa.select(ReportMail).where(ReportMail.report_id == report.id).order_by(ReportMail.id)
        )
    )


def person(user_id: int | None) -> User | None:
    """Who made or published something, None for the schedule."""
    return None if user_id is None else db.session.get(User, user_id)
