"""Names as people write them, and what is meant by words that are not names."""

import io
import json
from pathlib import Path

import pygit2
import pytest
from click.testing import CliRunner, Result

from helperhist.cli.group import cli


def run(*words: str, stdin: str | None = None) -> Result:
    data = [] if words[0] == "scan" else ["--data", "embedded"]
    return CliRunner().invoke(cli, [*words, *data], input=stdin, catch_exceptions=False)


def names(*words: str) -> list[str]:
    result = run("since", *words, "--json")
    assert result.exit_code == 0, result.stderr
    return [row["name"] for row in json.loads(result.stdout)]


@pytest.mark.parametrize(
    "word",
    ["bpf_loop", "loop", "BPF_LOOP", "bpf_Loop", "bpf_loop()", "bpf_loop(a, b)", "BPF_FUNC_loop",
     "BPF_FUNC_LOOP", "181", "#181", "func#181", "unknown#181", "helper #181", " bpf_loop "],
)  # fmt: skip
def test_a_helper_in_all_spellings(word: str) -> None:
    assert names(word) == ["bpf_loop"]
    assert run("since", "-q", word).stdout == "5.17\n"


def test_a_kfunc_in_another_case() -> None:
    assert names("BPF_SKB_CT_LOOKUP") == names("bpf_skb_ct_lookup") == ["bpf_skb_ct_lookup"]


@pytest.mark.parametrize("word", ["bpf_loop,bpf_strncmp", "bpf_loop, bpf_strncmp", "#181,#182"])
def test_several_names_in_one_word(word: str) -> None:
    assert names(word) == ["bpf_loop", "bpf_strncmp"]


def test_names_from_standard_input() -> None:
    result = run("since", "-q", "-", stdin="bpf_loop ringbuf\n\nbpf_probe_read_str\n")
    assert (result.exit_code, result.stdout) == (0, "5.17\n5.8\n4.11\n")
    nothing = run("since", "-", stdin="")
    assert nothing.exit_code == 2
    assert "give a name" in nothing.stderr


@pytest.mark.parametrize(
    ("word", "some"),
    [
        ("xdp_md", {"xdp_md.data", "xdp_md.egress_ifindex"}),
        ("struct xdp_md", {"xdp_md.data", "xdp_md.egress_ifindex"}),
        ("__sk_buff", {"__sk_buff.gso_size", "__sk_buff.data"}),
        ("xdp_action", {"XDP_DROP", "XDP_REDIRECT"}),
    ],
)
def test_a_struct_lists_its_fields_and_an_enum_its_values(word: str, some: set[str]) -> None:
    found = names(word)
    assert set(found) > some
    assert word.startswith("xdp_action") or all("." in name for name in found)


@pytest.mark.parametrize(
    ("word", "name", "since"),
    [
        ("xdp", "BPF_PROG_TYPE_XDP", "4.8"),
        ("XDP", "BPF_PROG_TYPE_XDP", "4.8"),
        ("struct_ops", "BPF_PROG_TYPE_STRUCT_OPS", "5.6"),
        ("kprobe", "BPF_PROG_TYPE_KPROBE", "4.1"),
        ("tracing", "BPF_PROG_TYPE_TRACING", "5.5"),
        ("ringbuf", "BPF_MAP_TYPE_RINGBUF", "5.8"),
        ("trace_fentry", "BPF_TRACE_FENTRY", "5.5"),
    ],
)
def test_a_bare_word_is_a_type_first(word: str, name: str, since: str) -> None:
    assert names(word)[0] == name
    assert run("since", "-q", word).stdout == f"{since}\n"


def test_others_of_the_word_are_offered_as_a_pattern() -> None:
    result = run("since", "ringbuf")
    assert "BPF_MAP_TYPE_RINGBUF" in result.stdout
    assert "more have ringbuf in their names: since '*ringbuf*'" in result.stderr
    assert "since '*ringbu*'" in run("since", "ringbu").stderr
    assert run("since", "-q", "ringbuf").stderr == ""


@pytest.mark.parametrize("word", ["protocol", "ifindex", "xdp_md"])
def test_quiet_refuses_a_word_that_means_several_things(word: str) -> None:
    result = run("since", "-q", word)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: {word}: means several names: ")
    assert line.endswith("write one of them")
    assert run("since", word).exit_code == 0
    # A pattern asks for several.
    assert len(run("since", "-q", "xdp_md.*").stdout.split()) > 2


