"""The C types of a kfunc, from its prototype in the kernel's source or in a ``vmlinux.h``.

Two questions are asked of two prototypes. Are they one type for a compiler, so that both can stand
in one program? And are they one for a loader, which compares what the program declares with the
kernel's BTF: the kinds of the types and the number of the parameters, neither names nor widths
(``bpf_core_types_are_compat()`` in ``tools/lib/bpf/relo_core.c``)?
"""

import re
from dataclasses import dataclass

from helperhist.errors import ParseError

__all__ = ["CType", "Function", "Parameter", "parse_signature"]

_TOKEN = re.compile(r"\s*(?:([A-Za-z_]\w*)|(\.\.\.|[*(),\[\]]))", re.ASCII)
#: How bpftool writes that a pointer is into an arena.
_ARENA = "__attribute__((address_space(1)))"
_TAGGED = ("struct", "union", "enum")
_WORDS = frozenset("void char short int long signed unsigned float double bool _Bool".split())
#: Words that say nothing about the type.
_IGNORED = frozenset((
    "extern", "restrict", "__restrict", "__weak", "__ksym", "__bpf_fastcall", "__user",
    "__bpf_kfunc",
))  # fmt: skip
#: Names of integer types to what they are on every kernel of 64 bits.
_INTEGERS = {
    "u8": "__u8", "u16": "__u16", "u32": "__u32", "u64": "__u64",
    "s8": "__s8", "s16": "__s16", "s32": "__s32", "s64": "__s64",
    "size_t": "unsigned long", "bool": "_Bool", "gfp_t": "unsigned int", "pid_t": "int",
    "unsigned long long": "__u64", "long long": "__s64",  # of which C89 knows nothing
}  # fmt: skip
_SAME = {
    "__u8": "unsigned char", "__u16": "unsigned short", "__u32": "unsigned int",
    "__u64": "unsigned long long", "__s8": "signed char", "__s16": "short", "__s32": "int",
    "__s64": "long long", "__be16": "unsigned short", "__be32": "unsigned int",
    "unsigned": "unsigned int", "long int": "long", "unsigned long int": "unsigned long",
    "long unsigned int": "unsigned long", "long long int": "long long", "short int": "short",
    "short unsigned int": "unsigned short", "long long unsigned int": "unsigned long long",
    "__kernel_size_t": "unsigned long",
}  # fmt: skip
_PLAIN = frozenset((*_INTEGERS.values(), *_SAME, *_SAME.values(), "void", "char"))
#: Callbacks in one prototype; the kernel has one at most.
_DEEPEST = 8
#: Names of function types, from include/linux/bpf.h.
_CALLBACKS = {
    "bpf_task_work_callback_t": "int callback(struct bpf_map *map, void *key, void *value)",
}


