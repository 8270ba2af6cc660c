"""Which kernel has which BPF helper: truth from the history of ``include/uapi/linux/bpf.h``."""

from helperhist.errors import HelperhistError

# Type checkers take this for true; `typing` itself takes a while to import, in which an
# interruption would be a traceback.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from helperhist.dataset import load
    from helperhist.mining import scan
    from helperhist.timeline import Fact, Timeline

__all__ = ["Fact", "HelperhistError", "Timeline", "__version__", "load", "scan"]

__version__ = "0.1.0"

# Loaded when asked for: a look-up must not pay for pygit2. No module may have one of these names:
# once imported, it would be what the name stands for.
_LAZY = {"load": "dataset", "scan": "mining", "Fact": "timeline", "Timeline": "timeline"}


def __getattr__(name: str) -> "Any":
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"helperhist.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
