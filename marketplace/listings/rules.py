"""Whether a patent may be offered, and whether terms may be declared: pure functions over plain values.

Sources: Implementing Regulations (IR) 85 and 86; Guidelines for Patent Examination (GL) 2023, Part V Chapter
11 §3.1 (nine bars), §3.3 (seven items, explanation, ceilings); Civil Code 865.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from decimal import Decimal
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from flask_babel import get_locale

from marketplace.core.errors import N_

from .facts import staleness

Result = Literal["clear", "barred", "unknown"]

BARS: Final = (
    "not_granted", "exclusive_licence", "suspension", "annuity", "pledge", "terminated", "invalidated",
    "report_missing", "report_negative", "other",
)  # fmt: skip

# GL V-11 §3.3: "generally not over"; above the fixed sum a patentee may use other ways than an open licence.
FIXED_CEILING_MINOR: Final = 20_000_000 * 100  # 分
RATE_CEILINGS: Final = {"net_sales": Decimal(20), "profit": Decimal(40)}  # per cent
EXPLANATION_LIMIT: Final = 2_000  # characters

SOURCES: Final = {
    "holder": N_("stated by the holder"),
    "operator": N_("entered by the operator"),
    "import": N_("imported register data"),
    "extract": N_("extract of the register"),
    "attestation": N_("attested by the patentee"),
    "pledgee": N_("stated by the pledgee in writing"),
}

# Where the law makes each of them a bar. Numbers in brackets are items of Rule 86 and of Guidelines §3.1.
LEGAL_BASIS: Final = {
    "not_granted": N_(
        "Patent Law Art. 50 para. 1; Implementing Regulations Rule 85 (a declaration follows the announced "
        "grant)"
    ),
    "exclusive_licence": N_(
        "Patent Law Art. 51 para. 3; Implementing Regulations Rule 86 (1); Guidelines 2023 Part V Chapter 11 "
        "§3.1 (1)"
    ),
    "suspension": N_(
        "Implementing Regulations Rules 86 (2), 103 and 104; Guidelines 2023 Part V Chapter 11 §3.1 (2)"
    ),
    "annuity": N_(
        "Implementing Regulations Rules 86 (3) and 115; Guidelines 2023 Part V Chapter 11 §3.1 (3) and "
        "Chapter 9 §4.2.1.3"
    ),
    "pledge": N_("Implementing Regulations Rule 86 (4); Guidelines 2023 Part V Chapter 11 §3.1 (4)"),
    "terminated": N_(
        "Patent Law Art. 42 and 44; Implementing Regulations Rule 86 (5); Guidelines 2023 Part V Chapter 11 "
        "§3.1 (5)"
    ),
    "invalidated": N_(
        "Patent Law Art. 47; Implementing Regulations Rule 86 (5); Guidelines 2023 Part V Chapter 11 §3.1 (6)"
    ),
    "report_missing": N_("Patent Law Art. 50 para. 1; Guidelines 2023 Part V Chapter 11 §3.1 (7)"),
    "report_negative": N_("Guidelines 2023 Part V Chapter 11 §3.1 (8)"),
    "other": N_("Implementing Regulations Rule 86 (5); Guidelines 2023 Part V Chapter 11 §3.1 (9)"),
}
_OWNERSHIP_BASIS: Final = N_(
    "Patent Law Art. 50 para. 1; Guidelines 2023 Part V Chapter 11 §3.2 (only the patentee declares) and §9 "
    "(after a transfer: withdraw and declare anew)"
)


# --- eligibility


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known: a code, an ISO date, free text or `none` (known to be none); when; from where."""

    value: str
    as_of: dt.date | None = None
    source: str | None = None


@dataclass(frozen=True)
class PatentView:
    """What the rules need to know of a patent. A fact that is not in `facts` is unknown.

    `ages` says after how many days each fact is stale; by default the table in force (`facts.staleness`).
    """

    kind: str
    filing_date: dt.date | None = None
    grant_date: dt.date | None = None
    expires_on: dt.date | None = None
    facts: Mapping[str, Fact] = default(default_factory=dict)
    ages: Mapping[str, int] | None = None


