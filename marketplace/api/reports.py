"""The bureau's published reports: those open to everyone, for staff all, with their files."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from marketplace.accounts.identity import access, current_actor
from marketplace.core.files import store
from marketplace.statistics.reports import services
from marketplace.statistics.reports.models import FORMS, KINDS, ReportChange, StatisticsReport
from marketplace.statistics.reports.periods import Period

from . import shapes
from .documents import Blueprint
from .files import attachment

blueprint = Blueprint("reports", "reports", "The bureau's reports, as they were published.")


class ReportFileView(ma.Schema):
    """One written form."""

    form = fields.String(required=True, metadata={"description": "one of " + ", ".join(FORMS)})
    language = fields.String(required=True)
    size = fields.Integer(required=True, metadata={"description": "in bytes"})
    sha256 = fields.String(required=True)
    url = fields.String(required=True, metadata={"format": "uri"})


class ReportRevisionView(ma.Schema):
    """A number that differs from what was published."""

    correction = fields.Integer(
        allow_none=True, metadata={"description": "number of the correction; null while none is published"}
    )
    figure = fields.String(required=True)
    by = fields.String(allow_none=True)
    group = fields.String(required=True)
    cell = fields.String(allow_none=True, metadata={"description": "days, stage or interval"})
    part = fields.String(required=True)
    old = fields.Integer(allow_none=True)
    new = fields.Integer(allow_none=True)
    causes = fields.List(fields.String(), required=True)


_REPORT: Final[dict[str, Any]] = {
    "id": fields.String(required=True),
    "kind": fields.String(required=True),
    "period": fields.String(required=True, metadata={"description": "such as 2026-10, 2026-Q3 or 2026"}),
    "from": fields.String(required=True, metadata={"format": "date"}),
    "to": fields.String(required=True, metadata={"format": "date"}),
    "as_of": fields.String(required=True, metadata={"format": "date"}),
    "journal_id": fields.Integer(required=True),
    "state": fields.String(required=True),
    "public": fields.Boolean(required=True),
    "published_at": fields.AwareDateTime(allow_none=True),
    "definitions": fields.Dict(required=True, metadata={"description": "figure → version"}),
    "files": fields.List(fields.Nested(ReportFileView), required=True),
}
ReportView: Final = ma.Schema.from_dict(_REPORT, name="ReportView")
ReportDetails: Final = ma.Schema.from_dict(
    {**_REPORT, "revisions": fields.List(fields.Nested(ReportRevisionView), required=True)},
    name="ReportDetails",
)
ReportPage: Final = shapes.page_of(ReportView, "ReportPage")


class ReportsQuery(shapes.After):
    """Which reports."""

    kind = fields.String(validate=validate.OneOf(KINDS))


@blueprint.call("GET", "/statistics/reports")
@access("public")
@blueprint.arguments(ReportsQuery, location="query")
@blueprint.response(200, ReportPage)
def list_reports(asked: dict[str, Any]) -> Any:
    """Published reports that are open to everyone, the latest period first; for staff all."""
    after = asked.get("after")
    rows = services.reports(
        current_actor(),
        kind=asked.get("kind"),
        after=int(after) if after else None,
        limit=asked["size"] + 1,
    )
    return shapes.page(rows, asked["size"], _view)


@blueprint.call("GET", "/statistics/reports/<report_id>")
@access("public")
@blueprint.response(200, ReportDetails)
def get_report(report_id: str) -> dict[str, Any]:
    """One report with what is known to differ from it, as far as it may be seen."""
    report = services.get_report(current_actor(), shapes.key_of(report_id))
    found = services.changes(report) if report.published_at is not None else []
    return _view(report) | {
        "revisions": [
            _change(row, None if revision is None else revision.number)
            for revision, rows in found
            for row in rows
        ]
    }


@blueprint.call("GET", "/statistics/reports/<report_id>/files/<language>/<form>")
@access("public")
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="application/octet-stream")
def get_report_file(report_id: str, language: str, form: str) -> Response:
    """One of its files: language zh or en, form pdf, xlsx, csv or json."""
    found = services.get_file(current_actor(), shapes.key_of(report_id), form, language).file
    return attachment(store().read(found.digest), found.name)


def _view(report: StatisticsReport) -> dict[str, Any]:
    return {
        "id": str(report.id),
        "kind": report.kind,
        "period": Period(report.kind, report.first, report.last).code,
        "from": report.first.isoformat(),
        "to": report.last.isoformat(),
        "as_of": report.as_of.isoformat(),
        "journal_id": report.journal_id,
        "state": report.state,
        "public": report.public,
        "published_at": report.published_at,
        "definitions": report.definitions,
        "files": [
            {
                "form": one.form,
                "language": one.language,
                "size": one.file.size,
                "sha256": one.file.digest,
                "url": shapes.address(
                    f"{shapes.BASE}/statistics/reports/{report.id}/files/{one.language}/{one.form}"
                ),
            }
            for one in report.files
        ],
    }


def _change(row: ReportChange, correction: int | None) -> dict[str, Any]:
    return {
        "correction": correction,
        "figure": row.figure,
        "by": row.cut or None,
        "group": row.grp,
        "cell": row.cell or None,
        "part": row.part,
        "old": row.old,
        "new": row.new,
        "causes": row.causes,
    }
