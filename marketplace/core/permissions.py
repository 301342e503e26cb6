"""Who may do what: `allowed(actor, action, object)`, deny by default.

Each domain's `policies.py` fills the one table from action to rule; pages, API and life cycles ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .actor import Actor
from .errors import Forbidden, NotFound, Unauthenticated

READ, WRITE = "read", "write"


@dataclass(frozen=True)
class Decision:
    """Yes or no, with the reason as a stable code.

    Attributes:
        hidden: the object is another party's private matter: answer as if it did not exist.
    """

    allowed: bool
    reason: str
    hidden: bool = False


Predicate = Callable[[Actor, Any], bool]


@dataclass(frozen=True)
class Rule:
    """One line of the permission table.

    Attributes:
        scope: what a token needs: `read` or `write`.
        anyone_of: small named predicates; one of them must hold.
        sees: who may know that the object exists; None when it is public.
        proven: the person's e-mail address must have been shown to be theirs: for what reaches others by
            mail or is published, never for a licence.
    """

    scope: str
    anyone_of: tuple[Predicate, ...]
    sees: tuple[Predicate, ...] | None = None
    proven: bool = False


_table: dict[str, Rule] = {}


def register(rules: Mapping[str, Rule]) -> None:
    """Add a domain's rules. An action may be declared once.

    Raises:
        ValueError: when an action is declared twice.
    """
    for action, rule in rules.items():
        if _table.get(action, rule) != rule:
            raise ValueError(f"permission {action} is declared twice")
        _table[action] = rule


def actions() -> frozenset[str]:
    """Every action that has a rule."""
    return frozenset(_table)


def allowed(actor: Actor, action: str, subject: Any = None) -> Decision:
    """Whether this actor may do this to this object. An action without a rule is denied."""
    rule = _table.get(action)
    if rule is None:
        return Decision(False, "no-rule")
    if rule.sees is not None and not any(sees(actor, subject) for sees in rule.sees):
        return Decision(False, "hidden", hidden=True)
    if rule.scope not in actor.scopes and not (actor.user_id is None and rule.scope == WRITE):
        return Decision(False, "scope-missing")
    if any(predicate(actor, subject) for predicate in rule.anyone_of):
        if rule.proven and not actor.proven:
            return Decision(False, "address-unproven")
        return Decision(True, "allowed")
    return Decision(False, "sign-in-required" if actor.user_id is None else "not-permitted")


def require(actor: Actor, action: str, subject: Any = None) -> None:
    """Raise unless the actor may.

    Raises:
        NotFound: the object is private to others.
        Unauthenticated: nobody is signed in and someone would have to be.
        Forbidden: signed in, but this is not theirs to do.
    """
    decision = allowed(actor, action, subject)
    if decision.allowed:
        return
    if actor.user_id is None and not actor.is_system:
        raise Unauthenticated("sign-in-required", "Please sign in to do this.")
    if decision.hidden:
        raise NotFound("not-found", "There is no such thing, or it is not yours to see.")
    if decision.reason == "address-unproven":
        raise Forbidden(
            "address-unproven", "Please confirm your e-mail address first, with the link we sent."
        )
    if decision.reason == "scope-missing" and "viewer" in actor.roles:
        raise Forbidden(
            "viewer-only-looks", "You may look here, but not change anything: ask an administrator."
        )
    if decision.reason == "scope-missing":
        raise Forbidden("scope-missing", "This token lacks the scope for this call.")
    raise Forbidden("forbidden", "Your account may not do this.")


def anyone(_actor: Actor, _subject: Any) -> bool:
    """Visitors too."""
    return True


def signed_in(actor: Actor, _subject: Any) -> bool:
    return actor.user_id is not None


def acts_for_an_organisation(actor: Actor, _subject: Any) -> bool:
    return actor.organisation_id is not None


def operator(actor: Actor, _subject: Any) -> bool:
    return actor.is_operator


def bureau(actor: Actor, _subject: Any) -> bool:
    """The bureau supervises; an operator may look as well."""
    return actor.is_staff


def system(actor: Actor, _subject: Any) -> bool:
    return actor.is_system
