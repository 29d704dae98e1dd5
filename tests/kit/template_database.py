"""Databases of subgraphs copied from one that was migrated once: migrating takes longer than most tests."""

import os

import asyncpg

from common.subgraph.database import Database
from common.subgraph.tortoise_context import CONNECT_TIMEOUT_S

#: of databases of subgraphs in tests; runs of tests may share a server
DATABASE_PREFIX = f"test_{os.getpid()}_"
_LOCK = 4207


async def copy_template(database: Database) -> None:
    """Makes the database if it is absent, with the tables of its subgraph; the subgraph's own start finds nothing to
    migrate, or what was added since the template was made. Several processes may do it at once."""
    server, template = database.server, f"template_{database.subgraph}"
    connection = await asyncpg.connect(
        **server.connect_arguments(), database=server.maintenance_database, timeout=CONNECT_TIMEOUT_S
    )
    try:
        # nobody may be connected to a template while it is copied
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        known = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
        if database.name in known:
            return
        if template not in known:
            model = Database(server, database.subgraph, name=template)
            await model.open()
            await model.migrate()
            await model.close()
        await connection.execute(f'CREATE DATABASE "{database.name}" TEMPLATE "{template}"')
    finally:
        await connection.close()
