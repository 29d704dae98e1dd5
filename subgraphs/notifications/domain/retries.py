"""When a message that could not be handed over is tried again."""

import random
from datetime import timedelta

#: about 10 minutes in all
MAX_ATTEMPTS = 8
FIRST_RETRY = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=5)


def pause_before(attempt: int) -> timedelta:
    """After the `attempt`-th failed try, counted from 1: up to 1 s, 2 s, 4 s … 5 min, at least a tenth of it: messages
    that failed together are not tried again together.
    """
    longest = min(FIRST_RETRY * int(2 ** min(attempt - 1, 30)), LONGEST_PAUSE)
    return longest * random.uniform(0.1, 1.0)  # noqa: S311  # jitter
