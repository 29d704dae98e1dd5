"""The garbage collector: what lives for ever is not looked at again, nor what lives until its maker is done."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: containers made and not yet freed; a large answer has fewer
_THRESHOLD = 50_000


def spare_the_collector() -> None:
    """To be called once everything is loaded. Answers are large and free of reference cycles: counting frees them, and
    the collector would only walk them again and again, and with them schemas, plans and models. Measured on the
    router's list of 1000 entities: a third of all CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_THRESHOLD, 20, 20)


@contextmanager
def collection_paused() -> Iterator[None]:
    """For work that makes much and drops little of it before its end: collections would find nothing, yet walk all of
    it each time. The peak of memory is the same without them. Concerns the whole process for so long.

    They took 60 % of the time of composing 5,000 types, and of planning an interface with 70 types over 10 subgraphs.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
