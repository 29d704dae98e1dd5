"""Expected errors of a subgraph, as values a caller can act on and an idempotency key can store.

Each subgraph derives one base from `Refusal`, and its kinds of errors from that base; the tree stands in the docstring
of its `errors.py`. `schema.py` maps them to the types of the payload's `errors`.
"""

from collections.abc import Mapping, Sequence
from typing import Any


class Refusal(Exception):  # noqa: N818 - nothing is broken: the caller is told no
    """Nothing was changed. `message` is safe to show, `path` names the input field.

    All arguments are JSON, so that a refusal can be stored as the answer to an idempotency key and raised again.
    """

    def __init__(self, message: str, path: Sequence[str] = (), *details: Any) -> None:
        super().__init__(message, list(path), *details)
        self.message = message
        self.path = tuple(path)

    def __str__(self) -> str:
        return self.message

    def to_answer(self) -> dict[str, Any]:
        """As JSON, for the table of idempotency keys."""
        return {"refused": type(self).__name__, "arguments": list(self.args)}

    @classmethod
    def raise_if_refused(cls, answer: Mapping[str, Any]) -> None:
        """Raises the kind of this base that `to_answer` wrote; any other answer passes."""
        if "refused" in answer:
            kinds = {kind.__name__: kind for kind in cls.__subclasses__()}
            raise kinds[answer["refused"]](*answer["arguments"])
