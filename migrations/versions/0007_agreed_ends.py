"""Ends of licences that one party proposes and the other agrees to

Revision: 0007
After: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('licences', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('agreed_end', sa.String(length=16), nullable=False, server_default='none')
        )
        batch_op.add_column(sa.Column('end_proposed_on', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('end_proposed_side', sa.String(length=16), nullable=True))
        batch_op.add_column(
            sa.Column('end_proposed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True)
        )
        batch_op.create_check_constraint(
            op.f('ck_licences_agreed_end_known'), "agreed_end IN ('none', 'proposed', 'agreed')"
        )
        batch_op.create_check_constraint(
            op.f('ck_licences_end_proposed_side_known'), "end_proposed_side IN ('holder', 'licensee')"
        )
    with op.batch_alter_table('licences', schema=None) as batch_op:
        batch_op.alter_column('agreed_end', server_default=None)


def downgrade() -> None:
    with op.batch_alter_table('licences', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_licences_end_proposed_side_known'), type_='check')
        batch_op.drop_constraint(op.f('ck_licences_agreed_end_known'), type_='check')
        batch_op.drop_column('end_proposed_by')
        batch_op.drop_column('end_proposed_side')
        batch_op.drop_column('end_proposed_on')
        batch_op.drop_column('agreed_end')
