"""Who says that a withdrawal was announced

Revision: 0006
After: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('withdrawal_evidence', sa.String(length=16), nullable=True))
        batch_op.create_check_constraint(
            op.f('ck_offers_withdrawal_evidence_known'),
            "withdrawal_evidence IN ('holder_stated', 'verified')",
        )
    # Whoever is no staff and recorded a withdrawal has stated it; operators and their lists verify.
    op.execute("UPDATE offers SET withdrawal_evidence = 'verified' WHERE status = 'withdrawn'")
    op.execute(
        "UPDATE offers SET withdrawal_evidence = 'holder_stated' WHERE status = 'withdrawn' AND EXISTS ("
        "SELECT 1 FROM journal JOIN users ON users.id = journal.actor_id "
        "WHERE journal.subject_type = 'offers' AND journal.subject_id = offers.id "
        "AND journal.action = 'offer.withdrawn' AND users.staff_role IS NULL)"
    )


def downgrade() -> None:
    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_offers_withdrawal_evidence_known'), type_='check')
        batch_op.drop_column('withdrawal_evidence')
