"""Files of sealed batches and withdrawals, for carrying what is not sent (docs/spec/batch-files.md).

What is in them is what would go over the wire, byte for byte, and is checked again where it arrives: a file
has no signature of its own. Pure but for the file that it is given; knows no key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from libmatch.encoding import PREFIX, exactly, lp, u8, u32, u64, uint
from libmatch.errors import EncodingError
from libmatch.records import (
    CAPSULE_SIZE,
    MAX_ROWS,
    RID_SIZE,
    SIGNATURE_SIZE,
    WORD,
    Batch,
    Side,
    Withdrawal,
    check_unit,
)
from libmatch.suites import AEAD_TAG_SIZE

SUFFIX = ".batches"
LABEL = PREFIX + b"batch-file"
_BATCH = lp(PREFIX + b"sealed-batch")
_WITHDRAWAL = lp(PREFIX + b"sealed-withdrawal")
_LONGEST_UNIT = 64
_LENGTHS = 1024  # labels, lengths and the header of one message take less

Message: TypeAlias = Batch | Withdrawal


@dataclass(frozen=True)
class FileHead:
    """Whose messages a file holds: ``count`` of them, numbered without a gap from ``first``."""

    epoch: bytes
    side: Side
    unit: str
    first: int
    count: int

    def __post_init__(self) -> None:
        exactly(self.epoch, WORD, "an epoch id")
        check_unit(self.unit)
        if not 1 <= self.count < 1 << 32 or not 1 <= self.first <= (1 << 63) - self.count:
            raise EncodingError("a file has one message or more, with numbers from 1 to 2^63 - 1")

    @property
    def last(self) -> int:
        """The number of the last message."""
        return self.first + self.count - 1

    @property
    def file_name(self) -> str:
        """Under which name the file is carried; a reader does not rely on it."""
        side = self.side.name.lower()
        return f"{self.unit}-{side}-{self.first:06}-{self.last:06}{SUFFIX}"

    def encode(self) -> bytes:
        """The beginning of ``enc("batch-file", E, u8 side, unit, u64 first, u32 count, message…)``."""
        unit = self.unit.encode("ascii")
        fields = (LABEL, self.epoch, u8(self.side), unit, u64(self.first), u32(self.count))
        return b"".join(map(lp, fields))


def max_message_size(bucket: int) -> int:
    """More bytes than any encoded batch or withdrawal has where records are sealed to ``bucket``."""
    row = RID_SIZE + 4 * WORD + bucket + AEAD_TAG_SIZE
    return MAX_ROWS * row + CAPSULE_SIZE + SIGNATURE_SIZE + _LENGTHS


def pack_file(bodies: Sequence[bytes]) -> tuple[FileHead, bytes]:
    """The head and the bytes of a file of encoded messages, in their order.

    Raises EncodingError or BatchError unless all are messages of one epoch, unit and side, and each has
    the number behind the one before it.
    """
    if not bodies:
        raise EncodingError("a file has one message or more")
    epoch, side, unit, first = _origin(decode_message(bodies[0]))
    head = FileHead(epoch, side, unit, first, len(bodies))
    for number, body in enumerate(bodies, first):
        _check_place(head, number, decode_message(body))
    return head, head.encode() + b"".join(map(lp, bodies))


def decode_message(body: bytes) -> Message:
    """The batch or withdrawal in stored bytes. Raises EncodingError or BatchError."""
    if body.startswith(_BATCH):
        return Batch.decode(body)
    if body.startswith(_WITHDRAWAL):
        return Withdrawal.decode(body)
    raise EncodingError("neither a batch nor a withdrawal")


def read_head(file: BinaryIO) -> FileHead:
    """The head of the file that is read from its beginning. Raises EncodingError."""
    if _read_field(file, len(LABEL), "not a file of batches") != LABEL:
        raise EncodingError("not a file of batches")
    epoch, side, unit, first, count = (
        _read_field(file, limit, "the file's head has another form")
        for limit in (WORD, 1, _LONGEST_UNIT, 8, 4)
    )
    try:
        known, name = Side(uint(side, 1)), unit.decode("ascii")
    except ValueError:
        raise EncodingError("the file's head names no side or no unit") from None
    return FileHead(epoch, known, name, uint(first, 8), uint(count, 4))


def read_messages(file: BinaryIO, head: FileHead, bucket: int) -> Iterator[Message]:
    """The messages behind ``head``, one in memory at a time, each of the head's stream and in its place.

    Nothing is checked but the form: signatures are the reader's to check. Raises EncodingError or
    BatchError for what is cut off, too long, out of place, or behind the last message.
    """
    limit = max_message_size(bucket)
    for number in range(head.first, head.last + 1):
        message = decode_message(_read_field(file, limit, f"message {number} is too long"))
        _check_place(head, number, message)
        yield message
    if file.read(1):
        raise EncodingError("there is something behind the last message")


def _read_field(file: BinaryIO, limit: int, too_long: str) -> bytes:
    prefix = file.read(4)
    length = int.from_bytes(prefix, "big")
    if len(prefix) == 4 and length > limit:  # before so much is read
        raise EncodingError(too_long)
    data = file.read(length)
    if len(prefix) < 4 or len(data) < length:
        raise EncodingError("the file was cut off")
    return data


def _origin(message: Message) -> tuple[bytes, Side, str, int]:
    one = message.header if isinstance(message, Batch) else message
    return one.epoch, one.side, one.unit, one.seq


def _check_place(head: FileHead, number: int, message: Message) -> None:
    epoch, side, unit, seq = _origin(message)
    if (epoch, side, unit) != (head.epoch, head.side, head.unit):
        raise EncodingError(f"message {number} is of another epoch, unit or side than its file")
    if seq != number:
        raise EncodingError(f"message {seq} stands where message {number} belongs")
