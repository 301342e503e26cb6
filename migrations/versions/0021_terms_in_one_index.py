"""The rare words of demands and interests, with their weights, in one index each

Revision: 0021
After: 0020
"""

from alembic import op

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

WHOSE = {'demand_terms': 'demand_id', 'interest_terms': 'interest_id'}


def upgrade() -> None:
    for table, owner in WHOSE.items():
        op.drop_index(f'ix_{table}_term', table_name=table)
        op.create_index(f'ix_{table}_lookup', table, ['term', owner, 'weight'], unique=False)


def downgrade() -> None:
    for table in WHOSE:
        op.drop_index(f'ix_{table}_lookup', table_name=table)
        op.create_index(f'ix_{table}_term', table, ['term'], unique=False)
