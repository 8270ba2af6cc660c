"""The answers of ``explain``: from the match of a message and a timeline to what it means.

A loader writes a call that cannot exist into code that must not be reached; its numbers are
libbpf's (``src/relo_core.c``, ``src/libbpf.c``) and cilium/ebpf's (``linker.go``).
"""

import re
from collections.abc import Callable

from helperhist.explain.names import Answer, Names
from helperhist.timeline import Row

__all__ = [
    "about_called",
    "about_kfunc",
    "about_named",
    "callbacks",
    "core_relocation",
    "global_pointer",
    "invalid_func",
    "loader_requires",
    "loop",
    "no_member",
    "not_for_type",
    "plain",
    "too_big",
    "too_complex",
    "undeclared",
    "unknown_address",
]


def _release(row: Row) -> str:
    if row.since is None:
        return "in no mainline release"
    gone = f" (gone in {row.removed})" if row.removed else ""
    return f"in mainline since {row.since}{' or earlier' if row.or_earlier else ''}{gone}"


def _of(row: Row | None, rule: str, meaning: str, advice: str) -> Answer:
    if row is None:
        return Answer(rule, meaning, advice)
    return Answer(rule, meaning, advice, row.kind, row.name, row.id, row.since)


_GUARD = (
    "or call it only where bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_{}) says that it "
    "exists"
)
_BAD_RELOCATION = 195896080  # 0xbad2310
_CILIUM_KFUNC = 0xDEDC0DE
_LIBBPF_MAP, _LIBBPF_KFUNC, _LIBBPF_RANGE = 2001000000, 2002000000, 1000000


def _poison(number: int) -> Answer | None:
    """Explain a number that is no helper's: a mark of the loader's."""
    if number == _BAD_RELOCATION:
        return Answer(
            "core-relocation",
            f"No helper: {number} (0xbad2310) marks an instruction whose CO-RE relocation failed. "
            "The running kernel has no such type, field or enum value, and the code that needs it "
            "was reached.",
            "Guard the access with bpf_core_field_exists(), bpf_core_type_exists() or "
            "bpf_core_enum_value_exists(); the loader's log names the relocation.",
        )
    if _LIBBPF_MAP <= number < _LIBBPF_MAP + _LIBBPF_RANGE:
        return Answer(
            "map-not-created",
            f"No helper: libbpf marks the use of a map that it did not create (map number "
            f"{number - _LIBBPF_MAP} of the object).",
            "Do not reach that code when the map's autocreate is off, or let the map be created.",
        )
    if _LIBBPF_KFUNC <= number < _LIBBPF_KFUNC + _LIBBPF_RANGE or number == _CILIUM_KFUNC:
        return Answer(
            "kfunc-not-found",
            "No helper: the loader marks the call of a weak kfunc that this kernel has not.",
            "Call it only behind `if (bpf_ksym_exists(name))`, or run a kernel that has the kfunc: "
            "`helperhist kernel` lists those of a kernel.",
            kind="kfunc",
        )
    if number in (-1, 0xFFFFFFFF):
        return Answer(
            "call-not-resolved",
            "No helper: the call was never resolved to one. The compiler left a call to a function "
            "that is not in the object.",
            "Make the function static __always_inline, define it in the object, or check the "
            "spelling of the helper.",
        )
    return None


def invalid_func(match: re.Match[str], names: Names) -> Answer | None:
    """Explain a number beyond the kernel's list of helpers."""
    number = int(match[2])
    poison = _poison(number)
    if poison is not None:
        return poison
    row = names.helper(match[1], number)
    if row is None:
        return Answer(
            "helper-unknown",
            f"The kernel has no helper number {number}, and mainline {names.newest} has none.",
            "The program was built with headers newer than this data, or for a kernel with other "
            "numbers; look the number up in the headers that it was built with.",
            kind="helper",
            id=number,
        )
    return _of(
        row,
        "helper-missing",
        f"The kernel has no helper number {number}: it is older than {row.name}, "
        f"{_release(row)}. (Distributions backport helpers without changing the version.)",
        f"Run a kernel from {row.since} on, {_GUARD.format(row.name.removeprefix('bpf_'))}."
        if row.since
        else "No mainline release has it; look for the kernel that the program was made for.",
    )


