"""Orders may have one organisation on both sides, once the two were merged

Revision: 0035
After: 0034
"""

from alembic import op

revision = '0035'
down_revision = '0034'
branch_labels = None
depends_on = None

NAME = 'ck_service_orders_two_parties'


def upgrade() -> None:
    with op.batch_alter_table('service_orders', schema=None) as batch_op:
        batch_op.drop_constraint(op.f(NAME), type_='check')


def downgrade() -> None:
    with op.batch_alter_table('service_orders', schema=None) as batch_op:
        batch_op.create_check_constraint(op.f(NAME), 'provider_id <> customer_id')
