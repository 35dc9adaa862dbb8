"""Frozen value types that travel between parties; their constructors refuse wrong lengths.

Nothing here holds a key or a plaintext. Columns are contiguous bytes, one fixed width a row, as on the
wire (spec section 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from libmatch.encoding import dec, enc, exactly, u8, u32, u64, uint
from libmatch.errors import BatchError, EncodingError
from libmatch.suites import AEAD_TAG_SIZE, HPKE_OVERHEAD

RID_SIZE = 16
WORD = 32  # commitments, halves, com, epoch ids, digests, tokens
SIGNATURE_SIZE = 64
CAPSULE_SIZE = HPKE_OVERHEAD + 32  # 1168: the sealed batch secret
MAX_ROWS = 2048
MAX_BUCKET = 0xFFFF

_UNIT = re.compile(r"[a-z0-9-]{1,64}")


class Side(IntEnum):
    """Which list a record belongs to. Numbers are normative."""

    REGISTRY = 1
    BENEFICIARY = 2

    @property
    def other(self) -> Side:
        return Side(3 - self)


def check_unit(unit: str) -> str:
    """``unit`` itself. Raises EncodingError unless it matches [a-z0-9-]{1,64}."""
    if not _UNIT.fullmatch(unit):
        raise EncodingError("a unit's name is 1 to 64 of a-z, 0-9 and -")
    return unit


@dataclass(frozen=True)
class BatchHeader:
    """``B``: what a batch is and how many rows it has."""

    epoch: bytes
    side: Side
    unit: str
    seq: int
    count: int

    def __post_init__(self) -> None:
        exactly(self.epoch, WORD, "an epoch id")
        check_unit(self.unit)
        if not 1 <= self.count <= MAX_ROWS:
            raise BatchError(f"a batch has 1 to {MAX_ROWS} rows")
        if not 0 <= self.seq < 1 << 63:
            raise BatchError("a sequence number is below 2^63")

    def encode(self) -> bytes:
        """``enc("batch", E, u8 side, unit, u64 seq, u32 n)``."""
        unit = self.unit.encode("ascii")
        return enc("batch", self.epoch, u8(self.side), unit, u64(self.seq), u32(self.count))

    @classmethod
    def decode(cls, data: bytes) -> BatchHeader:
        """The header in canonical bytes. Raises EncodingError or BatchError."""
        epoch, side, unit, seq, count = dec("batch", data, 5)
        try:
            return cls(
                epoch, Side(uint(side, 1)), unit.decode("ascii"), uint(seq, 8), uint(count, 4)
            )
        except ValueError as error:
            raise EncodingError("not a batch header") from error


@dataclass(frozen=True)
class SealedRow:
    """One row: rid 16, c_reg, c_ben, half, com 32 each, ct bucket + 16 bytes."""

    rid: bytes
    c_reg: bytes
    c_ben: bytes
    half: bytes
    com: bytes
    ct: bytes

    def __post_init__(self) -> None:
        exactly(self.rid, RID_SIZE, "a record id")
        for name in ("c_reg", "c_ben", "half", "com"):
            exactly(getattr(self, name), WORD, name)
        if not AEAD_TAG_SIZE + 2 <= len(self.ct) <= MAX_BUCKET + AEAD_TAG_SIZE:
            raise EncodingError("a sealed record has the length of the bucket and 16 bytes more")


@dataclass(frozen=True)
class Columns:
    """The six columns of a batch, in wire order; every one has the same number of rows."""

    rid: bytes
    c_reg: bytes
    c_ben: bytes
    half: bytes
    com: bytes
    ct: bytes

    def __post_init__(self) -> None:
        n = self.count
        exactly(self.rid, RID_SIZE * n, "the rid column")
        for name in ("c_reg", "c_ben", "half", "com"):
            exactly(getattr(self, name), WORD * n, f"the {name} column")
        if not n or len(self.ct) % n:
            raise EncodingError("the ct column is not of one bucket size")
        if not AEAD_TAG_SIZE + 2 <= self.ct_size <= MAX_BUCKET + AEAD_TAG_SIZE:
            raise EncodingError("the ct column is not of one bucket size")

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.rid) // RID_SIZE

    @property
    def ct_size(self) -> int:
        """Bytes of one sealed record: bucket + 16."""
        return len(self.ct) // self.count

    def cells(self) -> Iterator[tuple[bytes, bytes, bytes, bytes, bytes, bytes]]:
        """The rows as tuples (rid, c_reg, c_ben, half, com, ct), in order."""
        words = (cut(column, WORD) for column in (self.c_reg, self.c_ben, self.half, self.com))
        return zip(cut(self.rid, RID_SIZE), *words, cut(self.ct, self.ct_size), strict=True)

    def matrices(self) -> tuple[npt.NDArray[np.uint8], ...]:
        """The columns as uint8[n, width], in wire order."""
        columns = (self.rid, self.c_reg, self.c_ben, self.half, self.com, self.ct)
        return tuple(np.frombuffer(data, np.uint8).reshape(self.count, -1) for data in columns)

    def bodies(self) -> bytes:
        """c_reg ‖ c_ben ‖ half ‖ com ‖ ct of one row behind those of the other: what is kept of it."""
        return np.concatenate(self.matrices()[1:], axis=1).tobytes()

    def row(self, position: int) -> SealedRow:
        """The row at ``position``, from 0."""
        return SealedRow(
            rid=cell(self.rid, RID_SIZE, position),
            c_reg=cell(self.c_reg, WORD, position),
            c_ben=cell(self.c_ben, WORD, position),
            half=cell(self.half, WORD, position),
            com=cell(self.com, WORD, position),
            ct=cell(self.ct, self.ct_size, position),
        )

    def pack(self) -> bytes:
        """The columns one behind the other: the body of a batch on the wire."""
        return self.rid + self.c_reg + self.c_ben + self.half + self.com + self.ct

    @classmethod
    def unpack(cls, data: bytes | bytearray, count: int) -> Columns:
        """The columns of ``pack``, copied once. Raises EncodingError where ``data`` has another length."""
        ends, whole = [count * (RID_SIZE + WORD * words) for words in range(5)], memoryview(data)
        rid, c_reg, c_ben, half, com = (
            bytes(whole[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True)
        )
        return cls(rid, c_reg, c_ben, half, com, bytes(whole[ends[-1] :]))


@dataclass(frozen=True)
class Batch:
    """A sealed batch: header, capsule (1168 bytes), signature (64 bytes), columns."""

    header: BatchHeader
    capsule: bytes
    signature: bytes
    columns: Columns

    def __post_init__(self) -> None:
        exactly(self.capsule, CAPSULE_SIZE, "a capsule")
        exactly(self.signature, SIGNATURE_SIZE, "a signature")
        if self.columns.count != self.header.count:
            raise EncodingError("the columns do not have the header's number of rows")

    def encode(self) -> bytes:
        """``enc("sealed-batch", B, capsule, signature, columns)``: for files and outboxes."""
        head = (self.header.encode(), self.capsule, self.signature)
        return enc("sealed-batch", *head, self.columns.pack())

    @classmethod
    def decode(cls, data: bytes) -> Batch:
        """The batch in stored bytes. Raises EncodingError or BatchError."""
        head, capsule, signature, body = dec("sealed-batch", data, 4)
        header = BatchHeader.decode(head)
        return cls(header, capsule, signature, Columns.unpack(body, header.count))


def cell(column: bytes, width: int, position: int) -> bytes:
    """Row ``position`` of a column of ``width`` bytes a row."""
    return column[position * width : (position + 1) * width]


def cut(column: bytes, width: int) -> list[bytes]:
    """The rows of a column of ``width`` bytes a row."""
    return [column[i : i + width] for i in range(0, len(column), width)]


@dataclass(frozen=True)
class Withdrawal:
    """A signed request to erase rows: takes the next sequence number of its unit and side."""

    epoch: bytes
    side: Side
    unit: str
    seq: int
    rids: tuple[bytes, ...]
    signature: bytes

    def __post_init__(self) -> None:
        exactly(self.epoch, WORD, "an epoch id")
        check_unit(self.unit)
        if not 0 <= self.seq < 1 << 63:
            raise BatchError("a sequence number is below 2^63")
        if not 1 <= len(self.rids) <= MAX_ROWS or len(set(self.rids)) != len(self.rids):
            raise BatchError(f"a withdrawal names 1 to {MAX_ROWS} different records")
        for rid in self.rids:
            exactly(rid, RID_SIZE, "a record id")

    def signed_bytes(self) -> bytes:
        """``enc("withdraw", E, u8 side, unit, u64 seq, rid…)``."""
        return withdrawal_bytes(self.epoch, self.side, self.unit, self.seq, self.rids)

    def encode(self) -> bytes:
        """``enc("sealed-withdrawal", signed bytes, signature)``: for files and outboxes."""
        return enc("sealed-withdrawal", self.signed_bytes(), self.signature)

    @classmethod
    def decode(cls, data: bytes) -> Withdrawal:
        """The withdrawal in stored bytes. Raises EncodingError or BatchError."""
        body, signature = dec("sealed-withdrawal", data, 2)
        fields = dec("withdraw", body)
        if len(fields) < 5:
            raise EncodingError("a withdrawal names its epoch, side, unit, number and records")
        try:
            side, unit = Side(uint(fields[1], 1)), fields[2].decode("ascii")
        except ValueError:
            raise EncodingError("not a withdrawal") from None
        return cls(fields[0], side, unit, uint(fields[3], 8), tuple(fields[4:]), signature)


def withdrawal_bytes(
    epoch: bytes, side: Side, unit: str, seq: int, rids: tuple[bytes, ...]
) -> bytes:
    """What a unit signs to withdraw ``rids``; its hash is the withdrawal's digest."""
    return enc("withdraw", epoch, u8(side), unit.encode("ascii"), u64(seq), *rids)


