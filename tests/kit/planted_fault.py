"""A fault in one function of ours, for as long as a test wants to see it found."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from textwrap import dedent
from types import FunctionType
from typing import Any

_AS_TEXT = "from __future__ import annotations\n"


@contextmanager
def planted_fault(function: Callable[..., Any], right: str, wrong: str) -> Iterator[None]:
    """Within the context the function, a plain one or a method, runs with `wrong` in the place of the text `right`,
    whoever has imported it. Fails when the text does not stand there exactly once."""
    assert isinstance(function, FunctionType)
    source = dedent(inspect.getsource(function))
    assert source.count(right) == 1, f"{right!r} stands {source.count(right)} times in {function.__qualname__}"
    scope = dict(function.__globals__)
    text = _AS_TEXT + source.replace(right, wrong)
    exec(compile(text, f"<fault in {function.__qualname__}>", "exec"), scope)  # noqa: S102  # ours, but for one text
    honest, function.__code__ = function.__code__, scope[function.__name__].__code__
    try:
        yield
    finally:
        function.__code__ = honest
