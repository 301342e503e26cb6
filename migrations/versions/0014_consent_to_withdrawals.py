"""Co-owners are asked about a withdrawal as well as about a declaration

Revision: 0014
After: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

_OPEN = sa.text("state IN ('asked', 'given')")


def _one_question(*columns: str) -> None:
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.drop_index('uq_consents_asked')
        batch_op.create_index(
            'uq_consents_asked', list(columns), unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
        )


def upgrade() -> None:
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('purpose', sa.String(length=16), nullable=False, server_default='declaration')
        )
        batch_op.add_column(sa.Column('ground', sa.Text(), nullable=True))
        batch_op.create_check_constraint(
            op.f('ck_consents_purpose_known'), "purpose IN ('declaration', 'withdrawal')"
        )
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.alter_column('purpose', server_default=None)
    _one_question('offer_id', 'organisation_id', 'capacity', 'purpose')


def downgrade() -> None:
    # Consents to withdrawals have no place in the older form; answers to declarations stay.
    op.execute("DELETE FROM consents WHERE purpose = 'withdrawal'")
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.drop_index('uq_consents_asked')
        batch_op.drop_constraint(op.f('ck_consents_purpose_known'), type_='check')
        batch_op.drop_column('ground')
        batch_op.drop_column('purpose')
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.create_index(
            'uq_consents_asked',
            ['offer_id', 'organisation_id', 'capacity'],
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        )
