"""The life of an offer, as a table.

draft → in review → price notice → ready → filed → announced → withdrawal filed → withdrawn, and other ends.
A draft may be discarded, and a filing recorded by mistake reopened while nothing has come back from CNIPA.
A sole owner may skip review, consent and price notice. To change a live offer: withdraw and declare anew.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext

from marketplace.core import clock
from marketplace.core.errors import Conflict, Invalid
from marketplace.core.lifecycle import Lifecycle, Transition

from . import rules, scope, wording
from .consents import standing
from .declared import offer_terms as offer_terms
from .facts import staleness
from .models import Offer, Patent


def patent_view(patent: Patent) -> rules.PatentView:
    """What the rules need to know of a patent."""
    return rules.PatentView(
        kind=patent.kind,
        filing_date=patent.filing_date,
        grant_date=patent.grant_date,
        expires_on=patent.expires_on,
        facts={fact.name: rules.Fact(fact.value, fact.as_of, fact.source) for fact in patent.facts},
        ages=staleness.ages(clock.today()),
    )


def sentences(faults: list[rules.Fault]) -> dict[str, list[str]]:
    """Faults by field, as sentences in the reader's language."""
    fields: dict[str, list[str]] = {}
    for fault in faults:
        fields.setdefault(fault.field, []).append(gettext(fault.message, **fault.parameters))
    return fields


# What a declaration says in words. None of it may limit who takes the licence, or where.
_WORDS = ("payment_text", "contact", "not_included")


def term_faults(offer: Offer) -> list[rules.Fault]:
    """What the terms may not say, complete or not: rules on fees and dates, advertising, limits of scope."""
    return [
        *rules.terms_faults(offer_terms(offer), patent_view(offer.patent), wording.in_force()),
        *(
            rules.Fault(name, "scope-limited", scope.REASONS[limit.kind], {"words": limit.words})
            for name in _WORDS
            for limit in scope.limits(getattr(offer, name) or "")
        ),
    ]


def declaration_faults(offer: Offer) -> list[rules.Fault]:
    """Everything that keeps the declaration from being complete and allowed."""
    return [
        *rules.missing_items(
            offer_terms(offer),
            has_number=offer.patent.number is not None,
            has_patentee=bool(offer.patent.parties),
        ),
        *term_faults(offer),
    ]


def _all_checks_pass(offer: Any) -> None:
    """The seven items, the rules on fees and words, and the nine bars.

    Raises:
        Invalid: `declaration-incomplete`, with the fields.
        Conflict: `offer-barred`, with the bars that are not clear.
    """
    faults = declaration_faults(offer)
    if faults:
        raise Invalid(
            "declaration-incomplete",
            "The declaration cannot be filed yet: please complete or correct it.",
            fields=sentences(faults),
        )
    found = rules.eligibility(patent_view(offer.patent), clock.today())
    if not found.may_file:
        raise Conflict(
            "offer-barred",
            "This patent cannot be offered yet: see which of the nine bars are not clear (%(bars)s).",
            bars=", ".join(bar.code for bar in found.open),
        )


def _reviewed(offer: Any) -> None:
    if offer.status == "in_review" and offer.approved_on is None:
        raise Conflict("review-open", "The internal review has not approved it yet.")


def _shown(offer: Any) -> None:
    """A price notice needs a price."""
    _reviewed(offer)
    if offer.fee_form is None or rules.form_faults(offer_terms(offer)):
        message = gettext("Say how the fee is paid, or that the licence is free.")
        raise Invalid(
            "declaration-incomplete",
            "The declaration cannot be filed yet: please complete or correct it.",
            fields={"fee_form": [message]},
        )


def _ready(offer: Any) -> None:
    _reviewed(offer)
    standing.check_owners(offer)
    standing.check_price_notice(offer)
    _all_checks_pass(offer)


def _file(offer: Any) -> None:
    if len(offer.patent.parties) > 1 and offer.owners_agreed_on is None:
        raise Conflict(
            "owners-consent-missing",
            "All co-owners have to agree first: confirm it by marking the declaration as ready.",
        )
    _ready(offer)


def _stated(offer: Any) -> None:
    if offer.evidence == "verified":
        raise Conflict("already-verified", "The announcement has been verified already.")


def _withdrawal_stated(offer: Any) -> None:
    if offer.withdrawal_evidence != "holder_stated":
        raise Conflict("already-verified", "The announcement has been verified already.")


def _row(
    action: str, sources: str, target: str, permission: str, entry: str, guard: Any = None
) -> Transition:
    return Transition(
        action, frozenset(sources.split()), target, f"offer.{permission}", f"offer.{entry}", guard
    )


OFFER = Lifecycle(
    "offer",
    "draft",
    (
        # A change makes approvals and the co-owners' consent void: back to draft. Never once it is filed.
        _row("edit", "draft in_review price_notice ready", "draft", "edit", "edited"),
        _row("submit_review", "draft", "in_review", "prepare", "review_submitted"),
        # An institution may have several levels: each approval is an entry, and the offer stays in review.
        _row("approve", "in_review", "in_review", "prepare", "approved"),
        _row(
            "start_price_notice",
            "draft in_review",
            "price_notice",
            "prepare",
            "price_notice_started",
            _shown,
        ),
        _row("ready", "draft in_review price_notice", "ready", "prepare", "ready", _ready),
        _row("file", "draft in_review ready", "filed", "file", "filed", _file),
        # A filing that was recorded by mistake, while nothing has come back from the office.
        _row("reopen", "filed", "ready", "file", "reopened"),
        _row("discard", "draft", "discarded", "edit", "discarded"),
        _row("announce", "filed", "announced", "announce", "announced"),
        _row("verify", "announced", "announced", "verify", "verified", _stated),
        _row("refuse", "filed", "refused", "refuse", "refused"),
        _row("file_withdrawal", "announced", "withdrawal_filed", "file_withdrawal", "withdrawal_filed"),
        _row("verify", "withdrawal_filed", "withdrawal_filed", "verify", "verified", _stated),
        _row("withdraw", "withdrawal_filed", "withdrawn", "withdraw", "withdrawn"),
        # A holder's word on the withdrawal stays stated until an operator has seen its announcement.
        _row("verify", "withdrawn", "withdrawn", "verify", "withdrawal_verified", _withdrawal_stated),
        # A gazette may show the withdrawal of an offer whose filing nobody recorded here.
        _row("withdraw", "announced", "withdrawn", "withdraw_announced", "withdrawn"),
        # Or of one whose term has run out since: the gazette's earlier date corrects the end.
        _row("withdraw", "lapsed", "withdrawn", "withdraw_lapsed", "withdrawn"),
        _row("revoke", "announced withdrawal_filed", "revoked", "revoke", "revoked"),
        _row("lapse", "announced withdrawal_filed", "lapsed", "lapse", "lapsed"),
    ),
    attribute="status",
)
