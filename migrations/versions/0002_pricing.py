"""Reference fees by industry and the scale of annuities

Revision: 0002
After: 0001
"""

import sqlalchemy as sa
from alembic import op
from marketplace.core import database

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('annuity_fees',
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('as_of', sa.Date(), nullable=False),
    sa.Column('year_from', sa.Integer(), nullable=False),
    sa.Column('year_to', sa.Integer(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.String(length=500), nullable=False),
    sa.Column('confirmed', sa.Boolean(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('invention', 'utility_model', 'design')", name=op.f('ck_annuity_fees_kind_known')),
    sa.CheckConstraint('amount_minor >= 0', name=op.f('ck_annuity_fees_amount_not_negative')),
    sa.CheckConstraint('year_from >= 1 AND year_to >= year_from', name=op.f('ck_annuity_fees_years_in_order')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_annuity_fees')),
    sa.UniqueConstraint('kind', 'as_of', 'year_from', name=op.f('uq_annuity_fees_kind_as_of_year_from'))
    )
    op.create_table('reference_fees',
    sa.Column('industry', sa.String(length=8), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('sample_size', sa.Integer(), nullable=False),
    sa.Column('mean_rate', database.Rate(), nullable=True),
    sa.Column('median_rate', database.Rate(), nullable=True),
    sa.Column('rate_base', sa.String(length=16), nullable=True),
    sa.Column('mean_lump_sum_minor', sa.BigInteger(), nullable=True),
    sa.Column('source', sa.String(length=500), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("rate_base IN ('net_sales', 'profit')", name=op.f('ck_reference_fees_rate_base_known')),
    sa.CheckConstraint('mean_lump_sum_minor IS NULL OR mean_lump_sum_minor >= 0', name=op.f('ck_reference_fees_lump_sum_not_negative')),
    sa.CheckConstraint('sample_size >= 0', name=op.f('ck_reference_fees_sample_not_negative')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reference_fees')),
    sa.UniqueConstraint('industry', 'year', name=op.f('uq_reference_fees_industry_year'))
    )


def downgrade() -> None:
    op.drop_table('reference_fees')
    op.drop_table('annuity_fees')
