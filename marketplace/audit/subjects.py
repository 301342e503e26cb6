"""On what each subject of the journal hangs: how a matter is followed from a patent down to its last payment.

A table of data. Every table of the database is named once, as a subject with what it hangs on, as one that
belongs to no matter, or as a part whose changes are told by the row it belongs to: a test asks for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

import sqlalchemy as sa

from marketplace.core.database import db

Ids = dict[str, set[int]]

HANGS: Final[Mapping[str, Mapping[str, str]]] = {
    # table → column → table of the row above
    "offers": {"patent_id": "patents"},
    "technology_classes": {"patent_id": "patents"},
    "change_tasks": {"patent_id": "patents", "offer_id": "offers"},
    "stock": {"patent_id": "patents"},
    "inventor_rules": {"patent_id": "patents"},
    "owner_splits": {"patent_id": "patents"},
    "ledger_transactions": {"patent_id": "patents", "licence_id": "licences"},
    "consents": {"offer_id": "offers"},
    "price_notices": {"offer_id": "offers"},
    "price_objections": {"price_notice_id": "price_notices"},
    "offer_clauses": {"offer_id": "offers"},
    "questions": {"offer_id": "offers"},
    "service_orders": {"offer_id": "offers"},
    "basket_items": {"offer_id": "offers"},
    "recommendations": {"offer_id": "offers", "demand_id": "demands"},
    "notices": {"offer_id": "offers"},
    "bundle_parts": {"notice_id": "notices"},
    "clause_acceptances": {"notice_id": "notices"},
    "export_checks": {"notice_id": "notices"},
    "time_stamps": {"notice_id": "notices"},
    "obligations": {"notice_id": "notices"},
    "payments": {"obligation_id": "obligations"},
    "payment_flags": {"payment_id": "payments"},
    "receipts": {"payment_id": "payments", "obligation_id": "obligations"},
    "bank_lines": {"payment_id": "payments"},
    "quarantine": {"payment_id": "payments"},
    "corrections": {
        "quarantine_id": "quarantine",
        "payment_id": "payments",
        "obligation_id": "obligations",
    },
    "refund_tasks": {"payment_id": "payments", "receipt_id": "receipts"},
    "licences": {"notice_id": "notices", "offer_id": "offers", "patent_id": "patents"},
    "negotiated_records": {"licence_id": "licences"},
    "royalty_plans": {"licence_id": "licences"},
    "royalty_plan_changes": {"plan_id": "royalty_plans"},
    "royalty_periods": {"licence_id": "licences"},
    "royalty_statements": {"period_id": "royalty_periods"},
    "royalty_defaults": {"period_id": "royalty_periods"},
    "disputes": {
        "notice_id": "notices",
        "payment_id": "payments",
        "licence_id": "licences",
        "patent_id": "patents",
    },
    "demand_answers": {"demand_id": "demands", "offer_id": "offers", "patent_id": "patents"},
    "demand_accesses": {"demand_id": "demands"},
    "verifications": {"organisation_id": "organisations"},
    "invitations": {"organisation_id": "organisations"},
    "join_requests": {"organisation_id": "organisations"},
    "identity_clashes": {"organisation_id": "organisations", "other_id": "organisations"},
    "mandates": {"agent_id": "organisations", "principal_id": "organisations"},
    "tokens": {"organisation_id": "organisations"},
    "attestations": {"organisation_id": "organisations"},
    "annuity_reliefs": {"organisation_id": "organisations"},
    "price_notice_rules": {"organisation_id": "organisations"},
    "interests": {"organisation_id": "organisations"},
    "share_persons": {"organisation_id": "organisations"},
    "stock_grades": {"organisation_id": "organisations"},
    "stock_jobs": {"organisation_id": "organisations"},
    "stock_members": {"organisation_id": "organisations"},
    "stock_settings": {"organisation_id": "organisations"},
    "stock_units": {"organisation_id": "organisations"},
    "stock_views": {"organisation_id": "organisations"},
    "transformation_reports": {"organisation_id": "organisations"},
    "webhook_endpoints": {"organisation_id": "organisations"},
    "saved_searches": {"organisation_id": "organisations"},
    "sham_signals": {"holder_id": "organisations", "licensee_id": "organisations"},
}

MATTERS: Final = ("patents", "licences", "notices", "offers", "demands", "organisations")
"""What may be traced from."""

ABOVE: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {
    # table → (table between, its column with this row, its column with the row above): shown, not descended
    "bundles": (("bundle_parts", "notice_id", "bundle_id"),),
    "bundle_transfers": (("bundle_transfer_items", "payment_id", "transfer_id"),),
}
_ABOVE_OF: Final = {"bundle_parts": "notices", "bundle_transfer_items": "payments"}

ALONE: Final = frozenset({
    # of no matter: accounts, the platform's own lists and machinery
    "access_log", "annuity_fees", "audit_anchors", "dead_letters", "ipc_titles", "journal",
    "mail_hours", "mail_stops", "mirrored_offers", "promotional_words", "reference_fees",
    "report_changes", "report_files", "report_mails", "report_recipients", "report_revisions",
    "report_schedules", "search_generations", "search_synonyms", "statistics_reports", "users",
})  # fmt: skip

PARTS: Final = frozenset({
    # never a subject: the row they belong to is
    "activity", "attachments", "attested_patents", "bundle_transfer_items", "demand_openings",
    "demand_readings", "demand_replies", "demand_terms", "digest_items", "dispute_entries",
    "dispute_referrals", "erasures", "fact_columns", "facts_as_of", "files", "idempotency_keys",
    "interest_terms", "inventor_parts", "journal_cursors", "journal_head", "ledger_accounts",
    "ledger_allocations", "ledger_postings", "licence_papers", "listing_costs", "listing_details",
    "memberships", "mirror_sources", "notice_evidence", "notifications", "organisation_changes",
    "organisation_past", "outgoing_mails", "owner_parts", "patent_classes", "patent_fact_history",
    "patent_facts", "patent_parties", "patent_reminders", "reconciliation_differences", "reconciliations",
    "recordal_changes", "recordal_reminders", "royalty_evidence", "royalty_lines", "saved_search_hits",
    "schedules", "search_suggestions", "sent_mails", "side_offers", "stock_comments", "stock_refusals",
    "stripe_events", "tasks", "verification_documents", "webhook_attempts", "webhook_deliveries",
})  # fmt: skip

KINDS: Final[Mapping[str, frozenset[str]]] = {
    "patent": frozenset({
        "patents", "technology_classes", "change_tasks", "stock", "inventor_rules", "owner_splits",
    }),
    "offer": frozenset({
        "offers", "consents", "price_notices", "price_objections", "offer_clauses", "questions",
        "service_orders", "basket_items", "recommendations",
    }),
    "notice": frozenset({
        "notices", "bundle_parts", "bundles", "clause_acceptances", "export_checks", "time_stamps",
    }),
    "money": frozenset({
        "obligations", "payments", "payment_flags", "receipts", "bank_lines", "quarantine", "corrections",
        "refund_tasks", "bundle_transfers", "ledger_transactions",
    }),
    "licence": frozenset({"licences", "negotiated_records"}),
    "royalty": frozenset({
        "royalty_plans", "royalty_plan_changes", "royalty_periods", "royalty_statements", "royalty_defaults",
    }),
    "dispute": frozenset({"disputes"}),
    "demand": frozenset({"demands", "demand_answers", "demand_accesses"}),
}  # fmt: skip
"""The kinds that a reader chooses from; what is in none of them is an account's matter."""

