"""Small tables of our own, one in each shape, and what the audit of each must say."""

from collections.abc import Iterable
from dataclasses import replace

import helperhist
from helperhist.audit.finding import Finding
from helperhist.timeline import Row, Timeline

EMBEDDED = helperhist.load("embedded")


def _late(row: Row) -> Row:
    """Let the data of one constant begin with 4.1."""
    if row.name != "BPF_ANY":
        return row
    return replace(row, since="4.1", tag="v4.1", first_tag="v4.1", or_earlier=True)


#: The embedded timeline, but of BPF_ANY it only knows that 4.1 had it, where it began.
TIMELINE = Timeline(
    EMBEDDED.metadata,
    map(_late, EMBEDDED.rows),
    lambda: EMBEDDED.tags,
    lambda: EMBEDDED.spans,
    lambda: EMBEDDED.events,
    lambda: EMBEDDED.docs,
)

MARKDOWN = """\
# Versions

Feature | Kernel version | Commit
--------|----------------|-------
Some feature of the kernel | 4.11 (removed in 4.18) | [`a67edbf4fb6d`](https://x/commit/a67e)

### Map types

Map type | Kernel version | Commit | Enum
---------|----------------|--------|-----
A hash   | 3.19 | [`0f8e4bd8a1fc`](https://x/commit/0f8e4bd8a1fc8c4185f1630061d0a1f2d197a475) | \
BPF_MAP_TYPE_HASH
A ring   | 5.9  | [`457f44363a88`](https://x/commit/457f44363a8894135c85b7a9afd2bd8196db24ab) | \
BPF_MAP_TYPE_RINGBUF

## Helpers

Helper | Kernel version | License | Commit |
-------|----------------|---------|--------|
`BPF_FUNC_csum_level()` | 5.7 |  | [`7cdec54f9713`](https://x/c/7cdec54f9713256bb170873a1fc5c75c)
`BPF_FUNC_loop()` | 5.17 | |
`BPF_FUNC_skc_to_mctcp_sock()` | 5.19 |  | [`3bc253c2e652`](https://x/commit/3bc253c2e652)
"""

YAML = """\
- name: helpers
  features:
    - name: bpf_map_lookup_elem
      version: v3.18
      commit: 0a542a86d73b1577e7d4f55fc95dcffd3fe62643
    - name: bpf_loop
      version: 5.17
- name: flags
  features:
    - name: BPF_F_LINK
      version: "v6.4"
- name: kfuncs
  features:
    - name: bpf_key_put
      version: v6.1
"""

GO = """\
package version

var HelperVersion = map[asm.BuiltinFunc]KernelVersion{
\t// 3.18
\tasm.FnMapLookupElem: V(3, 18), // asm.FnLoop: V(9, 9),
\tasm.FnLoop:          V(5, 17),
}

var mapTypes = FeatureMatrix[ebpf.MapType]{
\tebpf.Hash:          {Version: "3.19"},
\tebpf.CgroupStorage: {Version: "4.19"},
\tebpf.StackTrace: {
\t\tVersion: "4.6",
\t\tFn: probe,
\t},
}
"""

C = """\
#include <stdio.h>
static struct bpf_helper helpers[] = {
  {"map_lookup_elem", "3.18"},
  {"loop", "5.17"}, /* {"loop", "1.1"}, */ {"map_peak_elem", "4.20"},
  [BPF_FUNC_csum_level] = KERNEL_VERSION(5, 7, 0),
};
"""

CSV = """\
kind,name,since,note
helper,bpf_map_lookup_elem,3.18,"first, of all"
helper,loop,v5.17,
map_type,hash,3.19,
"""

JSON = """\
[
\t{"name": "bpf_map_lookup_elem", "version": "3.18", "commit": "d0003ec01c66"},
\t{"name": "bpf_loop", "version": 5.17}
]
"""

TABLES = {"bcc": MARKDOWN, "ebpf-docs": YAML, "go": GO, "c": C, "csv": CSV, "json": JSON}


def brief(findings: Iterable[Finding]) -> list[tuple[str, str | None, str | None, str, int | None]]:
    """Return what a finding says, without evidence and notes."""
    return [(f.name, f.stated, f.actual, f.verdict, f.line) for f in findings]
