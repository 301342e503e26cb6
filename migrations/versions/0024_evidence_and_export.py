"""Evidence of notices, time-stamps, optional clauses, technology export, papers and reminders of licences

Revision: 0024
After: 0023
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_BEFORE = ('not_served', 'served', 'paid', 'lapsed', 'abandoned', 'undelivered')
_STATE = 'ck_notices_state_known'


def _allow(states: tuple) -> None:
    listed = ', '.join(f"'{state}'" for state in states)
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.drop_constraint(op.f(_STATE), type_='check')
        batch_op.create_check_constraint(op.f(_STATE), f'state IN ({listed})')


def upgrade() -> None:
    _allow((*_BEFORE, 'refused'))
    op.create_table('technology_classes',
    sa.Column('patent_id', KEY, nullable=False),
    sa.Column('answer', sa.String(length=16), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('stated_by', KEY, nullable=True),
    sa.Column('stated_at', database.UTC(), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("answer IN ('free', 'restricted', 'banned')", name=op.f('ck_technology_classes_answer_known')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_technology_classes_patent_id_patents')),
    sa.ForeignKeyConstraint(['stated_by'], ['users.id'], name=op.f('fk_technology_classes_stated_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_technology_classes')),
    sa.UniqueConstraint('patent_id', name=op.f('uq_technology_classes_patent_id'))
    )
    op.create_table('offer_clauses',
    sa.Column('offer_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('text_en', sa.Text(), nullable=True),
    sa.Column('published_by', KEY, nullable=True),
    sa.Column('published_at', database.UTC(), nullable=False),
    sa.Column('withdrawn_at', database.UTC(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('use_reports', 'grace_period', 'improvements', 'support', 'marking', 'other')", name=op.f('ck_offer_clauses_kind_known')),
    sa.CheckConstraint("state IN ('published', 'withdrawn')", name=op.f('ck_offer_clauses_state_known')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_offer_clauses_offer_id_offers')),
    sa.ForeignKeyConstraint(['published_by'], ['users.id'], name=op.f('fk_offer_clauses_published_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offer_clauses'))
    )
    with op.batch_alter_table('offer_clauses', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_offer_clauses_offer_id'), ['offer_id'], unique=False)

    op.create_table('clause_acceptances',
    sa.Column('id', KEY, nullable=False),
    sa.Column('clause_id', KEY, nullable=False),
    sa.Column('notice_id', KEY, nullable=False),
    sa.Column('accepted_by', KEY, nullable=True),
    sa.Column('accepted_at', database.UTC(), nullable=False),
    sa.ForeignKeyConstraint(['accepted_by'], ['users.id'], name=op.f('fk_clause_acceptances_accepted_by_users')),
    sa.ForeignKeyConstraint(['clause_id'], ['offer_clauses.id'], name=op.f('fk_clause_acceptances_clause_id_offer_clauses')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_clause_acceptances_notice_id_notices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clause_acceptances')),
    sa.UniqueConstraint('clause_id', 'notice_id', name=op.f('uq_clause_acceptances_clause_id_notice_id'))
    )
    with op.batch_alter_table('clause_acceptances', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_clause_acceptances_notice_id'), ['notice_id'], unique=False)

    op.create_table('export_checks',
    sa.Column('notice_id', KEY, nullable=False),
    sa.Column('seat', sa.String(length=2), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('licensee_answer', sa.String(length=16), nullable=False),
    sa.Column('licensee_by', KEY, nullable=True),
    sa.Column('licensee_at', database.UTC(), nullable=False),
    sa.Column('holder_answer', sa.String(length=16), nullable=True),
    sa.Column('holder_by', KEY, nullable=True),
    sa.Column('holder_at', database.UTC(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('ready_at', database.UTC(), nullable=True),
    sa.Column('licence_number', sa.String(length=80), nullable=True),
    sa.Column('licence_on', sa.Date(), nullable=True),
    sa.Column('licence_file_id', KEY, nullable=True),
    sa.Column('registration_number', sa.String(length=80), nullable=True),
    sa.Column('registered_on', sa.Date(), nullable=True),
    sa.Column('settled_at', database.UTC(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("holder_answer IN ('free', 'restricted', 'banned', 'unsure')", name=op.f('ck_export_checks_holder_answer_known')),
    sa.CheckConstraint("licensee_answer IN ('free', 'restricted', 'banned', 'unsure')", name=op.f('ck_export_checks_licensee_answer_known')),
    sa.CheckConstraint("state <> 'licensed' OR (licence_number IS NOT NULL AND licence_on IS NOT NULL)", name=op.f('ck_export_checks_licensed_has_its_licence')),
    sa.CheckConstraint("state IN ('asked', 'free', 'restricted', 'licensed', 'banned')", name=op.f('ck_export_checks_state_known')),
    sa.ForeignKeyConstraint(['holder_by'], ['users.id'], name=op.f('fk_export_checks_holder_by_users')),
    sa.ForeignKeyConstraint(['licence_file_id'], ['files.id'], name=op.f('fk_export_checks_licence_file_id_files')),
    sa.ForeignKeyConstraint(['licensee_by'], ['users.id'], name=op.f('fk_export_checks_licensee_by_users')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_export_checks_notice_id_notices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_export_checks')),
    sa.UniqueConstraint('notice_id', name=op.f('uq_export_checks_notice_id'))
    )
    op.create_table('notice_evidence',
    sa.Column('id', KEY, nullable=False),
    sa.Column('notice_id', KEY, nullable=False),
    sa.Column('form', sa.String(length=16), nullable=False),
    sa.Column('identity', sa.String(length=16), nullable=False),
    sa.Column('identity_how', sa.String(length=16), nullable=True),
    sa.Column('email_verified', sa.Boolean(), nullable=False),
    sa.Column('second_factor', sa.Boolean(), nullable=False),
    sa.Column('capacity', sa.String(length=16), nullable=False),
    sa.Column('system', sa.String(length=24), nullable=False),
    sa.Column('seal_intact', sa.Boolean(), nullable=True),
    sa.Column('seal_signer', sa.String(length=200), nullable=True),
    sa.Column('sent_to', sa.String(length=254), nullable=True),
    sa.Column('sent_at', database.UTC(), nullable=True),
    sa.Column('message_id', sa.String(length=200), nullable=True),
    sa.Column('proof_id', KEY, nullable=True),
    sa.CheckConstraint("capacity IN ('member', 'mandate')", name=op.f('ck_notice_evidence_capacity_known')),
    sa.CheckConstraint("form IN ('online', 'uploaded')", name=op.f('ck_notice_evidence_form_known')),
    sa.CheckConstraint("identity IN ('confirmed', 'stated')", name=op.f('ck_notice_evidence_identity_known')),
    sa.CheckConstraint("system IN ('designated_system', 'announced_contact')", name=op.f('ck_notice_evidence_system_known')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_notice_evidence_notice_id_notices')),
    sa.ForeignKeyConstraint(['proof_id'], ['files.id'], name=op.f('fk_notice_evidence_proof_id_files')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notice_evidence')),
    sa.UniqueConstraint('notice_id', name=op.f('uq_notice_evidence_notice_id'))
    )
    op.create_table('time_stamps',
    sa.Column('notice_id', KEY, nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('asked_at', database.UTC(), nullable=False),
    sa.Column('tried', sa.Integer(), nullable=False),
    sa.Column('tried_at', database.UTC(), nullable=True),
    sa.Column('failure', sa.String(length=40), nullable=True),
    sa.Column('token', sa.LargeBinary(), nullable=True),
    sa.Column('stamped_at', database.UTC(), nullable=True),
    sa.Column('serial', sa.String(length=80), nullable=True),
    sa.Column('authority', sa.String(length=200), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'stamped') = (token IS NOT NULL)", name=op.f('ck_time_stamps_stamped_has_token')),
    sa.CheckConstraint("state IN ('waiting', 'stamped')", name=op.f('ck_time_stamps_state_known')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_time_stamps_notice_id_notices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_time_stamps')),
    sa.UniqueConstraint('notice_id', name=op.f('uq_time_stamps_notice_id'))
    )
    op.create_table('licence_papers',
    sa.Column('id', KEY, nullable=False),
    sa.Column('licence_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('text', sa.Text(), nullable=True),
    sa.Column('file_id', KEY, nullable=True),
    sa.Column('organisation_id', KEY, nullable=True),
    sa.Column('user_id', KEY, nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.CheckConstraint("kind IN ('source', 'termination')", name=op.f('ck_licence_papers_kind_known')),
    sa.CheckConstraint('text IS NOT NULL OR file_id IS NOT NULL', name=op.f('ck_licence_papers_says_something')),
    sa.ForeignKeyConstraint(['file_id'], ['files.id'], name=op.f('fk_licence_papers_file_id_files')),
    sa.ForeignKeyConstraint(['licence_id'], ['licences.id'], name=op.f('fk_licence_papers_licence_id_licences')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_licence_papers_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_licence_papers_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_licence_papers'))
    )
    with op.batch_alter_table('licence_papers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_licence_papers_licence_id'), ['licence_id'], unique=False)

    op.create_table('recordal_reminders',
    sa.Column('id', KEY, nullable=False),
    sa.Column('licence_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.CheckConstraint("kind IN ('due_30', 'due_7')", name=op.f('ck_recordal_reminders_kind_known')),
    sa.ForeignKeyConstraint(['licence_id'], ['licences.id'], name=op.f('fk_recordal_reminders_licence_id_licences')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recordal_reminders')),
    sa.UniqueConstraint('licence_id', 'kind', name=op.f('uq_recordal_reminders_licence_id_kind'))
    )

    # So far only the gazette's lists told of changes and cancellations.
    with op.batch_alter_table('recordal_changes', schema=None) as batch_op:
        batch_op.add_column(sa.Column('side', sa.String(length=16), nullable=False, server_default='gazette'))
        batch_op.create_check_constraint(
            op.f('ck_recordal_changes_side_known'), "side IN ('holder', 'licensee', 'operator', 'gazette')"
        )
    with op.batch_alter_table('recordal_changes', schema=None) as batch_op:
        batch_op.alter_column('side', server_default=None)


def downgrade() -> None:
    with op.batch_alter_table('recordal_changes', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_recordal_changes_side_known'), type_='check')
        batch_op.drop_column('side')
    op.drop_table('recordal_reminders')
    op.drop_table('licence_papers')
    op.drop_table('time_stamps')
    op.drop_table('notice_evidence')
    op.drop_table('export_checks')
    op.drop_table('clause_acceptances')
    op.drop_table('offer_clauses')
    op.drop_table('technology_classes')
    op.execute("UPDATE notices SET state = 'abandoned' WHERE state = 'refused'")
    _allow(_BEFORE)
