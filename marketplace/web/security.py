"""What browsers are told to allow: nothing but our own files, and nobody may frame us."""

from __future__ import annotations

import structlog
from flask import Blueprint, Flask, Response, request, url_for

import config
from marketplace.accounts.identity import access
from marketplace.extensions import csrf, limiter

_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src-elem": "'self'",
    "style-src-attr": "'unsafe-inline'",
    "img-src": "'self' data:",
    "form-action": "'self' https://checkout.stripe.com",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "object-src": "'none'",
}
_LONGEST_REPORT = 16 * 1024  # bytes

blueprint = Blueprint("security", __name__)
log = structlog.get_logger(__name__)


def init_app(app: Flask, settings: config.Settings) -> None:
    """Add the security headers to every answer."""

    @app.after_request
    def _headers(response: Response) -> Response:
        policy = _POLICY | {"report-uri": url_for("security.csp_report")}
        response.headers.setdefault(
            "Content-Security-Policy", "; ".join(f"{name} {value}" for name, value in policy.items())
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        if settings.production:
            response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        return response


@blueprint.post("/csp-report")
@access("public")
@csrf.exempt  # type: ignore[untyped-decorator]
@limiter.limit("60 per minute")
def csp_report() -> tuple[str, int]:
    """A browser tells of something the policy forbade: a fault of ours, or an attack."""
    log.warning("csp_violation", report=request.get_data(as_text=True)[:_LONGEST_REPORT])
    return "", 204
