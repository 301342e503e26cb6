"""The life cycles of notice, payment, licence and recordal, as tables."""

from __future__ import annotations

from typing import Any

from marketplace.core.errors import Conflict
from marketplace.core.lifecycle import Lifecycle, Transition

_LIVING = frozenset({"not_served", "served"})


def _move(
    action: str, sources: frozenset[str] | set[str], target: str, permission: str, entry: str
) -> Transition:
    return Transition(action, frozenset(sources), target, permission, entry)


# A payment that was made in time may become known late, so `pay` also starts from lapsed and abandoned:
# the rules, not the table, compare the times.
NOTICE = Lifecycle(
    "notice",
    "not_served",
    (
        _move("serve", {"not_served"}, "served", "notice.run", "notice.served"),
        # What is proven to have arrived before the offer ended is served, however late the proof comes.
        _move(
            "prove_service",
            {"not_served", "undelivered"},
            "served",
            "notice.prove_service",
            "notice.service_proven",
        ),
        _move("abandon", _LIVING, "abandoned", "notice.abandon", "notice.abandoned"),
        _move("lapse", {"served"}, "lapsed", "notice.run", "notice.lapsed"),
        _move("undeliver", {"not_served"}, "undelivered", "notice.run", "notice.undelivered"),
        # The technology may not be exported to the licensee, or was not cleared in time (TIE): nothing can
        # come of the notice. One that had ended may have been paid in time, which was learnt later.
        _move(
            "refuse",
            {*_LIVING, "lapsed", "abandoned"},
            "refused",
            "notice.run",
            "notice.refused",
        ),
        _move("pay", {"served", "lapsed", "abandoned"}, "paid", "notice.run", "notice.paid"),
    ),
)

# Money is a fact: an attempt that failed, ran out, was cancelled or quarantined still becomes paid when the
# right sum has arrived. From paid nothing leads on, so a late "expired" or "failed" changes nothing.
_UNPAID = frozenset({"open", "slip_uploaded", "failed", "expired", "cancelled", "quarantined"})
PAYMENT = Lifecycle(
    "payment",
    "open",
    (
        _move(
            "slip", {"open", "slip_uploaded"}, "slip_uploaded", "payment.upload_slip", "payment.slip_uploaded"
        ),
        # A part has come: the slip is answered, the rest is awaited.
        _move("part", {"open", "slip_uploaded"}, "open", "payment.run", "payment.part_received"),
        _move("confirm", _UNPAID, "paid", "payment.confirm", "payment.confirmed"),
        _move("settle", _UNPAID, "paid", "payment.run", "payment.confirmed"),
        _move("cancel", {"open", "slip_uploaded"}, "cancelled", "payment.cancel", "payment.cancelled"),
        _move("release", {"open", "slip_uploaded"}, "cancelled", "payment.run", "payment.cancelled"),
        _move("fail", {"open"}, "failed", "payment.run", "payment.failed"),
        _move("expire", {"open"}, "expired", "payment.run", "payment.expired"),
        _move(
            "quarantine",
            {"open", "slip_uploaded", "failed", "expired", "cancelled"},
            "quarantined",
            "payment.run",
            "payment.quarantined",
        ),
        # Entered wrongly: an operator's correction, approved by a second one, reverses it.
        _move("reverse", {"paid"}, "reversed", "payment.run", "payment.reversed"),
        _move("put_away", {"quarantined"}, "cancelled", "payment.run", "payment.cancelled"),
    ),
)

# Money that goes back: by the holder's own transfer, or by the provider, whose signed word settles it; a
# refund that the provider could not deliver is the holder's matter again.
REFUND = Lifecycle(
    "refund",
    "open",
    (
        _move("ask", {"open"}, "asked", "refund.at_provider", "refund.asked"),
        _move("settle", {"asked"}, "done", "payment.run", "refund.done"),
        _move("fail", {"asked", "done"}, "open", "payment.run", "refund.failed"),
        _move("done", {"open"}, "done", "refund.done", "refund.done"),
        _move("drop", {"open"}, "cancelled", "payment.run", "refund.cancelled"),
    ),
)

# Two operators, never the same one twice.
CORRECTION = Lifecycle(
    "correction",
    "proposed",
    (
        _move("approve", {"proposed"}, "approved", "correction.decide", "correction.approved"),
        _move("decline", {"proposed"}, "declined", "correction.decide", "correction.declined"),
        _move("take_back", {"proposed"}, "taken_back", "correction.take_back", "correction.taken_back"),
    ),
)

LICENCE = Lifecycle(
    "licence",
    "in_effect",
    (
        _move("end", {"in_effect"}, "ended", "licence.end", "licence.ended"),
        _move("expire", {"in_effect"}, "ended", "licence.run", "licence.ended"),
        _move("end_with_patent", {"in_effect"}, "ended", "licence.run", "licence.ended"),
    ),
)

# An end by agreement takes two: one side proposes the last day, the other accepts or declines it.
AGREED_END = Lifecycle(
    "agreed_end",
    "none",
    (
        _move("propose_end", {"none"}, "proposed", "licence.propose_end", "licence.end_proposed"),
        _move("accept_end", {"proposed"}, "agreed", "licence.answer_end", "licence.end_accepted"),
        _move("decline_end", {"proposed"}, "none", "licence.answer_end", "licence.end_declined"),
        _move("take_end_back", {"proposed"}, "none", "licence.take_end_back", "licence.end_taken_back"),
    ),
    attribute="agreed_end",
)


def _no_gazette(licence: Any) -> None:
    """What the gazette has announced is no party's statement: only the gazette changes it."""
    side = licence.recorded_side if licence.recordal_state == "recorded" else licence.recordal_filed_side
    if side == "gazette":
        raise Conflict("recordal-verified", "The gazette's list has verified this recordal: it stands.")


def _correction(action: str, source: str, target: str) -> Transition:
    return Transition(
        action,
        frozenset({source}),
        target,
        "licence.correct_recordal",
        "licence.recordal_corrected",
        _no_gazette,
    )


RECORDAL = Lifecycle(
    "recordal",
    "to_do",
    (
        _move("file_recordal", {"to_do", "late"}, "filed", "licence.recordal", "licence.recordal_filed"),
        _move(
            "record_recordal", {"to_do", "filed", "late"}, "recorded", "licence.recordal", "licence.recorded"
        ),
        _move("overdue", {"to_do"}, "late", "licence.run", "licence.recordal_late"),
        # The gazette prints a change or a cancellation also where nobody has entered the recordal here.
        *(
            _move("change_recordal", {state}, state, "licence.recordal", "licence.recordal_changed")
            for state in ("to_do", "filed", "late", "recorded")
        ),
        _move(
            "cancel_recordal",
            {"to_do", "filed", "late", "recorded"},
            "cancelled",
            "licence.recordal",
            "licence.recordal_cancelled",
        ),
        # A statement that was wrong is corrected by an entry of its own, one step back.
        _correction("take_filing_back", "filed", "to_do"),
        _correction("take_record_back", "recorded", "filed"),
        _correction("take_unfiled_record_back", "recorded", "to_do"),
    ),
    attribute="recordal_state",
)
