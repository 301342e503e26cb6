"""What the worker does for notifications: the journal becomes messages, messages become mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from marketplace.core.journal import JournalEntry
from marketplace.core.readers import Reader
from marketplace.core.retention import Retention, nothing
from marketplace.core.tasks import Handler, Schedule, Together

from .maillog import KEPT_DAYS
from .models import SentMail
from .passwords import TASK, mail_password_link
from .services import mail, tell_all


def _tell(entries: Sequence[JournalEntry]) -> None:
    tell_all(entries)


def readers() -> Sequence[Reader]:
    """The reader that tells people; it starts now, as old news is no news."""
    return [Reader("notifications", inside=_tell, start="now")]


def _mail(asked: Sequence[Mapping[str, Any]]) -> None:
    for one in asked:
        mail(**one)


TASKS: dict[str, Handler | Together] = {
    "notifications.mail": Together(_mail, most=10),
    TASK: mail_password_link,
}
SCHEDULES: tuple[Schedule, ...] = ()
# To whom a mail went is needed while somebody may ask whether it came (PIPL Art. 19).
RETENTIONS: tuple[Retention, ...] = (
    Retention(
        "sent_mails",
        SentMail,
        days=KEPT_DAYS,
        since=SentMail.asked_at,
        holds=SentMail.address.is_not(None),
        blank={"address": nothing},
        of="organisation_id",
    ),
)
