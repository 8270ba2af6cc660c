"""The house: packages take from one another only what is offered."""

import ast
import importlib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "helperhist"
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
#: Packages that offer modules: a look-up must not load what only another command needs.
OF_MODULES = {"cli", "frames", "plots", "report", "sources"}


@cache
def imports() -> tuple[tuple[Path, str, str], ...]:
    """Return what files take from helperhist: file, module and name."""
    return tuple(
        (path, node.module, alias.name)
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helperhist.")
        for alias in node.names
        if node.module is not None
    )


def taken(room: str) -> list[str]:
    """Return what other rooms take of one without its being offered."""
    offered = set(importlib.import_module(f"helperhist.{room}").__all__)
    found = []
    for path, module, name in imports():
        parts = module.split(".")
        if parts[1] != room or path.relative_to(PACKAGE).parts[0] == room:
            continue
        if room in OF_MODULES and parts[2:]:
            if name not in importlib.import_module(module).__all__:
                found.append(f"{path.relative_to(ROOT)}: {module}.{name}")
        elif parts[2:] or name not in offered:
            found.append(f"{path.relative_to(ROOT)}: {module}.{name}")
    return found


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "cli"])
def test_rooms_take_only_what_is_offered(room: str) -> None:
    assert taken(room) == []


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "cli"])
def test_what_is_offered_is_there(room: str) -> None:
    package = importlib.import_module(f"helperhist.{room}")
    missing = []
    for name in package.__all__:
        if not hasattr(package, name):
            try:
                importlib.import_module(f"helperhist.{room}.{name}")
            except ImportError:
                missing.append(name)
    assert missing == []
    assert len(set(package.__all__)) == len(package.__all__)


def test_types_are_promised() -> None:
    assert (PACKAGE / "py.typed").exists()
