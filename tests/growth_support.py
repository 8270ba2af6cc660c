"""How the work and the memory of a function grow with its input: counted, never timed."""

import sys
import tracemalloc
from collections.abc import Callable
from types import FrameType
from typing import Any

from helperhist.errors import HelperhistError


def lines(function: Callable[[bytes], object], data: bytes) -> int:
    """Count the lines of Python that run, each round of a loop anew; refusals are results."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(data)
    except HelperhistError:
        pass
    finally:
        sys.settrace(before)
    return count


def peak(function: Callable[[bytes], object], data: bytes) -> int:
    """Return the most bytes that are in use at one time."""
    tracemalloc.start()
    try:
        kept = function(data)
    except HelperhistError:
        kept = None
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del kept
    return most


def assert_linear(
    function: Callable[[bytes], object], make: Callable[[int], bytes], sizes: tuple[int, int, int]
) -> None:
    """Fail where work or memory grows faster than the input."""
    inputs = [make(size) for size in sizes]
    for measure in (lines, peak):
        cost = [measure(function, data) for data in inputs]
        for index in (1, 2):
            ratio = len(inputs[index]) / len(inputs[0])
            assert cost[index] <= 1.3 * ratio * cost[0] + 200_000, (measure.__name__, sizes, cost)
