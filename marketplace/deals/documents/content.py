"""What the documents say, as plain values. Nothing here knows the database, the web or a font."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class FeeBasis(StrEnum):
    """How the announced fee makes the licence begin (Patent Law Art. 51; a setting for the last two)."""

    PAID = "paid"  # notice and payment
    FREE = "free"  # announced as free of charge: service of the notice
    ROYALTY = "royalty"  # royalty only, nothing due on day one: service of the notice


@dataclass(frozen=True)
class Party:
    """A licensee or a patentee: name, unified social credit code and contact, each as it may be printed.

    Leave `code` and `contact` empty where there is none; never put an identity-card number here.
    """

    name: str
    code: str = ""
    contact: str = ""


@dataclass(frozen=True)
class Owed:
    """One sum that the announced terms make due.

    `amount_minor` is in minor units (分 for CNY); None for a royalty that is reckoned later.
    `due_on` is the last day (inclusive); None where the announcement names no day. `terms` says then, in the
    announcement's words, how it is reckoned or when it falls due.
    """

    item: str
    amount_minor: int | None = None
    currency: str = "CNY"
    due_on: date | None = None
    terms: str = ""


@dataclass(frozen=True)
class Paid:
    """One proven payment: channel in words, minor units (分 for CNY), day in Shanghai, reference if any."""

    channel: str
    amount_minor: int
    currency: str
    paid_on: date
    reference: str = ""


@dataclass(frozen=True)
class Clause:
    """A further clause that the licensee accepts of its own will: what it is about, and its wording."""

    about: str
    text: str


@dataclass(frozen=True)
class NoticeDocument:
    """The written notice (书面通知) of Patent Law Art. 51, first paragraph.

    `noticed_at` is an aware instant; it is printed in Shanghai time. Both ends of the term are inclusive.
    `fee_text` is the announced fee, whole and unaltered. `issuer` is the platform's name. `clauses` stand
    beside the announced terms; the licence depends on none of them (GL V-11 §3.3).
    """

    number: str
    noticed_at: datetime
    licensee: Party
    holder: Party
    patent_number: str
    patent_title: str
    declaration_number: str
    announced_on: date
    fee_text: str
    fee_basis: FeeBasis
    term_from: date
    term_to: date
    owed: tuple[Owed, ...]
    issuer: str
    intended_use: str = ""
    clauses: tuple[Clause, ...] = ()
    demonstration: bool = False


@dataclass(frozen=True)
class CertificateDocument:
    """The deal certificate (成交凭证) of an open licence in effect.

    `effective_at`, `noticed_at` and `issued_at` are aware instants, printed in Shanghai time. Both ends of
    the term are inclusive; `recordal_due_on` is the last day. `check_url` is the public page behind the QR.
    """

    number: str
    issued_at: datetime
    licensee: Party
    holder: Party
    patent_number: str
    patent_title: str
    declaration_number: str
    announced_on: date
    notice_number: str
    noticed_at: datetime
    fee_text: str
    fee_basis: FeeBasis
    payments: tuple[Paid, ...]
    term_from: date
    term_to: date
    effective_at: datetime
    recordal_due_on: date
    check_code: str
    check_url: str
    issuer: str
    demonstration: bool = False


@dataclass(frozen=True)
class Came:
    """Money that came: day in Shanghai, minor units (分 for CNY; below zero a reversal), and a note."""

    paid_on: date
    amount_minor: int
    currency: str
    note: str = ""


@dataclass(frozen=True)
class RecordDocument:
    """The payer's record of a payment (付款记录), which is no invoice (非发票).

    `owed_minor` and `received_minor` are in minor units of `currency`; `issued_at` is an aware instant.
    """

    number: str
    issued_at: datetime
    payer: Party
    payee: Party
    patent_number: str
    patent_title: str
    item: str
    owed_minor: int
    currency: str
    due_on: date | None
    channel: str
    receipts: tuple[Came, ...]
    received_minor: int
    notice_number: str
    licence_number: str
    invoiced: bool
    issuer: str
    demonstration: bool = False
