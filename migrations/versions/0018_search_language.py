"""Synonyms, titles of the classification, and suggestions while typing

Revision: 0018
After: 0017
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
BY_CODE = sa.String(length=80).with_variant(sa.String(length=80, collation='C'), 'postgresql')


def upgrade() -> None:
    op.create_table('search_synonyms',
    sa.Column('id', KEY, nullable=False),
    sa.Column('terms', database.Json, nullable=False),
    sa.Column('since', database.UTC(), nullable=False),
    sa.Column('until', database.UTC(), nullable=True),
    sa.Column('entered_by', KEY, nullable=True),
    sa.Column('ended_by', KEY, nullable=True),
    sa.ForeignKeyConstraint(['ended_by'], ['users.id'], name=op.f('fk_search_synonyms_ended_by_users')),
    sa.ForeignKeyConstraint(['entered_by'], ['users.id'], name=op.f('fk_search_synonyms_entered_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_synonyms'))
    )
    op.create_table('ipc_titles',
    sa.Column('symbol', sa.String(length=16), nullable=False),
    sa.Column('title_zh', sa.String(length=1000), nullable=False),
    sa.Column('title_en', sa.String(length=1000), nullable=False),
    sa.Column('entered_at', database.UTC(), nullable=False),
    sa.PrimaryKeyConstraint('symbol', name=op.f('pk_ipc_titles'))
    )
    op.create_table('search_suggestions',
    sa.Column('id', KEY, nullable=False),
    sa.Column('key', BY_CODE, nullable=False),
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('text', sa.String(length=200), nullable=False),
    sa.Column('weight', sa.Integer(), nullable=False),
    sa.CheckConstraint("kind IN ('word', 'ipc', 'owner')", name=op.f('ck_search_suggestions_kind_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_suggestions')),
    sa.UniqueConstraint('key', 'kind', 'text', name=op.f('uq_search_suggestions_key_kind_text'))
    )


def downgrade() -> None:
    op.drop_table('search_suggestions')
    op.drop_table('ipc_titles')
    op.drop_table('search_synonyms')
