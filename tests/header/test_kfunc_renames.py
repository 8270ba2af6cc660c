"""The table of kfuncs that do what others did before: each row fits the data, none is forgotten."""

import pytest

from helperhist.header import HeaderOptions
from helperhist.header.kfuncs.forms import find_forms
from helperhist.header.kfuncs.renames import Rename, all_renames
from helperhist.header.kfuncs.signature import parse_signature
from tests.build.headers import embedded, header_text

#: Kfuncs that are gone, and why no call of another one stands for them.
NO_SUCCESSOR = {
    "bbr_cwnd_event": "called by the kernel; bbr_cwnd_event_tx_start() is for one event only",
    "bpf_cgroup_kptr_get": "bpf_cgroup_acquire() of a pointer under RCU takes its place",
    "bpf_cpumask_any": "bpf_cpumask_any_distribute() gives another CPU each time",
    "bpf_cpumask_any_and": "bpf_cpumask_any_and_distribute() gives another CPU each time",
    "bpf_cpumask_kptr_get": "bpf_cpumask_acquire() of a pointer under RCU takes its place",
    "bpf_task_acquire_not_zero": "bpf_task_acquire() can fail itself since then",
    "bpf_task_kptr_get": "bpf_task_acquire() of a pointer under RCU takes its place",
    "cgroup_rstat_flush": "css_rstat_flush() takes another type",
    "cgroup_rstat_updated": "css_rstat_updated() takes another type",
    "cubictcp_cwnd_event": "called by the kernel; the later one is for one event only",
    "hid_bpf_attach_prog": "a struct_ops takes its place",
    "scx_bpf_cpu_rq": "scx_bpf_locked_rq() and scx_bpf_cpu_curr() are for parts of its uses",
}


@pytest.mark.parametrize("row", all_renames(), ids=lambda row: f"{row.name}-{row.other}")
def test_a_row_fits_the_data(row: Rename) -> None:
    relations = embedded().relations
    (prototypes,) = relations.find("kfunc_proto", row.name)
    newest = parse_signature(prototypes.value)
    names = {item.name for item in newest.parameters}
    assert all(text in names or text.isdigit() for text in row.arguments)
    (others,) = relations.find("kfunc_proto", row.other)
    forms = [
        form
        for form in find_forms(others, None)
        if len(form.function.parameters) == len(row.arguments)
    ]
    assert forms
    if row.other == row.name:
        # Of the kfunc itself: the form that was there until then.
        assert row.release in {form.until for form in forms}
    else:
        assert row.release in {start for start, _ in prototypes.presences}
    nothing = forms[-1].function.returns.kind() == ("void", 0)
    assert bool(row.returns) == (nothing and newest.returns.kind() != ("void", 0))
    assert len(row.evidence) > 30
    text = header_text(HeaderOptions(only=(row.name,)))
    assert f"HELPERHIST_FOUND({row.other}___v" in text


def test_each_kfunc_that_is_gone_is_decided() -> None:
    relations = embedded().relations
    tests = set(relations.names("kfunc_test"))
    gone = {
        item.name
        for item in relations.find("kfunc")
        if item.name not in tests and any(end is not None for _, end in item.presences)
    }
    later = {row.other for row in all_renames()} | {row.name for row in all_renames()}
    assert gone - later == NO_SUCCESSOR.keys()
