"""What one particular kernel has, and the release that it is most like."""

from helperhist.kernel.attach import Attach, AttachTargets
from helperhist.kernel.config import kconfig_value, read_config
from helperhist.kernel.core import Candidate, RelocationKind, Resolution, Resolver, resolve
from helperhist.kernel.corepatch import POISON, Patched, patch
from helperhist.kernel.corespec import Target
from helperhist.kernel.ksyms import Ksym, Ksyms
from helperhist.kernel.match import Comparison, compare
from helperhist.kernel.read import KernelInfo, read_kernel
from helperhist.kernel.structops import StructOps, find_struct_ops

__all__ = [
    "POISON",
    "Attach",
    "AttachTargets",
    "Candidate",
    "Comparison",
    "KernelInfo",
    "Ksym",
    "Ksyms",
    "Patched",
    "RelocationKind",
    "Resolution",
    "Resolver",
    "StructOps",
    "Target",
    "compare",
    "find_struct_ops",
    "kconfig_value",
    "patch",
    "read_config",
    "read_kernel",
    "resolve",
]
