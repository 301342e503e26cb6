"""Is it alive, is it ready, how does it do: endpoints for machines that watch the service."""

from __future__ import annotations

import os
import time
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from marketplace.accounts.identity import access
from marketplace.audit.anchors import last_anchor
from marketplace.core.checks import last_check
from marketplace.core.database import db
from marketplace.core.journal import JournalHead
from marketplace.core.readers import DeadLetter, JournalCursor
from marketplace.core.tasks import Task
from marketplace.search import generations

blueprint = Blueprint("operations", __name__)

REQUESTS = Counter("marketplace_requests_total", "Requests answered.", ["endpoint", "method", "status"])
SECONDS = Histogram("marketplace_request_seconds", "Time to answer.", ["endpoint"])
LAG = Gauge(
    "marketplace_reader_lag_entries",
    "Journal entries a reader is behind.",
    ["reader"],
    multiprocess_mode="mostrecent",
)
BEHIND = Gauge(
    "marketplace_search_behind_seconds",
    "Age of the oldest change that the index of an engine lacks.",
    ["engine"],
    multiprocess_mode="mostrecent",
)
WAITING = Gauge("marketplace_tasks_waiting", "Tasks that are not done.", multiprocess_mode="mostrecent")
DEAD = Gauge("marketplace_dead_letters_open", "Dead letters not resolved.", multiprocess_mode="mostrecent")

UNVERIFIED = Gauge(
    "marketplace_journal_unverified_entries",
    "Journal entries behind the last one that a check or an anchor has verified.",
    multiprocess_mode="mostrecent",
)
BROKEN = Gauge(
    "marketplace_journal_broken", "1 if the last check found a break.", multiprocess_mode="mostrecent"
)


def observe(app: Flask) -> None:
    """Count every request and the time it took."""

    @app.after_request
    def _count(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        REQUESTS.labels(endpoint, request.method, str(response.status_code)).inc()
        if "began" in g:
            SECONDS.labels(endpoint).observe(time.monotonic() - g.began)
        return response


@blueprint.get("/healthz")
@access("public")
def healthz() -> Response:
    """Alive: the process answers."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
@access("public")
def readyz() -> tuple[Response, int]:
    """Ready: the database answers and is at the newest migration. Search and lag are reported only."""
    problems = []
    body: dict[str, object] = {}
    try:
        head = db.session.scalar(sa.text("SELECT version_num FROM alembic_version"))
        if head != newest_migration():
            problems.append("migrations are not applied: run `marketplace db upgrade`")
        body["journal"] = db.session.scalar(sa.select(JournalHead.last))
        body["readers"] = lags()
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        problems.append("the database does not answer or has no tables: run `marketplace db upgrade`")
    body |= {"status": "ready" if not problems else "not ready", "problems": problems}
    body["search"] = current_app.config["SETTINGS"].search_engine
    return jsonify(body), 503 if problems else 200


@blueprint.get("/metrics")
@access("public")
def metrics() -> Response:
    """Prometheus metrics."""
    for reader, behind in lags().items():
        LAG.labels(reader).set(behind)
    for engine, seconds in generations.seconds_behind().items():
        BEHIND.labels(engine).set(seconds)
    WAITING.set(db.session.scalar(sa.select(sa.func.count()).select_from(Task)) or 0)
    DEAD.set(
        db.session.scalar(
            sa.select(sa.func.count()).select_from(DeadLetter).where(DeadLetter.resolved_at.is_(None))
        )
        or 0
    )
    check, anchor = last_check(), last_anchor()
    verified = max(
        check.entries if check else 0, anchor.last if anchor and (check is None or check.ok) else 0
    )
    UNVERIFIED.set(max((db.session.scalar(sa.select(JournalHead.last)) or 0) - verified, 0))
    BROKEN.set(check is not None and not check.ok)
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def lags() -> dict[str, int]:
    """Reader name → how many journal entries it is behind."""
    head = db.session.scalar(sa.select(JournalHead.last)) or 0
    return {row.reader: head - row.position for row in db.session.scalars(sa.select(JournalCursor))}


@cache
def newest_migration() -> str:
    """The head revision of the migrations that ship with this code: their files begin with their numbers."""
    folder = Path(current_app.extensions["migrate"].directory)
    return max(file.name.partition("_")[0] for file in (folder / "versions").glob("[0-9]*_*.py"))