def not_for_type(match: re.Match[str], names: Names) -> Answer | None:
    """Explain a helper that the kernel has and refuses."""
    name, number = match[1], int(match[2])
    row = names.helper(name, number)
    shown = name if name is not None else row.name if row is not None else f"helper {number}"
    meaning = (
        f"The kernel has {shown}, but not for this program: its type, its attach point, the "
        "kernel's configuration or the loader's privileges forbid it."
    )
    if row is not None:
        meaning += f" The helper itself is {_release(row)}; some types got it later."
        if name is not None and row.id not in (None, number):
            there = names.timeline.helper(number)
            meaning += (
                f" In mainline {row.name} is number {row.id}"
                + (f" and {number} is {there.name}" if there is not None else "")
                + ": this kernel numbers its helpers differently."
            )
    else:
        meaning += f" Mainline {names.newest} has no helper of this name."
    return _of(
        row,
        "helper-not-for-type",
        meaning,
        "Check that the program type may call it (`bpftool feature probe` lists helpers by type), "
        "that the loader has CAP_BPF and CAP_PERFMON or CAP_SYS_ADMIN, and that lockdown is off.",
    )


def about_called(rule: str, meaning: str, advice: str) -> Callable[..., Answer]:
    """Make an answer about the helper that the log called last."""

    def answer(_match: re.Match[str], names: Names) -> Answer:
        row = None if names.called is None else names.helper(*names.called)
        subject = "the helper" if row is None else row.name
        return _of(row, rule, meaning.format(subject), advice.format(subject))

    return answer


def about_named(rule: str, meaning: str, advice: str) -> Callable[..., Answer]:
    """Make an answer about the helper that the message itself names."""

    def answer(match: re.Match[str], names: Names) -> Answer:
        row = names.helper(match[1], int(match[2]))
        subject = match[1] or f"helper {match[2]}"
        return _of(row, rule, meaning.format(subject), advice.format(subject))

    return answer


def about_kfunc(rule: str, meaning: str, advice: str) -> Callable[..., Answer]:
    """Make an answer about the kfunc that the message names, if it names one."""

    def answer(match: re.Match[str], names: Names) -> Answer:
        name = match[1] if match.re.groups else None
        subject = name or "the kfunc"
        since = None
        told = meaning.format(subject)
        if name is not None:
            since, release = _kfunc_release(name, names)
            told += f" {release}"
        return Answer(rule, told, advice.format(subject), "kfunc", name, since=since)

    return answer


def _kfunc_release(name: str, names: Names) -> tuple[str | None, str]:
    """Return the first release with a kfunc, and a sentence about it."""
    found = names.timeline.relations.find("kfunc", name.split("___")[0])
    if not found:
        return None, "This data does not know it. Kfuncs are no UAPI: no release promises them."
    known = found[0]
    since = f"since {known.since}"
    if known.absent:
        since += f" or a release after {known.absent}"
    if known.removed:
        return known.since, f"Mainline has it {since}, and not any more in {known.removed}."
    return known.since, (
        f"Mainline has it {since}; kfuncs are no UAPI, so that a later release may change or "
        "drop it."
    )


def plain(rule: str, meaning: str, advice: str, feature: str = "") -> Callable[..., Answer]:
    """Make an answer that is the same for each match.

    :param meaning: with ``{key}`` for the release of a feature or name, see :meth:`Names.release`;
        so may ``advice``
    :param feature: whose release mends it; empty where none does
    """

    def answer(_match: re.Match[str], names: Names) -> Answer:
        since = names.release(feature) if feature else None
        return Answer(rule, names.fill(meaning), names.fill(advice), since=since)

    return answer


