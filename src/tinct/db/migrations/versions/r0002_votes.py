"""Votes of the Turing test; corrections that a model may learn from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add a table and a column."""
    op.create_table(
        "votes",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("trial", sa.String(100), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("fooled", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_votes"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_votes_user_id", ondelete="CASCADE"),
    )
    op.create_index("ix_votes_user_id", "votes", ["user_id"])
    op.add_column("hints", sa.Column("accepted", sa.Boolean, nullable=False, server_default=sa.false()))