_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Bar(NamedTuple):
    """One of the states that hinder an open licence, and what is known about it.

    A tuple, since a holder's whole stock makes half a million of them.

    Attributes:
        code: one of BARS.
        result: `clear`, `barred` or `unknown`; unknown is never clear.
        reason, remedy: English msgids with `%(name)s` places for `parameters`; no remedy when clear.
        fact: the value relied on; None when nothing is known or needed.
        as_of, source: of that fact.
        legal_basis: where the law makes it a bar; an English msgid.
        fresh_until: the last day on which the fact need not be checked again; None when it never has to be.
        stale: whether that day has passed. A stale fact still decides; filing on it asks for confirmation.
    """

    code: str
    result: Result
    reason: str
    fact: str | None = None
    as_of: dt.date | None = None
    source: str | None = None
    remedy: str | None = None
    parameters: Mapping[str, str] = _NOTHING
    legal_basis: str = ""
    fresh_until: dt.date | None = None
    stale: bool = False


@dataclass(frozen=True)
class Eligibility:
    """Whether a declaration may be filed, with every bar in the order of BARS.

    `stale_facts` names the facts that matter for this patent and should be checked again.
    """

    may_file: bool
    bars: tuple[Bar, ...]
    stale_facts: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[Bar, ...]:
        """The bars that are not clear."""
        return tuple(bar for bar in self.bars if bar.result != "clear")

    @property
    def barred(self) -> tuple[str, ...]:
        """Codes of the bars that certainly exist."""
        return tuple(bar.code for bar in self.bars if bar.result == "barred")


def eligibility(view: PatentView, today: dt.date) -> Eligibility:
    """Hold the precondition of grant and the nine bars (IR 86, GL V-11 §3.1) against what is known.

    Args:
        today: the legal date that dates are compared with.
    """
    bars = (
        _not_granted(view, today),
        _period(
            view,
            today,
            "exclusive_licence",
            "exclusive_licence_until",
            barred=N_("An exclusive or sole licence is in force until %(date)s."),
            over=N_("The exclusive or sole licence ended on %(date)s."),
            none=N_("No exclusive or sole licence is known to exist."),
            unknown=N_("It is not known whether an exclusive or sole licence is in force."),
            remedy=N_("Wait until it ends, or end it by agreement and have the recordal cancelled."),
            ask=N_("State whether an exclusive or sole licence exists and until when."),
        ),
        _period(
            view,
            today,
            "suspension",
            "preserved_until",
            barred=N_("The patent is under suspension or court preservation until %(date)s."),
            over=N_("The suspension or preservation ended on %(date)s."),
            none=N_("No suspension or preservation is known to exist."),
            unknown=N_("It is not known whether the patent is suspended or preserved."),
            remedy=N_("Wait until the dispute is settled or the preservation is lifted."),
            ask=N_("State whether the register shows a suspension or preservation and until when."),
        ),
        _annuity(view, today),
        _pledge(view),
        _terminated(view, today),
        _invalidated(view),
        _report_missing(view),
        _report_negative(view),
        _other(view),
    )
    ages = staleness.table(today) if view.ages is None else view.ages
    fresh = {
        name: staleness.fresh_until(name, fact.value, fact.as_of, ages) for name, fact in view.facts.items()
    }
    return Eligibility(
        all(bar.result == "clear" for bar in bars),
        tuple([_aged(bar, today, fresh) for bar in bars]),
        tuple(
            [
                name
                for name, until in fresh.items()
                if until is not None and until < today and _matters(name, view.kind)
            ]
        ),
    )


# Bar → the fact that decides it. The grant is decided by the patent's own dates, else by the legal status.
FACT_OF_BAR: Final = {
    "not_granted": "legal_status",
    "exclusive_licence": "exclusive_licence_until",
    "suspension": "preserved_until",
    "annuity": "annuity_paid_until",
    "pledge": "pledged",
    "terminated": "legal_status",
    "invalidated": "legal_status",
    "report_missing": "evaluation_report",
    "report_negative": "evaluation_report",
    "other": "other_hindrance",
}


def _matters(name: str, kind: str) -> bool:
    return name != "evaluation_report" or kind != "invention"


def _aged(bar: Bar, today: dt.date, fresh: Mapping[str, dt.date | None]) -> Bar:
    """The bar with its legal basis, and with the age of the fact that it relies on."""
    basis = bar.legal_basis or LEGAL_BASIS[bar.code]
    if bar.as_of is None:
        return bar._replace(legal_basis=basis)
    until = fresh["ownership" if basis == _OWNERSHIP_BASIS else FACT_OF_BAR[bar.code]]
    return bar._replace(legal_basis=basis, fresh_until=until, stale=until is not None and until < today)


