"""Life cycles are tables; permissions deny by default and do not betray what is private."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from marketplace.core import permissions
from marketplace.core.actor import VISITOR, Actor
from marketplace.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from marketplace.core.lifecycle import Lifecycle, Transition
from marketplace.core.permissions import READ, WRITE, Rule, anyone
from marketplace.core.unit_of_work import current, unit_of_work


@dataclass
class Door:
    """A subject that needs no table."""

    owner: int = 1
    state: str = "closed"
    locked: bool = False
    id: int = 5
    __tablename__ = "doors"


def owner(actor: Actor, door: Any) -> bool:
    return door is not None and actor.acts_for(door.owner)


def not_locked(door: Door) -> None:
    if door.locked:
        raise Invalid("door-locked", "The door is locked.")


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {
        "door.open": Rule(WRITE, (owner,), sees=(owner,)),
        "door.close": Rule(WRITE, (owner,)),
        "door.look": Rule(READ, (anyone,)),
    }
    monkeypatch.setattr(permissions, "_table", table)


DOOR = Lifecycle(
    "door",
    "closed",
    (
        Transition("open", frozenset({"closed"}), "open", "door.open", "door.opened", not_locked),
        Transition("close", frozenset({"open"}), "closed", "door.close", "door.closed"),
    ),
)
OWNER = Actor(user_id=1, organisation_id=1)
STRANGER = Actor(user_id=2, organisation_id=2)
AGENT = Actor(user_id=3, organisation_id=3, principals=frozenset({1}))
READER = Actor(user_id=1, organisation_id=1, scopes=frozenset({"read"}))


@pytest.mark.usefixtures("context")
def test_a_transition_moves_the_state_and_writes_its_entry() -> None:
    door = Door()
    with unit_of_work(OWNER):
        DOOR.execute(OWNER, door, "open", by="key")
        [draft] = current().drafts
        assert (draft.action, draft.subject_type, draft.data) == ("door.opened", "doors", {"by": "key"})
    assert door.state == "open"


@pytest.mark.usefixtures("context")
def test_an_illegal_transition_names_the_state_and_what_is_possible() -> None:
    with unit_of_work(OWNER), pytest.raises(Conflict) as error:
        DOOR.execute(OWNER, Door(), "close")
    assert error.value.code == "illegal-transition"
    assert error.value.parameters == {"action": "close", "state": "closed", "possible": ["open"]}


@pytest.mark.usefixtures("context")
def test_a_guard_keeps_the_state_and_writes_nothing() -> None:
    door = Door(locked=True)
    with unit_of_work(OWNER) as unit:
        with pytest.raises(Invalid):
            DOOR.execute(OWNER, door, "open")
        assert unit.drafts == []
    assert door.state == "closed"


def test_only_what_one_may_do_now_is_offered() -> None:
    def names(actor: Actor, door: Door) -> list[str]:
        return [transition.action for transition in DOOR.offered(actor, door)]

    assert names(OWNER, Door()) == ["open"]
    assert names(AGENT, Door()) == ["open"]
    assert names(OWNER, Door(state="open")) == ["close"]
    assert names(OWNER, Door(locked=True)) == []
    assert names(STRANGER, Door()) == []


@pytest.mark.parametrize(
    ("actor", "action", "error"),
    [
        (VISITOR, "door.close", Unauthenticated),
        (STRANGER, "door.close", Forbidden),
        (STRANGER, "door.open", NotFound),
        (READER, "door.close", Forbidden),
        (OWNER, "door.paint", Forbidden),
    ],
)
def test_a_refusal_says_no_more_than_it_should(actor: Actor, action: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        permissions.require(actor, action, Door())


def test_a_token_without_the_scope_is_told_so() -> None:
    with pytest.raises(Forbidden) as error:
        permissions.require(READER, "door.close", Door())
    assert error.value.code == "scope-missing"


def test_visitors_may_do_what_is_public(shared_app: Flask) -> None:
    permissions.require(VISITOR, "door.look", Door())
