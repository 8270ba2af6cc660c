"""What the section of a program needs: its type, attach type and flags."""

from dataclasses import replace

from helperhist.binary import BpfObject, Function
from helperhist.check.collect import Collector
from helperhist.check.lives import Life
from helperhist.check.needs import Refusal
from helperhist.check.refusals import refused_type
from helperhist.check.rules import RULES, SLEEPABLE, is_gpl
from helperhist.check.ways import ALWAYS, Way
from helperhist.timeline import ITERATORS

__all__ = ["add_program_type"]

#: Targets that say that user space sets them.
_PLACEHOLDERS = ("", "XXX", "xxx")
#: What older kernels ignore, and what the loader leaves out for them, is optional.
_CAUSES = {"attach": "attach", "optional": "left out", "sent": "ignored"}


def add_program_type(obj: BpfObject, program: Function, collect: Collector) -> list[Refusal]:
    """Note what a program's section needs; return what no kernel takes."""
    kind = program.kind
    if kind is None:
        reason = "this section name says no program type"
        collect.unknown("prog_type", program.section, reason, program)
        return []
    refused = []
    section = f"SEC({program.section})"
    collect.uapi("prog_type", f"BPF_PROG_TYPE_{kind.type}", program, section)
    given = obj.license or ""
    if (kept := refused_type(program)) and kind.autoload and not is_gpl(given):
        refused.append(Refusal("license", None, program.name, kept, given))
    if obj.relocates and kind.btf:
        reason = "unless user space sets it, no kernel loads the program"
        # freplace names a function; whose, user space sets.
        if kind.type == "EXT" or kind.target in _PLACEHOLDERS:
            collect.unknown("unset", "attach target", reason, program)
    if kind.attach == "BPF_TRACE_ITER" and kind.target:
        _iterator(program, collect, kind.target)
    if kind.attach:
        cause = (_CAUSES[kind.need],) if kind.need in _CAUSES else ()
        way = Way(ALWAYS, cause) if kind.need in ("sent", "optional") else None
        stage = "attach" if kind.need == "attach" else "load"
        given_ = () if way else cause
        collect.uapi("attach_type", kind.attach, program, section, way, stage, given_)
        if kind.need == "load" or (kind.need in ("attach", "sent") and obj.relocates):
            collect.rule(RULES["expected attach type"], program, None)
    if kind.sleepable and kind.type != "SYSCALL":
        collect.rule(RULES["sleepable"], program, None)
        rule = SLEEPABLE.get((kind.type, kind.attach)) or SLEEPABLE.get((kind.type, ""))
        if rule is None:
            reason = "the data has no release for sleepable ones"
            collect.unknown("sleepable", program.section, reason, program)
        elif rule.since:
            collect.rule(rule, program, None)
    if kind.frags:
        collect.rule(RULES["frags"], program, None)
    if kind.btf and ":" in kind.target:
        collect.rule(RULES["module target"], program, None)
    return refused


def _iterator(program: Function, collect: Collector, target: str) -> None:
    known = ITERATORS.get(target)
    if known is None:
        reason = "the data has no release for this target"
        collect.unknown("iterator", f"iter/{target}", reason, program)
        return
    since, absent = known
    life = replace(Life.of(since), absent=absent)
    collect.add("iterator", f"iter/{target}", life, program, None, "DEFINE_BPF_ITER_FUNC")
