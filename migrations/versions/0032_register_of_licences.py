"""The register of licences: recordals that are cancelled, reminders, papers of recordals, relief of annuities

Revision: 0032
After: 0031
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0032'
down_revision = '0031'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')
_REGISTER = sa.text("recordal_state IN ('recorded', 'cancelled')")
_RECORDAL = ('to_do', 'filed', 'recorded', 'late')


def _known(table: str, column: str, values: tuple) -> None:
    name = op.f(f'ck_{table}_{column}_known')
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(name, type_='check')
        listed = ', '.join(f"'{value}'" for value in values)
        batch_op.create_check_constraint(name, f'{column} IN ({listed})')


def upgrade() -> None:
    _known('licences', 'recordal_state', (*_RECORDAL, 'cancelled'))
    _known('licence_papers', 'kind', ('source', 'termination', 'recordal'))
    # Nobody was reminded of a recordal so far.
    op.execute('DELETE FROM recordal_reminders')
    _known('recordal_reminders', 'kind', ('due_30', 'due_14', 'due_3'))
    op.drop_index('ix_licences_patent_id', table_name='licences')
    op.create_index('ix_licences_patent_list', 'licences', ['patent_id', 'id'], unique=False)
    op.create_index(
        'ix_licences_register', 'licences', ['id'], unique=False,
        sqlite_where=_REGISTER, postgresql_where=_REGISTER,
    )
    op.create_table('annuity_reliefs',
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('since', sa.Date(), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('user_id', KEY, nullable=True),
    sa.Column('stated_at', database.UTC(), nullable=False),
    sa.Column('id', KEY, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('until IS NULL OR until >= since', name=op.f('ck_annuity_reliefs_not_reversed')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_annuity_reliefs_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_annuity_reliefs_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_annuity_reliefs')),
    sa.UniqueConstraint('organisation_id', name=op.f('uq_annuity_reliefs_organisation_id'))
    )


def downgrade() -> None:
    op.drop_table('annuity_reliefs')
    op.drop_index('ix_licences_register', table_name='licences')
    op.drop_index('ix_licences_patent_list', table_name='licences')
    op.create_index('ix_licences_patent_id', 'licences', ['patent_id'], unique=False)
    op.execute('DELETE FROM recordal_reminders')
    _known('recordal_reminders', 'kind', ('due_30', 'due_7'))
    op.execute("DELETE FROM licence_papers WHERE kind = 'recordal'")
    _known('licence_papers', 'kind', ('source', 'termination'))
    op.execute("UPDATE licences SET recordal_state = 'recorded' WHERE recordal_state = 'cancelled'")
    _known('licences', 'recordal_state', _RECORDAL)
