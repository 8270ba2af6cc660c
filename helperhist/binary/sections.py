"""Names of ELF sections to program types: what ``SEC("...")`` means to a loader.

Source: the table ``section_defs`` of libbpf, which cilium/ebpf shares; the rules of matching are
those of either loader.
"""

from dataclasses import dataclass

__all__ = ["ProgramKind", "program_kind"]


@dataclass(frozen=True, slots=True)
class ProgramKind:
    """What a section name says.

    :ivar type: name in ``enum bpf_prog_type`` without ``BPF_PROG_TYPE_``
    :ivar attach: name in ``enum bpf_attach_type``; empty if there is none
    :ivar need: whether the kernel has to know the attach type: ``load`` (else it refuses the
        program), ``attach`` (it loads, but cannot be attached as the name says), ``sent`` (the
        loader sends it, and older kernels ignore it), ``optional`` (the loader leaves it out)
    :ivar sleepable: whether the program may sleep
    :ivar frags: whether it is XDP for packets in several buffers
    :ivar target: what follows the ``/``: the function or hook
    :ivar autoload: whether the loader loads it by default
    :ivar btf: whether the target is looked up in the kernel's BTF
    """

    type: str
    attach: str = ""
    need: str = ""
    sleepable: bool = False
    frags: bool = False
    target: str = ""
    autoload: bool = True
    btf: bool = False


