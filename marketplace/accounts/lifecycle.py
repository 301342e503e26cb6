"""The lives of identities, clashes, verifications, invitations, requests to join, and mandates, as tables."""

from __future__ import annotations

from marketplace.core.lifecycle import Lifecycle, Transition

IDENTITY = Lifecycle(
    "identity",
    "stated",
    (
        # Confirming again says on what else it rests; doubt takes back what was confirmed by mistake.
        Transition(
            "confirm",
            frozenset({"stated", "confirmed"}),
            "confirmed",
            "organisation.confirm",
            "organisation.confirmed",
        ),
        Transition("doubt", frozenset({"confirmed"}), "stated", "organisation.doubt", "organisation.doubted"),
    ),
    attribute="identity",
)

CLASH = Lifecycle(
    "clash",
    "open",
    (Transition("resolve", frozenset({"open"}), "resolved", "clash.resolve", "organisation.clash_resolved"),),
)

VERIFICATION = Lifecycle(
    "verification",
    "submitted",
    (
        Transition(
            "confirm", frozenset({"submitted"}), "confirmed", "verification.decide", "verification.confirmed"
        ),
        Transition(
            "return", frozenset({"submitted"}), "returned", "verification.decide", "verification.returned"
        ),
    ),
)

INVITATION = Lifecycle(
    "invitation",
    "open",
    (
        Transition("accept", frozenset({"open"}), "accepted", "invitation.accept", "invitation.accepted"),
        Transition("revoke", frozenset({"open"}), "revoked", "member.change", "invitation.revoked"),
    ),
)

JOIN_REQUEST = Lifecycle(
    "join_request",
    "open",
    (
        Transition("accept", frozenset({"open"}), "accepted", "join_request.answer", "join_request.accepted"),
        Transition("refuse", frozenset({"open"}), "refused", "join_request.answer", "join_request.refused"),
        Transition(
            "withdraw", frozenset({"open"}), "withdrawn", "join_request.withdraw", "join_request.withdrawn"
        ),
    ),
)

MANDATE = Lifecycle(
    "mandate",
    "given",
    (
        Transition("accept", frozenset({"given"}), "accepted", "mandate.answer", "mandate.accepted"),
        Transition("decline", frozenset({"given"}), "declined", "mandate.answer", "mandate.declined"),
        Transition(
            "revoke", frozenset({"given", "accepted"}), "revoked", "mandate.revoke", "mandate.revoked"
        ),
    ),
)
