"""Mail over SMTP: a server that is away is tried again, a refusal for good is not."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from marketplace.core.errors import Unavailable
from marketplace.core.mailer import Mailer
from tests.services.process import free_ports


class Office:
    """Takes mail, except for two addresses."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 no such mailbox"
        if address.startswith("busy"):
            return "451 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.taken += envelope.rcpt_tos
        return "250 OK"


@pytest.fixture
def office() -> Iterator[tuple[Office, Mailer]]:
    handler = Office()
    [port] = free_ports(1)
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, Mailer(f"smtp://127.0.0.1:{port}", "no-reply@open-licence.example")
    controller.stop()


def test_mail_is_handed_to_the_server(office: tuple[Office, Mailer]) -> None:
    server, mailer = office
    mailer.send("someone@example.org", "通知", "正文", ("a.pdf", b"%PDF-"))
    assert server.taken == ["someone@example.org"]


def test_a_server_that_asks_to_wait_or_does_not_answer_is_unavailable(office: tuple[Office, Mailer]) -> None:
    _, mailer = office
    with pytest.raises(Unavailable):
        mailer.send("busy@example.org", "通知", "正文")
    with pytest.raises(Unavailable):
        Mailer("smtp://127.0.0.1:1", "no-reply@open-licence.example").send("a@example.org", "通知", "正文")


def test_an_address_refused_for_good_is_not_tried_for_ever(office: tuple[Office, Mailer]) -> None:
    _, mailer = office
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mailer.send("nobody@example.org", "通知", "正文")
