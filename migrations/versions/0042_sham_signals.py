"""Signals that a licence may be a sham

Revision: 0042
After: 0041
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = '0042'
down_revision = '0041'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('sham_signals',
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('holder_id', KEY, nullable=False),
    sa.Column('licensee_id', KEY, nullable=True),
    sa.Column('begins_on', sa.Date(), nullable=True),
    sa.Column('sorts', database.Json, nullable=False),
    sa.Column('cleared_sorts', database.Json, nullable=False),
    sa.Column('evidence', database.Json, nullable=False),
    sa.Column('first_seen_at', database.UTC(), nullable=False),
    sa.Column('last_seen_at', database.UTC(), nullable=False),
    sa.Column('cleared_at', database.UTC(), nullable=True),
    sa.Column('cleared_by', KEY, nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(kind = 'burst') = (begins_on IS NOT NULL)", name=op.f('ck_sham_signals_burst_has_its_day')),
    sa.CheckConstraint("(kind = 'burst') = (licensee_id IS NULL)", name=op.f('ck_sham_signals_pair_has_both')),
    sa.CheckConstraint("kind IN ('related', 'mutual', 'unused', 'burst')", name=op.f('ck_sham_signals_kind_known')),
    sa.CheckConstraint("state IN ('open', 'cleared')", name=op.f('ck_sham_signals_state_known')),
    sa.ForeignKeyConstraint(['cleared_by'], ['users.id'], name=op.f('fk_sham_signals_cleared_by_users')),
    sa.ForeignKeyConstraint(['holder_id'], ['organisations.id'], name=op.f('fk_sham_signals_holder_id_organisations')),
    sa.ForeignKeyConstraint(['licensee_id'], ['organisations.id'], name=op.f('fk_sham_signals_licensee_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sham_signals'))
    )
    with op.batch_alter_table('sham_signals', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_sham_signals_holder_id'), ['holder_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_sham_signals_licensee_id'), ['licensee_id'], unique=False)
        batch_op.create_index('ix_sham_signals_list', ['state', 'kind', 'id'], unique=False)
        batch_op.create_index('uq_sham_signals_burst', ['holder_id', 'begins_on'], unique=True,
            sqlite_where=sa.text("kind = 'burst'"), postgresql_where=sa.text("kind = 'burst'"))
        batch_op.create_index('uq_sham_signals_pair', ['kind', 'holder_id', 'licensee_id'], unique=True,
            sqlite_where=sa.text("kind <> 'burst'"), postgresql_where=sa.text("kind <> 'burst'"))


def downgrade() -> None:
    op.drop_table('sham_signals')
