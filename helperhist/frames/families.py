"""Families of helpers: which subject a helper belongs to, told from its name alone.

The rule, all of it: :data:`FAMILIES` from top to bottom; the first family whose pattern matches the
whole name (without ``bpf_``) is the helper's. So ``bpf_skb_cgroup_id`` is of cgroup, which stands
above skb, and ``bpf_ringbuf_reserve_dynptr`` is of ringbuf. The kernel knows no families: another
table would give other counts.
"""

import re
from dataclasses import dataclass

__all__ = ["FAMILIES", "OTHER", "Family", "family"]


@dataclass(frozen=True, slots=True)
class Family:
    """Helpers of one subject.

    :ivar pattern: regular expression of the whole name without ``bpf_``
    """

    name: str
    pattern: str
    subject: str


#: What no pattern matches.
OTHER = Family("other", ".*", "random numbers, CPU ids, tail calls, infrared, BTF, IMA, ...")

FAMILIES = (
    Family("ringbuf", r"(user_)?ringbuf_.*", "ring buffers, both directions"),
    Family("dynptr", r"dynptr_.*", "pointers with a size known at run time"),
    Family("timer", r"timer_.*", "timers in map values"),
    Family("storage", r"(sk|inode|task|cgrp)_storage_.*|get_local_storage", "data per object"),
    Family("map", r"map_.*|for_each_map_elem|spin_(un)?lock|kptr_xchg", "maps and their values"),
    Family(
        "cgroup", r".*cgroup.*|sysctl_.*|[gs]et_retval", "control groups, and programs of theirs"
    ),
    Family(
        "sockmap",
        r"msg_.*|sk_redirect_(map|hash)|sock_(map|hash)_update",
        "sockets in maps, messages between them",
    ),
    Family("xdp", r"xdp_.*", "packets before they are an sk_buff"),
    Family(
        "route",
        r"redirect.*|clone_redirect|fib_lookup|check_mtu|lwt_.*|get_route_realm",
        "where a packet goes",
    ),
    Family(
        "skb",
        r"skb_.*|l[34]_csum_replace|csum_.*|set_hash(_invalid)?|get_hash_recalc",
        "packets as sk_buff",
    ),
    Family(
        "socket",
        r"sk_.*|skc_.*|sock_.*|tcp_.*|[gs]etsockopt|get_listener_sock|get_socket_.*"
        r"|get_netns_cookie|bind|(load|store|reserve)_hdr_opt",
        "sockets, sk and skc, and TCP",
    ),
    Family(
        "trace",
        r"probe_.*|copy_from_user.*|perf_.*|trace_.*|get_stack.*|get_task_stack|override_return"
        r"|get_func_.*|get_attach_cookie|read_branch_records|get_branch_snapshot",
        "reading memory, probes, stacks, perf events",
    ),
    Family(
        "task",
        r"get_current_.*|get_ns_current_pid_tgid|send_signal.*|task_pt_regs|find_vma"
        r"|bprm_opts_set",
        "the running task",
    ),
    Family("time", r"ktime_.*|jiffies64", "clocks"),
    Family("text", r"seq_.*|snprintf.*|str.*", "strings and formatted output"),
    OTHER,
)

_COMPILED = tuple((family.name, re.compile(family.pattern)) for family in FAMILIES)


def family(helper: str) -> str:
    """Return the name of a helper's family.

    >>> family("bpf_skb_load_bytes"), family("bpf_skb_cgroup_id"), family("bpf_loop")
    ('skb', 'cgroup', 'other')
    """
    suffix = helper.removeprefix("bpf_")
    return next(name for name, pattern in _COMPILED if pattern.fullmatch(suffix))
