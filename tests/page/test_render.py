"""The page as a file: its size, its bytes, and that nothing in it can act."""

import base64
import gzip
import hashlib
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from helperhist.cli.group import cli
from helperhist.dataset import write_dataset
from helperhist.errors import DatasetError
from helperhist.page import render_page
from helperhist.timeline import Parts, Run, Timeline
from tests.build.relations import READINGS, RUNS, related

#: What a name, a subject or a prototype could be in a hostile repository.
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '"><img src=x onerror=alert(1)>',
    "a\u2028b\u2029c",
    "&lt;b&gt;",
    "</noscript><h1>x</h1>",
    "bpf_\u202egnol",
    "${alert(1)}`'\\",
    "x\ud800y",
    "\x00\x1b[31m",
)


def hostile() -> Timeline:
    plain = related()
    rows = [
        *plain.rows,
        *(
            replace(
                plain.rows[0], name=text, subject=text, prototype=text, former_names=(text,),
                commit=text, removed=text, attributes=(text,), author_date=text,
            )
            for text in HOSTILE
        ),
    ]  # fmt: skip
    runs = [*RUNS]
    for text in HOSTILE:
        runs += [
            Run("kfunc", "k" + text, "", text, "v5.5", None),
            Run("kfunc_proto", "k" + text, "", text, "v5.5", None),
            Run("kfunc_use", "k" + text, text, text, "v5.5", None),
            Run("helper_use", "bpf_a", text, text, "v5.1", None),
        ]
    readings = tuple(replace(reading, origin="<b>" + HOSTILE[0]) for reading in READINGS)
    metadata = replace(plain.metadata, source=HOSTILE[0], notes=HOSTILE)
    return Timeline(
        metadata, rows, lambda: plain.tags, lambda: plain.spans, lambda: plain.events,
        lambda: (), label="<i>" + HOSTILE[0], relations=lambda name: Parts(runs, readings),
    )  # fmt: skip


class Elements(HTMLParser):
    """Collects the elements of a page, and the text of its scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.inside: list[tuple[str, str]] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]
        self._open = tag if tag in ("script", "style") else ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside.append((self._open, data))
            self._open = ""


def test_size(embedded: Timeline) -> None:
    page = render_page([embedded]).encode()
    assert len(page) <= 900_000
    assert len(gzip.compress(page, 9)) <= 250_000


def test_equal_data_gives_equal_bytes(embedded: Timeline) -> None:
    from helperhist.dataset import load

    assert render_page([embedded]) == render_page([load("embedded")])


def test_policy_allows_what_is_in_the_file_and_nothing_else() -> None:
    page = render_page([related()])
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert len(policy) == 1
    rules = dict(rule.strip().split(" ", 1) for rule in html.unescape(policy[0]).split(";"))
    assert rules.pop("default-src") == "'none'"
    found = Elements(page).inside
    assert [tag for tag, _ in found] == ["style", "script", "script"]
    for name, text in (("style-src", found[0][1]), ("script-src", found[2][1])):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules.pop(name) == f"'sha256-{digest}'"
    assert rules == {
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_foreign_text_becomes_no_markup() -> None:
    plain, foreign = Elements(render_page([related()])), Elements(render_page([hostile()]))
    assert set(foreign.tags) == set(plain.tags)
    assert foreign.tags.count("script") == plain.tags.count("script")
    assert set(foreign.attributes) == set(plain.attributes)
    data = json.loads(foreign.inside[1][1])
    names = [row[0] for rows in data[0]["rows"].values() for row in rows]
    assert set(HOSTILE) <= set(names)
    assert not set("<>&\u2028\u2029") & set(foreign.inside[1][1])


def test_a_page_needs_kernel_releases() -> None:
    plain = related()
    other = Timeline(
        replace(plain.metadata, kernel=False), plain.rows, lambda: plain.tags,
        lambda: plain.spans, lambda: plain.events, lambda: (),
    )  # fmt: skip
    with pytest.raises(DatasetError, match="are not known to be kernel releases"):
        render_page([other])


def test_command(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("command")
    write_dataset(related(), folder / "data")
    page = folder / "bpf.html"
    done = CliRunner().invoke(cli, ["page", "-o", str(page), "--data", str(folder / "data")])
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.splitlines()[0] == f"wrote {page}"
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    both = CliRunner().invoke(
        cli, ["page", "--data", str(folder / "data"), "--compare", str(folder / "data")]
    )
    assert both.exit_code == 0
    assert len(json.loads(Elements(both.stdout).inside[1][1])) == 2
    bad = CliRunner().invoke(cli, ["page", "--data", str(folder / "none")])
    assert bad.exit_code == 2
    assert bad.stderr.startswith("Error: ")
    assert len(bad.stderr.splitlines()) == 1
