"""Time-stamps of RFC 3161: proof by a third party that a paper existed at a time.

The authority sees the paper's hash and nothing else. Without the setting `TSA_URL` there is none.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from asn1crypto import cms, tsp  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.sign.timestamps.requests_client import RequestsHTTPTimeStamper
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from .sealing import settings

TIMEOUT: Final = 10  # seconds


class TimeStampFailed(Exception):
    """The authority gave no usable time-stamp; `code` is `unreachable`, `refused` or `not_valid`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Stamped:
    """A token (DER), its time, its serial number and who signed it."""

    token: bytes
    at: dt.datetime
    serial: str
    authority: str


@dataclass(frozen=True)
class StampCheck:
    """`valid`: the token is about this hash and its signature fits; `trusted`: its root is a known one."""

    valid: bool
    trusted: bool


class Authority(Protocol):
    """Whoever signs that a hash was shown to it at a time."""

    def stamp(self, digest: bytes) -> Stamped:
        """A time-stamp over a sha256. Raises TimeStampFailed. Uses the network: never in a unit of work."""


class HttpAuthority:
    """An authority that is asked over HTTP (RFC 3161 §3.4)."""

    def __init__(self, url: str, roots: tuple[bytes, ...] = ()) -> None:
        self._url, self._roots = url, roots

    def stamp(self, digest: bytes) -> Stamped:
        """As `Authority.stamp`; a token that does not fit, or whose root is not a known one, is no stamp."""
        client = RequestsHTTPTimeStamper(self._url, timeout=TIMEOUT)  # type: ignore[no-untyped-call]
        try:
            token = asyncio.run(client.async_timestamp(digest, "sha256"))
        except TimestampRequestError as error:
            code = "unreachable" if isinstance(error.__cause__, OSError) else "refused"
            raise TimeStampFailed(code) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:  # no answer of RFC 3161
            raise TimeStampFailed("not_valid") from error
        found = token.dump()
        checked = check(found, digest, self._roots)
        if not checked.valid or (self._roots and not checked.trusted):
            raise TimeStampFailed("not_valid")
        info = _info(token)
        return Stamped(
            found, info["gen_time"].native, f"{info['serial_number'].native:X}", _signer_name(token)
        )


def authority() -> Authority | None:
    """The configured authority, None where there is none."""
    found = settings()
    return HttpAuthority(found.tsa_url, trusted_roots()) if found.tsa_url else None


def trusted_roots() -> tuple[bytes, ...]:
    """The certificates of `TSA_ROOTS` as DER; none where the setting is empty."""
    path = settings().tsa_roots
    if not path:
        return ()
    pem = Path(path).read_bytes()
    return tuple(one.public_bytes(Encoding.DER) for one in load_pem_x509_certificates(pem))


def check(token: bytes, digest: bytes, roots: tuple[bytes, ...]) -> StampCheck:
    """Whether a token is about this sha256, correctly signed, and under one of these roots (DER)."""
    context = ValidationContext(
        trust_roots=[one for root in roots for one in load_certs_from_pemder_data(root)],
        allow_fetching=False,
    )
    try:
        signed = cms.ContentInfo.load(token)["content"]
        found = asyncio.run(
            validate_tst_signed_data(
                signed, context, lambda algorithm: digest if algorithm == "sha256" else b""
            )
        )
        status = TimestampSignatureStatus(**found)
    except (SignatureValidationError, ValueError, TypeError, KeyError):
        return StampCheck(False, False)
    return StampCheck(status.intact and status.valid, status.trusted)


def _info(token: cms.ContentInfo) -> tsp.TSTInfo:
    return token["content"]["encap_content_info"]["content"].parsed


def _signer_name(token: cms.ContentInfo) -> str:
    """The common name in the certificate that signed; the token brings it along."""
    signed = token["content"]
    wanted = signed["signer_infos"][0]["sid"]
    for one in signed["certificates"]:
        certificate = one.chosen
        if wanted.name != "issuer_and_serial_number" or (
            certificate.serial_number == wanted.chosen["serial_number"].native
        ):
            return str(certificate.subject.native.get("common_name", ""))[:200]
    return ""
