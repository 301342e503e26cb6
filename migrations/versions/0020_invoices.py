"""The payee's invoice for a payment

Revision: 0020
After: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('invoice_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True)
        )
        batch_op.create_foreign_key(op.f('fk_payments_invoice_id_files'), 'files', ['invoice_id'], ['id'])


def downgrade() -> None:
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('fk_payments_invoice_id_files'), type_='foreignkey')
        batch_op.drop_column('invoice_id')
