"""Disputes, negotiated licences, orders, bundles, outgoing webhooks, quiet hours and the log of mails

Revision: 0023
After: 0022
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('mail_hours',
    sa.Column('user_id', KEY, nullable=False),
    sa.Column('quiet_from', sa.Integer(), nullable=False),
    sa.Column('quiet_to', sa.Integer(), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('quiet_from <> quiet_to', name=op.f('ck_mail_hours_some_time')),
    sa.CheckConstraint('quiet_from BETWEEN 0 AND 1439', name=op.f('ck_mail_hours_from_in_the_day')),
    sa.CheckConstraint('quiet_to BETWEEN 0 AND 1439', name=op.f('ck_mail_hours_to_in_the_day')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_mail_hours_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail_hours')),
    sa.UniqueConstraint('user_id', name=op.f('uq_mail_hours_user_id'))
    )
    op.create_table('bundles',
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('licensee_id', KEY, nullable=False),
    sa.Column('user_id', KEY, nullable=True),
    sa.Column('use', sa.Text(), nullable=True),
    sa.Column('contact', sa.String(length=500), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['licensee_id'], ['organisations.id'], name=op.f('fk_bundles_licensee_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_bundles_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bundles')),
    sa.UniqueConstraint('number', name=op.f('uq_bundles_number'))
    )
    op.create_index(op.f('ix_bundles_licensee_id'), 'bundles', ['licensee_id'], unique=False)
    op.create_table('webhook_endpoints',
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('url', sa.String(length=500), nullable=False),
    sa.Column('label', sa.String(length=120), nullable=False),
    sa.Column('events', database.Json, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('nonce', sa.String(length=64), nullable=False),
    sa.Column('old_nonce', sa.String(length=64), nullable=True),
    sa.Column('old_until', database.UTC(), nullable=True),
    sa.Column('failing_since', database.UTC(), nullable=True),
    sa.Column('created_by', KEY, nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('disabled_at', database.UTC(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('active', 'disabled', 'removed')", name=op.f('ck_webhook_endpoints_state_known')),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_webhook_endpoints_created_by_users')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_webhook_endpoints_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_endpoints'))
    )
    op.create_index(op.f('ix_webhook_endpoints_organisation_id'), 'webhook_endpoints', ['organisation_id'], unique=False)
    op.create_table('basket_items',
    sa.Column('id', KEY, nullable=False),
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('offer_id', KEY, nullable=False),
    sa.Column('user_id', KEY, nullable=True),
    sa.Column('added_at', database.UTC(), nullable=False),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_basket_items_offer_id_offers')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_basket_items_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_basket_items_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_basket_items')),
    sa.UniqueConstraint('organisation_id', 'offer_id', name=op.f('uq_basket_items_organisation_id_offer_id')),
    info={'first_counts': True}
    )
    op.create_index(op.f('ix_basket_items_offer_id'), 'basket_items', ['offer_id'], unique=False)
    op.create_table('bundle_transfers',
    sa.Column('bundle_id', KEY, nullable=False),
    sa.Column('payee_id', KEY, nullable=False),
    sa.Column('reference', sa.String(length=40), nullable=False),
    sa.Column('account_name', sa.String(length=200), nullable=False),
    sa.Column('bank', sa.String(length=200), nullable=False),
    sa.Column('account', sa.String(length=64), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_bundle_transfers_amount_positive')),
    sa.ForeignKeyConstraint(['bundle_id'], ['bundles.id'], name=op.f('fk_bundle_transfers_bundle_id_bundles')),
    sa.ForeignKeyConstraint(['payee_id'], ['organisations.id'], name=op.f('fk_bundle_transfers_payee_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bundle_transfers')),
    sa.UniqueConstraint('reference', name=op.f('uq_bundle_transfers_reference'))
    )
    op.create_index(op.f('ix_bundle_transfers_bundle_id'), 'bundle_transfers', ['bundle_id'], unique=False)
    op.create_index(op.f('ix_bundle_transfers_payee_id'), 'bundle_transfers', ['payee_id'], unique=False)
    op.create_table('sent_mails',
    sa.Column('id', KEY, nullable=False),
    sa.Column('notification_id', KEY, nullable=True),
    sa.Column('user_id', KEY, nullable=True),
    sa.Column('organisation_id', KEY, nullable=True),
    sa.Column('code', sa.String(length=48), nullable=False),
    sa.Column('address', sa.String(length=254), nullable=True),
    sa.Column('locale', sa.String(length=8), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('urgent', sa.Boolean(), nullable=False),
    sa.Column('asked_at', database.UTC(), nullable=False),
    sa.Column('held_until', database.UTC(), nullable=True),
    sa.Column('sent_at', database.UTC(), nullable=True),
    sa.CheckConstraint("state IN ('held', 'sent', 'refused')", name=op.f('ck_sent_mails_state_known')),
    sa.ForeignKeyConstraint(['notification_id'], ['notifications.id'], name=op.f('fk_sent_mails_notification_id_notifications')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_sent_mails_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_sent_mails_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sent_mails')),
    sa.UniqueConstraint('notification_id', 'user_id', name=op.f('uq_sent_mails_notification_id_user_id'))
    )
    op.create_index('ix_sent_mails_asked_at', 'sent_mails', ['asked_at'], unique=False)
    op.create_index(op.f('ix_sent_mails_organisation_id'), 'sent_mails', ['organisation_id'], unique=False)
    op.create_index(op.f('ix_sent_mails_user_id'), 'sent_mails', ['user_id'], unique=False)
    op.create_table('service_orders',
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('offer_id', KEY, nullable=False),
    sa.Column('provider_id', KEY, nullable=False),
    sa.Column('customer_id', KEY, nullable=False),
    sa.Column('user_id', KEY, nullable=True),
    sa.Column('kind', sa.String(length=24), nullable=False),
    sa.Column('what_zh', sa.String(length=500), nullable=False),
    sa.Column('what_en', sa.String(length=800), nullable=True),
    sa.Column('price_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('price_unit', sa.String(length=8), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('wish', sa.Text(), nullable=True),
    sa.Column('wanted_by', sa.Date(), nullable=True),
    sa.Column('answer', sa.String(length=1000), nullable=True),
    sa.Column('ordered_at', database.UTC(), nullable=False),
    sa.Column('answered_at', database.UTC(), nullable=True),
    sa.Column('done_on', sa.Date(), nullable=True),
    sa.Column('paid_on', sa.Date(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('ordered', 'accepted', 'declined', 'cancelled', 'done', 'paid')", name=op.f('ck_service_orders_state_known')),
    sa.CheckConstraint('price_minor IS NULL OR price_minor >= 0', name=op.f('ck_service_orders_price_not_negative')),
    sa.CheckConstraint('provider_id <> customer_id', name=op.f('ck_service_orders_two_parties')),
    sa.ForeignKeyConstraint(['customer_id'], ['organisations.id'], name=op.f('fk_service_orders_customer_id_organisations')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_service_orders_offer_id_offers')),
    sa.ForeignKeyConstraint(['provider_id'], ['organisations.id'], name=op.f('fk_service_orders_provider_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_service_orders_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service_orders')),
    sa.UniqueConstraint('number', name=op.f('uq_service_orders_number'))
    )
    op.create_index(op.f('ix_service_orders_customer_id'), 'service_orders', ['customer_id'], unique=False)
    op.create_index(op.f('ix_service_orders_offer_id'), 'service_orders', ['offer_id'], unique=False)
    op.create_index(op.f('ix_service_orders_provider_id'), 'service_orders', ['provider_id'], unique=False)
    op.create_table('webhook_deliveries',
    sa.Column('id', KEY, nullable=False),
    sa.Column('endpoint_id', KEY, nullable=False),
    sa.Column('entry_id', KEY, nullable=False),
    sa.Column('event', sa.String(length=48), nullable=False),
    sa.Column('message_id', sa.String(length=48), nullable=False),
    sa.Column('body', database.Json, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('next_at', database.UTC(), nullable=True),
    sa.Column('delivered_at', database.UTC(), nullable=True),
    sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name=op.f('ck_webhook_deliveries_state_known')),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_webhook_deliveries_endpoint_id_webhook_endpoints')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_deliveries')),
    sa.UniqueConstraint('endpoint_id', 'entry_id', 'event', name=op.f('uq_webhook_deliveries_endpoint_id_entry_id_event')),
    sa.UniqueConstraint('message_id', name=op.f('uq_webhook_deliveries_message_id'))
    )
    op.create_index('ix_webhook_deliveries_created_at', 'webhook_deliveries', ['created_at'], unique=False)
    op.create_table('bundle_parts',
    sa.Column('bundle_id', KEY, nullable=False),
    sa.Column('offer_id', KEY, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('notice_id', KEY, nullable=True),
    sa.Column('problem', sa.String(length=40), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(state = 'served') = (notice_id IS NOT NULL)", name=op.f('ck_bundle_parts_notice_when_served')),
    sa.CheckConstraint("state IN ('waiting', 'served', 'refused')", name=op.f('ck_bundle_parts_state_known')),
    sa.ForeignKeyConstraint(['bundle_id'], ['bundles.id'], name=op.f('fk_bundle_parts_bundle_id_bundles')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_bundle_parts_notice_id_notices')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_bundle_parts_offer_id_offers')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bundle_parts')),
    sa.UniqueConstraint('bundle_id', 'offer_id', name=op.f('uq_bundle_parts_bundle_id_offer_id')),
    sa.UniqueConstraint('notice_id', name=op.f('uq_bundle_parts_notice_id'))
    )
    op.create_index(op.f('ix_bundle_parts_offer_id'), 'bundle_parts', ['offer_id'], unique=False)
    op.create_table('webhook_attempts',
    sa.Column('id', KEY, nullable=False),
    sa.Column('delivery_id', KEY, nullable=False),
    sa.Column('at', database.UTC(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('error', sa.String(length=40), nullable=True),
    sa.Column('milliseconds', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['delivery_id'], ['webhook_deliveries.id'], name=op.f('fk_webhook_attempts_delivery_id_webhook_deliveries'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_attempts'))
    )
    op.create_index(op.f('ix_webhook_attempts_delivery_id'), 'webhook_attempts', ['delivery_id'], unique=False)
    op.create_table('negotiated_records',
    sa.Column('licence_id', KEY, nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('side', sa.String(length=16), nullable=False),
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('user_id', KEY, nullable=True),
    sa.Column('signed_on', sa.Date(), nullable=False),
    sa.Column('file_id', KEY, nullable=False),
    sa.Column('recorded_at', database.UTC(), nullable=False),
    sa.Column('answered_by', KEY, nullable=True),
    sa.Column('answered_at', database.UTC(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("side IN ('holder', 'licensee')", name=op.f('ck_negotiated_records_side_known')),
    sa.CheckConstraint("state IN ('stated', 'confirmed', 'contested', 'withdrawn')", name=op.f('ck_negotiated_records_state_known')),
    sa.ForeignKeyConstraint(['answered_by'], ['users.id'], name=op.f('fk_negotiated_records_answered_by_users')),
    sa.ForeignKeyConstraint(['file_id'], ['files.id'], name=op.f('fk_negotiated_records_file_id_files')),
    sa.ForeignKeyConstraint(['licence_id'], ['licences.id'], name=op.f('fk_negotiated_records_licence_id_licences')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_negotiated_records_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_negotiated_records_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_negotiated_records')),
    sa.UniqueConstraint('licence_id', name=op.f('uq_negotiated_records_licence_id'))
    )
    op.create_index(op.f('ix_negotiated_records_organisation_id'), 'negotiated_records', ['organisation_id'], unique=False)
    op.create_table('bundle_transfer_items',
    sa.Column('transfer_id', KEY, nullable=False),
    sa.Column('payment_id', KEY, nullable=False),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_bundle_transfer_items_payment_id_payments')),
    sa.ForeignKeyConstraint(['transfer_id'], ['bundle_transfers.id'], name=op.f('fk_bundle_transfer_items_transfer_id_bundle_transfers')),
    sa.PrimaryKeyConstraint('transfer_id', 'payment_id', name=op.f('pk_bundle_transfer_items')),
    sa.UniqueConstraint('payment_id', name=op.f('uq_bundle_transfer_items_payment_id'))
    )
    op.create_table('disputes',
    sa.Column('number', sa.String(length=24), nullable=False),
    sa.Column('subject', sa.String(length=16), nullable=False),
    sa.Column('notice_id', KEY, nullable=True),
    sa.Column('payment_id', KEY, nullable=True),
    sa.Column('licence_id', KEY, nullable=True),
    sa.Column('patent_id', KEY, nullable=False),
    sa.Column('licensee_id', KEY, nullable=False),
    sa.Column('topic', sa.String(length=24), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('opened_side', sa.String(length=16), nullable=False),
    sa.Column('opened_by', KEY, nullable=False),
    sa.Column('opened_at', database.UTC(), nullable=False),
    sa.Column('answer_due_on', sa.Date(), nullable=False),
    sa.Column('reminded_at', database.UTC(), nullable=True),
    sa.Column('overdue_at', database.UTC(), nullable=True),
    sa.Column('settlement', sa.String(length=16), nullable=False),
    sa.Column('settlement_text', sa.Text(), nullable=True),
    sa.Column('settlement_side', sa.String(length=16), nullable=True),
    sa.Column('settlement_by', KEY, nullable=True),
    sa.Column('decided_on', sa.Date(), nullable=True),
    sa.Column('decision', sa.Text(), nullable=True),
    sa.Column('closed_at', database.UTC(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(subject = 'licence') = (licence_id IS NOT NULL)", name=op.f('ck_disputes_licence_with_its_subject')),
    sa.CheckConstraint("(subject = 'notice') = (notice_id IS NOT NULL)", name=op.f('ck_disputes_notice_with_its_subject')),
    sa.CheckConstraint("(subject = 'payment') = (payment_id IS NOT NULL)", name=op.f('ck_disputes_payment_with_its_subject')),
    sa.CheckConstraint("opened_side IN ('holder', 'licensee')", name=op.f('ck_disputes_opened_side_known')),
    sa.CheckConstraint("settlement IN ('none', 'proposed', 'agreed')", name=op.f('ck_disputes_settlement_known')),
    sa.CheckConstraint("settlement_side IN ('holder', 'licensee')", name=op.f('ck_disputes_settlement_side_known')),
    sa.CheckConstraint("state IN ('open', 'answered', 'referred', 'settled', 'decided', 'withdrawn')", name=op.f('ck_disputes_state_known')),
    sa.CheckConstraint("subject IN ('notice', 'payment', 'licence')", name=op.f('ck_disputes_subject_known')),
    sa.CheckConstraint("topic IN ('fee', 'payment', 'scope', 'term', 'delivery_of_notice', 'recordal', 'default', 'other')", name=op.f('ck_disputes_topic_known')),
    sa.ForeignKeyConstraint(['licence_id'], ['licences.id'], name=op.f('fk_disputes_licence_id_licences')),
    sa.ForeignKeyConstraint(['licensee_id'], ['organisations.id'], name=op.f('fk_disputes_licensee_id_organisations')),
    sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_disputes_notice_id_notices')),
    sa.ForeignKeyConstraint(['opened_by'], ['organisations.id'], name=op.f('fk_disputes_opened_by_organisations')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_disputes_patent_id_patents')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_disputes_payment_id_payments')),
    sa.ForeignKeyConstraint(['settlement_by'], ['organisations.id'], name=op.f('fk_disputes_settlement_by_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_disputes')),
    sa.UniqueConstraint('number', name=op.f('uq_disputes_number'))
    )
    op.create_index(op.f('ix_disputes_licence_id'), 'disputes', ['licence_id'], unique=False)
    op.create_index(op.f('ix_disputes_licensee_id'), 'disputes', ['licensee_id'], unique=False)
    op.create_index(op.f('ix_disputes_notice_id'), 'disputes', ['notice_id'], unique=False)
    op.create_index(op.f('ix_disputes_opened_by'), 'disputes', ['opened_by'], unique=False)
    op.create_index(op.f('ix_disputes_patent_id'), 'disputes', ['patent_id'], unique=False)
    op.create_index(op.f('ix_disputes_payment_id'), 'disputes', ['payment_id'], unique=False)
    op.create_table('dispute_entries',
    sa.Column('id', KEY, nullable=False),
    sa.Column('dispute_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('side', sa.String(length=16), nullable=False),
    sa.Column('organisation_id', KEY, nullable=True),
    sa.Column('user_id', KEY, nullable=True),
    sa.Column('text', sa.Text(), nullable=True),
    sa.Column('file_id', KEY, nullable=True),
    sa.Column('written_at', database.UTC(), nullable=False),
    sa.CheckConstraint("kind IN ('statement', 'answer', 'remark', 'evidence', 'settlement', 'decision')", name=op.f('ck_dispute_entries_kind_known')),
    sa.CheckConstraint("side IN ('holder', 'licensee')", name=op.f('ck_dispute_entries_side_known')),
    sa.ForeignKeyConstraint(['dispute_id'], ['disputes.id'], name=op.f('fk_dispute_entries_dispute_id_disputes')),
    sa.ForeignKeyConstraint(['file_id'], ['files.id'], name=op.f('fk_dispute_entries_file_id_files')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_dispute_entries_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_dispute_entries_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dispute_entries'))
    )
    op.create_index(op.f('ix_dispute_entries_dispute_id'), 'dispute_entries', ['dispute_id'], unique=False)
    op.create_table('dispute_referrals',
    sa.Column('id', KEY, nullable=False),
    sa.Column('dispute_id', KEY, nullable=False),
    sa.Column('venue', sa.String(length=16), nullable=False),
    sa.Column('body', sa.String(length=200), nullable=False),
    sa.Column('reference', sa.String(length=80), nullable=True),
    sa.Column('side', sa.String(length=16), nullable=False),
    sa.Column('filed_on', sa.Date(), nullable=False),
    sa.Column('outcome', sa.String(length=16), nullable=False),
    sa.Column('ended_on', sa.Date(), nullable=True),
    sa.Column('file_id', KEY, nullable=True),
    sa.Column('stated_at', database.UTC(), nullable=False),
    sa.CheckConstraint("outcome IN ('pending', 'no_agreement', 'agreement', 'decision')", name=op.f('ck_dispute_referrals_outcome_known')),
    sa.CheckConstraint("side IN ('holder', 'licensee')", name=op.f('ck_dispute_referrals_side_known')),
    sa.CheckConstraint("venue IN ('cnipa', 'local', 'court')", name=op.f('ck_dispute_referrals_venue_known')),
    sa.ForeignKeyConstraint(['dispute_id'], ['disputes.id'], name=op.f('fk_dispute_referrals_dispute_id_disputes')),
    sa.ForeignKeyConstraint(['file_id'], ['files.id'], name=op.f('fk_dispute_referrals_file_id_files')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dispute_referrals'))
    )
    op.create_index(op.f('ix_dispute_referrals_dispute_id'), 'dispute_referrals', ['dispute_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_dispute_referrals_dispute_id'), table_name='dispute_referrals')
    op.drop_table('dispute_referrals')
    op.drop_index(op.f('ix_dispute_entries_dispute_id'), table_name='dispute_entries')
    op.drop_table('dispute_entries')
    op.drop_index(op.f('ix_disputes_payment_id'), table_name='disputes')
    op.drop_index(op.f('ix_disputes_patent_id'), table_name='disputes')
    op.drop_index(op.f('ix_disputes_opened_by'), table_name='disputes')
    op.drop_index(op.f('ix_disputes_notice_id'), table_name='disputes')
    op.drop_index(op.f('ix_disputes_licensee_id'), table_name='disputes')
    op.drop_index(op.f('ix_disputes_licence_id'), table_name='disputes')
    op.drop_table('disputes')
    op.drop_table('bundle_transfer_items')
    op.drop_index(op.f('ix_negotiated_records_organisation_id'), table_name='negotiated_records')
    op.drop_table('negotiated_records')
    op.drop_index(op.f('ix_webhook_attempts_delivery_id'), table_name='webhook_attempts')
    op.drop_table('webhook_attempts')
    op.drop_index(op.f('ix_bundle_parts_offer_id'), table_name='bundle_parts')
    op.drop_table('bundle_parts')
    op.drop_index('ix_webhook_deliveries_created_at', table_name='webhook_deliveries')
    op.drop_table('webhook_deliveries')
    op.drop_index(op.f('ix_service_orders_provider_id'), table_name='service_orders')
    op.drop_index(op.f('ix_service_orders_offer_id'), table_name='service_orders')
    op.drop_index(op.f('ix_service_orders_customer_id'), table_name='service_orders')
    op.drop_table('service_orders')
    op.drop_index(op.f('ix_sent_mails_user_id'), table_name='sent_mails')
    op.drop_index(op.f('ix_sent_mails_organisation_id'), table_name='sent_mails')
    op.drop_index('ix_sent_mails_asked_at', table_name='sent_mails')
    op.drop_table('sent_mails')
    op.drop_index(op.f('ix_bundle_transfers_payee_id'), table_name='bundle_transfers')
    op.drop_index(op.f('ix_bundle_transfers_bundle_id'), table_name='bundle_transfers')
    op.drop_table('bundle_transfers')
    op.drop_index(op.f('ix_basket_items_offer_id'), table_name='basket_items')
    op.drop_table('basket_items')
    op.drop_index(op.f('ix_webhook_endpoints_organisation_id'), table_name='webhook_endpoints')
    op.drop_table('webhook_endpoints')
    op.drop_index(op.f('ix_bundles_licensee_id'), table_name='bundles')
    op.drop_table('bundles')
    op.drop_table('mail_hours')
