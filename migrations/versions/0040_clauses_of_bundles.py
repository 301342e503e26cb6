"""The further clauses that a licensee accepts with each notice of a bundle

Revision: 0040
After: 0039
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("bundle_parts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("clauses", database.Json, nullable=False, server_default="[]"))
    with op.batch_alter_table("bundle_parts", schema=None) as batch_op:
        batch_op.alter_column("clauses", server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("bundle_parts", schema=None) as batch_op:
        batch_op.drop_column("clauses")
