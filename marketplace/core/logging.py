"""Structured logs with request ids and without personal data: ids and codes only."""

from __future__ import annotations

import logging
import re
import sys
import time
import uuid
from typing import Any

import structlog
from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_EXTRA = ("reader", "entry", "task", "id", "owner", "error", "generation", "engine", "event", "count")


def configure_logging(*, json_lines: bool, level: int = logging.INFO) -> None:
    """Send all logs to standard error, one line an event: JSON in production, readable in the demo."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=_EXTRA),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json_lines
        else structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.set_name("marketplace")
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if h.get_name() != "marketplace"] + [handler]
    root.setLevel(level)
    for noisy in ("elastic_transport", "stripe", "alembic", "fontTools", "pyhanko", "pyhanko_certvalidator"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def init_request_log(app: Flask) -> None:
    """Give every request an id (the caller's, when it is a safe one), log it, and answer with it."""
    log = logging.getLogger("marketplace.request")

    @app.before_request
    def _begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex
        g.began = time.monotonic()
        clear_contextvars()
        bind_contextvars(request_id=g.request_id)

    @app.after_request
    def _end(response: Response) -> Response:
        if "request_id" in g:
            response.headers["X-Request-ID"] = g.request_id
            if request.endpoint not in ("web.static", "operations.healthz"):
                took = (time.monotonic() - g.began) * 1000
                log.info("%s %s %s %.0f ms", request.method, request.path, response.status_code, took)
        return response

    @app.teardown_request
    def _clear(_error: BaseException | None) -> None:
        clear_contextvars()
