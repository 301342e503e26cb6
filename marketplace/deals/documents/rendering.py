"""The papers of a deal as PDF/A-2b files: pure functions of their values and of the fonts."""

from dataclasses import asdict
from pathlib import Path

from marketplace.core.clock import legal_date
from marketplace.core.papers import content_digest, qr_code, render
from marketplace.core.papers.wording import day, instant, sum_of_money
from marketplace.deals.documents.content import CertificateDocument, NoticeDocument, RecordDocument

TEMPLATES = Path(__file__).parent / "templates"


def notice_pdf(notice: NoticeDocument, fallback_fonts: Path | None = None) -> bytes:
    """Return the written notice of Patent Law Art. 51 as PDF/A-2b, the same bytes for the same values.

    `fallback_fonts` is a folder of further fonts for rare characters. Raises MissingGlyph, and ValueError for
    an instant without time zone or a negative sum.
    """
    values = asdict(notice) | {
        "noticed_at": instant(notice.noticed_at),
        "noticed_on": day(legal_date(notice.noticed_at)),
        "announced_on": day(notice.announced_on),
        "term_from": day(notice.term_from),
        "term_to": day(notice.term_to),
        "owed": [
            {
                "item": owed.item,
                "sum": "" if owed.amount_minor is None else sum_of_money(owed.amount_minor, owed.currency),
                "due_on": day(owed.due_on) if owed.due_on else "",
                "terms": owed.terms,
            }
            for owed in notice.owed
        ],
        "digest": content_digest(notice),
    }
    return render(TEMPLATES / "notice.typ", values, notice.noticed_at, fallback_fonts)


def certificate_pdf(certificate: CertificateDocument, fallback_fonts: Path | None = None) -> bytes:
    """Return the deal certificate as PDF/A-2b, the same bytes for the same values.

    `fallback_fonts` is a folder of further fonts for rare characters. Raises MissingGlyph, and ValueError for
    an instant without time zone or a negative sum.
    """
    values = asdict(certificate) | {
        "issued_at": instant(certificate.issued_at),
        "noticed_at": instant(certificate.noticed_at),
        "effective_at": instant(certificate.effective_at),
        "announced_on": day(certificate.announced_on),
        "term_from": day(certificate.term_from),
        "term_to": day(certificate.term_to),
        "recordal_due_on": day(certificate.recordal_due_on),
        "payments": [
            {
                "channel": paid.channel,
                "sum": sum_of_money(paid.amount_minor, paid.currency),
                "day": day(paid.paid_on),
                "reference": paid.reference,
            }
            for paid in certificate.payments
        ],
        "qr": qr_code(certificate.check_url),
    }
    return render(TEMPLATES / "certificate.typ", values, certificate.issued_at, fallback_fonts)


def record_pdf(record: RecordDocument, fallback_fonts: Path | None = None) -> bytes:
    """Return the payer's record as PDF/A-2b, marked as no invoice; the same bytes for the same values.

    `fallback_fonts` is a folder of further fonts for rare characters. Raises MissingGlyph, and ValueError for
    an instant without time zone.
    """
    values = asdict(record) | {
        "issued_at": instant(record.issued_at),
        "owed": sum_of_money(record.owed_minor, record.currency),
        "due_on": day(record.due_on) if record.due_on else "",
        "received": sum_of_money(record.received_minor, record.currency),
        "receipts": [
            {
                "day": day(one.paid_on),
                "sum": ("−" if one.amount_minor < 0 else "")
                + sum_of_money(abs(one.amount_minor), one.currency),
                "note": one.note,
            }
            for one in record.receipts
        ],
    }
    return render(TEMPLATES / "record.typ", values, record.issued_at, fallback_fonts)
