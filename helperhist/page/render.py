"""A timeline as one web page: HTML, style, script and data in one file that asks for nothing."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from helperhist.page.names import encode_names
from helperhist.page.relations import LEFT_OUT, encode_relations, find_columns
from helperhist.page.words import program_words
from helperhist.printable import printable
from helperhist.timeline import LTS, Statements, Timeline

__all__ = ["render_page"]

#: The scripts, in the order in which each uses those before it.
_SCRIPTS = (
    "version.js", "data.js", "answers.js", "has.js", "evidence.js", "search.js", "choice.js",
    "dom.js", "matrix.js", "entry.js", "callers.js", "related.js", "compare.js", "results.js",
    "lists.js", "about.js", "kernels.js", "need.js", "address.js", "app.js",
)  # fmt: skip


def render_page(timelines: Sequence[Timeline]) -> str:
    """Return the page of a timeline, or of two that are shown side by side.

    Equal timelines give equal pages. What other people wrote (names, subjects, prototypes) is data
    for the script, or escaped text; a policy in the page forbids markup and script made of it.

    :raises DatasetError: a timeline is not of a kernel history
    """
    for timeline in timelines:
        timeline.require_kernel()
    style = _asset("style.css")
    script = "".join(['"use strict";(() => {\n', *map(_asset, _SCRIPTS), "})();\n"])
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["printable"] = printable
    page = environment.from_string(_asset("page.html.j2"))
    return page.render(
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        data=_json([_encode(timeline) for timeline in timelines]),
        plain=[_plain(timeline) for timeline in timelines],
        labels=[timeline.label for timeline in timelines],
        notes=dict.fromkeys(note for timeline in timelines for note in timeline.metadata.notes),
    )


def _asset(name: str) -> str:
    return files("helperhist.page").joinpath("assets", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return the source of a Content-Security-Policy that allows just this text."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _json(value: object) -> str:
    """Return JSON that can stand in a script element, whatever is in it."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    for char in "<>&":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _encode(timeline: Timeline) -> dict[str, Any]:
    statements = timeline.statements_of("")
    columns = find_columns(timeline)
    return {
        "label": timeline.label,
        "source": timeline.metadata.source,
        "notes": list(timeline.metadata.notes),
        "lts": list(LTS),
        "programs": program_words(timeline),
        "events": [
            [event.event, event.kind, event.name, event.tag, event.before, event.after]
            for event in timeline.events
        ],
        "evidence": _evidence(statements),
        "witnesses": [list(astuple(one)) for one in statements.witnesses.values()],
        "columns": [version.text for version in columns],
        "relations": encode_relations(timeline, columns),
        **encode_names(timeline),
    }


def _evidence(statements: Statements) -> dict[str, Any]:
    """Return statements as places of their parts in ``texts``."""
    places: dict[str, int] = {}
    listed = [
        [places.setdefault(part, len(places)) for part in astuple(said)]
        for said in statements.evidence
        if said.kind not in LEFT_OUT
    ]
    return {"texts": list(places), "statements": listed}


def _plain(timeline: Timeline) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Return kinds with their names, releases and removals, for browsers without script."""
    kinds: dict[str, list[tuple[str, str, str]]] = {}
    for row in timeline.rows:
        since = row.since or "in no mainline release"
        removed = row.removed or ""
        kinds.setdefault(row.kind, []).append(
            (row.name, since + " or earlier" * row.or_earlier, removed)
        )
    if timeline.relations:
        for kfunc in timeline.relations.find("kfunc"):
            since = kfunc.since
            if kfunc.absent is not None:
                since = f"between {kfunc.absent} and {kfunc.since}"
            since += " or earlier" * kfunc.or_earlier
            removed = "" if kfunc.removed is None else f"v{kfunc.removed}"
            kinds.setdefault("kfunc", []).append((kfunc.name, since, removed))
    return list(kinds.items())
