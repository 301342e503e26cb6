"""The signature on a paper: PAdES, certifying, visible; and its check.

A self-made certificate proves integrity only. The force of a seal (《电子签名法》 Art. 13, 14) needs a
certificate of a licensed authority: put its PKCS#12 file in the settings, nothing else changes.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from asn1crypto import cms  # type: ignore[import-untyped]
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    load_der_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, SimpleBoxLayoutRule
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.util import get_pyca_cryptography_hash

from .rendering import SEAL, render
from .wording import instant

STAMP = Path(__file__).parent / "templates" / "stamp.typ"
A4_HEIGHT = 842  # points
FIELD = "PlatformSeal"
DEMO_YEARS = 10
# Hexadecimal digits kept free for a signature with its chain. pyHanko would otherwise sign twice to find out.
ROOM = 1 << 15


class SigningKeyUnusable(ValueError):
    """The PKCS#12 file cannot be read: wrong password, damaged file, or no key in it."""


@dataclass(frozen=True)
class SignatureCheck:
    """What the check of a signed file found.

    `intact`: the signed bytes are unchanged. `valid`: the signature fits its certificate. `trusted`: the
    certificate leads to a given root and is in its term now. `covers_whole_file`: nothing was appended.
    `signer` is the certificate's common name, `signed_at` the signer's stated time; both empty if unsigned.
    """

    intact: bool
    valid: bool
    trusted: bool
    covers_whole_file: bool
    signer: str = ""
    signed_at: datetime | None = None


class _KeptKey(signers.SimpleSigner):
    """Reads an RSA key once: reading it checks its primes, which takes far longer than signing.

    The ASN.1 around a signature is written once too: of all papers that are signed alike, only the digest
    and the signature differ, and writing the rest again takes ten times as long as signing.
    """

    _mould: _Mould | None = None

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        key = load_der_private_key(self.signing_key.dump(), None)
        assert isinstance(key, rsa.RSAPrivateKey)  # noqa: S101 - the mechanism said so
        return key

    def sign_raw(self, data: bytes, digest_algorithm: str) -> bytes:
        if not self._is_rsa(digest_algorithm):
            return super().sign_raw(data, digest_algorithm)
        return self._key.sign(data, PKCS1v15(), get_pyca_cryptography_hash(digest_algorithm))

    def _is_rsa(self, digest_algorithm: str) -> bool:
        mechanism = self.get_signature_mechanism_for_digest(digest_algorithm)
        return bool(mechanism.signature_algo == "rsassa_pkcs1v15")

    async def async_sign(
        self, data_digest: bytes, digest_algorithm: str, *arguments: Any, **named: Any
    ) -> cms.ContentInfo:
        if self._mould is not None:
            attributes = self._mould.attributes(data_digest)
            return self._mould.cast(data_digest, self.sign_raw(attributes, digest_algorithm))
        made = await super().async_sign(data_digest, digest_algorithm, *arguments, **named)
        if self._is_rsa(digest_algorithm):  # others' signatures vary in length
            self._mould = _Mould.of(made, data_digest)
        return made


@dataclass(frozen=True)
class _Mould:
    """A finished signature (CMS, DER) without its digest and signature, which are of one length always."""

    signed: tuple[bytes, bytes]  # the signed attributes before and behind the digest
    whole: tuple[bytes, bytes, bytes]  # before the digest, between it and the signature, and behind that

    @classmethod
    def of(cls, made: cms.ContentInfo, digest: bytes) -> Self:
        signer = made["content"]["signer_infos"][0]
        before, behind = signer["signed_attrs"].untag().dump().split(digest)
        first, rest = made.dump().split(digest)
        middle, last = rest.split(signer["signature"].native)
        return cls((before, behind), (first, middle, last))

    def attributes(self, digest: bytes) -> bytes:
        """What has to be signed for a paper with this digest."""
        return digest.join(self.signed)

    def cast(self, digest: bytes, signature: bytes) -> cms.ContentInfo:
        """The signature of a paper with this digest."""
        first, middle, last = self.whole
        return cms.ContentInfo.load(first + digest + middle + signature + last)


