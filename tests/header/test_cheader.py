"""The generated header as text, and the command."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from helperhist.cli.group import cli
from helperhist.dataset.store import write_dataset
from helperhist.errors import DatasetError, HelperhistError, ParseError
from helperhist.header import HeaderOptions, render_header
from helperhist.header.prototypes import parse_declaration
from helperhist.timeline import Backport, Doc, Event, Row, Span, Tag, Timeline
from helperhist.version import KernelVersion
from tests.build.headers import (
    COMBINATIONS,
    ZIG_CLANG,
    embedded,
    header_text,
    syntax_tree,
    write_headers,
)


def timeline(
    *rows: Row,
    docs: Sequence[Doc] = (),
    events: Sequence[Event] = (),
    spans: Sequence[Span] = (),
    kernel: bool = True,
    label: str = "a test",
) -> Timeline:
    """A timeline of four releases."""
    tags = [
        Tag(f"v{version}", KernelVersion.parse(version), "", "", None, "bpf.h", "")
        for version in ("5.3", "5.4", "5.5", "5.6")
    ]
    return Timeline(
        replace(embedded().metadata, kernel=kernel), rows,
        lambda: tags, lambda: spans, lambda: events, lambda: docs, label,
    )  # fmt: skip


def helper(name: str, number: int, **fields: object) -> Row:
    values: dict[str, object] = {
        "since": "5.4", "tag": "v5.4", "first_tag": "v5.4",
        "prototype": f"long {name}(u64 flags)",
    }  # fmt: skip
    return Row("helper", name, number, **{**values, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prototype", "returns", "arguments", "opaque"),
    [
        ("void *bpf_x(struct bpf_map *map, const void *key)", "void *",
         "void *map, const void *key", ()),
        ("long bpf_x(struct sk_buff *skb, u32 len)", "long ",
         "struct __sk_buff *skb, __u32 len", ("struct __sk_buff",)),
        ("u64 bpf_x(void)", "__u64 ", "void", ()),
        ("long bpf_x(struct xdp_buff *xdp_md, struct sk_msg_buff *msg)", "long ",
         "struct xdp_md *xdp_md, struct sk_msg_md *msg", ("struct sk_msg_md", "struct xdp_md")),
        ("long bpf_x(const char *fmt, size_t fmt_size, ...)", "long ",
         "const char *fmt, unsigned long fmt_size, ...", ()),
        ("s64 bpf_x(const struct path *path, unsigned long *res, __be32 *from)", "__s64 ",
         "const struct path *path, unsigned long *res, __be32 *from", ("struct path",)),
        ("struct tcp6_sock *bpf_x(void **out)", "struct tcp6_sock *", "void **out",
         ("struct tcp6_sock",)),
    ],
    ids=["map", "skb", "void", "xdp", "variadic", "path", "struct-result"],
)  # fmt: skip
def test_types_as_programs_see_them(
    prototype: str, returns: str, arguments: str, opaque: tuple[str, ...]
) -> None:
    found = parse_declaration(prototype)
    assert (found.returns, found.arguments, found.opaque) == (returns, arguments, opaque)


@pytest.mark.parametrize(
    ("prototype", "message"),
    [
        ("long bpf_x(pid_t pid)", "programs do not know its type 'pid_t'"),
        ("long bpf_x(enum bpf_cmd cmd)", "programs do not know its type 'enum bpf_cmd'"),
        ("long bpf_x(u32)", "cannot be read"),
        ("long bpf_x(int (*callback)(void))", "cannot be read"),
        ("see below", "cannot be read"),
        ("long bpf_x(u64 if)", "has the name 'if', which is reserved"),
        ("long bpf_x(u64 __attribute__)", "name '__attribute__', which is reserved"),
        ("long bpf_x(u64 a, u64 a)", "cannot be read"),
        ("long bpf_x(u64 \u00e9)", "cannot be read"),
        ("long bpf_x(void a)", "cannot be read"),
        ("long bpf_x(..., u64 a)", "cannot be read"),
        ("long bpf_x(...)", "cannot be read"),
        ("long bpf_x(struct if *a)", "has the name 'if', which is reserved"),
        ("unsigned void *bpf_x(u64 a)", "programs do not know its type 'unsigned void'"),
        ("long bpf_y(u64 a)", "is of another helper"),
    ],
    ids=["typedef", "enum", "no-name", "pointer-to-function", "prose", "keyword", "attribute",
         "twice", "non-ascii", "void", "dots-first", "dots-alone", "keyword-tag", "no-type",
         "other-helper"],
)  # fmt: skip
def test_types_that_programs_do_not_know(prototype: str, message: str) -> None:
    with pytest.raises(ParseError, match=message.replace("(", r"\(")):
        parse_declaration(prototype, "bpf_x")


def test_the_declaration_of_an_example() -> None:
    assert (
        "static long (* const bpf_probe_read_str)"
        "(void *dst, __u32 size, const void *unsafe_ptr)"
        " = HELPERHIST_CALL(bpf_probe_read_str) 45;\n"
    ) in header_text(HeaderOptions())
    assert "bpf_probe_read_str: Linux 4.11, commit a5e8c07059d0" in header_text(HeaderOptions())


def test_the_head_of_the_file() -> None:
    options = HeaderOptions("version", "enum", KernelVersion.parse("4.19"), only=("bpf_l*",))
    lines = header_text(options).splitlines()
    assert lines[0] == "/* SPDX-License-Identifier: (LGPL-2.1 OR BSD-2-Clause) */"
    head = "\n".join(lines[:30])
    assert (
        "helperhist header --guard version --ids enum --min-kernel 4.19 --only 'bpf_l*'"
    ) in head
    assert "embedded data: bpf.h of 3.18 to 7.3" in head
    assert "Linux 3.18 to 7.3" in head
    assert "HELPERHIST_HAS(bpf_loop)" in head


@pytest.mark.parametrize(("guard", "ids"), COMBINATIONS)
def test_equal_input_gives_equal_text(guard: str, ids: str) -> None:
    some = HeaderOptions(guard, ids, None, KernelVersion.parse("5.4"), ("bpf_l*",), undeclared=True)
    for options in (HeaderOptions(guard, ids), some):
        text = render_header(embedded(), options).text
        assert text == render_header(embedded(), options).text
        assert text.isascii()
        assert text.endswith("\n")
        assert "\n\n\n" not in text
        assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_what_the_data_cannot_tell_is_left_out_and_named(tmp_path: Path) -> None:
    rows = (
        helper("bpf_good", 1),
        helper("bpf_undocumented", 2, prototype=None),
        helper("bpf_odd", 3, prototype="long bpf_odd(pid_t pid)"),
        helper("bpf_gone", 4, removed="v5.6"),
        helper("bpf_candidate", 5, since=None, tag=None),
        helper("bpf_numberless", None),  # type: ignore[arg-type]
    )
    found = render_header(timeline(*rows))
    assert dict(found.left_out) == {
        "bpf_undocumented": "its prototype is not in the data (documented from Linux 4.18 on)",
        "bpf_odd": "programs do not know its type 'pid_t'",
        "bpf_gone": "removed from mainline in v5.6",
        "bpf_candidate": "in no mainline release",
        "bpf_numberless": "its number is not in the data",
    }
    body = "#define __BPF_FUNC_MAPPER(FN) FN(unspec), FN(good), FN(gone),\n"
    headers = write_headers(tmp_path, "5.5", body)
    no = "".join(f"#if HELPERHIST_HAS({name})\n#error\n#endif\n" for name, _ in found.left_out)
    assert syntax_tree("#include <linux/bpf.h>\n" + found.text + no, headers).numbers == {
        "bpf_good": 1
    }


def test_a_number_that_releases_do_not_share() -> None:
    rows = (helper("bpf_moved", 7, since="5.3", tag="v5.3"), helper("bpf_fixed", 8))
    spans = (
        Span("", "helper", "bpf_moved", 6, "v5.3", "v5.4"),
        Span("", "helper", "bpf_moved", 7, "v5.5", None),
        Span("", "helper", "bpf_fixed", 8, "v5.4", None),
    )
    events = (Event("renumbered", "helper", "bpf_moved", "v5.5", "6", "7"),)
    data = timeline(*rows, spans=spans, events=events)
    assert render_header(data).left_out == (
        (
            "bpf_moved",
            "releases differ in its number (6 from 5.3 on, 7 from 5.5 on); use --ids uapi",
        ),
    )
    assert render_header(data, HeaderOptions(ids="uapi")).left_out == ()
    # Renumbered before it was released: releases agree.
    data = timeline(*rows, spans=spans[1:], events=events)
    assert render_header(data).left_out == ()


def test_data_that_begins_after_the_helper(tmp_path: Path) -> None:
    old = helper("bpf_old", 1, since="5.3", tag="v5.3", or_earlier=True)
    text = render_header(timeline(old, helper("bpf_new", 2)), HeaderOptions("version")).text
    assert "bpf_old: Linux 5.3 or earlier: the data lacks what came before" in text
    for version, numbers in (("5.3", {"bpf_old": 1}), ("5.4", {"bpf_old": 1, "bpf_new": 2})):
        assert syntax_tree(
            "#include <linux/types.h>\n" + text, write_headers(tmp_path / version, version)
        ).numbers == numbers  # fmt: skip
    data = timeline(old, helper("bpf_new", 2))
    for guard, version in (("version", "5.2"), ("auto", "4.9")):
        assert_the_data_cannot_tell(
            render_header(data, HeaderOptions(guard)).text, write_headers(tmp_path / guard, version)
        )


def test_data_with_a_gap_before_the_helper(tmp_path: Path) -> None:
    rows = (helper("bpf_old", 1), helper("bpf_x", 2, since="5.6", tag="v5.6", or_earlier=True))
    text = render_header(timeline(*rows), HeaderOptions("version")).text
    assert "begins" not in text
    assert "bpf_x: Linux 5.6 or earlier: the data lacks what came before" in text
    assert_the_data_cannot_tell(text, write_headers(tmp_path, "5.5"))


def assert_the_data_cannot_tell(text: str, headers: Path) -> None:
    done = subprocess.run(
        [*ZIG_CLANG.argv, "-fsyntax-only", "-isystem", str(headers),
         "-include", "linux/types.h", "-x", "c", "-"],
        input=text, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "it cannot tell what older kernels have" in done.stderr


def test_comments_hold_any_text(tmp_path: Path) -> None:
    row = helper(
        "bpf_x", 1, commit="0" * 40, subject="bpf: */ int evil; /* and a /**/ \\",
        backports=(Backport("4.19", "4.19.300"),),
    )  # fmt: skip
    doc = Doc("bpf_x", "v5.4", "Close */ it:\n\n\tcode /* here */\n\\", "0 */ on \x07 success")
    text = render_header(
        timeline(row, docs=[doc], label="/srv/*/linux"), HeaderOptions(docs=True, data="*/x")
    ).text
    assert "In stable kernels: 4.19 from 4.19.300" in text
    assert "Close * / it:" in text
    assert " * Returns\n *     0 * / on   success\n" in text
    found = syntax_tree("#include <linux/types.h>\n" + text, write_headers(tmp_path, "5.4"))
    assert found.numbers == {}
    found = syntax_tree(
        "#include <linux/bpf.h>\n" + text,
        write_headers(
            tmp_path, "5.5", "#define __BPF_FUNC_MAPPER(FN) FN(unspec), FN(x)\n"
        ),
    )  # fmt: skip
    assert found.numbers == {"bpf_x": 1}


@pytest.mark.parametrize(
    "name",
    ['bpf_x\n#include "evil.h"\n//', "bpf_x)(void)=0;int evil;int(*y", "evil", "bpf_\u00e9",
     "bpf_", "bpf_unspec"],
)  # fmt: skip
def test_names_that_are_not_of_helpers_get_nowhere(name: str, tmp_path: Path) -> None:
    """Also those that would only be named as left out."""
    for prototype in ("long bpf_x(u64 flags)", None):
        rows = (helper(name, 1, prototype=prototype), helper("bpf_y", 2))
        write_dataset(timeline(*rows), tmp_path / "data")
        code, text, errors = run("--data", str(tmp_path / "data"))
        assert (code, text) == (2, "")
        assert "in this data is no name of a helper; scan again" in errors
        assert len(errors.splitlines()) == 1


def test_a_helper_that_the_data_has_twice() -> None:
    with pytest.raises(DatasetError, match="has bpf_x twice"):
        render_header(timeline(helper("bpf_x", 1), helper("bpf_x", 2)))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"attributes": ("__x;int/**/evil;",)}, "its attribute '__x;int/**/evil;' is unknown"),
        ({"attributes": ("__attribute__",)}, "its attribute '__attribute__' is unknown"),
        ({"attributes": ("static",)}, "its attribute 'static' is unknown"),
        ({"id": 0}, "its number in the data is none of a helper"),
        ({"id": -5}, "its number in the data is none of a helper"),
        ({"id": 1 << 31}, "its number in the data is none of a helper"),
        ({"removed": "*/\nint evil;"}, "removed from mainline in * / int evil;"),
    ],
    ids=["code", "keyword", "storage", "zero", "negative", "large", "tag"],
)
def test_what_no_kernel_has_is_left_out(
    fields: dict[str, object], reason: str, tmp_path: Path
) -> None:
    row = replace(helper("bpf_x", 1), **fields)  # type: ignore[arg-type]
    found = render_header(timeline(row, helper("bpf_y", 2)), HeaderOptions("none", "enum"))
    assert found.left_out == (("bpf_x", reason),)
    headers = write_headers(tmp_path, "5.4")
    tree = syntax_tree("#include <linux/types.h>\n" + found.text, headers)
    assert tree.numbers == {"bpf_y": 2}


def test_a_helper_of_a_release_to_come() -> None:
    text = render_header(timeline(helper("bpf_x", 1, since="5.7", tag=None))).text
    assert "/* bpf_x: Linux 5.7, not released yet */" in text


def test_attributes_that_are_unknown_do_nothing_where_nobody_defines_them(tmp_path: Path) -> None:
    text = render_header(
        timeline(helper("bpf_x", 1, attributes=("__bpf_new",))), HeaderOptions("none")
    ).text
    headers = write_headers(tmp_path, "5.4")
    assert syntax_tree("#include <linux/types.h>\n" + text, headers).numbers == {"bpf_x": 1}


def test_fastcall_as_libbpf_has_it() -> None:
    text = header_text(HeaderOptions())
    assert "static __bpf_fastcall __u32 (* const bpf_get_smp_processor_id)(void)" in text
    assert text.count("static __bpf_fastcall") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (HeaderOptions(only=("bpf_prob_read_str",)), "no such helper.*bpf_probe_read_str"),
        (HeaderOptions(only=("BPF_MAP_TYPE_RINGBUF",)), "no such helper"),
        (HeaderOptions(only=("bpf_unspec",)), "no such helper or kfunc in this data; see"),
        (HeaderOptions(only=("bpf_loop",), max_kernel=KernelVersion.parse("5.4")),
         "newer than 5.4; raise it"),
        (HeaderOptions(max_kernel=KernelVersion.parse("3.18")), "newer than 3.18; raise it"),
        (HeaderOptions(min_kernel=KernelVersion.parse("5.8"),
                       max_kernel=KernelVersion.parse("5.4")), "5.8 is newer than .* 5.4; swap"),
        (HeaderOptions(docs=True), "has no documentation"),
    ],
    ids=["unknown", "no-helper", "sentinel", "only-later", "none-yet", "empty-range", "no-docs"],
)  # fmt: skip
def test_errors(options: HeaderOptions, message: str) -> None:
    with pytest.raises(HelperhistError, match=message):
        render_header(embedded(), options)


def test_data_of_something_else_than_a_kernel() -> None:
    with pytest.raises(DatasetError, match="not known to be kernel releases"):
        render_header(timeline(helper("bpf_x", 1), kernel=False))


def test_nothing_but_helpers_that_cannot_be_declared() -> None:
    with pytest.raises(HelperhistError, match="bpf_x: its prototype is not in the data"):
        render_header(timeline(helper("bpf_x", 1, prototype=None)))


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner(env={"HELPERHIST_DATA": "embedded"}).invoke(
        cli, ["header", *args], catch_exceptions=False
    )
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_or_writes(tmp_path: Path) -> None:
    code, text, errors = run("--data", "embedded", "--guard", "mapper", "--ids", "enum")
    assert (code, errors) == (0, "")
    assert text == header_text(HeaderOptions("mapper", "enum", data="embedded"))
    target = tmp_path / "bpf_helper_defs.h"
    target.write_text("older")
    target.chmod(0o640)
    code, printed, errors = run(
        "--data", "embedded", "--guard", "mapper", "--ids", "enum", "-o", str(target)
    )
    assert (code, printed, errors) == (0, "", "")
    assert target.read_text() == text
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == [target.name]  # noqa: PTH208


def test_the_command_fails_whole(tmp_path: Path) -> None:
    target = tmp_path / "bpf_helper_defs.h"
    target.write_text("older")
    code, _, errors = run("--only", "bpf_nonesuch_at_all", "-o", str(target))
    assert code == 2
    assert "no such helper or kfunc in this data; see `helperhist list`" in errors
    assert target.read_text() == "older"
    code, _, errors = run("-o", str(tmp_path / "missing" / "x.h"))
    assert code == 2
    assert "cannot write" in errors
    assert run("--min-kernel", "new")[0] == 2
    assert run("--guard", "both")[0] == 2


def test_the_command_writes_through_a_link_and_to_a_device(tmp_path: Path) -> None:
    target, link = tmp_path / "real.h", tmp_path / "link.h"
    link.symlink_to(target)
    assert run("--only", "bpf_loop", "-o", str(link))[0] == 0
    assert link.is_symlink()
    assert "bpf_loop" in target.read_text()
    assert run("--only", "bpf_loop", "-o", "/dev/null")[0] == 0
    assert Path("/dev/null").is_char_device()


def test_the_command_writes_to_standard_output_for_a_dash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, text, _ = run("--data", "embedded", "--only", "bpf_loop", "-o", "-")
    assert (code, list(tmp_path.iterdir())) == (0, [])
    assert "(* const bpf_loop)" in text


def test_the_command_with_a_dataset_of_its_own(tmp_path: Path) -> None:
    doc = Doc("bpf_x", "v5.4", "Do x.", "0 on success.")
    rows = (helper("bpf_x", 1), helper("bpf_y", 2, prototype=None))
    write_dataset(timeline(*rows, docs=[doc]), tmp_path / "data")
    code, text, errors = run("--data", str(tmp_path / "data"), "--docs")
    assert code == 0
    assert "left out: bpf_y: its prototype is not in the data" in errors
    assert " * bpf_x: Linux 5.4\n *\n * Do x.\n *\n * Returns\n *     0 on success.\n" in text


def test_the_same_bytes_in_any_locale(tmp_path: Path) -> None:
    doc = Doc("bpf_x", "v5.4", "Z\u00e4hle \u2014 \u2603 \u202e", "")
    write_dataset(timeline(helper("bpf_x", 1), docs=[doc]), tmp_path / "data")
    args = ["header", "--data", str(tmp_path / "data"), "--docs"]
    done = CliRunner(charset="latin-1").invoke(cli, args)
    assert done.exit_code == 0
    assert " * Z\u00e4hle \u2014 \u2603\n".encode() in done.stdout_bytes
    run(*args[1:], "-o", str(tmp_path / "x.h"))
    assert (tmp_path / "x.h").read_bytes() == done.stdout_bytes


def test_help_has_examples() -> None:
    code, text, _ = run("--help")
    assert code == 0
    assert "Examples:\n  helperhist header -o bpf_helper_defs.h\n" in text


def test_the_command_imports_nothing_heavy() -> None:
    code = (
        "import sys, json; from helperhist.cli.group import cli\n"
        "cli(['header', '--only', 'bpf_loop', '-o', '/dev/null'], standalone_mode=False)\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    environment = {**os.environ, "HELPERHIST_DATA": "embedded"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    loaded = set(json.loads(done.stdout))
    assert {"click", "jinja2"} <= loaded
    assert not loaded & {"pandas", "numpy", "matplotlib", "pygit2", "elftools", "yaml"}
