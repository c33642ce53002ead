"""Reads pickles as data: an interpreter of the format's opcodes that calls nothing.

`pickle.Unpickler` with a filter still calls what the filter admits, hashes keys of any type, and allocates as
much as the file asks for. Here a class or function is a `Name`, and a call is a `Record` of the name with its
arguments. Callers make values of the records.
"""

import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO

MAX_BYTES = 16 * 2**20
MAX_OPCODES = 2 * 2**20
"""An opcode of one byte makes an object of up to 200. Float by float, 16 MiB have fewer."""
_MARK = object()


class ForbiddenPickleError(Exception):
    """The pickle is damaged, or names something that is not admitted."""


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that the pickle refers to."""

    module: str
    name: str


@dataclass(slots=True)
class Record:
    """An object that unpickling would make: the name that is called, its arguments, and the state set."""

    name: Name
    args: tuple[Any, ...]
    state: Any = field(default=None)


Admit = Callable[[Name], bool]
References = Callable[[Any], Any]


def read_pickle(content: bytes, admit: Admit, references: References | None = None) -> Any:
    """Return the content of a pickle: plain values, lists, tuples, dicts with keys of text or int, Records.

    admit: whether a Name may occur at all. references: returns what stands for an
    object outside of the pickle, from its persistent id; None if there may be none.
    Lists and dicts may contain themselves, and one object may occur in many places. Raises
    ForbiddenPickleError for any other Name, for an opcode that data does not need, and for a damaged pickle
    or one over MAX_BYTES.
    """
    if len(content) > MAX_BYTES:
        raise ForbiddenPickleError(f"has more than {MAX_BYTES // 2**20} MiB")
    return read_pickle_from(BytesIO(content), admit, references)


def read_pickle_from(file: BinaryIO, admit: Admit, references: References | None = None) -> Any:
    """Return the content of the pickle that begins at the file's place, which is then behind its end.

    The caller bounds its bytes, MAX_OPCODES its objects. Otherwise as `read_pickle`.
    """
    machine = _Machine(admit, references)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of backslashes in names, which are not admitted anyway
            for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
                if count > MAX_OPCODES:
                    raise ForbiddenPickleError(f"has more than {MAX_OPCODES:,} opcodes")
                machine.run(opcode.name, argument)
        return machine.result()
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise ForbiddenPickleError(f"is a damaged pickle: {error}") from error


class _Machine:
    """The stack and memo of the pickle format, and the opcodes that protocols 2 to 5 write for data."""

    def __init__(self, admit: Admit, references: References | None) -> None:
        self._admit, self._references = admit, references
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, opcode: str, argument: Any) -> None:
        """Carry out one opcode."""
        if opcode in _PUSHED:
            self._stack.append(argument)
        elif opcode in _CONSTANTS:
            self._stack.append(_CONSTANTS[opcode]())
        elif opcode not in ("PROTO", "FRAME", "STOP"):
            action = getattr(self, f"_{opcode.lower()}", None)
            if action is None:
                raise ForbiddenPickleError(f"uses the opcode {opcode}, which data does not need")
            action(argument)

    def result(self) -> Any:
        """Return the one value left on the stack at the end."""
        (value,) = self._stack
        return value

    def _binpersid(self, _: None) -> None:
        if self._references is None:
            raise ForbiddenPickleError("uses the opcode BINPERSID, which data does not need")
        self._stack[-1] = self._references(self._stack[-1])

    def _global(self, argument: str) -> None:
        self._push_name(*argument.split(" ", 1))

    def _stack_global(self, _: None) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if not (isinstance(module, str) and isinstance(name, str)):
            raise ForbiddenPickleError("names something by no text")
        self._push_name(module, name)

    def _push_name(self, module: str, name: str) -> None:
        named = Name(module, name)
        if not self._admit(named):
            raise ForbiddenPickleError(f"asks for {named.module}.{named.name}")
        self._stack.append(named)

    def _reduce(self, _: None) -> None:
        args, name = self._stack.pop(), self._stack.pop()
        if not isinstance(name, Name) or not isinstance(args, tuple):
            raise ForbiddenPickleError("calls something that is not a name")
        self._stack.append(_made(name, args))

    _newobj = _reduce

    def _newobj_ex(self, _: None) -> None:
        named = self._stack.pop()
        self._reduce(None)
        if isinstance(self._stack[-1], Record):
            self._stack[-1].args += (named,)

    def _build(self, _: None) -> None:
        state = self._stack.pop()
        if isinstance(self._stack[-1], Record):
            self._stack[-1].state = state
        elif not isinstance(self._stack[-1], dict | list):  # an OrderedDict's state is not among its items
            raise ForbiddenPickleError("gives a state to something that is not an object")

    def _binput(self, index: int) -> None:
        self._memo[index] = self._stack[-1]

    _long_binput = _binput

    def _memoize(self, _: None) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _binget(self, index: int) -> None:
        self._stack.append(self._memo[index])

    _long_binget = _binget

    def _pop(self, _: None) -> None:
        self._stack.pop()

    def _pop_mark(self, _: None) -> None:
        self._pop_to_mark()

    def _tuple1(self, _: None) -> None:
        self._stack[-1:] = [tuple(self._stack[-1:])]

    def _tuple2(self, _: None) -> None:
        self._stack[-2:] = [tuple(self._stack[-2:])]

    def _tuple3(self, _: None) -> None:
        self._stack[-3:] = [tuple(self._stack[-3:])]

    def _tuple(self, _: None) -> None:
        self._stack.append(tuple(self._pop_to_mark()))

    def _frozenset(self, _: None) -> None:
        self._stack.append(self._pop_to_mark())

    def _append(self, _: None) -> None:
        value = self._stack.pop()
        self._extend([value])

    def _appends(self, _: None) -> None:
        self._extend(self._pop_to_mark())

    _additems = _appends

    def _extend(self, values: list[Any]) -> None:
        # The items of a Record, a list of a class of its own, are dropped: no caller needs them
        if isinstance(self._stack[-1], list):
            self._stack[-1].extend(values)

    def _setitem(self, _: None) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._update([key, value])

    def _setitems(self, _: None) -> None:
        self._update(self._pop_to_mark())

    def _update(self, items: list[Any]) -> None:
        target = self._stack[-1]
        for key, value in zip(items[::2], items[1::2], strict=True):
            if _is_key(key) and isinstance(target, dict):
                target[key] = value

    def _pop_to_mark(self) -> list[Any]:
        mark = len(self._stack) - 1
        while self._stack[mark] is not _MARK:
            mark -= 1
            if mark < 0:
                raise ForbiddenPickleError("is a damaged pickle: a mark is missing")
        values = self._stack[mark + 1 :]
        del self._stack[mark:]
        return values


def _made(name: Name, args: tuple[Any, ...]) -> Any:
    """Return a dict or list in the place of an OrderedDict or deque, whose items follow; else a Record."""
    if name == _ORDERED and not args:
        return {}
    if name == DEQUE and all(isinstance(each, list | tuple) for each in args[:1]):
        return list(args[0]) if args else []
    return Record(name, args)


def _is_key(key: Any) -> bool:
    """Text and small integers only: the time to hash a nested key, or integers that collide, has no bound."""
    return isinstance(key, str) or (isinstance(key, int) and abs(key) < _SMALL)


_SMALL = 2**31
_ORDERED = Name("collections", "OrderedDict")
DEQUE = Name("collections", "deque")
_PUSHED = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8"),
    *("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "SHORT_BINSTRING", "BINSTRING"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_SET": list,  # in the order of the file
    "EMPTY_DICT": dict,
    "MARK": lambda: _MARK,
}
