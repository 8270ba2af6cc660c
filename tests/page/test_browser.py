"""The page as people use it, in a real browser."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from helperhist.page import render_page
from tests.page.conftest import Opened
from tests.page.test_render import HOSTILE, hostile

Show = Callable[..., Opened]

#: One of each view.
ADDRESSES = (
    *("#", "#bpf_ringbuf_output", "#bpf_cpumask_create@tracing", "#BPF_MAP_TYPE_HASH"),
    *("#BPF_PROG_TYPE_XDP", "#xdp_md.egress_ifindex", "#kernels=5.4&types=xdp", "#q=bpf"),
    *(
        "#need=bpf_get_current_pid_tgid@xdp,BPF_MAP_TYPE_RINGBUF",
        "#about",
        "#release=5.8",
        "#kind=flag",
        "#no_such_name",
    ),
)

BACKGROUND = "() => getComputedStyle(document.documentElement).backgroundColor"


def first(opened: Opened) -> str:
    return opened.text("#results li")


def search(opened: Opened, text: str) -> str:
    opened.page.fill("#q", text)
    return first(opened)


def test_search(show: Show) -> None:
    opened = show()
    assert search(opened, "bpf_get_current_pid_tgid in XDP").startswith(
        "bpf_get_current_pid_tgid in XDP 6.10"
    )
    assert opened.text(".verdict").startswith("since 6.10 2024-07-14")
    assert search(opened, "loop").startswith("bpf_loop 5.17")
    assert search(opened, "BPF_FUNC_loop").startswith("bpf_loop 5.17")
    assert search(opened, "#181").startswith("bpf_loop")
    assert search(opened, "181").startswith("bpf_loop")
    assert search(opened, "probe_raed_str").startswith("bpf_probe_read_str")
    assert search(opened, "bpf_sock_ops_load_hdr_opt").startswith("bpf_load_hdr_opt")
    assert search(opened, "str probe kernel").startswith("bpf_probe_read_kernel_str")
    assert search(opened, "gso_size").startswith("__sk_buff.gso_size")
    assert search(opened, "map type ringbuf").startswith("BPF_MAP_TYPE_RINGBUF 5.8")
    assert search(opened, "bpf_loop 5.10").startswith("bpf_loop ✕ no in 5.10")
    assert search(opened, "bpf_loop tc").startswith("bpf_loop in SCHED_CLS 5.17")
    opened.page.fill("#q", "zzzzqqqq")
    assert "Nothing is called zzzzqqqq" in opened.text("#results")


def test_links_and_the_back_button(show: Show) -> None:
    opened = show()
    opened.page.locator("#q").press_sequentially("ringbuf_o")
    opened.page.locator("#q").press("Enter")
    assert opened.address == "#bpf_ringbuf_output"
    opened.page.click("table.bars >> text=XDP")
    assert opened.address == "#bpf_ringbuf_output@xdp"
    assert opened.text("h1") == "bpf_ringbuf_output in XDP programs"
    opened.page.go_back()
    assert opened.text("h1") == "bpf_ringbuf_output"
    opened.page.go_back()
    assert opened.page.input_value("#q") == "ringbuf_o"
    assert first(opened).startswith("bpf_ringbuf_output")
    opened.page.go_back()
    assert opened.text("h1") == "Which kernel has which part of BPF?"


@pytest.mark.parametrize(
    ("address", "title", "verdict"),
    [
        ("#bpf_loop", "bpf_loop", "since 5.17"),
        ("#bpf_loop@xdp", "bpf_loop in XDP programs", "since 5.17"),
        ("#bpf_loop@fentry", "bpf_loop in TRACING programs", "since 5.17"),
        ("#bpf_bind@xdp", "bpf_bind in XDP programs", "✕ never"),
        ("#181", "bpf_loop", "since 5.17"),
        ("#__sk_buff.gso_size", "__sk_buff.gso_size", "since 5.7"),
        ("#bpf_get_current_pid_tgid@tracing", "bpf_get_current_pid_tgid in TRACING programs",
         "came between 5.4 and 5.6"),
    ],
)  # fmt: skip
def test_permanent_links(show: Show, address: str, title: str, verdict: str) -> None:
    opened = show(address)
    assert opened.text("h1") == title
    assert opened.text(".verdict").startswith(verdict)


def test_matrix_says_conditions_on_hover_focus_and_tap(show: Show) -> None:
    opened = show("#bpf_bind")
    row = opened.page.locator("tr", has_text="CGROUP_SOCK_ADDR")
    said = "4.17 and later: yes, attach type BPF_CGROUP_INET4_CONNECT or BPF_CGROUP_INET6_CONNECT"
    row.locator(".seg").hover()
    assert opened.text("#tip") == said
    opened.page.mouse.move(1, 1)
    assert opened.page.is_hidden("#tip")
    opened.page.locator(".bars .seg").first.focus()
    opened.page.keyboard.press("ArrowDown")
    assert opened.text("#tip") == said
    assert row.locator(".seg").get_attribute("aria-label") == f"CGROUP_SOCK_ADDR, {said}"
    opened.page.keyboard.press("Escape")
    assert opened.page.is_hidden("#tip")
    touch = show("#bpf_bind", has_touch=True, viewport={"width": 320, "height": 800})
    touch.page.locator("tr", has_text="SOCK_").locator(".seg").tap()
    assert touch.text("#tip") == said


def test_bounds_are_drawn_as_bounds(show: Show) -> None:
    opened = show("#bpf_get_current_pid_tgid@tracing")
    row = opened.page.locator("tr.current")
    states = row.locator(".seg").evaluate_all("(all) => all.map((one) => one.className)")
    assert states == ["seg unknown", "seg yes"]
    assert row.locator(".seg").first.get_attribute("data-tip") == (
        "5.5: cannot tell: no such release was read"
    )


def test_kernels_and_types(show: Show) -> None:
    opened = show("#kernels")
    opened.page.check("#kernel-5\\.4", force=True)
    opened.page.check("#kernel-6\\.1", force=True)
    opened.page.check("#type-xdp", force=True)
    assert opened.address == "#kernels=5.4,6.1&types=xdp"
    names = opened.page.locator("article tbody th").all_inner_texts()
    assert "bpf_xdp_adjust_head" in names
    assert "bpf_loop" not in names  # 5.17
    assert "bpf_get_current_pid_tgid" not in names  # XDP may since 6.10
    opened.page.fill("#kernel-add", "4.18.0-553.el8")
    opened.page.keyboard.press("Enter")
    assert "counts as mainline 4.18" in opened.text("article")
    assert "bpf_tcp_gen_syncookie" in names  # 5.4
    assert "bpf_tcp_gen_syncookie" not in opened.text("article tbody")
    opened.page.fill("#choice-filter", "redirect")
    assert opened.page.locator("article tbody th").all_inner_texts() == [
        "bpf_redirect",
        "bpf_redirect_map",
    ]
    assert opened.address.endswith("&filter=redirect")
    with opened.page.expect_download() as saved:
        opened.page.click("text=Save CSV")
    lines = Path(saved.value.path()).read_text(encoding="utf-8").splitlines()
    assert lines[0] == "name,kind,since,conditions,kernels,programs"
    assert lines[1].startswith("bpf_redirect,helper,4.4,")
    # The address alone gives the same list.
    again = show(opened.address)
    assert again.text("article tbody") == opened.text("article tbody")
    bad = show("#kernels=spam,99.1")
    assert "spam is not a kernel version" in bad.text("article")
    assert "99.1 is newer than this data" in bad.text("article")


def test_need(show: Show) -> None:
    opened = show("#need")
    opened.page.fill("#need-text", "bpf_loop\nBPF_MAP_TYPE_RINGBUF bpf_get_current_pid_tgid@xdp")
    assert opened.text(".verdict") == ("minimum kernel 6.10 because of bpf_get_current_pid_tgid")
    again = show(opened.address)
    assert again.text(".verdict") == opened.text(".verdict")
    opened.page.fill("#need-text", "hid_bpf_get_data@tracing")
    assert opened.text(".verdict") == "Only in 6.3 to 6.10 because of hid_bpf_get_data"
    opened.page.fill("#need-text", "bpf_bind@xdp bpf_loop")
    assert opened.text(".verdict") == "No release has all of them because of bpf_bind"
    opened.page.fill("#need-text", "bfp_lop")
    assert "Not known: bfp_lop (nearest: bpf_loop" in opened.text("#need-answer")
    opened.page.fill("#need-text", "{")
    assert "This is not JSON" in opened.text("#need-answer")


def test_need_of_a_checked_object(show: Show, tmp_path: Path) -> None:
    checked = [
        {
            "file": "prog.o", "min_kernel": "6.10", "at_least": False, "or_earlier": False,
            "decided_by": ["bpf_get_current_pid_tgid"],
            "programs": [{"name": "filter", "type": "xdp"}],
            "requirements": [
                {"kind": "helper", "name": "bpf_get_current_pid_tgid", "since": "6.10",
                 "program": "filter", "optional": False},
                {"kind": "feature", "name": "bounded loops", "since": "5.3", "program": "filter"},
            ],
        }
    ]  # fmt: skip
    file = tmp_path / "need.json"
    file.write_text(json.dumps(checked))
    opened = show("#need")
    opened.page.set_input_files("#need-file", file)
    opened.page.wait_for_selector(".verdict")
    assert opened.text(".verdict") == "minimum kernel 6.10 because of bpf_get_current_pid_tgid"
    assert "check says: minimum kernel 6.10" in opened.text("#need-answer")
    assert "bounded loops (feature, 5.3)" in opened.text("#need-answer")


def test_keyboard(show: Show) -> None:
    opened = show("#bpf_loop")
    opened.page.locator("h1").focus()
    opened.page.keyboard.press("/")
    opened.page.locator("#q").press_sequentially("spin_l")
    opened.page.keyboard.press("ArrowDown")
    assert opened.ask("() => document.activeElement.getAttribute('href')") == "#bpf_spin_lock"
    opened.page.keyboard.press("ArrowUp")
    assert opened.ask("() => document.activeElement.id") == "q"
    opened.page.keyboard.press("Escape")
    assert opened.page.input_value("#q") == ""


def test_results_are_announced(show: Show) -> None:
    opened = show()
    opened.page.fill("#q", "bpf_spin_lock")
    opened.page.locator("#live", has_text="First").wait_for(state="attached")
    assert opened.page.text_content("#live").endswith("First: bpf_spin_lock, 5.1")


@pytest.mark.parametrize("width", [320, 768, 2560])
def test_nothing_is_wider_than_the_window(show: Show, width: int) -> None:
    opened = show(viewport={"width": width, "height": 800})
    for address in ADDRESSES:
        opened.go(address)
        assert opened.ask("() => document.documentElement.scrollWidth") <= width, address


def test_colours_follow_the_system_and_the_button(show: Show) -> None:
    light, dark = show(color_scheme="light"), show(color_scheme="dark")
    assert light.ask(BACKGROUND) == "rgb(255, 255, 255)"
    assert dark.ask(BACKGROUND) == "rgb(20, 23, 27)"
    light.page.click("#theme")
    assert light.ask(BACKGROUND) == "rgb(20, 23, 27)"
    light.page.reload()
    assert light.ask(BACKGROUND) == "rgb(20, 23, 27)"


def test_print_has_the_answer_and_no_controls(show: Show) -> None:
    opened = show("#bpf_bind", color_scheme="dark")
    opened.page.emulate_media(media="print")
    assert opened.ask(BACKGROUND) == "rgb(255, 255, 255)"
    assert opened.page.is_visible(".verdict")
    assert opened.page.is_visible("td.note >> text=attach type")
    assert not opened.page.is_visible("#q")


def test_without_javascript_it_is_a_list(show: Show) -> None:
    opened = show("#bpf_loop", java_script_enabled=False)
    assert opened.text("#bpf_loop") == "bpf_loop 5.17"
    assert opened.page.locator(".plain-list li").count() > 1800
    assert not opened.page.is_visible("#q")


def test_hostile_names_are_shown_and_do_nothing(show: Show, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(render_page([hostile(), hostile()]), encoding="utf-8")
    opened = show(path=path)
    opened.page.on("dialog", lambda dialog: opened.faults.append("dialog"))
    assert opened.page.locator("img, article script, article b b").count() == 0
    count = opened.ask("() => helperhist.app.data.entries.length")
    for place in range(count):
        opened.ask(
            """(place) => helperhist.app.go("#" + encodeURIComponent(
              helperhist.app.data.entries[place].name.replace(/[\\ud800-\\udfff]/gu, "?")))""",
            place,
        )
        assert opened.page.locator("img, article script, article h1 ~ h1").count() == 0
    for text in HOSTILE[:4]:
        opened.page.fill("#q", text)
    opened.page.fill("#q", "bpf_\u202e")
    assert "\\u202e" in opened.text("#results")
    for address in ("#about", "#need", "#kernels=5.1", "#release=5.1", "#kind=helper", "#%"):
        opened.go(address)
        assert opened.page.locator("img, article script").count() == 0


def test_markup_is_refused_by_the_policy(show: Show) -> None:
    opened = show()
    refused = opened.ask(
        """() => {
          try { document.body.innerHTML = "<img src=x>"; return false; } catch { return true; }
        }"""
    )
    assert refused
    opened.faults.clear()  # Chromium logs what the policy refused