#: Pattern (libbpf's: ``+`` stands for "alone or with /target"), type, attach type, need, flags
#: (s: sleepable, f: frags, b: target in BTF).
_TABLE = """
socket                 SOCKET_FILTER
sk_reuseport/migrate   SK_REUSEPORT    SK_REUSEPORT_SELECT_OR_MIGRATE attach
sk_reuseport           SK_REUSEPORT    SK_REUSEPORT_SELECT sent
kprobe+                KPROBE
uprobe+                KPROBE
uprobe.s+              KPROBE - - s
kretprobe+             KPROBE
uretprobe+             KPROBE
uretprobe.s+           KPROBE - - s
kprobe.multi+          KPROBE          TRACE_KPROBE_MULTI attach
kretprobe.multi+       KPROBE          TRACE_KPROBE_MULTI attach
kprobe.session+        KPROBE          TRACE_KPROBE_SESSION attach
uprobe.multi+          KPROBE          TRACE_UPROBE_MULTI attach
uretprobe.multi+       KPROBE          TRACE_UPROBE_MULTI attach
uprobe.session+        KPROBE          TRACE_UPROBE_SESSION attach
uprobe.multi.s+        KPROBE          TRACE_UPROBE_MULTI attach s
uretprobe.multi.s+     KPROBE          TRACE_UPROBE_MULTI attach s
uprobe.session.s+      KPROBE          TRACE_UPROBE_SESSION attach s
ksyscall+              KPROBE
kretsyscall+           KPROBE
usdt+                  KPROBE
usdt.s+                KPROBE - - s
tc/ingress             SCHED_CLS       TCX_INGRESS sent
tc/egress              SCHED_CLS       TCX_EGRESS sent
tcx/ingress            SCHED_CLS       TCX_INGRESS attach
tcx/egress             SCHED_CLS       TCX_EGRESS attach
tc                     SCHED_CLS
classifier             SCHED_CLS
action                 SCHED_ACT
netkit/primary         SCHED_CLS       NETKIT_PRIMARY attach
netkit/peer            SCHED_CLS       NETKIT_PEER attach
tracepoint+            TRACEPOINT
tp+                    TRACEPOINT
tracepoint.s+          TRACEPOINT - - s
tp.s+                  TRACEPOINT - - s
raw_tracepoint+        RAW_TRACEPOINT
raw_tp+                RAW_TRACEPOINT
raw_tracepoint.s+      RAW_TRACEPOINT - - s
raw_tp.s+              RAW_TRACEPOINT - - s
raw_tracepoint.w+      RAW_TRACEPOINT_WRITABLE
raw_tp.w+              RAW_TRACEPOINT_WRITABLE
tp_btf+                TRACING         TRACE_RAW_TP load b
tp_btf.s+              TRACING         TRACE_RAW_TP load bs
fentry+                TRACING         TRACE_FENTRY load b
fmod_ret+              TRACING         MODIFY_RETURN load b
fexit+                 TRACING         TRACE_FEXIT load b
fentry.s+              TRACING         TRACE_FENTRY load bs
fmod_ret.s+            TRACING         MODIFY_RETURN load bs
fexit.s+               TRACING         TRACE_FEXIT load bs
fsession+              TRACING         TRACE_FSESSION load b
fsession.s+            TRACING         TRACE_FSESSION load bs
fsession.multi+        TRACING         TRACE_FSESSION_MULTI load
fsession.multi.s+      TRACING         TRACE_FSESSION_MULTI load s
fentry.multi+          TRACING         TRACE_FENTRY_MULTI load
fexit.multi+           TRACING         TRACE_FEXIT_MULTI load
fentry.multi.s+        TRACING         TRACE_FENTRY_MULTI load s
fexit.multi.s+         TRACING         TRACE_FEXIT_MULTI load s
freplace+              EXT - - b
lsm+                   LSM             LSM_MAC load b
lsm.s+                 LSM             LSM_MAC load bs
lsm_cgroup+            LSM             LSM_CGROUP load b
iter+                  TRACING         TRACE_ITER load b
iter.s+                TRACING         TRACE_ITER load bs
syscall                SYSCALL
xdp.frags/devmap       XDP             XDP_DEVMAP attach f
xdp/devmap             XDP             XDP_DEVMAP attach
xdp.frags/cpumap       XDP             XDP_CPUMAP attach f
xdp/cpumap             XDP             XDP_CPUMAP attach
xdp.frags              XDP             XDP sent f
xdp                    XDP             XDP optional
perf_event             PERF_EVENT
lwt_in                 LWT_IN
lwt_out                LWT_OUT
lwt_xmit               LWT_XMIT
lwt_seg6local          LWT_SEG6LOCAL
sockops                SOCK_OPS        CGROUP_SOCK_OPS optional
sk_skb/stream_parser   SK_SKB          SK_SKB_STREAM_PARSER optional
sk_skb/stream_verdict  SK_SKB          SK_SKB_STREAM_VERDICT optional
sk_skb/verdict         SK_SKB          SK_SKB_VERDICT attach
sk_skb                 SK_SKB
sk_msg                 SK_MSG          SK_MSG_VERDICT optional
lirc_mode2             LIRC_MODE2      LIRC_MODE2 optional
flow_dissector         FLOW_DISSECTOR  FLOW_DISSECTOR optional
cgroup_skb/ingress     CGROUP_SKB      CGROUP_INET_INGRESS optional
cgroup_skb/egress      CGROUP_SKB      CGROUP_INET_EGRESS optional
cgroup/skb             CGROUP_SKB
cgroup/sock_create     CGROUP_SOCK     CGROUP_INET_SOCK_CREATE load
cgroup/sock_release    CGROUP_SOCK     CGROUP_INET_SOCK_RELEASE load
cgroup/sock            CGROUP_SOCK     CGROUP_INET_SOCK_CREATE optional
cgroup/post_bind4      CGROUP_SOCK     CGROUP_INET4_POST_BIND load
cgroup/post_bind6      CGROUP_SOCK     CGROUP_INET6_POST_BIND load
cgroup/bind4           CGROUP_SOCK_ADDR CGROUP_INET4_BIND load
cgroup/bind6           CGROUP_SOCK_ADDR CGROUP_INET6_BIND load
cgroup/connect4        CGROUP_SOCK_ADDR CGROUP_INET4_CONNECT load
cgroup/connect6        CGROUP_SOCK_ADDR CGROUP_INET6_CONNECT load
cgroup/connect_unix    CGROUP_SOCK_ADDR CGROUP_UNIX_CONNECT load
cgroup/sendmsg4        CGROUP_SOCK_ADDR CGROUP_UDP4_SENDMSG load
cgroup/sendmsg6        CGROUP_SOCK_ADDR CGROUP_UDP6_SENDMSG load
cgroup/sendmsg_unix    CGROUP_SOCK_ADDR CGROUP_UNIX_SENDMSG load
cgroup/recvmsg4        CGROUP_SOCK_ADDR CGROUP_UDP4_RECVMSG load
cgroup/recvmsg6        CGROUP_SOCK_ADDR CGROUP_UDP6_RECVMSG load
cgroup/recvmsg_unix    CGROUP_SOCK_ADDR CGROUP_UNIX_RECVMSG load
cgroup/getpeername4    CGROUP_SOCK_ADDR CGROUP_INET4_GETPEERNAME load
cgroup/getpeername6    CGROUP_SOCK_ADDR CGROUP_INET6_GETPEERNAME load
cgroup/getpeername_unix CGROUP_SOCK_ADDR CGROUP_UNIX_GETPEERNAME load
cgroup/getsockname4    CGROUP_SOCK_ADDR CGROUP_INET4_GETSOCKNAME load
cgroup/getsockname6    CGROUP_SOCK_ADDR CGROUP_INET6_GETSOCKNAME load
cgroup/getsockname_unix CGROUP_SOCK_ADDR CGROUP_UNIX_GETSOCKNAME load
cgroup/sysctl          CGROUP_SYSCTL   CGROUP_SYSCTL load
cgroup/getsockopt      CGROUP_SOCKOPT  CGROUP_GETSOCKOPT load
cgroup/setsockopt      CGROUP_SOCKOPT  CGROUP_SETSOCKOPT load
cgroup/dev             CGROUP_DEVICE   CGROUP_DEVICE optional
struct_ops+            STRUCT_OPS
struct_ops.s+          STRUCT_OPS - - s
sk_lookup              SK_LOOKUP       SK_LOOKUP load
netfilter              NETFILTER       NETFILTER load
"""

