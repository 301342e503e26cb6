"""Facts as columns that a process loads at once, instead of two tables of a row per patent and licence

Revision: 0033
After: 0032
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0033'
down_revision = '0032'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('fact_columns',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_fact_columns'))
    )
    op.drop_table('fact_licences')
    op.drop_table('fact_patents')
    op.execute('DELETE FROM facts_as_of')  # the worker computes them anew within a minute


def downgrade() -> None:
    op.create_table('fact_patents',
    sa.Column('patent_id', KEY, autoincrement=False, nullable=False),
    sa.Column('offer_id', KEY, nullable=False),
    sa.Column('holder_id', KEY, nullable=False),
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
    op.create_index(op.f('ix_fact_patents_first_announced_on'), 'fact_patents', ['first_announced_on'])
    op.create_table('fact_licences',
    sa.Column('licence_id', KEY, autoincrement=False, nullable=False),
    sa.Column('patent_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('licensee_id', KEY, nullable=False),
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
    op.create_index(op.f('ix_fact_licences_patent_id'), 'fact_licences', ['patent_id'])
    op.drop_table('fact_columns')
    op.execute('DELETE FROM facts_as_of')