def global_pointer(_match: re.Match[str], names: Names) -> Answer | None:
    """Explain a pointer that a global function may not have; None where BTF is at fault."""
    if names.without_btf:
        # The pointer is the context, which this kernel cannot recognise without its own BTF.
        return None
    since = names.release("global function, pointer")
    return Answer(
        "global-function-pointer",
        "The kernel does not take this pointer as an argument of a global function: pointers to "
        f"other things than the context came with {since}, and void * is for none.",
        f"Make the function static, or run a kernel from {since} on.",
        since=since,
    )


_HEADERS = {True: "<bpf/bpf_helpers.h>", False: "<linux/bpf.h> (or vmlinux.h)"}
_LOOKS_BPF = re.compile(r"BPF_[A-Z]\w*|bpf_\w+|XDP_[A-Z]\w*|(?:TCX|SK)_[A-Z]\w*", re.ASCII)


def undeclared(match: re.Match[str], names: Names) -> Answer | None:
    """Explain a C identifier that the headers of a build do not declare."""
    name = next(group for group in match.groups() if group is not None)
    row = names.exact(name)
    if row is not None and row.kind != "field":
        what = "helper" if row.kind == "helper" else row.kind.replace("_", " ")
        return _of(
            row,
            "headers-too-old",
            f"The headers included do not declare the {what} {name}: they are older than it "
            f"({_release(row)}), or {_HEADERS[row.kind == 'helper' and name == row.name]} is not "
            "included.",
            f"Include it, or build with headers of {row.since} or newer or a vmlinux.h of such a "
            "kernel; the program will then need that kernel too.",
        )
    if row is None and name.startswith("bpf_") and (since := _kfunc_release(name, names))[0]:
        return Answer(
            "headers-too-old",
            f"{name} is a kfunc, and nothing included declares it. {since[1]}",
            f"Declare it (`extern ... {name}(...) __ksym;`), or include a vmlinux.h with kfuncs of "
            f"{since[0]} or newer; the program will then need that kernel too.",
            kind="kfunc",
            name=name,
            since=since[0],
        )
    if row is None and _LOOKS_BPF.fullmatch(name):
        near = names.nearest(name)
        hint = f"Did you mean {', '.join(near)}?" if near else "Check its spelling."
        return Answer(
            "name-unknown",
            f"bpf.h of mainline {names.newest} defines no {name}: it may be a kfunc, a macro or "
            "function of libbpf's headers, newer than this data, or misspelt.",
            f"{hint} A kfunc is declared by vmlinux.h or `extern ... __ksym`; libbpf's own names "
            "come with <bpf/bpf_helpers.h>.",
            name=name,
        )
    return None


def no_member(match: re.Match[str], names: Names) -> Answer | None:
    """Explain a member that the headers' structure has not."""
    groups = match.groupdict()
    member = groups["member"] or groups["member2"]
    struct = groups["struct"] or groups["struct2"]
    if struct not in names.timeline.index.structs:
        return None
    row = names.exact(f"{struct}.{member}")
    if row is None:
        return Answer(
            "name-unknown",
            f"struct {struct} of mainline's bpf.h {names.newest} has no member {member}.",
            "Check its spelling, and whether it belongs to the kernel's internal structure.",
            kind="field",
            name=f"{struct}.{member}",
        )
    return _of(
        row,
        "headers-too-old",
        f"The headers of this build are older than {row.name}, {_release(row)}.",
        f"Build with the bpf.h of {row.since} or newer, or with a vmlinux.h of such a kernel; the "
        "program will then need that kernel too.",
    )


