"""What Alembic runs; the connection, inside its transaction, comes from :mod:`tinct.db.migrate`."""

from alembic import context

from tinct.db.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
