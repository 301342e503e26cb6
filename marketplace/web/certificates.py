"""The public check of a deal certificate, by the code printed on it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access
from marketplace.core.errors import NotFound
from marketplace.deals.licences import check_certificate
from marketplace.extensions import limiter

blueprint = Blueprint("certificates", __name__, url_prefix="/certificates")


@blueprint.get("/")
@access("public")
def check() -> ResponseReturnValue:
    """Ask for the code, or go to its page."""
    code = request.args.get("code", "").strip()
    if code:
        return redirect(url_for("certificates.show", code=code))
    return render_template("certificates/check.html", code="", problem=None)


@blueprint.get("/<code>")
@access("public")
@limiter.limit("60 per minute")
def show(code: str) -> ResponseReturnValue:
    """Valid or not, and what the public may know: parties only once recorded."""
    try:
        found = check_certificate(code)
    except NotFound as error:
        return render_template("certificates/check.html", code=code, problem=gettext(error.message)), 404
    return render_template("certificates/show.html", found=found)
