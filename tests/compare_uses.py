"""Compare what a kernel lets programs call with what the source of that kernel says.

``python tests/compare_uses.py ANSWERS.json TREE`` takes what ``boot_uses.py`` wrote and a source
tree of the same kernel (of Debian's: ``linux-source-X.Y``, or the upstream tree of its version),
or a release (``6.12``), of which the embedded data is asked. Exit code 1 if anything differs
without a reason.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import helperhist
from helperhist.sources import Condition, Source, read_tree
from helperhist.sources.helper_use import HelperUse
from helperhist.sources.kfuncs import KfuncSource
from helperhist.version import KernelVersion
from tests.vm.agreement import Agreement, compare_calls
from tests.vm.contexts import Context

_SHOWN = 40


def _files(source: Source, tree: Path) -> Iterator[tuple[str, bytes]]:
    for root in source.roots:
        for path in sorted((tree / root).rglob("*.[ch]")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(tree).as_posix(), path.read_bytes()


def _facts(tree: str, kind: str, source: Source) -> dict[tuple[str, str], Condition]:
    """Return the conditions of a tree or release, by name and program type."""
    if Path(tree).is_dir():
        found, _ = read_tree(source, _files(source, Path(tree)))
        return {
            (fact.name, fact.object): Condition.parse(fact.value)
            for fact in found
            if fact.kind == kind
        }
    relations, release = helperhist.load("embedded").relations, KernelVersion.parse(tree)
    held = (
        (item, relations.has(kind, item.name, item.object, release).value)
        for item in relations.find(kind)
    )
    return {
        (item.name, item.object): Condition.parse(value)
        for item, value in held
        if value is not None
    }


def compare(answers: dict[str, Any], tree: str) -> Iterator[tuple[str, Agreement]]:
    """Yield the comparison of helpers, and that of kfuncs."""
    names = {
        int(number): name.replace("BPF_FUNC_", "bpf_", 1)
        for number, name in answers["helper_names"].items()
    }
    config = frozenset(answers.get("config", ()))
    sources: tuple[tuple[str, Source], ...] = (
        ("helper_use", HelperUse()),
        ("kfunc_use", KfuncSource()),
    )
    for kind, source in sources:
        facts = _facts(tree, kind, source)
        calls = (
            (Context(prog_type, attach_type, target, sleepable), names.get(call, str(call)), *said)
            for prog_type, attach_type, call, *said, target, sleepable in answers[kind]
        )
        yield kind, compare_calls(calls, facts, config, answers["kernel"])


def main() -> int:
    """Run as a script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("answers", type=Path, metavar="ANSWERS.json")
    parser.add_argument("tree", metavar="TREE|RELEASE")
    options = parser.parse_args()
    answers = json.loads(options.answers.read_text())
    differ = 0
    lines = []
    for kind, result in compare(answers, options.tree):
        differ += len(result.differ)
        lines.append(
            f"{answers['kernel']}: {kind}: {result.agree} agree, {len(result.differ)} differ, "
            f"{result.explained.total()} explained, {result.open.total()} open"
        )
        for title, counts in (("explained", result.explained), ("open", result.open)):
            lines += (f"  {title}: {count} x {text}" for text, count in counts.most_common(_SHOWN))
        lines += (f"  differs: {text}" for text in result.differ[:_SHOWN])
    sys.stdout.write("\n".join(lines) + "\n")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main())
