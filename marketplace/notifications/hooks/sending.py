"""One POST to an address that an organisation has named: resolved once, checked, and no redirect followed.

A name may point into our own network, at first or later. So it is resolved here, every address that it
stands for is looked at, and the connection goes to the address that was looked at and to no other one.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from marketplace.core.errors import N_, Invalid

SECONDS: Final = 10
LIMIT: Final = 20.0
"""How many seconds one attempt may take, whatever the receiver does."""

LONGEST: Final = 500
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt: the answer's status, or the code of what kept it from coming."""

    status: int | None
    error: str | None
    milliseconds: int

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class _NotPublic(Exception):
    """The name stands for an address that is not on the open Internet."""


def checked(url: str, *, public_only: bool) -> str:
    """An address as it is kept.

    Args:
        public_only: as in production: only https, and only names that stand for public addresses.

    Raises:
        Invalid: `webhook-url`, when it cannot be one; `webhook-url-private`, when it is not public.
    """
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused() from error
    plain = parts.hostname and not parts.username and not parts.password and not parts.fragment
    schemes = ("https",) if public_only else ("https", "http")
    fits = len(url) <= LONGEST and url.isascii() and not any(sign.isspace() for sign in url)
    if not plain or not fits or parts.scheme not in schemes or port == 0:
        raise _refused()
    if public_only:
        try:
            _addresses(parts, public_only=True)
        except _NotPublic as error:
            message = N_("This address is not on the public Internet.")
            raise Invalid("webhook-url-private", message, fields={"url": [message]}) from error
        except OSError as error:
            raise _refused() from error
    return url


def _refused() -> Invalid:
    message = N_("Please give the full address of your system, with https:// and a name that is known.")
    return Invalid("webhook-url", message, fields={"url": [message]})


def post(url: str, body: bytes, headers: Mapping[str, str], *, public_only: bool) -> Outcome:
    """Send one message; call it outside any unit of work. Nothing is raised: the outcome says it all."""
    began = time.monotonic()
    status, error = _post(urlsplit(url), body, headers, public_only)
    return Outcome(status, error, int((time.monotonic() - began) * 1000))


def _post(
    parts: SplitResult, body: bytes, headers: Mapping[str, str], public_only: bool
) -> tuple[int | None, str | None]:
    try:
        address = _addresses(parts, public_only=public_only)[0]
        connection = _connection(parts, address)
        # A receiver that answers byte by byte must not hold a worker: all reads together have a limit.
        guard = threading.Timer(LIMIT, connection.cut)
        guard.start()
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, {"User-Agent": "open-licence-marketplace", **headers})
            return connection.getresponse().status, None
        finally:
            guard.cancel()
            connection.close()
    except _NotPublic:
        return None, "address-not-public"
    except socket.gaierror:
        return None, "name-unknown"
    except ssl.SSLError:
        return None, "certificate"
    except TimeoutError:
        return None, "timeout"
    except (OSError, http.client.HTTPException):
        return None, "connection"


def _addresses(parts: SplitResult, *, public_only: bool) -> list[str]:
    port = parts.port or _PORTS[parts.scheme]
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if public_only and not all(is_public(address) for address in addresses):
        raise _NotPublic
    return addresses


def is_public(address: str) -> bool:
    """Whether an address lies on the open Internet: not private, loopback, link-local, shared or reserved."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class _Pinned(http.client.HTTPConnection):
    """A connection to one address for another name: no second look-up can lead elsewhere."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=SECONDS)
        self._address, self._context = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), SECONDS)
        self.sock = plain
        if self._context is not None:
            self.sock = self._context.wrap_socket(plain, server_hostname=self.host)

    def cut(self) -> None:
        """End it from outside: whoever reads from it gets an error."""
        if isinstance(self.sock, socket.socket):
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def _connection(parts: SplitResult, address: str) -> _Pinned:
    secure = parts.scheme == "https"
    context = ssl.create_default_context() if secure else None
    connection = _Pinned(str(parts.hostname), parts.port or _PORTS[parts.scheme], address, context)
    if secure:
        connection.default_port = 443  # so that the Host header names the port only where it is another one
    return connection
