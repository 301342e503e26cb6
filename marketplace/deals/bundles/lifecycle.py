"""The life of a part of a bundle. Its notice, payment and licence have life cycles of their own."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition

PART = Lifecycle(
    "bundle_part",
    "waiting",
    (
        Transition("serve", frozenset({"waiting"}), "served", "bundle.serve", "bundle_part.served"),
        Transition("refuse", frozenset({"waiting"}), "refused", "bundle.serve", "bundle_part.refused"),
        # Whatever stood in the way may be over: the licensee asks again.
        Transition("retry", frozenset({"refused"}), "waiting", "bundle.serve", "bundle_part.retried"),
    ),
)
