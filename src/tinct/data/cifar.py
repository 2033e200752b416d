"""CIFAR-10 as published for Python: batches of 10,000 pictures that are pickles, read without executing them.

A pickle is a program. The one here is not run: its instructions are read with :mod:`pickletools`, and only those that
build numbers, texts, lists, dicts and arrays of bytes are followed. Any other name than the four that an array of NumPy
needs is refused, so nothing that a file asks for is ever imported or called.

Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images" (2009), and the page of the data set.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinct.data.source import Part, Source
from tinct.errors import DataError

TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH, META = "test_batch", "batches.meta"
BATCHES = (*TRAIN_BATCHES, TEST_BATCH)
SIDE = 32
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
MOST_BYTES = 64 << 20
"""Of one batch; the published ones have 31 MB."""

_RECONSTRUCT = {"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"}
_NDARRAY, _DTYPE, _ENCODE = "numpy ndarray", "numpy dtype", "_codecs encode"
_NAMES = frozenset({*_RECONSTRUCT, _NDARRAY, _DTYPE, _ENCODE})


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that the pickle mentions; never looked up."""

    text: str


@dataclass(slots=True)
class _Array:
    """An array before its state is known."""

    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class _Type:
    """The type of an array's elements."""

    code: str


class _Mark:
    """Where on the stack a list, dict or tuple begins."""


def read_pickle(data: bytes, name: str) -> Any:
    """Return what a pickle of dicts, lists, numbers, texts and arrays of bytes holds, without executing it.

    Texts are bytes where Python 2 wrote them, str where Python 3 did.

    Raises:
        DataError: it is damaged, or holds anything else.
    """
    reader = _Reader(name)
    try:
        for code, argument, _ in pickletools.genops(data):
            if code.name == "STOP":
                return _plain(reader.stack.pop())
            reader.follow(code.name, argument)
    except DataError:
        raise
    # What a damaged file leads to depends on where the damage is.
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, UnicodeError) as error:
        raise DataError(f"{name} is damaged or no batch of CIFAR-10 ({error}); fetch it again") from error
    raise DataError(f"{name} ends before its pickle does; fetch it again")


def _plain(value: Any) -> Any:
    """Put the arrays themselves in a dict's values; until its end the pickle may still have to say what they hold."""
    if isinstance(value, dict):
        return {key: entry.pixels if isinstance(entry, _Array) else entry for key, entry in value.items()}
    return value


def read_classes(meta: bytes) -> tuple[str, ...]:
    """Return the names of the classes in ``batches.meta``, in the order of their numbers.

    Raises:
        DataError: it is damaged, or lists no names.
    """
    names = _entries(read_pickle(meta, META), META).get("label_names")
    if not isinstance(names, list) or not names:
        raise DataError(f"{META} lists no classes; fetch it again")
    return tuple(_text(name) for name in names)


def read_batch(data: bytes, batch: str, path: Path, classes: tuple[str, ...] = CLASSES) -> list[Source]:
    """Return the pictures of one batch, named ``train/CLASS/BATCH-NUMBER``, or ``test/...`` for the published test set.

    Args:
        data: the pickle.
        batch: its file name, ``data_batch_1`` to ``data_batch_5`` or ``test_batch``.
        path: of the file, or of the tar that holds it.
        classes: their names.

    Raises:
        DataError: the batch is damaged, too large, or no batch of CIFAR-10.
    """
    if len(data) > MOST_BYTES:
        raise DataError(f"{path}: {batch} has {len(data):,} bytes, more than a batch of CIFAR-10 can have")
    content = _entries(read_pickle(data, batch), batch)
    pixels, labels = content.get("data"), content.get("labels")
    if not isinstance(pixels, np.ndarray) or pixels.shape[1:] != (3 * SIDE * SIDE,):
        raise DataError(f"{batch} holds no pictures of {SIDE}x{SIDE}; fetch it again")
    if not isinstance(labels, list) or len(labels) != len(pixels):
        raise DataError(f"{batch} doesn't hold one label a picture; fetch it again")
    if not all(isinstance(label, int) and 0 <= label < len(classes) for label in labels):
        raise DataError(f"{batch} has labels outside 0..{len(classes) - 1}; fetch it again")
    part: Part = "test" if batch == TEST_BATCH else "train"
    photos = pixels.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return [
        Source(
            f"{part}/{classes[label]}/{batch}-{number:05}", path, number, part=part, label=classes[label], held=photo
        )
        for number, (label, photo) in enumerate(zip(labels, photos, strict=True))
    ]