class Signer:
    """Signs papers with the key of a PKCS#12 file."""

    def __init__(self, path: Path, password: str, fallback_fonts: Path | None = None) -> None:
        """Load the key. Raises FileNotFoundError and SigningKeyUnusable."""
        try:
            loaded = signers.SimpleSigner.load_pkcs12_data(path.read_bytes(), [], password.encode())
        except ValueError as error:
            raise SigningKeyUnusable(f"the signing key {path.name} cannot be read") from error
        self._signer = _KeptKey(loaded.signing_cert, loaded.signing_key, loaded.cert_registry)
        self._fallback_fonts = fallback_fonts

    @property
    def trust_roots(self) -> tuple[bytes, ...]:
        """The self-signed certificates that came with the key, as DER; what `verify` may be told to trust."""
        return tuple(
            certificate.dump()
            for certificate in self._signer.cert_registry
            if certificate.self_signed != "no"
        )

    def sign(self, pdf: bytes, reason: str, location: str, name: str, *, others_sign: bool = False) -> bytes:
        """Return the paper with a certifying PAdES signature and its stamp on the last sheet.

        `name`, `reason` and `location` are shown in the stamp; keep them short, without personal data. No
        change is permitted afterwards, but with `others_sign` further signatures. Raises MissingGlyph for a
        stamp no font can draw.
        """
        now = datetime.now(UTC)  # the stamp shows the same real time that the signature states
        stamp = _stamp(name, reason, location, now.replace(microsecond=0), self._fallback_fonts)
        # typst ends its file without the newline that PDF/A (6.1.9) wants before the signature's objects.
        writer = IncrementalPdfFileWriter(BytesIO(pdf + b"\n"))
        left, top = SEAL["x"], A4_HEIGHT - SEAL["top"]  # PDF counts from the bottom
        with tempfile.NamedTemporaryFile(suffix=".pdf") as stamp_file:
            stamp_file.write(stamp)
            stamp_file.flush()
            signed = signers.PdfSigner(
                signers.PdfSignatureMetadata(
                    field_name=FIELD,
                    reason=reason,
                    location=location or None,
                    name=name,
                    md_algorithm="sha256",
                    subfilter=SigSeedSubFilter.PADES,
                    certify=True,
                    docmdp_permissions=MDPPerm.FILL_FORMS if others_sign else MDPPerm.NO_CHANGES,
                ),
                signer=self._signer,
                stamp_style=StaticStampStyle.from_pdf_file(
                    stamp_file.name,
                    border_width=0,
                    background_layout=SimpleBoxLayoutRule(AxisAlignment.ALIGN_MID, AxisAlignment.ALIGN_MID),
                ),
                new_field_spec=SigFieldSpec(
                    FIELD,
                    on_page=-1,
                    box=(left, top - SEAL["height"], left + SEAL["width"], top),
                    readable_field_name="电子签章",
                ),
            ).sign_pdf(writer, bytes_reserved=ROOM)
        return bytes(signed.getbuffer())


@lru_cache(maxsize=4)
def _stamp(name: str, reason: str, location: str, second: datetime, fallback_fonts: Path | None) -> bytes:
    values = {"name": name, "reason": reason, "location": location, "signed_at": instant(second)}
    return render(STAMP, values, second, fallback_fonts)


def verify(pdf: bytes, trust_roots: Sequence[bytes]) -> SignatureCheck:
    """Check the first signature of a file against root certificates (PEM or DER).

    An unsigned or unreadable file is a failed check, not an error. Raises ValueError for an unreadable root.
    No network is used, so a revocation after signing is not seen.
    """
    roots = [root for file in trust_roots for root in load_certs_from_pemder_data(file)]
    try:
        signatures = PdfFileReader(BytesIO(pdf)).embedded_regular_signatures
        if not signatures:
            return _UNSIGNED
        status = validate_pdf_signature(
            signatures[0], ValidationContext(trust_roots=roots, allow_fetching=False)
        )
    except _UNREADABLE:
        return _UNSIGNED
    return SignatureCheck(
        intact=status.intact,
        valid=status.valid,
        trusted=status.trusted,
        covers_whole_file=status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
        signer=str(status.signing_cert.subject.native.get("common_name", "")),
        signed_at=status.signer_reported_dt,
    )


# What pyHanko and asn1crypto raise for damaged files (found by flipping bytes): no good signature.
_UNREADABLE = (PdfError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)
_UNSIGNED = SignatureCheck(intact=False, valid=False, trusted=False, covers_whole_file=False)


def demo_certificate(folder: Path) -> tuple[Path, str]:
    """Return the path and password of the demonstration's PKCS#12 file, made on first use below `folder`.

    A self-signed root signs an RSA-3072 leaf; both say that they are for demonstration. Files have the rights
    0600. Processes that start together end with the same key. `root.pem` beside it is the root for `verify`.
    """
    home = folder / "signing"
    if not home.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix="signing-", dir=folder))
        try:
            _write_demo_key(draft)
            # A race: renaming onto a full folder fails, so whoever was first stays.
            draft.rename(home)
        except OSError:
            if not home.exists():
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return home / "demo.p12", (home / "password").read_text(encoding="ascii")


def _write_demo_key(folder: Path) -> None:
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = _demo_name("演示用根证书（自签名，不具法律效力）")
    root = (
        _certificate(root_name, root_name, root_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf_key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    leaf = (
        _certificate(_demo_name("演示用电子签章（自签名，不具法律效力）"), root_name, leaf_key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    password = secrets.token_urlsafe(24)
    key_file = pkcs12.serialize_key_and_certificates(
        b"demo", leaf_key, leaf, [root], BestAvailableEncryption(password.encode())
    )
    _write_private(folder / "demo.p12", key_file)
    _write_private(folder / "password", password.encode())
    _write_private(folder / "root.pem", root.public_bytes(Encoding.PEM))


def _demo_name(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * DEMO_YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
