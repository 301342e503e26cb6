"""Reports that are made, published and frozen, what has changed since, and who is sent them

Revision: 0037
After: 0036
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('report_schedules',
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('day', sa.Integer(), nullable=False),
    sa.Column('hour', sa.Integer(), nullable=False),
    sa.Column('publish', sa.Boolean(), nullable=False),
    sa.Column('public', sa.Boolean(), nullable=False),
    sa.Column('issuer', sa.String(length=100), nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('month', 'quarter', 'year')", name=op.f('ck_report_schedules_kind_known')),
    sa.CheckConstraint('day BETWEEN 1 AND 28 AND hour BETWEEN 0 AND 23', name=op.f('ck_report_schedules_time_possible')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_schedules')),
    sa.UniqueConstraint('kind', name=op.f('uq_report_schedules_kind'))
    )
    op.create_table('report_recipients',
    sa.Column('id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('user_id', KEY, nullable=False),
    sa.CheckConstraint("kind IN ('month', 'quarter', 'year')", name=op.f('ck_report_recipients_kind_known')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_report_recipients_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_recipients')),
    sa.UniqueConstraint('kind', 'user_id', name=op.f('uq_report_recipients_kind_user_id'))
    )
    op.create_table('statistics_reports',
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('first', sa.Date(), nullable=False),
    sa.Column('last', sa.Date(), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('journal_id', KEY, nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('issuer', sa.String(length=100), nullable=False),
    sa.Column('document_number', sa.String(length=60), nullable=False),
    sa.Column('definitions', database.Json, nullable=False),
    sa.Column('content_id', KEY, nullable=False),
    sa.Column('rows_id', KEY, nullable=False),
    sa.Column('public', sa.Boolean(), nullable=False),
    sa.Column('automatic', sa.Boolean(), nullable=False),
    sa.Column('made_at', database.UTC(), nullable=False),
    sa.Column('made_by_id', KEY, nullable=True),
    sa.Column('published_at', database.UTC(), nullable=True),
    sa.Column('published_by_id', KEY, nullable=True),
    sa.Column('replaces_id', KEY, nullable=True),
    sa.Column('checked_at', database.UTC(), nullable=True),
    sa.Column('checked_journal_id', KEY, nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('month', 'quarter', 'year', 'range')", name=op.f('ck_statistics_reports_kind_known')),
    sa.CheckConstraint("state IN ('draft', 'published', 'superseded', 'discarded')", name=op.f('ck_statistics_reports_state_known')),
    sa.CheckConstraint('first <= last AND last <= as_of', name=op.f('ck_statistics_reports_days_in_order')),
    sa.ForeignKeyConstraint(['content_id'], ['files.id'], name=op.f('fk_statistics_reports_content_id_files')),
    sa.ForeignKeyConstraint(['replaces_id'], ['statistics_reports.id'], name=op.f('fk_statistics_reports_replaces_id_statistics_reports')),
    sa.ForeignKeyConstraint(['rows_id'], ['files.id'], name=op.f('fk_statistics_reports_rows_id_files')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_statistics_reports'))
    )
    op.create_index('ix_statistics_reports_period', 'statistics_reports', ['kind', 'first', 'last'], unique=False)
    op.create_index('uq_statistics_reports_draft', 'statistics_reports', ['kind', 'first', 'last'], unique=True, sqlite_where=sa.text("state = 'draft'"), postgresql_where=sa.text("state = 'draft'"))
    op.create_index('uq_statistics_reports_published', 'statistics_reports', ['kind', 'first', 'last'], unique=True, sqlite_where=sa.text("state = 'published'"), postgresql_where=sa.text("state = 'published'"))
    op.create_table('report_files',
    sa.Column('id', KEY, nullable=False),
    sa.Column('report_id', KEY, nullable=False),
    sa.Column('form', sa.String(length=8), nullable=False),
    sa.Column('language', sa.String(length=8), nullable=False),
    sa.Column('file_id', KEY, nullable=False),
    sa.CheckConstraint("form IN ('pdf', 'xlsx', 'csv', 'json')", name=op.f('ck_report_files_form_known')),
    sa.CheckConstraint("language IN ('zh', 'en')", name=op.f('ck_report_files_language_known')),
    sa.ForeignKeyConstraint(['file_id'], ['files.id'], name=op.f('fk_report_files_file_id_files')),
    sa.ForeignKeyConstraint(['report_id'], ['statistics_reports.id'], name=op.f('fk_report_files_report_id_statistics_reports')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_files')),
    sa.UniqueConstraint('report_id', 'form', 'language', name=op.f('uq_report_files_report_id_form_language'))
    )
    op.create_table('report_mails',
    sa.Column('id', KEY, nullable=False),
    sa.Column('report_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('first', sa.Date(), nullable=False),
    sa.Column('last', sa.Date(), nullable=False),
    sa.Column('user_id', KEY, nullable=False),
    sa.Column('asked_at', database.UTC(), nullable=False),
    sa.Column('sent_at', database.UTC(), nullable=True),
    sa.Column('failed', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['report_id'], ['statistics_reports.id'], name=op.f('fk_report_mails_report_id_statistics_reports')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_report_mails_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_mails')),
    sa.UniqueConstraint('kind', 'first', 'last', 'user_id', name=op.f('uq_report_mails_kind_first_last_user_id'))
    )
    op.create_table('report_revisions',
    sa.Column('id', KEY, nullable=False),
    sa.Column('report_id', KEY, nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('journal_id', KEY, nullable=False),
    sa.Column('published_at', database.UTC(), nullable=False),
    sa.Column('published_by_id', KEY, nullable=True),
    sa.ForeignKeyConstraint(['report_id'], ['statistics_reports.id'], name=op.f('fk_report_revisions_report_id_statistics_reports')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_revisions')),
    sa.UniqueConstraint('report_id', 'number', name=op.f('uq_report_revisions_report_id_number'))
    )
    op.create_table('report_changes',
    sa.Column('id', KEY, nullable=False),
    sa.Column('report_id', KEY, nullable=False),
    sa.Column('revision_id', KEY, nullable=True),
    sa.Column('figure', sa.String(length=24), nullable=False),
    sa.Column('cut', sa.String(length=16), nullable=False),
    sa.Column('grp', sa.String(length=40), nullable=False),
    sa.Column('cell', sa.String(length=24), nullable=False),
    sa.Column('part', sa.String(length=16), nullable=False),
    sa.Column('old', sa.BigInteger(), nullable=True),
    sa.Column('new', sa.BigInteger(), nullable=True),
    sa.Column('causes', database.Json, nullable=False),
    sa.Column('found_at', database.UTC(), nullable=False),
    sa.Column('journal_id', KEY, nullable=False),
    sa.ForeignKeyConstraint(['report_id'], ['statistics_reports.id'], name=op.f('fk_report_changes_report_id_statistics_reports')),
    sa.ForeignKeyConstraint(['revision_id'], ['report_revisions.id'], name=op.f('fk_report_changes_revision_id_report_revisions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_report_changes'))
    )
    op.create_index('ix_report_changes_report', 'report_changes', ['report_id', 'revision_id'], unique=False)


def downgrade() -> None:
    op.drop_table('report_changes')
    op.drop_table('report_revisions')
    op.drop_table('report_mails')
    op.drop_table('report_files')
    op.drop_table('statistics_reports')
    op.drop_table('report_recipients')
    op.drop_table('report_schedules')
