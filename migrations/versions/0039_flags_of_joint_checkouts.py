"""Refunds and disputes flagged on every payment of a joint checkout

Revision: 0039
After: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = '0039'
down_revision = '0038'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("payment_flags", schema=None) as batch_op:
        batch_op.add_column(sa.Column("checkout_minor", sa.BigInteger(), nullable=True))
        batch_op.drop_constraint(op.f("uq_payment_flags_kind_provider_id"), type_="unique")
        batch_op.create_unique_constraint(
            op.f("uq_payment_flags_kind_provider_id_payment_id"), ["kind", "provider_id", "payment_id"]
        )


def downgrade() -> None:
    # The other flags of one matter have no place in the old table: its first one stays.
    op.execute(
        "DELETE FROM payment_flags WHERE id NOT IN"
        " (SELECT MIN(id) FROM payment_flags GROUP BY kind, provider_id)"
    )
    with op.batch_alter_table("payment_flags", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("uq_payment_flags_kind_provider_id_payment_id"), type_="unique")
        batch_op.create_unique_constraint(
            op.f("uq_payment_flags_kind_provider_id"), ["kind", "provider_id"]
        )
        batch_op.drop_column("checkout_minor")
