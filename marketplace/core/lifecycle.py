"""Life cycles as tables of data: action, from, to, who, guard, journal entry.

Pages and the API ask the same table which actions to offer; `execute` is the only way a state changes:
permission → legality → guard → effect → entry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .actor import Actor
from .errors import Conflict, DomainError
from .permissions import allowed, require
from .unit_of_work import record

Guard = Callable[[Any], None]


@dataclass(frozen=True)
class Transition:
    """One row of a life cycle.

    Attributes:
        action: what is done, e.g. `file`.
        sources: states it may start from.
        target: state it leads to.
        permission: action in the permission table.
        entry: action written to the journal, e.g. `offer.filed`.
        guard: raises a DomainError when the subject is not ready for it.
    """

    action: str
    sources: frozenset[str]
    target: str
    permission: str
    entry: str
    guard: Guard | None = None


class Lifecycle:
    """A table of transitions over one state attribute."""

    def __init__(
        self, name: str, initial: str, transitions: Sequence[Transition], attribute: str = "state"
    ) -> None:
        self.name = name
        self.initial = initial
        self.transitions = tuple(transitions)
        self.attribute = attribute
        self._by_action: dict[str, list[Transition]] = {}
        for transition in self.transitions:
            self._by_action.setdefault(transition.action, []).append(transition)

    @property
    def states(self) -> tuple[str, ...]:
        """Every state of the table, initial first."""
        seen = dict.fromkeys([self.initial])
        for transition in self.transitions:
            seen.update(dict.fromkeys(sorted(transition.sources)))
            seen[transition.target] = None
        return tuple(seen)

    def actions(self) -> tuple[str, ...]:
        return tuple(self._by_action)

    def find(self, action: str, state: str) -> Transition:
        """The transition for an action from a state.

        Raises:
            Conflict: `illegal-transition`, naming state and the actions possible from it.
        """
        for transition in self._by_action.get(action, ()):
            if state in transition.sources:
                return transition
        possible = sorted({t.action for t in self.transitions if state in t.sources})
        raise Conflict(
            "illegal-transition",
            "This is not possible in the present state (%(state)s).",
            action=action,
            state=state,
            possible=possible,
        )

    def offered(self, actor: Actor, subject: Any) -> list[Transition]:
        """What this actor may do now: permitted, legal, and every guard content."""
        state = getattr(subject, self.attribute)
        found = []
        for transition in self.transitions:
            if state not in transition.sources or not allowed(actor, transition.permission, subject).allowed:
                continue
            if transition.guard is not None:
                try:
                    transition.guard(subject)
                except DomainError:
                    continue
            found.append(transition)
        return found

    def execute(
        self,
        actor: Actor,
        subject: Any,
        action: str,
        *,
        effect: Callable[[], None] | None = None,
        organisation_id: int | None = None,
        occurred_on: dt.date | None = None,
        **data: Any,
    ) -> Transition:
        """Move `subject` (already locked) by `action` and write the entry.

        Args:
            effect: sets what goes with the move; runs after the guard and before the state changes.
            organisation_id, occurred_on, data: for the journal entry.

        Raises:
            NotFound, Unauthenticated, Forbidden: the actor may not.
            Conflict: illegal from this state.
            DomainError: whatever the guard says.
        """
        for candidate in self._by_action.get(action, ())[:1]:
            require(actor, candidate.permission, subject)
        transition = self.find(action, getattr(subject, self.attribute))
        require(actor, transition.permission, subject)
        if transition.guard is not None:
            transition.guard(subject)
        if effect is not None:
            effect()
        setattr(subject, self.attribute, transition.target)
        record(transition.entry, subject, organisation_id=organisation_id, occurred_on=occurred_on, **data)
        return transition