def ended_on(view: PatentView, today: dt.date) -> tuple[str, dt.date] | None:
    """Why and since when the right is over (`terminated`, `invalidated`, `expired`), None while it may live.

    The day is that of the fact, or the day after the last day of the patent's term.
    """
    status = view.facts.get("legal_status")
    if status is not None and status.value in ("terminated", "invalidated", "expired"):
        return status.value, status.as_of or today
    if view.expires_on is not None and view.expires_on < today:
        return "expired", view.expires_on + dt.timedelta(days=1)
    return None


def _not_granted(view: PatentView, today: dt.date) -> Bar:
    status = view.facts.get("legal_status")
    if status is not None and status.value == "pending":
        return Bar(
            "not_granted",
            "barred",
            N_("The application is still being examined; only granted patents can be offered."),
            status.value,
            status.as_of,
            status.source,
            N_("Wait for the grant to be announced, then enter its date."),
        )
    if view.grant_date is not None:
        given = view.grant_date.isoformat()
        if view.grant_date <= today:
            return Bar(
                "not_granted",
                "clear",
                N_("The grant was announced on %(date)s."),
                given,
                parameters={"date": given},
            )
        return Bar(
            "not_granted",
            "barred",
            N_("The grant will be announced only on %(date)s."),
            given,
            remedy=N_("Wait for the grant to be announced."),
            parameters={"date": given},
        )
    if status is not None:
        return Bar(
            "not_granted",
            "clear",
            N_("The register's legal status shows that the patent was granted."),
            status.value,
            status.as_of,
            status.source,
        )
    return Bar(
        "not_granted",
        "unknown",
        N_("It is not known whether the patent has been granted."),
        remedy=N_("Enter the date on which the grant was announced."),
    )


def _period(
    view: PatentView,
    today: dt.date,
    code: str,
    name: str,
    *,
    barred: str,
    over: str,
    none: str,
    unknown: str,
    remedy: str,
    ask: str,
) -> Bar:
    """A bar that lasts until a date, that day included."""
    fact = view.facts.get(name)
    if fact is None:
        return Bar(code, "unknown", unknown, remedy=ask)
    if fact.value == "none":
        return Bar(code, "clear", none, fact.value, fact.as_of, fact.source)
    lasts = dt.date.fromisoformat(fact.value) >= today
    return Bar(
        code,
        "barred" if lasts else "clear",
        barred if lasts else over,
        fact.value,
        fact.as_of,
        fact.source,
        remedy if lasts else None,
        {"date": fact.value},
    )


def _annuity(view: PatentView, today: dt.date) -> Bar:
    """A patent in the months of grace has not paid "as required" until it pays (GL V-9 §4.2.1.3)."""
    fact = view.facts.get("annuity_paid_until")
    pay = N_("Pay the annuity (with the surcharge, if late) and enter the new date.")
    if fact is None:
        return Bar(
            "annuity",
            "unknown",
            N_("It is not known until when the annuities are paid."),
            remedy=N_("Enter the date until which the annuities are paid."),
        )
    if fact.value == "none":
        return Bar(
            "annuity", "barred", N_("No annuity has been paid."), fact.value, fact.as_of, fact.source, pay
        )
    paid = dt.date.fromisoformat(fact.value) >= today
    return Bar(
        "annuity",
        "clear" if paid else "barred",
        N_("The annuities are paid until %(date)s.")
        if paid
        else N_("The annuities were paid only until %(date)s."),
        fact.value,
        fact.as_of,
        fact.source,
        None if paid else pay,
        {"date": fact.value},
    )


def _pledge(view: PatentView) -> Bar:
    fact = view.facts.get("pledged")
    if fact is None:
        return Bar(
            "pledge",
            "unknown",
            N_("It is not known whether the patent is pledged."),
            remedy=N_("State whether it is pledged, and whether the pledgee agrees."),
        )
    known = (fact.value, fact.as_of, fact.source)
    if fact.value == "without_consent":
        return Bar(
            "pledge",
            "barred",
            N_("The patent is pledged and the pledgee has not agreed."),
            *known,
            N_("Obtain the pledgee's written consent to the open licence."),
        )
    if fact.value == "with_consent":
        return Bar("pledge", "clear", N_("The patent is pledged and the pledgee agrees."), *known)
    return Bar("pledge", "clear", N_("The patent is not pledged."), *known)


