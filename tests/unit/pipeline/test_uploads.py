"""Files of clients reach subgraphs, as multipart requests on both sides; what is no such request is refused."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from router.config import parse_config
from router.server.app import create_router_app
from tests.kit.asgi import Client, Reply, running
from tests.unit.execution.setting import JOIN

pytestmark = pytest.mark.anyio

SUPERGRAPH = (
    JOIN % "query: Query mutation: Mutation subscription: Subscription"
    + """
scalar Upload @join__type(graph: A)
input Post @join__type(graph: A) { title: String images: [Upload!] }
type Query @join__type(graph: A) { size(file: Upload): String }
type Mutation @join__type(graph: A) { store(file: Upload, files: [Upload], post: Post): String bare: String }
type Subscription @join__type(graph: A) { follow(file: Upload): String }
"""
)
CONFIG = """
include_subgraph_errors: {all: true}
override_subgraph_url:
  a: asgi://tests.unit.pipeline.test_uploads:make_subgraph
  b: asgi://tests.unit.pipeline.test_uploads:make_subgraph
  c: asgi://tests.unit.pipeline.test_uploads:make_subgraph
"""
ON = "preview_file_uploads: {enabled: true, protocols: {multipart: {limits: {max_files: 2, max_file_size: 20b}}}}"
ASKED_FIRST = {"apollo-require-preflight": "1"}
STORE = "mutation ($file: Upload, $files: [Upload], $post: Post) { store(file: $file, files: $files, post: $post) }"


def make_subgraph() -> ASGIApp:
    """Answers every field with what it was sent, as JSON text: `[content type, fields, files]`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        content_type = next(value for name, value in scope["headers"] if name == b"content-type")
        body = (await receive())["body"]
        fields, files = read_with_another_parser(content_type, body)
        told = json.dumps([content_type.decode().partition(";")[0], fields, files])
        key = "size" if "size" in body.decode("latin-1") else "bare" if "bare" in body.decode("latin-1") else "store"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps({"data": {key: told}}).encode()})

    return app


def read_with_another_parser(content_type: bytes, body: bytes) -> tuple[Any, Any]:
    if not content_type.startswith(b"multipart"):
        return json.loads(body), {}
    message = email.message_from_bytes(b"content-type: " + content_type + b"\r\n\r\n" + body, policy=email.policy.HTTP)
    fields: dict[str, Any] = {}
    files: dict[str, Any] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if part.get_filename() is None:
            fields[name] = json.loads(content)
        else:
            files[name] = [part.get_filename(), part.get_content_type(), content.decode("latin-1")]
    return fields, files


@asynccontextmanager
async def router(config: str = ON) -> AsyncIterator[Client]:
    async with running(create_router_app(parse_config(CONFIG + config, {}), SUPERGRAPH)) as client:
        yield client


def form(*parts: tuple[str, str | bytes], boundary: str = "b") -> bytes:
    """Parts are (the parameters of their content-disposition and further headers, content)."""
    written = [
        f"--{boundary}\r\ncontent-disposition: form-data; {head}\r\n\r\n".encode()
        + (content if isinstance(content, bytes) else content.encode())
        for head, content in parts
    ]
    return b"\r\n".join([*written, f"--{boundary}--\r\n".encode()])


def upload(
    variables: object, places: object, files: Sequence[tuple[str, bytes]], query: str = STORE, **more: object
) -> bytes:
    operations = json.dumps({"query": query, "variables": variables, **more})
    parts = [(f'name="{name}"; filename="{name}.txt"\r\ncontent-type: text/plain', content) for name, content in files]
    return form(('name="operations"', operations), ('name="map"', json.dumps(places)), *parts)


async def post(client: Client, body: bytes, headers: Mapping[str, str] = ASKED_FIRST, boundary: str = "b") -> Reply:
    return await client.request("POST", body, {"content-type": f"multipart/form-data; boundary={boundary}", **headers})


async def stored(body: bytes) -> Any:
    async with router() as client:
        replies = [await post(client, body) for _ in range(2)]  # the plan is interpreted first and compiled then
    assert [reply.status for reply in replies] == [200, 200]
    return json.loads(replies[-1].json["data"]["store"])


async def test_a_file_reaches_the_subgraph_byte_by_byte_with_its_name_and_type() -> None:
    content = b"\x00\r\n--\xff\r\n--c"
    kind, fields, files = await stored(upload({"file": None}, {"f": ["variables.file"]}, [("f", content)]))
    assert (kind, fields["map"]) == ("multipart/form-data", {"0": ["variables.file"]})
    assert fields["operations"]["variables"] == {"file": None}
    assert files == {"0": ["f.txt", "text/plain", content.decode("latin-1")]}


async def test_files_go_into_lists_and_objects_and_one_may_stand_in_several_places() -> None:
    variables = {"files": [None, None], "post": {"title": "t", "images": [None]}}
    places = {"x": ["variables.files.1", "variables.post.images.0"], "y": ["variables.files.0"]}
    _, fields, files = await stored(upload(variables, places, [("x", b"1"), ("y", b"2")]))
    assert fields["operations"]["variables"] == variables
    by_content = {files[number][2]: paths for number, paths in fields["map"].items()}
    assert by_content == {"1": ["variables.files.1", "variables.post.images.0"], "2": ["variables.files.0"]}


async def test_names_of_files_cannot_add_headers_or_name_folders() -> None:
    body = form(
        ('name="operations"', json.dumps({"query": STORE, "variables": {"file": None}})),
        ('name="map"', '{"0": ["variables.file"]}'),
        ('name="0"; filename="../..\\\\etc/a%22b.txt"\r\ncontent-type: text/x, y', "1"),
    )
    _, _, files = await stored(body)
    assert files == {"0": ["a%22b.txt", "application/octet-stream", "1"]}