@dataclass(frozen=True)
class Receipt:
    """The matcher's signed promise that a batch or a withdrawal was committed durably.

    ``accepted_at_us`` in microseconds since 1970-01-01 UTC; ``leaf_index`` is the acceptance's leaf in the
    audit log. What is signed and how it is checked: ``libmatch.auditlog``.
    """

    epoch: bytes
    side: Side
    unit: str
    seq: int
    digest: bytes
    accepted_at_us: int
    leaf_index: int
    signature: bytes

    def __post_init__(self) -> None:
        exactly(self.epoch, WORD, "an epoch id")
        check_unit(self.unit)
        exactly(self.digest, WORD, "a digest")
        exactly(self.signature, SIGNATURE_SIZE, "a signature")
        for number in (self.seq, self.accepted_at_us, self.leaf_index):
            if not 0 <= number < 1 << 63:
                raise EncodingError("the numbers of a receipt are below 2^63")

    def encode(self) -> bytes:
        """``enc("signed-receipt", E, u8 side, unit, u64 seq, digest, u64 time, u64 leaf, signature)``."""
        return enc(
            "signed-receipt",
            self.epoch,
            u8(self.side),
            self.unit.encode("ascii"),
            u64(self.seq),
            self.digest,
            u64(self.accepted_at_us),
            u64(self.leaf_index),
            self.signature,
        )

    @classmethod
    def decode(cls, data: bytes) -> Receipt:
        """The receipt in stored bytes. Raises EncodingError."""
        epoch, side, unit, seq, digest, time, leaf, signature = dec("signed-receipt", data, 8)
        try:
            known, name = Side(uint(side, 1)), unit.decode("ascii")
        except ValueError:
            raise EncodingError("not a receipt") from None
        numbers = (uint(time, 8), uint(leaf, 8))
        return cls(epoch, known, name, uint(seq, 8), digest, *numbers, signature)


@dataclass(frozen=True)
class FlaggedRecord:
    """One side of a flagged pair: a row, its place in its batch, and the proof of that place."""

    header: BatchHeader
    capsule: bytes
    signature: bytes
    position: int
    row: SealedRow
    path: tuple[bytes, ...]


@dataclass(frozen=True)
class FlaggedPair:
    """What the matcher hands to 纪委 for one hit. Nothing here was checked yet."""

    registry: FlaggedRecord
    beneficiary: FlaggedRecord


@dataclass(frozen=True, order=True)
class RecordRef:
    """Which record, without its content: unique within an epoch."""

    side: Side
    unit: str
    rid: bytes


@dataclass(frozen=True, order=True)
class Hit:
    """One pair of live records, one of each side, with equal tokens."""

    registry: RecordRef
    beneficiary: RecordRef
