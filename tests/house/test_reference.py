"""The reference is what ``--help`` prints, and links between pages lead somewhere."""

import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("data/*.md")],
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^()\s]+)\)")


def test_reference_is_the_help() -> None:
    module: dict[str, Any] = runpy.run_path(str(ROOT / "docs/reference.py"))
    written = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    assert written == module["render"](), "run `python docs/reference.py`"


def test_manual_pages_are_the_help() -> None:
    module: dict[str, Any] = runpy.run_path(str(ROOT / "docs/manpages.py"))
    pages = sorted((ROOT / "docs/man").glob("*.1"))
    written = {page.name: page.read_text(encoding="utf-8") for page in pages}
    assert written == module["render_all"](), "run `python docs/manpages.py`"


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_manual_pages_are_troff() -> None:
    for page in sorted((ROOT / "docs/man").glob("*.1")):
        done = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", page], capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        # Bold is a letter, a backspace and the letter again, or an escape sequence.
        assert "EXIT STATUS" in re.sub(r".\x08|\x1b\[[\d;]*m", "", done.stdout)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def dead_links(page: Path) -> list[str]:
    """Return the relative links of a page that lead to no file or to no heading."""
    dead = []
    for link in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links(page: Path) -> None:
    assert dead_links(page) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text(
        "# Top `x`: y\n[a](b.md) [b](#top-x-y) [c](#none) [d](https://e) [e](a.md#none)\n"
        "```\n# none\n[f](g)\n```\n"
    )
    assert dead_links(page) == ["b.md", "#none", "a.md#none"]


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 180


def test_every_page_is_in_the_site() -> None:
    import yaml

    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    listed = {name for entry in nav for name in _files(entry)}
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in ROOT.glob("docs/**/*.md")}
    pages.remove("pypi.md")  # for the package, not for the site
    # One is made by a command before the site is built.
    assert listed - {"can-i-use.html"} == pages


def _files(entry: Any) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    values = entry.values() if isinstance(entry, dict) else entry
    return [name for value in values for name in _files(value)]
