import datetime as dt
import uuid

import pytest

from common.errors import BadInputError
from common.subgraph.errors import InvalidCursorError, PageSizeTooLargeError
from common.subgraph.keyset import Clauses, Keyset, SortColumn, cut_page, page_request

BY_PRICE = Keyset("price", (SortColumn("price_minor", "bigint"), SortColumn("id", "uuid")))
NEWEST = Keyset("newest", (SortColumn("created_at", "timestamptz"), SortColumn("id", "uuid")), is_descending=True)
ROWS = [{"price_minor": price, "id": uuid.UUID(int=price)} for price in range(1, 6)]


def test_the_first_page_reads_one_row_more_than_it_shows() -> None:
    assert page_request(BY_PRICE, first=2).clauses() == Clauses("TRUE", "price_minor ASC, id ASC", "3", ())


def test_a_page_after_a_cursor_compares_whole_rows_so_equal_prices_are_not_skipped() -> None:
    cursor = cut_page(page_request(BY_PRICE, first=2), ROWS[:3]).cursors[1]

    clauses = page_request(BY_PRICE, first=2, after=cursor).clauses(first_placeholder=4, alias="p")

    assert clauses == Clauses(
        "(p.price_minor, p.id) > ($4::bigint, $5::uuid)", "p.price_minor ASC, p.id ASC", "3", (2, uuid.UUID(int=2))
    )


def test_a_descending_list_read_backwards_runs_upwards_and_is_turned_round() -> None:
    created_at = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=dt.UTC)
    rows = [{"created_at": created_at - dt.timedelta(hours=age), "id": uuid.UUID(int=age)} for age in range(3)]
    before = cut_page(page_request(NEWEST, first=3), rows).cursors[2]

    request = page_request(NEWEST, last=1, before=before)
    page = cut_page(request, [rows[1], rows[0]])

    assert request.clauses().where == "(created_at, id) > ($1::timestamptz, $2::uuid)"
    assert request.clauses().parameters == (rows[2]["created_at"], rows[2]["id"])
    assert ([row["id"].int for row in page.rows], page.has_previous, page.has_next) == ([1], True, True)


def test_a_cursor_of_another_filter_is_refused() -> None:
    cursor = cut_page(page_request(BY_PRICE, first=1, filter_by={"q": "pear"}), ROWS[:2]).cursors[0]

    with pytest.raises(InvalidCursorError, match="another filter"):
        page_request(BY_PRICE, first=1, after=cursor, filter_by={"q": "plum"})


@pytest.mark.parametrize("cursor", ["", "!", "x" * 999, "W10", "WzEsMiwzXQ", "bnVsbA", "\0"])
def test_made_up_cursors_are_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        page_request(BY_PRICE, first=1, after=cursor)


def test_a_cursor_with_values_the_database_would_choke_on_is_refused() -> None:
    huge = [{"price_minor": 2**63, "id": uuid.UUID(int=1)}]
    cursor = cut_page(page_request(BY_PRICE, first=1), huge).cursors[0]

    with pytest.raises(InvalidCursorError):
        page_request(BY_PRICE, first=1, after=cursor)


def test_page_sizes_are_refused_rather_than_clamped() -> None:
    with pytest.raises(PageSizeTooLargeError):
        page_request(BY_PRICE, first=101)
    with pytest.raises(BadInputError):
        page_request(BY_PRICE, first=-1)
    assert page_request(BY_PRICE).size == 20
    assert page_request(BY_PRICE, first=0).size == 0


def test_after_and_before_do_not_mix() -> None:
    with pytest.raises(BadInputError):
        page_request(BY_PRICE, after="a", before="b")
