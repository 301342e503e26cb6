"""One table for the mails that people do not want, instead of one for the digest and a column of each search

Revision: 0028
After: 0027
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0028'
down_revision = '0027'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.execute(
        "INSERT INTO mail_stops (user_id, topic, stopped_at) "
        "SELECT user_id, 'recommendations', stopped_at FROM digest_stops"
    )
    op.drop_table('digest_stops')
    with op.batch_alter_table('saved_searches', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('uq_saved_searches_stop_digest'), type_='unique')
        batch_op.drop_column('stop_digest')
        batch_op.drop_column('stop_nonce')


def downgrade() -> None:
    with op.batch_alter_table('saved_searches', schema=None) as batch_op:
        batch_op.add_column(sa.Column('stop_nonce', sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column('stop_digest', sa.String(length=64), nullable=True))
    # Links of mails that were sent before are void; each row gets values of its own.
    op.execute("UPDATE saved_searches SET stop_nonce = 'void-' || id, stop_digest = 'void-' || id")
    with op.batch_alter_table('saved_searches', schema=None) as batch_op:
        batch_op.alter_column('stop_nonce', existing_type=sa.String(length=40), nullable=False)
        batch_op.alter_column('stop_digest', existing_type=sa.String(length=64), nullable=False)
        batch_op.create_unique_constraint(op.f('uq_saved_searches_stop_digest'), ['stop_digest'])
    op.create_table('digest_stops',
    sa.Column('user_id', KEY, nullable=False),
    sa.Column('stopped_at', database.UTC(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_digest_stops_user_id_users')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_digest_stops'))
    )
    op.execute(
        "INSERT INTO digest_stops (user_id, stopped_at) "
        "SELECT user_id, stopped_at FROM mail_stops WHERE topic = 'recommendations'"
    )
