"""The mail with the link to a new password."""

from __future__ import annotations

from flask import current_app
from flask_babel import force_locale, gettext

from marketplace.accounts.models import User
from marketplace.accounts.recovery import reset_code
from marketplace.core.database import db
from marketplace.core.mailer import mailer

TASK = "notifications.mail_password_link"


def mail_password_link(user_id: int) -> None:
    """Send a person the link to a new password, in their language (a task; outside a unit of work).

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
    """
    user = db.session.get(User, user_id)
    if user is None or not user.active:
        return
    with force_locale(user.locale):
        address = f"{current_app.config['SETTINGS'].public_url}/sign-in/reset/{reset_code(user)}"
        subject = gettext("Choose a new password")
        said = gettext(
            "Somebody asked for a new password for this account. The link works once, for one hour."
        )
        ignore = gettext("If it was not you, do nothing: your password stays as it is.")
        footer = gettext("This message was sent by the patent open-licensing marketplace.")
    text = f"{said}\n\n{address}\n\n{ignore}\n\n-- \n{footer}\n"
    to = user.email
    db.session.rollback()
    mailer().send(to, subject, text)
