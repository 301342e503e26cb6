"""Whether an organisation is state-established is said once, of the organisation itself

Revision: 0013
After: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "UPDATE organisations SET state_established = (SELECT state_established FROM price_notice_rules "
        "WHERE price_notice_rules.organisation_id = organisations.id) WHERE state_established IS NULL "
        "AND id IN (SELECT organisation_id FROM price_notice_rules)"
    )
    with op.batch_alter_table('price_notice_rules', schema=None) as batch_op:
        batch_op.drop_column('state_established')


def downgrade() -> None:
    with op.batch_alter_table('price_notice_rules', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('state_established', sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.execute(
        "UPDATE price_notice_rules SET state_established = COALESCE((SELECT state_established FROM "
        "organisations WHERE organisations.id = price_notice_rules.organisation_id), false)"
    )
    with op.batch_alter_table('price_notice_rules', schema=None) as batch_op:
        batch_op.alter_column('state_established', server_default=None)
