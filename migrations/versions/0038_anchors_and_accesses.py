'''Anchors of the journal, and the log of accesses to personal data

Revision: 0038
After: 0037
'''

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0038'
down_revision = '0037'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('access_log',
    sa.Column('id', KEY, autoincrement=False, nullable=False),
    sa.Column('at', database.UTC(), nullable=False),
    sa.Column('person_id', KEY, nullable=True),
    sa.Column('organisation_id', KEY, nullable=True),
    sa.Column('actor_id', KEY, nullable=True),
    sa.Column('what', sa.String(length=32), nullable=False),
    sa.Column('channel', sa.String(length=8), nullable=False),
    sa.Column('subject_type', sa.String(length=32), nullable=True),
    sa.Column('subject_id', KEY, nullable=True),
    sa.Column('request_id', sa.String(length=64), nullable=True),
    sa.Column('seal', sa.LargeBinary(length=32), nullable=False),
    sa.CheckConstraint("channel IN ('page', 'api', 'command')", name=op.f('ck_access_log_channel_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_access_log'))
    )
    op.create_index('ix_access_log_person', 'access_log', ['person_id', 'id'], unique=False)
    op.create_index('ix_access_log_actor', 'access_log', ['actor_id', 'id'], unique=False)
    op.create_index('ix_access_log_organisation', 'access_log', ['organisation_id', 'id'], unique=False)
    op.create_table('audit_anchors',
    sa.Column('id', KEY, autoincrement=False, nullable=False),
    sa.Column('made_at', database.UTC(), nullable=False),
    sa.Column('last', KEY, nullable=False),
    sa.Column('seal', sa.LargeBinary(length=32), nullable=False),
    sa.Column('root', sa.LargeBinary(length=32), nullable=False),
    sa.Column('accesses', KEY, nullable=False),
    sa.Column('accesses_seal', sa.LargeBinary(length=32), nullable=False),
    sa.Column('digest', sa.LargeBinary(length=32), nullable=False),
    sa.Column('token', sa.LargeBinary(), nullable=True),
    sa.Column('stamped_at', database.UTC(), nullable=True),
    sa.Column('authority', sa.String(length=200), nullable=True),
    sa.Column('failure', sa.String(length=32), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_anchors')),
    sa.UniqueConstraint('last', name=op.f('uq_audit_anchors_last'))
    )


def downgrade() -> None:
    op.drop_table('audit_anchors')
    op.drop_table('access_log')
