"""Stock-taking

Revision: 0003
After: 0002
"""

import sqlalchemy as sa
from alembic import op
from marketplace.core import database

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('stock_grades',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=8), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('name_en', sa.String(length=60), nullable=True),
    sa.Column('help', sa.String(length=500), nullable=True),
    sa.Column('help_en', sa.String(length=500), nullable=True),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_stock_grades_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_grades')),
    sa.UniqueConstraint('organisation_id', 'code', name=op.f('uq_stock_grades_organisation_id_code'))
    )
    with op.batch_alter_table('stock_grades', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stock_grades_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('stock_jobs',
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('acting_for_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('action', sa.String(length=24), nullable=False),
    sa.Column('chosen', database.Json, nullable=False),
    sa.Column('values', database.Json, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('reached', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('last', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('changed', sa.Integer(), nullable=False),
    sa.Column('unchanged', sa.Integer(), nullable=False),
    sa.Column('refused', sa.Integer(), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('touched_at', database.UTC(), nullable=False),
    sa.Column('finished_at', database.UTC(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('waiting', 'running', 'done')", name=op.f('ck_stock_jobs_state_known')),
    sa.ForeignKeyConstraint(['acting_for_id'], ['organisations.id'], name=op.f('fk_stock_jobs_acting_for_id_organisations')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_stock_jobs_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_stock_jobs_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_jobs'))
    )
    with op.batch_alter_table('stock_jobs', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stock_jobs_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('stock_settings',
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('unit_review', sa.Boolean(), nullable=False),
    sa.Column('institution_review', sa.Boolean(), nullable=False),
    sa.Column('standing_on', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_stock_settings_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_settings')),
    sa.UniqueConstraint('organisation_id', name=op.f('uq_stock_settings_organisation_id'))
    )
    op.create_table('stock_units',
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('parent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('path', sa.String(length=200), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('name_en', sa.String(length=100), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_stock_units_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['parent_id'], ['stock_units.id'], name=op.f('fk_stock_units_parent_id_stock_units')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_units'))
    )
    with op.batch_alter_table('stock_units', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stock_units_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_stock_units_parent_id'), ['parent_id'], unique=False)

    op.create_table('stock_views',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('filter', database.Json, nullable=False),
    sa.Column('shared', sa.Boolean(), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_stock_views_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_stock_views_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_views')),
    sa.UniqueConstraint('organisation_id', 'user_id', 'name', name=op.f('uq_stock_views_organisation_id_user_id_name'))
    )
    with op.batch_alter_table('stock_views', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stock_views_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('stock',
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('patent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('held', sa.Boolean(), nullable=False),
    sa.Column('unit_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('inventor_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('grade', sa.String(length=8), nullable=False),
    sa.Column('wish', sa.Integer(), nullable=False),
    sa.Column('practice', sa.String(length=16), nullable=False),
    sa.Column('practised_by', sa.String(length=200), nullable=True),
    sa.Column('practised_how', sa.Text(), nullable=True),
    sa.Column('practised_since', sa.Date(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('standing', sa.String(length=16), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('section', sa.String(length=1), nullable=False),
    sa.Column('grant_year', sa.Integer(), nullable=True),
    sa.Column('haystack', sa.Text(), nullable=False),
    sa.Column('changed_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('invention', 'utility_model', 'design')", name=op.f('ck_stock_kind_known')),
    sa.CheckConstraint("practice IN ('unknown', 'none', 'own', 'licensed', 'assigned')", name=op.f('ck_stock_practice_known')),
    sa.CheckConstraint("standing IN ('may_file', 'barred', 'unknown', 'offered')", name=op.f('ck_stock_standing_known')),
    sa.CheckConstraint("state IN ('entered', 'submitted', 'unit_approved', 'approved')", name=op.f('ck_stock_state_known')),
    sa.CheckConstraint('wish BETWEEN 0 AND 7', name=op.f('ck_stock_wish_known')),
    sa.ForeignKeyConstraint(['inventor_id'], ['users.id'], name=op.f('fk_stock_inventor_id_users')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_stock_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_stock_patent_id_patents')),
    sa.ForeignKeyConstraint(['unit_id'], ['stock_units.id'], name=op.f('fk_stock_unit_id_stock_units')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock')),
    sa.UniqueConstraint('organisation_id', 'patent_id', name=op.f('uq_stock_organisation_id_patent_id'))
    )
    with op.batch_alter_table('stock', schema=None) as batch_op:
        batch_op.create_index('ix_stock_facets', ['organisation_id', 'held', 'state', 'standing', 'grade', 'wish', 'practice', 'unit_id', 'kind', 'section', 'grant_year', 'inventor_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_stock_inventor_id'), ['inventor_id'], unique=False)
        batch_op.create_index('ix_stock_page', ['organisation_id', 'held', 'id', 'state', 'standing', 'grade', 'wish', 'practice', 'unit_id', 'kind', 'section', 'grant_year', 'inventor_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_stock_patent_id'), ['patent_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_stock_unit_id'), ['unit_id'], unique=False)

    op.create_table('stock_members',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('unit_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('role', sa.String(length=24), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.CheckConstraint("(unit_id IS NULL) = (role = 'institution_reviewer')", name=op.f('ck_stock_members_unit_where_role_needs_it')),
    sa.CheckConstraint("role IN ('inventor', 'unit_reviewer', 'institution_reviewer')", name=op.f('ck_stock_members_role_known')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_stock_members_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['unit_id'], ['stock_units.id'], name=op.f('fk_stock_members_unit_id_stock_units')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_stock_members_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_members')),
    sa.UniqueConstraint('organisation_id', 'user_id', 'unit_id', 'role', name=op.f('uq_stock_members_organisation_id_user_id_unit_id_role'))
    )
    with op.batch_alter_table('stock_members', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stock_members_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_stock_members_unit_id'), ['unit_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_stock_members_user_id'), ['user_id'], unique=False)

    op.create_table('stock_comments',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('stock_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('author_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('action', sa.String(length=24), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.ForeignKeyConstraint(['author_id'], ['users.id'], name=op.f('fk_stock_comments_author_id_users')),
    sa.ForeignKeyConstraint(['stock_id'], ['stock.id'], name=op.f('fk_stock_comments_stock_id_stock')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_comments'))
    )
    with op.batch_alter_table('stock_comments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_stock_comments_stock_id'), ['stock_id'], unique=False)

    op.create_table('stock_refusals',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('job_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('stock_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=64), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('parameters', database.Json, nullable=False),
    sa.ForeignKeyConstraint(['job_id'], ['stock_jobs.id'], name=op.f('fk_stock_refusals_job_id_stock_jobs')),
    sa.ForeignKeyConstraint(['stock_id'], ['stock.id'], name=op.f('fk_stock_refusals_stock_id_stock')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_refusals')),
    sa.UniqueConstraint('job_id', 'stock_id', name=op.f('uq_stock_refusals_job_id_stock_id'))
    )


def downgrade() -> None:
    op.drop_table('stock_refusals')
    with op.batch_alter_table('stock_comments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stock_comments_stock_id'))

    op.drop_table('stock_comments')
    with op.batch_alter_table('stock_members', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stock_members_user_id'))
        batch_op.drop_index(batch_op.f('ix_stock_members_unit_id'))
        batch_op.drop_index(batch_op.f('ix_stock_members_organisation_id'))

    op.drop_table('stock_members')
    with op.batch_alter_table('stock', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stock_unit_id'))
        batch_op.drop_index(batch_op.f('ix_stock_patent_id'))
        batch_op.drop_index('ix_stock_page')
        batch_op.drop_index(batch_op.f('ix_stock_inventor_id'))
        batch_op.drop_index('ix_stock_facets')

    op.drop_table('stock')
    with op.batch_alter_table('stock_views', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stock_views_organisation_id'))

    op.drop_table('stock_views')
    with op.batch_alter_table('stock_units', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stock_units_parent_id'))
        batch_op.drop_index(batch_op.f('ix_stock_units_organisation_id'))

    op.drop_table('stock_units')
    op.drop_table('stock_settings')
    with op.batch_alter_table('stock_jobs', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stock_jobs_organisation_id'))

    op.drop_table('stock_jobs')
    with op.batch_alter_table('stock_grades', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_stock_grades_organisation_id'))

    op.drop_table('stock_grades')