def _entries(content: Any, name: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise DataError(f"{name} is no batch of CIFAR-10; fetch it again")
    return {_text(key): value for key, value in content.items()}


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


class _Reader:
    """Follows the instructions of a pickle that build data."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def follow(self, code: str, argument: Any) -> None:
        stack = self.stack
        if code in ("PROTO", "FRAME"):
            return
        if code in _CONSTANTS:
            stack.append(_CONSTANTS[code]())
        elif code in _TEXTS_OF_PYTHON_2:
            stack.append(argument.encode("latin-1"))
        elif code in _NUMBERS or code in _TEXTS:
            stack.append(argument)
        elif code in ("BINPUT", "LONG_BINPUT", "PUT"):
            self.memo[argument] = stack[-1]
        elif code == "MEMOIZE":
            self.memo[len(self.memo)] = stack[-1]
        elif code in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[argument])
        elif code in _TUPLES:
            count = _TUPLES[code]
            stack[len(stack) - count :] = [tuple(stack[len(stack) - count :])]
        elif code in _COLLECTED:
            stack.append(_COLLECTED[code](self._from_mark()))
        elif code in ("APPENDS", "SETITEMS", "APPEND", "SETITEM"):
            self._fill(code)
        elif code == "GLOBAL":
            self._name(argument)
        elif code == "STACK_GLOBAL":
            attribute, module = stack.pop(), stack.pop()
            self._name(f"{module} {attribute}")
        elif code == "REDUCE":
            arguments, called = stack.pop(), stack.pop()
            stack.append(self._build(called, arguments))
        elif code == "BUILD":
            state, target = stack.pop(), stack[-1]
            self._set_state(target, state)
        else:
            raise self._refused(f"the instruction {code}")

    def _from_mark(self) -> list[Any]:
        last = max(place for place, value in enumerate(self.stack) if isinstance(value, _Mark))
        items = self.stack[last + 1 :]
        del self.stack[last:]
        return items

    def _fill(self, code: str) -> None:
        items = self._from_mark() if code.endswith("S") else self.stack[-1 if code == "APPEND" else -2 :]
        if not code.endswith("S"):
            del self.stack[-len(items) :]
        target = self.stack[-1]
        if code.startswith("APPEND") and isinstance(target, list):
            target.extend(items)
        elif code.startswith("SETITEM") and isinstance(target, dict):
            target.update(zip(items[::2], items[1::2], strict=True))
        else:
            raise self._refused(f"{code} on {type(target).__name__}")

    def _name(self, text: str) -> None:
        if text not in _NAMES:
            raise self._refused(f"the name {text.replace(' ', '.')!r}")
        self.stack.append(_Name(text))

    def _build(self, called: Any, arguments: Any) -> Any:
        text = called.text if isinstance(called, _Name) else ""
        if text in _RECONSTRUCT and arguments[0] == _Name(_NDARRAY):
            return _Array()
        if text == _DTYPE:
            code = arguments[0]
            return _Type(code.decode("ascii") if isinstance(code, bytes) else str(code))
        # Python 3 writes bytes this way for readers of Python 2.
        if text == _ENCODE and arguments[1] in ("latin1", b"latin1"):
            return arguments[0].encode("latin-1")
        raise self._refused(f"a call of {text.replace(' ', '.') or type(called).__name__!r}")

    def _set_state(self, target: Any, state: Any) -> None:
        if isinstance(target, _Type):
            return  # byte order and fields: nothing that bytes have
        if not isinstance(target, _Array):
            raise self._refused(f"a state of {type(target).__name__}")
        _, shape, kind, by_columns, content = state
        if not isinstance(kind, _Type) or kind.code != "u1" or not isinstance(content, bytes):
            raise self._refused("an array of something else than bytes")
        target.pixels = np.frombuffer(content, np.uint8).reshape(shape, order="F" if by_columns else "C")

    def _refused(self, what: str) -> DataError:
        return DataError(f"{self.name} holds {what}, which no batch of CIFAR-10 does; it is not read. Fetch it again")


_CONSTANTS: dict[str, Any] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "MARK": _Mark,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
}
_TEXTS_OF_PYTHON_2 = frozenset({"SHORT_BINSTRING", "BINSTRING", "STRING"})
_NUMBERS = frozenset({"BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1"})
_TEXTS = frozenset({"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"})
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_COLLECTED: dict[str, Any] = {
    "TUPLE": tuple,
    "LIST": list,
    "DICT": lambda items: dict(zip(items[::2], items[1::2], strict=True)),
}
