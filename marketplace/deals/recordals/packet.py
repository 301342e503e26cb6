"""The papers of a recordal, or of a technology contract's registration, as one ZIP made from a deal.

Slow: outside units of work. The written notice and the deal certificate are the stored ones, byte for byte;
the forms are made from the frozen terms, the same bytes for the same deal.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.actor import Actor
from marketplace.core.database import db
from marketplace.core.errors import Unavailable
from marketplace.core.files import StoredFile, store
from marketplace.core.lazily import Lazily
from marketplace.core.papers import MissingGlyph
from marketplace.core.papers.sealing import ISSUER, fallback_fonts, settings
from marketplace.deals.documents import Party
from marketplace.deals.evidence.services import papers_of
from marketplace.deals.licences import certificate_bytes
from marketplace.deals.lookup import find, payments_of
from marketplace.deals.models import Licence
from marketplace.deals.papers import fee_text, paid_sums, party, patent_number
from marketplace.deals.policies import side_of
from marketplace.deals.rules import basis_of
from marketplace.listings.papers.content import Frame, Sheet

from . import sheets
from .sheets import DealFacts, Purpose, Side

if TYPE_CHECKING:
    from marketplace.listings.papers import typesetting
else:
    typesetting = Lazily("marketplace.listings.papers.typesetting")

PURPOSES: Final[tuple[Purpose, ...]] = ("recordal", "technology")
_ENDINGS: Final = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


@dataclass(frozen=True)
class Packet:
    """The ZIP, and the name under which it is saved."""

    name: str
    content: bytes


def packet(actor: Actor, licence_id: int, purpose: Purpose, applicant: Side | None = None) -> Packet:
    """All papers of a licence's recordal or of its registration as a technology contract, as one ZIP.

    Args:
        actor: a party, its agency under a mandate (a power of attorney is added then), or staff.
        purpose: `recordal` or `technology`.
        applicant: who applies; by default the actor's side, for staff the holder. A technology contract is
            registered by the licensor.

    Raises:
        NotFound: no such licence, or another party's.
        Unavailable: `font-missing`: a rare character in a name.
    """
    licence = find(actor, "licence.view", Licence, licence_id)
    side: Side = "licensee" if side_of(actor, licence) == "licensee" else "holder"
    deal = deal_facts(actor, licence, "holder" if purpose == "technology" else applicant or side)
    frame = Frame(
        ISSUER,
        licence.created_at.replace(microsecond=0),
        not settings().production,
        deal.agency.name if deal.agency else "",
    )
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _files(actor, licence, deal, frame, purpose):
            # The deal's own day, so that the same papers are the same file.
            entry = zipfile.ZipInfo(name, licence.effective_on.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    what = {"recordal": "备案材料", "technology": "技术合同登记材料"}[purpose]
    return Packet(f"{licence.number}-{what}.zip", held.getvalue())


def deal_facts(actor: Actor, licence: Licence, applicant: Side) -> DealFacts:
    """What the papers of a licence say, with this side as the applicant."""
    patent, offer, notice = licence.patent, licence.offer, licence.notice
    owners = [one.organisation for one in patent.parties] or ([offer.holder] if offer else [])
    basis = basis_of(notice.terms) if notice is not None else "contract"
    term_from = licence.effective_on
    if offer is not None and offer.term_from is not None:
        term_from = max(term_from, offer.term_from)
    due = licence.recordal_due_on
    filed_on = licence.recordal_filed_on or licence.recorded_on or clock.today()
    return DealFacts(
        number=licence.number,
        kind=licence.kind,
        patent_number=patent_number(patent),
        title=patent.title,
        filing_date=patent.filing_date,
        grant_date=patent.grant_date,
        classes=tuple(one.symbol for one in patent.classes),
        holders=tuple(party(one) for one in owners),
        licensee=party(licence.licensee),
        contact=(offer.contact or "") if offer is not None else "",
        declaration_number=(offer.declaration_number or "") if offer is not None else "",
        announced_on=offer.announced_on if offer is not None else None,
        effective_on=licence.effective_on,
        term_from=term_from,
        term_to=licence.term_to,
        fee_text=fee_text(notice.terms) if notice is not None else "",
        basis=basis,
        amount_minor=licence.amount_minor,
        currency=licence.currency,
        payments=paid_sums(notice) if notice is not None else (),
        notice_number=notice.number if notice is not None else "",
        applicant=applicant,
        agency=_agency(actor, licence, applicant),
        late=due is not None and filed_on > due,
        late_reason=licence.late_reason or "",
    )


def _agency(actor: Actor, licence: Licence, applicant: Side) -> Party | None:
    """The agency that acts for the applicant under a mandate; None for a party itself and for staff."""
    if actor.organisation_id is None or actor.is_staff:
        return None
    parties = {licence.licensee_id, *(one.organisation_id for one in licence.patent.parties)}
    if licence.offer is not None:
        parties.add(licence.offer.holder_id)
    principals = {licence.licensee_id} if applicant == "licensee" else parties - {licence.licensee_id}
    mandated = actor.licensees if applicant == "licensee" else actor.holders
    if actor.organisation_id in parties or mandated.isdisjoint(principals):
        return None
    return party(db.session.get_one(Organisation, actor.organisation_id))


def _files(
    actor: Actor, licence: Licence, deal: DealFacts, frame: Frame, purpose: Purpose
) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each file, in the order of the checklist."""
    notice = licence.notice
    vouchers = list(_vouchers(licence)) if purpose == "recordal" else []
    certificate = certificate_bytes(actor, licence.id) if licence.certificate_code is not None else None
    if purpose == "recordal":
        pieces = sheets.recordal_pieces(
            deal, voucher=bool(vouchers) or certificate is not None, notice=notice is not None
        )
        form = sheets.application(deal, frame)
    else:
        pieces = sheets.technology_pieces(
            deal, notice=notice is not None, certificate=certificate is not None
        )
        form = sheets.technology(deal, frame)
    yield "00_材料清单.pdf", _pdf(sheets.checklist(deal, frame, purpose, pieces, english=False))
    yield "00_Checklist.pdf", _pdf(sheets.checklist(deal, frame, purpose, pieces, english=True))
    yield f"01_{form.title}.pdf", _pdf(form)
    yield f"01_{form.title}.docx", typesetting.docx(form)
    if notice is not None:
        yield f"02_书面通知_{notice.number}.pdf", store().read(notice.document_digest)
    if purpose == "recordal" and deal.basis in ("free", "royalty"):
        yield "03_费用说明.pdf", _pdf(sheets.no_payment(deal, frame))
    yield from vouchers
    if certificate is not None:
        yield f"03_成交凭证_{licence.number}.pdf", certificate
    if purpose == "recordal":
        yield "04_身份证明_由申请人补充.pdf", _pdf(sheets.identity(deal, frame))
    if deal.agency is not None:
        mandate = sheets.mandate(deal, frame, deal.agency, purpose)
        yield "05_委托书.pdf", _pdf(mandate)
        yield "05_委托书.docx", typesetting.docx(mandate)
    if purpose == "recordal" and deal.late:
        late = sheets.lateness(deal, frame)
        yield "06_逾期情况说明.pdf", _pdf(late)
        yield "06_逾期情况说明.docx", typesetting.docx(late)
    yield from _sources(licence)


