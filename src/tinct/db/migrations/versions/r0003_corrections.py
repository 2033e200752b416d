"""Accepted corrections are files of their own; a model of the installation may be a user's default."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Drop a column and add one."""
    op.drop_column("hints", "accepted")
    op.add_column("users", sa.Column("default_model", sa.String(200), nullable=True))
