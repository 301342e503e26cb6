"""Notices that never arrived, ends of patents that a holder alone states, and who stated a recordal

Revision: 0010
After: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

_BEFORE = ('not_served', 'served', 'paid', 'lapsed', 'abandoned')
_STATE = 'ck_notices_state_known'
_SIDES = "IN ('holder', 'licensee', 'operator', 'gazette')"


def _allow(states: tuple) -> None:
    listed = ', '.join(f"'{state}'" for state in states)
    with op.batch_alter_table('notices', schema=None) as batch_op:
        batch_op.drop_constraint(op.f(_STATE), type_='check')
        batch_op.create_check_constraint(op.f(_STATE), f'state IN ({listed})')


def upgrade() -> None:
    _allow((*_BEFORE, 'undelivered'))
    with op.batch_alter_table('licences', schema=None) as batch_op:
        batch_op.add_column(sa.Column('patent_end_stated_on', sa.Date(), nullable=True))
        for name in ('recordal_filed_side', 'recorded_side'):
            batch_op.add_column(sa.Column(name, sa.String(length=16), nullable=True))
            batch_op.create_check_constraint(op.f(f'ck_licences_{name}_known'), f'{name} {_SIDES}')
    # Only a gazette's list has verified a licence so far; who stated the others is not known any more.
    op.execute(
        "UPDATE licences SET recorded_side = 'gazette' "
        "WHERE recordal_state = 'recorded' AND evidence = 'verified'"
    )


def downgrade() -> None:
    with op.batch_alter_table('licences', schema=None) as batch_op:
        for name in ('recorded_side', 'recordal_filed_side'):
            batch_op.drop_constraint(op.f(f'ck_licences_{name}_known'), type_='check')
            batch_op.drop_column(name)
        batch_op.drop_column('patent_end_stated_on')
    op.execute("UPDATE notices SET state = 'lapsed' WHERE state = 'undelivered'")
    _allow(_BEFORE)
