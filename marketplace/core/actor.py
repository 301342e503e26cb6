"""Who acts: a user on behalf of one organisation, a token, a command or the system itself."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Actor:
    """A user acting for one organisation.

    Attributes:
        user_id: the person, None for nobody (a visitor) and for the system.
        organisation_id: the organisation acted for, None for visitors and staff.
        roles: what the person is: `member`, `manager` (technology manager), `bureau`, `operator`, `system`.
        scopes: what a token was given: `read`, `write`. People in the browser have both.
        principals: organisations whose mandate (power of attorney) covers this actor today.
    """

    user_id: int | None = None
    organisation_id: int | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    scopes: frozenset[str] = frozenset({"read", "write"})
    principals: frozenset[int] = field(default_factory=frozenset)

    @property
    def is_system(self) -> bool:
        return "system" in self.roles

    @property
    def is_operator(self) -> bool:
        return "operator" in self.roles or self.is_system

    @property
    def is_staff(self) -> bool:
        return bool(self.roles & {"bureau", "operator", "system"})

    def acts_for(self, organisation_id: int | None) -> bool:
        """Whether the actor may act for that organisation: its own, or a principal's under a mandate."""
        return organisation_id is not None and (
            organisation_id == self.organisation_id or organisation_id in self.principals
        )


VISITOR = Actor(scopes=frozenset({"read"}))
SYSTEM = Actor(roles=frozenset({"system"}))
OPERATOR_COMMAND = Actor(roles=frozenset({"system", "operator"}))
