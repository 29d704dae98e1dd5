"""Run steps, each as soon as those it waits for are done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from router.execution.schedule import ScheduledFetch


class Stoppable(Protocol):
    @property
    def is_stopped(self) -> bool:
        """Steps that have not begun are not wanted any more."""
        ...


RunT = TypeVar("RunT", bound=Stoppable)
RunT_contra = TypeVar("RunT_contra", bound=Stoppable, contravariant=True)


class Step(Protocol[RunT_contra]):
    async def run(self, run: RunT_contra) -> None:
        """Never raises because of a subgraph: what goes wrong becomes errors of the run, or stops it."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule(Generic[RunT]):
    """Steps and who waits for whom, by index."""

    steps: tuple[Step[RunT], ...]
    wait_counts: tuple[int, ...]  #: how many steps each one waits for
    waiting: tuple[tuple[int, ...], ...]  #: the steps that wait for each one
    is_chain: bool  #: each step waits for the one before it

    @classmethod
    def of(cls, scheduled: Sequence[ScheduledFetch], steps: Sequence[Step[RunT]]) -> Schedule[RunT]:
        waiting: list[list[int]] = [[] for _ in steps]
        for index, fetch in enumerate(scheduled):
            for other in fetch.after:
                waiting[other].append(index)
        return cls(
            steps=tuple(steps),
            wait_counts=tuple(len(fetch.after) for fetch in scheduled),
            waiting=tuple(tuple(indexes) for indexes in waiting),
            is_chain=all(index - 1 in fetch.after for index, fetch in enumerate(scheduled) if index > 0),
        )

    async def run(self, run: RunT) -> None:
        if self.is_chain:
            for step in self.steps:
                await step.run(run)
                if run.is_stopped:
                    return
            return
        missing = list(self.wait_counts)
        first, *others = [index for index, count in enumerate(missing) if count == 0]
        async with asyncio.TaskGroup() as tasks:
            for index in others:
                tasks.create_task(self._follow(index, missing, run, tasks))
            await self._follow(first, missing, run, tasks)

    async def _follow(self, index: int, missing: list[int], run: RunT, tasks: asyncio.TaskGroup) -> None:
        """Run a step, then one of those it releases, and so on; others it releases go on beside it. `missing` counts
        for each step those it still waits for."""
        following: int | None = index
        while following is not None:
            done = following
            following = None
            await self.steps[done].run(run)
            if run.is_stopped:
                return
            for other in self.waiting[done]:
                missing[other] -= 1
                if missing[other] == 0:
                    if following is None:
                        following = other
                    else:
                        tasks.create_task(self._follow(other, missing, run, tasks))
