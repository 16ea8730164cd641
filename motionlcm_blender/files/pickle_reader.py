"""Reading of pickles as data: nothing that a file names is imported, looked up or called.

PyTorch's checkpoints and SMPL's body models are published as pickles, and a pickle is a program: loading it with
Python's own unpickler calls what the file names. This module has its own stack machine, which implements the same
operations and returns plain data. Where Python would import a name, it creates a `GlobalRef`; where Python would call
something, a `ReduceCall` with the callable's reference, the arguments and the object's state. No operation of the
machine can therefore reach a function, and there is nothing to permit or to forbid. The machine does not compare or
hash what it builds either: only string keys of dicts are kept, because the hash of a few tuples that contain each
other twice never ends.

The readers of each kind of file decide which names it may contain: `pickle_arrays.py` for body models,
`importing/unsafe_names.py` for checkpoints.
"""

from __future__ import annotations

import codecs
import io
import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

_TABLES = {
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("builtins", "dict"), ("__builtin__", "dict"),
}  # fmt: skip


class DamagedPickle(ValueError):
    """The bytes are not a pickle, end too early, or exceed a limit."""


class HostilePickle(ValueError):
    """The pickle names something forbidden; str() is that name, short and printable."""


@dataclass(frozen=True, eq=False)
class GlobalRef:
    """A class or function that a pickle names. Nothing is looked up."""

    module: str
    name: str


@dataclass(eq=False)
class ReduceCall:
    """A call of `what` with `arguments` in a pickle, and the state of its result. Nothing is called."""

    what: Any
    arguments: Any
    state: Any = None


@dataclass(frozen=True, eq=False)
class PersistentRef:
    """A reference to something outside the pickle: in PyTorch's files, to a storage."""

    reference: Any


def read_pickle(content: bytes, is_refused: Callable[[str, str], bool], most_bytes: int, most_operations: int) -> Any:
    """Read a pickle as data.

    Dicts keep only pairs with string keys; Python 2's strings are decoded as Latin-1.

    Args:
        content: Bytes of the pickle.
        is_refused: Called with module and name of every class or function in the pickle; True makes the file hostile.
        most_bytes: Largest size of the pickle.
        most_operations: Largest number of operations.

    Returns:
        None, numbers, strings, bytes, tuples, lists, dicts, GlobalRef, ReduceCall and PersistentRef.

    Raises:
        DamagedPickle: The bytes are not a pickle, or exceed a limit.
        HostilePickle: The pickle names something forbidden.
    """
    if len(content) > most_bytes:
        raise DamagedPickle(f"its pickle has {len(content) >> 20} MiB, more than there should be")
    machine = _Machine(is_refused)
    try:
        for count, (name, argument) in enumerate(_operations(content)):
            if count > most_operations:
                raise DamagedPickle("its pickle has more operations than there should be")
            if name == "STOP":
                return machine.pop()
            machine.run(name, argument)
    except (DamagedPickle, HostilePickle):
        raise
    # Errors of pickletools and the machine for bytes that are not a pickle: LookupError for an empty stack or memo.
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, EOFError) as error:
        raise DamagedPickle("its pickle is damaged") from error
    raise DamagedPickle("its pickle ends too early")


def _operations(content: bytes) -> Iterator[tuple[str, Any]]:
    """The operations of a pickle with their arguments, in order.

    `pickletools.genops` decodes strings of the text protocol as ASCII. Python 2 writes arrays as such strings, with any
    bytes. A text pickle whose line ends were converted, as git does on Windows, is read as it was: its strings have no
    line ends of their own.
    """
    if content[:1] != b"\x80" and b"\r\n" in content[:LINE_ENDS]:
        content = content.replace(b"\r\n", b"\n")
    stream = io.BytesIO(content)
    while code := stream.read(1):
        opcode = _OPCODES[code.decode("latin-1")]
        if opcode.name == "STRING":
            yield opcode.name, _python2_string(stream.readline())
        else:
            yield opcode.name, None if opcode.arg is None else opcode.arg.reader(stream)


def _python2_string(line: bytes) -> str:
    """A string of the text protocol, decoded as Latin-1."""
    quoted = line.strip()
    if not line.endswith(b"\n") or len(quoted) < 2 or quoted[:1] != quoted[-1:] or quoted[:1] not in (b"'", b'"'):
        raise ValueError("a string is not quoted")
    return codecs.escape_decode(quoted[1:-1])[0].decode("latin-1")


