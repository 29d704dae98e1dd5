"""No garbage collection while composing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Nearly all that composition makes lives until its end, so collections find nothing, yet walk all of it each time.

    With 5,000 types they took 60 % of the time, and the peak of memory is the same without them. Concerns the whole
    process, for seconds.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
