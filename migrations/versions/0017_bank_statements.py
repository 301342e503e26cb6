"""Lines of holders' bank statements, and slips that wait too long

Revision: 0017
After: 0016
"""

import datetime as dt

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.add_column(sa.Column('slip_at', database.UTC(), nullable=True))
        batch_op.add_column(sa.Column('escalated_at', database.UTC(), nullable=True))
    # The clock of slips that wait already begins now: nobody has noted when they came.
    payments = sa.table('payments', sa.column('state'), sa.column('slip_at', database.UTC()))
    op.execute(sa.update(payments).where(payments.c.state == 'slip_uploaded').values(slip_at=dt.datetime.now(dt.UTC)))
    op.create_table('bank_lines',
    sa.Column('organisation_id', key, nullable=False),
    sa.Column('payment_id', key, nullable=False),
    sa.Column('serial', sa.String(length=64), nullable=False),
    sa.Column('booked_on', sa.Date(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('payer', sa.String(length=200), nullable=True),
    sa.Column('remark', sa.String(length=500), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', key, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('part', 'settled', 'differs', 'suggested', 'dismissed')", name=op.f('ck_bank_lines_state_known')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_bank_lines_amount_positive')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_bank_lines_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_bank_lines_payment_id_payments')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bank_lines')),
    sa.UniqueConstraint('organisation_id', 'serial', name=op.f('uq_bank_lines_organisation_id_serial'))
    )
    with op.batch_alter_table('bank_lines', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_bank_lines_payment_id'), ['payment_id'], unique=False)


def downgrade() -> None:
    op.drop_table('bank_lines')
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.drop_column('escalated_at')
        batch_op.drop_column('slip_at')
