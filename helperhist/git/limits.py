"""A limit of this process's memory, under which objects need not be measured before each read."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["limited_memory", "memory_is_limited"]

#: Bytes that a scan may allocate; that of the kernel takes a tenth of it.
_MAX_DATA = 2 << 30


@contextmanager
def limited_memory() -> Iterator[None]:
    """Limit what this process may allocate, for programs that read a repository and little else.

    Files that are mapped, as packs are, do not count.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if soft == resource.RLIM_INFINITY or soft > _MAX_DATA:
        resource.setrlimit(resource.RLIMIT_DATA, (_MAX_DATA, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def memory_is_limited() -> bool:
    """Whether allocating for an object that is far too large fails, instead of taking all."""
    soft = resource.getrlimit(resource.RLIMIT_DATA)[0]
    return soft != resource.RLIM_INFINITY and soft <= _MAX_DATA