def unknown_address(_match: re.Match[str], names: Names) -> Answer:
    """Explain a 64-bit load of a kind that the kernel does not know."""
    marks = (
        ("BPF_PSEUDO_MAP_VALUE", "global variables"),
        ("BPF_PSEUDO_BTF_ID", "typed kernel symbols"),
        ("BPF_PSEUDO_FUNC", "callbacks"),
        ("BPF_PSEUDO_MAP_IDX", "maps by index"),
    )
    known = [
        f"{what} {row.since}"
        for name, what in marks
        if (row := names.exact(name)) is not None and row.since
    ]
    return Answer(
        "address-unknown",
        "The program loads the address of something that this kernel does not know in programs. "
        f"They came with: {', '.join(known)}.",
        "See what the object uses with `helperhist check`.",
    )


def loop(_match: re.Match[str], names: Names) -> Answer:
    """Explain a refused loop (allowed since 2589726d12a1, "bpf: introduce bounded loops")."""
    since = names.release("loop")
    return Answer(
        "loop",
        f"The verifier refuses loops: kernels before {since} do, later ones for unprivileged "
        "loaders.",
        f"Unroll the loop (#pragma unroll), run a kernel from {since} on, or load with CAP_BPF.",
        since=since,
    )


def too_complex(match: re.Match[str], names: Names) -> Answer:
    """Explain the limit of verified instructions."""
    processed = int(match[1])
    since = names.release("many instructions")
    if processed <= 1000000:
        meaning = (
            f"The verifier gave up after {processed} instructions: the kernel is older than "
            f"{since}, from which on the limit is 1,000,000, or the loader is unprivileged."
        )
    else:
        meaning = f"The verifier gave up at 1,000,000 instructions, the limit since {since}."
        since = None
    return Answer(
        "too-complex",
        meaning,
        "Split the program with tail calls or global functions, or make its loops simpler.",
        since=since,
    )


def too_big(match: re.Match[str], names: Names) -> Answer:
    """Explain E2BIG of a map or program."""
    if match[1] == "map":
        other = "or a key or value is larger than this map type allows"
    else:
        since = names.release("many instructions")
        other = (
            f"or the program has more than 4096 instructions and the kernel is older than {since}"
        )
    return Answer(
        "too-big",
        "E2BIG: the loader asked for something that this kernel's bpf() does not know yet, "
        f"{other}.",
        "See what the object needs with `helperhist check`.",
    )


def callbacks(_match: re.Match[str], names: Names) -> Answer:
    """Explain how kernels before callbacks refuse them: their functions are not counted."""
    row = names.exact("BPF_PSEUDO_FUNC")
    since = row.since if row is not None else None
    return Answer(
        "callback",
        "The kernel counts fewer functions than the object has. Kernels that do not know callbacks "
        f"(of bpf_loop, bpf_for_each_map_elem, timers) say so; they came with {since}."
        if since
        else "The kernel counts fewer functions than the object has.",
        f"Run a kernel from {since} on, or do without the callback."
        if since
        else "Do without callbacks.",
        since=since,
    )


def core_relocation(match: re.Match[str], names: Names) -> Answer:
    """Explain a CO-RE relocation that libbpf names."""
    what, name = match[1], match[1].rpartition("::")[2]
    row = names.exact(name) if "::" in what else None
    release = f" {row.name} is {_release(row)}." if row is not None else ""
    return _of(
        row,
        "core-relocation",
        f"The running kernel has no {what}, which the program needs at a place that was reached."
        f"{release}",
        "Guard the access with bpf_core_field_exists(), bpf_core_type_exists() or "
        "bpf_core_enum_value_exists().",
    )


def loader_requires(match: re.Match[str], _names: Names) -> Answer:
    """Explain cilium/ebpf's errors, which name a release themselves."""
    release = f"{int(match[2])}.{int(match[3])}"
    return Answer(
        "loader-requires",
        f"cilium/ebpf probed the kernel: {match[1].strip()} is missing, which mainline has since "
        f"{release}.",
        f"Run a kernel from {release} on, or load the object without it.",
        since=release,
    )
