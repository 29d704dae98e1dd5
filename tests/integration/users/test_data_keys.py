"""Personal data at rest: under whose key it is, how keys change, and how it is forgotten."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from common.clock import SystemClock
from common.ids import parse_id
from common.subgraph.app import new_database
from common.subgraph.data_keys import DataKeys
from common.subgraph.database import Database
from common.subgraph.sealing import KeyRing, Sealer, SealingKey, UnsealError
from common.subgraph.statements import record_statements
from deploy.local.keys import rotate_keys
from deploy.local.supergraph import subgraph_names
from subgraphs.users.app import create_app
from subgraphs.users.domain import Role
from subgraphs.users.settings import UsersSettings
from tests.kit.commerce import eventually
from tests.kit.people import register
from tests.kit.subgraph import SubgraphClient, as_user, fresh_database_name, running
from tests.kit.users import cheap_passwords

pytestmark = pytest.mark.anyio

OLD, NEW = SealingKey("k1", b"\x11" * 32), SealingKey("k2", b"\x22" * 32)
ROTATED = f"k2:{'22' * 32},k1:{'11' * 32}"
#: no name in clear; sealed values begin with the id of their key
SEALED_ANEW = [None, b"data:", b"data:", b"data:"]
ME = "{ me { name email phone addresses { address { street } } } }"
SAVE = """mutation { addressSave(address: {street: "Elm 1", city: "c", zip: "z", country: "DE"}) {
  errors { __typename } } }"""


@pytest.fixture(scope="module")
async def database(settings: UsersSettings) -> AsyncIterator[Database]:
    database = new_database("users", settings, database_name=fresh_database_name("users"))
    await database.open()
    await database.migrate()
    yield database
    await database.close()


def keys(*ring: SealingKey) -> DataKeys:
    return DataKeys(KeyRing(ring), SystemClock())


async def test_a_person_has_one_key_however_many_ask_at_once(database: Database) -> None:
    person = uuid4()

    async def seal() -> bytes:
        async with database.transaction() as connection:
            return (await keys(OLD).sealer(connection, person)).seal("x", "p")

    sealed = await asyncio.gather(*(seal() for _ in range(10)))

    async with database.transaction() as connection:
        with record_statements(database.observer) as statements:
            sealer = (await keys(OLD).sealers(connection, [person, uuid4()]))[person]
            await asyncio.sleep(0)
    assert [sealer.unseal(value, "p") for value in sealed] == ["x"] * 10
    assert len([s for s in statements if "data_key" in s.text]) == 1


async def test_a_forgotten_key_leaves_nothing_to_read(database: Database) -> None:
    person = uuid4()
    async with database.transaction() as connection:
        sealed = (await keys(OLD).sealer(connection, person)).seal("x", "p")
        for _ in range(2):
            await keys(OLD).forget(connection, person)
        assert await keys(OLD).sealers(connection, [person]) == {}
        with pytest.raises(UnsealError):
            (await keys(OLD).sealer(connection, person)).unseal(sealed, "p")


async def test_who_was_forgotten_gets_no_other_key(database: Database) -> None:
    known, unknown = uuid4(), uuid4()
    async with database.transaction() as connection:
        await keys(OLD).sealer(connection, known)
        for person in (known, unknown):
            await keys(OLD).forget(connection, person)
            # by a request that had begun before
            sealed = (await keys(OLD).sealer(connection, person)).seal("x", "p")
            with pytest.raises(UnsealError):
                (await keys(OLD).sealer(connection, person)).unseal(sealed, "p")
        assert await keys(OLD).sealers(connection, [known, unknown]) == {}
    # what is empty needs no other wrapping
    await keys(NEW, OLD).rotate(database)


async def test_a_rotation_rewraps_every_key_and_values_stay_as_they_are(database: Database) -> None:
    people = [uuid4() for _ in range(7)]
    async with database.transaction() as connection:
        sealed = {person: (await keys(OLD).sealer(connection, person)).seal("x", "p") for person in people}

    # two rotations beside each other share the work
    counts = await asyncio.gather(*(keys(NEW, OLD).rotate(database) for _ in range(2)))

    assert sum(counts) >= len(people)
    assert await keys(NEW, OLD).rotate(database) == 0
    async with database.transaction() as connection:
        sealers = await keys(NEW).sealers(connection, people)
    assert [sealers[person].unseal(value, "p") for person, value in sealed.items()] == ["x"] * 7


async def test_a_key_nobody_can_open_is_told_of_when_all_others_are_done(database: Database) -> None:
    people = sorted(uuid4() for _ in range(3))
    async with database.transaction() as connection:
        for person, key in zip(people, (OLD, SealingKey("k0", b"0" * 32), OLD), strict=True):
            await keys(key).sealer(connection, person)

    with pytest.raises(UnsealError, match=f"1 data keys cannot be opened, among them that of {people[1]}"):
        await keys(NEW, OLD).rotate(database)

    async with database.transaction() as connection:
        await keys(NEW).sealers(connection, [people[0], people[2]])
        await keys(NEW).forget(connection, people[1])


@pytest.fixture
def name() -> str:
    return fresh_database_name("users")


async def fill(client: SubgraphClient) -> tuple[str, dict[str, Any]]:
    """A user with everything that is personal, and what is shown of it."""
    person = await register(client, "Nora")
    update = """mutation($id: ID!) { userUpdate(input: {id: $id, phone: "+491701234567"}) { errors { __typename } } }"""
    assert await client.data(update, {"id": person.user_id}, person.principal) == {"userUpdate": {"errors": []}}
    assert await client.data(SAVE, principal=person.principal) == {"addressSave": {"errors": []}}
    shown = {
        "name": "Nora",
        "email": person.email,
        "phone": "+491701234567",
        "addresses": [{"address": {"street": "Elm 1"}}],
    }
    assert await client.data(ME, principal=person.principal) == {"me": shown}
    return person.user_id, shown


async def test_what_older_versions_left_is_sealed_with_the_keys_of_its_people(
    settings: UsersSettings, name: str
) -> None:
    async with running(create_app(settings, database_name=name, passwords=cheap_passwords())) as client:
        user_id, shown = await fill(client)
        await make_old(client.app.state.runtime.database, parse_id("usr", user_id), shown)
        # read as it is, before it is sealed anew
        assert await client.data(ME, principal=as_user(user_id, Role.CUSTOMER)) == {"me": shown | {"phone": None}}

    async with running(create_app(settings, database_name=name, passwords=cheap_passwords())) as client:
        database = client.app.state.runtime.database

        async def stored() -> list[Any]:
            (row,) = await database.fetch(
                """SELECT u.name, u.name_sealed, u.email_sealed, a.address_sealed
                   FROM user_account u JOIN customer_address a ON a.user_id = u.id"""
            )
            return [
                None if value is None else value.encode() if isinstance(value, str) else bytes(value)[:5]
                for value in row.values()
            ]

        await eventually(stored, SEALED_ANEW)
        assert await client.data(ME, principal=as_user(user_id, Role.CUSTOMER)) == {"me": shown | {"phone": None}}


async def make_old(database: Database, user_id: UUID, shown: dict[str, Any]) -> None:
    """As the version before data keys wrote it: the name in clear, the rest under the key of the settings."""
    older = Sealer([OLD])
    (address,) = await database.fetch("SELECT id FROM customer_address")
    street = '{"street": "Elm 1", "city": "c", "zip": "z", "country": "DE"}'
    await database.fetch("DELETE FROM data_key")
    await database.fetch(
        "UPDATE user_account SET name = $1, name_sealed = NULL, phone_sealed = NULL, email_sealed = $2",
        [shown["name"], older.seal(shown["email"], f"user_account.email:{user_id}")],
    )
    await database.fetch(
        "UPDATE customer_address SET address_sealed = $1",
        [older.seal(street, f"customer_address.address:{address['id']}")],
    )


@pytest.fixture
def rotated(settings: UsersSettings, monkeypatch: pytest.MonkeyPatch) -> UsersSettings:
    """Settings with a new key in front, also in the environment."""
    changed = settings.model_copy(update={"pii_keys": SecretStr(ROTATED)})
    for variable, value in {
        "PUNNET_PII_KEYS": ROTATED,
        "PUNNET_CONTEXT_SECRET": settings.context_secret.get_secret_value(),
        "PUNNET_JWT_PRIVATE_KEY": settings.private_key_pem(),
        "PUNNET_EMAIL_INDEX_KEY": settings.email_index_key.get_secret_value(),
        "DATABASE_URL": settings.database_url,
    }.items():
        monkeypatch.setenv(variable, value)
    return changed


async def test_the_command_rotates_every_subgraph_and_the_old_key_may_go(
    settings: UsersSettings, rotated: UsersSettings
) -> None:
    names = {subgraph: fresh_database_name(subgraph) for subgraph in subgraph_names()}
    async with running(create_app(settings, database_name=names["users"], passwords=cheap_passwords())) as client:
        user_id, shown = await fill(client)

        counts = {subgraph: count async for subgraph, count in rotate_keys(names)}

    assert counts == {"users": 1, "orders": 0, "notifications": 0}
    only_new = rotated.model_copy(update={"pii_keys": SecretStr(ROTATED.split(",")[0])})
    async with running(create_app(only_new, database_name=names["users"], passwords=cheap_passwords())) as client:
        assert await client.data(ME, principal=as_user(user_id, Role.CUSTOMER)) == {"me": shown}
