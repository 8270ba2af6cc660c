"""Kinds of BPF program that a kernel has: what a call can be allowed in, or refused.

A context is a program type, the attach type, for some what the program is for, and whether it may
sleep. Which there are is taken from the kernel's own BTF, so that a new attach type, iterator or
struct of operations is there without a change here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from helperhist.binary import Btf, Kind, Type

__all__ = ["Context", "contexts", "enumerators"]

_TYPE = "BPF_PROG_TYPE_"
#: ``BPF_F_SLEEPABLE`` (5.10) and ``BPF_F_XDP_DEV_BOUND_ONLY`` (6.3).
_SLEEPABLE, _BOUND = 1 << 4, 1 << 6
_REPLACED = ("XDP", "SCHED_CLS", "KPROBE")

#: Program types to the attach types to load them with: ends of names, or ``*`` for what follows.
#: Of a type that is not here the kernel does not look at the attach type.
_ATTACH: dict[str, tuple[str, ...]] = {
    "KPROBE": ("", "TRACE_KPROBE_*", "TRACE_UPROBE_*"),
    "XDP": ("", "XDP", "XDP_DEVMAP", "XDP_CPUMAP"),
    "SCHED_CLS": ("", "TCX_INGRESS", "NETKIT_PRIMARY"),
    "SK_SKB": ("", "SK_SKB_STREAM_PARSER", "SK_SKB_STREAM_VERDICT", "SK_SKB_VERDICT"),
    "CGROUP_SKB": ("CGROUP_INET_INGRESS", "CGROUP_INET_EGRESS"),
    "CGROUP_SOCK": (
        "CGROUP_INET_SOCK_CREATE", "CGROUP_INET_SOCK_RELEASE",
        "CGROUP_INET4_POST_BIND", "CGROUP_INET6_POST_BIND",
    ),
    "CGROUP_SOCK_ADDR": ("CGROUP_INET4_*", "CGROUP_INET6_*", "CGROUP_UDP*", "CGROUP_UNIX_*"),
    "SOCK_OPS": ("CGROUP_SOCK_OPS",),
    "CGROUP_DEVICE": ("CGROUP_DEVICE",),
    "CGROUP_SYSCTL": ("CGROUP_SYSCTL",),
    "CGROUP_SOCKOPT": ("CGROUP_GETSOCKOPT", "CGROUP_SETSOCKOPT"),
    "SK_MSG": ("SK_MSG_VERDICT",),
    "LIRC_MODE2": ("LIRC_MODE2",),
    "FLOW_DISSECTOR": ("FLOW_DISSECTOR",),
    "SK_REUSEPORT": ("SK_REUSEPORT_SELECT", "SK_REUSEPORT_SELECT_OR_MIGRATE"),
    "SK_LOOKUP": ("SK_LOOKUP",),
    "NETFILTER": ("NETFILTER",),
    "TRACING": ("TRACE_*", "MODIFY_RETURN"),
    "LSM": ("LSM_*",),
}  # fmt: skip

#: Functions to trace, of which the first that the kernel takes is enough: the kernel's own for its
#: tests, and others for programs that sleep or change what is returned.
_TRACED = (
    "bpf_fentry_test1", "bpf_modify_return_test", "__x64_sys_openat", "__x64_sys_getpid",
    "security_file_open",
)  # fmt: skip
_RAW_TRACEPOINTS = ("btf_trace_sched_switch", "btf_trace_sys_enter")

#: Hooks of security modules that differ: in what may sleep, in the socket that is there, in what
#: they return.
_LSM_HOOKS = (
    "file_open", "bprm_committed_creds", "bprm_creds_for_exec", "socket_post_create", "socket_bind",
    "sock_graft", "inet_csk_clone", "inet_conn_established", "inode_free_security",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Context:
    """A kind of program.

    :ivar prog_type: name of its type
    :ivar attach_type: name of its attach type; empty where 0 is given and not looked at
    :ivar target: what it is for: function, iterator, hook, ``struct.member``, program type;
        ``device``: bound to a network device
    :ivar sleepable: loaded as a program that may sleep
    :ivar numbers: type, attach type, flags, id in the kernel's BTF
    """

    prog_type: str
    attach_type: str = ""
    target: str = ""
    sleepable: bool = False
    numbers: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def name(self) -> str:
        """One word that no other context has; alternatives share it."""
        shared = "" if self.target in (*_TRACED, *_RAW_TRACEPOINTS) else self.target
        return "/".join((self.prog_type, self.attach_type, shared, "s" * self.sleepable))


def enumerators(btf: Btf, name: str) -> dict[str, int]:
    """Return the names of an enum and their values; empty where there is no such enum."""
    return {m.name: m.value for i in btf.find(name, Kind.ENUM) for m in btf.type(i).members}


def _matching(names: Mapping[str, int], wanted: Iterable[str]) -> Iterator[tuple[str, int]]:
    for item in wanted:
        pattern = re.compile("BPF_" + item.replace("*", ".*"))
        if not item:
            yield "", 0
        yield from ((name, value) for name, value in names.items() if pattern.fullmatch(name))


def _operations(btf: Btf) -> Iterator[tuple[Type, int, str]]:
    """Yield the members of structs that programs may implement: struct, index, name.

    The kernel wraps each such struct in one of its own (``bpf_struct_ops.c``, 85d33df357b6).
    """
    seen = set()
    for item in btf.ids(Kind.STRUCT):
        name = btf.name(item)
        if not name.startswith("bpf_struct_ops_"):
            continue
        data = [m for m in btf.type(item).members if m.name == "data"]
        ops = btf.strip(data[0].type) if data else btf.type(0)
        if ops.name != name.removeprefix("bpf_struct_ops_") or ops.name in seen:
            continue
        seen.add(ops.name)
        for index, member in enumerate(ops.members):
            pointer = btf.strip(member.type)
            if pointer.kind == Kind.PTR and btf.strip(pointer.type).kind == Kind.FUNC_PROTO:
                yield ops, index, member.name


def _iterators(btf: Btf) -> Iterator[tuple[str, int]]:
    """Yield the functions that stand for iterators: their first parameter is the meta data."""
    for item in btf.ids(Kind.FUNC):
        if btf.name(item).startswith("bpf_iter_"):
            parameters = btf.type(btf.type(item).type).members
            pointer = btf.strip(parameters[0].type) if parameters else btf.type(0)
            if pointer.kind == Kind.PTR and btf.strip(pointer.type).name == "bpf_iter_meta":
                yield btf.name(item), item


def _targets(btf: Btf, attach_type: str) -> Iterator[tuple[str, int]]:
    """Yield what a tracing or LSM program can be for: name, id."""
    if attach_type.startswith("BPF_LSM_"):
        for hook in _LSM_HOOKS:
            yield from ((hook, i) for i in btf.find(f"bpf_lsm_{hook}", Kind.FUNC))
    elif attach_type == "BPF_TRACE_ITER":
        yield from _iterators(btf)
    elif attach_type == "BPF_TRACE_RAW_TP":
        for name in _RAW_TRACEPOINTS:
            yield from ((name, i) for i in btf.find(name, Kind.TYPEDEF))
    elif not re.match(r"BPF_TRACE_[KU]PROBE_", attach_type):
        for name in _TRACED:
            yield from ((name, i) for i in btf.find(name, Kind.FUNC))


def _asleep(context: Context) -> Context:
    prog_type, attach_type, flags, btf_id = context.numbers
    numbers = (prog_type, attach_type, flags | _SLEEPABLE, btf_id)
    return replace(context, sleepable=True, numbers=numbers)


def contexts(btf: Btf) -> tuple[Context, ...]:
    """Return the kinds of program to ask a kernel about, those with one name side by side.

    :param btf: of the kernel
    """
    types, attach_types = enumerators(btf, "bpf_prog_type"), enumerators(btf, "bpf_attach_type")
    found: list[Context] = []
    for name, number in types.items():
        short = name.removeprefix(_TYPE)
        if not name.startswith(_TYPE) or short == "UNSPEC":
            continue
        if short == "STRUCT_OPS":
            found += (
                Context(name, "", f"{ops.name}.{member}", numbers=(number, index, 0, ops.id))
                for ops, index, member in _operations(btf)
            )
        elif short == "EXT":
            found += (
                Context(name, "", _TYPE + item, numbers=(number, types[_TYPE + item], 0, 0))
                for item in _REPLACED
            )
        else:
            for attach_type, value in _matching(attach_types, _ATTACH.get(short, ("",))):
                plain = Context(name, attach_type, numbers=(number, value, 0, 0))
                if short in ("TRACING", "LSM"):
                    found += (
                        replace(plain, target=target, numbers=(number, value, 0, btf_id))
                        for target, btf_id in _targets(btf, attach_type)
                    )
                else:
                    found.append(plain)
                if attach_type == "BPF_XDP":
                    found.append(
                        replace(plain, target="device", numbers=(number, value, _BOUND, 0))
                    )
    return (*found, *(_asleep(item) for item in found))