@dataclass(frozen=True, slots=True)
class CType:
    """A type without function in it.

    :ivar base: ``"__u32"``, ``"struct task_struct"``
    :ivar const: whether the base is
    :ivar stars: number of ``*``
    :ivar arena: whether it points into an arena: for clang another address space
    """

    base: str
    const: bool = False
    stars: int = 0
    arena: bool = False

    @property
    def tag(self) -> str | None:
        """``"struct task_struct"`` of a struct, union or enum."""
        return self.base if self.base.startswith(_TAGGED) else None

    def identity(self) -> tuple[object, ...]:
        """What a compiler compares; a constant parameter is not another type."""
        const = self.const and self.stars > 0
        return _SAME.get(self.base, self.base), const, self.stars, self.arena

    def kind(self) -> tuple[object, ...]:
        """What a loader compares."""
        head = self.base.partition(" ")[0]
        name = head if head in (*_TAGGED, "void") else "int"
        return name, self.stars


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter; ``name`` is empty where there is none."""

    type: "CType | Function"
    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """The type of a function, and its name."""

    name: str
    returns: CType
    parameters: tuple[Parameter, ...]

    def identity(self) -> tuple[object, ...]:
        """What a compiler compares."""
        return self.returns.identity(), *(item.type.identity() for item in self.parameters)

    def kind(self) -> tuple[object, ...]:
        """What a loader compares."""
        return self.returns.kind(), *(item.type.kind() for item in self.parameters)

    @property
    def types(self) -> tuple[CType, ...]:
        """All types in it, those of the parameters of its callbacks too."""
        found = [self.returns]
        for item in self.parameters:
            found += item.type.types if isinstance(item.type, Function) else (item.type,)
        return tuple(found)

    @property
    def tags(self) -> tuple[str, ...]:
        """The structs, unions and enums in it, sorted."""
        return tuple(sorted({item.tag for item in self.types if item.tag is not None}))


def parse_signature(text: str) -> Function:
    """Return the type of a function from its prototype, as on one line of C.

    :raises ParseError: it cannot be read, or has a type that is not known here
    """
    return _Parser(text).function()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.tokens, at = text, [], 0
        text = text.replace(_ARENA, " __arena ").rstrip().removesuffix(";").rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._unread()
            at = match.end()
            word = match[1] or match[2]
            if word not in _IGNORED:
                self.tokens.append(word)
        self.at = self.depth = 0

    def _unread(self) -> ParseError:
        return ParseError(f"its prototype {self.text.strip()[:60]!r} cannot be read")

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def _expect(self, *wanted: str) -> None:
        for word in wanted:
            if self._next() != word:
                raise self._unread()

    def function(self) -> Function:
        returns = self._type()
        name = self._next()
        if isinstance(returns, Function) or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            raise self._unread()
        found = Function(name, returns, self._parameters())
        if self._peek():
            raise self._unread()
        return found

    def _parameters(self) -> tuple[Parameter, ...]:
        self._expect("(")
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._unread()
        if self._peek() == "void" and self.tokens[self.at + 1 : self.at + 2] == [")"]:
            self.at += 2
            return ()
        found = [self._parameter()]
        while self._peek() == ",":
            self.at += 1
            found.append(self._parameter())
        self._expect(")")
        return tuple(found)

    def _parameter(self) -> Parameter:
        kind = self._type()
        if self._peek() == "(" and isinstance(kind, CType):
            # A callback: (*name)(...) or (name)(...).
            self.at += 1
            if self._peek() == "*":
                self.at += 1
            name = self._next() if self._peek() != ")" else ""
            self._expect(")")
            return Parameter(Function(name, kind, self._parameters()), name)
        name = self._next() if re.match(r"[A-Za-z_]", self._peek()) else ""
        if self._peek() == "[" and isinstance(kind, CType):
            self._expect("[", "]")
            kind = CType(kind.base, kind.const, kind.stars + 1, kind.arena)
        if isinstance(kind, Function):
            return Parameter(Function(name, kind.returns, kind.parameters), name)
        if kind.base == "void" and not kind.stars:
            raise self._unread()
        return Parameter(kind, name)

    def _type(self) -> CType | Function:
        const, arena = False, False
        words: list[str] = []
        while (word := self._peek()) and word not in "*(),[":
            if word == "const":
                const = True
            elif word == "__arena":
                arena = True
            elif word in _TAGGED and not words:
                self.at += 1
                words = [word, self._peek()]
            elif not words or (word in _WORDS and set(words) <= _WORDS):
                words.append(word)
            else:
                break
            self.at += 1
        stars = 0
        while self._peek() in ("*", "const") and words:
            if self._next() == "const":
                raise ParseError(f"its type {' '.join(words)[:60]!r} has a constant pointer")
            stars += 1
        base = " ".join(words)
        if base in _CALLBACKS and not stars:
            return parse_signature(_CALLBACKS[base])
        base = _INTEGERS.get(base, base)
        if not base.startswith(tuple(f"{tag} " for tag in _TAGGED)) and base not in _PLAIN:
            raise ParseError(f"its type {base[:60]!r} is not known")
        return CType(base, const, stars, arena)
