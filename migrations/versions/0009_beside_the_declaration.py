"""Descriptions, side offers, attachments and questions beside a declaration

Revision: 0009
After: 0008
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('listing_details',
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('product_zh', sa.Text(), nullable=True),
    sa.Column('product_en', sa.Text(), nullable=True),
    sa.Column('application_zh', sa.Text(), nullable=True),
    sa.Column('application_en', sa.Text(), nullable=True),
    sa.Column('problem_zh', sa.Text(), nullable=True),
    sa.Column('problem_en', sa.Text(), nullable=True),
    sa.Column('advantage_zh', sa.Text(), nullable=True),
    sa.Column('advantage_en', sa.Text(), nullable=True),
    sa.Column('maturity', sa.String(length=16), nullable=True),
    sa.Column('proof_zh', sa.Text(), nullable=True),
    sa.Column('proof_en', sa.Text(), nullable=True),
    sa.Column('origins', database.Json, nullable=False),
    sa.Column('public_sha256', sa.String(length=64), nullable=True),
    sa.Column('public_confirmed_at', database.UTC(), nullable=True),
    sa.Column('public_confirmed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('updated_at', database.UTC(), nullable=False),
    sa.Column('updated_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("maturity IN ('idea', 'laboratory', 'prototype', 'pilot', 'production')", name=op.f('ck_listing_details_maturity_known')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_listing_details_offer_id_offers')),
    sa.ForeignKeyConstraint(['public_confirmed_by'], ['users.id'], name=op.f('fk_listing_details_public_confirmed_by_users')),
    sa.ForeignKeyConstraint(['updated_by'], ['users.id'], name=op.f('fk_listing_details_updated_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_listing_details')),
    sa.UniqueConstraint('offer_id', name=op.f('uq_listing_details_offer_id'))
    )
    op.create_table('questions',
    sa.Column('offer_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('name', sa.String(length=100), nullable=True),
    sa.Column('email', sa.String(length=254), nullable=True),
    sa.Column('locale', sa.String(length=2), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('asked_at', database.UTC(), nullable=False),
    sa.Column('reached_on', sa.Date(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('answered_at', database.UTC(), nullable=True),
    sa.Column('answered_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('question_zh', sa.Text(), nullable=True),
    sa.Column('question_en', sa.Text(), nullable=True),
    sa.Column('answer_zh', sa.Text(), nullable=True),
    sa.Column('answer_en', sa.Text(), nullable=True),
    sa.Column('origins', database.Json, nullable=False),
    sa.Column('published_at', database.UTC(), nullable=True),
    sa.Column('closed_at', database.UTC(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("locale IN ('zh', 'en')", name=op.f('ck_questions_locale_known')),
    sa.CheckConstraint("state IN ('unconfirmed', 'open', 'answered', 'published', 'set_aside')", name=op.f('ck_questions_state_known')),
    sa.ForeignKeyConstraint(['answered_by'], ['users.id'], name=op.f('fk_questions_answered_by_users')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_questions_offer_id_offers')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_questions_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_questions_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_questions'))
    )
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.create_index('ix_questions_offer_id', ['offer_id', 'state'], unique=False)
        batch_op.create_index(batch_op.f('ix_questions_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index('ix_questions_state', ['state', 'reached_on'], unique=False)
        batch_op.create_index(batch_op.f('ix_questions_user_id'), ['user_id'], unique=False)

    op.create_table('attachments',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('details_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('file_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('alt_zh', sa.String(length=300), nullable=False),
    sa.Column('alt_en', sa.String(length=500), nullable=True),
    sa.Column('width', sa.Integer(), nullable=True),
    sa.Column('height', sa.Integer(), nullable=True),
    sa.CheckConstraint("kind IN ('picture', 'document')", name=op.f('ck_attachments_kind_known')),
    sa.ForeignKeyConstraint(['details_id'], ['listing_details.id'], name=op.f('fk_attachments_details_id_listing_details')),
    sa.ForeignKeyConstraint(['file_id'], ['files.id'], name=op.f('fk_attachments_file_id_files')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attachments')),
    sa.UniqueConstraint('details_id', 'position', name=op.f('uq_attachments_details_id_position'))
    )
    op.create_table('listing_costs',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('details_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('item_zh', sa.String(length=100), nullable=False),
    sa.Column('item_en', sa.String(length=200), nullable=True),
    sa.Column('today', sa.String(length=60), nullable=False),
    sa.Column('with_patent', sa.String(length=60), nullable=False),
    sa.Column('unit', sa.String(length=60), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.ForeignKeyConstraint(['details_id'], ['listing_details.id'], name=op.f('fk_listing_costs_details_id_listing_details')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_listing_costs')),
    sa.UniqueConstraint('details_id', 'position', name=op.f('uq_listing_costs_details_id_position'))
    )
    op.create_table('side_offers',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('details_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('what_zh', sa.String(length=500), nullable=False),
    sa.Column('what_en', sa.String(length=800), nullable=True),
    sa.Column('price_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('price_unit', sa.String(length=8), nullable=False),
    sa.Column('contact', sa.String(length=300), nullable=True),
    sa.CheckConstraint("kind IN ('know_how', 'technical_service', 'training', 'samples', 'further_development', 'other')", name=op.f('ck_side_offers_kind_known')),
    sa.CheckConstraint("price_unit IN ('once', 'day', 'year')", name=op.f('ck_side_offers_price_unit_known')),
    sa.CheckConstraint('price_minor IS NULL OR price_minor >= 0', name=op.f('ck_side_offers_price_not_negative')),
    sa.ForeignKeyConstraint(['details_id'], ['listing_details.id'], name=op.f('fk_side_offers_details_id_listing_details')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_side_offers')),
    sa.UniqueConstraint('details_id', 'position', name=op.f('uq_side_offers_details_id_position'))
    )


def downgrade() -> None:
    op.drop_table('side_offers')
    op.drop_table('listing_costs')
    op.drop_table('attachments')
    with op.batch_alter_table('questions', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_questions_user_id'))
        batch_op.drop_index('ix_questions_state')
        batch_op.drop_index(batch_op.f('ix_questions_organisation_id'))
        batch_op.drop_index('ix_questions_offer_id')

    op.drop_table('questions')
    op.drop_table('listing_details')
