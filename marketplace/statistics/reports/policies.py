"""Who may do what with reports: the bureau makes and publishes them, an operator looks on."""

from __future__ import annotations

from typing import Any

from marketplace.core.actor import Actor
from marketplace.core.permissions import READ, WRITE, Rule, bureau, system

from .models import StatisticsReport


def bureau_only(actor: Actor, _subject: Any) -> bool:
    """Someone of the bureau, not an operator of the platform."""
    return "bureau" in actor.roles


def public_report(_actor: Actor, subject: Any) -> bool:
    """A published report that was marked public is open to everyone."""
    return isinstance(subject, StatisticsReport) and subject.public and subject.published_at is not None


RULES: dict[str, Rule] = {
    "report.list": Rule(READ, (bureau,)),
    "report.see": Rule(READ, (bureau, public_report), sees=(bureau, public_report)),
    "report.rows": Rule(READ, (bureau,), sees=(bureau,)),
    "report.make": Rule(WRITE, (bureau_only, system)),
    "report.publish": Rule(WRITE, (bureau_only, system)),
    "report.correct": Rule(WRITE, (bureau_only,)),
    "report.schedule": Rule(WRITE, (bureau_only,)),
}
