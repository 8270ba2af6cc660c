"""Compile C, check it, and say what was found in a form that tests can compare."""

from functools import cache
from pathlib import Path

from helperhist import load
from helperhist.binary.object import parse_object
from helperhist.check.checker import Checker
from helperhist.check.needs import Findings
from helperhist.report.causes import shown_name
from tests.build.objects import compile_bpf

HEAD = '#include "common.h"\n'
GPL = 'LICENSE("GPL")\n'


@cache
def checker() -> Checker:
    return Checker(load("embedded"))


def check(path: Path, loader: str = "libbpf") -> Findings:
    return checker().check(parse_object(path.read_bytes(), loader))


def check_c(
    source: str, cpu: str = "v2", loader: str = "libbpf", order: str = "el", debug: bool = True
) -> Findings:
    """Check a program; it is compiled with our own header and a license."""
    path = compile_bpf(HEAD + GPL + source, cpu=cpu, order=order, debug=debug)
    return check(path, loader)


def required(findings: Findings) -> dict[str, str]:
    """Return the required names with their releases."""
    return {shown_name(item): item.since for item in findings.requirements if not item.optional}


def optional(findings: Findings) -> dict[str, str]:
    """Return the optional names with their releases."""
    return {shown_name(item): item.since for item in findings.requirements if item.optional}


def unknown(findings: Findings) -> dict[str, bool]:
    """Return the unknown names, and whether they are optional."""
    return {item.name: item.optional for item in findings.unknown}
