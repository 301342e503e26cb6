"""Money that came in parts, corrections by two persons, refunds and disputes, instalments, reconciliations

Revision: 0022
After: 0021
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import clock, database

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_PAYMENTS = ('open', 'slip_uploaded', 'paid', 'failed', 'expired', 'cancelled', 'quarantined')
_REVERSAL = (
    '(reverses_id IS NULL AND amount_minor > 0 AND applied_minor >= 0 AND applied_minor <= amount_minor)'
    ' OR (reverses_id IS NOT NULL AND amount_minor < 0 AND applied_minor <= 0)'
)


def _one_of(column: str, values: tuple) -> str:
    return f'{column} IN (' + ', '.join(f"'{value}'" for value in values) + ')'


def _states(table: str, values: tuple) -> None:
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(op.f(f'ck_{table}_state_known'), type_='check')
        batch_op.create_check_constraint(op.f(f'ck_{table}_state_known'), _one_of('state', values))


def upgrade() -> None:
    _states('payments', (*_PAYMENTS, 'reversed'))
    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.add_column(sa.Column('instalments', database.Json, nullable=False, server_default='[]'))
    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.alter_column('instalments', server_default=None)
    with op.batch_alter_table('obligations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('instalment', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('due_months', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('reminded_at', database.UTC(), nullable=True))
        batch_op.add_column(sa.Column('overdue_at', database.UTC(), nullable=True))
        batch_op.create_check_constraint(
            op.f('ck_obligations_instalment_has_its_months'), '(instalment IS NULL) = (due_months IS NULL)'
        )
    op.create_table('corrections',
    sa.Column('quarantine_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('obligation_id', KEY, nullable=True),
    sa.Column('payment_id', KEY, nullable=True),
    sa.Column('proposed_by', KEY, nullable=True),
    sa.Column('proposed_at', database.UTC(), nullable=False),
    sa.Column('decided_by', KEY, nullable=True),
    sa.Column('decided_at', database.UTC(), nullable=True),
    sa.Column('decision', sa.Text(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint(_one_of('kind', ('apply', 'reverse', 'foreign', 'ask_return')), name=op.f('ck_corrections_kind_known')),
    sa.CheckConstraint(_one_of('state', ('proposed', 'approved', 'declined', 'taken_back')), name=op.f('ck_corrections_state_known')),
    sa.CheckConstraint("state IN ('proposed', 'taken_back') OR decided_by <> proposed_by", name=op.f('ck_corrections_two_persons')),
    sa.ForeignKeyConstraint(['quarantine_id'], ['quarantine.id'], name=op.f('fk_corrections_quarantine_id_quarantine')),
    sa.ForeignKeyConstraint(['obligation_id'], ['obligations.id'], name=op.f('fk_corrections_obligation_id_obligations')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_corrections_payment_id_payments')),
    sa.ForeignKeyConstraint(['proposed_by'], ['users.id'], name=op.f('fk_corrections_proposed_by_users')),
    sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_corrections_decided_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_corrections'))
    )
    with op.batch_alter_table('corrections', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_corrections_quarantine_id'), ['quarantine_id'], unique=False)
        batch_op.create_index('uq_corrections_proposed', ['quarantine_id'], unique=True, sqlite_where=sa.text("state IN ('proposed')"), postgresql_where=sa.text("state IN ('proposed')"))
    op.create_table('receipts',
    sa.Column('id', KEY, nullable=False),
    sa.Column('obligation_id', KEY, nullable=False),
    sa.Column('payment_id', KEY, nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('applied_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('paid_on', sa.Date(), nullable=False),
    sa.Column('at', database.UTC(), nullable=False),
    sa.Column('source', sa.String(length=16), nullable=False),
    sa.Column('reverses_id', KEY, nullable=True),
    sa.Column('correction_id', KEY, nullable=True),
    sa.Column('recorded_by', KEY, nullable=True),
    sa.Column('recorded_at', database.UTC(), nullable=False),
    sa.CheckConstraint(_one_of('source', ('payee', 'statement', 'stripe', 'correction')), name=op.f('ck_receipts_source_known')),
    sa.CheckConstraint(_REVERSAL, name=op.f('ck_receipts_reversal_is_negative')),
    sa.ForeignKeyConstraint(['obligation_id'], ['obligations.id'], name=op.f('fk_receipts_obligation_id_obligations')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_receipts_payment_id_payments')),
    sa.ForeignKeyConstraint(['reverses_id'], ['receipts.id'], name=op.f('fk_receipts_reverses_id_receipts')),
    sa.ForeignKeyConstraint(['correction_id'], ['corrections.id'], name=op.f('fk_receipts_correction_id_corrections')),
    sa.ForeignKeyConstraint(['recorded_by'], ['users.id'], name=op.f('fk_receipts_recorded_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_receipts')),
    sa.UniqueConstraint('reverses_id', name=op.f('uq_receipts_reverses_id'))
    )
    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_receipts_obligation_id'), ['obligation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_receipts_payment_id'), ['payment_id'], unique=False)
    with op.batch_alter_table('bank_lines', schema=None) as batch_op:
        batch_op.add_column(sa.Column('receipt_id', KEY, nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_bank_lines_receipt_id_receipts'), 'receipts', ['receipt_id'], ['id'])
    op.create_table('payment_flags',
    sa.Column('payment_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('provider_id', sa.String(length=255), nullable=False),
    sa.Column('status', sa.String(length=40), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=True),
    sa.Column('reason', sa.String(length=80), nullable=True),
    sa.Column('funds_withdrawn', sa.Boolean(), nullable=False),
    sa.Column('event_id', sa.String(length=255), nullable=True),
    sa.Column('opened_at', database.UTC(), nullable=False),
    sa.Column('told_at', database.UTC(), nullable=False),
    sa.Column('closed_at', database.UTC(), nullable=True),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint(_one_of('kind', ('refund', 'dispute')), name=op.f('ck_payment_flags_kind_known')),
    sa.CheckConstraint('amount_minor IS NULL OR amount_minor >= 0', name=op.f('ck_payment_flags_amount_not_negative')),
    sa.ForeignKeyConstraint(['event_id'], ['stripe_events.id'], name=op.f('fk_payment_flags_event_id_stripe_events')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_payment_flags_payment_id_payments')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_flags')),
    sa.UniqueConstraint('kind', 'provider_id', name=op.f('uq_payment_flags_kind_provider_id'))
    )
    with op.batch_alter_table('payment_flags', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payment_flags_payment_id'), ['payment_id'], unique=False)
    with op.batch_alter_table('refund_tasks', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('uq_refund_tasks_payment_id'), type_='unique')
        batch_op.drop_constraint(op.f('ck_refund_tasks_state_known'), type_='check')
        batch_op.create_check_constraint(op.f('ck_refund_tasks_state_known'), _one_of('state', ('open', 'asked', 'done', 'cancelled')))
        batch_op.add_column(sa.Column('receipt_id', KEY, nullable=True))
        batch_op.add_column(sa.Column('amount_minor', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('currency', sa.String(length=3), nullable=True))
        batch_op.add_column(sa.Column('how', sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column('attempts', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('provider_refund_id', sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column('failure', sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column('evidence_id', KEY, nullable=True))
    op.execute(
        'UPDATE refund_tasks SET '
        'amount_minor = (SELECT payments.amount_minor FROM payments WHERE payments.id = refund_tasks.payment_id), '
        'currency = (SELECT payments.currency FROM payments WHERE payments.id = refund_tasks.payment_id)'
    )
    with op.batch_alter_table('refund_tasks', schema=None) as batch_op:
        batch_op.alter_column('amount_minor', existing_type=sa.BigInteger(), nullable=False)
        batch_op.alter_column('currency', existing_type=sa.String(length=3), nullable=False)
        batch_op.alter_column('attempts', server_default=None)
        batch_op.create_check_constraint(op.f('ck_refund_tasks_how_known'), _one_of('how', ('stripe', 'transfer')))
        batch_op.create_check_constraint(op.f('ck_refund_tasks_amount_positive'), 'amount_minor > 0')
        batch_op.create_unique_constraint(batch_op.f('uq_refund_tasks_provider_refund_id'), ['provider_refund_id'])
        batch_op.create_foreign_key(batch_op.f('fk_refund_tasks_receipt_id_receipts'), 'receipts', ['receipt_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_refund_tasks_evidence_id_files'), 'files', ['evidence_id'], ['id'])
        batch_op.create_index(batch_op.f('ix_refund_tasks_payment_id'), ['payment_id'], unique=False)
    op.create_table('reconciliations',
    sa.Column('id', KEY, nullable=False),
    sa.Column('started_at', database.UTC(), nullable=False),
    sa.Column('finished_at', database.UTC(), nullable=False),
    sa.Column('since', database.UTC(), nullable=False),
    sa.Column('livemode', sa.Boolean(), nullable=False),
    sa.Column('accounts', sa.Integer(), nullable=False),
    sa.Column('counts', database.Json, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reconciliations'))
    )
    op.create_table('reconciliation_differences',
    sa.Column('id', KEY, nullable=False),
    sa.Column('reconciliation_id', KEY, nullable=False),
    sa.Column('account', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.String(length=40), nullable=False),
    sa.Column('payment_id', KEY, nullable=True),
    sa.Column('quarantine_id', KEY, nullable=True),
    sa.Column('provider_id', sa.String(length=255), nullable=True),
    sa.Column('expected', database.Json, nullable=False),
    sa.Column('received', database.Json, nullable=False),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_reconciliation_differences_payment_id_payments')),
    sa.ForeignKeyConstraint(['quarantine_id'], ['quarantine.id'], name=op.f('fk_reconciliation_differences_quarantine_id_quarantine')),
    sa.ForeignKeyConstraint(['reconciliation_id'], ['reconciliations.id'], name=op.f('fk_reconciliation_differences_reconciliation_id_reconciliations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reconciliation_differences'))
    )
    with op.batch_alter_table('reconciliation_differences', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_reconciliation_differences_reconciliation_id'), ['reconciliation_id'], unique=False)
    _enter_what_came()


def _enter_what_came() -> None:
    """Enter what is proven to have come so far: whole payments, and parts by bank statements."""
    op.execute(
        'INSERT INTO receipts (obligation_id, payment_id, amount_minor, applied_minor, currency, paid_on, at,'
        ' source, recorded_by, recorded_at) '
        'SELECT payments.obligation_id, payments.id, payments.amount_minor,'
        ' CASE WHEN refund_tasks.id IS NULL THEN payments.amount_minor ELSE 0 END, payments.currency,'
        " payments.paid_on, payments.effective_at, CASE WHEN payments.channel = 'stripe' THEN 'stripe' ELSE 'payee' END,"
        ' payments.confirmed_by, payments.effective_at '
        'FROM payments LEFT JOIN refund_tasks ON refund_tasks.payment_id = payments.id '
        "WHERE payments.state = 'paid' AND payments.amount_minor > 0 AND payments.paid_on IS NOT NULL"
        ' AND payments.effective_at IS NOT NULL ORDER BY payments.id'
    )
    op.execute(
        'UPDATE refund_tasks SET receipt_id ='
        ' (SELECT receipts.id FROM receipts WHERE receipts.payment_id = refund_tasks.payment_id)'
    )
    # The beginning of the booking's day in Shanghai is the instant that stands for a transfer; a line of
    # text cannot shift it on both databases alike, so the parts of unpaid sums go through Python.
    lines = sa.table(
        'bank_lines', sa.column('id'), sa.column('payment_id'), sa.column('amount_minor'),
        sa.column('booked_on', sa.Date()), sa.column('created_at', database.UTC()), sa.column('state'),
        sa.column('currency'), sa.column('receipt_id'),
    )
    payments = sa.table('payments', sa.column('id'), sa.column('obligation_id'), sa.column('state'))
    receipts = sa.table(
        'receipts', sa.column('id'), sa.column('obligation_id'), sa.column('payment_id'),
        sa.column('amount_minor'), sa.column('applied_minor'), sa.column('currency'),
        sa.column('paid_on', sa.Date()), sa.column('at', database.UTC()), sa.column('source'),
        sa.column('recorded_at', database.UTC()),
    )
    connection = op.get_bind()
    parts = connection.execute(
        sa.select(lines, payments.c.obligation_id)
        .join(payments, payments.c.id == lines.c.payment_id)
        .where(lines.c.state == 'part', payments.c.state != 'paid')
        .order_by(lines.c.id)
    ).all()
    for part in parts:
        key = connection.execute(
            sa.insert(receipts).values(
                obligation_id=part.obligation_id, payment_id=part.payment_id, amount_minor=part.amount_minor,
                applied_minor=part.amount_minor, currency=part.currency, paid_on=part.booked_on,
                at=clock.start_of_day_utc(part.booked_on), source='statement', recorded_at=part.created_at,
            ).returning(receipts.c.id)
        ).scalar_one()
        connection.execute(sa.update(lines).where(lines.c.id == part.id).values(receipt_id=key))


def downgrade() -> None:
    op.drop_table('reconciliation_differences')
    op.drop_table('reconciliations')
    # Of several refunds for one payment only the first one fits into the old table.
    op.execute(
        'DELETE FROM refund_tasks WHERE id NOT IN (SELECT MIN(id) FROM refund_tasks GROUP BY payment_id)'
    )
    op.execute("UPDATE refund_tasks SET state = 'open' WHERE state = 'asked'")
    op.execute("UPDATE refund_tasks SET state = 'done' WHERE state = 'cancelled'")
    with op.batch_alter_table('refund_tasks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_refund_tasks_payment_id'))
        batch_op.drop_constraint(batch_op.f('fk_refund_tasks_evidence_id_files'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('fk_refund_tasks_receipt_id_receipts'), type_='foreignkey')
        batch_op.drop_constraint(batch_op.f('uq_refund_tasks_provider_refund_id'), type_='unique')
        batch_op.drop_constraint(op.f('ck_refund_tasks_amount_positive'), type_='check')
        batch_op.drop_constraint(op.f('ck_refund_tasks_how_known'), type_='check')
        batch_op.drop_constraint(op.f('ck_refund_tasks_state_known'), type_='check')
        batch_op.create_check_constraint(op.f('ck_refund_tasks_state_known'), _one_of('state', ('open', 'done')))
        for column in (
            'evidence_id', 'failure', 'provider_refund_id', 'attempts', 'how', 'currency', 'amount_minor', 'receipt_id'
        ):
            batch_op.drop_column(column)
        batch_op.create_unique_constraint(op.f('uq_refund_tasks_payment_id'), ['payment_id'])
    op.drop_table('payment_flags')
    with op.batch_alter_table('bank_lines', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_bank_lines_receipt_id_receipts'), type_='foreignkey')
        batch_op.drop_column('receipt_id')
    op.drop_table('receipts')
    op.drop_table('corrections')
    with op.batch_alter_table('obligations', schema=None) as batch_op:
        batch_op.drop_constraint(op.f('ck_obligations_instalment_has_its_months'), type_='check')
        for column in ('overdue_at', 'reminded_at', 'due_months', 'instalment'):
            batch_op.drop_column(column)
    with op.batch_alter_table('offers', schema=None) as batch_op:
        batch_op.drop_column('instalments')
    op.execute("UPDATE payments SET state = 'quarantined' WHERE state = 'reversed'")
    _states('payments', _PAYMENTS)