def _terminated(view: PatentView, today: dt.date) -> Bar:
    if view.expires_on is not None and view.expires_on < today:
        return Bar(
            "terminated",
            "barred",
            N_("The patent's term ended on %(date)s."),
            view.expires_on.isoformat(),
            remedy=N_("Nothing can be done: the technology is free for all to use."),
            parameters={"date": view.expires_on.isoformat()},
        )
    fact = view.facts.get("legal_status")
    if fact is None:
        return Bar(
            "terminated",
            "unknown",
            N_("It is not known whether the patent is in force."),
            remedy=N_("Enter the legal status that the register shows."),
        )
    known = (fact.value, fact.as_of, fact.source)
    if fact.value in ("terminated", "expired"):
        return Bar(
            "terminated",
            "barred",
            N_("The patent has ended."),
            *known,
            N_("If it ended for an unpaid annuity, ask the office about restoring the right in time."),
        )
    return Bar("terminated", "clear", N_("The register does not show that the right has ended."), *known)


def _invalidated(view: PatentView) -> Bar:
    fact = view.facts.get("legal_status")
    if fact is None:
        return Bar(
            "invalidated",
            "unknown",
            N_("It is not known whether the patent was declared invalid."),
            remedy=N_("Enter the legal status that the register shows."),
        )
    known = (fact.value, fact.as_of, fact.source)
    if fact.value == "invalidated":
        return Bar(
            "invalidated",
            "barred",
            N_("The patent was declared wholly invalid."),
            *known,
            N_("Nothing can be done unless a court sets the decision aside."),
        )
    return Bar(
        "invalidated", "clear", N_("No decision declaring the whole patent invalid is recorded."), *known
    )


_NOT_REQUIRED = N_("Not required: an invention needs no evaluation report.")


def _report_missing(view: PatentView) -> Bar:
    if view.kind == "invention":
        return Bar("report_missing", "clear", _NOT_REQUIRED)
    fact = view.facts.get("evaluation_report")
    ask = N_("Ask the office for the evaluation report and enter its conclusion.")
    if fact is None:
        return Bar(
            "report_missing",
            "unknown",
            N_("It is not known whether there is an evaluation report."),
            remedy=ask,
        )
    known = (fact.value, fact.as_of, fact.source)
    if fact.value == "none":
        return Bar("report_missing", "barred", N_("There is no evaluation report."), *known, ask)
    return Bar("report_missing", "clear", N_("There is an evaluation report."), *known)


def _report_negative(view: PatentView) -> Bar:
    if view.kind == "invention":
        return Bar("report_negative", "clear", _NOT_REQUIRED)
    fact = view.facts.get("evaluation_report")
    if fact is None:
        return Bar(
            "report_negative",
            "unknown",
            N_("The conclusion of the evaluation report is not known."),
            remedy=N_("Enter the conclusion of the evaluation report."),
        )
    known = (fact.value, fact.as_of, fact.source)
    if fact.value == "negative":
        return Bar(
            "report_negative",
            "barred",
            N_("The evaluation report concludes that the conditions of grant are not met."),
            *known,
            N_("Have a wrong report corrected by the office; otherwise this patent cannot be offered."),
        )
    if fact.value == "none":
        return Bar(
            "report_negative", "clear", N_("There is no report that could conclude against it."), *known
        )
    return Bar(
        "report_negative", "clear", N_("The evaluation report finds nothing against the grant."), *known
    )


def _other(view: PatentView) -> Bar:
    owner = view.facts.get("ownership")
    if owner is not None and owner.value == "differs":
        return Bar(
            "other",
            "barred",
            N_("The register names other patentees than are entered here."),
            owner.value,
            owner.as_of,
            owner.source,
            N_("Correct the patentees, or have the change entered in the register before a declaration."),
            legal_basis=_OWNERSHIP_BASIS,
        )
    fact = view.facts.get("other_hindrance")
    if fact is None:
        return Bar(
            "other",
            "unknown",
            N_("It is not known whether anything else hinders the use of the patent."),
            remedy=N_("State what else hinders its use, or that nothing does."),
        )
    known = (fact.value, fact.as_of, fact.source)
    if fact.value == "none":
        return Bar("other", "clear", N_("Nothing else is known to hinder its use."), *known)
    return Bar(
        "other",
        "barred",
        N_("Something else hinders its use: %(hindrance)s"),
        *known,
        N_("Remove the hindrance, then state that nothing hinders its use."),
        {"hindrance": fact.value},
    )


