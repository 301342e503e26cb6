"""The menu of each kind of user, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from marketplace.accounts.identity import current_actor
from marketplace.accounts.models import Organisation
from marketplace.core.actor import Actor


@dataclass(frozen=True)
class Entry:
    """One item of the menu; `inside` are further endpoints (or blueprints) during which it is marked."""

    text: Any
    endpoint: str
    icon: str
    inside: tuple[str, ...] = ()

    @property
    def active(self) -> bool:
        """Whether the present page belongs to it."""
        endpoint = request.endpoint or ""
        return any(
            endpoint == mine or endpoint.startswith(f"{mine}.") for mine in (self.endpoint, *self.inside)
        )


_SEARCH = Entry(_l("Find licences"), "offers.search", "search", ("offers", "saved_searches", "compare"))
_DEMANDS = Entry(_l("Demands"), "demands.index", "lightbulb", ("demands",))
_CHECK = Entry(_l("Check a certificate"), "certificates.check", "patch-check", ("certificates",))
_REGISTER = Entry(_l("Register of licences"), "register.index", "journal-text", ("register",))
_LAW = Entry(_l("How it works"), "home.law", "book")

VISITOR_MENU = (_SEARCH, _DEMANDS, _REGISTER, _CHECK, _LAW)
MEMBER_MENU = (
    _SEARCH,
    Entry(
        _l("My licences"),
        "licensing.my_licences",
        "file-earmark-check",
        (
            "licensing",
            "recordals",
            "bundles",
            "disputes",
            "negotiated",
            "orders",
            "royalties",
            "shares",
        ),
    ),
    Entry(_l("Demands"), "demands.mine", "lightbulb", ("demands",)),
    Entry(_l("Publish patents"), "holder.home", "megaphone", ("holder", "workbench", "showcase")),
    _LAW,
)
BUREAU_MENU = (
    Entry(_l("Overview"), "bureau.home", "speedometer2", ("bureau",)),
    Entry(_l("Supply and demand"), "bureau.navigation_map", "compass"),
    Entry(_l("Papers to look at"), "operator.all_papers", "file-earmark-check", ("operator.papers",)),
    Entry(_l("Unanswered questions"), "questions.waiting", "chat-left-text"),
    Entry(_l("Export checks"), "operator.export_checks", "globe-asia-australia"),
    Entry(_l("Trace a matter"), "traces.search", "clock-history", ("traces",)),
    _REGISTER,
    Entry(_l("Reduced annuities"), "annuities.bureau", "percent", ("annuities",)),
    _SEARCH,
    _DEMANDS,
)
OPERATOR_MENU = (
    Entry(_l("Queues"), "operator.home", "inboxes", ("operator",)),
    Entry(_l("Statistics"), "bureau.home", "speedometer2", ("bureau",)),
    Entry(_l("Trace a matter"), "traces.search", "clock-history", ("traces",)),
    _SEARCH,
    _DEMANDS,
    _LAW,
)


def menu(actor: Actor) -> tuple[Entry, ...]:
    """The menu of this actor."""
    if actor.is_operator:
        return OPERATOR_MENU
    if actor.is_staff:
        return BUREAU_MENU
    return MEMBER_MENU if actor.organisation_id is not None else VISITOR_MENU


def organisations() -> list[Organisation]:
    """The organisations that the signed-in person may act for."""
    if not current_user.is_authenticated:
        return []
    return [membership.organisation for membership in sorted(current_user.memberships, key=lambda m: m.id)]


def acting_for() -> Organisation | None:
    """The organisation that the signed-in person acts for at the moment."""
    actor = current_actor()
    return next((one for one in organisations() if one.id == actor.organisation_id), None)
