"""The number of open licences, counted with the facts

Revision: 0029
After: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("facts_as_of", schema=None) as batch_op:
        batch_op.add_column(sa.Column("licences", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("licences_up_to", KEY, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("facts_as_of", schema=None) as batch_op:
        batch_op.drop_column("licences_up_to")
        batch_op.drop_column("licences")
