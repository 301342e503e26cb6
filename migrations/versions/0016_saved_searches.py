"""Searches that people keep, and the new offers that each of them found

Revision: 0016
After: 0015
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('saved_searches',
    sa.Column('user_id', KEY, nullable=False),
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('parameters', database.Json, nullable=False),
    sa.Column('alert', sa.String(length=16), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('looked_at', database.UTC(), nullable=False),
    sa.Column('alerted_at', database.UTC(), nullable=True),
    sa.Column('stop_nonce', sa.String(length=40), nullable=False),
    sa.Column('stop_digest', sa.String(length=64), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("alert IN ('off', 'at_once', 'daily', 'weekly')", name=op.f('ck_saved_searches_alert_known')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_saved_searches_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_saved_searches_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_searches')),
    sa.UniqueConstraint('stop_digest', name=op.f('uq_saved_searches_stop_digest'))
    )
    op.create_index(op.f('ix_saved_searches_organisation_id'), 'saved_searches', ['organisation_id'])
    op.create_index(op.f('ix_saved_searches_user_id'), 'saved_searches', ['user_id'])
    op.create_table('saved_search_hits',
    sa.Column('saved_search_id', KEY, nullable=False),
    sa.Column('offer_id', KEY, nullable=False),
    sa.Column('found_at', database.UTC(), nullable=False),
    sa.Column('told_at', database.UTC(), nullable=True),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_saved_search_hits_offer_id_offers')),
    sa.ForeignKeyConstraint(['saved_search_id'], ['saved_searches.id'], name=op.f('fk_saved_search_hits_saved_search_id_saved_searches'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('saved_search_id', 'offer_id', name=op.f('pk_saved_search_hits'))
    )
    op.create_index(op.f('ix_saved_search_hits_offer_id'), 'saved_search_hits', ['offer_id'])


def downgrade() -> None:
    op.drop_table('saved_search_hits')
    op.drop_table('saved_searches')
