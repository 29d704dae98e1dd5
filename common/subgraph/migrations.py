"""`python -m common.subgraph.migrations <subgraph> [-n NAME]`: writes the migration for what changed in its models.

Needs DATABASE_URL; works in a database of its own there, `punnet_migrations_<subgraph>`.
"""

import argparse
import asyncio
import os

from common.subgraph.database import Database
from common.subgraph.postgres_url import parse_database_url


async def write_migrations(subgraph: str, database_url: str, name: str | None = None) -> list[str]:
    """Paths of the files written, none if models and migrations agree."""
    database = Database(parse_database_url(database_url), subgraph, name=f"punnet_migrations_{subgraph}")
    await database.open()
    try:
        return await database.make_migrations(name)
    finally:
        await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m common.subgraph.migrations", description=write_migrations.__doc__)
    parser.add_argument("subgraph")
    parser.add_argument("-n", "--name", help="what the migration does, as part of its file name")
    arguments = parser.parse_args()
    written = asyncio.run(write_migrations(arguments.subgraph, os.environ["DATABASE_URL"], arguments.name))
    print("\n".join(written) or "No changes detected")


if __name__ == "__main__":
    main()
