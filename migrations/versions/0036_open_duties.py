"""The open duties to withdraw from an index

Revision: 0036
After: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = '0036'
down_revision = '0035'
branch_labels = None
depends_on = None

_OPEN = sa.text('duty_to_withdraw_since IS NOT NULL')


def upgrade() -> None:
    op.create_index(
        'ix_offers_duty', 'offers', ['duty_to_withdraw_since', 'id'], unique=False,
        sqlite_where=_OPEN, postgresql_where=_OPEN,
    )


def downgrade() -> None:
    op.drop_index('ix_offers_duty', table_name='offers')
