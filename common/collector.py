"""The garbage collector of a server process: what lives for ever is not looked at again."""

import gc

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