def _vouchers(licence: Licence) -> Iterator[tuple[str, bytes]]:
    """Bank slips and invoices of the payments that made the licence."""
    if licence.notice is None:
        return
    paid = [one for one in payments_of(licence.notice) if one.state == "paid"]
    for number, payment in enumerate(paid, 1):
        for what, file_id in (("支付凭证", payment.slip_id), ("发票", payment.invoice_id)):
            row = db.session.get(StoredFile, file_id) if file_id is not None else None
            if row is not None:
                yield f"03_{what}_{number}.{_ENDINGS[row.content_type]}", store().read(row.digest)


def _sources(licence: Licence) -> Iterator[tuple[str, bytes]]:
    """What the parties laid beside a licence that was taken elsewhere."""
    files = [one.file for one in papers_of(licence) if one.kind == "source" and one.file is not None]
    for number, row in enumerate(files, 1):
        yield f"07_来源材料_{number}.{_ENDINGS[row.content_type]}", store().read(row.digest)


def _pdf(sheet: Sheet) -> bytes:
    try:
        return typesetting.pdf(sheet, fallback_fonts())
    except MissingGlyph as error:
        raise Unavailable(
            "font-missing",
            "A rare character in a name (%(characters)s) cannot be printed: an operator must add a font.",
            characters=error.characters,
        ) from error