BETWEEN_PARTIES: Final = frozenset({
    # both sides of a notice see these
    "notices", "clause_acceptances", "export_checks", "time_stamps", "obligations", "payments", "receipts",
    "refund_tasks", "licences", "negotiated_records", "royalty_plans", "royalty_plan_changes",
    "royalty_periods", "royalty_statements", "royalty_defaults", "disputes",
})  # fmt: skip

_AT_ONCE: Final = 5000  # ids in one question


def kind_of(subject_type: str) -> str:
    """The kind of a subject, `account` where it is none of `KINDS`."""
    return next((kind for kind, tables in KINDS.items() if subject_type in tables), "account")


def _rows(table: str, wanted: str, column: str, ids: Iterable[int]) -> Iterator[int]:
    rows = db.metadata.tables[table]
    left = iter(sorted(ids))
    while some := tuple(islice(left, _AT_ONCE)):
        query = sa.select(rows.c[wanted]).where(rows.c[column].in_(some), rows.c[wanted].is_not(None))
        yield from db.session.scalars(query)


def below(roots: Mapping[str, Iterable[int]]) -> Ids:
    """Everything that hangs on these rows, themselves included, and the bundles that they went through.

    Args:
        roots: table → ids.
    """
    found: Ids = {table: set(ids) for table, ids in roots.items()}
    fresh = {table: set(ids) for table, ids in found.items()}
    while fresh:
        added: Ids = {}
        for table, columns in HANGS.items():
            for column, above in columns.items():
                if above in fresh:
                    new = set(_rows(table, "id", column, fresh[above])) - found.get(table, set())
                    added.setdefault(table, set()).update(new)
        fresh = {table: ids for table, ids in added.items() if ids}
        for table, ids in fresh.items():
            found.setdefault(table, set()).update(ids)
    for table, ways in ABOVE.items():
        for between, column, above_column in ways:
            through = found.get(_ABOVE_OF[between], set())
            found.setdefault(table, set()).update(_rows(between, above_column, column, through))
    return {table: ids for table, ids in found.items() if ids}
