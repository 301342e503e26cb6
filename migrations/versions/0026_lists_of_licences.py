"""A party's licences and notices in the order of its lists, and a licence by its recordal number

Revision: 0026
After: 0025
"""

from alembic import op

revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None

LISTS = (('licences', 'licensee'), ('licences', 'offer'), ('notices', 'licensee'), ('notices', 'offer'))


def upgrade() -> None:
    for table, whose in LISTS:
        op.drop_index(f'ix_{table}_{whose}_id', table_name=table)
        op.create_index(f'ix_{table}_{whose}_list', table, [f'{whose}_id', 'id'], unique=False)
    op.create_index('ix_licences_recordal_number', 'licences', ['recordal_number'], unique=False)


def downgrade() -> None:
    op.drop_index('ix_licences_recordal_number', table_name='licences')
    for table, whose in LISTS:
        op.drop_index(f'ix_{table}_{whose}_list', table_name=table)
        op.create_index(f'ix_{table}_{whose}_id', table, [f'{whose}_id'], unique=False)
