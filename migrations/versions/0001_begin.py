"""Begin

Revision: 0001
After: 
"""

import sqlalchemy as sa
from alembic import op
from marketplace.core import database

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('dead_letters',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('source', sa.String(length=80), nullable=False),
    sa.Column('entry_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('task', sa.JSON(), nullable=True),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('resolved_at', database.UTC(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dead_letters'))
    )
    with op.batch_alter_table('dead_letters', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_dead_letters_source'), ['source'], unique=False)

    op.create_table('fact_licences',
    sa.Column('licence_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('patent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('licensee_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('notice_on', sa.Date(), nullable=True),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=True),
    sa.Column('recordal_due_on', sa.Date(), nullable=False),
    sa.Column('filed_on', sa.Date(), nullable=True),
    sa.Column('recorded_on', sa.Date(), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.PrimaryKeyConstraint('licence_id', name=op.f('pk_fact_licences'))
    )
    with op.batch_alter_table('fact_licences', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_fact_licences_patent_id'), ['patent_id'], unique=False)

    op.create_table('fact_patents',
    sa.Column('patent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('holder_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('first_announced_on', sa.Date(), nullable=False),
    sa.Column('in_region', sa.Boolean(), nullable=False),
    sa.Column('exit_on', sa.Date(), nullable=True),
    sa.Column('exit_reason', sa.String(length=16), nullable=True),
    sa.Column('first_shown_on', sa.Date(), nullable=True),
    sa.Column('first_opened_on', sa.Date(), nullable=True),
    sa.Column('first_notice_on', sa.Date(), nullable=True),
    sa.Column('first_paid_on', sa.Date(), nullable=True),
    sa.Column('first_effective_on', sa.Date(), nullable=True),
    sa.Column('first_recorded_on', sa.Date(), nullable=True),
    sa.Column('first_recommended_on', sa.Date(), nullable=True),
    sa.Column('first_contacted_on', sa.Date(), nullable=True),
    sa.Column('first_passed_on', sa.Date(), nullable=True),
    sa.Column('licences', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('fee_form', sa.String(length=24), nullable=False),
    sa.Column('owner_type', sa.String(length=16), nullable=False),
    sa.Column('district', sa.String(length=6), nullable=True),
    sa.Column('ipc_section', sa.String(length=4), nullable=True),
    sa.Column('ipc_class', sa.String(length=8), nullable=True),
    sa.Column('industry', sa.String(length=8), nullable=True),
    sa.Column('spells', database.Json, nullable=False),
    sa.PrimaryKeyConstraint('patent_id', name=op.f('pk_fact_patents'))
    )
    with op.batch_alter_table('fact_patents', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_fact_patents_first_announced_on'), ['first_announced_on'], unique=False)

    op.create_table('facts_as_of',
    sa.Column('one', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('journal_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('computed_at', database.UTC(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('build', sa.String(length=32), nullable=False),
    sa.Column('left_out', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('one', name=op.f('pk_facts_as_of'))
    )
    op.create_table('files',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('size', sa.Integer(), nullable=False),
    sa.Column('content_type', sa.String(length=80), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('purpose', sa.String(length=32), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_files'))
    )
    with op.batch_alter_table('files', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_files_digest'), ['digest'], unique=False)

    op.create_table('idempotency_keys',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('key', sa.String(length=255), nullable=False),
    sa.Column('request_hash', sa.String(length=64), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('body', database.Json, nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_idempotency_keys')),
    sa.UniqueConstraint('organisation_id', 'key', name=op.f('uq_idempotency_keys_organisation_id_key'))
    )
    with op.batch_alter_table('idempotency_keys', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_idempotency_keys_created_at'), ['created_at'], unique=False)

    op.create_table('journal',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('recorded_at', database.UTC(), nullable=False),
    sa.Column('occurred_on', sa.Date(), nullable=False),
    sa.Column('origin', sa.String(length=8), nullable=False),
    sa.Column('action', sa.String(length=64), nullable=False),
    sa.Column('subject_type', sa.String(length=32), nullable=False),
    sa.Column('subject_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('subject_version', sa.Integer(), nullable=False),
    sa.Column('actor_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('request_id', sa.String(length=64), nullable=True),
    sa.Column('data', database.Json, nullable=False),
    sa.Column('seal', sa.LargeBinary(length=32), nullable=False),
    sa.CheckConstraint("origin IN ('live', 'import', 'demo', 'repair')", name=op.f('ck_journal_origin_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_journal'))
    )
    with op.batch_alter_table('journal', schema=None) as batch_op:
        batch_op.create_index('ix_journal_action', ['action'], unique=False)
        batch_op.create_index('ix_journal_subject', ['subject_type', 'subject_id'], unique=False)

    op.create_table('journal_cursors',
    sa.Column('reader', sa.String(length=80), nullable=False),
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('lease_owner', sa.String(length=64), nullable=True),
    sa.Column('lease_until', database.UTC(), nullable=True),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('retry_at', database.UTC(), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('reader', name=op.f('pk_journal_cursors'))
    )
    op.create_table('journal_head',
    sa.Column('one', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('last', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('seal', sa.LargeBinary(length=32), nullable=False),
    sa.PrimaryKeyConstraint('one', name=op.f('pk_journal_head'))
    )
    op.create_table('organisations',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('name_en', sa.String(length=200), nullable=True),
    sa.Column('code', sa.String(length=18), nullable=True),
    sa.Column('type', sa.String(length=16), nullable=False),
    sa.Column('region', sa.String(length=6), nullable=True),
    sa.Column('claimed_at', database.UTC(), nullable=True),
    sa.Column('bank_account_name', sa.String(length=200), nullable=True),
    sa.Column('bank_name', sa.String(length=200), nullable=True),
    sa.Column('bank_account', sa.String(length=64), nullable=True),
    sa.Column('stripe_account', sa.String(length=64), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("type IN ('university', 'institute', 'hospital', 'enterprise', 'individual', 'agency')", name=op.f('ck_organisations_type_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisations')),
    sa.UniqueConstraint('code', name=op.f('uq_organisations_code'))
    )
    with op.batch_alter_table('organisations', schema=None) as batch_op:
        batch_op.create_index('ix_organisations_name', ['name'], unique=False)
        batch_op.create_index(batch_op.f('ix_organisations_region'), ['region'], unique=False)

    op.create_table('patents',
    sa.Column('number', sa.String(length=16), nullable=True),
    sa.Column('publication_number', sa.String(length=20), nullable=True),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('title', sa.String(length=500), nullable=False),
    sa.Column('title_en', sa.String(length=500), nullable=True),
    sa.Column('abstract', sa.Text(), nullable=True),
    sa.Column('abstract_en', sa.Text(), nullable=True),
    sa.Column('application', sa.Text(), nullable=True),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.Column('advantage', sa.Text(), nullable=True),
    sa.Column('filing_date', sa.Date(), nullable=True),
    sa.Column('grant_date', sa.Date(), nullable=True),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('district', sa.String(length=6), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('updated_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('invention', 'utility_model', 'design')", name=op.f('ck_patents_kind_known')),
    sa.CheckConstraint('number IS NOT NULL OR publication_number IS NOT NULL', name=op.f('ck_patents_has_a_number')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patents')),
    sa.UniqueConstraint('number', name=op.f('uq_patents_number')),
    sa.UniqueConstraint('publication_number', name=op.f('uq_patents_publication_number'))
    )
    with op.batch_alter_table('patents', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_patents_district'), ['district'], unique=False)

    op.create_table('schedules',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('next_at', database.UTC(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_schedules'))
    )
    op.create_table('search_generations',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('engine', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('live', sa.Boolean(), nullable=False),
    sa.Column('signature', sa.String(length=80), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('dropped_at', database.UTC(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('building', 'ready', 'dropped')", name=op.f('ck_search_generations_state_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_generations')),
    sa.UniqueConstraint('name', name=op.f('uq_search_generations_name'))
    )
    with op.batch_alter_table('search_generations', schema=None) as batch_op:
        batch_op.create_index('uq_search_generations_live', ['engine'], unique=True, sqlite_where=sa.text('live = 1'), postgresql_where=sa.text('live'))

    op.create_table('stripe_events',
    sa.Column('id', sa.String(length=255), nullable=False),
    sa.Column('type', sa.String(length=80), nullable=False),
    sa.Column('account', sa.String(length=64), nullable=True),
    sa.Column('created', database.UTC(), nullable=False),
    sa.Column('livemode', sa.Boolean(), nullable=False),
    sa.Column('payload', database.Json, nullable=False),
    sa.Column('received_at', database.UTC(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('outcome', sa.String(length=200), nullable=True),
    sa.CheckConstraint("state IN ('received', 'applied', 'ignored', 'quarantined')", name=op.f('ck_stripe_events_state_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stripe_events'))
    )
    op.create_table('tasks',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('arguments', database.Json, nullable=False),
    sa.Column('due_at', database.UTC(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('lease', sa.String(length=40), nullable=True),
    sa.Column('lease_until', database.UTC(), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tasks'))
    )
    with op.batch_alter_table('tasks', schema=None) as batch_op:
        batch_op.create_index('ix_tasks_due', ['due_at'], unique=False)
        batch_op.create_index('uq_tasks_key', ['name', 'key'], unique=True)

    op.create_table('users',
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('password_hash', sa.String(length=200), nullable=False),
    sa.Column('locale', sa.String(length=8), nullable=False),
    sa.Column('staff_role', sa.String(length=16), nullable=True),
    sa.Column('totp_secret', sa.String(length=64), nullable=True),
    sa.Column('totp_step', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("staff_role IN ('bureau', 'operator')", name=op.f('ck_users_staff_role_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('email', name=op.f('uq_users_email'))
    )
    op.create_table('demands',
    sa.Column('external_id', sa.String(length=64), nullable=True),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('title_en', sa.String(length=300), nullable=True),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('ipc', database.Json, nullable=False),
    sa.Column('budget_minor', sa.BigInteger(), nullable=True),
    sa.Column('district', sa.String(length=6), nullable=True),
    sa.Column('answer_by', sa.Date(), nullable=True),
    sa.Column('published_on', sa.Date(), nullable=True),
    sa.Column('closed_on', sa.Date(), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('draft', 'published', 'answered', 'closed', 'expired')", name=op.f('ck_demands_state_known')),
    sa.CheckConstraint('budget_minor IS NULL OR budget_minor >= 0', name=op.f('ck_demands_budget_not_negative')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_demands_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_demands')),
    sa.UniqueConstraint('organisation_id', 'external_id', name=op.f('uq_demands_organisation_id_external_id'))
    )
    with op.batch_alter_table('demands', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_demands_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('mandates',
    sa.Column('agent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('principal_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('scope', sa.String(length=16), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=False),
    sa.Column('valid_to', sa.Date(), nullable=False),
    sa.Column('revoked_at', database.UTC(), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("scope IN ('holder', 'licensee', 'both')", name=op.f('ck_mandates_scope_known')),
    sa.CheckConstraint('agent_id <> principal_id', name=op.f('ck_mandates_two_parties')),
    sa.CheckConstraint('valid_to >= valid_from', name=op.f('ck_mandates_dates_in_order')),
    sa.ForeignKeyConstraint(['agent_id'], ['organisations.id'], name=op.f('fk_mandates_agent_id_organisations')),
    sa.ForeignKeyConstraint(['principal_id'], ['organisations.id'], name=op.f('fk_mandates_principal_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mandates'))
    )
    with op.batch_alter_table('mandates', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mandates_agent_id'), ['agent_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_mandates_principal_id'), ['principal_id'], unique=False)

    op.create_table('memberships',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('role', sa.String(length=16), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.CheckConstraint("role IN ('member', 'manager')", name=op.f('ck_memberships_role_known')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_memberships_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_memberships_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_memberships')),
    sa.UniqueConstraint('user_id', 'organisation_id', name=op.f('uq_memberships_user_id_organisation_id'))
    )
    with op.batch_alter_table('memberships', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_memberships_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('notifications',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('recipient', sa.String(length=40), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('staff_role', sa.String(length=16), nullable=True),
    sa.Column('entry_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=48), nullable=False),
    sa.Column('parameters', database.Json, nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('read_at', database.UTC(), nullable=True),
    sa.CheckConstraint("staff_role IN ('bureau', 'operator')", name=op.f('ck_notifications_staff_role_known')),
    sa.CheckConstraint('(organisation_id IS NULL) <> (staff_role IS NULL)', name=op.f('ck_notifications_one_recipient')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_notifications_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notifications')),
    sa.UniqueConstraint('entry_id', 'recipient', 'code', name=op.f('uq_notifications_entry_id_recipient_code'))
    )
    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notifications_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notifications_staff_role'), ['staff_role'], unique=False)

    op.create_table('offers',
    sa.Column('patent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('holder_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('evidence', sa.String(length=16), nullable=True),
    sa.Column('verified_source', sa.String(length=200), nullable=True),
    sa.Column('declaration_number', sa.String(length=40), nullable=True),
    sa.Column('filed_on', sa.Date(), nullable=True),
    sa.Column('announced_on', sa.Date(), nullable=True),
    sa.Column('fee_form', sa.String(length=24), nullable=True),
    sa.Column('fee_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('rate_percent', database.Rate(), nullable=True),
    sa.Column('rate_base', sa.String(length=16), nullable=True),
    sa.Column('payment_text', sa.Text(), nullable=True),
    sa.Column('fee_explanation', sa.Text(), nullable=True),
    sa.Column('channels', database.Json, nullable=False),
    sa.Column('payee_account_name', sa.String(length=200), nullable=True),
    sa.Column('payee_bank', sa.String(length=200), nullable=True),
    sa.Column('payee_account', sa.String(length=64), nullable=True),
    sa.Column('term_from', sa.Date(), nullable=True),
    sa.Column('term_to', sa.Date(), nullable=True),
    sa.Column('contact', sa.String(length=500), nullable=True),
    sa.Column('not_included', sa.Text(), nullable=True),
    sa.Column('source', sa.String(length=200), nullable=True),
    sa.Column('approved_on', sa.Date(), nullable=True),
    sa.Column('owners_agreed_on', sa.Date(), nullable=True),
    sa.Column('price_notice_from', sa.Date(), nullable=True),
    sa.Column('refused_reason', sa.Text(), nullable=True),
    sa.Column('withdrawal_filed_on', sa.Date(), nullable=True),
    sa.Column('withdrawal_reason', sa.Text(), nullable=True),
    sa.Column('withdrawn_on', sa.Date(), nullable=True),
    sa.Column('revoked_on', sa.Date(), nullable=True),
    sa.Column('lapsed_on', sa.Date(), nullable=True),
    sa.Column('duty_to_withdraw_since', sa.Date(), nullable=True),
    sa.Column('duty_bars', database.Json, nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("evidence IN ('holder_stated', 'verified')", name=op.f('ck_offers_evidence_known')),
    sa.CheckConstraint("fee_form IN ('free', 'fixed', 'royalty_net_sales', 'royalty_profit', 'entry_plus_royalty')", name=op.f('ck_offers_fee_form_known')),
    sa.CheckConstraint("rate_base IN ('net_sales', 'profit')", name=op.f('ck_offers_rate_base_known')),
    sa.CheckConstraint("status IN ('draft', 'in_review', 'price_notice', 'ready', 'filed', 'announced', 'refused', 'withdrawal_filed', 'withdrawn', 'revoked', 'lapsed')", name=op.f('ck_offers_status_known')),
    sa.CheckConstraint('fee_minor IS NULL OR fee_minor >= 0', name=op.f('ck_offers_fee_not_negative')),
    sa.CheckConstraint('term_to IS NULL OR term_from IS NULL OR term_to >= term_from', name=op.f('ck_offers_term_in_order')),
    sa.ForeignKeyConstraint(['holder_id'], ['organisations.id'], name=op.f('fk_offers_holder_id_organisations')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_offers_patent_id_patents')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offers')),
    sa.UniqueConstraint('declaration_number', name=op.f('uq_offers_declaration_number'))
    )
    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_offers_holder_id'), ['holder_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_offers_patent_id'), ['patent_id'], unique=False)
        batch_op.create_index('ix_offers_status', ['status', 'evidence'], unique=False)
        batch_op.create_index('uq_offers_in_force_patent', ['patent_id'], unique=True, sqlite_where=sa.text("status IN ('announced', 'withdrawal_filed')"), postgresql_where=sa.text("status IN ('announced', 'withdrawal_filed')"))

    op.create_table('patent_classes',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('patent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('symbol', sa.String(length=20), nullable=False),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_patent_classes_patent_id_patents')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patent_classes')),
    sa.UniqueConstraint('patent_id', 'position', name=op.f('uq_patent_classes_patent_id_position'))
    )
    with op.batch_alter_table('patent_classes', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_patent_classes_patent_id'), ['patent_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_patent_classes_symbol'), ['symbol'], unique=False)

    op.create_table('patent_facts',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('patent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=32), nullable=False),
    sa.Column('value', sa.String(length=500), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.CheckConstraint("name IN ('legal_status', 'annuity_paid_until', 'evaluation_report', 'pledged', 'exclusive_licence_until', 'preserved_until', 'other_hindrance')", name=op.f('ck_patent_facts_name_known')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_patent_facts_patent_id_patents')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patent_facts')),
    sa.UniqueConstraint('patent_id', 'name', name=op.f('uq_patent_facts_patent_id_name'))
    )
    with op.batch_alter_table('patent_facts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_patent_facts_patent_id'), ['patent_id'], unique=False)

    op.create_table('patent_parties',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('patent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('region', sa.String(length=6), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_patent_parties_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_patent_parties_patent_id_patents')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patent_parties')),
    sa.UniqueConstraint('patent_id', 'position', name=op.f('uq_patent_parties_patent_id_position'))
    )
    with op.batch_alter_table('patent_parties', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_patent_parties_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_patent_parties_patent_id'), ['patent_id'], unique=False)

    op.create_table('tokens',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('token_hash', sa.String(length=64), nullable=False),
    sa.Column('scopes', database.Json, nullable=False),
    sa.Column('label', sa.String(length=80), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('expires_at', database.UTC(), nullable=False),
    sa.Column('revoked_at', database.UTC(), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_tokens_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_tokens_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tokens')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_tokens_token_hash'))
    )
    with op.batch_alter_table('tokens', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_tokens_user_id'), ['user_id'], unique=False)

    op.create_table('activity',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('channel', sa.String(length=16), nullable=False),
    sa.Column('audience', sa.String(length=16), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('shown', 'opened', 'contacted', 'recommended', 'passed')", name=op.f('ck_activity_kind_known')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_activity_offer_id_offers')),
    sa.PrimaryKeyConstraint('day', 'offer_id', 'kind', 'channel', 'audience', name=op.f('pk_activity'))
    )
    op.create_table('demand_terms',
    sa.Column('demand_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('term', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['demand_id'], ['demands.id'], name=op.f('fk_demand_terms_demand_id_demands')),
    sa.PrimaryKeyConstraint('demand_id', 'term', name=op.f('pk_demand_terms'))
    )
    with op.batch_alter_table('demand_terms', schema=None) as batch_op:
        batch_op.create_index('ix_demand_terms_term', ['term'], unique=False)

    op.create_table('notices',
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('licensee_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('terms', database.Json, nullable=False),
    sa.Column('use', sa.Text(), nullable=True),
    sa.Column('contact', sa.String(length=500), nullable=True),
    sa.Column('document_digest', sa.String(length=64), nullable=False),
    sa.Column('written_at', database.UTC(), nullable=False),
    sa.Column('served_at', database.UTC(), nullable=True),
    sa.Column('service_proof', sa.String(length=500), nullable=True),
    sa.Column('pay_by', sa.Date(), nullable=True),
    sa.Column('ended_at', database.UTC(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('not_served', 'served', 'paid', 'lapsed', 'abandoned')", name=op.f('ck_notices_state_known')),
    sa.ForeignKeyConstraint(['licensee_id'], ['organisations.id'], name=op.f('fk_notices_licensee_id_organisations')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_notices_offer_id_offers')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_notices_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notices')),
    sa.UniqueConstraint('number', name=op.f('uq_notices_number'))
    )
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_notices_licensee_id'), ['licensee_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_notices_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index('uq_notices_open', ['offer_id', 'licensee_id'], unique=True, sqlite_where=sa.text("state IN ('not_served', 'served')"), postgresql_where=sa.text("state IN ('not_served', 'served')"))

    op.create_table('recommendations',
    sa.Column('demand_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('rank', sa.Integer(), nullable=False),
    sa.Column('reasons', database.Json, nullable=False),
    sa.Column('pass_reason', sa.String(length=32), nullable=True),
    sa.Column('pass_note', sa.String(length=500), nullable=True),
    sa.Column('shown_at', database.UTC(), nullable=False),
    sa.Column('changed_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('shown', 'opened', 'contacted', 'passed', 'licensed')", name=op.f('ck_recommendations_state_known')),
    sa.ForeignKeyConstraint(['demand_id'], ['demands.id'], name=op.f('fk_recommendations_demand_id_demands')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_recommendations_offer_id_offers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recommendations')),
    sa.UniqueConstraint('demand_id', 'offer_id', name=op.f('uq_recommendations_demand_id_offer_id'))
    )
    with op.batch_alter_table('recommendations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_recommendations_demand_id'), ['demand_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_recommendations_offer_id'), ['offer_id'], unique=False)

    op.create_table('licences',
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('evidence', sa.String(length=16), nullable=False),
    sa.Column('notice_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('patent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('licensee_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('import_key', sa.String(length=64), nullable=True),
    sa.Column('notice_on', sa.Date(), nullable=True),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('effective_at', database.UTC(), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('term_to', sa.Date(), nullable=True),
    sa.Column('offer_term_to', sa.Date(), nullable=True),
    sa.Column('patent_expires_on', sa.Date(), nullable=True),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('ended_reason', sa.String(length=32), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('certificate_code', sa.String(length=32), nullable=True),
    sa.Column('certificate_digest', sa.String(length=64), nullable=True),
    sa.Column('recordal_state', sa.String(length=16), nullable=False),
    sa.Column('recordal_due_on', sa.Date(), nullable=True),
    sa.Column('recordal_filed_on', sa.Date(), nullable=True),
    sa.Column('recordal_number', sa.String(length=40), nullable=True),
    sa.Column('recorded_on', sa.Date(), nullable=True),
    sa.Column('late_reason', sa.Text(), nullable=True),
    sa.Column('source', sa.String(length=200), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("evidence IN ('platform', 'verified', 'holder_stated')", name=op.f('ck_licences_evidence_known')),
    sa.CheckConstraint("kind <> 'open' OR offer_id IS NOT NULL", name=op.f('ck_licences_open_has_offer')),
    sa.CheckConstraint("kind IN ('open', 'ordinary')", name=op.f('ck_licences_kind_known')),
    sa.CheckConstraint("recordal_state IN ('to_do', 'filed', 'recorded', 'late')", name=op.f('ck_licences_recordal_state_known')),
    sa.CheckConstraint("state IN ('in_effect', 'ended')", name=op.f('ck_licences_state_known')),
    sa.CheckConstraint('amount_minor IS NULL OR amount_minor >= 0', name=op.f('ck_licences_amount_not_negative')),
    sa.CheckConstraint('term_to IS NULL OR offer_term_to IS NULL OR term_to <= offer_term_to', name=op.f('ck_licences_inside_offer_term')),
    sa.CheckConstraint('term_to IS NULL OR patent_expires_on IS NULL OR term_to <= patent_expires_on', name=op.f('ck_licences_inside_patent_term')),
    sa.ForeignKeyConstraint(['licensee_id'], ['organisations.id'], name=op.f('fk_licences_licensee_id_organisations')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_licences_notice_id_notices')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_licences_offer_id_offers')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_licences_patent_id_patents')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_licences')),
    sa.UniqueConstraint('certificate_code', name=op.f('uq_licences_certificate_code')),
    sa.UniqueConstraint('import_key', name=op.f('uq_licences_import_key')),
    sa.UniqueConstraint('notice_id', name=op.f('uq_licences_notice_id')),
    sa.UniqueConstraint('number', name=op.f('uq_licences_number'))
    )
    with op.batch_alter_table('licences', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_licences_effective_on'), ['effective_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_licences_licensee_id'), ['licensee_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_licences_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_licences_patent_id'), ['patent_id'], unique=False)

    op.create_table('obligations',
    sa.Column('notice_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('paid_at', database.UTC(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('fee', 'entry_fee', 'royalty')", name=op.f('ck_obligations_kind_known')),
    sa.CheckConstraint("state IN ('open', 'paid', 'cancelled')", name=op.f('ck_obligations_state_known')),
    sa.CheckConstraint('amount_minor >= 0', name=op.f('ck_obligations_amount_not_negative')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_obligations_notice_id_notices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_obligations'))
    )
    with op.batch_alter_table('obligations', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_obligations_notice_id'), ['notice_id'], unique=False)

    op.create_table('payments',
    sa.Column('obligation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('channel', sa.String(length=8), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('reference', sa.String(length=40), nullable=False),
    sa.Column('checkout_session_id', sa.String(length=255), nullable=True),
    sa.Column('checkout_url', sa.Text(), nullable=True),
    sa.Column('stripe_account', sa.String(length=64), nullable=True),
    sa.Column('account_name', sa.String(length=200), nullable=True),
    sa.Column('bank', sa.String(length=200), nullable=True),
    sa.Column('account', sa.String(length=64), nullable=True),
    sa.Column('slip_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('effective_at', database.UTC(), nullable=True),
    sa.Column('confirmed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("channel IN ('bank', 'stripe')", name=op.f('ck_payments_channel_known')),
    sa.CheckConstraint("state IN ('open', 'slip_uploaded', 'paid', 'failed', 'expired', 'cancelled', 'quarantined')", name=op.f('ck_payments_state_known')),
    sa.CheckConstraint('amount_minor >= 0', name=op.f('ck_payments_amount_not_negative')),
    sa.ForeignKeyConstraint(['confirmed_by'], ['users.id'], name=op.f('fk_payments_confirmed_by_users')),
    sa.ForeignKeyConstraint(['obligation_id'], ['obligations.id'], name=op.f('fk_payments_obligation_id_obligations')),
    sa.ForeignKeyConstraint(['slip_id'], ['files.id'], name=op.f('fk_payments_slip_id_files')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payments')),
    sa.UniqueConstraint('checkout_session_id', name=op.f('uq_payments_checkout_session_id')),
    sa.UniqueConstraint('reference', name=op.f('uq_payments_reference'))
    )
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payments_obligation_id'), ['obligation_id'], unique=False)
        batch_op.create_index('uq_payments_open', ['obligation_id'], unique=True, sqlite_where=sa.text("state IN ('open', 'slip_uploaded')"), postgresql_where=sa.text("state IN ('open', 'slip_uploaded')"))

    op.create_table('quarantine',
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('payment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('event_id', sa.String(length=255), nullable=True),
    sa.Column('expected', database.Json, nullable=False),
    sa.Column('received', database.Json, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('resolution', sa.Text(), nullable=True),
    sa.Column('resolved_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('resolved_at', database.UTC(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('open', 'resolved')", name=op.f('ck_quarantine_state_known')),
    sa.ForeignKeyConstraint(['event_id'], ['stripe_events.id'], name=op.f('fk_quarantine_event_id_stripe_events')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_quarantine_payment_id_payments')),
    sa.ForeignKeyConstraint(['resolved_by'], ['users.id'], name=op.f('fk_quarantine_resolved_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quarantine'))
    )
    op.create_table('refund_tasks',
    sa.Column('payment_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('done_at', database.UTC(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('open', 'done')", name=op.f('ck_refund_tasks_state_known')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_refund_tasks_payment_id_payments')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refund_tasks')),
    sa.UniqueConstraint('payment_id', name=op.f('uq_refund_tasks_payment_id'))
    )


def downgrade() -> None:
    op.drop_table('refund_tasks')
    op.drop_table('quarantine')
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.drop_index('uq_payments_open', sqlite_where=sa.text("state IN ('open', 'slip_uploaded')"), postgresql_where=sa.text("state IN ('open', 'slip_uploaded')"))
        batch_op.drop_index(batch_op.f('ix_payments_obligation_id'))

    op.drop_table('payments')
    with op.batch_alter_table('obligations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_obligations_notice_id'))

    op.drop_table('obligations')
    with op.batch_alter_table('licences', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_licences_patent_id'))
        batch_op.drop_index(batch_op.f('ix_licences_offer_id'))
        batch_op.drop_index(batch_op.f('ix_licences_licensee_id'))
        batch_op.drop_index(batch_op.f('ix_licences_effective_on'))

    op.drop_table('licences')
    with op.batch_alter_table('recommendations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_recommendations_offer_id'))
        batch_op.drop_index(batch_op.f('ix_recommendations_demand_id'))

    op.drop_table('recommendations')
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.drop_index('uq_notices_open', sqlite_where=sa.text("state IN ('not_served', 'served')"), postgresql_where=sa.text("state IN ('not_served', 'served')"))
        batch_op.drop_index(batch_op.f('ix_notices_offer_id'))
        batch_op.drop_index(batch_op.f('ix_notices_licensee_id'))

    op.drop_table('notices')
    with op.batch_alter_table('demand_terms', schema=None) as batch_op:
        batch_op.drop_index('ix_demand_terms_term')

    op.drop_table('demand_terms')
    op.drop_table('activity')
    with op.batch_alter_table('tokens', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_tokens_user_id'))

    op.drop_table('tokens')
    with op.batch_alter_table('patent_parties', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_patent_parties_patent_id'))
        batch_op.drop_index(batch_op.f('ix_patent_parties_organisation_id'))

    op.drop_table('patent_parties')
    with op.batch_alter_table('patent_facts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_patent_facts_patent_id'))

    op.drop_table('patent_facts')
    with op.batch_alter_table('patent_classes', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_patent_classes_symbol'))
        batch_op.drop_index(batch_op.f('ix_patent_classes_patent_id'))

    op.drop_table('patent_classes')
    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.drop_index('uq_offers_in_force_patent', sqlite_where=sa.text("status IN ('announced', 'withdrawal_filed')"), postgresql_where=sa.text("status IN ('announced', 'withdrawal_filed')"))
        batch_op.drop_index('ix_offers_status')
        batch_op.drop_index(batch_op.f('ix_offers_patent_id'))
        batch_op.drop_index(batch_op.f('ix_offers_holder_id'))

    op.drop_table('offers')
    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_notifications_staff_role'))
        batch_op.drop_index(batch_op.f('ix_notifications_organisation_id'))

    op.drop_table('notifications')
    with op.batch_alter_table('memberships', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_memberships_organisation_id'))

    op.drop_table('memberships')
    with op.batch_alter_table('mandates', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_mandates_principal_id'))
        batch_op.drop_index(batch_op.f('ix_mandates_agent_id'))

    op.drop_table('mandates')
    with op.batch_alter_table('demands', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_demands_organisation_id'))

    op.drop_table('demands')
    op.drop_table('users')
    with op.batch_alter_table('tasks', schema=None) as batch_op:
        batch_op.drop_index('uq_tasks_key')
        batch_op.drop_index('ix_tasks_due')

    op.drop_table('tasks')
    op.drop_table('stripe_events')
    with op.batch_alter_table('search_generations', schema=None) as batch_op:
        batch_op.drop_index('uq_search_generations_live', sqlite_where=sa.text('live = 1'), postgresql_where=sa.text('live'))

    op.drop_table('search_generations')
    op.drop_table('schedules')
    with op.batch_alter_table('patents', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_patents_district'))

    op.drop_table('patents')
    with op.batch_alter_table('organisations', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_organisations_region'))
        batch_op.drop_index('ix_organisations_name')

    op.drop_table('organisations')
    op.drop_table('journal_head')
    op.drop_table('journal_cursors')
    with op.batch_alter_table('journal', schema=None) as batch_op:
        batch_op.drop_index('ix_journal_subject')
        batch_op.drop_index('ix_journal_action')

    op.drop_table('journal')
    with op.batch_alter_table('idempotency_keys', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_idempotency_keys_created_at'))

    op.drop_table('idempotency_keys')
    with op.batch_alter_table('files', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_files_digest'))

    op.drop_table('files')
    op.drop_table('facts_as_of')
    with op.batch_alter_table('fact_patents', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_fact_patents_first_announced_on'))

    op.drop_table('fact_patents')
    with op.batch_alter_table('fact_licences', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_fact_licences_patent_id'))

    op.drop_table('fact_licences')
    with op.batch_alter_table('dead_letters', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_dead_letters_source'))

    op.drop_table('dead_letters')
