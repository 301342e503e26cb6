"""The life of a report: a draft is published or thrown away; a published one is superseded, never changed."""

from __future__ import annotations

from typing import Any

from marketplace.core.errors import Conflict
from marketplace.core.lifecycle import Lifecycle, Transition

from .models import FORMS, LANGUAGES


def _written(report: Any) -> None:
    """Whoever publishes must be able to see what is published."""
    if len(report.files) < len(FORMS) * len(LANGUAGES):
        raise Conflict(
            "report-files-wait", "The files are still being written. Please try again in a minute."
        )


REPORT = Lifecycle(
    "statistics_report",
    "draft",
    (
        Transition(
            "publish", frozenset({"draft"}), "published", "report.publish", "report.published", _written
        ),
        Transition("discard", frozenset({"draft"}), "discarded", "report.make", "report.discarded"),
        Transition(
            "supersede", frozenset({"published"}), "superseded", "report.publish", "report.superseded"
        ),
    ),
)
