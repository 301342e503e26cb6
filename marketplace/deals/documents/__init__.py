"""Papers of a deal: the written notice and the deal certificate as PDF/A."""

from marketplace.deals.documents.content import (
    CertificateDocument,
    FeeBasis,
    NoticeDocument,
    Owed,
    Paid,
    Party,
)
from marketplace.deals.documents.rendering import certificate_pdf, notice_pdf

__all__ = [
    "CertificateDocument",
    "FeeBasis",
    "NoticeDocument",
    "Owed",
    "Paid",
    "Party",
    "certificate_pdf",
    "notice_pdf",
]
