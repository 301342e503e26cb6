"""Consents to declarations, price notices, and drafts that were discarded

Revision: 0008
After: 0007
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

_BEFORE = (
    'draft', 'in_review', 'price_notice', 'ready', 'filed', 'announced', 'refused',
    'withdrawal_filed', 'withdrawn', 'revoked', 'lapsed',
)
_NAME = 'ck_offers_status_known'


def _allow(statuses: tuple) -> None:
    listed = ', '.join(f"'{status}'" for status in statuses)
    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.drop_constraint(op.f(_NAME), type_='check')
        batch_op.create_check_constraint(op.f(_NAME), f'status IN ({listed})')


def upgrade() -> None:
    _allow((*_BEFORE, 'discarded'))
    op.create_table('price_notice_rules',
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state_established', sa.Boolean(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('counting', sa.String(length=16), nullable=False),
    sa.Column('changed_at', database.UTC(), nullable=False),
    sa.Column('changed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("counting IN ('calendar', 'working')", name=op.f('ck_price_notice_rules_counting_known')),
    sa.CheckConstraint('days BETWEEN 1 AND 180', name=op.f('ck_price_notice_rules_days_in_range')),
    sa.ForeignKeyConstraint(['changed_by'], ['users.id'], name=op.f('fk_price_notice_rules_changed_by_users')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_price_notice_rules_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_price_notice_rules')),
    sa.UniqueConstraint('organisation_id', name=op.f('uq_price_notice_rules_organisation_id'))
    )
    op.create_table('consents',
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('party_name', sa.String(length=200), nullable=False),
    sa.Column('capacity', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('terms_sha256', sa.String(length=64), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('locale', sa.String(length=2), nullable=False),
    sa.Column('nonce', sa.String(length=64), nullable=True),
    sa.Column('token_hash', sa.String(length=64), nullable=True),
    sa.Column('expires_at', database.UTC(), nullable=True),
    sa.Column('asked_at', database.UTC(), nullable=False),
    sa.Column('asked_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('strength', sa.String(length=16), nullable=True),
    sa.Column('signer_name', sa.String(length=100), nullable=True),
    sa.Column('signer_position', sa.String(length=100), nullable=True),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('signed_on', sa.Date(), nullable=True),
    sa.Column('answered_at', database.UTC(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('file_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('voided_at', database.UTC(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("capacity IN ('patentee', 'pledgee')", name=op.f('ck_consents_capacity_known')),
    sa.CheckConstraint("state IN ('asked', 'given', 'refused', 'void')", name=op.f('ck_consents_state_known')),
    sa.CheckConstraint("strength IN ('link', 'member', 'paper')", name=op.f('ck_consents_strength_known')),
    sa.ForeignKeyConstraint(['asked_by'], ['users.id'], name=op.f('fk_consents_asked_by_users')),
    sa.ForeignKeyConstraint(['file_id'], ['files.id'], name=op.f('fk_consents_file_id_files')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_consents_offer_id_offers')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_consents_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_consents_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_consents')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_consents_token_hash'))
    )
    with op.batch_alter_table('consents', schema=None) as batch_op:
        batch_op.create_index('ix_consents_offer_id', ['offer_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_consents_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index('uq_consents_asked', ['offer_id', 'organisation_id', 'capacity'], unique=True, sqlite_where=sa.text("state IN ('asked', 'given')"), postgresql_where=sa.text("state IN ('asked', 'given')"))

    op.create_table('price_notices',
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('code', sa.String(length=32), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('title', sa.String(length=500), nullable=False),
    sa.Column('price', sa.Text(), nullable=False),
    sa.Column('days', sa.Integer(), nullable=False),
    sa.Column('counting', sa.String(length=16), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('provisional', sa.Boolean(), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("counting IN ('calendar', 'working')", name=op.f('ck_price_notices_counting_known')),
    sa.CheckConstraint("state IN ('running', 'void')", name=op.f('ck_price_notices_state_known')),
    sa.CheckConstraint('ends_on >= starts_on', name=op.f('ck_price_notices_days_in_order')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_price_notices_offer_id_offers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_price_notices')),
    sa.UniqueConstraint('code', name=op.f('uq_price_notices_code'))
    )
    with op.batch_alter_table('price_notices', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_price_notices_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index('uq_price_notices_running', ['offer_id'], unique=True, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))

    op.create_table('price_objections',
    sa.Column('price_notice_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('made_at', database.UTC(), nullable=False),
    sa.Column('decision', sa.String(length=16), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('decided_at', database.UTC(), nullable=True),
    sa.Column('decided_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("decision IN ('rejected', 'upheld')", name=op.f('ck_price_objections_decision_known')),
    sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_price_objections_decided_by_users')),
    sa.ForeignKeyConstraint(['price_notice_id'], ['price_notices.id'], name=op.f('fk_price_objections_price_notice_id_price_notices')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_price_objections'))
    )
    with op.batch_alter_table('price_objections', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_price_objections_price_notice_id'), ['price_notice_id'], unique=False)


def downgrade() -> None:
    op.drop_table('price_objections')
    op.drop_table('price_notices')
    op.drop_table('consents')
    op.drop_table('price_notice_rules')
    op.execute("UPDATE offers SET status = 'draft' WHERE status = 'discarded'")
    _allow(_BEFORE)
