"""Who may begin and keep a guided task."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, bureau, operator, system


def _patentee(actor: Actor, patent: Any) -> bool:
    """One of the patentees, or an agency with a mandate of one."""
    return patent is not None and any(party.organisation_id in actor.holders for party in patent.parties)


def _whose(actor: Actor, task: Any) -> bool:
    """The holder that the task is for, or an agency with its mandate."""
    return task is not None and task.holder_id in actor.holders


_SEES = (_whose, bureau)

RULES: dict[str, Rule] = {
    "change.begin": Rule(WRITE, (_patentee, operator)),
    "change.see": Rule(READ, _SEES, sees=_SEES),
    "change.keep": Rule(WRITE, (_whose, operator), sees=_SEES),
    "change.run": Rule(WRITE, (system,)),
}
