"""Quiet hours, and the log of what was mailed to whom when: one's own, and the operator's."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import TimeField

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.mailing import choices
from marketplace.core.errors import DomainError
from marketplace.core.unit_of_work import unit_of_work
from marketplace.notifications import hours, maillog
from marketplace.notifications.texts import render_all

from .forms import Form, optional, status_of

blueprint = Blueprint("mails", __name__)

_PAGE: Final = 50


class HoursForm(Form):
    """From when until when there shall be no mail."""

    quiet_from = TimeField(_l("No mail from"), [optional()])
    quiet_to = TimeField(_l("until"), [optional()])


def _minutes(time: dt.time | None) -> int | None:
    return None if time is None else time.hour * 60 + time.minute


def _time(minutes: int) -> dt.time:
    return dt.time(minutes // 60, minutes % 60)


@blueprint.route("/account/mails", methods=["GET", "POST"])
@access("signed_in")
def index() -> ResponseReturnValue:
    """One's quiet hours and one's own mails."""
    actor = current_actor()
    found = hours.hours_of(actor.user_id)
    times = found and {"quiet_from": _time(found.quiet_from), "quiet_to": _time(found.quiet_to)}
    form = HoursForm(data=times) if request.method == "GET" else HoursForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                hours.set_hours(actor, _minutes(form.quiet_from.data), _minutes(form.quiet_to.data))
        except DomainError as error:
            form.accept(error)
        else:
            flash(gettext("Saved."), "success")
            return redirect(url_for("mails.index"))
    wanted = {topic: choices.wants(actor.user_id or 0, topic) for topic in choices.TOPICS}
    page = render_template("mails/index.html", form=form, found=found, wanted=wanted, **_log(everybody=False))
    return page, status_of(form)


@blueprint.get("/operator/mails")
@access("operator")
def audit() -> ResponseReturnValue:
    """Everybody's mails, or those to one address."""
    return render_template(
        "mails/audit.html", address=request.args.get("address", ""), **_log(everybody=True)
    )


def _log(*, everybody: bool) -> dict[str, Any]:
    rows = maillog.log(
        current_actor(),
        everybody=everybody,
        address=request.args.get("address") if everybody else None,
        after=request.args.get("after", type=int),
        limit=_PAGE + 1,
    )
    messages = {row.id: message for row, message in render_all(told for _, told in rows[:_PAGE] if told)}
    return {
        "mails": [(sent, messages.get(told.id) if told else None) for sent, told in rows[:_PAGE]],
        "older": rows[_PAGE - 1][0].id if len(rows) > _PAGE else None,
        "days": maillog.KEPT_DAYS,
    }
