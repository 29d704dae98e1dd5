"""Retries as a small share of calls: without it every layer's three tries multiply when a dependency is in trouble.

After Finagle's RetryBudget.
"""


class RetryBudget:
    """Each call pays in `ratio`, each retry takes out one. Shared by the calls to one dependency."""

    def __init__(self, *, ratio: float = 0.2, reserve: float = 10.0) -> None:
        """`reserve` is there at the start and the most that is ever saved."""
        self._ratio = ratio
        self._reserve = reserve
        self._balance = reserve

    def pay_in(self) -> None:
        if self._balance < self._reserve:
            self._balance = min(self._reserve, self._balance + self._ratio)

    def take_out(self) -> bool:
        """False if nothing is left: do not retry."""
        if self._balance < 1:
            return False
        self._balance -= 1
        return True
