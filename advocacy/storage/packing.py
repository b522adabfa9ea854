"""Values in PostgreSQL's binary formats: rows for COPY, and arrays as parameters.

A batch is columns of thousands of values whose types are known. The driver would look at each value
to find its type, and a statement would unnest the arrays again.

Source: PostgreSQL documentation, COPY, "Binary Format", and the `recv` functions of the types.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import chain, repeat
from struct import Struct
from typing import NamedTuple
from uuid import UUID

from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Dumper
from psycopg.pq import Format

NULL = b"\xff\xff\xff\xff"

_length = Struct("!i").pack
_two = Struct("!ih").pack
_eight = Struct("!iq").pack
_four = Struct("!ii").pack
_fields = Struct("!h").pack
_array = Struct("!iiIii").pack
_SIXTEEN = _length(16)
_TRUE, _FALSE = _length(1) + b"\1", _length(1) + b"\0"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY = date(2000, 1, 1).toordinal()
_DAY, _SECOND = 86_400, 1_000_000
_UUID, _TEXT, _BYTEA = 2950, 25, 17


def uuids(values: Iterable[UUID | None]) -> list[bytes]:
    """Return fields of `uuid`."""
    return [NULL if value is None else _SIXTEEN + value.int.to_bytes(16) for value in values]


def texts(values: Iterable[str]) -> list[bytes]:
    """Return fields of `text`."""
    return [_length(len(value)) + value for value in map(str.encode, values)]


def words(values: Iterable[str]) -> list[bytes]:
    """Return fields of `text` of which many are the same."""
    values = list(values)
    packed = {value: _length(len(value.encode())) + value.encode() for value in set(values)}
    return [packed[value] for value in values]


def blobs(values: Iterable[bytes | None]) -> list[bytes]:
    """Return fields of `bytea`."""
    return [NULL if value is None else _length(len(value)) + value for value in values]


def digests(values: Iterable[str]) -> list[bytes]:
    """Return fields of `bytea` for digests in hex; an empty one is null."""
    return [_SIXTEEN + bytes.fromhex(value) if value else NULL for value in values]


def instants(values: Iterable[datetime | None]) -> list[bytes]:
    """Return fields of `timestamptz` for aware instants."""
    return [NULL if value is None else _eight(8, _microseconds(value)) for value in values]


def _microseconds(value: datetime) -> int:
    since = value - _EPOCH
    return (since.days * _DAY + since.seconds) * _SECOND + since.microseconds


def days(values: Iterable[date]) -> list[bytes]:
    """Return fields of `date`."""
    return [_four(4, value.toordinal() - _FIRST_DAY) for value in values]


def flags(values: Iterable[bool]) -> list[bytes]:
    """Return fields of `boolean`."""
    return [_TRUE if value else _FALSE for value in values]


def int2s(values: Iterable[int]) -> list[bytes]:
    """Return fields of `int2`."""
    return [_two(2, value) for value in values]


def int4s(values: Iterable[int]) -> list[bytes]:
    """Return fields of `int4`."""
    return [_four(4, value) for value in values]


def int8s(values: Iterable[int]) -> list[bytes]:
    """Return fields of `int8`."""
    return [_eight(8, value) for value in values]


def jsons(values: Iterable[object]) -> list[bytes]:
    """Return fields of `jsonb`; None is null."""
    return [NULL if value is None else _json(value) for value in values]


def _json(value: object) -> bytes:
    written = json.dumps(value).encode()
    return _length(len(written) + 1) + b"\1" + written


def uuid_lists(values: Iterable[Sequence[UUID]]) -> list[bytes]:
    """Return fields of `uuid[]`."""
    packed = (_packed_array(_UUID, uuids(value)) for value in values)
    return [_length(len(value)) + value for value in packed]


def _packed_array(of: int, fields: Collection[bytes]) -> bytes:
    if not fields:
        return _array(0, 0, of, 0, 0)[:12]
    return _array(1, 0, of, len(fields), 1) + b"".join(fields)


_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"


def rows(org_id: UUID, columns: Mapping[str, Sequence[bytes]]) -> bytes:
    """Return what COPY reads: rows of an organization with these columns behind `org_id`."""
    head = _fields(len(columns) + 1) + _SIXTEEN + org_id.bytes
    packed = map(b"".join, zip(repeat(head), *columns.values(), strict=False))
    return b"".join(chain((_SIGNATURE,), packed, (_END,)))


class _Array(NamedTuple):
    packed: bytes


class UuidArray(_Array):
    """An array of `uuid` as a parameter."""


class TextArray(_Array):
    """An array of `text` as a parameter."""


class ByteaArray(_Array):
    """An array of `bytea` as a parameter."""


def uuid_array(values: Iterable[UUID]) -> UuidArray:
    """Return ids as a parameter."""
    return UuidArray(_packed_array(_UUID, uuids(values)))


def text_array(values: Iterable[str]) -> TextArray:
    """Return texts as a parameter."""
    return TextArray(_packed_array(_TEXT, texts(values)))


def bytea_array(values: Iterable[bytes]) -> ByteaArray:
    """Return byte strings as a parameter."""
    return ByteaArray(_packed_array(_BYTEA, blobs(values)))


class _ArrayDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: _Array) -> Buffer:
        return obj.packed


class _UuidArrayDumper(_ArrayDumper):
    oid = 2951


class _TextArrayDumper(_ArrayDumper):
    oid = 1009


class _ByteaArrayDumper(_ArrayDumper):
    oid = 1001


def register_dumpers(adapters: AdaptersMap) -> None:
    """Let a connection send these arrays."""
    adapters.register_dumper(UuidArray, _UuidArrayDumper)
    adapters.register_dumper(TextArray, _TextArrayDumper)
    adapters.register_dumper(ByteaArray, _ByteaArrayDumper)
