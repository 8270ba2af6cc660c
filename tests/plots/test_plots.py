"""Figures: complete, legible, the same each time, and those of the README up to date."""

import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from helperhist import frames, plots
from helperhist.cli.group import cli
from helperhist.dataset.store import load, write_dataset
from helperhist.errors import DatasetError
from helperhist.timeline import Fact, Parts, Reading, Run, Timeline
from helperhist.timeline.analysis import LTS
from tests.build.growth import helpers, make_timeline, with_author_dates

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def embedded() -> Timeline:
    return load("embedded")


def short_scan() -> Timeline:
    """Three releases of a history that begins in the middle, in one year."""
    first = [
        *helpers("map_lookup_elem", "probe_read", "skb_output"),
        *(Fact.of("cmd", f"BPF_COMMAND_{number}", number) for number in range(26)),
        *(Fact.of("map_type", f"BPF_MAP_TYPE_{number}", number) for number in range(25)),
        *(Fact.of("link_type", f"BPF_LINK_TYPE_{number}", number) for number in range(25)),
    ]
    return make_timeline(
        {
            "v5.4": first,
            "v5.5": [*first, *helpers("xdp_output", start=4)],
            "v5.6": [*first, *helpers("xdp_output", "loop", start=4)],
        },
        {"v5.4": "2019-11-24", "v5.5": "2020-01-26", "v5.6": "2020-03-29"},
        complete=False,
    )


XDP, TC = "BPF_PROG_TYPE_XDP", "BPF_PROG_TYPE_SCHED_CLS"
RELATED = ("kfuncs", "churn", "pairs", plots.BY_TYPE)


def short_trees() -> Timeline:
    """Return the short scan with two of its releases read as trees."""
    plain = short_scan()
    parts = Parts(
        (
            Run("helper_use", "bpf_probe_read", XDP, "", "v5.4", None),
            Run("helper_use", "bpf_skb_output", TC, "", "v5.6", None),
            Run("helper_use", "bpf_probe_read", TC, "?", "v5.4", None),
            Run("kfunc", "bpf_a", "", "", "v5.4", None),
            Run("kfunc", "bpf_b", "", "", "v5.6", None),
        ),
        tuple(
            Reading(source, tag, "a tree")
            for source in ("helper_use", "kfuncs")
            for tag in ("v5.4", "v5.6")
        ),
    )
    return Timeline(
        plain.metadata, plain.rows, lambda: plain.tags, lambda: plain.spans,
        lambda: plain.events, lambda: plain.docs, relations=lambda name: parts,
    )  # fmt: skip


def timeline_for(kind: str, timeline: Timeline) -> Timeline:
    return with_author_dates(timeline, 120) if kind == "lead" else timeline


def visible_texts(figure: Figure) -> list[Text]:
    """Return the texts that are drawn: of an axis, the labels within its limits."""
    hidden: set[Text] = set()
    shown: set[Text] = set()
    for axes in figure.axes:
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            hidden.update(axis.findobj(Text))
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            shown.update(label for place, label in ticks if min(limits) <= place <= max(limits))
            shown.add(axis.label)
    every = set(figure.findobj(Text)) - hidden | shown
    return [text for text in every if text.get_visible() and text.get_text().strip()]


@pytest.mark.parametrize("data", ["embedded", "short"])
@pytest.mark.parametrize("kind", plots.PLOTS)
def test_no_text_is_clipped_or_overlaps_another(kind: str, data: str, embedded: Timeline) -> None:
    short = short_trees() if kind in RELATED else short_scan()
    timeline = timeline_for(kind, embedded if data == "embedded" else short)
    figure = plots.figure(kind, timeline)
    # A canvas that knows the sizes of letters.
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    width, height = figure.bbox.width, figure.bbox.height
    boxes = []
    for text in visible_texts(figure):
        box = text.get_window_extent()
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
        # The box of letters without descenders is a little higher than they are.
        boxes.append((text, box.padded(-1.5)))
    overlapping = [
        (one.get_text(), other.get_text())
        for (one, box), (other, box2) in itertools.combinations(boxes, 2)
        if box.overlaps(box2)
    ]
    assert overlapping == []


