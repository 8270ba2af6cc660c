"""Read what booted kernels of unread releases say into ``sightings.csv``.

    python data/sightings.py ANSWERS.json NEXT.json TREE

The first two are of ``tests/boot_uses.py``: from a kernel of a release without a tree, and from
one of the next release with one, of which ``TREE`` is the source. Only facts are looked at that
the trees before and after have differently. The first kernel

- has a fact if its verifier lets any program of the type make the call, or if its BTF marks the
  kfunc;
- lacks it if it refuses the call in every kind of program in which the second one allows it, or
  if only the second one's BTF marks the kfunc, and the first one's marks another kfunc of the same
  file, so that this file was built; unless the fact depends on a configuration that the two
  kernels have differently.

Anything else is left out. The kernels are stable updates; such open no helpers to program types.
"""

import csv
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import helperhist
from helperhist.timeline import Relations
from helperhist.version import KernelVersion

HERE = Path(__file__).parent
KINDS = ("helper_use", "kfunc_use")
_KFUNC = re.compile(rb"^[ \t]*__bpf_kfunc\b[^;{}()]*?\b(\w+)\s*\(", re.MULTILINE)

Key = tuple[str, str]
Answers = dict[Key, dict[tuple[Any, ...], str]]


def read_answers(tree: dict[str, Any]) -> Answers:
    """Return what a kernel said, by name and program type, then by kind of program."""
    names = {
        int(number): name.replace("BPF_FUNC_", "bpf_", 1)
        for number, name in tree["helper_names"].items()
    }
    found: Answers = defaultdict(dict)
    for kind in KINDS:
        for prog_type, attach_type, call, answer, _, target, sleepable in tree[kind]:
            name = names.get(call, "") if kind == "helper_use" else call
            found[name, prog_type][attach_type, target, sleepable] = answer
    return found


def find_sightings(
    first: dict[str, Any], second: dict[str, Any], files: Mapping[str, str], relations: Relations
) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, object, whether the first kernel has it, and what says so.

    :param files: of kfuncs, where the second kernel's source defines them
    """
    release, after = (
        KernelVersion.parse(tree["kernel"].partition("+")[0]) for tree in (first, second)
    )
    read = [KernelVersion.parse(text) for text in relations.read("helper_use")]
    if release.series in [version.text for version in read]:
        raise SystemExit(f"a tree of {release.series} was read")
    versions = max(v for v in read if v < release), KernelVersion.parse(after.series)
    said, later = read_answers(first), read_answers(second)
    marked, marked_later = set(first["kfuncs_tagged"]), set(second["kfuncs_tagged"])
    built = {files[name] for name in marked if name in files}
    changed = set(first["config"]) ^ set(second["config"])
    configs: dict[str, str] = defaultdict(str)
    for relation in relations.find("kfunc_use"):
        configs[relation.name] += f" {relation.value}"

    def depends(text: str) -> bool:
        return not changed.isdisjoint(re.findall(r"CONFIG_\w+", text))

    for kind in ("kfunc", *KINDS):
        for relation in relations.find(kind):
            key = relation.name, relation.object
            before, then = (relations.has(kind, *key, version).value for version in versions)
            if (before is None) == (then is None):
                continue
            value = before or then or ""
            if kind != "helper_use" and relation.name not in marked:
                there = before is None and relation.name in marked_later
                known = files.get(relation.name) in built and not depends(configs[relation.name])
                if there and known:
                    yield *key, "no", "its BTF lacks it"
                continue
            if kind == "kfunc":
                yield *key, "yes", "its BTF marks it"
                continue
            if "yes" in said[key].values():
                yield *key, "yes", "its verifier allows it"
                continue
            allowed = [context for context, answer in later[key].items() if answer == "yes"]
            refused = allowed and all(said[key].get(context) == "no" for context in allowed)
            if refused and not depends(value):
                yield *key, "no", "its verifier refuses it"


def defined(tree: Path) -> dict[str, str]:
    """Return the files that define the kfuncs of a kernel tree."""
    found = {}
    for path in sorted(tree.rglob("*.c")):
        for match in _KFUNC.finditer(path.read_bytes()):
            found[match[1].decode()] = path.relative_to(tree).as_posix()
    return found


def main() -> None:
    """Run as a script."""
    if len(sys.argv) != 4:
        raise SystemExit("usage: python data/sightings.py ANSWERS.json NEXT.json TREE")
    first, second = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3])
    relations = helperhist.load("embedded").relations
    series = KernelVersion.parse(first["kernel"].partition("+")[0]).series
    found = sorted(find_sightings(first, second, defined(Path(sys.argv[3])), relations))
    with (HERE / "sightings.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("name", "object", "tag", "seen", "by", "where"))
        for name, other, seen, where in found:
            writer.writerow((name, other, f"v{series}", seen, f"Linux {first['kernel']}", where))


if __name__ == "__main__":
    main()
