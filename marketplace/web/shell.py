"""What every page has: the frame, the menu, the language switch, filters and names for templates."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, current_app, redirect, request, session, url_for
from flask_babel import get_locale
from flask_login import current_user
from werkzeug.wrappers import Response

from marketplace.accounts.identity import access, current_actor
from marketplace.accounts.models import User
from marketplace.core import clock
from marketplace.core.actor import VISITOR
from marketplace.core.errors import Unauthenticated
from marketplace.core.unit_of_work import lock, unit_of_work
from marketplace.deals.bundles import basket
from marketplace.notifications import services as notifications

from . import formats, labels, navigation, queries
from .assets import asset
from .locale import LANGUAGES

blueprint = Blueprint("shell", __name__, template_folder="templates")


def init_app(app: Flask) -> None:
    """Give templates their filters and names."""
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.globals.update(
        asset=asset,
        english=formats.english,
        label=labels.label,
        name_of=labels.name,
        district=labels.district,
        ipc_title=labels.ipc_title,
        fee_text=formats.fee,
        reason_text=labels.reason_text,
        fact_text=labels.fact_text,
        source_text=labels.source_text,
        months_between=formats.months_between,
        page_url=page_url,
        search_parameters=queries.given,
    )
    app.context_processor(_frame)


def _frame() -> dict[str, Any]:
    try:
        actor = current_actor()
    except Unauthenticated:
        actor = VISITOR
    locale = get_locale()
    return {
        "actor": actor,
        "menu": navigation.menu(actor),
        "unread": notifications.unread(actor) if actor.user_id else 0,
        "acting_for": navigation.acting_for() if actor.user_id else None,
        "my_organisations": navigation.organisations() if actor.user_id else [],
        "lang": "en" if locale is not None and locale.language == "en" else "zh-CN",
        "laid_aside": len(basket.offer_ids(actor)),
        "today": clock.today(),
        "demo": not current_app.config["SETTINGS"].production,
    }


def page_url(**changes: Any) -> str:
    """The present address with some parameters changed; None removes one."""
    given: dict[str, Any] = {name: request.args.getlist(name) for name in request.args}
    given.update(request.view_args or {})
    given.update(changes)
    return url_for(
        request.endpoint or "home.index",
        **{name: value for name, value in given.items() if value is not None},
    )


def safe_next(address: str | None) -> str | None:
    """An address on this site to go to next, or None: never to another host.

    Backslashes and control signs are refused, since browsers read them as slashes or skip them.
    """
    if not address or not address.startswith("/") or address.startswith("//"):
        return None
    if any(sign in address for sign in "\\\r\n\t") or urlsplit(address).netloc:
        return None
    return address


@blueprint.post("/language")
@access("public")
def language() -> Response:
    """Choose the language, and stay on the same page. Kept in the session, and with the account."""
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        abort(400)
    session["locale"] = chosen
    if current_user.is_authenticated and current_user.locale != chosen:
        user_id = current_user.id
        with unit_of_work(current_actor()):
            lock(User, user_id).locale = chosen
    return redirect(safe_next(request.form.get("next")) or url_for("home.index"))