@pytest.mark.parametrize("kind", plots.PLOTS)
def test_figures_have_a_title_labels_with_units_and_a_legend(kind: str, embedded: Timeline) -> None:
    axes = plots.figure(kind, timeline_for(kind, embedded)).axes[0]
    assert axes.get_title(loc="left")
    unit = r"\((number|version|year|days)\)|bars: new helpers|without bpf_"
    assert re.search(unit, axes.get_xlabel()), axes.get_xlabel()
    assert re.search(unit, axes.get_ylabel()), axes.get_ylabel()
    legend = axes.get_legend()
    assert legend is not None
    assert len(legend.get_texts()) >= 2


def test_lines_differ_without_colour(embedded: Timeline) -> None:
    axes = plots.figure("lists", embedded).axes[0]
    shapes = [
        (line.get_marker(), line._unscaled_dash_pattern[1] or ())  # type: ignore[attr-defined]
        for line in axes.get_lines()
        if line.get_label()
        in ("attach types", "commands", "map types", "program types", "link types")
    ]
    assert len(shapes) == 5
    assert len({marker for marker, _ in shapes}) == 5
    assert len({tuple(dashes) for _, dashes in shapes}) == 5


def test_bars_of_longterm_kernels_differ_without_colour(embedded: Timeline) -> None:
    axes = plots.figure("releases", embedded).axes[0]
    hatched = [index for index, bar in enumerate(axes.patches) if bar.get_hatch()]
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert [labels[index] for index in hatched] == list(LTS)


def test_growth_shows_the_end_of_the_list_and_what_it_does_not_show(embedded: Timeline) -> None:
    texts = "\n".join(text.get_text() for text in visible_texts(plots.figure("growth", embedded)))
    assert "v6.2: the last new helpers.\nNone in the 21 releases since" in texts
    assert "not drawn, date not known: v7.3" in texts
    axes = plots.figure("growth", embedded).axes[0]
    step = axes.get_lines()[0]
    drawn = np.asarray(step.get_ydata()).tolist()
    assert len(drawn) == len(embedded.releases) - 1
    assert (drawn[0], drawn[-1]) == (0, 211)


def test_no_end_of_the_list_is_claimed_for_other_histories() -> None:
    texts = [text.get_text() for text in visible_texts(plots.figure("growth", short_scan()))]
    assert not any("last new" in text for text in texts)


def test_kfuncs_say_where_the_helpers_stopped(embedded: Timeline) -> None:
    figure = plots.figure("kfuncs", embedded)
    title = figure.axes[0].get_title(loc="left")
    assert title == "Helpers stopped at 211 in 6.2; kfuncs went on to 349 in 7.3"
    texts = [text.get_text() for text in visible_texts(figure)]
    assert "not drawn, date not known: v7.3" in "\n".join(texts)
    other = plots.figure("kfuncs", short_trees()).axes[0]
    assert other.get_title(loc="left") == "BPF helpers and kfuncs over time"


def test_releases_that_were_not_read_are_drawn_as_bounds() -> None:
    axes = plots.figure("kfuncs", short_trees()).axes[0]
    boxes = [bar for bar in axes.patches if isinstance(bar, Rectangle) and bar.get_hatch()]
    # Of 5.5, between two releases that were read: bpf_a, and perhaps bpf_b.
    assert [(bar.get_y(), bar.get_height()) for bar in boxes] == [(1, 1)]
    churned = plots.figure("churn", short_trees()).axes[0]
    outlines = [
        (bar.get_x() + bar.get_width() / 2, bar.get_height())
        for bar in churned.patches
        if isinstance(bar, Rectangle) and bar.get_facecolor()[:3] == (1.0, 1.0, 1.0)
    ]
    assert [(round(x, 6), y) for x, y in outlines] == [(2, 1)]
    assert "may be older: 1 kfuncs" in churned.get_xlabel()


