"""What the worker does for questions: mail to visitors, and what comes with time."""

from __future__ import annotations

import datetime as dt

from flask import current_app
from flask_babel import force_locale, gettext

from marketplace.accounts.models import User
from marketplace.core.database import db
from marketplace.core.mailer import mailer
from marketplace.core.tasks import Handler, Schedule
from marketplace.core.unit_of_work import unit_of_work

from . import questions
from .models import Question


def mail_confirm(question_id: int) -> None:
    """Ask a visitor to confirm the address (a task).

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
    """
    row = db.session.get(Question, question_id)
    if row is None or row.state != "unconfirmed" or row.email is None:
        return
    with force_locale(row.locale):
        subject = gettext("Please confirm your question")
        text = gettext(
            "You, or somebody who gave your address, asked a question about the patent “%(title)s”. "
            "Open this page within three days to send it to the holder; otherwise nothing happens:",
            title=_title(row),
        )
        footer = gettext("This message was sent by the patent open-licensing marketplace.")
    address = f"{current_app.config['SETTINGS'].public_url}/questions/confirm/{questions.token_of(row)}"
    _send(row.email, subject, f"{text}\n\n{address}\n\n-- \n{footer}\n")


def mail_answer(question_id: int) -> None:
    """Send the answer to whoever asked without an organisation (a task).

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
    """
    row = db.session.get(Question, question_id)
    if row is None or row.answer is None:
        return
    user = db.session.get(User, row.user_id) if row.user_id is not None else None
    to = user.email if user is not None else row.email
    if to is None:
        return
    with force_locale(row.locale):
        subject = gettext("Your question about “%(title)s” is answered", title=_title(row))
        asked, said = gettext("Your question"), gettext("The holder's answer")
        footer = gettext("This message was sent by the patent open-licensing marketplace.")
    address = f"{current_app.config['SETTINGS'].public_url}/offers/{row.offer_id}"
    _send(to, subject, f"{asked}:\n{row.text}\n\n{said}:\n{row.answer}\n\n{address}\n\n-- \n{footer}\n")


def _title(row: Question) -> str:
    patent = row.offer.patent
    return patent.title_en if row.locale == "en" and patent.title_en else patent.title


def _send(to: str, subject: str, text: str) -> None:
    db.session.rollback()
    mailer().send(to, subject, text)


def tidy() -> None:
    """Let unconfirmed questions expire, and erase visitors' names and addresses. A task."""
    db.session.rollback()
    with unit_of_work():
        questions.tidy()


TASKS: dict[str, Handler] = {
    "questions.mail_confirm": mail_confirm,
    "questions.mail_answer": mail_answer,
    "questions.tidy": tidy,
}
SCHEDULES: tuple[Schedule, ...] = (Schedule("questions.tidy", every=dt.timedelta(hours=6)),)
