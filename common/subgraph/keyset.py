"""Keyset pagination: a page starts after a row, not after a count, so inserts never shift it and depth costs nothing.

`page_request` checks the arguments of a connection field; its `sql()` gives WHERE, ORDER BY and LIMIT; `cut_page` turns
the rows into a `Page`. A cursor is the sort values of its row and a hash of filter and order: it is opaque, and refused
under another filter. Source: Relay's cursor connections, https://relay.dev/graphql/connections.htm.
"""

import base64
import binascii
import datetime as dt
import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

import orjson

from common.errors import BadInputError
from common.subgraph.database import Row
from common.subgraph.errors import InvalidCursorError, PageSizeTooLargeError

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100

RowT = TypeVar("RowT")


def _bigint(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError("out of range")
    return value


#: SQL type of a sort column -> its value from the text in a cursor; ValueError if a client made the cursor up
PARSERS: dict[str, Callable[[str], object]] = {
    "bigint": _bigint,
    "text": str,
    "timestamptz": dt.datetime.fromisoformat,
    "uuid": uuid.UUID,
}


@dataclass(frozen=True, slots=True)
class SortColumn:
    """A column of the order with its SQL type, one of `PARSERS`."""

    name: str
    sql_type: str


@dataclass(frozen=True, slots=True)
class Keyset:
    """A total order of rows: the last column is unique, all columns run in the same direction and are NOT NULL."""

    name: str
    columns: tuple[SortColumn, ...]
    is_descending: bool = False


@dataclass(frozen=True, slots=True)
class Clauses:
    """`where` (`TRUE` on the first page), `order_by` and `limit` as SQL text, with the values of their placeholders."""

    where: str
    order_by: str
    limit: str
    parameters: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class PageRequest:
    keyset: Keyset
    size: int
    #: sort values of the row before which or after which the page lies
    boundary: tuple[object, ...] | None
    #: True for `last`/`before`: read towards the beginning of the list
    is_backward: bool
    filter_hash: str

    def clauses(self, first_placeholder: int = 1, alias: str = "") -> Clauses:
        """SQL of the page, reading one row more than its size to learn whether there is another page.

        `alias` prefixes column names ("p" -> "p.id"). Placeholders are numbered from `first_placeholder`.
        """
        prefix = f"{alias}." if alias else ""
        columns = [f"{prefix}{column.name}" for column in self.keyset.columns]
        is_downward = self.keyset.is_descending != self.is_backward
        direction = "DESC" if is_downward else "ASC"
        where = "TRUE"
        parameters: tuple[object, ...] = ()
        if self.boundary is not None:
            values = [
                f"${first_placeholder + index}::{column.sql_type}" for index, column in enumerate(self.keyset.columns)
            ]
            where = f"({', '.join(columns)}) {'<' if is_downward else '>'} ({', '.join(values)})"
            parameters = self.boundary
        return Clauses(
            where=where,
            order_by=", ".join(f"{column} {direction}" for column in columns),
            limit=str(self.size + 1),
            parameters=parameters,
        )


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """Rows in the order of the list. Cursors are made when they are asked for: most clients need the last one only."""

    rows: Sequence[RowT]
    has_next: bool
    has_previous: bool
    cursor_of: Callable[[RowT], str]

    @property
    def cursors(self) -> list[str]:
        """One for each row."""
        return [self.cursor_of(row) for row in self.rows]


def page_request(
    keyset: Keyset,
    *,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
    filter_by: Mapping[str, object] | None = None,
) -> PageRequest:
    """Checked arguments. `filter_by` holds whatever else decides which rows are in the list.

    `last` wins over a defaulted `first`. Raises PageSizeTooLargeError, InvalidCursorError, BadInputError.
    """
    if after is not None and before is not None:
        raise BadInputError("Give either `after` or `before`.")
    is_backward = last is not None or before is not None
    size = (last if is_backward else first) or (DEFAULT_PAGE_SIZE if (last if is_backward else first) is None else 0)
    if size < 0:
        raise BadInputError("The page size must not be negative.")
    if size > MAX_PAGE_SIZE:
        raise PageSizeTooLargeError(f"At most {MAX_PAGE_SIZE} per page.", details={"maximum": MAX_PAGE_SIZE})
    if is_backward and after is not None:
        raise BadInputError("`last` goes with `before`, `first` with `after`.")
    filter_hash = _filter_hash(keyset, filter_by or {})
    cursor = before if is_backward else after
    boundary = None if cursor is None else _decode_cursor(cursor, filter_hash, keyset)
    return PageRequest(keyset, size, boundary, is_backward, filter_hash)


def cut_page(request: PageRequest, rows: Sequence[Row]) -> Page[Row]:
    """Rows as the statement returned them -> the page. They must contain the keyset's columns."""
    has_more = len(rows) > request.size
    kept = list(rows[: request.size])
    if request.is_backward:
        kept.reverse()
    has_boundary = request.boundary is not None
    return Page(
        rows=kept,
        has_next=has_boundary if request.is_backward else has_more,
        has_previous=has_more if request.is_backward else has_boundary,
        cursor_of=partial(_encode_cursor, request),
    )


def _encode_cursor(request: PageRequest, row: Row) -> str:
    values = [_as_text(row[column.name]) for column in request.keyset.columns]
    return base64.urlsafe_b64encode(orjson.dumps([request.filter_hash, *values])).decode().rstrip("=")


def _as_text(value: Any) -> str:
    # PostgreSQL reads back what isoformat writes, microseconds included
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _decode_cursor(cursor: str, filter_hash: str, keyset: Keyset) -> tuple[object, ...]:
    not_ours = InvalidCursorError("This is not a cursor of this list.")
    try:
        decoded = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as exc:
        raise not_ours from exc
    if (
        not isinstance(decoded, list)
        or len(decoded) != len(keyset.columns) + 1
        or not all(isinstance(value, str) for value in decoded)
        or any("\0" in value for value in decoded)
    ):
        raise not_ours
    if decoded[0] != filter_hash:
        raise InvalidCursorError("The cursor was taken under another filter or order; start again without it.")
    try:
        return tuple(PARSERS[column.sql_type](text) for column, text in zip(keyset.columns, decoded[1:], strict=True))
    except ValueError as exc:
        raise not_ours from exc


def _filter_hash(keyset: Keyset, filter_by: Mapping[str, object]) -> str:
    text = orjson.dumps(
        [keyset.name, dict(filter_by)], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str
    )
    return hashlib.blake2b(text, digest_size=6).hexdigest()
