"""The choice among options by what they cost together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from router.planner.choose import Allowance, choose
from router.planner.cost import below, levels, request, weight

COUNT = 3


def chosen(options: Sequence[Sequence[int]]) -> list[int]:
    return choose(options, COUNT, Allowance())


def test_what_is_fetched_anyway_is_free() -> None:
    one, other = request(0, 0, COUNT), request(1, 0, COUNT)
    assert chosen([[other], [one, other]]) == [0, 1]


def test_the_first_of_equal_options_is_taken() -> None:
    assert chosen([[request(2, 0, COUNT), request(1, 0, COUNT)]]) == [0]


def test_one_subgraph_for_all_beats_one_for_each() -> None:
    first, second, third = (request(i, 0, COUNT) for i in range(3))
    assert chosen([[first, third], [second, third], [first, third]]) == [1, 1, 1]


def test_requests_weigh_more_than_round_trips() -> None:
    chain = request(0, 0, COUNT) | below(request(0, 0, COUNT), 1, COUNT)
    wide = request(0, 0, COUNT) | request(1, 0, COUNT) | request(2, 0, COUNT)
    assert levels(chain, COUNT) == 2
    assert weight(chain, COUNT) < weight(wide, COUNT)


def test_of_as_many_requests_the_fewest_round_trips_weigh_least() -> None:
    first, second = request(0, 0, COUNT), request(1, 0, COUNT)
    assert weight(first | second, COUNT) < weight(first | below(second, 1, COUNT), COUNT)


def draws() -> Iterator[list[list[int]]]:
    random = Random(5)  # noqa: S311  # repeatable test data
    for _ in range(300):
        yield [[1 << random.randrange(6) | 1 << random.randrange(6) for _ in range(3)] for _ in range(4)]


def weight_of(options: Sequence[Sequence[int]], indexes: Sequence[int]) -> int:
    found = 0
    for costs, index in zip(options, indexes, strict=True):
        found |= costs[index]
    return weight(found, COUNT)


def test_no_other_choice_costs_less() -> None:
    for options in draws():
        best = min(
            weight(a | b | c | d, COUNT)
            for a in options[0] for b in options[1] for c in options[2] for d in options[3]
        )  # fmt: skip
        assert weight_of(options, chosen(options)) == best


def test_a_plan_with_very_many_choices_makes_the_last_ones_without_a_search() -> None:
    allowance = Allowance(500)
    losses = [
        weight_of(options, choose(options, COUNT, allowance)) - weight_of(options, chosen(options))
        for options in draws()
    ]
    assert allowance.steps == 0
    assert not any(losses[:50])
    assert any(losses[200:])
