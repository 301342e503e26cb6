"""Which mails a person wants, and the page behind the link in a mail that ends such mails."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.mailing import choices
from marketplace.core.actor import VISITOR
from marketplace.core.errors import NotFound
from marketplace.core.unit_of_work import unit_of_work
from marketplace.extensions import csrf, limiter
from marketplace.search.saved import services as saved_searches

from .shell import safe_next

blueprint = Blueprint("mail_choices", __name__, url_prefix="/mails")


@blueprint.post("")
@access("signed_in")
def choose() -> ResponseReturnValue:
    """Take the mails of a topic, or take them no more."""
    actor = current_actor()
    with unit_of_work(actor):
        choices.choose(actor, request.form.get("topic", ""), request.form.get("wanted") == "yes")
    flash(gettext("Saved."), "success")
    return redirect(safe_next(request.form.get("next")) or url_for("mails.index"))


@blueprint.get("/stop")
@access("public")
@limiter.limit("30 per minute")
def stop() -> ResponseReturnValue:
    """Where the mail leads: a button, since programs that check mails open links as well."""
    try:
        link = choices.read_link(request.args.get("link", ""))
    except NotFound:
        return render_template("mails/stop.html", link=None), 404
    return render_template("mails/stop.html", link=link, saved=saved_searches.of_link(link), done=False)


# No token of a session: a mail program posts here by itself (RFC 8058), and the link proves enough.
@csrf.exempt  # type: ignore[untyped-decorator]
@blueprint.post("/stop")
@access("public")
@limiter.limit("30 per minute")
def stopped() -> ResponseReturnValue:
    """End the mails for whoever has the link, signed in or not."""
    try:
        link = choices.read_link(request.args.get("link", ""))
    except NotFound:
        return render_template("mails/stop.html", link=None), 404
    with unit_of_work(VISITOR):
        if link.about is None:
            choices.stop(link)
        else:
            saved_searches.stop(link)
    return render_template("mails/stop.html", link=link, saved=saved_searches.of_link(link), done=True)
