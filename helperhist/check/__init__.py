"""What an object needs, and whether a kernel has it."""

from helperhist.check.against import Against, Relocated
from helperhist.check.checker import Checker
from helperhist.check.files import Checked, check_file, find_objects
from helperhist.check.needs import Findings, Refusal, Requirement, Unknown
from helperhist.check.target import KernelRead, judge_kernel, judge_release, release_note
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
)

__all__ = [
    "Against",
    "Change",
    "Checked",
    "Checker",
    "Findings",
    "KernelRead",
    "Minimum",
    "Refusal",
    "Relocated",
    "Requirement",
    "TooNew",
    "Unknown",
    "change",
    "check_file",
    "edge",
    "find_objects",
    "judge_kernel",
    "judge_release",
    "loads",
    "minimum",
    "newest_first",
    "release_note",
    "required",
    "switched",
]
