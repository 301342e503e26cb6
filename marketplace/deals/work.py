"""What the worker does for deals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from marketplace.core.tasks import Handler, Schedule, Together

from . import instalments, licences, notices, patent_ends, payments, stripe_gateway, webhooks
from .evidence import stamping
from .export_control.ending import end_waits
from .reconcile import reconcile
from .recordals import services as recordals


def _reconcile() -> None:
    if stripe_gateway.configured():
        reconcile()


def _render_certificates(asked: Sequence[Mapping[str, Any]]) -> None:
    licences.render_certificates([one["licence_id"] for one in asked])


TASKS: dict[str, Handler | Together] = {
    "deals.apply_event": webhooks.apply_event,
    # Few enough that the first one is there within a second of the last one's asking.
    "deals.render_certificate": Together(_render_certificates, most=16),
    "deals.send_notice": notices.send_notice,
    stamping.TASK: stamping.stamp_notice,
    "deals.ask_time_stamps": stamping.ask_again,
    "deals.end_export_waits": end_waits,
    "deals.expire_session": payments.expire_session,
    "deals.escalate_slips": payments.escalate_slips,
    "deals.serve_waiting": notices.serve_waiting,
    "deals.end_undelivered": notices.end_undelivered,
    "deals.lapse_notices": notices.lapse_notices,
    "deals.remind_instalments": instalments.remind,
    "deals.remind_recordals": recordals.remind,
    "deals.expire_licences": licences.expire_licences,
    "deals.end_with_patents": patent_ends.end_with_patents,
    "deals.reconcile": _reconcile,
}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule("deals.serve_waiting", every=timedelta(minutes=1)),
    Schedule("deals.end_undelivered", every=timedelta(hours=1)),
    Schedule("deals.escalate_slips", every=timedelta(hours=1)),
    Schedule("deals.lapse_notices", every=timedelta(hours=1)),
    Schedule("deals.end_export_waits", every=timedelta(hours=1)),
    Schedule("deals.ask_time_stamps", every=timedelta(hours=1)),
    Schedule("deals.remind_instalments", every=timedelta(hours=1)),
    Schedule("deals.remind_recordals", every=timedelta(hours=1)),
    Schedule("deals.expire_licences", every=timedelta(hours=1)),
    Schedule("deals.end_with_patents", every=timedelta(minutes=10)),
    Schedule("deals.reconcile", every=timedelta(days=1)),
)
