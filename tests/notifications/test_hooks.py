"""Outgoing webhooks: what is sent, signed and tried again, to whom, and what is refused."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from marketplace.core.journal import JournalEntry
from marketplace.core.permissions import allowed
from marketplace.core.tasks import Task
from marketplace.core.unit_of_work import record, unit_of_work
from marketplace.core.worker import Worker
from marketplace.notifications.hooks import delivering, sending, services
from marketplace.notifications.hooks.models import WebhookDelivery, WebhookEndpoint
from marketplace.notifications.services import tell
from tests import factories


@dataclass
class Receiver:
    """A real server that answers with `status` and keeps what it was sent."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(found.status)
            self.send_header("Location", f"{found.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def holder(context: None) -> Actor:
    with unit_of_work():
        return factories.actor(factories.organisation("示例大学"))


def registered(actor: Actor, url: str, *events: str) -> WebhookEndpoint:
    with unit_of_work(actor):
        return services.register(actor, url, events or ("offer.verified",), "库")


def happened(actor: Actor, *, origin: str = "live") -> list[WebhookDelivery]:
    """An offer of the actor goes live; the messages that the reader makes of it."""
    with unit_of_work(origin=origin):
        offer = factories.live_offer(db.session.get_one(Organisation, actor.organisation_id))
        record("offer.verified", offer, organisation_id=actor.organisation_id)
    return made()


def made() -> list[WebhookDelivery]:
    entries = list(db.session.scalars(sa.select(JournalEntry).order_by(JournalEntry.id)))
    with unit_of_work():
        delivering.make(entries)
    return list(db.session.scalars(sa.select(WebhookDelivery).order_by(WebhookDelivery.id)))


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """The receiver's own check, written from the standard and not from our code."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split(" "))


def test_what_concerns_an_organisation_is_sent_signed_with_ids_and_states_only(
    holder: Actor, receiver: Receiver
) -> None:
    endpoint = registered(holder, receiver.url)
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    registered(stranger, receiver.url + "/other")
    (delivery,) = happened(holder)
    assert len(made()) == 1, "an entry that is read again tells nobody twice"
    delivering.deliver(delivery.id)
    ((headers, body),) = receiver.got
    assert verified(services.secret(endpoint), headers, body)
    assert not verified("whsec_" + base64.b64encode(hashlib.sha256(b"x").digest()).decode(), headers, body)
    said = json.loads(body)
    assert said["type"] == "offer.verified"
    assert set(said) == {"type", "timestamp", "data"}
    assert said["data"]["state"] == "announced"
    assert set(said["data"]) == {"object", "id", "state", "patent_id", "evidence"}
    assert delivery.state == "delivered"
    assert delivery.attempts[0].status == 204


def test_only_what_happens_live_is_sent(holder: Actor, receiver: Receiver) -> None:
    registered(holder, receiver.url)
    assert happened(holder, origin="import") == []


def test_after_a_rotation_both_secrets_check_a_message_for_a_day(holder: Actor, receiver: Receiver) -> None:
    endpoint = registered(holder, receiver.url)
    old = services.secret(endpoint)
    with unit_of_work(holder):
        new = services.secret(services.rotate(holder, endpoint.id))
    (delivery,) = happened(holder)
    delivering.deliver(delivery.id)
    assert verified(old, *receiver.got[0])
    assert verified(new, *receiver.got[0])
    with clock.at(clock.now() + dt.timedelta(days=2)):
        with unit_of_work(holder):
            services.replay(holder, delivery.id)
        delivering.deliver(delivery.id)
    assert receiver.got[1][0]["webhook-id"] == receiver.got[0][0]["webhook-id"]
    assert verified(new, *receiver.got[1])
    assert not verified(old, *receiver.got[1])


def test_a_failure_is_tried_again_later_and_a_redirect_is_one(holder: Actor, receiver: Receiver) -> None:
    registered(holder, receiver.url)
    receiver.status = 302
    (delivery,) = happened(holder)
    for _attempt in range(2):
        delivering.deliver(delivery.id)
    assert len(receiver.got) == 2, "the redirect is not followed"
    assert [one.status for one in delivery.attempts] == [302, 302]
    assert (delivery.state, delivery.tries) == ("pending", 2)
    assert db.session.scalar(sa.select(Task.name).where(Task.name == delivering.TASK)) is not None
    receiver.status = 200
    delivering.deliver(delivery.id)
    assert delivery.state == "delivered"
    assert db.session.get_one(WebhookEndpoint, delivery.endpoint_id).failing_since is None


def test_an_address_that_fails_for_days_is_disabled_and_its_organisation_told(
    holder: Actor, receiver: Receiver
) -> None:
    endpoint = registered(holder, receiver.url)
    receiver.status = 500
    (delivery,) = happened(holder)
    delivering.deliver(delivery.id)
    with clock.at(clock.now() + delivering.PATIENCE + dt.timedelta(hours=1)):
        delivering.deliver(delivery.id)
    assert endpoint.state == "disabled"
    entry = db.session.scalars(sa.select(JournalEntry).where(JournalEntry.action == "webhook.given_up")).one()
    with unit_of_work():
        (told,) = tell(entry)
    assert (told.organisation_id, told.code) == (holder.organisation_id, "webhook_given_up")
    with pytest.raises(Conflict, match="webhook-disabled"), unit_of_work(holder):
        services.replay(holder, delivery.id)


def test_gone_disables_at_once(holder: Actor, receiver: Receiver) -> None:
    endpoint = registered(holder, receiver.url)
    receiver.status = 410
    (delivery,) = happened(holder)
    delivering.deliver(delivery.id)
    assert (endpoint.state, delivery.state) == ("disabled", "failed")


def test_others_and_members_who_do_not_administer_see_nothing(holder: Actor, receiver: Receiver) -> None:
    endpoint = registered(holder, receiver.url)
    with unit_of_work():
        stranger = factories.actor(factories.organisation())
    with pytest.raises(NotFound):
        services.get(stranger, endpoint.id)
    editor = Actor(
        user_id=holder.user_id, organisation_id=holder.organisation_id, roles=frozenset({"member"})
    )
    with pytest.raises(Forbidden):
        services.endpoints(editor)
    assert not allowed(editor, "webhook.manage", endpoint).allowed


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "224.0.0.1"],
)  # fmt: skip
def test_no_address_of_an_inner_network_is_public(address: str) -> None:
    assert not sending.is_public(address)


def test_in_production_inner_addresses_are_refused_when_registered_and_when_sent_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sending.is_public("203.119.0.1")
    for url in ("http://example.com/", "https://user:x@example.com/", "ftp://example.com", "https://"):
        with pytest.raises(Invalid, match="webhook-url"):
            sending.checked(url, public_only=True)
    with pytest.raises(DomainError) as refused:
        sending.checked("https://127.0.0.1/hook", public_only=True)
    assert refused.value.code == "webhook-url-private"
    # A name that is turned to the inner network after it was registered.
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_a, **_k: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", 443))]
    )
    outcome = sending.post("https://rebound.example/", b"{}", {}, public_only=True)
    assert (outcome.status, outcome.error) == (None, "address-not-public")
    assert receiver.got == []


def test_a_receiver_that_answers_byte_by_byte_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "LIMIT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcome = sending.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, public_only=False)
    assert (outcome.status, outcome.error) == (None, "connection")
    assert outcome.milliseconds < 5_000


def test_the_worker_sends_a_test_by_itself(committed_app: Flask, receiver: Receiver) -> None:
    worker = Worker(committed_app)
    with committed_app.app_context(), unit_of_work():
        holder = factories.actor(factories.organisation())
    worker.drain()
    with committed_app.app_context():
        endpoint = registered(holder, receiver.url)
        with unit_of_work(holder):
            services.test(holder, endpoint.id)
    worker.drain()
    assert [json.loads(body)["type"] for _headers, body in receiver.got] == ["webhook.tested"]
