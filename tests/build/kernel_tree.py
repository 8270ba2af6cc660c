"""The C files of a small kernel as one tree: who may call which helper and kfunc."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.build.kernel_c import ops, protos, types
from tests.build.kfuncs import HOOKS, SLEEPABLE

XDP, CLS, TRACING = "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_SCHED_CLS", "BPF_PROG_TYPE_TRACING"
_STEMS = {XDP: "xdp", CLS: "tc_cls_act", TRACING: "tracing"}


@dataclass(frozen=True)
class KfuncSet:
    """A set of kfuncs: names to flags, and the types it is registered for."""

    name: str
    kfuncs: Mapping[str, str]
    types: Sequence[str] = (XDP,)

    def render(self) -> str:
        functions = "".join(
            f"__bpf_kfunc int {name}(int a)\n{{\n\treturn a;\n}}\n\n" for name in self.kfuncs
        )
        entries = "".join(
            f"BTF_ID_FLAGS(func, {name}{f', {flags}' if flags else ''})\n"
            for name, flags in self.kfuncs.items()
        )
        calls = "".join(
            f"\tret = ret ?: register_btf_kfunc_id_set({kind}, &{self.name}_set);\n"
            for kind in self.types
        )
        return f"""
{functions}BTF_KFUNCS_START({self.name}_ids)
{entries}BTF_KFUNCS_END({self.name}_ids)

static const struct btf_kfunc_id_set {self.name}_set = {{
\t.owner = THIS_MODULE,
\t.set = &{self.name}_ids,
}};

static int __init {self.name}_init(void)
{{
\tint ret = 0;

{calls}\treturn ret;
}}
late_initcall({self.name}_init);
"""


@dataclass(frozen=True)
class Kernel:
    """A kernel tree.

    :ivar cases: of the switch of each program type's function, as C
    :ivar base: of the function that all of them ask for other helpers
    :ivar default: what a program type's function returns for others, if not what the base does
    :ivar sets: of kfuncs, by the file that holds them
    :ivar helpers: with a prototype
    :ivar more: other files
    """

    cases: Mapping[str, str] = field(default_factory=dict)
    base: str = "case BPF_FUNC_a: return &bpf_a_proto;"
    base_file: str = "kernel/bpf/helpers.c"
    default: Mapping[str, str] = field(default_factory=dict)
    sets: Mapping[str, Sequence[KfuncSet]] = field(default_factory=dict)
    helpers: Sequence[str] = ("a", "b", "c")
    more: Mapping[str, bytes] = field(default_factory=dict)

    def files(self) -> dict[str, bytes]:
        """Return the files by path."""
        filter_c = protos([f"bpf_{name}" for name in self.helpers])
        for kind, stem in _STEMS.items():
            default = self.default.get(kind, "bpf_base_func_proto(func_id, prog)")
            filter_c += _chooser(f"{stem}_func_proto", self.cases.get(kind, ""), default)
            filter_c += ops(f"{stem}_verifier_ops", f"{stem}_func_proto")
        found = {
            "include/linux/bpf_types.h": types(_STEMS),
            "net/core/filter.c": filter_c,
            "kernel/bpf/verifier.c": SLEEPABLE.decode(),
            "kernel/bpf/btf.c": HOOKS.decode(),
        }
        base = _chooser("bpf_base_func_proto", self.base, "NULL", words="")
        found[self.base_file] = found.get(self.base_file, "") + base
        for path, sets in self.sets.items():
            found[path] = found.get(path, "") + "".join(one.render() for one in sets)
        return {**{path: text.encode() for path, text in found.items()}, **self.more}

    def change(self, **changes: object) -> "Kernel":
        """Return the tree with some things otherwise."""
        return replace(self, **changes)  # type: ignore[arg-type]


def _chooser(name: str, cases: str, default: str, words: str = "static ") -> str:
    return f"""
{words}const struct bpf_func_proto *
{name}(enum bpf_func_id func_id, const struct bpf_prog *prog)
{{
\tswitch (func_id) {{
\t{cases}
\tdefault:
\t\treturn {default};
\t}}
}}
"""
