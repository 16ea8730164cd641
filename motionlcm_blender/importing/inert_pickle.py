"""Pickles read as data: nothing a file names is imported, looked up or called.

A checkpoint of PyTorch's is a pickle beside raw storages, and a pickle is a program: loading it with Python's own
machine calls what the file asks for. This module has a machine of its own, which knows the same operations and makes
plain data of them. Where Python would import a name, there is a `Named`; where it would call something, a `Built` that
says what and with what; where an object would take on a state, the state is dropped. So there is nothing to permit or
to forbid: no operation of the machine reaches a function.

That is why names outside of PyTorch's own do not stop the reading. Checkpoints of Lightning also hold settings,
callbacks and optimiser states of classes that differ from one training to the next; they stay placeholders nobody
looks into. Names that run commands are refused all the same: they do no harm here, but a file with one was made to harm
whoever opens it, and its weights deserve no trust either. That list is a courtesy and not the wall. It holds Python 2's
names too, which old protocols write.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import Any

MAX_BYTES = 64 << 20
MAX_OPERATIONS = 4_000_000
"""A checkpoint with all its optimiser states has some ten thousand operations for each hundred layers."""

_TABLES = {
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("builtins", "dict"), ("__builtin__", "dict"),
}  # fmt: skip
_COMMAND_MODULES = {
    "asyncio", "bdb", "bpy", "cProfile", "cloudpickle", "codeop", "commands", "ctypes", "dill", "ensurepip",
    "ftplib", "http", "httplib", "importlib", "marshal", "multiprocessing", "nt", "os", "pdb", "pickle", "pip",
    "popen2", "posix", "pty", "requests", "runpy", "shutil", "signal", "smtplib", "socket", "subprocess", "sys",
    "tempfile", "threading", "thread", "timeit", "urllib", "urllib2", "webbrowser", "_pickle", "_posixsubprocess",
    "_thread", "_winapi", "winreg",
}  # fmt: skip
_COMMANDS = {
    ("builtins", name) for name in ("eval", "exec", "compile", "__import__", "open", "input", "breakpoint")
} | {
    ("code", "interact"), ("code", "InteractiveInterpreter"), ("code", "InteractiveConsole"),
    ("profile", "run"), ("io", "open"), ("_io", "open"), ("io", "FileIO"), ("_io", "FileIO"),
    ("types", "CodeType"), ("types", "FunctionType"), ("types", "LambdaType"), ("torch", "load"),
    ("torch.hub", "load"), ("torch.serialization", "load"), ("numpy", "load"), ("numpy", "fromfile"),
    ("operator", "methodcaller"),
}  # fmt: skip


class DamagedPickle(ValueError):
    """The bytes are no pickle, end too early, or are larger than any checkpoint's."""


class HostilePickle(ValueError):
    """The pickle names something that runs commands; str() is that name."""


@dataclass(frozen=True, eq=False)
class Named:
    """Where a pickle names a class or a function. Nothing is looked up."""

    module: str
    name: str


@dataclass(frozen=True, eq=False)
class Built:
    """Where a pickle would call `what` with `arguments`. Nothing is called."""

    what: Any
    arguments: Any


@dataclass(frozen=True, eq=False)
class Stored:
    """Where a pickle refers to something outside itself: in PyTorch's files, to a storage."""

    reference: Any


def read_pickle(content: bytes) -> Any:
    """The value of a pickle as None, numbers, strings, bytes, tuples, lists, dicts, Named, Built and Stored.

    Dicts keep pairs with string keys alone. Raises DamagedPickle, HostilePickle.
    """
    if len(content) > MAX_BYTES:
        raise DamagedPickle(f"its pickle has {len(content) >> 20} MiB, more than any checkpoint's")
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if count > MAX_OPERATIONS:
                raise DamagedPickle("its pickle has more operations than any checkpoint's")
            if opcode.name == "STOP":
                return machine.pop()
            machine.run(opcode.name, argument)
    except (DamagedPickle, HostilePickle):
        raise
    # What pickletools and the machine raise on bytes that are no pickle: LookupError for an empty stack or memo.
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, EOFError) as error:
        raise DamagedPickle("its pickle is damaged") from error
    raise DamagedPickle("its pickle ends too early")


_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class _Machine:
    """The stack machine of pickle (PEP 307, 3154), its calls left out."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def pop(self) -> Any:
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise IndexError("nothing on the stack")
        return self.stack.pop()

    def pop_many(self, count: int) -> tuple[Any, ...]:
        return tuple(self.pop() for _ in range(count))[::-1]

    def pop_to_mark(self) -> list[Any]:
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def top(self) -> Any:
        value = self.pop()
        self.stack.append(value)
        return value

    def run(self, name: str, argument: Any) -> None:
        """One operation. Raises DamagedPickle, HostilePickle; LookupError or TypeError on nonsense."""
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
            push(_named(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            push(_named(*self.pop_many(2)))
        elif name in ("PERSID", "BINPERSID"):
            push(Stored(argument if name == "PERSID" else self.pop()))
        elif name in ("POP", "POP_MARK", "DUP"):
            self._discard_or_repeat(name)
        elif name in ("PROTO", "FRAME"):
            pass
        elif not (self._collect(name) or self._build(name, argument)):
            # Buffers outside the pickle, and codes for names that a program registers in advance.
            raise DamagedPickle(f"its pickle has the operation {name}, which no checkpoint has")

    def _discard_or_repeat(self, name: str) -> None:
        if name == "POP_MARK":
            self.pop_to_mark()
        elif name == "DUP":
            self.stack.append(self.top())
        elif self.marks and self.marks[-1] == len(self.stack):  # POP on a mark takes the mark
            self.marks.pop()
        else:
            self.pop()

    def _collect(self, name: str) -> bool:
        """Lists, sets and dicts. What is added to a placeholder is dropped."""
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
        """What would make objects: a placeholder each."""
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
            push(_built(_named(*argument.split(" ", 1)), tuple(self.pop_to_mark())))
        elif name == "BUILD":
            self.pop()
            self.top()
        else:
            return False
        return True


def _named(module: Any, name: Any) -> Named:
    if not (isinstance(module, str) and isinstance(name, str)):
        raise DamagedPickle("its pickle names something that is no name")
    modern = "builtins" if module == "__builtin__" else module
    root = modern.split(".", 1)[0]
    if root in _COMMAND_MODULES or (modern, name) in _COMMANDS or (modern, name.split(".", 1)[0]) in _COMMANDS:
        raise HostilePickle(f"{module}.{name}"[:80])
    return Named(module, name)


def _built(what: Any, arguments: Any) -> Any:
    if isinstance(what, Named) and (what.module, what.name) in _TABLES:
        return {}
    return Built(what, arguments)


def _with_pairs(target: Any, flat: list[Any]) -> Any:
    if len(flat) % 2:
        raise DamagedPickle("its pickle has a key without a value")
    if isinstance(target, dict):
        # Other keys may be nested so deeply that taking their hash would overflow the processor's stack.
        target.update((key, value) for key, value in zip(flat[::2], flat[1::2], strict=True) if type(key) is str)
    return target
