"""Interleaved measuring: every round takes one sample of each item, in an order that is shuffled anew.

Whatever slows the machine down for a while slows all items alike, and ratios between them hold. The clock is the
CPU time of the thread, so that what other processes take of the machine is not counted.
"""

from __future__ import annotations

import gc
import json
import random
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import thread_time
from types import FunctionType
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

ROOT = Path(__file__).parent.parent

Sample = Callable[[], float]  # times one batch and returns the seconds that one operation took


def interleave(samples: Mapping[str, Sample], rounds: int) -> dict[str, list[float]]:
    """Take `rounds` samples of each item, interleaved."""
    taken: dict[str, list[float]] = {name: [] for name in samples}
    order = list(samples)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            taken[name].append(samples[name]())
    return taken


def minima(samples: Mapping[str, Sample], rounds: int) -> dict[str, float]:
    """Take the fastest of `rounds` interleaved samples of each item, garbage collection off."""
    with _no_collection():
        return {name: min(seconds) for name, seconds in interleave(samples, rounds).items()}


def sample_calls(handlers: Sequence[Handler], request: web.Request, calls: int) -> Sample:
    """Await the handlers in turn, `calls` times altogether, driven by one `.send(None)`: no event loop takes part.

    The loop has a code object of its own, so that the interpreter specialises its call for these handlers only.
    """
    loop = FunctionType(_await_all.__code__.replace(), globals())
    batch = [*handlers] * (calls // len(handlers))

    def sample() -> float:
        return drive(loop(batch, request)) / len(batch)

    return sample


def drive(coroutine: Coroutine[Any, Any, None]) -> float:
    """Run a coroutine that waits for nothing, and return the seconds that it took."""
    started = thread_time()
    try:
        coroutine.send(None)
    except StopIteration:
        return thread_time() - started
    raise RuntimeError("what is measured was suspended")


async def _await_all(handlers: Sequence[Handler], request: web.Request) -> None:
    for handler in handlers:
        await handler(request)


def run_processes(module: str, starts: int, *arguments: str) -> list[dict[str, float]]:
    """Run `python -m module arguments` several times, one after the other; each prints one JSON object.

    Where functions lie in memory differs from process to process, and so do the ratios, by a few per cent.
    """
    return [_run_process(module, arguments) for _ in range(starts)]


def _run_process(module: str, arguments: Sequence[str]) -> dict[str, float]:
    command = [sys.executable, "-m", module, *arguments]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=300).stdout
    figures: dict[str, float] = json.loads(output)
    return figures


@contextmanager
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
