"""A picture has one mask, reference, correction and copy of a kind; nothing is left of pictures that are deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Keep the newest of each kind, and let the database see to it; files of other rows are tidied up."""
    op.execute(
        "DELETE FROM artifacts WHERE picture_id IS NOT NULL "
        "AND picture_id NOT IN (SELECT id FROM artifacts WHERE kind = 'picture')"
    )
    op.execute(
        "DELETE FROM artifacts WHERE id IN (SELECT older.id FROM artifacts AS older JOIN artifacts AS newer "
        "ON newer.picture_id = older.picture_id AND newer.kind = older.kind AND newer.kind <> 'result' AND "
        "(newer.created > older.created OR (newer.created = older.created AND newer.id > older.id)))"
    )
    but_results = sa.text("kind <> 'result'")
    op.create_index(
        "uq_artifacts_picture_id",
        "artifacts",
        ["picture_id", "kind"],
        unique=True,
        sqlite_where=but_results,
        postgresql_where=but_results,
    )
