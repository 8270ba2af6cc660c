"""axe-core, the checker of accessibility, finds nothing in any view."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.page.conftest import Opened
from tests.page.test_browser import ADDRESSES

#: axe.min.js of the npm package axe-core.
AXE = os.environ.get("HELPERHIST_AXE", "")


@pytest.mark.skipif(not AXE, reason="HELPERHIST_AXE does not name the axe.min.js of axe-core")
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_axe_finds_nothing(show: Callable[..., Opened], scheme: str, width: int) -> None:
    # axe adds its own script, which the page's policy would refuse.
    opened = show(color_scheme=scheme, bypass_csp=True, viewport={"width": width, "height": 900})
    opened.page.evaluate(Path(AXE).read_text(encoding="utf-8") + "\n;undefined")
    found = {}
    for address in ADDRESSES:
        opened.go(address)
        violations = opened.ask(
            """() => axe.run(document, {resultTypes: ["violations"]}).then((result) =>
              result.violations.map((one) =>
                [one.id, one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200))]))"""
        )
        if violations:
            found[address] = violations
    assert found == {}