# --- terms


@dataclass(frozen=True)
class Terms:
    """What a declaration says. Money in 分, rate in per cent, dates inclusive."""

    fee_form: str | None = None
    fee_minor: int | None = None
    rate_percent: Decimal | None = None
    rate_base: str | None = None
    payment_text: str | None = None
    fee_explanation: str | None = None
    term_from: dt.date | None = None
    term_to: dt.date | None = None
    contact: str | None = None
    instalments: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field: a stable code and an English msgid with `parameters`."""

    field: str
    code: str
    message: str
    parameters: Mapping[str, Any] = default(default_factory=dict)

    @property
    def sentence(self) -> str:
        """The message in English with its parameters filled in."""
        return self.message % self.parameters if self.parameters else self.message


NEEDS_FEE: Final = ("fixed", "entry_plus_royalty")
NEEDS_RATE: Final = ("royalty_net_sales", "royalty_profit", "entry_plus_royalty")
BASE_OF_FORM: Final = {"royalty_net_sales": "net_sales", "royalty_profit": "profit"}


def rate_base_of(terms: Terms) -> str | None:
    """What the rate is a share of: fixed by the form, else as stated, else net sales."""
    if terms.fee_form not in NEEDS_RATE:
        return None
    return BASE_OF_FORM.get(terms.fee_form) or terms.rate_base or "net_sales"


def form_faults(terms: Terms) -> list[Fault]:
    """Whether fee, rate and form go together, so that what is owed can be computed."""
    faults = []
    form = terms.fee_form
    if form is None:
        return [
            Fault("fee_form", "fee-form-missing", N_("Say how the fee is paid, or that the licence is free."))
        ]
    if form in NEEDS_FEE and terms.fee_minor is None:
        faults.append(Fault("fee", "fee-missing", N_("This form of payment needs an amount.")))
    if form == "fixed" and terms.fee_minor == 0:
        faults.append(Fault("fee", "fee-zero", N_("A fee of zero is a free licence: choose free.")))
    if form not in NEEDS_FEE and terms.fee_minor:
        faults.append(Fault("fee", "fee-not-expected", N_("This form of payment has no fixed amount.")))
    if form in NEEDS_RATE and terms.rate_percent is None:
        faults.append(Fault("rate", "rate-missing", N_("This form of payment needs a rate.")))
    if terms.rate_percent is not None and not 0 < terms.rate_percent <= 100:
        faults.append(
            Fault("rate", "rate-out-of-range", N_("A rate lies above 0 and is at most 100 per cent."))
        )
    elif form not in NEEDS_RATE and terms.rate_percent is not None:
        faults.append(Fault("rate", "rate-not-expected", N_("This form of payment has no rate.")))
    if terms.instalments:
        faults += _instalment_faults(terms)
    fixed_base = BASE_OF_FORM.get(form)
    if fixed_base and terms.rate_base and terms.rate_base != fixed_base:
        faults.append(
            Fault(
                "rate_base",
                "rate-base-contradicts",
                N_("The base of the rate contradicts the form of payment."),
            )
        )
    return faults


# The longest term of a patent: nothing can fall due after it.
MOST_MONTHS: Final = 240


def _instalment_faults(terms: Terms) -> list[Fault]:
    """Whether instalments make up the fee exactly, the first one with the notice and the others in order."""
    months = [month for month, _ in terms.instalments]
    sums = [minor for _, minor in terms.instalments]
    if terms.fee_form not in NEEDS_FEE:
        message = N_("This form of payment has no fixed amount that could be paid in instalments.")
        return [Fault("instalments", "instalments-not-expected", message)]
    faults = []
    if len(months) < 2 or months[0] != 0 or sorted(set(months)) != months or months[-1] > MOST_MONTHS:
        message = N_(
            "The first instalment is at 0 months, and each later one some months after the one before."
        )
        faults.append(Fault("instalments", "instalments-order", message))
    if min(sums) <= 0 or sum(sums) != (terms.fee_minor or 0):
        message = N_("The instalments together have to be the fee: %(sum)s yuan are given, %(fee)s are due.")
        given = {"sum": _yuan(sum(sums)), "fee": _yuan(terms.fee_minor or 0)}
        faults.append(Fault("instalments", "instalments-sum", message, given))
    return faults


def terms_faults(terms: Terms, patent: PatentView, words: Collection[Word] | None = None) -> list[Fault]:
    """What the rules forbid in terms as far as they are filled in; a draft may still lack items.

    GL V-11 §3.3: ceilings, length of the explanation, no promotional wording (IR 85); Civil Code 865: the
    licence ends with the patent at the latest.

    Args:
        words: the promotional words in force; the default list when it is left out.
    """
    faults = form_faults(terms) if terms.fee_form is not None else []
    if terms.fee_minor is not None and terms.fee_minor > FIXED_CEILING_MINOR:
        faults.append(
            Fault(
                "fee",
                "fee-above-ceiling",
                N_(
                    "A fixed fee is generally not over 20 million yuan. Above it, license by contract "
                    "instead of an open licence."
                ),
            )
        )
    base = rate_base_of(terms)
    if base is not None and terms.rate_percent is not None and terms.rate_percent > RATE_CEILINGS[base]:
        faults += _reason_needed(terms, base)
    if terms.fee_explanation is not None and len(terms.fee_explanation) > EXPLANATION_LIMIT:
        faults.append(
            Fault(
                "fee_explanation",
                "explanation-too-long",
                N_("The explanation has at most %(limit)s characters; this one has %(length)s."),
                {"limit": EXPLANATION_LIMIT, "length": len(terms.fee_explanation)},
            )
        )
    for name in ("payment_text", "fee_explanation", "contact"):
        found = found_words(getattr(terms, name) or "", words)
        if found:
            faults.append(
                Fault(
                    name,
                    "promotional-wording",
                    N_("A declaration may not advertise. Please leave out: %(words)s"),
                    {"words": Reasons(found)},
                )
            )
    if terms.term_from and terms.term_to and terms.term_to < terms.term_from:
        faults.append(Fault("term_to", "term-reversed", N_("The licence term ends before it begins.")))
    if terms.term_to and patent.expires_on and terms.term_to > patent.expires_on:
        faults.append(
            Fault(
                "term_to",
                "term-beyond-patent",
                N_("The licence term cannot outlast the patent, which ends on %(date)s."),
                {"date": patent.expires_on.isoformat()},
            )
        )
    if terms.term_from and patent.filing_date and terms.term_from < patent.filing_date:
        faults.append(
            Fault(
                "term_from", "term-before-patent", N_("The licence term begins before the patent was filed.")
            )
        )
    return faults


def _reason_needed(terms: Terms, base: str) -> list[Fault]:
    if (terms.fee_explanation or "").strip():
        return []
    if base == "net_sales":
        message = N_("A share of net sales is generally not over 20 per cent: explain why it is higher.")
    else:
        message = N_("A share of profit is generally not over 40 per cent: explain why it is higher.")
    return [Fault("fee_explanation", "rate-above-ceiling", message)]


def missing_items(terms: Terms, *, has_number: bool, has_patentee: bool) -> list[Fault]:
    """Which of the seven items of a declaration (GL V-11 §3.3) and its explanation are still missing.

    The undertaking (承诺) is given by filing, and other matters may be none.
    """
    checks = (
        (has_number, "patent_number", N_("The patent needs its application number.")),
        (has_patentee, "patentees", N_("The patentee is missing.")),
        (terms.fee_form is not None, "fee_form", N_("Say how the fee is paid, or that the licence is free.")),
        (terms.term_to is not None, "term_to", N_("The licence term needs its last day.")),
        (bool((terms.contact or "").strip()), "contact", N_("Contact details are missing.")),
    )
    return [Fault(name, "item-missing", message) for present, name, message in checks if not present]


@dataclass(frozen=True, slots=True)
class Word:
    """A word of commercial promotion, with the reason in both languages."""

    word: str
    reason: str
    reason_en: str


class Reasons:
    """Words that were found, each with its reason in brackets; as text in the reader's language."""

    def __init__(self, words: Collection[Word]) -> None:
        self.words = tuple(words)

    def __str__(self) -> str:
        locale = get_locale()
        if locale is not None and locale.language == "zh":
            return "、".join(f"{one.word}（{one.reason}）" for one in self.words)
        return ", ".join(f"{one.word} ({one.reason_en})" for one in self.words)


