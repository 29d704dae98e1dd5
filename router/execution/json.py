"""JSON as the router reads and writes it: exact for integers of any size.

msgspec reads as fast as orjson and keeps integers beyond 64 bits, which orjson turns into floats without a word; orjson
writes faster and refuses them, which is when msgspec writes.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson


class MalformedJsonError(ValueError):
    pass


_decoder = msgspec.json.Decoder()
_encoder = msgspec.json.Encoder()


def load_json(text: bytes) -> Any:
    """Raises `MalformedJsonError`."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise MalformedJsonError(str(exc)) from exc


def dump_json(value: object) -> bytes:
    """Raises TypeError for what JSON cannot say."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return msgspec.json.encode(value)


def dump_typed(value: object) -> bytes:
    """Of objects of msgspec's classes, which orjson does not know."""
    return _encoder.encode(value)
