"""Turing tests of the page: sets of pairs, sittings of them, and each vote in its sitting."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add two tables, and give votes another; those before belonged to no test."""
    op.create_table(
        "tests",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tests"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tests_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_tests_user_id", "tests", ["user_id"])
    op.create_table(
        "sittings",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("test_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sittings"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sittings_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["test_id"], ["tests.id"], name="fk_sittings_test_id", ondelete="CASCADE"),
        sa.UniqueConstraint("test_id", "number", name="uq_sittings_test_id"),
    )
    op.create_index("ix_sittings_user_id", "sittings", ["user_id"])
    op.drop_table("votes")
    op.create_table(
        "votes",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("sitting_id", sa.String(32), nullable=False),
        sa.Column("trial", sa.String(100), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("fooled", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_votes"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_votes_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["sitting_id"], ["sittings.id"], name="fk_votes_sitting_id", ondelete="CASCADE"),
        sa.UniqueConstraint("sitting_id", "trial", name="uq_votes_sitting_id"),
    )
    op.create_index("ix_votes_user_id", "votes", ["user_id"])
