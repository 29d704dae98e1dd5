from __future__ import annotations

import os
from pathlib import Path

import pytest

from common.flags import Flag, Flags, InvalidFlagsError
from tests.kit.clock import FrozenClock

NEW = Flag("new-thing", default=False, about="for this test")
OLD = Flag("old-thing", default=True, about="for this test")
SUBJECTS = [f"usr_{number}" for number in range(2_000)]


def test_a_flag_has_its_default_until_something_else_is_said() -> None:
    said = Flags('{"new-thing": true, "old-thing": false}')
    assert [Flags().is_on(flag) for flag in (NEW, OLD)] == [False, True]
    assert [said.is_on(flag) for flag in (NEW, OLD)] == [True, False]


def test_a_percentage_is_a_stable_share_of_subjects() -> None:
    def having(percent: float) -> set[str]:
        flags = Flags(f'{{"new-thing": {{"percent": {percent}}}}}')
        return {subject for subject in SUBJECTS if flags.is_on(NEW, subject=subject)}

    assert (having(0), having(100)) == (set(), set(SUBJECTS))
    assert 120 < len(having(10)) < 280
    assert having(10) < having(20)


def test_a_file_that_changes_is_read_again_and_a_broken_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, path = FrozenClock(), tmp_path / "flags.json"
    path.write_text('{"new-thing": true}')
    flags = Flags(str(path), clock=clock)

    def after(text: str, changed_at_ns: int) -> bool:
        path.write_text(text)
        os.utime(path, ns=(changed_at_ns, changed_at_ns))
        clock.advance(1)
        return flags.is_on(NEW)

    assert [after("{", 1), after("{", 2), after('{"new-thing": false}', 3)] == [True, True, False]
    path.unlink()
    clock.advance(1)
    assert not flags.is_on(NEW)
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    "source", ["{", '{"a": 1}', '{"a": {"percent": 101}}', '{"a": {"percent": 1, "b": 2}}', "/does/not/exist.json"]
)
def test_flags_that_are_wrong_from_the_beginning_are_refused(source: str) -> None:
    with pytest.raises(InvalidFlagsError):
        Flags(source)
