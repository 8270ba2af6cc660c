"""What the shape of a program needs: its size, its calls, its global functions."""

from helperhist.binary import CONTEXTS, BpfObject, Function, Kind
from helperhist.check.collect import Collector
from helperhist.check.mappairs import MapPairs
from helperhist.check.rules import RULES
from helperhist.check.sites import Site

__all__ = ["Shapes"]

_TAIL_CALL = "12"
_MAX_INSNS = 4096
#: ``BPF_LD | BPF_ABS`` and ``BPF_LD | BPF_IND`` of 4, 2 and 1 bytes.
_PACKET_LOADS = frozenset({0x20, 0x28, 0x30, 0x40, 0x48, 0x50})
#: Names of structs that a global function may get as its context, by type of program, beside
#: those of :data:`helperhist.binary.context.CONTEXTS`.
_CONTEXT_NAMES = {
    "KPROBE": ("pt_regs", "user_pt_regs"),
    "PERF_EVENT": ("bpf_perf_event_data",),
    "RAW_TRACEPOINT": ("bpf_raw_tracepoint_args",),
    "RAW_TRACEPOINT_WRITABLE": ("bpf_raw_tracepoint_args",),
}
#: Found by loading one into 5.10, 6.1, 6.12, 6.18 and 7.2.
_VOID_POINTER = "kernels from 5.10 to 7.2 refuse it"
_ARGUMENT_TAGS = {"arg:ctx", "arg:nonnull"}


def _contexts(program: Function) -> frozenset[str]:
    """Return the names of structs that are the context to a program's global functions."""
    if program.kind is None:
        # Its type is reported as unknown; say no more.
        return frozenset({*CONTEXTS.values()}.union(*_CONTEXT_NAMES.values()))
    kind = program.kind.type
    return frozenset({CONTEXTS.get(kind, ""), *_CONTEXT_NAMES.get(kind, ())} - {""})


class Shapes:
    """Looks at the programs of one object."""

    def __init__(self, obj: BpfObject) -> None:
        """Begin with nothing."""
        self._obj = obj
        self._tags: dict[int, dict[int, str]] | None = None

    def add(
        self, collect: Collector, program: Function, closure: list[tuple[Function, list[Site]]]
    ) -> None:
        """Note what a program needs.

        :param closure: its functions, itself included, each with its sites
        """
        size = sum(len(function.insns) for function, _ in closure)
        if size > _MAX_INSNS:
            collect.rule(RULES["many instructions"], program, None, f"{size} instructions; ")
        sites = [(function, site) for function, found in closure for site in found]
        tail = next((item for item in sites if item[1][1:3] == ("helper", _TAIL_CALL)), None)
        if tail is not None and any(site.name == "bpf-to-bpf call" for _, site in sites):
            collect.rule(RULES["tail calls and calls"], tail[0], tail[1].at)
        if any(site.name == "bpf-to-bpf call" for _, site in sites):
            self._packet_loads(collect, closure)
        pairs = MapPairs(self._obj, collect, program)
        for function, _ in closure:
            pairs.add(function)
            if function is not program and function.exported and function.type:
                self._global_function(collect, program, function)

    def _packet_loads(self, collect: Collector, closure: list[tuple[Function, list[Site]]]) -> None:
        for function, _ in closure:
            for index, insn in enumerate(function.insns):
                if insn.code in _PACKET_LOADS:
                    collect.rule(RULES["packet loads and calls"], function, index)

    def _global_function(self, collect: Collector, program: Function, function: Function) -> None:
        btf = self._obj.btf
        if (
            btf is None
            or btf.kind(function.type) != Kind.FUNC
            or btf.type(function.type).count != 1
        ):
            return
        # Loaders make global functions static for kernels that do not know them.
        if not self._obj.relocates:
            collect.rule(RULES["global function"], function, 0)
        tags = self._tags_of(function)
        proto = btf.strip(btf.type(function.type).type)
        if btf.strip(proto.type).kind == Kind.VOID:
            collect.rule(RULES["global function, void"], function, 0)
        contexts = _contexts(program)
        for index, parameter in enumerate(proto.members):
            tag = tags.get(index, "")
            if tag.startswith("arg:") and (tag != "arg:ctx" or not self._obj.relocates):
                collect.rule(RULES["argument tag"], function, 0)
                if tag not in _ARGUMENT_TAGS:
                    collect.unknown(
                        "feature", tag, "the data has no release for this tag", function
                    )
            if tag == "arg:ctx":
                continue
            pointer = btf.strip(parameter.type)
            if pointer.kind != Kind.PTR:
                continue
            target = btf.strip(pointer.type)
            if target.kind == Kind.VOID:
                if not tag.startswith("arg:"):
                    name = "global function with void * argument"
                    collect.unknown("feature", name, _VOID_POINTER, function, 0)
            elif target.name not in contexts:
                collect.rule(RULES["global function, pointer"], function, 0)

    def _tags_of(self, function: Function) -> dict[int, str]:
        """Return the tags of a function's arguments, by index."""
        if self._tags is None:
            self._tags = {}
            if self._obj.btf is not None:
                for item in self._obj.btf.ids(Kind.DECL_TAG):
                    tag = self._obj.btf.type(item)
                    self._tags.setdefault(tag.type, {})[tag.count] = tag.name
        return self._tags.get(function.type, {})
