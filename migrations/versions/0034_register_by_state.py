"""Counts of a holder's licences from an index alone, and the register by state

Revision: 0034
After: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = '0034'
down_revision = '0033'
branch_labels = None
depends_on = None

_REGISTER = sa.text("recordal_state IN ('recorded', 'cancelled')")


def upgrade() -> None:
    op.create_index(
        'ix_licences_patent_counts', 'licences', ['patent_id', 'state', 'recordal_state', 'kind'], unique=False
    )
    op.create_index(
        'ix_licences_register_state', 'licences', ['state', 'id'], unique=False,
        sqlite_where=_REGISTER, postgresql_where=_REGISTER,
    )


def downgrade() -> None:
    op.drop_index('ix_licences_register_state', table_name='licences')
    op.drop_index('ix_licences_patent_counts', table_name='licences')
