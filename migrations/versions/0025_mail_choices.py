"""Which mails people want, mails that go out once, agencies that ask for clients, and searches of staff

Revision: 0025
After: 0024
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('mail_stops',
    sa.Column('user_id', KEY, nullable=False),
    sa.Column('topic', sa.String(length=32), nullable=False),
    sa.Column('stopped_at', database.UTC(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_mail_stops_user_id_users')),
    sa.PrimaryKeyConstraint('user_id', 'topic', name=op.f('pk_mail_stops'))
    )
    op.create_table('outgoing_mails',
    sa.Column('id', KEY, nullable=False),
    sa.Column('key', sa.String(length=120), nullable=False),
    sa.Column('user_id', KEY, nullable=False),
    sa.Column('topic', sa.String(length=32), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('asked_at', database.UTC(), nullable=False),
    sa.Column('sent_at', database.UTC(), nullable=True),
    sa.CheckConstraint("state IN ('due', 'sending', 'sent', 'refused')", name=op.f('ck_outgoing_mails_state')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_outgoing_mails_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outgoing_mails')),
    sa.UniqueConstraint('key', name=op.f('uq_outgoing_mails_key'))
    )
    op.create_index('ix_outgoing_mails_asked_at', 'outgoing_mails', ['asked_at'])
    op.create_index(op.f('ix_outgoing_mails_user_id'), 'outgoing_mails', ['user_id'])
    with op.batch_alter_table('demand_accesses', schema=None) as batch_op:
        batch_op.add_column(sa.Column('agent_id', KEY, nullable=True))
        batch_op.create_index(batch_op.f('ix_demand_accesses_agent_id'), ['agent_id'], unique=False)
        batch_op.create_foreign_key(op.f('fk_demand_accesses_agent_id_organisations'), 'organisations', ['agent_id'], ['id'])
    with op.batch_alter_table('demand_readings', schema=None) as batch_op:
        batch_op.add_column(sa.Column('organisation_id', KEY, nullable=True))
        batch_op.create_index(batch_op.f('ix_demand_readings_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_foreign_key(op.f('fk_demand_readings_organisation_id_organisations'), 'organisations', ['organisation_id'], ['id'])
    with op.batch_alter_table('saved_searches', schema=None) as batch_op:
        batch_op.alter_column('organisation_id', existing_type=KEY, nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM saved_search_hits WHERE saved_search_id IN (SELECT id FROM saved_searches WHERE organisation_id IS NULL)")
    op.execute("DELETE FROM saved_searches WHERE organisation_id IS NULL")
    with op.batch_alter_table('saved_searches', schema=None) as batch_op:
        batch_op.alter_column('organisation_id', existing_type=KEY, nullable=False)
    with op.batch_alter_table('demand_readings', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('fk_demand_readings_organisation_id_organisations'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_demand_readings_organisation_id'))
        batch_op.drop_column('organisation_id')
    with op.batch_alter_table('demand_accesses', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('fk_demand_accesses_agent_id_organisations'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_demand_accesses_agent_id'))
        batch_op.drop_column('agent_id')
    op.drop_table('outgoing_mails')
    op.drop_table('mail_stops')
