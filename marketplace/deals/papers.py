"""The papers of a deal made from our rows: what they say, printed and sealed. Slow: outside units of work."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from marketplace.accounts.models import Organisation
from marketplace.core import clock
from marketplace.core.errors import Conflict
from marketplace.core.identifiers import PatentNumber
from marketplace.core.money import Money
from marketplace.core.papers.sealing import ISSUER as ISSUER
from marketplace.core.papers.sealing import fallback_fonts as fallback_fonts
from marketplace.core.papers.sealing import seal as seal
from marketplace.core.papers.sealing import settings as settings
from marketplace.core.papers.sealing import signer as signer
from marketplace.listings.models import Offer, Patent

from .clauses.models import OfferClause
from .documents import CertificateDocument, Clause, FeeBasis, NoticeDocument, Owed, Paid, Party
from .ledger import receipts_of
from .models import Licence, Notice
from .rules import basis_of, licence_term, makes_the_licence, obligations_of, pay_by

CHANNEL_WORDS = {"bank": "银行转账至许可人账户", "stripe": "许可人的在线收款账户（Stripe）"}
_KIND_WORDS = {"fee": "许可使用费", "entry_fee": "入门费", "royalty": "提成"}
_CLAUSE_WORDS = {
    "use_reports": "使用情况报告",
    "grace_period": "宽限期",
    "improvements": "技术改进",
    "support": "技术支持",
    "marking": "产品标识",
    "other": "其他事项",
}
_BASE_WORDS = {"net_sales": "净销售额", "profit": "利润额"}


def patent_number(patent: Patent) -> str:
    """The number as papers print it: `ZL 2019 1 0123456.7`, or the publication number."""
    if patent.number is None:
        return patent.reference
    return PatentNumber.parse(patent.number).spaced


def fee_text(terms: dict[str, Any]) -> str:
    """The announced fee in Chinese: the form with its figures, then the announcement's own words."""
    form, amount = terms["fee_form"], terms["fee_minor"]
    fixed = "" if amount is None else f"人民币 {Money(amount, terms['currency']).major:,.2f} 元"
    if terms["currency"] != "CNY" and amount is not None:
        fixed = f"{Money(amount, terms['currency']).major:,} {terms['currency']}"
    rate = "" if terms["rate_percent"] is None else f"{Decimal(terms['rate_percent']):f}%"
    base = _BASE_WORDS.get(terms["rate_base"] or "", "净销售额" if form == "royalty_net_sales" else "利润额")
    line = {
        "free": "免费",
        "fixed": f"固定费用：{fixed}",
        "royalty_net_sales": f"净销售额提成：{rate}",
        "royalty_profit": f"利润额提成：{rate}",
        "entry_plus_royalty": f"入门费：{fixed}；另按{base}的 {rate} 提成",
    }[form]
    words = terms["payment_text"]
    return f"{line}。{words}" if words else line


def notice_document(
    offer: Offer,
    licensee: Organisation,
    terms: dict[str, Any],
    *,
    number: str,
    at: dt.datetime,
    use: str | None,
    contact: str | None,
    clauses: Sequence[OfferClause] = (),
) -> NoticeDocument:
    """What the written notice says.

    Raises:
        Conflict: `terms-incomplete`, `term-unknown`, or `offer-not-live` when the term is over.
    """
    term = offer_term(offer, clock.legal_date(at))
    owed = [
        Owed(
            _KIND_WORDS[one.kind] + (f"（第 {one.instalment} 期）" if one.instalment else ""),
            one.amount_minor,
            one.currency,
            pay_by(at) if makes_the_licence(one.instalment) else None,
            terms="" if makes_the_licence(one.instalment) else f"许可生效后 {one.due_months} 个月内",
        )
        for one in obligations_of(terms)
    ]
    if terms["rate_percent"] is not None:
        owed.append(Owed(_KIND_WORDS["royalty"], terms=fee_text(terms)))
    if offer.announced_on is None:
        raise ValueError("a notice needs an announced offer")
    return NoticeDocument(
        number=number,
        noticed_at=at,
        licensee=party(licensee, contact or ""),
        holder=holder_party(offer),
        patent_number=patent_number(offer.patent),
        patent_title=offer.patent.title,
        declaration_number=offer.declaration_number or "",
        announced_on=offer.announced_on,
        fee_text=fee_text(terms),
        fee_basis=FeeBasis(basis_of(terms)),
        term_from=max(term[0], offer.term_from or term[0]),
        term_to=term[1],
        owed=tuple(owed),
        issuer=ISSUER,
        intended_use=use or "",
        clauses=tuple(Clause(_CLAUSE_WORDS[one.kind], one.text) for one in clauses),
        demonstration=not settings().production,
    )


def certificate_document(licence: Licence) -> CertificateDocument:
    """What the deal certificate says, of a licence that came about here."""
    notice, offer = licence.notice, licence.offer
    if (
        notice is None
        or offer is None
        or offer.announced_on is None
        or licence.term_to is None
        or licence.recordal_due_on is None
        or licence.certificate_code is None
    ):
        raise ValueError("only a licence that came about here has a certificate")
    return CertificateDocument(
        number=licence.number,
        issued_at=licence.created_at,
        licensee=party(licence.licensee),
        holder=holder_party(offer),
        patent_number=patent_number(licence.patent),
        patent_title=licence.patent.title,
        declaration_number=offer.declaration_number or "",
        announced_on=offer.announced_on,
        notice_number=notice.number,
        noticed_at=notice.served_at or notice.written_at,
        fee_text=fee_text(notice.terms),
        fee_basis=FeeBasis(basis_of(notice.terms)),
        payments=paid_sums(notice),
        term_from=max(licence.effective_on, offer.term_from or licence.effective_on),
        term_to=licence.term_to,
        effective_at=licence.effective_at,
        recordal_due_on=licence.recordal_due_on,
        check_code=licence.certificate_code,
        check_url=f"{settings().public_url}/certificates/{licence.certificate_code}",
        issuer=ISSUER,
        demonstration=not settings().production,
    )


def paid_sums(notice: Notice) -> tuple[Paid, ...]:
    """The proven payments that made the licence, each part of a sum as it came."""
    needed = [one.id for one in notice.obligations if makes_the_licence(one.instalment)]
    return tuple(
        Paid(
            CHANNEL_WORDS[one.payment.channel],
            one.applied_minor,
            one.currency,
            one.paid_on,
            one.payment.reference,
        )
        for one in receipts_of(needed)
        if one.applied_minor > 0
    )


def offer_term(offer: Offer, day: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of a licence that would take effect on `day`."""
    term = licence_term(day, offer.term_to, offer.patent.expires_on)
    if term is None:
        raise Conflict("offer-not-live", "This offer cannot be taken up any more.")
    return term.begins, term.ends


def party(organisation: Organisation, contact: str = "") -> Party:
    """A party as printed; a person's code is never printed, and one that nobody confirmed says so."""
    code = "" if organisation.type == "individual" else organisation.code or ""
    if code and not organisation.confirmed:
        code = f"{code}（自行填报）"
    return Party(organisation.name, code, contact)


def holder_party(offer: Offer) -> Party:
    """The patentees in the register's order, reached at the announced contact."""
    names = "、".join(one.organisation.name for one in offer.patent.parties) or offer.holder.name
    code = party(offer.holder).code if len(offer.patent.parties) <= 1 else ""
    return Party(names, code, offer.contact or "")
