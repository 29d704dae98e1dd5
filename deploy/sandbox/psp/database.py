"""The provider's own database `punnet_sandbox`: made when absent, reached through asyncpg.

No migrations: what is in here is play money. A column that came later is added where it is missing; a table that
changes its shape otherwise gets a new name of the schema below.
"""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson

from common.settings import database_url_for

DATABASE = "punnet_sandbox"
_STATEMENT_TIMEOUT_S = 15.0
_LOCK = 0x50534E44

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS psp1;
SET search_path TO psp1;

-- means of payment behind a token; the number is sealed and forgotten after a day, codes are never written
CREATE TABLE IF NOT EXISTS token (
    id text PRIMARY KEY, means jsonb NOT NULL, sealed_number bytea, is_reusable boolean NOT NULL,
    request_key text UNIQUE, created_at timestamptz NOT NULL, expires_at timestamptz);
CREATE INDEX IF NOT EXISTS token_by_expiry ON token (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS intent (
    id text PRIMARY KEY, request_key text NOT NULL UNIQUE, request_hash text NOT NULL, status text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0), currency text NOT NULL,
    authorized_minor bigint NOT NULL, captured_minor bigint NOT NULL, refunded_minor bigint NOT NULL,
    means jsonb NOT NULL, saved_method text, decline_code text, action_secret text, action_expires_at timestamptz,
    return_url text, metadata jsonb NOT NULL, dispute_status text, disputed_minor bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    CHECK (captured_minor <= authorized_minor AND authorized_minor <= amount_minor),
    CHECK (0 <= refunded_minor AND refunded_minor <= captured_minor));
ALTER TABLE intent ADD COLUMN IF NOT EXISTS dispute_status text;
ALTER TABLE intent ADD COLUMN IF NOT EXISTS disputed_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE intent DROP COLUMN IF EXISTS is_disputed;

CREATE TABLE IF NOT EXISTS refund (
    id text PRIMARY KEY, request_key text NOT NULL UNIQUE, request_hash text NOT NULL,
    intent_id text NOT NULL REFERENCES intent, amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    created_at timestamptz NOT NULL);

-- append-only: every movement of money there ever was
CREATE TABLE IF NOT EXISTS movement (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, intent_id text NOT NULL, kind text NOT NULL,
    amount_minor bigint NOT NULL, at timestamptz NOT NULL);
CREATE INDEX IF NOT EXISTS movement_by_intent ON movement (intent_id);

CREATE TABLE IF NOT EXISTS scheduled (
    intent_id text NOT NULL, kind text NOT NULL, due_at timestamptz NOT NULL, PRIMARY KEY (intent_id, kind));
CREATE INDEX IF NOT EXISTS scheduled_by_time ON scheduled (due_at);

CREATE TABLE IF NOT EXISTS webhook_endpoint (
    id text PRIMARY KEY, url text NOT NULL UNIQUE, secrets text[] NOT NULL, only_unanswered boolean NOT NULL);

CREATE TABLE IF NOT EXISTS event (
    id text PRIMARY KEY, type text NOT NULL, intent_id text NOT NULL, body jsonb NOT NULL,
    created_at timestamptz NOT NULL);
CREATE INDEX IF NOT EXISTS event_by_time ON event (created_at);

CREATE TABLE IF NOT EXISTS delivery (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id text NOT NULL REFERENCES event ON DELETE CASCADE,
    endpoint_id text NOT NULL REFERENCES webhook_endpoint ON DELETE CASCADE, attempts int NOT NULL DEFAULT 0,
    next_at timestamptz, delivered_at timestamptz, last_answer text, UNIQUE (event_id, endpoint_id));
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (next_at) WHERE next_at IS NOT NULL;
"""


@asynccontextmanager
async def open_pool(server_url: str, name: str = DATABASE) -> AsyncIterator[asyncpg.Pool]:
    """A pool of connections to the database, its tables made."""
    await _create_database(server_url, name)
    url = database_url_for(server_url, name)
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute(SCHEMA)
    finally:
        await connection.close()
    pool = asyncpg.create_pool(
        url,
        min_size=1,
        max_size=10,
        command_timeout=_STATEMENT_TIMEOUT_S,
        server_settings={"search_path": "psp1"},
        init=_speak_json,
    )
    async with pool:
        yield pool


async def _speak_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads, schema="pg_catalog"
    )


async def _create_database(server_url: str, name: str) -> None:
    connection = await asyncpg.connect(server_url)
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name) is None:
            # another start may have been quicker
            with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
                await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
