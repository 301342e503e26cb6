"""Sending mail: files in a folder by default, SMTP in production.

Called by tasks only, never in a unit of work.
"""

from __future__ import annotations

import smtplib
import uuid
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import current_app

from .errors import Unavailable


@dataclass(frozen=True)
class Mailer:
    """Where mail goes.

    Attributes:
        url: `file:///folder` or `smtp://user:password@host:port` (`smtps://` for implicit TLS).
        sender: the From address.
    """

    url: str
    sender: str

    def send(
        self,
        to: str,
        subject: str,
        text: str,
        attachment: tuple[str, bytes] | None = None,
        *,
        stop: str | None = None,
    ) -> None:
        """Send one plain-text message, with a PDF (name and bytes) if there is one.

        `stop` is the address that ends such mails: of a page (RFC 2369 §3.2), and mail programs POST to it
        with one click (RFC 8058).

        Raises:
            Unavailable: `mail-unavailable`, when the server does not answer or asks to try again later.
            smtplib.SMTPException: when it refuses the message for good (an unknown address, say).
        """
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])
        if stop is not None:
            message["List-Unsubscribe"] = f"<{stop}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(text)
        if attachment is not None:
            name, content = attachment
            message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
        parts = urlsplit(self.url)
        if parts.scheme == "file":
            folder = Path(parts.path)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{uuid.uuid4().hex}.eml").write_bytes(message.as_bytes())
            return
        connect = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
        try:
            with connect(parts.hostname or "", parts.port or 0, timeout=10) as server:
                if parts.username:
                    server.login(unquote(parts.username), unquote(parts.password or ""))
                server.send_message(message)
        except OSError as error:  # every error of smtplib is one
            if _for_good(error):
                raise
            raise Unavailable("mail-unavailable", "The mail server does not answer.") from error


def _for_good(error: OSError) -> bool:
    """Whether the server does not want this message, now or later (RFC 5321 §4.2.1: 5yz)."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500


def mailer() -> Mailer:
    """The mailer of the present application."""
    found: Mailer = current_app.extensions["marketplace.mailer"]
    return found
