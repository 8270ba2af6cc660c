"""One more process of a long search for introducing commits; see :mod:`helperhist.mining.walk`."""

import json
import os
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

from helperhist.errors import HelperhistError
from helperhist.git import Repository, tune_libgit2
from helperhist.mining.walk import HeaderGraph

__all__: list[str] = []


def _main() -> None:
    lines: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(lines,), daemon=True).start()
    request = json.loads(lines.get())
    tune_libgit2()
    try:
        repository = Repository(Path(request["repository"]), request["paths"])
        for folder in request["objects"]:
            repository.add_objects(Path(folder))
        graph = HeaderGraph(repository)
        # While the process that asks is still reading headers.
        _ = repository.shortcut
        found: dict[str, str | None] = {}
        for commit, names in json.loads(lines.get()):
            found.update(graph.introductions(commit, frozenset(names)))
        json.dump({"found": found}, sys.stdout)
    except HelperhistError as error:
        json.dump({"error": str(error)}, sys.stdout)


def _listen(lines: "SimpleQueue[bytes]") -> None:
    """Pass on the lines of standard input; end this process where it ends."""
    # Not sys.stdin.read(), whose lock would be held when the interpreter ends.
    rest = b""
    while data := os.read(sys.stdin.fileno(), 1 << 16):
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            lines.put(line)
    os._exit(1)


if __name__ == "__main__":
    _main()
