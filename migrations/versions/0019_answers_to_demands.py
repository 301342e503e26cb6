"""Answers to demands, access to their confidential part, and for whom a demand is posted

Revision: 0019
After: 0018
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def key() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('demand_accesses',
    sa.Column('demand_id', key(), nullable=False),
    sa.Column('organisation_id', key(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('purpose', sa.String(length=500), nullable=False),
    sa.Column('statement', sa.Text(), nullable=False),
    sa.Column('accepted_by', key(), nullable=True),
    sa.Column('accepted_name', sa.String(length=100), nullable=False),
    sa.Column('accepted_at', database.UTC(), nullable=False),
    sa.Column('accepted_hash', sa.String(length=64), nullable=False),
    sa.Column('decided_by', key(), nullable=True),
    sa.Column('decided_at', database.UTC(), nullable=True),
    sa.Column('reason', sa.String(length=500), nullable=True),
    sa.Column('id', key(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("state IN ('asked', 'granted', 'refused', 'revoked', 'taken_back')", name=op.f('ck_demand_accesses_state_known')),
    sa.ForeignKeyConstraint(['accepted_by'], ['users.id'], name=op.f('fk_demand_accesses_accepted_by_users')),
    sa.ForeignKeyConstraint(['decided_by'], ['users.id'], name=op.f('fk_demand_accesses_decided_by_users')),
    sa.ForeignKeyConstraint(['demand_id'], ['demands.id'], name=op.f('fk_demand_accesses_demand_id_demands')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_demand_accesses_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_demand_accesses')),
    sa.UniqueConstraint('demand_id', 'organisation_id', name=op.f('uq_demand_accesses_demand_id_organisation_id'))
    )
    with op.batch_alter_table('demand_accesses', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_demand_accesses_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('demand_answers',
    sa.Column('demand_id', key(), nullable=False),
    sa.Column('organisation_id', key(), nullable=False),
    sa.Column('user_id', key(), nullable=True),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('offer_id', key(), nullable=True),
    sa.Column('patent_id', key(), nullable=True),
    sa.Column('text', sa.Text(), nullable=True),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('pass_reason', sa.String(length=32), nullable=True),
    sa.Column('pass_note', sa.String(length=500), nullable=True),
    sa.Column('answered_at', database.UTC(), nullable=False),
    sa.Column('judged_at', database.UTC(), nullable=True),
    sa.Column('id', key(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint("(kind = 'offer') = (offer_id IS NOT NULL)", name=op.f('ck_demand_answers_offer_with_its_kind')),
    sa.CheckConstraint("(kind = 'patent') = (patent_id IS NOT NULL)", name=op.f('ck_demand_answers_patent_with_its_kind')),
    sa.CheckConstraint("kind IN ('offer', 'patent', 'message')", name=op.f('ck_demand_answers_kind_known')),
    sa.CheckConstraint("state IN ('given', 'helpful', 'passed', 'withdrawn')", name=op.f('ck_demand_answers_state_known')),
    sa.ForeignKeyConstraint(['demand_id'], ['demands.id'], name=op.f('fk_demand_answers_demand_id_demands')),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_demand_answers_offer_id_offers')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_demand_answers_organisation_id_organisations')),
    sa.ForeignKeyConstraint(['patent_id'], ['patents.id'], name=op.f('fk_demand_answers_patent_id_patents')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_demand_answers_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_demand_answers')),
    sa.UniqueConstraint('demand_id', 'offer_id', name=op.f('uq_demand_answers_demand_id_offer_id'))
    )
    with op.batch_alter_table('demand_answers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_demand_answers_demand_id'), ['demand_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_demand_answers_offer_id'), ['offer_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_demand_answers_organisation_id'), ['organisation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_demand_answers_patent_id'), ['patent_id'], unique=False)

    op.create_table('demand_openings',
    sa.Column('id', key(), nullable=False),
    sa.Column('demand_id', key(), nullable=False),
    sa.Column('organisation_id', key(), nullable=False),
    sa.Column('opened_at', database.UTC(), nullable=False),
    sa.Column('reminded_at', database.UTC(), nullable=True),
    sa.ForeignKeyConstraint(['demand_id'], ['demands.id'], name=op.f('fk_demand_openings_demand_id_demands')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisations.id'], name=op.f('fk_demand_openings_organisation_id_organisations')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_demand_openings')),
    sa.UniqueConstraint('demand_id', 'organisation_id', name=op.f('uq_demand_openings_demand_id_organisation_id'))
    )
    with op.batch_alter_table('demand_openings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_demand_openings_opened_at'), ['opened_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_demand_openings_organisation_id'), ['organisation_id'], unique=False)

    op.create_table('demand_readings',
    sa.Column('id', key(), nullable=False),
    sa.Column('access_id', key(), nullable=False),
    sa.Column('user_id', key(), nullable=True),
    sa.Column('read_at', database.UTC(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['access_id'], ['demand_accesses.id'], name=op.f('fk_demand_readings_access_id_demand_accesses'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_demand_readings_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_demand_readings'))
    )
    with op.batch_alter_table('demand_readings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_demand_readings_access_id'), ['access_id'], unique=False)

    op.create_table('demand_replies',
    sa.Column('id', key(), nullable=False),
    sa.Column('answer_id', key(), nullable=False),
    sa.Column('side', sa.String(length=16), nullable=False),
    sa.Column('user_id', key(), nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('written_at', database.UTC(), nullable=False),
    sa.CheckConstraint("side IN ('poster', 'holder')", name=op.f('ck_demand_replies_side_known')),
    sa.ForeignKeyConstraint(['answer_id'], ['demand_answers.id'], name=op.f('fk_demand_replies_answer_id_demand_answers')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_demand_replies_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_demand_replies'))
    )
    with op.batch_alter_table('demand_replies', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_demand_replies_answer_id'), ['answer_id'], unique=False)

    with op.batch_alter_table('demands', schema=None) as batch_op:
        batch_op.add_column(sa.Column('posted_by', sa.String(length=16), nullable=False, server_default='firm'))
        batch_op.add_column(sa.Column('poster_id', key(), nullable=True))
        batch_op.add_column(sa.Column('named', sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column('described_as', sa.String(length=200), nullable=True))
        batch_op.add_column(sa.Column('confidential', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('industry', sa.String(length=8), nullable=True))
        batch_op.add_column(sa.Column('outcome', sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column('outcome_reason', sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column('outcome_note', sa.String(length=500), nullable=True))
        batch_op.add_column(sa.Column('reminded_for', sa.Date(), nullable=True))
        batch_op.create_check_constraint(op.f('ck_demands_posted_by_known'), "posted_by IN ('firm', 'agency', 'bureau')")
        batch_op.create_check_constraint(op.f('ck_demands_outcome_known'), "outcome IN ('met', 'unmet', 'withdrawn')")
        batch_op.create_index(batch_op.f('ix_demands_industry'), ['industry'], unique=False)
        batch_op.create_index(batch_op.f('ix_demands_poster_id'), ['poster_id'], unique=False)
        batch_op.create_foreign_key(batch_op.f('fk_demands_poster_id_organisations'), 'organisations', ['poster_id'], ['id'])
    with op.batch_alter_table('demands', schema=None) as batch_op:
        batch_op.alter_column('posted_by', server_default=None)
        batch_op.alter_column('named', server_default=None)
    # Answers were kept among the recommendations alone.
    op.execute(
        "INSERT INTO demand_answers (demand_id, organisation_id, kind, offer_id, state, answered_at, version) "
        "SELECT r.demand_id, o.holder_id, 'offer', r.offer_id, 'given', r.shown_at, 1 "
        "FROM recommendations r JOIN offers o ON o.id = r.offer_id "
        "WHERE r.channel = 'answer' AND r.demand_id IS NOT NULL"
    )



def downgrade() -> None:
    with op.batch_alter_table('demands', schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f('fk_demands_poster_id_organisations'), type_='foreignkey')
        batch_op.drop_index(batch_op.f('ix_demands_poster_id'))
        batch_op.drop_index(batch_op.f('ix_demands_industry'))
        batch_op.drop_constraint(op.f('ck_demands_outcome_known'), type_='check')
        batch_op.drop_constraint(op.f('ck_demands_posted_by_known'), type_='check')
        batch_op.drop_column('reminded_for')
        batch_op.drop_column('outcome_note')
        batch_op.drop_column('outcome_reason')
        batch_op.drop_column('outcome')
        batch_op.drop_column('industry')
        batch_op.drop_column('confidential')
        batch_op.drop_column('described_as')
        batch_op.drop_column('named')
        batch_op.drop_column('poster_id')
        batch_op.drop_column('posted_by')

    op.drop_table('demand_replies')
    op.drop_table('demand_readings')
    op.drop_table('demand_openings')
    op.drop_table('demand_answers')
    op.drop_table('demand_accesses')