_OPCODES = {opcode.code: opcode for opcode in pickletools.opcodes}
LINE_ENDS = 4096
"""Bytes at the start of a text pickle that show its line ends."""
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Machine:
    """The stack machine of pickle (PEP 307, 3154), without calls."""

    def __init__(self, is_refused: Callable[[str, str], bool]) -> None:
        self.is_refused = is_refused
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        """Pop one value."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise IndexError("nothing on the stack")
        return self.stack.pop()

    def pop_many(self, count: int) -> tuple[Any, ...]:
        """Pop some values."""
        return tuple(self.pop() for _ in range(count))[::-1]

    def pop_to_mark(self) -> list[Any]:
        """Pop all values above the last mark."""
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def top(self) -> Any:
        """The last value on the stack."""
        value = self.pop()
        self.stack.append(value)
        return value

    def run(self, name: str, argument: Any) -> None:
        """Execute one operation.

        Raises:
            DamagedPickle: The operation is not supported.
            HostilePickle: The operation names something forbidden.
            LookupError: The operands are missing.
            TypeError: The operands are of the wrong kind.
        """
        push = self.stack.append
        if name in _VALUES:
            push(argument)
        elif name in _CONSTANTS:
            push(_CONSTANTS[name])
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            push(self.memo[int(argument)])
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[int(argument)] = self.top()
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.top()
        elif name == "MARK":
            self.marks.append(len(self.stack))
        elif name in _TUPLES:
            push(self.pop_many(_TUPLES[name]))
        elif name == "TUPLE":
            push(tuple(self.pop_to_mark()))
        elif name == "GLOBAL":
            push(self._named(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            push(self._named(*self.pop_many(2)))
        elif name in ("PERSID", "BINPERSID"):
            push(PersistentRef(argument if name == "PERSID" else self.pop()))
        elif name in ("POP", "POP_MARK", "DUP"):
            self._discard_or_repeat(name)
        elif name in ("PROTO", "FRAME"):
            pass
        elif not (self._collect(name) or self._build(name, argument)):
            # Buffers outside the pickle, and codes for names that a program registers before.
            raise DamagedPickle(f"its pickle has the operation {name}, which is never needed")

    def _discard_or_repeat(self, name: str) -> None:
        if name == "POP_MARK":
            self.pop_to_mark()
        elif name == "DUP":
            self.stack.append(self.top())
        elif self.marks and self.marks[-1] == len(self.stack):  # POP on a mark removes the mark
            self.marks.pop()
        else:
            self.pop()

    def _collect(self, name: str) -> bool:
        """Operations of lists, sets and dicts. Items added to a placeholder are dropped."""
        push = self.stack.append
        if name in ("EMPTY_LIST", "EMPTY_SET"):
            push([])
        elif name == "EMPTY_DICT":
            push({})
        elif name in ("LIST", "FROZENSET"):
            push(self.pop_to_mark())
        elif name == "DICT":
            push(_with_pairs({}, self.pop_to_mark()))
        elif name in ("APPEND", "APPENDS", "ADDITEMS"):
            values = [self.pop()] if name == "APPEND" else self.pop_to_mark()
            if isinstance(target := self.top(), list):
                target.extend(values)
        elif name in ("SETITEM", "SETITEMS"):
            pairs = list(self.pop_many(2)) if name == "SETITEM" else self.pop_to_mark()
            _with_pairs(self.top(), pairs)
        else:
            return False
        return True

    def _build(self, name: str, argument: Any) -> bool:
        """Operations that create objects: each gives a placeholder."""
        push = self.stack.append
        if name in ("REDUCE", "NEWOBJ"):
            push(_built(*self.pop_many(2)))
        elif name == "NEWOBJ_EX":
            what, arguments, _ = self.pop_many(3)
            push(_built(what, arguments))
        elif name == "OBJ":
            what, *arguments = self.pop_to_mark()
            push(_built(what, tuple(arguments)))
        elif name == "INST":
            push(_built(self._named(*argument.split(" ", 1)), tuple(self.pop_to_mark())))
        elif name == "BUILD":
            state = self.pop()
            if isinstance(target := self.top(), ReduceCall):
                target.state = state
        else:
            return False
        return True

    def _named(self, module: Any, name: Any) -> GlobalRef:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise DamagedPickle("its pickle names something that is no name")
        if self.is_refused(module, name):
            raise HostilePickle("".join(letter for letter in f"{module}.{name}"[:80] if letter.isprintable()))
        return GlobalRef(module, name)


def _built(what: Any, arguments: Any) -> Any:
    if isinstance(what, GlobalRef) and (what.module, what.name) in _TABLES:
        return {}
    return ReduceCall(what, arguments)


def _with_pairs(target: Any, flat: list[Any]) -> Any:
    if len(flat) % 2:
        raise DamagedPickle("its pickle has a key without a value")
    if isinstance(target, dict):
        # Other keys could be nested so deeply that their hash overflows the stack.
        target.update((key, value) for key, value in zip(flat[::2], flat[1::2], strict=True) if type(key) is str)
    return target
