"""The functions of one tree that decide on calls of kfuncs, read and evaluated."""

from collections.abc import Iterator, Mapping, Sequence

from helperhist.errors import ParseError
from helperhist.sources.cevaluate import evaluate
from helperhist.sources.cexpressions import parse_expression
from helperhist.sources.coperators import Undecided
from helperhist.sources.csmall import parse_body
from helperhist.sources.csyntax import Expression, names_in
from helperhist.sources.ctokens import tokenize
from helperhist.sources.cworlds import Function, Program, World
from helperhist.sources.kfunc_names import Names
from helperhist.sources.kfunc_records import Row, StructOps, Twin
from helperhist.sources.source import Gap
from helperhist.sources.tree_records import Code, Constant

__all__ = ["Functions"]


class Functions:
    """The functions of a tree, by the file that names them."""

    def __init__(self, names: Names) -> None:
        self._names = names
        #: All that decides but sets: trees that have it in common decide alike.
        self.fingerprint = frozenset(
            found for kind in (Code, Constant, Row, Twin, StructOps) for found in names.all(kind)
        )
        self._in_file: dict[str, dict[str, Function]] = {}
        self._known: set[str] = set()
        self._words: dict[Function, frozenset[str]] = {}
        self._contained: dict[tuple[str, str], frozenset[str]] = {}
        for path, code in names.all(Code):
            self._known.add(code.name)
            try:
                body = parse_body(_tokens(code.body))
            except ParseError as error:
                names.gaps.append(Gap(path, 0, f"{code.name}: {error}"))
            else:
                function = Function(code.name, code.parameters, body)
                self._in_file.setdefault(path, {})[code.name] = function
        # A C file's before a header's, which has stubs, and the first of several.
        self._everywhere: dict[str, Function] = {}
        for path in sorted(self._in_file, key=lambda path: (path.endswith(".c"), path)):
            self._everywhere |= self._in_file[path]
        #: Values of enumerators.
        self.constants = {found.name: int(found.value) for _, found in names.all(Constant)}
        self._tables: dict[str, dict[str, Expression]] = {}
        for path, row in names.all(Row):
            try:
                value = parse_expression(_tokens(row.value))
            except ParseError as error:
                names.gaps.append(Gap(path, 0, f"{row.table}: {error}"))
            else:
                self._tables.setdefault(row.table, {})[row.member] = value
        self._twins: dict[str, dict[str, str]] = {}
        for _, twin in names.all(Twin):
            self._twins.setdefault(twin.other, {})[twin.member] = twin.other_member
        #: The operations struct of each struct_ops object.
        self.structs = {found.object: found.struct for _, found in names.all(StructOps)}

    def find(self, path: str, name: str) -> Iterator[tuple[str, Function]]:
        """Iterate over what a name in a file stands for, with its own file.

        Where nothing of it can be read, that is a gap if a file names it.
        """
        if name not in self._known and not path:
            return
        for where, _ in self._names.find(Code, path, name):
            function = self._in_file.get(where, {}).get(name)
            if function is not None:
                yield where, function

    def words(self, path: str, function: Function) -> frozenset[str]:
        """Return the names in a function and those that it calls.

        Objects are ``&name``, functions ``name()``.
        """
        if function in self._words:
            return self._words[function]
        words: set[str] = set()
        ahead, done = [function], {function.name}
        functions = self._everywhere | self._in_file.get(path, {})
        while ahead:
            found = set(names_in(ahead.pop().body))
            words |= found
            called = {word[:-2] for word in found if word.endswith("()")} - done
            done |= called
            ahead += [functions[name] for name in sorted(called) if name in functions]
        self._words[function] = frozenset(words)
        return self._words[function]

    def members(self, words: frozenset[str], ops: str) -> dict[str, str]:
        """Return the members of a struct_ops object that tables among some names tell apart.

        :return: by the member that a table names, the object's own, which may be called otherwise
        """
        slots = {
            member for table, rows in self._tables.items() if table in words for member in rows
        }
        twins = self._twins.get(self.structs[ops])
        if twins is None:
            return {slot: slot for slot in sorted(slots)}
        return {slot: twins[slot] for slot in sorted(slots) if slot in twins}

    def contains(self, path: str, id_set: str, kfunc: str) -> bool | None:
        """Tell whether the set that a name in a file stands for has a kfunc; None for no set."""
        if id_set in self.structs:
            return None
        key = (path, id_set)
        if key not in self._contained:
            entries = self._names.members(path, id_set)
            if entries is None:
                return None
            self._contained[key] = frozenset(entry.name for entry in entries)
        return kfunc in self._contained[key]

    def run(
        self,
        path: str,
        function: Function,
        arguments: Sequence[Program | str],
        world: World,
        kfunc: str = "",
        lists: Mapping[str, set[str]] | None = None,
    ) -> int | str:
        """Return what a function of a file returns for a program and a kfunc.

        :param lists: kfuncs on each list that modules register sets on (5.16, 5.17)
        :raises Undecided: when that depends on something that is not read
        """

        def contains(words: Sequence[str]) -> bool:
            found = self.contains(path, words[0], kfunc) if words else None
            if found is None:
                raise Undecided
            return found

        def is_listed(words: Sequence[str]) -> bool:
            return bool(words) and kfunc in (lists or {}).get(words[0], ())

        return evaluate(
            function,
            list(arguments),
            world,
            functions=self._everywhere | self._in_file.get(path, {}),
            constants=self.constants,
            tables=self._tables,
            builtins={
                "btf_id_set_contains": contains,
                "btf_id_set8_contains": contains,
                "bpf_check_mod_kfunc_call": is_listed,
            },
        )


def _tokens(text: str) -> list[str]:
    return [str(token) for token in tokenize(text)]