def test_cells_of_program_types_have_numbers_and_bounds(embedded: Timeline) -> None:
    axes = plots.figure(plots.BY_TYPE, short_trees()).axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["0-1", "1", "1", "1-2"]
    axes = plots.figure(plots.BY_TYPE, embedded).axes[0]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    texts = [text.get_text() for text in axes.texts]
    at = rows.index("xdp") * 12
    assert texts[at : at + 3] == ["-", "9", "13"]


def test_late_pairs_are_counted_in_the_title(embedded: Timeline) -> None:
    axes = plots.figure("pairs", embedded).axes[0]
    found = frames.pairs(embedded)
    late = found[found["removed"].isna() & found["late"].fillna(value=False)]
    title = axes.get_title(loc="left")
    # Those of a condition that was not read are no certain yes.
    unread = late["condition"].str.contains("?", regex=False).sum()
    assert title.startswith(f"{len(late) - unread} of ")


def test_what_a_history_begins_with_is_no_bar() -> None:
    axes = plots.figure("releases", short_scan()).axes[0]
    heights = [bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle)]
    assert heights == [0, 1, 1]
    assert "not drawn, as they may be older: 3 helpers of 5.4" in axes.get_xlabel()


@pytest.mark.parametrize("kind", ["releases", "families"])
def test_helpers_that_come_after_a_gap_are_no_bar_and_told(kind: str) -> None:
    timeline = make_timeline(
        {
            "v5.4": helpers("loop"),
            "v5.6": helpers("loop", "d_path", "bind"),
            "v5.7": helpers("loop", "d_path", "bind", "sys_bpf"),
            "v5.9": helpers("loop", "d_path", "bind", "sys_bpf", "strtol"),
        }
    )
    axes = plots.figure(kind, timeline).axes[0]
    assert axes.get_xlabel().endswith("\nnot drawn, as they may be older: 3 helpers of 5.6, 5.9")


def test_the_first_bar_of_longterm_kernels_is_not_compared(embedded: Timeline) -> None:
    axes = plots.figure("lts", embedded).axes[0]
    hatched = [bar.get_height() for bar in axes.patches if bar.get_hatch()]  # type: ignore[attr-defined]
    assert hatched == [0, 16, 12, 30, 27, 45, 20, 34, 2, 0, 0, 0]


def test_dates_of_other_histories_than_the_kernels_say_nothing(embedded: Timeline) -> None:
    timeline = with_author_dates(embedded, 120)
    timeline.metadata = replace(timeline.metadata, kernel=False)
    with pytest.raises(DatasetError, match="scan a clone of the kernel"):
        plots.figure("lead", timeline)


def test_a_history_with_helpers_alone_has_no_figure_of_other_lists() -> None:
    timeline = make_timeline({"v5.4": helpers("a")}, {"v5.4": "2019-11-24"})
    with pytest.raises(DatasetError, match="none of the other lists"):
        plots.figure("lists", timeline)


@pytest.mark.parametrize("kind", ["growth", "lists"])
def test_a_history_without_dates_is_not_drawn_over_time(kind: str) -> None:
    timeline = make_timeline({"v5.4": helpers("a"), "v5.5": helpers("a", "b")})
    with pytest.raises(DatasetError, match="no release of this data has a date"):
        plots.figure(kind, timeline)
    assert plots.figure("releases", timeline).axes


@pytest.mark.parametrize("kind", plots.PLOTS)
def test_every_format_is_a_file_of_its_kind_and_always_the_same(
    kind: str, embedded: Timeline
) -> None:
    timeline = timeline_for(kind, embedded)
    svg = plots.render(kind, timeline, "svg")
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("width") == "619.2pt"  # 8.6 inches: the width of a README
    assert b"<text" not in svg
    assert svg == plots.render(kind, timeline, "svg")
    png = plots.render(kind, timeline, "png")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(png[16:20], "big") == 1290
    assert plots.render(kind, timeline, "pdf").startswith(b"%PDF-")


