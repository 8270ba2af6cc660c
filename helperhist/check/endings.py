"""What older kernels take and newer ones refuse: requirements with an end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from helperhist.binary import LDDW, BpfObject, Function, Map
from helperhist.check.collect import Collector
from helperhist.check.escapes import Conditions
from helperhist.check.lives import Life, Lives
from helperhist.check.needs import Refusal, Requirement, release_key

__all__ = ["LSM_RANGE", "add_result", "is_refused_result", "shared_arrays"]

_PROG_ARRAY = 3
_MAX_ERRNO = 4095


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that newer kernels refuse.

    :ivar uapi: the name of the UAPI header that marks the beginning
    :ivar until: the first release known to refuse it, ``last`` the newest known not to
    :ivar updates: the same of updates of releases before that: one that takes it, one that does not
    """

    name: str
    uapi: str
    last: str
    until: str
    source: str
    updates: tuple[tuple[str, str], ...] = ()


LSM_RANGE = Ending(
    "LSM program that returns other than 0 or -errno",
    "BPF_PROG_TYPE_LSM",
    "6.10",
    "6.12",
    "bpf_lsm_get_retval_range() in kernel/bpf/bpf_lsm.c of 6.11.11 and 6.12",
)

#: Hooks that return nothing, and those that return 0 or 1. Source: include/linux/lsm_hook_defs.h
#: of all releases; bool_lsm_hooks in kernel/bpf/bpf_lsm.c.
_LSM_VOID = frozenset(
    """
    audit_rule_free backing_file_free bdev_free_security bpf_map_free bpf_map_free_security
    bpf_prog_free bpf_prog_free_security bpf_token_free bprm_committed_creds bprm_committing_creds
    cred_free cred_getlsmprop cred_getsecid cred_transfer current_getlsmprop_subj
    current_getsecid_subj d_instantiate file_free_security file_release file_set_fowner
    ib_free_security inet_conn_established inet_csk_clone initramfs_populated inode_free_security
    inode_free_security_rcu inode_getlsmprop inode_getsecid inode_invalidate_secctx
    inode_post_create_tmpfile inode_post_remove_acl inode_post_removexattr inode_post_set_acl
    inode_post_setattr inode_post_setxattr ipc_getlsmprop ipc_getsecid key_free
    key_post_create_or_update msg_msg_free_security msg_queue_free_security path_post_mknod
    perf_event_free release_secctx req_classify_flow sb_delete sb_free_mnt_opts sb_free_security
    sctp_sk_clone secmark_refcount_dec secmark_refcount_inc sem_free_security shm_free_security
    sk_clone_security sk_free_security sk_getsecid sock_graft task_free task_getlsmprop_obj
    task_getsecid task_getsecid_obj task_getsecid_subj task_to_inode tun_dev_free_security
    xfrm_policy_free_security xfrm_state_free_security
    """.split()
)
_LSM_BOOL = frozenset(("xfrm_state_pol_flow_match", "audit_rule_known", "inode_xattr_skipcap"))

#: Commit 4540aed51b12, and Debian's kernels of the updates.
_SHARED_ARRAY = Ending(
    "one PROG_ARRAY for programs of two attach types",
    "BPF_MAP_TYPE_PROG_ARRAY",
    "6.17",
    "6.18",
    "__bpf_prog_map_compatible() in kernel/bpf/core.c of 6.17 and 6.18",
    (("6.1.4", "6.1.192"), ("6.12.52", "6.12.53"), ("6.17", "6.17.8")),
)


def is_refused_result(hook: str, value: int) -> bool:
    """Whether newer kernels refuse that an LSM program returns a number.

    Source: ``bpf_lsm_get_retval_range()`` in ``kernel/bpf/bpf_lsm.c``.
    """
    if hook in _LSM_VOID:
        return False
    signed = value & 0xFFFFFFFF
    signed -= 1 << 32 if signed >> 31 else 0
    return not (0 <= signed <= 1 if hook in _LSM_BOOL else -_MAX_ERRNO <= signed <= 0)


def _life(lives: Lives, ending: Ending) -> Life | None:
    since = lives.since(ending.uapi)
    if since is None:
        return None
    start, end = release_key(since), release_key(ending.until)
    gaps = (((0, 0), start), (end, (1 << 30, 0)))
    return Life(since, "", ending.until, ending.last, False, gaps)


def add_result(collect: Collector, lives: Lives, conditions: Conditions) -> None:
    """Note that an LSM program returns what newer kernels refuse."""
    program = collect.program
    kind = program.kind
    if kind is None or kind.attach != "BPF_LSM_MAC" or not kind.target:
        return
    hook = kind.target.rpartition(":")[2]
    life = _life(lives, LSM_RANGE)
    if life is None:
        return
    for (function, index), value in sorted(
        conditions.everything.results.items(), key=lambda item: item[0][1]
    ):
        if function is program and isinstance(value, int) and is_refused_result(hook, value):
            way = conditions.way(function, index, life)
            collect.add("feature", LSM_RANGE.name, life, program, index, LSM_RANGE.source, way)


def shared_arrays(
    obj: BpfObject, lives: Lives, closures: Mapping[Function, Sequence[Function]]
) -> Iterator[Requirement | Refusal]:
    """Yield what arrays of programs need that several programs use.

    :param closures: programs that are loaded, with all their functions
    """
    users: dict[str, list[Function]] = {}
    arrays = {item.name: item for item in obj.maps if item.type == _PROG_ARRAY}
    for program, functions in closures.items():
        for name in {item.name for function in functions for item in _maps(obj, function)}:
            if name in arrays:
                users.setdefault(name, []).append(program)
    for name, programs in users.items():
        kinds = [item.kind for item in programs if item.kind is not None]
        types = sorted({kind.type for kind in kinds})
        if len(types) > 1:
            yield Refusal("prog array", name, None, " and ".join(types))
        elif len({kind.attach for kind in kinds}) > 1 and (life := _life(lives, _SHARED_ARRAY)):
            yield Requirement(
                "feature",
                _SHARED_ARRAY.name,
                life.since,
                map=name,
                basis=_SHARED_ARRAY.source,
                until=_SHARED_ARRAY.until,
                last=_SHARED_ARRAY.last,
                updates=_SHARED_ARRAY.updates,
                misses=life.gaps,
            )


def _maps(obj: BpfObject, function: Function) -> Iterator[Map]:
    for index, relocation in function.relocations.items():
        if function.insns[index].code == LDDW:
            item = obj.map_of(relocation, function.insns[index])
            if item is not None:
                yield item
