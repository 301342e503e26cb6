"""What has to be handed in with a declaration, from what is known: a pure function.

Guidelines 2023, Part V Chapter 11 §3.1 (reports, pledge), §3.2 (co-owners), §3.3 and §3.5 (declaration,
signatures, agency); for state-established institutions the Law on Promoting the Transformation of Scientific
and Technological Achievements, Art. 18.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from marketplace.core.errors import N_

Owners = Literal["sole", "signed", "stated", "open"]
PriceNotice = Literal["none", "missing", "running", "over"]


@dataclass(frozen=True)
class Known:
    """What is known of a declaration and its patent.

    Attributes:
        kind: of the patent.
        report: the fact on the evaluation report: `positive`, `negative`, `none`, or None when unknown.
        pledged: that on the pledge: `no`, `with_consent`, `without_consent`, or None when unknown.
        owners: whether there are co-owners, and whether their consents are here, or only stated.
        mandate_until: the last day of the agency's mandate, where an agency files.
        agency: whether an agency files.
        price_notice: where it stands; `none` when none is needed and none was held.
    """

    kind: str
    report: str | None
    pledged: str | None
    owners: Owners
    agency: bool = False
    mandate_until: dt.date | None = None
    price_notice: PriceNotice = "none"


@dataclass(frozen=True)
class Line:
    """One paper to hand in: English msgids of what it is and why, and whether it is there (None: unknown)."""

    code: str
    text: str
    basis: str
    done: bool | None


_TEXTS = {
    "declaration": (
        N_("Declaration of the patent open licence, signed or sealed by the patentees (专利开放许可声明)"),
        N_("Guidelines 2023 Part V Chapter 11 §3.3: seven items and the explanation of the fee"),
    ),
    "owners": (
        N_("Written consent of every co-owner"),
        N_("Guidelines 2023 Part V Chapter 11 §3.2: all co-owners agree, or their agreement provides for it"),
    ),
    "all_signed": (
        N_("Written consent of every patentee"),
        N_("Guidelines 2023 Part V Chapter 11 §3.3: an agency files with all patentees' signed consent"),
    ),
    "mandate": (
        N_("Power of attorney for the agency, in force"),
        N_("Guidelines 2023 Part V Chapter 11 §3.3: the agency seals the declaration"),
    ),
    "report": (
        N_("Evaluation report of the patent, with a conclusion that does not deny the conditions of grant"),
        N_("Patent Law Art. 50 para. 1; Guidelines 2023 Part V Chapter 11 §3.1 (7) and (8)"),
    ),
    "pledge": (
        N_("Written consent of the pledgee"),
        N_("Implementing Regulations Rule 86 (4); Guidelines 2023 Part V Chapter 11 §3.1 (4)"),
    ),
    "price_notice": (
        N_("Record of the price notice inside the institution, for its own files"),
        N_(
            "Law on Promoting the Transformation of Scientific and Technological Achievements Art. 18; it is "
            "not among the papers that the guidelines name"
        ),
    ),
}


_WITHDRAWAL_TEXTS = {
    "withdrawal": (
        N_("Withdrawal of the declaration, without conditions, signed or sealed by the patentees"),
        N_("Patent Law Art. 50 para. 2; Guidelines 2023 Part V Chapter 11 §4"),
    ),
    "owners": (
        N_("Written consent of every co-owner to the withdrawal"),
        N_("Guidelines 2023 Part V Chapter 11 §4: the withdrawal is made by all patentees"),
    ),
    "proof": (
        N_("Proof, where the ground is another proper reason than a bar that has arisen"),
        N_("Guidelines 2023 Part V Chapter 11 §4"),
    ),
}


def _line(code: str, done: bool | None) -> Line:
    text, basis = _TEXTS[code]
    return Line(code, text, basis, done)


def withdrawal_checklist(owners: Owners, *, agency: bool, mandate: bool) -> list[Line]:
    """The papers of a withdrawal in the order in which they are handed in.

    Args:
        owners: as `Known.owners`; `stated` once it is filed without consents kept here.
        agency, mandate: whether an agency files, and whether its power of attorney is in force.
    """
    lines = [Line("withdrawal", *_WITHDRAWAL_TEXTS["withdrawal"], None)]
    if agency:
        lines.append(_line("mandate", mandate))
    if owners != "sole":
        lines.append(Line("owners", *_WITHDRAWAL_TEXTS["owners"], owners == "signed"))
    lines.append(Line("proof", *_WITHDRAWAL_TEXTS["proof"], None))
    return lines


def checklist(known: Known) -> list[Line]:
    """The papers in the order in which they are handed in; only what this declaration needs."""
    lines = [_line("declaration", None)]
    if known.agency:
        lines += [
            _line("mandate", known.mandate_until is not None),
            _line("all_signed", known.owners == "signed"),
        ]
    elif known.owners != "sole":
        lines.append(_line("owners", known.owners == "signed"))
    if known.kind != "invention":
        lines.append(_line("report", None if known.report is None else known.report == "positive"))
    if known.pledged in ("with_consent", "without_consent"):
        lines.append(_line("pledge", known.pledged == "with_consent"))
    elif known.pledged is None:
        lines.append(_line("pledge", None))
    if known.price_notice != "none":
        lines.append(_line("price_notice", known.price_notice == "over"))
    return lines
