"""Which steps an event asks for, in which order, and how far they are: pure functions over facts.

GL V-11 §9: assignment and abandonment need the withdrawal first; a patentee that changes otherwise withdraws,
and declares anew if it wants to go on; a pledge needs the pledgee's written consent. GL V-11 §4: a withdrawal
takes effect with its announcement.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from marketplace.listings.models import IN_FORCE

_WITHDRAW: Final = ("file_withdrawal", "withdrawal_announced")
STEPS: Final[dict[str, tuple[str, ...]]] = {
    "assignment": (*_WITHDRAW, "tell_licensees", "change_owners", "redeclare"),
    "abandonment": (*_WITHDRAW, "tell_licensees", "abandon"),
    "succession": (*_WITHDRAW, "tell_licensees", "change_owners", "redeclare"),
    "succession_end": (*_WITHDRAW, "tell_licensees", "change_owners"),
    "pledge": ("state_pledge", "pledgee_consent"),
}
# The licensees' rights stand whatever happens (PL 50), and an assignee is free to declare or not.
OPTIONAL: Final = {
    "assignment": frozenset({"tell_licensees", "redeclare"}),
    "abandonment": frozenset({"tell_licensees"}),
    "succession": frozenset({"tell_licensees"}),
    "succession_end": frozenset({"tell_licensees"}),
    "pledge": frozenset[str](),
}
# Nobody but the holder knows whether it was done.
TOLD: Final = frozenset({"tell_licensees"})
_FILED: Final = ("filed", *IN_FORCE, "withdrawn", "revoked", "lapsed")
_ENDED: Final = ("terminated", "expired", "invalidated")


@dataclass(frozen=True)
class Facts:
    """What is known when the steps are looked at.

    Attributes:
        offer: status of the declaration that the event met, None if there was none.
        owners_changed: the patentees are others than when the task began.
        redeclared: status of the declaration that repeats the terms, None while there is none.
        pledged: the fact, `no`, `with_consent`, `without_consent`, None while unknown.
        legal_status: the fact.
        told: steps that the holder said are done.
    """

    offer: str | None = None
    owners_changed: bool = False
    redeclared: str | None = None
    pledged: str | None = None
    legal_status: str | None = None
    told: Collection[str] = ()


@dataclass(frozen=True)
class Step:
    """One step: `state` is `done`, `now` (its turn), or `waits` for one before it."""

    code: str
    state: str
    optional: bool


def _done(code: str, facts: Facts) -> bool:
    over = facts.offer not in IN_FORCE
    match code:
        case "file_withdrawal":
            return over or facts.offer == "withdrawal_filed"
        case "withdrawal_announced":
            return over
        case "change_owners":
            return facts.owners_changed
        case "redeclare":
            return facts.redeclared in _FILED
        case "abandon":
            return facts.legal_status in _ENDED
        case "state_pledge":
            return facts.pledged in ("with_consent", "without_consent")
        case "pledgee_consent":
            # Without the consent the bar stands, and the declaration has to go (IR 86).
            return facts.pledged == "with_consent" or (facts.pledged == "without_consent" and over)
        case _:
            return code in facts.told


def steps(event: str, facts: Facts) -> list[Step]:
    """The steps of an event in the order that the law gives them, each with its state."""
    found: list[Step] = []
    waits = False
    for code in STEPS[event]:
        optional = code in OPTIONAL[event]
        done = _done(code, facts)
        found.append(Step(code, "done" if done else "waits" if waits else "now", optional))
        waits = waits or (not done and not optional)
    return found


def complete(event: str, facts: Facts) -> bool:
    """Whether nothing that the law asks for is left."""
    return all(step.state == "done" or step.optional for step in steps(event, facts))
