"""Identifiers: the published vectors, one spelling per id, order of creation."""

import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import InvalidIdError, format_id, new_id, parse_id, uuid7

# from the TypeID specification's valid.yml
VECTORS = [
    ("nil", "00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ("one", "00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
    ("ten", "0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
    ("sixteen", "0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    ("max", "7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("prefix", "0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
    ("prefix", "01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
]


@pytest.mark.parametrize(("prefix", "suffix", "uuid"), VECTORS)
def test_ids_follow_the_vectors_of_the_specification(prefix: str, suffix: str, uuid: str) -> None:
    assert format_id(prefix, UUID(uuid)) == f"{prefix}_{suffix}"
    assert parse_id(prefix, f"{prefix}_{suffix}") == UUID(uuid)


@given(st.uuids())
def test_an_id_read_back_is_the_uuid_it_was_made_of(uuid: UUID) -> None:
    assert parse_id("ord", format_id("ord", uuid)) == uuid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ord",
        "ord_",
        "_01h455vb4pex5vsknk084sn02q",
        "usr_01h455vb4pex5vsknk084sn02q",
        "ord_01h455vb4pex5vsknk084sn02",
        "ord_01h455vb4pex5vsknk084sn02qq",
        "ord_01H455VB4PEX5VSKNK084SN02Q",
        "ord_81h455vb4pex5vsknk084sn02q",
        "ord_01h455vb4pex5vsknk084sn02u",
        "ord_01h455vb4pex5vsknk084sn02\n",
        "ord_٠1h455vb4pex5vsknk084sn02q",
        "order-789",
        "ord_" + "0" * 1_000_000,
    ],
)
def test_what_is_no_id_of_that_kind_is_refused(text: str) -> None:
    with pytest.raises(InvalidIdError, match="expected ord_ and 26 characters"):
        parse_id("ord", text)


@pytest.mark.parametrize("prefix", ["", "Ord", "ord1", "_ord", "ord_", "o" * 64])
def test_a_prefix_the_specification_forbids_is_our_mistake(prefix: str) -> None:
    with pytest.raises(ValueError, match="not a TypeID prefix"):
        new_id(prefix)


def test_a_uuid7_says_its_version_and_its_time() -> None:
    before_ms = time.time_ns() // 1_000_000
    uuid = uuid7()
    after_ms = time.time_ns() // 1_000_000
    assert (uuid.version, uuid.variant) == (7, "specified in RFC 4122")
    assert before_ms <= uuid.int >> 80 <= after_ms


def test_ids_sort_by_their_time_of_creation() -> None:
    ids = []
    for _ in range(200):
        ids.append(new_id("ord"))
        until = time.perf_counter_ns() + 2_000
        while time.perf_counter_ns() < until:
            pass
    assert ids == sorted(ids)
    assert len(set(ids)) == 200
