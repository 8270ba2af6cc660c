"""Work on all cores: one function over many things, the answers in their order."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from helperhist.errors import HelperhistError

__all__ = ["cores", "spread"]

T = TypeVar("T")
R = TypeVar("R")

#: More would want more memory than it saves time.
_MAX_WORKERS = 8
_job: Callable[[Any], Any] | None = None


def cores() -> int:
    """Return how many processes may work at a time; 1 where they cannot share memory."""
    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return min(len(os.sched_getaffinity(0)), _MAX_WORKERS)


def spread(job: Callable[[T], R], things: Sequence[T], workers: int) -> Iterator[R]:
    """Yield what a function returns for each thing, in their order.

    The workers have what the caller has at this moment. What they raise is raised here.

    :param job: any function; its results have to be picklable
    :raises HelperhistError: a worker was killed
    """
    if workers < 2 or len(things) < 2:
        yield from map(job, things)
        return
    context = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(
        min(workers, len(things)), context, initializer=_begin, initargs=(job,)
    )
    try:
        yield from pool.map(_work, things)
    except BrokenProcessPool as error:
        raise HelperhistError("a worker was killed; is there enough memory?") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(job: Callable[[Any], Any]) -> None:
    global _job
    # The parent ends the work.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _job = job


def _work(thing: Any) -> Any:
    assert _job is not None
    return _job(thing)
