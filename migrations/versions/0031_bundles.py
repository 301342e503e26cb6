"""Bundles: who gave them, the terms agreed to, checkouts for several notices, and lines split among payments

Revision: 0031
After: 0030
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0031'
down_revision = '0030'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    # No bundle could be made before: the tables are empty.
    with op.batch_alter_table('bundles', schema=None) as batch_op:
        batch_op.add_column(sa.Column('organisation_id', KEY, nullable=False))
        batch_op.add_column(sa.Column('seat', sa.String(length=2), nullable=False))
        batch_op.add_column(sa.Column('done_at', database.UTC(), nullable=True))
        batch_op.create_foreign_key(
            op.f('fk_bundles_organisation_id_organisations'), 'organisations', ['organisation_id'], ['id']
        )
    with op.batch_alter_table('bundle_parts', schema=None) as batch_op:
        batch_op.add_column(sa.Column('technology', sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column('terms_digest', sa.String(length=64), nullable=False))
    with op.batch_alter_table('bundle_transfers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('channel', sa.String(length=8), nullable=False))
        batch_op.add_column(sa.Column('stripe_account', sa.String(length=64), nullable=True))
        batch_op.add_column(sa.Column('checkout_session_id', sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column('checkout_url', sa.Text(), nullable=True))
        batch_op.alter_column('account_name', existing_type=sa.String(length=200), nullable=True)
        batch_op.alter_column('bank', existing_type=sa.String(length=200), nullable=True)
        batch_op.alter_column('account', existing_type=sa.String(length=64), nullable=True)
        batch_op.create_unique_constraint(
            op.f('uq_bundle_transfers_checkout_session_id'), ['checkout_session_id']
        )
        batch_op.create_check_constraint(
            op.f('ck_bundle_transfers_channel_known'), "channel IN ('bank', 'stripe')"
        )
        batch_op.create_check_constraint(
            op.f('ck_bundle_transfers_transfer_has_account'), "channel <> 'bank' OR account IS NOT NULL"
        )
        batch_op.create_check_constraint(
            op.f('ck_bundle_transfers_checkout_has_account'),
            "channel <> 'stripe' OR stripe_account IS NOT NULL",
        )
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('uq_payments_checkout_session_id'), type_='unique')
        batch_op.create_index(op.f('ix_payments_checkout_session_id'), ['checkout_session_id'], unique=False)
    with op.batch_alter_table('bank_lines', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('uq_bank_lines_organisation_id_serial'), type_='unique')
        batch_op.create_unique_constraint(
            op.f('uq_bank_lines_organisation_id_serial_receipt_id'),
            ['organisation_id', 'serial', 'receipt_id'],
        )
        batch_op.create_index(
            'uq_bank_lines_no_receipt',
            ['organisation_id', 'serial'],
            unique=True,
            sqlite_where=sa.text('receipt_id IS NULL'),
            postgresql_where=sa.text('receipt_id IS NULL'),
        )


def downgrade() -> None:
    with op.batch_alter_table('bank_lines', schema=None) as batch_op:
        batch_op.drop_index('uq_bank_lines_no_receipt')
        batch_op.drop_constraint(op.f('uq_bank_lines_organisation_id_serial_receipt_id'), type_='unique')
        batch_op.create_unique_constraint(
            op.f('uq_bank_lines_organisation_id_serial'), ['organisation_id', 'serial']
        )
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.drop_index(op.f('ix_payments_checkout_session_id'))
        batch_op.create_unique_constraint(
            op.f('uq_payments_checkout_session_id'), ['checkout_session_id']
        )
    with op.batch_alter_table('bundle_transfers', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_bundle_transfers_checkout_has_account'), type_='check')
        batch_op.drop_constraint(op.f('ck_bundle_transfers_transfer_has_account'), type_='check')
        batch_op.drop_constraint(op.f('ck_bundle_transfers_channel_known'), type_='check')
        batch_op.drop_constraint(op.f('uq_bundle_transfers_checkout_session_id'), type_='unique')
        batch_op.alter_column('account', existing_type=sa.String(length=64), nullable=False)
        batch_op.alter_column('bank', existing_type=sa.String(length=200), nullable=False)
        batch_op.alter_column('account_name', existing_type=sa.String(length=200), nullable=False)
        batch_op.drop_column('checkout_url')
        batch_op.drop_column('checkout_session_id')
        batch_op.drop_column('stripe_account')
        batch_op.drop_column('channel')
    with op.batch_alter_table('bundle_parts', schema=None) as batch_op:
        batch_op.drop_column('terms_digest')
        batch_op.drop_column('technology')
    with op.batch_alter_table('bundles', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('fk_bundles_organisation_id_organisations'), type_='foreignkey')
        batch_op.drop_column('done_at')
        batch_op.drop_column('seat')
        batch_op.drop_column('organisation_id')
