"""The targets of ``tests/fuzz`` without a fuzzer: their seeds, and damage to them."""

import pytest
from fuzz.targets import TARGETS, Target, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_PIECES = [
    b"",
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x1b[31m",
    b"{",
    b"}",
    b"(",
    b"/*",
    b"\n",
    b"x" * 5000,
]


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_seeds_are_taken(target: Target) -> None:
    seeds = list(target.seeds())
    assert len(seeds) > 1
    for seed in seeds:
        run(target, seed)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damage_is_refused_or_read(target: Target, data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(list(target.seeds()))))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        end = data.draw(st.integers(start, min(len(raw), start + 64)))
        new = data.draw(st.sampled_from(_PIECES) | st.binary(max_size=16))
        raw[start:end] = new * data.draw(st.sampled_from([1, 1, 1, 40]))
    run(target, bytes(raw))
