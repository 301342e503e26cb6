"""Royalty periods, statements and notices of default; the ledger of licence income and how it is shared

Revision: 0027
After: 0026
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0027'
down_revision = '0026'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('inventor_rules',
    sa.Column('patent_id', KEY, nullable=False),
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('effective_from', sa.Date(), nullable=False),
    sa.Column('percent', database.Rate(), nullable=False),
    sa.Column('evidence_id', KEY, nullable=True),
    sa.Column('withdrawn_at', database.UTC(), nullable=True),
    sa.Column('recorded_by', KEY, nullable=True),
    sa.Column('recorded_at', database.UTC(), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['evidence_id'], ['files.id'], name=op.f('fk_inventor_rules_evidence_id_files')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_inventor_rules_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_inventor_rules_patent_id_patents')),
    sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_inventor_rules_recorded_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inventor_rules'))
    )
    with op.batch_alter_table('inventor_rules', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_inventor_rules_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_inventor_rules_patent_id'), ['patent_id'], unique=False)

    op.create_table('owner_splits',
    sa.Column('patent_id', KEY, nullable=False),
    sa.Column('book_id', KEY, nullable=False),
    sa.Column('effective_from', sa.Date(), nullable=False),
    sa.Column('evidence_id', KEY, nullable=True),
    sa.Column('withdrawn_at', database.UTC(), nullable=True),
    sa.Column('recorded_by', KEY, nullable=True),
    sa.Column('recorded_at', database.UTC(), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['book_id'], ['organisations.id'], name=op.f('fk_owner_splits_book_id_organisations')),
    sa.ForeignKeyConstraint(['evidence_id'], ['files.id'], name=op.f('fk_owner_splits_evidence_id_files')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_owner_splits_patent_id_patents')),
    sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_owner_splits_recorded_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_owner_splits'))
    )
    with op.batch_alter_table('owner_splits', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_owner_splits_book_id'), ['book_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_owner_splits_patent_id'), ['patent_id'], unique=False)

    op.create_table('share_persons',
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('name', sa.String(length=100), nullable=True),
    sa.Column('staff_number', sa.String(length=40), nullable=True),
    sa.Column('added_at', database.UTC(), nullable=False),
    sa.Column('erased_at', database.UTC(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_share_persons_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_share_persons'))
    )
    with op.batch_alter_table('share_persons', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_share_persons_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('transformation_reports',
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('reminded_at', database.UTC(), nullable=True),
    sa.Column('handed_in_on', sa.Date(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_transformation_reports_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_transformation_reports')),
    sa.UniqueConstraint('organisation_id', 'year', name=op.f('uq_transformation_reports_organisation_id_year')),
    info={'first_counts': True}
    )
    op.create_table('inventor_parts',
    sa.Column('id', KEY, nullable=False),
    sa.Column('rule_id', KEY, nullable=False),
    sa.Column('person_id', KEY, nullable=False),
    sa.Column('percent', database.Rate(), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['share_persons.id'], name=op.f('fk_inventor_parts_person_id_share_persons')),
    sa.ForeignKeyConstraint(['rule_id'], ['inventor_rules.id'], name=op.f('fk_inventor_parts_rule_id_inventor_rules')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inventor_parts')),
    sa.UniqueConstraint('rule_id', 'person_id', name=op.f('uq_inventor_parts_rule_id_person_id'))
    )
    with op.batch_alter_table('inventor_parts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_inventor_parts_person_id'), ['person_id'], unique=False)

    op.create_table('ledger_accounts',
    sa.Column('id', KEY, nullable=False),
    sa.Column('book_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('patent_id', KEY, nullable=True),
    sa.Column('party_id', KEY, nullable=True),
    sa.Column('person_id', KEY, nullable=True),
    sa.CheckConstraint("kind IN ('cash', 'pool', 'owner', 'inventor')", name=op.f('ck_ledger_accounts_kind_known')),
    sa.ForeignKeyConstraint(['book_id'], ['organisations.id'], name=op.f('fk_ledger_accounts_book_id_organisations')),
    sa.ForeignKeyConstraint(['party_id'], ['organisations.id'], name=op.f('fk_ledger_accounts_party_id_organisations')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_ledger_accounts_patent_id_patents')),
    sa.ForeignKeyConstraint(['person_id'], ['share_persons.id'], name=op.f('fk_ledger_accounts_person_id_share_persons')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_accounts')),
    sa.UniqueConstraint('book_id', 'key', 'currency', name=op.f('uq_ledger_accounts_book_id_key_currency'))
    )
    with op.batch_alter_table('ledger_accounts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_accounts_party_id'), ['party_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_accounts_patent_id'), ['patent_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_accounts_person_id'), ['person_id'], unique=False)

    op.create_table('owner_parts',
    sa.Column('id', KEY, nullable=False),
    sa.Column('split_id', KEY, nullable=False),
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('percent', database.Rate(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_owner_parts_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['split_id'], ['owner_splits.id'], name=op.f('fk_owner_parts_split_id_owner_splits')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_owner_parts')),
    sa.UniqueConstraint('split_id', 'organisation_id', name=op.f('uq_owner_parts_split_id_organisation_id'))
    )
    with op.batch_alter_table('owner_parts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_owner_parts_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('ledger_transactions',
    sa.Column('id', KEY, nullable=False),
    sa.Column('book_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('occurred_on', sa.Date(), nullable=False),
    sa.Column('patent_id', KEY, nullable=True),
    sa.Column('licence_id', KEY, nullable=True),
    sa.Column('category', sa.String(length=16), nullable=True),
    sa.Column('source', sa.String(length=64), nullable=True),
    sa.Column('reverses_id', KEY, nullable=True),
    sa.Column('evidence_id', KEY, nullable=True),
    sa.Column('reference', sa.String(length=200), nullable=True),
    sa.Column('posted', sa.Boolean(), nullable=False),
    sa.Column('recorded_by', KEY, nullable=True),
    sa.Column('recorded_at', database.UTC(), nullable=False),
    sa.CheckConstraint("(kind = 'cost') = (category IS NOT NULL)", name=op.f('ck_ledger_transactions_cost_has_category')),
    sa.CheckConstraint("(kind = 'reversal') = (reverses_id IS NOT NULL)", name=op.f('ck_ledger_transactions_reversal_names_it')),
    sa.CheckConstraint("category IN ('agency_fee', 'annuity', 'tax', 'evaluation', 'other')", name=op.f('ck_ledger_transactions_category_known')),
    sa.CheckConstraint("kind IN ('income', 'cost', 'allocation', 'payout', 'reversal')", name=op.f('ck_ledger_transactions_kind_known')),
    sa.ForeignKeyConstraint(['book_id'], ['organisations.id'], name=op.f('fk_ledger_transactions_book_id_organisations')),
    sa.ForeignKeyConstraint(['evidence_id'], ['files.id'], name=op.f('fk_ledger_transactions_evidence_id_files')),
    sa.ForeignKeyConstraint(['licence_id'], ['licences.id'], name=op.f('fk_ledger_transactions_licence_id_licences')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_ledger_transactions_patent_id_patents')),
    sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_ledger_transactions_recorded_by_users')),
    sa.ForeignKeyConstraint(['reverses_id'], ['ledger_transactions.id'], name=op.f('fk_ledger_transactions_reverses_id_ledger_transactions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_transactions')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_ledger_transactions_reverses_id')),
    sa.UniqueConstraint('source', name=op.f('uq_ledger_transactions_source'))
    )
    with op.batch_alter_table('ledger_transactions', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_transactions_book_id'), ['book_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_transactions_licence_id'), ['licence_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_transactions_occurred_on'), ['occurred_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_transactions_patent_id'), ['patent_id'], unique=False)

    op.create_table('royalty_periods',
    sa.Column('licence_id', KEY, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('begins', sa.Date(), nullable=False),
    sa.Column('ends', sa.Date(), nullable=False),
    sa.Column('report_due_on', sa.Date(), nullable=False),
    sa.Column('pay_due_on', sa.Date(), nullable=False),
    sa.Column('provisional', sa.Boolean(), nullable=False),
    sa.Column('base', sa.String(length=16), nullable=False),
    sa.Column('rate_percent', database.Rate(), nullable=False),
    sa.Column('minimum_minor', sa.BigInteger(), nullable=True),
    sa.Column('cap_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('reminded_at', database.UTC(), nullable=True),
    sa.Column('overdue_at', database.UTC(), nullable=True),
    sa.Column('payment_reminded_at', database.UTC(), nullable=True),
    sa.Column('payment_overdue_at', database.UTC(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("base IN ('net_sales', 'profit')", name=op.f('ck_royalty_periods_base_known')),
    sa.CheckConstraint("state IN ('running', 'due', 'overdue', 'reported')", name=op.f('ck_royalty_periods_state_known')),
    sa.CheckConstraint('begins <= ends', name=op.f('ck_royalty_periods_begins_before_it_ends')),
    sa.ForeignKeyConstraint(['licence_id'], ['licences.id'], name=op.f('fk_royalty_periods_licence_id_licences')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_royalty_periods')),
    sa.UniqueConstraint('licence_id', 'begins', name=op.f('uq_royalty_periods_licence_id_begins'))
    )
    with op.batch_alter_table('royalty_periods', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_royalty_periods_licence_id'), ['licence_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_royalty_periods_report_due_on'), ['report_due_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_royalty_periods_state'), ['state'], unique=False)

    op.create_table('royalty_plans',
    sa.Column('licence_id', KEY, nullable=False),
    sa.Column('base', sa.String(length=16), nullable=False),
    sa.Column('rate_percent', database.Rate(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('length', sa.String(length=16), nullable=False),
    sa.Column('length_source', sa.String(length=16), nullable=False),
    sa.Column('limits_source', sa.String(length=16), nullable=False),
    sa.Column('report_days', sa.Integer(), nullable=False),
    sa.Column('pay_days', sa.Integer(), nullable=False),
    sa.Column('minimum_minor', sa.BigInteger(), nullable=True),
    sa.Column('cap_minor', sa.BigInteger(), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("base IN ('net_sales', 'profit')", name=op.f('ck_royalty_plans_base_known')),
    sa.CheckConstraint("length IN ('quarter', 'half_year', 'year')", name=op.f('ck_royalty_plans_length_known')),
    sa.CheckConstraint("length_source IN ('announced', 'default', 'agreed')", name=op.f('ck_royalty_plans_length_source_known')),
    sa.CheckConstraint("limits_source IN ('announced', 'default', 'agreed')", name=op.f('ck_royalty_plans_limits_source_known')),
    sa.CheckConstraint('cap_minor IS NULL OR cap_minor >= coalesce(minimum_minor, 0)', name=op.f('ck_royalty_plans_cap_above_minimum')),
    sa.CheckConstraint('minimum_minor IS NULL OR minimum_minor >= 0', name=op.f('ck_royalty_plans_minimum_not_negative')),
    sa.CheckConstraint('report_days > 0 AND pay_days > 0', name=op.f('ck_royalty_plans_days_positive')),
    sa.ForeignKeyConstraint(['licence_id'], ['licences.id'], name=op.f('fk_royalty_plans_licence_id_licences')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_royalty_plans')),
    sa.UniqueConstraint('licence_id', name=op.f('uq_royalty_plans_licence_id'))
    )
    op.create_table('ledger_allocations',
    sa.Column('transaction_id', KEY, nullable=False),
    sa.Column('pool_id', KEY, nullable=False),
    sa.Column('through_id', KEY, nullable=False),
    sa.Column('carried_minor', sa.BigInteger(), nullable=False),
    sa.Column('steps', database.Json, nullable=False),
    sa.CheckConstraint('carried_minor <= 0', name=op.f('ck_ledger_allocations_carries_losses_only')),
    sa.ForeignKeyConstraint(['pool_id'], ['ledger_accounts.id'], name=op.f('fk_ledger_allocations_pool_id_ledger_accounts')),
    sa.ForeignKeyConstraint(['through_id'], ['ledger_transactions.id'], name=op.f('fk_ledger_allocations_through_id_ledger_transactions')),
    sa.ForeignKeyConstraint(['transaction_id'], ['ledger_transactions.id'], name=op.f('fk_ledger_allocations_transaction_id_ledger_transactions')),
    sa.PrimaryKeyConstraint('transaction_id', name=op.f('pk_ledger_allocations'))
    )
    with op.batch_alter_table('ledger_allocations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_allocations_pool_id'), ['pool_id'], unique=False)

    op.create_table('ledger_postings',
    sa.Column('id', KEY, nullable=False),
    sa.Column('transaction_id', KEY, nullable=False),
    sa.Column('account_id', KEY, nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.CheckConstraint('amount_minor <> 0', name=op.f('ck_ledger_postings_amount_not_zero')),
    sa.ForeignKeyConstraint(['account_id'], ['ledger_accounts.id'], name=op.f('fk_ledger_postings_account_id_ledger_accounts')),
    sa.ForeignKeyConstraint(['transaction_id'], ['ledger_transactions.id'], name=op.f('fk_ledger_postings_transaction_id_ledger_transactions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_postings'))
    )
    with op.batch_alter_table('ledger_postings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_ledger_postings_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_ledger_postings_transaction_id'), ['transaction_id'], unique=False)

    op.create_table('royalty_defaults',
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('period_id', KEY, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('ground', sa.String(length=16), nullable=False),
    sa.Column('basis', sa.String(length=16), nullable=False),
    sa.Column('acceptance_id', KEY, nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('cure_by', sa.Date(), nullable=False),
    sa.Column('given_by', KEY, nullable=True),
    sa.Column('given_at', database.UTC(), nullable=False),
    sa.Column('closed_at', database.UTC(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(basis = 'contractual') = (acceptance_id IS NOT NULL)", name=op.f('ck_royalty_defaults_clause_named')),
    sa.CheckConstraint("basis IN ('contractual', 'statutory')", name=op.f('ck_royalty_defaults_basis_known')),
    sa.CheckConstraint("ground IN ('unreported', 'unpaid')", name=op.f('ck_royalty_defaults_ground_known')),
    sa.CheckConstraint("state IN ('given', 'restored', 'ended', 'taken_back')", name=op.f('ck_royalty_defaults_state_known')),
    sa.ForeignKeyConstraint(['acceptance_id'], ['clause_acceptances.id'], name=op.f('fk_royalty_defaults_acceptance_id_clause_acceptances')),
    sa.ForeignKeyConstraint(['given_by'], ['users.id'], name=op.f('fk_royalty_defaults_given_by_users')),
    sa.ForeignKeyConstraint(['period_id'], ['royalty_periods.id'], name=op.f('fk_royalty_defaults_period_id_royalty_periods')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_royalty_defaults')),
    sa.UniqueConstraint('number', name=op.f('uq_royalty_defaults_number'))
    )
    with op.batch_alter_table('royalty_defaults', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_royalty_defaults_period_id'), ['period_id'], unique=False)
        batch_op.create_index('uq_royalty_defaults_open', ['period_id'], unique=True, sqlite_where=sa.text("state = 'given'"), postgresql_where=sa.text("state = 'given'"))

    op.create_table('royalty_plan_changes',
    sa.Column('plan_id', KEY, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('side', sa.String(length=16), nullable=False),
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('length', sa.String(length=16), nullable=False),
    sa.Column('report_days', sa.Integer(), nullable=False),
    sa.Column('pay_days', sa.Integer(), nullable=False),
    sa.Column('minimum_minor', sa.BigInteger(), nullable=True),
    sa.Column('cap_minor', sa.BigInteger(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('proposed_at', database.UTC(), nullable=False),
    sa.Column('answered_at', database.UTC(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("length IN ('quarter', 'half_year', 'year')", name=op.f('ck_royalty_plan_changes_length_known')),
    sa.CheckConstraint("side IN ('holder', 'licensee')", name=op.f('ck_royalty_plan_changes_side_known')),
    sa.CheckConstraint("state IN ('proposed', 'accepted', 'declined', 'taken_back')", name=op.f('ck_royalty_plan_changes_state_known')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_royalty_plan_changes_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['plan_id'], ['royalty_plans.id'], name=op.f('fk_royalty_plan_changes_plan_id_royalty_plans')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_royalty_plan_changes'))
    )
    with op.batch_alter_table('royalty_plan_changes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_royalty_plan_changes_plan_id'), ['plan_id'], unique=False)
        batch_op.create_index('uq_royalty_plan_changes_open', ['plan_id'], unique=True, sqlite_where=sa.text("state = 'proposed'"), postgresql_where=sa.text("state = 'proposed'"))

    op.create_table('royalty_statements',
    sa.Column('id', KEY, nullable=False),
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('period_id', KEY, nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('current', sa.Boolean(), nullable=False),
    sa.Column('base_minor', sa.BigInteger(), nullable=False),
    sa.Column('royalty_minor', sa.BigInteger(), nullable=False),
    sa.Column('due_minor', sa.BigInteger(), nullable=False),
    sa.Column('credit_left_minor', sa.BigInteger(), nullable=False),
    sa.Column('obligation_id', KEY, nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=True),
    sa.Column('submitted_by', KEY, nullable=True),
    sa.Column('submitted_at', database.UTC(), nullable=False),
    sa.CheckConstraint('(sequence = 1) = (reason IS NULL)', name=op.f('ck_royalty_statements_correction_has_a_reason')),
    sa.CheckConstraint('due_minor >= 0 AND credit_left_minor >= 0', name=op.f('ck_royalty_statements_sums_not_negative')),
    sa.CheckConstraint('royalty_minor >= 0', name=op.f('ck_royalty_statements_royalty_not_negative')),
    sa.ForeignKeyConstraint(['obligation_id'], ['obligations.id'], name=op.f('fk_royalty_statements_obligation_id_obligations')),
    sa.ForeignKeyConstraint(['period_id'], ['royalty_periods.id'], name=op.f('fk_royalty_statements_period_id_royalty_periods')),
    sa.ForeignKeyConstraint(['submitted_by'], ['users.id'], name=op.f('fk_royalty_statements_submitted_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_royalty_statements')),
    sa.UniqueConstraint('number', name=op.f('uq_royalty_statements_number')),
    sa.UniqueConstraint('obligation_id', name=op.f('uq_royalty_statements_obligation_id')),
    sa.UniqueConstraint('period_id', 'sequence', name=op.f('uq_royalty_statements_period_id_sequence'))
    )
    with op.batch_alter_table('royalty_statements', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_royalty_statements_period_id'), ['period_id'], unique=False)

    op.create_table('royalty_evidence',
    sa.Column('id', KEY, nullable=False),
    sa.Column('statement_id', KEY, nullable=False),
    sa.Column('file_id', KEY, nullable=False),
    sa.ForeignKeyConstraint(['file_id'], ['files.id'], name=op.f('fk_royalty_evidence_file_id_files')),
    sa.ForeignKeyConstraint(['statement_id'], ['royalty_statements.id'], name=op.f('fk_royalty_evidence_statement_id_royalty_statements')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_royalty_evidence'))
    )
    with op.batch_alter_table('royalty_evidence', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_royalty_evidence_statement_id'), ['statement_id'], unique=False)

    op.create_table('royalty_lines',
    sa.Column('id', KEY, nullable=False),
    sa.Column('statement_id', KEY, nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('product', sa.String(length=200), nullable=False),
    sa.Column('quantity', sa.String(length=32), nullable=True),
    sa.Column('unit', sa.String(length=20), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('deductions_minor', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.String(length=500), nullable=True),
    sa.CheckConstraint('deductions_minor >= 0', name=op.f('ck_royalty_lines_deductions_not_negative')),
    sa.ForeignKeyConstraint(['statement_id'], ['royalty_statements.id'], name=op.f('fk_royalty_lines_statement_id_royalty_statements')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_royalty_lines')),
    sa.UniqueConstraint('statement_id', 'position', name=op.f('uq_royalty_lines_statement_id_position'))
    )
    with op.batch_alter_table('royalty_lines', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_royalty_lines_statement_id'), ['statement_id'], unique=False)


def downgrade() -> None:
    op.drop_table('royalty_lines')
    op.drop_table('royalty_evidence')
    op.drop_table('royalty_statements')
    op.drop_table('royalty_plan_changes')
    op.drop_table('royalty_defaults')
    op.drop_table('ledger_postings')
    op.drop_table('ledger_allocations')
    op.drop_table('royalty_plans')
    op.drop_table('royalty_periods')
    op.drop_table('ledger_transactions')
    op.drop_table('owner_parts')
    op.drop_table('ledger_accounts')
    op.drop_table('inventor_parts')
    op.drop_table('transformation_reports')
    op.drop_table('share_persons')
    op.drop_table('owner_splits')
    op.drop_table('inventor_rules')
