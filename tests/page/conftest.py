"""A real browser with a page in it, that reports what a page must not do."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from helperhist.dataset import load
from helperhist.page import render_page
from helperhist.timeline import Timeline

CHROMIUM = os.environ.get("HELPERHIST_CHROMIUM") or shutil.which("chromium") or ""


@dataclass
class Opened:
    """A page in the browser, and what it did that nobody asked for."""

    page: Any
    faults: list[str] = field(default_factory=list)

    def text(self, selector: str) -> str:
        """Return the text of an element, as it is shown."""
        shown: str = self.page.inner_text(selector)
        return " ".join(shown.split())

    @property
    def address(self) -> str:
        """The part of the address that the page itself writes."""
        found: str = self.page.evaluate("() => location.hash")
        return found

    def go(self, address: str) -> None:
        """Go to another address of the page, as a link does."""
        self.page.evaluate("(address) => helperhist.app.go(address)", address)

    def ask(self, script: str, argument: object = None) -> Any:
        """Return what a function of the page's own JavaScript answers."""
        # As one text: a page of objects takes Playwright long to hand over.
        text = self.page.evaluate(
            f"async (argument) => JSON.stringify(await ({script})(argument)) ?? null", argument
        )
        return None if text is None else json.loads(text)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM)
        yield started
        started.close()


@pytest.fixture(scope="session")
def embedded() -> Timeline:
    return load("embedded")


@pytest.fixture(scope="session")
def embedded_page(embedded: Timeline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "bpf.html"
    path.write_text(render_page([embedded]), encoding="utf-8")
    return path


@pytest.fixture
def show(browser: Any, embedded_page: Path) -> Iterator[Callable[..., Opened]]:
    """Open a page at an address; at the end it must have logged no error and asked for nothing."""
    opened: list[Opened] = []

    def open_page(address: str = "", path: Path = embedded_page, **options: Any) -> Opened:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        one = Opened(browser.new_context(**options).new_page())
        opened.append(one)
        one.page.on("pageerror", lambda error: one.faults.append(f"error: {error}"))
        one.page.on("console", lambda message: one.faults.append(f"console: {message.text}"))
        one.page.on(
            "request",
            lambda request: (
                None if request.is_navigation_request() else one.faults.append(request.url)
            ),
        )
        one.page.goto(path.as_uri() + address)
        return one

    yield open_page
    faults = [fault for one in opened for fault in one.faults]
    for one in opened:
        one.page.context.close()
    assert [fault for fault in faults if not fault.startswith("data:image/")] == []
