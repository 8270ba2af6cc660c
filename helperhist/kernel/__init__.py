"""What one particular kernel has, and the release that it is most like."""

from helperhist.kernel.match import Comparison, compare
from helperhist.kernel.read import KernelInfo, read_kernel

__all__ = [
    "Comparison",
    "KernelInfo",
    "compare",
    "read_kernel",
]