#: What Android's bpfloader makes of the part before the first ``/``.
_ANDROID = """
bind4                  CGROUP_SOCK_ADDR CGROUP_INET4_BIND load
bind6                  CGROUP_SOCK_ADDR CGROUP_INET6_BIND load
cgroupskb              CGROUP_SKB
cgroupsock             CGROUP_SOCK
cgroupsockcreate       CGROUP_SOCK     CGROUP_INET_SOCK_CREATE load
cgroupsockrelease      CGROUP_SOCK     CGROUP_INET_SOCK_RELEASE load
connect4               CGROUP_SOCK_ADDR CGROUP_INET4_CONNECT load
connect6               CGROUP_SOCK_ADDR CGROUP_INET6_CONNECT load
egress                 CGROUP_SKB      CGROUP_INET_EGRESS load
getsockopt             CGROUP_SOCKOPT  CGROUP_GETSOCKOPT load
ingress                CGROUP_SKB      CGROUP_INET_INGRESS load
kprobe                 KPROBE
kretprobe              KPROBE
lwt_in                 LWT_IN
lwt_out                LWT_OUT
lwt_seg6local          LWT_SEG6LOCAL
lwt_xmit               LWT_XMIT
perf_event             PERF_EVENT
postbind4              CGROUP_SOCK     CGROUP_INET4_POST_BIND load
postbind6              CGROUP_SOCK     CGROUP_INET6_POST_BIND load
recvmsg4               CGROUP_SOCK_ADDR CGROUP_UDP4_RECVMSG load
recvmsg6               CGROUP_SOCK_ADDR CGROUP_UDP6_RECVMSG load
schedact               SCHED_ACT
schedcls               SCHED_CLS
sendmsg4               CGROUP_SOCK_ADDR CGROUP_UDP4_SENDMSG load
sendmsg6               CGROUP_SOCK_ADDR CGROUP_UDP6_SENDMSG load
setsockopt             CGROUP_SOCKOPT  CGROUP_SETSOCKOPT load
skfilter               SOCKET_FILTER
sockops                SOCK_OPS        CGROUP_SOCK_OPS load
sysctl                 CGROUP_SYSCTL   CGROUP_SYSCTL load
tracepoint             TRACEPOINT
uprobe                 KPROBE
uretprobe              KPROBE
xdp                    XDP             XDP load
"""


def _rows(table: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split()) for line in table.strip().splitlines())


_ROWS = _rows(_TABLE)
_ROWS_OF = {"android": _rows(_ANDROID)}
#: Loaders that take what begins with the name of a section for it, and those that split it at the
#: first ``/``.
_PREFIX, _PART = frozenset(("cilium", "libbpf0")), frozenset(("android", "aya"))
#: Loaders that load what is marked with a question mark.
_UNMARKED = frozenset(("cilium", "aya", "android"))


def program_kind(section: str, loader: str = "libbpf") -> ProgramKind | None:
    """Return what a loader makes of a section's name, None if it says no program type."""
    # libbpf opens programs of sections with a question mark, but loads them only when asked to;
    # others take no notice of it.
    marked = section.startswith("?")
    name = section.removeprefix("?")
    for pattern, kind, *rest in _ROWS_OF.get(loader, _ROWS):
        plain = pattern.removesuffix("+")
        exact = plain == pattern
        if exact and loader in _PREFIX:
            found = name.startswith(plain)
        else:
            parts = not exact or loader in _PART
            found = name == plain or (parts and name.startswith(plain + "/"))
        if not found:
            continue
        attach, need, flags = [*rest, "", "", ""][:3]
        if loader == "cilium" and need == "optional" and kind != "XDP":
            # It leaves the attach type out of XDP programs only.
            need = "sent"
        return ProgramKind(
            type=kind,
            attach="" if attach in ("", "-") else f"BPF_{attach}",
            need="" if need in ("", "-") else need,
            sleepable="s" in flags,
            frags="f" in flags,
            target="" if exact else name[len(plain) + 1 :],
            autoload=not marked or loader in _UNMARKED,
            btf="b" in flags,
        )
    return None
