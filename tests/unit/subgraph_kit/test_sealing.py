import pytest

from common.subgraph.sealing import BlindIndex, Sealer, SealingKey, UnsealError, parse_keys

OLD, NEW = SealingKey("k1", b"1" * 32), SealingKey("k2", b"2" * 32)


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
    with pytest.raises(UnsealError, match="unknown key"):
        Sealer([OLD]).unseal(rotated.seal("x", "p"), "p")


def test_equal_values_have_equal_hashes_under_one_key_only() -> None:
    assert BlindIndex(b"a" * 32).hash("x") == BlindIndex(b"a" * 32).hash("x") != BlindIndex(b"b" * 32).hash("x")


@pytest.mark.parametrize("text", ["", "k1", "k1:abc", "k1:" + "g" * 64, "k 1:" + "0" * 64])
def test_unusable_keys_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(ValueError, match=r"sealing keys|hexadecimal"):
        parse_keys(text)