@cache
def default_words() -> tuple[Word, ...]:
    """The list in `data_words.txt`: a line with @ gives the reasons of the words below it."""
    found: list[Word] = []
    reason, reason_en = "", ""
    for line in resources.files(__package__).joinpath("data_words.txt").read_text("utf-8").splitlines():
        if line.startswith("@"):
            reason, reason_en = (part.strip() for part in line[1:].split("|"))
        elif line.strip() and not line.startswith("#"):
            found.append(Word(line.strip().lower(), reason, reason_en))
    return tuple(found)


def found_words(text: str, words: Collection[Word] | None = None) -> list[Word]:
    """The words of commercial promotion (IR 85) that a text contains, whatever their case and width.

    Args:
        text: what a declaration says.
        words: the list in force; the default list when it is left out.
    """
    plain = unicodedata.normalize("NFKC", text).lower()
    return [one for one in (default_words() if words is None else words) if one.word in plain]


def promotional_words(text: str) -> list[str]:
    """The words of `found_words` by the default list, alone."""
    return [one.word for one in found_words(text)]


def payment_text(terms: Terms, locale: str = "zh") -> str:
    """How the fee is paid and its standard, as the declaration announces it.

    Args:
        terms: a complete form of payment; see `form_faults`.
        locale: `zh` or `en`.
    """
    fee = "" if terms.fee_minor is None else _yuan(terms.fee_minor)
    rate = "" if terms.rate_percent is None else f"{terms.rate_percent.normalize():f}"
    profit = rate_base_of(terms) == "profit"
    language = "en" if locale == "en" else "zh"
    form = terms.fee_form or "free"
    if form == "fixed" and terms.instalments:
        form = "instalments"
    text = _PAYMENT_TEXTS[language][form].format(fee=fee, rate=rate, base=_BASES[language][profit])
    return text + instalments_text(terms.instalments, locale)


