"""The message with the link by which a party answers (a task; outside a unit of work)."""

from __future__ import annotations

from flask import current_app
from flask_babel import force_locale, gettext

from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.mailer import mailer

from .models import Consent
from .services import token_of


def mail_consent(consent_id: int) -> None:
    """Send a party the link to the terms that it is asked to consent to, in its language.

    Nothing is sent once the question was answered or taken back.

    Raises:
        Unavailable: the mail server does not answer; the task is tried again.
    """
    consent = db.session.get(Consent, consent_id)
    if (
        consent is None
        or consent.state != "asked"
        or consent.email is None
        or consent.nonce is None
        or consent.expires_at is None
    ):
        return
    # The token is the query's, not the path's: requests are logged by their path.
    address = f"{current_app.config['SETTINGS'].public_url}/consents/open?token={token_of(consent)}"
    patent, holder = consent.offer.patent, consent.offer.holder
    names = {
        "holder": holder.name,
        "party": consent.party_name,
        "number": patent.reference,
        "title": patent.title,
    }
    with force_locale("en" if consent.locale == "en" else "zh"):
        if consent.purpose == "withdrawal":
            subject = gettext("Your consent to the withdrawal of an open licence: %(title)s", **names)
            lines = [
                gettext(
                    "%(holder)s asks %(party)s to consent to the withdrawal of the open licence of patent "
                    "%(number)s, %(title)s.",
                    **names,
                ),
                gettext(
                    "Here is what would be withdrawn and why; agree, or refuse with your reason. No account "
                    "is needed:"
                ),
            ]
        else:
            subject = gettext("Your consent to an open licence: %(title)s", **names)
            lines = [
                gettext(
                    "%(holder)s asks %(party)s to consent to the open licence of patent %(number)s, "
                    "%(title)s.",
                    **names,
                ),
                gettext(
                    "Here are all of its terms; agree, or refuse with your reason. No account is needed:"
                ),
            ]
        lines += [
            address,
            gettext(
                "The link works once, until %(day)s. Whoever has it answers for you: do not pass it on.",
                day=clock.legal_date(consent.expires_at).isoformat(),
            ),
        ]
        footer = gettext("This message was sent by the patent open-licensing marketplace.")
    to = consent.email
    db.session.rollback()
    mailer().send(to, subject.replace("\n", " "), "\n\n".join([*lines, f"-- \n{footer}\n"]))
