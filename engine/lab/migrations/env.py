"""Runs migrations on the connection that `engine.lab.database` hands over."""

from alembic import context

from engine.lab.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
