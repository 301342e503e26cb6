"""Papers of a deal: the written notice and the deal certificate as PDF/A."""

from marketplace.deals.documents.content import (
    Came,
    CertificateDocument,
    Clause,
    FeeBasis,
    NoticeDocument,
    Owed,
    Paid,
    Party,
    RecordDocument,
)
from marketplace.deals.documents.rendering import certificate_pdf, notice_pdf, record_pdf

__all__ = [
    "Came",
    "CertificateDocument",
    "Clause",
    "FeeBasis",
    "NoticeDocument",
    "Owed",
    "Paid",
    "Party",
    "RecordDocument",
    "certificate_pdf",
    "notice_pdf",
    "record_pdf",
]
