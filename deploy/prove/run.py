"""Runs scenarios one after another, each on a shop of its own, and writes down what came of it."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from deploy.local.errors import LocalError
from deploy.local.terminal import Terminal
from deploy.prove.auditor import Auditor
from deploy.prove.evidence import evidence
from deploy.prove.report import write_report
from deploy.prove.result import Options, Result
from deploy.prove.scenario import Arena, Scenario
from deploy.prove.scenarios import SCENARIOS
from deploy.prove.shop import proven_shop
from deploy.prove.span_sink import SpanSink, span_sink


def select(numbers: str) -> list[Scenario]:
    """`R1,R5`, or all of them. Raises LocalError for a number there is none of."""
    wanted = [number.strip().upper() for number in numbers.split(",") if number.strip()]
    by_number = {scenario.number: scenario for scenario in SCENARIOS}
    if unknown := [number for number in wanted if number not in by_number]:
        raise LocalError(f"No scenario {', '.join(unknown)}; there are {', '.join(by_number)}.")
    return [by_number[number] for number in wanted] or list(SCENARIOS)


async def prove(scenarios: Sequence[Scenario], options: Options, terminal: Terminal) -> bool:
    """True when nothing was disproved."""
    results: list[Result] = []
    for scenario in scenarios:
        terminal.say(f"{scenario.number} {scenario.title}: {scenario.numbers}{options.share}")
        result = await prove_one(scenario, options, terminal)
        results.append(result)
        (terminal.say if result.holds else terminal.fail)(
            f"{scenario.number} {'holds' if result.holds else 'DISPROVED'} after {result.seconds:.0f} s: {result.said}"
        )
        if options.report is not None:
            write_report(options.report, results)
    return all(result.holds for result in results)


@asynccontextmanager
async def collected_spans(scenario: Scenario) -> AsyncIterator[SpanSink]:
    """A sink that listens, where the scenario wants one."""
    if not scenario.collects_spans:
        yield SpanSink()
        return
    with span_sink() as spans:
        yield spans


async def prove_one(scenario: Scenario, options: Options, terminal: Terminal) -> Result:
    began = time.monotonic()
    samples = 0
    try:
        async with (
            collected_spans(scenario) as spans,
            proven_shop(
                dict(scenario.environment) | spans.environment(),
                workers=scenario.workers,
                programs=scenario.programs,
                has_failpoints=scenario.has_failpoints,
                router=scenario.router,
            ) as shop,
            evidence(shop.database_urls(), shop.servers.nats_url, shop.sandbox) as seen,
        ):
            auditor = Auditor(seen)
            arena = Arena(
                shop,
                seen,
                auditor,
                scale=options.scale,
                seed=options.seed,
                steps=options.steps,
                say=lambda text: terminal.say(f"  {text}"),
                random=random.Random(options.seed),  # noqa: S311 - reproducible, not secret
                spans=spans,
            )
            if scenario.is_audited:
                async with auditor.watching():
                    said = await scenario.run(arena)
                await auditor.at_rest(scenario.rest_timeout_s)
                auditor.judge()
            else:
                said = await scenario.run(arena)
            samples = auditor.sample_count
    except (AssertionError, ExceptionGroup) as exc:
        disproof = _disproof_in(exc)
        said = f"{type(disproof).__name__}: {disproof}"
        return Result(scenario, options, False, said, time.monotonic() - began, samples)
    return Result(scenario, options, True, said, time.monotonic() - began, samples)


def _disproof_in(error: Exception) -> AssertionError:
    """The first disproof of those that came together; raises what is none: then the proof itself is broken."""
    if isinstance(error, AssertionError):
        return error
    if isinstance(error, ExceptionGroup):
        return _disproof_in(error.exceptions[0])
    raise error
