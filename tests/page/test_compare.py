"""Two datasets side by side: what differs is what they say of releases that both know."""

from collections.abc import Callable
from pathlib import Path

from helperhist.page import render_page
from helperhist.timeline import Timeline
from tests.build.relations import related
from tests.build.timeline import helpers, make_timeline
from tests.page.conftest import Opened

ONE = {
    "v5.1": helpers("a"),
    "v5.2": helpers("a", "b"),
    "v5.2.1": helpers("a", "b"),
    "v5.3": helpers("a", "b", "c"),
    "v5.4": helpers("a", "b", "c", "late"),
}
#: It begins later, ends earlier, has ``c`` a release before, and an update with ``d``.
TWO = {
    "v5.2": helpers("a", "b", "c"),
    "v5.2.1": helpers("a", "b", "c", "d"),
    "v5.3": helpers("a", "b", "c"),
    "v5.3.0-vendor": helpers("a", "b", "c", own=99),
}


def write(folder: Path, *timelines: Timeline) -> Path:
    path = folder / "page.html"
    path.write_text(render_page(timelines), encoding="utf-8")
    return path


def test_differences(show: Callable[..., Opened], tmp_path: Path) -> None:
    opened = show(path=write(tmp_path, make_timeline(ONE), make_timeline(TWO, complete=False)))
    found = opened.ask(
        """() => helperhist.differences(...helperhist.app.all).map((row) => [row.name, row.at])"""
    )
    # Neither that the second begins with "5.2 or earlier", nor that it ends before bpf_late. That
    # the vendor's build has bpf_own is nothing that the first could know.
    assert found == [["bpf_c", "5.2"], ["bpf_d", ""]]
    assert "Of 2 names they say the opposite" in opened.text("article")


def test_entry_of_both(show: Callable[..., Opened], tmp_path: Path) -> None:
    opened = show(
        "#bpf_c", path=write(tmp_path, make_timeline(ONE), make_timeline(TWO, complete=False))
    )
    shown = opened.page.locator(".verdict").all_inner_texts()
    assert [" ".join(text.split()) for text in shown] == [
        "A: test since 5.3 2000-04-01",
        "B: test since 5.2 or earlier",
    ]
    opened.go("#bpf_own")
    assert opened.text("h1") == "bpf_own"
    opened.page.fill("#q", "own")
    assert opened.text("#results li").startswith("bpf_own")


def test_what_a_dataset_does_not_say_is_no_never(
    show: Callable[..., Opened], tmp_path: Path
) -> None:
    opened = show("#bpf_b@xdp", path=write(tmp_path, related(), make_timeline(ONE)))
    shown = [" ".join(one.split()) for one in opened.page.locator(".verdict").all_inner_texts()]
    assert shown[0].startswith("A: test since 5.2")
    assert shown[1] == "B: test cannot tell This data does not say who may call it."
    heads = opened.page.locator(".bars tbody th").all_inner_texts()
    assert heads == ["A the name itself", "B the name itself", "A XDP", "A SCHED_CLS"]
    opened.go("#bpf_k_new")
    segments = opened.page.locator(".bars tbody tr").nth(1).locator(".seg")
    assert segments.evaluate_all("(all) => all.map((one) => one.className)") == ["seg unknown"]
