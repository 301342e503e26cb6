"""The life of an endpoint, as a table."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition

_USED = frozenset({"active", "disabled"})
ENDPOINT = Lifecycle(
    "webhook_endpoint",
    "active",
    (
        Transition("disable", frozenset({"active"}), "disabled", "webhook.manage", "webhook.disabled"),
        # What failed for days is stopped, and its organisation told.
        Transition("give_up", frozenset({"active"}), "disabled", "webhook.run", "webhook.given_up"),
        Transition("enable", frozenset({"disabled"}), "active", "webhook.manage", "webhook.enabled"),
        Transition("remove", _USED, "removed", "webhook.manage", "webhook.removed"),
    ),
)
