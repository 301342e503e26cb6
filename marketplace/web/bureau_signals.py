"""Signals of sham licences: what was seen, how it is usually explained, and setting it aside."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from marketplace.accounts.identity import access, current_actor
from marketplace.core.database import db
from marketplace.core.errors import DomainError, NotFound
from marketplace.core.permissions import allowed
from marketplace.core.unit_of_work import unit_of_work
from marketplace.deals.models import Licence
from marketplace.supervision import rules, signals
from marketplace.supervision.models import KINDS, STATES, Signal

from .forms import Form, at_most, required, status_of, stripped

_SIZE: Final = 50
_LAST_PAGE: Final = 10_000
_LARGEST_ID: Final = 2**63 - 1

KIND_NAMES: Final[dict[str, Any]] = {
    "related": _l("Related sides"),
    "mutual": _l("Free licences both ways"),
    "unused": _l("Recorded and not used"),
    "burst": _l("Burst of free licences"),
}
STATE_NAMES: Final[dict[str, Any]] = {"open": _l("Not cleared"), "cleared": _l("Cleared")}
SORT_NAMES: Final[dict[str, Any]] = {
    "member": _l("one person belongs to both sides"),
    "agent": _l("one side acts for the other under a mandate in force"),
    "code": _l("both sides give the same credit code, which is confirmed for one of them"),
    "bank": _l("both sides give the same bank account"),
    "stripe": _l("both sides are paid into the same Stripe account"),
    "both_ways": _l("each side has licensed the other free of charge"),
    "no_use": _l("no use is stated in the notice, and there is no royalty statement and no payment"),
    "many_new": _l("many free licences within a few days, most of them to licensees that had just joined"),
}
INNOCENT: Final[dict[str, Any]] = {
    "related": _l("A group often licenses its own factories, and an agency may serve both sides."),
    "mutual": _l("Partners in a joint project or a standard often open their patents to each other."),
    "unused": _l("A firm may prepare for production for years, and need not say what it uses."),
    "burst": _l("A fair, a training day or a science park may bring many firms in one week."),
}
LIMITS: Final[dict[str, Any]] = {
    "related": _l(
        "Every licence between sides that share a person, a mandate, a code or an account. "
        "Who owns whom is not known here."
    ),
    "mutual": _l(
        "At most %(days)s days between the two: half a year takes in licences agreed together.",
        days=rules.MUTUAL_WITHIN,
    ),
    "unused": _l(
        "%(months)s months after the recordal: a yearly royalty or a first order would show by then. "
        "Only licences taken here, since the notices of others are not known.",
        months=rules.UNUSED_AFTER,
    ),
    "burst": _l(
        "At least %(firms)s licensees within %(days)s days, more than half of which joined at most "
        "%(new)s days before their licence: firms that come for one patent seldom come all at once.",
        firms=rules.BURST_LICENSEES,
        days=rules.BURST_WITHIN,
        new=rules.NEW_FOR,
    ),
}


class ClearForm(Form):
    """Why a signal is set aside."""

    reason = TextAreaField(_l("Reason"), [required(), at_most(signals.REASON_UP_TO)], filters=[stripped])


def _words() -> dict[str, Any]:
    return {
        "kinds": KIND_NAMES,
        "states": STATE_NAMES,
        "sorts": SORT_NAMES,
        "innocent": INNOCENT,
        "limits": LIMITS,
        "date_of": dt.date.fromisoformat,
    }


@access("bureau")
def signal_list() -> ResponseReturnValue:
    """Signals of one kind and state; a number opens into its rows."""
    kind, state = request.args.get("kind"), request.args.get("state", "open")
    page = min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE)
    kind, state = kind if kind in KINDS else None, state if state in STATES else "open"
    found = signals.signals(current_actor(), kind=kind, state=state, offset=(page - 1) * _SIZE, limit=_SIZE)
    return render_template(
        "bureau/signals.html",
        found=found,
        kind=kind,
        state=state,
        looked=request.args.get("looked") == "1",
        may_look=allowed(current_actor(), "signal.look").allowed,
        page=page,
        size=_SIZE,
        **_words(),
    )


@access("bureau")
def look_for_signals() -> ResponseReturnValue:
    """Have them looked for now."""
    actor = current_actor()
    with unit_of_work(actor):
        signals.look_again(actor)
    return redirect(url_for("bureau.signal_list", looked=1), 303)


@access("bureau")
def signal_page(signal_id: int) -> ResponseReturnValue:
    """What was seen, the licences it was seen on, and what the bureau made of it."""
    return _shown(signal_id, ClearForm())


@access("bureau")
def clear_signal(signal_id: int) -> ResponseReturnValue:
    """Set it aside with a reason."""
    actor, form = current_actor(), ClearForm()
    if form.validate_on_submit():
        try:
            with unit_of_work(actor):
                signals.clear(actor, _possible(signal_id), form.reason.data)
        except NotFound:
            raise
        except DomainError as error:
            form.accept(error)
        else:
            return redirect(url_for("bureau.signal_page", signal_id=signal_id), 303)
    return _shown(signal_id, form)


def _possible(signal_id: int) -> int:
    if signal_id > _LARGEST_ID:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    return signal_id


def _shown(signal_id: int, form: ClearForm) -> ResponseReturnValue:
    actor = current_actor()
    found = signals.signal(actor, _possible(signal_id))
    page = render_template(
        "bureau/signal.html",
        signal=found,
        licences=_licences(found),
        form=form,
        actions={one.action for one in signals.LIFECYCLE.offered(actor, found)},
        **_words(),
    )
    return page, status_of(form)


def _licences(found: Signal) -> list[Licence]:
    """Those that the evidence names, the oldest first."""
    rows = db.session.scalars(
        sa.select(Licence)
        .where(Licence.id.in_(found.evidence["licences"]))
        .order_by(Licence.effective_on, Licence.id)
    )
    return list(rows)


def add_to(blueprint: Blueprint) -> None:
    """Add the signals to the bureau's pages."""
    blueprint.add_url_rule("/signals", view_func=signal_list)
    blueprint.add_url_rule("/signals", "look_for_signals", look_for_signals, methods=["POST"])
    blueprint.add_url_rule("/signals/<int:signal_id>", view_func=signal_page)
    blueprint.add_url_rule("/signals/<int:signal_id>", "clear_signal", clear_signal, methods=["POST"])
