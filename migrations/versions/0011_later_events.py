"""Guided tasks for later events, mirrored offers, changes of recordals, and the receipt of a filing

Revision: 0011
After: 0010
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('mirror_sources',
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('address', sa.String(length=1000), nullable=True),
    sa.Column('cursor', sa.String(length=500), nullable=True),
    sa.Column('read_at', database.UTC(), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mirror_sources')),
    sa.UniqueConstraint('name', name=op.f('uq_mirror_sources_name'))
    )

    op.create_table('mirrored_offers',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('source_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('reference', sa.String(length=80), nullable=False),
    sa.Column('address', sa.String(length=1000), nullable=False),
    sa.Column('patent_number', sa.String(length=20), nullable=False),
    sa.Column('title', sa.String(length=500), nullable=False),
    sa.Column('owners', sa.String(length=1000), nullable=True),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('ipc', sa.String(length=20), nullable=True),
    sa.Column('declaration_number', sa.String(length=40), nullable=True),
    sa.Column('announced_on', sa.Date(), nullable=True),
    sa.Column('fee_form', sa.String(length=24), nullable=True),
    sa.Column('fee_minor', sa.BigInteger(), nullable=True),
    sa.Column('rate_percent', database.Rate(), nullable=True),
    sa.Column('rate_base', sa.String(length=16), nullable=True),
    sa.Column('payment_text', sa.Text(), nullable=True),
    sa.Column('term_to', sa.Date(), nullable=True),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('updated_at', database.UTC(), nullable=False),
    sa.CheckConstraint("fee_form IN ('free', 'fixed', 'royalty_net_sales', 'royalty_profit', 'entry_plus_royalty')", name=op.f('ck_mirrored_offers_fee_form_known')),
    sa.CheckConstraint("kind IN ('invention', 'utility_model', 'design')", name=op.f('ck_mirrored_offers_kind_known')),
    sa.CheckConstraint("rate_base IN ('net_sales', 'profit')", name=op.f('ck_mirrored_offers_rate_base_known')),
    sa.CheckConstraint('fee_minor IS NULL OR fee_minor >= 0', name=op.f('ck_mirrored_offers_fee_not_negative')),
    sa.ForeignKeyConstraint(['source_id'], ['mirror_sources.id'], name=op.f('fk_mirrored_offers_source_id_mirror_sources')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mirrored_offers')),
    sa.UniqueConstraint('source_id', 'reference', name=op.f('uq_mirrored_offers_source_id_reference'))
    )

    with op.batch_alter_table('mirrored_offers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_mirrored_offers_patent_number'), ['patent_number'], unique=False)

    op.create_table('change_tasks',
    sa.Column('patent_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('holder_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('redeclared_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('event', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('event_on', sa.Date(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=True),
    sa.Column('note', sa.String(length=500), nullable=True),
    sa.Column('owners_before', database.Json, nullable=False),
    sa.Column('told', database.Json, nullable=False),
    sa.Column('opened_at', database.UTC(), nullable=False),
    sa.Column('opened_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("event IN ('assignment', 'abandonment', 'succession', 'succession_end', 'pledge')", name=op.f('ck_change_tasks_event_known')),
    sa.CheckConstraint("state IN ('open', 'done', 'cancelled')", name=op.f('ck_change_tasks_state_known')),
    sa.ForeignKeyConstraint(['holder_id'], ['organisations.id'], name=op.f('fk_change_tasks_holder_id_organisations')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_change_tasks_offer_id_offers')),
    sa.ForeignKeyConstraint(['opened_by'], ['users.id'], name=op.f('fk_change_tasks_opened_by_users')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_change_tasks_patent_id_patents')),
    sa.ForeignKeyConstraint(['redeclared_id'], ['offers.id'], name=op.f('fk_change_tasks_redeclared_id_offers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_change_tasks'))
    )

    with op.batch_alter_table('change_tasks', schema=None) as batch_op:
        batch_op.create_index('ix_change_tasks_holder_id', ['holder_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_change_tasks_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_change_tasks_patent_id'), ['patent_id'], unique=False)
        batch_op.create_index('uq_change_tasks_open', ['patent_id', 'event'], unique=True, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('recordal_changes',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('licence_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('announced_on', sa.Date(), nullable=False),
    sa.Column('item', sa.String(length=100), nullable=False),
    sa.Column('before', sa.String(length=1000), nullable=True),
    sa.Column('after', sa.String(length=1000), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.CheckConstraint("kind IN ('changed', 'cancelled')", name=op.f('ck_recordal_changes_kind_known')),
    sa.ForeignKeyConstraint(['licence_id'], ['licences.id'], name=op.f('fk_recordal_changes_licence_id_licences')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recordal_changes')),
    sa.UniqueConstraint('licence_id', 'kind', 'announced_on', 'item', name=op.f('uq_recordal_changes_licence_id_kind_announced_on_item'))
    )

    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('filing_receipt', sa.String(length=60), nullable=True))
        batch_op.add_column(sa.Column('term_text', sa.String(length=500), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.drop_column('term_text')
        batch_op.drop_column('filing_receipt')

    op.drop_table('recordal_changes')

    with op.batch_alter_table('change_tasks', schema=None) as batch_op:
        batch_op.drop_index('uq_change_tasks_open', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.drop_index(batch_op.f('ix_change_tasks_patent_id'))
        batch_op.drop_index(batch_op.f('ix_change_tasks_offer_id'))
        batch_op.drop_index('ix_change_tasks_holder_id')

    op.drop_table('change_tasks')

    with op.batch_alter_table('mirrored_offers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_mirrored_offers_patent_number'))

    op.drop_table('mirrored_offers')

    op.drop_table('mirror_sources')
