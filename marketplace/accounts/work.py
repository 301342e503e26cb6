"""What the worker does for accounts: mails with links, reminders of mandates, deleting papers."""

from __future__ import annotations

import datetime as dt

from marketplace.core.tasks import Handler, Schedule

from . import addresses, members
from .mails import mail_address_link, mail_answer, mail_invitation
from .mandates import remind_of_ends
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
