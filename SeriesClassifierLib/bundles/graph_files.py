"""Which other files an ONNX file refers to, found without running anything and without the onnx package.

onnxruntime opens the files that the tensors of a graph name as their external data, wherever they lie. So the
names are read first. An ONNX file is a protobuf message; of it only the fields are followed that lead to
tensors (``onnx.proto``, a test compares them with the onnx package).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

# Message -> field number -> the message in it.
FIELDS: Mapping[str, Mapping[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: "TensorProto",
        6: "GraphProto",
        10: "TensorProto",
        11: "GraphProto",
        22: "SparseTensorProto",
        23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
    "TensorProto": {13: "StringStringEntryProto"},
}
_KEY, _VALUE = 1, 2
_LOCATION = b"location"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LARGEST_TAG = (1 << 32) - 1
_DEEPEST = 100  # as protobuf itself


def external_files(path: Path) -> frozenset[str]:
    """The names under which tensors of the ONNX file ``path`` have data elsewhere, as they are written.

    Raises OSError when it cannot be read, ValueError when it is not a protobuf message that every reader
    understands in the same way.
    """
    found: set[str] = set()
    # One open message a level: neither depth nor number of fields costs memory.
    opened = [("ModelProto", _messages(memoryview(path.read_bytes())))]
    while opened:
        kind, messages = opened[-1]
        field = next(messages, None)
        if field is None:
            opened.pop()
            continue
        number, content = field
        inner = FIELDS[kind].get(number)
        if inner == "StringStringEntryProto":
            found |= _location(content)
        elif inner is not None:
            if len(opened) == _DEEPEST:
                raise ValueError("messages nested too deeply")
            opened.append((inner, _messages(content)))
    return frozenset(found)


def _location(entry: memoryview) -> set[str]:
    """What a key-value pair names as location, or nothing when it is about something else."""
    pairs = [(number, bytes(content)) for number, content in _messages(entry)]
    keys = [content for number, content in pairs if number == _KEY]
    values = [content for number, content in pairs if number == _VALUE]
    if len(keys) != 1 or len(values) != 1:
        raise ValueError("external data without one key and one value")
    # A name that is not UTF-8 is none that is allowed.
    return {values[0].decode("utf-8", "backslashreplace")} if keys[0] == _LOCATION else set()


def _messages(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """(field number, content) of the fields of a message that have a length; the others hold no message."""
    place, end = 0, len(message)
    while place < end:
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if not number or tag > _LARGEST_TAG:
            raise ValueError("a field without a number")
        if kind == _VARINT:
            _, place = _varint(message, place)
            continue
        if kind == _BYTES:
            size, place = _varint(message, place)
        elif kind == _FIXED64:
            size = 8
        elif kind == _FIXED32:
            size = 4
        else:  # groups, which nobody has written for twenty years
            raise ValueError(f"a field of kind {kind}")
        if size > end - place:
            raise ValueError("it ends in the middle of a field")
        if kind == _BYTES:
            yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """(value, place after it)."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            raise ValueError("it ends in the middle of a number")
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number of more than 64 bits")
