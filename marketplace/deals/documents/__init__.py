"""Papers of a deal: the written notice and the deal certificate as PDF/A, and the signature on them."""

from marketplace.deals.documents.content import (
    CertificateDocument,
    FeeBasis,
    NoticeDocument,
    Owed,
    Paid,
    Party,
    content_digest,
)
from marketplace.deals.documents.rendering import MissingGlyph, certificate_pdf, notice_pdf

__all__ = [
    "CertificateDocument",
    "FeeBasis",
    "MissingGlyph",
    "NoticeDocument",
    "Owed",
    "Paid",
    "Party",
    "certificate_pdf",
    "content_digest",
    "notice_pdf",
]
