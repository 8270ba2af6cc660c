"""What an object needs, and whether a kernel has it."""

from helperhist.check.against import Against, Relocated
from helperhist.check.aim import Aim, Verdict, split_targets
from helperhist.check.batch import Column, check_files
from helperhist.check.checker import Checker
from helperhist.check.files import Checked, Place, check_file, find_files
from helperhist.check.needs import Findings, Refusal, Requirement, Unknown
from helperhist.check.plan import Stretch, Upgrade, boot, compare, plan
from helperhist.check.target import KernelRead, judge_kernel, judge_release
from helperhist.check.verdict import (
    Change,
    Minimum,
    TooNew,
    change,
    edge,
    loads,
    minimum,
    newest_first,
    required,
    switched,
    undecided,
)

__all__ = [
    "Against",
    "Aim",
    "Change",
    "Checked",
    "Checker",
    "Column",
    "Findings",
    "KernelRead",
    "Minimum",
    "Place",
    "Refusal",
    "Relocated",
    "Requirement",
    "Stretch",
    "TooNew",
    "Unknown",
    "Upgrade",
    "Verdict",
    "boot",
    "change",
    "check_file",
    "check_files",
    "compare",
    "edge",
    "find_files",
    "judge_kernel",
    "judge_release",
    "loads",
    "minimum",
    "newest_first",
    "plan",
    "required",
    "split_targets",
    "switched",
    "undecided",
]
