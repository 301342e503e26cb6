"""A person who shares has an account, and a holder is told once when the time of a notice of default is over

Revision: 0030
After: 0029
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0030'
down_revision = '0029'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    with op.batch_alter_table('royalty_defaults', schema=None) as batch_op:
        batch_op.add_column(sa.Column('cure_over_at', database.UTC(), nullable=True))
    with op.batch_alter_table('share_persons', schema=None) as batch_op:
        batch_op.add_column(sa.Column('user_id', KEY, nullable=True))
        batch_op.create_foreign_key(op.f('fk_share_persons_user_id_users'), 'users', ['user_id'], ['id'])
        batch_op.create_unique_constraint(
            op.f('uq_share_persons_organisation_id_user_id'), ['organisation_id', 'user_id']
        )
        batch_op.create_index(op.f('ix_share_persons_user_id'), ['user_id'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('share_persons', schema=None) as batch_op:
        batch_op.drop_index(op.f('ix_share_persons_user_id'))
        batch_op.drop_constraint(op.f('uq_share_persons_organisation_id_user_id'), type_='unique')
        batch_op.drop_constraint(op.f('fk_share_persons_user_id_users'), type_='foreignkey')
        batch_op.drop_column('user_id')
    with op.batch_alter_table('royalty_defaults', schema=None) as batch_op:
        batch_op.drop_column('cure_over_at')
