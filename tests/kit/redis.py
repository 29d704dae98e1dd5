"""A Redis for tests of clients: strings with expiry over the wire protocol (RESP 3), nothing else."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class FakeRedis:
    """Made by `open_redis`; `values` may be looked at and changed."""

    def __init__(self) -> None:
        #: key -> value, time of expiry on the monotonic clock
        self.values: dict[bytes, tuple[bytes, float]] = {}
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                words = [await _bulk(reader) for _ in range(int(line[1:]))]
                writer.write(self._answer(words))
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    def _answer(self, words: list[bytes]) -> bytes:
        match [words[0].upper(), *words[1:]]:
            case [b"GET", key]:
                value, expires_at = self.values.get(key, (b"", 0.0))
                return b"$%d\r\n%b\r\n" % (len(value), value) if expires_at > time.monotonic() else b"_\r\n"
            case [b"SET", key, value, (b"EX" | b"PX") as unit, number]:
                ttl_s = int(number) / (1000 if unit == b"PX" else 1)
                self.values[key] = value, time.monotonic() + ttl_s
                return b"+OK\r\n"
            case [b"DEL", key]:
                return b":%d\r\n" % (self.values.pop(key, None) is not None)
            case [b"HELLO", *_]:
                return b"%1\r\n$5\r\nproto\r\n:3\r\n"
            case [b"CLIENT", *_]:
                return b"+OK\r\n"
            case [command, *_]:
                return b"-ERR unknown command '%b'\r\n" % command
        raise AssertionError("unreachable")


async def _bulk(reader: asyncio.StreamReader) -> bytes:
    length = int((await reader.readline())[1:])
    return (await reader.readexactly(length + 2))[:-2]


@asynccontextmanager
async def open_redis() -> AsyncIterator[FakeRedis]:
    redis = FakeRedis()
    server = await asyncio.start_server(redis.serve, "127.0.0.1", 0)
    redis.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield redis
