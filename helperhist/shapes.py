"""What the shape of a program needs: its size, its calls, its global functions."""

from helperhist.bpfobj import BpfObject, Function
from helperhist.btf import Kind
from helperhist.collect import Collector
from helperhist.context import CONTEXTS
from helperhist.requirements import RULES
from helperhist.sites import Site

__all__ = ["Shapes"]

_TAIL_CALL = "12"
_MAX_INSNS = 4096
#: Names of structs that a global function may get as its context, whatever the type of program.
_CONTEXT_NAMES = frozenset(
    {
        *CONTEXTS.values(),
        "pt_regs",
        "user_pt_regs",
        "bpf_perf_event_data",
        "bpf_raw_tracepoint_args",
    }
)
_ARGUMENT_TAGS = {"arg:ctx", "arg:nonnull"}


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
        for function, _ in closure:
            if function is not program and function.exported and function.type:
                self._global_function(collect, function)

    def _global_function(self, collect: Collector, function: Function) -> None:
        btf = self._obj.btf
        if (
            btf is None
            or btf.kind(function.type) != Kind.FUNC
            or btf.type(function.type).count != 1
        ):
            return
        # Loaders make global functions static for kernels that do not know them.
        if self._obj.loader == "raw":
            collect.rule(RULES["global function"], function, 0)
        tags = self._tags_of(function)
        proto = btf.strip(btf.type(function.type).type)
        for index, parameter in enumerate(proto.members):
            tag = tags.get(index, "")
            if tag.startswith("arg:") and (tag != "arg:ctx" or self._obj.loader == "raw"):
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
            if target.kind != Kind.VOID and target.name not in _CONTEXT_NAMES:
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