async def test_fetches_without_files_stay_json() -> None:
    query = "mutation ($file: Upload) { store(file: $file) } "
    async with router() as client:
        body = upload(
            {"file": None}, {"f": ["variables.file"]}, [("f", b"1")], "mutation ($file: Upload) { bare }" + ""
        )
        reply = await post(client, body)
        assert reply.status == 400  # a variable nobody uses
        body = upload({}, {}, [], "mutation { bare }")
        assert json.loads((await post(client, body)).json["data"]["bare"])[0] == "application/json"
        body = upload({"file": None}, {"f": ["variables.file"]}, [("f", b"1")], query)
        assert json.loads((await post(client, body)).json["data"]["store"])[0] == "multipart/form-data"


async def test_without_a_header_that_browsers_ask_for_it_is_refused() -> None:
    async with router() as client:
        reply = await post(client, upload({"file": None}, {"f": ["variables.file"]}, [("f", b"1")]), {})
    assert (reply.status, reply.codes) == (400, ["CSRF_ERROR"])


async def test_it_is_off_unless_it_is_turned_on() -> None:
    async with router("") as client:
        reply = await post(client, upload({"file": None}, {"f": ["variables.file"]}, [("f", b"1")]))
    assert (reply.status, reply.codes) == (415, ["INVALID_CONTENT_TYPE_HEADER"])


FILE = {"file": None}
AT_FILE = {"f": ["variables.file"]}
ONE = [("f", b"1")]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (upload(FILE, AT_FILE, [("f", b"x" * 21)]), 413, "FILE_UPLOADS_LIMITS_MAX_FILE_SIZE_EXCEEDED"),
        (upload(FILE, AT_FILE, [(n, b"") for n in "fgh"]), 413, "FILE_UPLOADS_LIMITS_MAX_FILES_EXCEEDED"),
        (upload(FILE, {n: ["variables.file"] for n in "fgh"}, ONE), 413, "FILE_UPLOADS_LIMITS_MAX_FILES_EXCEEDED"),
        (upload(FILE, AT_FILE, [(n, b"") for n in "fghijk"]), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, AT_FILE, []), 400, "FILE_UPLOADS_FILES_MISSING"),
        (upload({"file": "x"}, AT_FILE, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload({}, AT_FILE, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(None, AT_FILE, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, {"f": ["variables"]}, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, {"f": ["query"]}, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, {"f": ["variables.__proto__.x"]}, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload({"files": [None]}, {"f": ["variables.files.1"]}, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload({"files": [None]}, {"f": ["variables.files.-1"]}, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, {"f": ["variables.file"] * 2}, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, {"f": ["variables.file"] * 200}, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, {"f": []}, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, [], ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, AT_FILE, [*ONE, *ONE]), 400, "INVALID_GRAPHQL_REQUEST"),
        (form(('name="operations"', "[]"), ('name="map"', "{}")), 400, "INVALID_GRAPHQL_REQUEST"),
        (form(('name="operations"', "{"), ('name="map"', "{}")), 400, "INVALID_GRAPHQL_REQUEST"),
        (form(('name="map"', "{}"), ('name="operations"', "{}")), 400, "INVALID_GRAPHQL_REQUEST"),
        (form(('name="operations"', "{}")), 400, "INVALID_GRAPHQL_REQUEST"),
        (upload(FILE, AT_FILE, ONE).removesuffix(b"--\r\n"), 400, "INVALID_GRAPHQL_REQUEST"),
        (b"x" + upload(FILE, AT_FILE, ONE), 400, "INVALID_GRAPHQL_REQUEST"),
        (b"", 400, "INVALID_GRAPHQL_REQUEST"),
        (b"--b\r\n\r\n\r\n--b--", 400, "INVALID_GRAPHQL_REQUEST"),
    ],
)
async def test_what_is_not_as_it_should_be_is_refused(body: bytes, status: int, code: str) -> None:
    async with router() as client:
        reply = await post(client, body)
    assert (reply.status, reply.codes) == (status, [code])


async def test_the_whole_body_is_bounded_and_so_is_what_is_no_file() -> None:
    small = f"{ON}\nlimits: {{http_max_request_bytes: 300}}"
    async with router(small) as client:
        assert (await post(client, b"x" * 341)).status == 413
        long_query = STORE + " " * 200
        assert (await post(client, upload(FILE, AT_FILE, ONE, long_query))).status == 413


async def test_a_subscription_takes_no_files() -> None:
    body = upload(FILE, AT_FILE, ONE, "subscription ($file: Upload) { follow(file: $file) }")
    async with router() as client:
        reply = await post(client, body, {**ASKED_FIRST, "accept": "text/event-stream, application/json"})
    assert reply.status == 400


async def test_nobody_can_write_a_placeholder() -> None:
    """One that names no file of the request is a text like any other."""
    query = 'mutation ($file: Upload) { store(file: $file, post: {title: "upload:0:0"}) }'
    _, fields, files = await stored(upload(FILE, AT_FILE, ONE, query))
    assert "upload:0:0" in fields["operations"]["query"]
    assert list(files) == ["0"]


@pytest.mark.parametrize("boundary", ['"a b\'()+_,-./:=?"', "x" * 70])
async def test_any_boundary_will_do(boundary: str) -> None:
    bare = boundary.strip('"')
    parts = [('name="operations"', '{"query":"mutation { bare }"}'), ('name="map"', "{}")]
    async with router() as client:
        reply = await post(client, form(*parts, boundary=bare), boundary=boundary)
        assert reply.status == 200
        assert (await post(client, form(*parts), boundary="")).status == 400
