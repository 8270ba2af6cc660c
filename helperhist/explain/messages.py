"""What a message of the verifier, a loader or a compiler says about kernels: text to findings.

Pure: lines and a timeline in, findings out. The messages are a table in
:mod:`helperhist.explain.rules`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from helperhist.explain.escaped import pieces
from helperhist.explain.names import Answer, Names
from helperhist.explain.rules import RULES
from helperhist.timeline import Timeline

__all__ = ["MAX_FINDINGS", "Finding", "explain", "iter_lines"]

#: Different findings that are kept; a real log has a handful.
MAX_FINDINGS = 1000

#: Bytes of a line that are looked at in one piece.
MAX_LINE = 1 << 16

# Colours: gcc sets them even within the quotes around a name.
_CONTROL_SEQUENCE = re.compile(r"\x1b\[[0-9;:]{0,64}[A-Za-z]")

# The instruction that the verifier is at, in all spellings of its log:
# "8: (85) call bpf_get_stackid#27", until 4.9 "(85) call 27".
_CALL = re.compile(r"\(85\) call (?:([A-Za-z_]\w{0,127})#)?(-?[0-9]{1,10})(?![0-9])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Finding:
    """A message that was recognised, and what it says.

    :ivar line: number of the first line that has it, from 1
    :ivar count: how many times it was seen
    :ivar message: the message as it was written
    :ivar answer: what it means
    """

    line: int
    count: int
    message: str
    answer: Answer

    def to_json(self) -> dict[str, Any]:
        """Return the documented JSON object of this finding."""
        answer = self.answer
        return {
            "line": self.line,
            "count": self.count,
            "message": self.message,
            "rule": answer.rule,
            "kind": answer.kind,
            "name": answer.name,
            "id": answer.id,
            "since": answer.since,
            "meaning": answer.meaning,
            "advice": answer.advice,
        }


def explain(lines: Iterable[str], timeline: Timeline) -> tuple[Finding, ...]:
    """Return what is recognised in a text, in the order of the text, each message once.

    Memory is bounded by :data:`MAX_FINDINGS`, whatever the text.
    """
    names = Names(timeline)
    found: dict[tuple[str, str], Finding] = {}
    for number, line in enumerate(lines, 1):
        if "\x1b" in line:
            line = _CONTROL_SEQUENCE.sub("", line)
        for piece in pieces(line):
            _look(piece, number, names, found)
    return tuple(found.values())


def _look(line: str, number: int, names: Names, found: dict[tuple[str, str], Finding]) -> None:
    if "(85) call " in line and (call := _CALL.search(line)) is not None:
        names.called = (call[1], int(call[2]))
    names.without_btf = names.without_btf or "btf_vmlinux is malformed" in line
    for message, answer in _answers(line, names):
        key = (answer.rule, message if answer.name is None else f"{answer.name} {answer.id}")
        old = found.get(key)
        if old is not None:
            found[key] = Finding(old.line, old.count + 1, old.message, old.answer)
        elif len(found) < MAX_FINDINGS:
            found[key] = Finding(number, 1, message, answer)


def _answers(line: str, names: Names) -> Iterator[tuple[str, Answer]]:
    for rule in RULES:
        # The plain search keeps long logs cheap: hardly any line has one of these texts.
        if rule.mark in line:
            for match in rule.pattern.finditer(line):
                answer = rule.answer(match, names)
                if answer is not None:
                    yield match[0], answer


def iter_lines(stream: IO[bytes]) -> Iterator[str]:
    """Yield the lines of a log; one longer than :data:`MAX_LINE` comes in pieces."""
    while line := stream.readline(MAX_LINE):
        yield line.decode("utf-8", "replace")
