"""What the worker does for accounts: mails with links, reminders of mandates, deleting papers."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from marketplace.core.retention import Retention, nothing
from marketplace.core.tasks import Handler, Schedule

from . import addresses, members
from .mails import mail_address_link, mail_answer, mail_invitation
from .mandates import remind_of_ends
from .models import Invitation, JoinRequest
from .verifying import forget_papers

_REMIND = "accounts.remind_of_mandates"
_FORGET = "accounts.forget_papers"

TASKS: dict[str, Handler] = {
    addresses.TASK: mail_address_link,
    members.TASK: mail_invitation,
    members.ANSWER_TASK: mail_answer,
    _REMIND: remind_of_ends,
    _FORGET: forget_papers,
}
SCHEDULES: tuple[Schedule, ...] = (
    Schedule(_REMIND, every=dt.timedelta(hours=12)),
    Schedule(_FORGET, every=dt.timedelta(days=1)),
)
# Addresses and words whose purpose is fulfilled once a question is settled (PIPL Art. 19, 47 (1)).
RETENTIONS: tuple[Retention, ...] = (
    Retention(
        "invitations",
        Invitation,
        days=180,
        since=sa.func.coalesce(Invitation.ended_at, Invitation.expires_at),
        holds=Invitation.email.not_like("erased-%@erased.invalid"),
        blank={"email": lambda id_: f"erased-{id_}@erased.invalid"},
        of="organisation_id",
    ),
    Retention(
        "join_requests",
        JoinRequest,
        days=180,
        since=JoinRequest.decided_at,
        holds=JoinRequest.message.is_not(None),
        blank={"message": nothing},
        of="organisation_id",
    ),
)
