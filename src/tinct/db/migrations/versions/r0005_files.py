"""Which files of the store are this database's; those that rows name are."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add a table, with what is known already."""
    op.create_table(
        "files",
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_files"),
    )
    op.execute(
        "INSERT INTO files (key, created) SELECT key, min(created) FROM "
        "(SELECT key, created FROM artifacts UNION ALL SELECT key, created FROM models) AS named GROUP BY key"
    )
