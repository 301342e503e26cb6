"""Facts with author and history, attestations, reminders, the list of promotional words

Revision: 0004
After: 0003
"""

import sqlalchemy as sa
from alembic import op

from marketplace.core import database

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OLD_FACTS = (
    "legal_status",
    "annuity_paid_until",
    "evaluation_report",
    "pledged",
    "exclusive_licence_until",
    "preserved_until",
    "other_hindrance",
)
_FACTS = (*_OLD_FACTS, "ownership")
_NAME = "ck_patent_facts_name_known"


def _condition(facts: tuple) -> str:
    return "name IN ({})".format(", ".join(f"'{fact}'" for fact in facts))


def upgrade() -> None:
    op.create_table(
        "attestations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("signed_by", sa.String(length=200), nullable=False),
        sa.Column("signed_at", database.UTC(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("locale", sa.String(length=2), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("list_sha256", sa.String(length=64), nullable=False),
        sa.Column("patents", sa.Integer(), nullable=False),
        sa.Column("facts", database.Json, nullable=False),
        sa.Column("revoked_at", database.UTC(), nullable=True),
        sa.Column("revoked_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("revoked_reason", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisations.id"],
            name=op.f("fk_attestations_organisation_id_organisations"),
        ),
        sa.ForeignKeyConstraint(["revoked_by"], ["users.id"], name=op.f("fk_attestations_revoked_by_users")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_attestations_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attestations")),
    )
    with op.batch_alter_table("attestations", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_attestations_organisation_id"), ["organisation_id"], unique=False
        )

    op.create_table(
        "patent_reminders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("reminded_at", database.UTC(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('annuity_30', 'annuity_7', 'exclusive_30', 'exclusive_7', 'report_missing')",
            name=op.f("ck_patent_reminders_kind_known"),
        ),
        sa.ForeignKeyConstraint(
            ["patent_id"], ["patents.id"], name=op.f("fk_patent_reminders_patent_id_patents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patent_reminders")),
        sa.UniqueConstraint(
            "patent_id", "kind", "due_on", name=op.f("uq_patent_reminders_patent_id_kind_due_on")
        ),
    )
    op.create_table(
        "promotional_words",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("word", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("reason_en", sa.String(length=300), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("entered_at", database.UTC(), nullable=False),
        sa.Column("entered_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ended_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["ended_by"], ["users.id"], name=op.f("fk_promotional_words_ended_by_users")),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["users.id"], name=op.f("fk_promotional_words_entered_by_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotional_words")),
    )
    with op.batch_alter_table("promotional_words", schema=None) as batch_op:
        batch_op.create_index(
            "uq_promotional_words_in_force",
            ["word"],
            unique=True,
            sqlite_where=sa.text("until IS NULL"),
            postgresql_where=sa.text("until IS NULL"),
        )

    op.create_table(
        "attested_patents",
        sa.Column("attestation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("done_at", database.UTC(), nullable=True),
        sa.ForeignKeyConstraint(
            ["attestation_id"],
            ["attestations.id"],
            name=op.f("fk_attested_patents_attestation_id_attestations"),
        ),
        sa.ForeignKeyConstraint(
            ["patent_id"], ["patents.id"], name=op.f("fk_attested_patents_patent_id_patents")
        ),
        sa.PrimaryKeyConstraint("attestation_id", "patent_id", name=op.f("pk_attested_patents")),
    )
    with op.batch_alter_table("attested_patents", schema=None) as batch_op:
        batch_op.create_index("ix_attested_patents_patent_id", ["patent_id"], unique=False)

    op.create_table(
        "patent_fact_history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("patent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.String(length=500), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("entered_at", database.UTC(), nullable=False),
        sa.Column("entered_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("attestation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ending", sa.String(length=24), nullable=False),
        sa.Column("ended_at", database.UTC(), nullable=False),
        sa.Column("ended_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "ending IN ('restated', 'made_unknown', 'attestation_revoked')",
            name=op.f("ck_patent_fact_history_ending_known"),
        ),
        sa.CheckConstraint(
            _condition(_FACTS),
            name=op.f("ck_patent_fact_history_name_known"),
        ),
        sa.ForeignKeyConstraint(
            ["attestation_id"],
            ["attestations.id"],
            name=op.f("fk_patent_fact_history_attestation_id_attestations"),
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["users.id"], name=op.f("fk_patent_fact_history_ended_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by"], ["users.id"], name=op.f("fk_patent_fact_history_entered_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["patent_id"], ["patents.id"], name=op.f("fk_patent_fact_history_patent_id_patents")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patent_fact_history")),
    )
    with op.batch_alter_table("patent_fact_history", schema=None) as batch_op:
        batch_op.create_index("ix_patent_fact_history_patent_id", ["patent_id", "name"], unique=False)

    # When an old fact was entered was kept in the journal only: the patent's last change is the latest time.
    with op.batch_alter_table("patent_facts", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(_NAME), type_="check")
        batch_op.create_check_constraint(op.f(_NAME), _condition(_FACTS))
        batch_op.add_column(sa.Column("entered_at", database.UTC(), nullable=True))
        batch_op.add_column(
            sa.Column("entered_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("attestation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_patent_facts_attestation_id"), ["attestation_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_patent_facts_attestation_id_attestations"),
            "attestations",
            ["attestation_id"],
            ["id"],
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_patent_facts_entered_by_users"), "users", ["entered_by"], ["id"]
        )
    op.execute(
        "UPDATE patent_facts SET entered_at = "
        "(SELECT patents.updated_at FROM patents WHERE patents.id = patent_facts.patent_id)"
    )
    with op.batch_alter_table("patent_facts", schema=None) as batch_op:
        batch_op.alter_column("entered_at", existing_type=database.UTC(), nullable=False)


def downgrade() -> None:
    op.execute("DELETE FROM patent_facts WHERE name = 'ownership'")
    with op.batch_alter_table("patent_facts", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(_NAME), type_="check")
        batch_op.create_check_constraint(op.f(_NAME), _condition(_OLD_FACTS))
        batch_op.drop_constraint(batch_op.f("fk_patent_facts_entered_by_users"), type_="foreignkey")
        batch_op.drop_constraint(
            batch_op.f("fk_patent_facts_attestation_id_attestations"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_patent_facts_attestation_id"))
        batch_op.drop_column("attestation_id")
        batch_op.drop_column("entered_by")
        batch_op.drop_column("entered_at")

    with op.batch_alter_table("patent_fact_history", schema=None) as batch_op:
        batch_op.drop_index("ix_patent_fact_history_patent_id")

    op.drop_table("patent_fact_history")
    with op.batch_alter_table("attested_patents", schema=None) as batch_op:
        batch_op.drop_index("ix_attested_patents_patent_id")

    op.drop_table("attested_patents")
    with op.batch_alter_table("promotional_words", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_promotional_words_in_force",
            sqlite_where=sa.text("until IS NULL"),
            postgresql_where=sa.text("until IS NULL"),
        )

    op.drop_table("promotional_words")
    op.drop_table("patent_reminders")
    with op.batch_alter_table("attestations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attestations_organisation_id"))

    op.drop_table("attestations")
