"""Recommendations to firms as such, the days of each step, fields of interest, and the daily mail

Revision: 0015
After: 0014
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('interests',
    sa.Column('id', KEY, nullable=False),
    sa.Column('organisation_id', KEY, nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('title', sa.String(length=300), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('ipc', database.Json, nullable=False),
    sa.Column('created_at', database.UTC(), nullable=False),
    sa.CheckConstraint("kind IN ('field', 'patent')", name=op.f('ck_interests_kind_known')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_interests_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_interests')),
    sa.UniqueConstraint('organisation_id', 'kind', 'key', name=op.f('uq_interests_organisation_id_kind_key'))
    )
    op.create_index(op.f('ix_interests_organisation_id'), 'interests', ['organisation_id'])
    op.create_table('interest_terms',
    sa.Column('interest_id', KEY, nullable=False),
    sa.Column('term', sa.String(length=64), nullable=False),
    sa.Column('weight', sa.Double(), nullable=False),
    sa.ForeignKeyConstraint(['interest_id'], ['interests.id'], name=op.f('fk_interest_terms_interest_id_interests'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('interest_id', 'term', name=op.f('pk_interest_terms'))
    )
    op.create_index('ix_interest_terms_term', 'interest_terms', ['term'])

    with op.batch_alter_table('demand_terms', schema=None) as batch_op:
        batch_op.add_column(sa.Column('weight', sa.Double(), nullable=False, server_default='1'))
    with op.batch_alter_table('demand_terms', schema=None) as batch_op:
        batch_op.alter_column('weight', server_default=None)

    with op.batch_alter_table('recommendations', schema=None) as batch_op:
        batch_op.add_column(sa.Column('organisation_id', KEY, nullable=True))
        batch_op.add_column(sa.Column('channel', sa.String(length=16), nullable=True))
        for name in ('opened_at', 'contacted_at', 'passed_at', 'licensed_at'):
            batch_op.add_column(sa.Column(name, database.UTC(), nullable=True))
    op.execute(
        "UPDATE recommendations SET organisation_id = (SELECT organisation_id FROM demands "
        "WHERE demands.id = recommendations.demand_id), "
        "channel = CASE WHEN rank = 0 THEN 'answer' ELSE 'demand' END, "
        "opened_at = CASE WHEN state IN ('opened', 'contacted') THEN changed_at END, "
        "contacted_at = CASE WHEN state = 'contacted' THEN changed_at END, "
        "passed_at = CASE WHEN state = 'passed' THEN changed_at END, "
        "licensed_at = CASE WHEN state = 'licensed' THEN changed_at END"
    )
    with op.batch_alter_table('recommendations', schema=None) as batch_op:
        batch_op.alter_column('organisation_id', existing_type=KEY, nullable=False)
        batch_op.alter_column('channel', existing_type=sa.String(length=16), nullable=False)
        batch_op.alter_column('demand_id', existing_type=KEY, nullable=True)
        batch_op.create_foreign_key(batch_op.f('fk_recommendations_organisation_id_organisations'), 'organisations', ['organisation_id'], ['id'])
        batch_op.create_check_constraint(batch_op.f('ck_recommendations_channel_known'), "channel IN ('demand', 'offer', 'answer', 'field', 'patents')")
        batch_op.create_index(batch_op.f('ix_recommendations_organisation_id'), ['organisation_id'])
        batch_op.create_index(batch_op.f('ix_recommendations_shown_at'), ['shown_at'])
        batch_op.create_index('uq_recommendations_firm_offer', ['organisation_id', 'offer_id'], unique=True, sqlite_where=sa.text('demand_id IS NULL'), postgresql_where=sa.text('demand_id IS NULL'))

    op.create_table('digest_items',
    sa.Column('user_id', KEY, nullable=False),
    sa.Column('recommendation_id', KEY, nullable=False),
    sa.Column('sent_on', sa.Date(), nullable=False),
    sa.ForeignKeyConstraint(['recommendation_id'], ['recommendations.id'], name=op.f('fk_digest_items_recommendation_id_recommendations')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_digest_items_user_id_users')),
    sa.PrimaryKeyConstraint('user_id', 'recommendation_id', name=op.f('pk_digest_items'))
    )
    op.create_index(op.f('ix_digest_items_recommendation_id'), 'digest_items', ['recommendation_id'])
    op.create_table('digest_stops',
    sa.Column('user_id', KEY, nullable=False),
    sa.Column('stopped_at', database.UTC(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_digest_stops_user_id_users')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_digest_stops'))
    )


def downgrade() -> None:
    op.drop_table('digest_stops')
    op.drop_table('digest_items')
    op.execute("DELETE FROM recommendations WHERE demand_id IS NULL")
    with op.batch_alter_table('recommendations', schema=None) as batch_op:
        batch_op.drop_index('uq_recommendations_firm_offer', sqlite_where=sa.text('demand_id IS NULL'), postgresql_where=sa.text('demand_id IS NULL'))
        batch_op.drop_index(batch_op.f('ix_recommendations_shown_at'))
        batch_op.drop_index(batch_op.f('ix_recommendations_organisation_id'))
        batch_op.drop_constraint(batch_op.f('ck_recommendations_channel_known'), type_='check')
        batch_op.drop_constraint(batch_op.f('fk_recommendations_organisation_id_organisations'), type_='foreignkey')
        batch_op.alter_column('demand_id', existing_type=KEY, nullable=False)
        for name in ('licensed_at', 'passed_at', 'contacted_at', 'opened_at', 'channel', 'organisation_id'):
            batch_op.drop_column(name)
    with op.batch_alter_table('demand_terms', schema=None) as batch_op:
        batch_op.drop_column('weight')
    op.drop_table('interest_terms')
    op.drop_table('interests')