def test_figures_bring_their_own_light_ground(embedded: Timeline) -> None:
    root = ET.fromstring(plots.render("lts", embedded, "svg"))
    background = root.find(".//*[@id='patch_1']/{http://www.w3.org/2000/svg}path")
    assert background is not None
    assert "fill: #ffffff" in (background.get("style") or "")


def written_in(svg: str) -> list[str]:
    """Return the texts of a figure: matplotlib leaves each in a comment beside its outlines."""
    return re.findall(r"<!-- (.*?) -->", svg, re.DOTALL)


@pytest.mark.parametrize("kind", ["growth", "lts"])
def test_the_figures_of_the_readme_are_up_to_date(kind: str, embedded: Timeline) -> None:
    stored = (ROOT / "docs" / f"{kind}.svg").read_text("utf-8")
    texts = written_in(stored)
    assert len(texts) > 20
    # In substance: other versions of matplotlib place things a little differently.
    assert texts == written_in(plots.render(kind, embedded, "svg").decode()), (
        f"run `helperhist plot {kind} --data embedded -o docs/{kind}.svg`"
    )


def test_drawing_needs_no_display_and_no_global_state(tmp_path: Path) -> None:
    program = (
        "import sys, helperhist; from helperhist import plots\n"
        "plots.render('lts', helperhist.load('embedded'), 'svg')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    (tmp_path / "matplotlibrc").write_text("backend: TkAgg\nfigure.facecolor: black\n")
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(tmp_path), "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("suffix", plots.FORMATS)
def test_command_writes_the_file(suffix: str, tmp_path: Path, embedded: Timeline) -> None:
    path = tmp_path / f"figure.{suffix}"
    result = CliRunner().invoke(
        cli, ["plot", "lts", "-o", str(path), "--data", "embedded"], catch_exceptions=False
    )
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"wrote {path}\nsource: embedded data")
    assert path.read_bytes() == plots.render("lts", embedded, suffix)
    assert list(tmp_path.iterdir()) == [path]


def test_command_names_the_file_after_the_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["plot", "lts", "--data", "embedded"], catch_exceptions=False)
    assert result.exit_code == 0
    assert (tmp_path / "lts.svg").read_bytes().startswith(b"<?xml")


def test_command_draws_the_matrix_by_program_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded: Timeline
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["plot", "matrix", "--prog-type", "--data", "embedded"]
    assert CliRunner().invoke(cli, arguments, catch_exceptions=False).exit_code == 0
    written = (tmp_path / "matrix-prog-type.svg").read_bytes()
    assert written == plots.render(plots.BY_TYPE, embedded, "svg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["plot", "growth", "-o", "x.gif"], "x.gif must end in .svg, .png, .pdf"),
        (["plot", "growth", "-o", "absent/x.svg"], "there is no folder absent"),
        (["plot", "xdp", "--prog-type"], "'xdp' is not one of 'growth'"),
        (["plot", "lts", "--prog-type"], "--prog-type goes with matrix, not with lts"),
        (["plot", plots.BY_TYPE], "is not one of 'growth'"),
        (["plot", "pie"], "'pie' is not one of 'growth'"),
    ],
    ids=["format", "folder", "flag", "flag of another kind", "variant", "kind"],
)
def test_command_says_what_is_wrong(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, [*arguments, "--data", "embedded"], catch_exceptions=False)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_lead_times_need_author_dates(tmp_path: Path) -> None:
    write_dataset(make_timeline({"v5.8": helpers("a")}, {"v5.8": "2020-08-02"}), tmp_path / "data")
    arguments = ["plot", "lead", "-o", str(tmp_path / "x.svg"), "--data", str(tmp_path / "data")]
    result = CliRunner().invoke(cli, arguments, catch_exceptions=False)
    assert result.exit_code == 2
    assert "scan a clone of the kernel" in " ".join(result.stderr.split())
    assert not (tmp_path / "x.svg").exists()
