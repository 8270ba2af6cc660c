"""A timeline with relations, small enough to be read."""

from collections.abc import Iterable

from helperhist.timeline import Evidence, Fact, Parts, Reading, Run, Timeline, Witness
from tests.build.timeline import helpers, make_timeline

XDP, TC, TRACING = (f"BPF_PROG_TYPE_{name}" for name in ("XDP", "SCHED_CLS", "TRACING"))

#: 5.3 and 5.6 were not read for helpers.
READ = ("v5.1", "v5.2", "v5.4", "v5.5", "v5.7")

RUNS = (
    # In the data's first release already.
    Run("helper_use", "bpf_a", XDP, "", "v5.1", None),
    # Not before 5.2, whose tag has it first in bpf.h.
    Run("helper_use", "bpf_b", XDP, "cap=CAP_PERFMON", "v5.2", "v5.4"),
    Run("helper_use", "bpf_b", XDP, "", "v5.5", None),
    # It came between 5.2 and 5.4, and went between 5.5 and 5.7.
    Run("helper_use", "bpf_b", TC, "attach=BPF_TCX_INGRESS", "v5.4", "v5.5"),
    # A hole.
    Run("helper_use", "bpf_a", TC, "", "v5.1", "v5.1"),
    Run("helper_use", "bpf_a", TC, "?", "v5.5", None),
    # bpf_c is in bpf.h from 5.4 on, which nobody read before.
    Run("helper_use", "bpf_c", XDP, "", "v5.4", None),
    Run("kfunc", "bpf_k_new", "", "KF_ACQUIRE KF_RCU", "v5.5", None),
    Run("kfunc_proto", "bpf_k_new", "", "int bpf_k_new(void)", "v5.5", None),
    Run("kfunc_use", "bpf_k_new", TRACING, "sleepable", "v5.5", None),
    Run("kfunc_use", "bpf_k_new", XDP, "", "v5.7", None),
    Run("map_use", "bpf_a", "BPF_MAP_TYPE_HASH", "", "v5.1", None),
)
READINGS = (
    *(Reading("helper_use", tag, "somebody/linux@1234 (5.x)") for tag in READ),
    *(Reading("kfuncs", tag, "Debian linux-source 5.5") for tag in ("v5.4", "v5.5", "v5.7")),
    Reading("map_use", "v5.1", "somebody/linux@1234 (5.1)"),
)


def related(
    runs: Iterable[Run] = RUNS,
    readings: Iterable[Reading] = READINGS,
    complete: bool = False,
    evidence: Iterable[Evidence] = (),
    witnesses: Iterable[Witness] = (),
) -> Timeline:
    """Return a timeline of 5.1 to 5.7 with relations."""
    types = [Fact.of("prog_type", name, at) for at, name in enumerate((XDP, TC, TRACING))]
    early = helpers("a")
    tags = {
        "v5.1": [*early, *types],
        "v5.2": [*helpers("a", "b"), *types],
        "v5.3": [*helpers("a", "b"), *types],
        **{f"v5.{n}": [*helpers("a", "b", "c"), *types] for n in range(4, 8)},
    }
    plain = make_timeline(tags, complete=complete)
    given = Parts(tuple(runs), tuple(readings))
    stated = tuple(evidence), tuple(witnesses)
    return Timeline(
        plain.metadata,
        plain.rows,
        lambda: plain.tags,
        lambda: plain.spans,
        lambda: plain.events,
        lambda: plain.docs,
        relations=lambda name: given,
        evidence=lambda name: stated,
    )
