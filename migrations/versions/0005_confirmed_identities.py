"""Whether an organisation's identity is confirmed, and clashes of credit codes

Revision: 0005
After: 0004
"""

import sqlalchemy as sa
from alembic import op
from marketplace.core import database

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

_CONFIRMED = sa.text("identity = 'confirmed'")
_OPEN = sa.text("state = 'open'")


def upgrade() -> None:
    with op.batch_alter_table('organisations', schema=None) as batch_op:
        batch_op.add_column(
            sa.Column('identity', sa.String(length=16), nullable=False, server_default='stated')
        )
        batch_op.add_column(sa.Column('confirmed_at', database.UTC(), nullable=True))
        batch_op.add_column(
            sa.Column('confirmed_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True)
        )
        batch_op.add_column(sa.Column('confirmed_how', sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column('confirmed_source', sa.String(length=200), nullable=True))
        batch_op.drop_constraint('uq_organisations_code', type_='unique')
        batch_op.create_check_constraint(
            op.f('ck_organisations_identity_known'), "identity IN ('stated', 'confirmed')"
        )
        batch_op.create_check_constraint(
            op.f('ck_organisations_confirmed_how_known'),
            "confirmed_how IN ('documents', 'import', 'account', 'bureau')",
        )
        batch_op.create_foreign_key(
            op.f('fk_organisations_confirmed_by_users'), 'users', ['confirmed_by'], ['id']
        )
    # What an operator's list or command made is confirmed by it; what signed itself up is not.
    op.execute(
        "UPDATE organisations SET identity = 'confirmed', confirmed_at = created_at, confirmed_how = 'import' "
        "WHERE EXISTS (SELECT 1 FROM journal LEFT JOIN users ON users.id = journal.actor_id "
        "WHERE journal.subject_type = 'organisations' AND journal.subject_id = organisations.id "
        "AND journal.action = 'organisation.created' AND journal.origin IN ('import', 'demo') "
        "AND (journal.actor_id IS NULL OR users.staff_role = 'operator'))"
    )
    with op.batch_alter_table('organisations', schema=None) as batch_op:
        batch_op.alter_column('identity', server_default=None)
        batch_op.create_index(batch_op.f('ix_organisations_code'), ['code'], unique=False)
        batch_op.create_index(
            'uq_organisations_confirmed_code',
            ['code'],
            unique=True,
            sqlite_where=_CONFIRMED,
            postgresql_where=_CONFIRMED,
        )
    op.create_table('identity_clashes',
    sa.Column('code', sa.String(length=18), nullable=False),
    sa.Column('organisation_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('other_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('resolution', sa.Text(), nullable=True),
    sa.Column('resolved_by', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=True),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.Column('resolved_at', database.UTC(), nullable=True),
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('open', 'resolved')", name=op.f('ck_identity_clashes_state_known')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_identity_clashes_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['other_id'], ['organisations.id'], name=op.f('fk_identity_clashes_other_id_organisations')),
    sa.ForeignKeyConstraint(['resolved_by'], ['users.id'], name=op.f('fk_identity_clashes_resolved_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_identity_clashes'))
    )
    with op.batch_alter_table('identity_clashes', schema=None) as batch_op:
        batch_op.create_index(
            'uq_identity_clashes_open',
            ['organisation_id', 'other_id', 'code'],
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        )


def downgrade() -> None:
    op.drop_table('identity_clashes')
    # Codes were unique before: where several state one, the confirmed organisation keeps it, else the first.
    op.execute(
        "UPDATE organisations SET code = NULL WHERE code IS NOT NULL AND identity = 'stated' AND EXISTS ("
        "SELECT 1 FROM organisations other WHERE other.code = organisations.code "
        "AND (other.identity = 'confirmed' OR other.id < organisations.id))"
    )
    with op.batch_alter_table('organisations', schema=None) as batch_op:
        batch_op.drop_index(
            'uq_organisations_confirmed_code', sqlite_where=_CONFIRMED, postgresql_where=_CONFIRMED
        )
        batch_op.drop_index(batch_op.f('ix_organisations_code'))
        batch_op.drop_constraint(op.f('fk_organisations_confirmed_by_users'), type_='foreignkey')
        batch_op.drop_constraint(op.f('ck_organisations_confirmed_how_known'), type_='check')
        batch_op.drop_constraint(op.f('ck_organisations_identity_known'), type_='check')
        batch_op.create_unique_constraint(op.f('uq_organisations_code'), ['code'])
        batch_op.drop_column('confirmed_source')
        batch_op.drop_column('confirmed_how')
        batch_op.drop_column('confirmed_by')
        batch_op.drop_column('confirmed_at')
        batch_op.drop_column('identity')