def test_quiet_says_or_earlier(tmp_path: Path) -> None:
    from helperhist.dataset import write_dataset
    from tests.build.timeline import helpers, make_timeline

    write_dataset(make_timeline({"v4.7": helpers("a")}, complete=False), tmp_path / "data")
    words = ["since", "-q", "a", "--data", str(tmp_path / "data")]
    assert CliRunner().invoke(cli, words).stdout == "4.7 or earlier\n"


@pytest.mark.parametrize("version", ["4.11", "v5.8-rc3", "5.14.0-503.el9"])
def test_a_version_instead_of_a_name(version: str) -> None:
    result = run("since", "bpf_loop", version)
    assert result.exit_code == 1
    assert f"{version} is a version: did you mean `helperhist list --at {version}`?" in (
        result.stderr
    )
    assert "bpf_loop  helper 181" in result.stdout


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("bpf_loop",), "helperhist since bpf_loop"),
        (("BPF_MAP_TYPE_RINGBUF",), "helperhist since BPF_MAP_TYPE_RINGBUF"),
        (("bpf_skb_ct_lookup",), "helperhist since bpf_skb_ct_lookup"),
        (("sinc",), "helperhist since"),
        (("Check", "x.o"), "helperhist check"),
        (("5.10",), "helperhist list --at 5.10"),
        (("kernel", "5.10"), "helperhist list --at 5.10"),
        (("kernel", "latest"), "helperhist list --at latest"),
        (("kernel", "5.14.0-503.el9"), "helperhist list --at 5.14.0-503.el9"),
        (("plot", "growht"), "did you mean growth?"),
        (("list", "--kind", "maps"), "did you mean map_type?"),
        (("list", "--kind", "kfuncs"), "did you mean kfunc?"),
        (("diff", "5.4", "5.8", "--kind", "programs"), "did you mean prog_type?"),
        (("export", "--format", "csv", "--kind", "helpers"), "did you mean helper?"),
        (("export", "--format", "jsn"), "did you mean json?"),
        (("list", "--knd", "helper"), "--kind"),
        (("scan", "https://git.kernel.org/linux.git"),
         "git clone --filter=blob:none https://git.kernel.org/linux.git"),
        (("scan", "git@github.com:torvalds/linux"),
         "git clone --filter=blob:none git@github.com:torvalds/linux"),
    ],
)  # fmt: skip
def test_what_was_meant(words: tuple[str, ...], meant: str) -> None:
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert meant in line


def test_a_repository_without_tags_shows_the_expression_as_it_is(tmp_path: Path) -> None:
    repo = pygit2.init_repository(tmp_path / "linux")
    me = pygit2.Signature("a", "b@c", 0, 0)
    tree = repo.TreeBuilder().write()
    repo.create_commit("HEAD", me, me, "x", tree, [])
    result = run("scan", str(tmp_path / "linux"), "--output", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert r"\d+" in result.stderr
    assert r"\\d" not in result.stderr


def test_a_file_instead_of_a_message(tmp_path: Path) -> None:
    log = tmp_path / "l.log"
    log.write_text("0: (85) call unknown#182\ninvalid func unknown#182\n")
    result = run("explain", str(log))
    assert result.exit_code == 0
    assert "bpf_strncmp 182" in result.stdout
    assert run("explain", "-", stdin=log.read_text()).stdout == result.stdout


class _Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("words", "what"),
    [(["explain"], "a log"), (["check", "-"], "names of objects"), (["since", "-"], "names")],
)
def test_waiting_at_a_terminal_is_said(
    monkeypatch: pytest.MonkeyPatch, words: list[str], what: str
) -> None:
    import sys

    from helperhist.cli.streams import say_waiting

    heard = io.StringIO()
    monkeypatch.setattr(sys, "stderr", heard)
    monkeypatch.setattr(sys, "stdin", _Terminal(io.BytesIO()))
    say_waiting(what)
    assert heard.getvalue() == f"reading {what} from the terminal; end with Ctrl-D\n"
    # Piped, they say nothing of it.
    assert "Ctrl-D" not in run(*words, stdin="x\n").stderr
