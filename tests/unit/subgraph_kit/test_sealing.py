from uuid import UUID, uuid4

import pytest

from common.subgraph.sealing import BlindIndex, KeyRing, Sealer, SealingKey, UnsealError, key_id_of, parse_keys

OLD, NEW = SealingKey("k1", b"1" * 32), SealingKey("k2", b"2" * 32)
ALICE, BOB = UUID(int=1), UUID(int=2)


def test_what_was_sealed_opens_in_its_place_only() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal("alice@example.org", "user.email:1")

    assert sealer.unseal(sealed, "user.email:1") == "alice@example.org"
    assert b"alice" not in sealed
    with pytest.raises(UnsealError):
        sealer.unseal(sealed, "user.email:2")


def test_a_new_key_seals_and_the_old_one_still_opens() -> None:
    sealed_before = Sealer([OLD]).seal("x", "p")
    rotated = Sealer([NEW, OLD])

    assert rotated.unseal(sealed_before, "p") == "x"
    assert (key_id_of(sealed_before), key_id_of(rotated.seal("x", "p"))) == ("k1", "k2")
    with pytest.raises(UnsealError, match="unknown key"):
        Sealer([OLD]).unseal(rotated.seal("x", "p"), "p")


@pytest.mark.parametrize("broken", [b"", b"k2", b"k2:", b"k2:short", b"\xff\xfe:" + b"x" * 40])
def test_what_is_no_sealed_value_is_refused_and_not_opened(broken: bytes) -> None:
    with pytest.raises(UnsealError):
        Sealer([NEW]).unseal(broken, "p")


def test_each_bit_of_a_sealed_value_counts() -> None:
    sealed = Sealer([NEW]).seal("alice@example.org", "p")

    for index in range(len(sealed)):
        changed = sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :]
        with pytest.raises(UnsealError):
            Sealer([NEW]).unseal(changed, "p")


def test_a_data_key_opens_for_its_person_only_and_survives_a_new_key_of_the_settings() -> None:
    wrapped = KeyRing([OLD]).new_key(ALICE)
    sealed = KeyRing([OLD]).open(wrapped, ALICE).seal("Elm Street 1", "p")

    rewrapped = KeyRing([NEW, OLD]).rewrap(wrapped, ALICE)

    assert KeyRing([NEW]).open(rewrapped, ALICE).unseal(sealed, "p") == "Elm Street 1"
    assert (key_id_of(wrapped), key_id_of(rewrapped), key_id_of(sealed)) == ("k1", "k2", "data")
    with pytest.raises(UnsealError):
        KeyRing([NEW]).open(rewrapped, BOB)
    with pytest.raises(UnsealError):
        KeyRing([NEW]).open(wrapped, ALICE)


def test_two_people_never_share_a_data_key() -> None:
    ring = KeyRing([NEW])
    sealed = ring.open(ring.new_key(ALICE), ALICE).seal("x", "p")

    with pytest.raises(UnsealError):
        ring.open(ring.new_key(BOB), BOB).unseal(sealed, "p")
    with pytest.raises(UnsealError):
        ring.open(ring.new_key(ALICE), ALICE).unseal(sealed, "p")


def test_no_nonce_is_used_twice() -> None:
    sealer = Sealer([NEW])
    assert len({sealer.seal("x", str(uuid4())) for _ in range(1000)}) == 1000


def test_equal_values_have_equal_hashes_under_one_key_only() -> None:
    assert BlindIndex(b"a" * 32).hash("x") == BlindIndex(b"a" * 32).hash("x") != BlindIndex(b"b" * 32).hash("x")


@pytest.mark.parametrize(
    "text",
    ["", "k1", "k1:abc", "k1:" + "g" * 64, "k 1:" + "0" * 64, "data:" + "0" * 64, f"k1:{'0' * 64},k1:{'1' * 64}"],
)
def test_unusable_keys_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(ValueError, match=r"sealing keys|hexadecimal"):
        parse_keys(text)
