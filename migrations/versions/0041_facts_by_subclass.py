"""Facts by IPC subclass: the worker computes them anew, so that the old ones only have to go

Revision: 0041
After: 0040
"""

from alembic import op

revision = '0041'
down_revision = '0040'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('DELETE FROM fact_columns')
    op.execute('DELETE FROM facts_as_of')


def downgrade() -> None:
    upgrade()
