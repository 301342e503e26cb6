"""Who may do what with saved searches: what a person looks for is that person's alone."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, acts_for_an_organisation, bureau


def _own(actor: Actor, saved: Any) -> bool:
    return (
        saved is not None
        and actor.user_id is not None
        and (saved.user_id, saved.organisation_id) == (actor.user_id, actor.organisation_id)
    )


RULES: dict[str, Rule] = {
    "saved_search.list": Rule(READ, (acts_for_an_organisation, bureau)),
    "saved_search.save": Rule(WRITE, (acts_for_an_organisation, bureau)),
    "saved_search.see": Rule(READ, (_own,), sees=(_own,)),
    "saved_search.change": Rule(WRITE, (_own,), sees=(_own,)),
}