def instalments_text(instalments: Collection[tuple[int, int]], locale: str = "zh") -> str:
    """When each part of the fee falls due, in words; nothing where it is paid at once.

    Args:
        instalments: months after the licence took effect, and 分.
        locale: `zh` or `en`.
    """
    parts = []
    for number, (months, minor) in enumerate(instalments, 1):
        if locale == "en":
            when = "with the notice" if months == 0 else f"{months} months after the licence takes effect"
            parts.append(f"CNY {_yuan(minor)} {when}")
        else:
            when = "随书面通知支付" if months == 0 else f"许可生效后{months}个月内支付"
            parts.append(f"第{number}期{when}{_yuan(minor)}元")
    if not parts:
        return ""
    if locale == "en":
        return " In instalments: " + "; ".join(parts) + ". The first one makes the licence."
    return "分期支付：" + "，".join(parts) + "；支付第一期后许可生效。"


_BASES: Final = {"zh": ("净销售额", "利润额"), "en": ("net sales", "profit")}
_PAYMENT_TEXTS: Final = {
    "zh": {
        "free": "免费许可，被许可人无需支付许可使用费。",
        "fixed": "一次性支付固定许可使用费人民币{fee}元。",
        "instalments": "固定许可使用费人民币{fee}元。",
        "royalty_net_sales": "按专利产品{base}的{rate}%提成支付许可使用费，按年结算。",
        "royalty_profit": "按专利产品{base}的{rate}%提成支付许可使用费，按年结算。",
        "entry_plus_royalty": "支付入门费人民币{fee}元，并按专利产品{base}的{rate}%提成支付许可使用费，"
        "按年结算。",
    },
    "en": {
        "free": "Free licence: no fee is due.",
        "fixed": "A fixed fee of CNY {fee}, paid once.",
        "instalments": "A fixed fee of CNY {fee}.",
        "royalty_net_sales": "{rate}% of {base} of the patented product, settled yearly.",
        "royalty_profit": "{rate}% of {base} of the patented product, settled yearly.",
        "entry_plus_royalty": "An entry fee of CNY {fee}, and {rate}% of {base} of the patented product, "
        "settled yearly.",
    },
}


def _yuan(minor: int) -> str:
    whole, cents = divmod(minor, 100)
    return f"{whole:,}.{cents:02d}" if cents else f"{whole:,}"
