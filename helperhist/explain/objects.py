"""Messages about an object that no other kernel mends: a table.

libbpf's are of ``src/libbpf.c``, the verifier's of ``kernel/bpf/verifier.c``.
"""

__all__ = ["OBJECT_MESSAGES"]

#: Mark, pattern, rule, meaning, advice, release (None: no release mends it).
OBJECT_MESSAGES: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "failed to find BTF for extern",
        r"\bfailed to find BTF for extern '[^'\x00-\x1f]{1,128}'(?: \[[0-9]{1,9}\] section)?: -2\b",
        "extern-not-linked",
        "The object uses a name that it does not define, and does not say where it is: the file "
        "that defines it was not linked in, or the declaration lacks __ksym, __kconfig or its BTF. "
        "The kernel was not asked.",
        "Link the objects with `bpftool gen object`, add __ksym or __kconfig to the declaration, "
        "and compile with -g.",
        "",
    ),
    (
        "is static and not supported",
        r"\bsec '[^'\x00-\x1f]{1,64}': program '[^'\x00-\x1f]{1,128}' is static and not supported",
        "static-program",
        "libbpf takes no static function as a program. The kernel was not asked.",
        "Remove `static` from the function that has SEC().",
        "",
    ),
    (
        "R",
        r"\bR[0-9]{1,2} (?:pointer arithmetic on \w{1,32}_or_null prohibited, null-check it first"
        r"|offset is outside of the packet|unbounded memory access, (?:make sure|use 'var)"
        r"|(?:max|min) value is outside of the allowed memory range"
        r"|invalid mem access '\w{1,32}_or_null')",
        "no-proof",
        "The verifier cannot prove that the access stays within its memory. A check is missing, or "
        "the compiler wrote it in a way that this kernel does not follow; other kernels may "
        "follow more, and the message names no release.",
        "Check the pointer or the bound right before the access; see the lines above in the log.",
        "",
    ),
)
