"""Who acts: a user on behalf of one organisation, a token, a command or the system itself."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Actor:
    """A user acting for one organisation.

    Attributes:
        user_id: the person, None for nobody (a visitor) and for the system.
        organisation_id: the organisation acted for, None for visitors and staff.
        roles: what the person is: `member`, `manager` (technology manager), `administrator` of the
            organisation, `viewer` who only looks, `bureau`, `operator`, `system`.
        scopes: what a token was given: `read`, `write`. People in the browser have both.
        principals: organisations whose mandate (power of attorney) covers this actor today.
        holders_only: those of them for which it covers a holder's matters and nothing else.
        licensees_only: those for which it covers a licensee's matters and nothing else.
        proven: whether the person's e-mail address was shown to be theirs. It never gates a licence.
    """

    user_id: int | None = None
    organisation_id: int | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    scopes: frozenset[str] = frozenset({"read", "write"})
    principals: frozenset[int] = field(default_factory=frozenset)
    holders_only: frozenset[int] = field(default_factory=frozenset)
    licensees_only: frozenset[int] = field(default_factory=frozenset)
    proven: bool = True

    @property
    def is_system(self) -> bool:
        return "system" in self.roles

    @property
    def is_operator(self) -> bool:
        return "operator" in self.roles or self.is_system

    @property
    def is_staff(self) -> bool:
        return bool(self.roles & {"bureau", "operator", "system"})

    @property
    def own(self) -> frozenset[int]:
        """The organisation that the actor is a member of, as a set of one or none."""
        return frozenset() if self.organisation_id is None else frozenset({self.organisation_id})

    @property
    def holders(self) -> frozenset[int]:
        """Organisations for which the actor may declare, withdraw and receive."""
        return self.own | (self.principals - self.licensees_only)

    @property
    def licensees(self) -> frozenset[int]:
        """Organisations for which the actor may seek and take licences."""
        return self.own | (self.principals - self.holders_only)

    def acts_for(self, organisation_id: int | None) -> bool:
        """Whether the actor acts for that organisation in any matter: its own, or a principal."""
        return organisation_id in self.own | self.principals


VISITOR = Actor(scopes=frozenset({"read"}))
SYSTEM = Actor(roles=frozenset({"system"}))
OPERATOR_COMMAND = Actor(roles=frozenset({"system", "operator"}))
