"""Users, tokens, pictures and other files, jobs, hints, training runs, models."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("name", sa.String(100), nullable=False),
        *_keyed("users"),
        sa.UniqueConstraint("name", name="uq_users_name"),
    )
    op.create_table(
        "tokens",
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("expires", sa.Double),
        *_owned("tokens"),
        sa.UniqueConstraint("hash", name="uq_tokens_hash"),
    )
    op.create_table(
        "runs",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("recipe", sa.String(100), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        *_owned("runs"),
    )
    op.create_table(
        "points",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "number", name="pk_points"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_points_run_id", ondelete="CASCADE"),
    )
    op.create_table(
        "jobs",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("lane", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("picture_id", sa.String(32)),
        sa.Column("run_id", sa.String(32)),
        sa.Column("batch_id", sa.String(32)),
        sa.Column("progress", sa.Double, nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("notes", sa.JSON, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("error_kind", sa.String(50)),
        sa.Column("started", sa.Double),
        sa.Column("finished", sa.Double),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("deaths", sa.Integer, nullable=False),
        sa.Column("worker", sa.String(100)),
        sa.Column("beat", sa.Integer, nullable=False),
        sa.Column("stop_asked", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("revision", sa.Integer, nullable=False),
        *_owned("jobs"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_jobs_run_id", ondelete="CASCADE"),
    )
    op.create_table(
        "artifacts",
        sa.Column("job_id", sa.String(32)),
        sa.Column("picture_id", sa.String(32)),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        *_owned("artifacts"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_artifacts_job_id", ondelete="CASCADE"),
        sa.UniqueConstraint("job_id", "kind", name="uq_artifacts_job_id"),
    )
    op.create_table(
        "hints",
        sa.Column("picture_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("updated", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("picture_id", name="pk_hints"),
        sa.ForeignKeyConstraint(["picture_id"], ["artifacts.id"], name="fk_hints_picture_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_hints_user_id", ondelete="CASCADE"),
    )
    op.create_table(
        "models",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("recipe", sa.String(100)),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("run_id", sa.String(32)),
        sa.Column("is_default", sa.Boolean, nullable=False, server_default=sa.false()),
        *_owned("models"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_models_run_id", ondelete="SET NULL"),
        sa.UniqueConstraint("user_id", "name", name="uq_models_user_id"),
    )
    indexed = {
        "tokens": ["user_id"],
        "runs": ["user_id"],
        "jobs": ["user_id", "state", "picture_id", "run_id", "batch_id"],
        "artifacts": ["user_id", "job_id", "picture_id"],
        "hints": ["user_id"],
        "models": ["user_id", "run_id"],
    }
    for table, columns in indexed.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])


def _keyed(table: str) -> tuple[sa.Column[str] | sa.Column[float] | sa.PrimaryKeyConstraint, ...]:
    return (
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("created", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
    )


def _owned(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.Column("user_id", sa.String(32), nullable=False),
        *_keyed(table),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE"),
    )
