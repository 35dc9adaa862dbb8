"""Files of batches: what parses encodes back, and hostile files are refused before they are read in."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.batch_files import (
    FileHead,
    Message,
    decode_message,
    max_message_size,
    pack_file,
    read_head,
    read_messages,
)
from libmatch.encoding import lp
from libmatch.errors import BatchError, EncodingError
from libmatch.records import (
    CAPSULE_SIZE,
    MAX_ROWS,
    RID_SIZE,
    SIGNATURE_SIZE,
    WORD,
    Batch,
    BatchHeader,
    Columns,
    Side,
    Withdrawal,
)
from libmatch.suites import AEAD_TAG_SIZE

EPOCH, UNIT, BUCKET = b"\x11" * WORD, "reg-a", 32


def make_batch(seq: int, rows: int = 2, bucket: int = BUCKET, unit: str = UNIT) -> Batch:
    """A batch of the right form; nothing in it means anything."""
    c_reg, c_ben, half, com = (bytes([i]) * (WORD * rows) for i in range(1, 5))
    ct = bytes((bucket + AEAD_TAG_SIZE) * rows)
    columns = Columns(bytes(RID_SIZE * rows), c_reg, c_ben, half, com, ct)
    header = BatchHeader(EPOCH, Side.REGISTRY, unit, seq, rows)
    return Batch(header, bytes(CAPSULE_SIZE), bytes(SIGNATURE_SIZE), columns)


def make_withdrawal(seq: int, rows: int = 1) -> Withdrawal:
    rids = tuple(i.to_bytes(RID_SIZE, "big") for i in range(rows))
    return Withdrawal(EPOCH, Side.REGISTRY, UNIT, seq, rids, bytes(SIGNATURE_SIZE))


def parse(data: bytes) -> tuple[FileHead, list[Message]]:
    file = io.BytesIO(data)
    head = read_head(file)
    return head, list(read_messages(file, head, BUCKET))


def encode(head: FileHead, bodies: Sequence[bytes]) -> bytes:
    """As ``pack_file`` does, without its checks."""
    return head.encode() + b"".join(map(lp, bodies))


@pytest.fixture(scope="module")
def good() -> bytes:
    messages = (make_batch(4), make_withdrawal(5), make_batch(6, rows=1))
    return pack_file([message.encode() for message in messages])[1]


def test_batches_and_withdrawals_come_back_in_their_order(good: bytes) -> None:
    head, messages = parse(good)
    assert (head.first, head.last, head.count) == (4, 6, 3)
    assert head.file_name == "reg-a-registry-000004-000006.batches"
    assert messages == [make_batch(4), make_withdrawal(5), make_batch(6, rows=1)]


def test_the_head_has_the_bytes_of_the_specification() -> None:
    assert FileHead(EPOCH, Side.REGISTRY, UNIT, 1, 3).encode().hex() == (
        "00000015" + b"libmatch/1/batch-file".hex() + "00000020" + "11" * 32 + "0000000101"
        "000000057265672d61" + "000000080000000000000001" + "0000000400000003"
    )


@given(st.data())
def test_whatever_parses_encodes_back_to_the_same_bytes(good: bytes, data: st.DataObject) -> None:
    edited = bytearray(good)
    for _ in range(data.draw(st.integers(0, 3))):
        edited[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.just(len(good)) | st.integers(0, len(good) - 1))
    file = bytes(edited[:cut]) + data.draw(st.sampled_from([b"", b"\0", b"\0\0\0\0"]))
    try:
        head, messages = parse(file)
    except (EncodingError, BatchError):
        return
    assert encode(head, [message.encode() for message in messages]) == file


@given(st.data())
def test_every_cut_is_noticed(good: bytes, data: st.DataObject) -> None:
    with pytest.raises(EncodingError):
        parse(good[: data.draw(st.integers(0, len(good) - 1))])


def test_what_stands_behind_the_last_message_is_refused(good: bytes) -> None:
    with pytest.raises(EncodingError, match="behind the last"):
        parse(good + b"\0")


def test_a_message_out_of_its_place_is_refused() -> None:
    bodies = [make_batch(seq).encode() for seq in (2, 1)]
    with pytest.raises(EncodingError, match="message 1 stands where message 3 belongs"):
        pack_file(bodies)
    with pytest.raises(EncodingError, match="message 2 stands where message 1 belongs"):
        parse(encode(FileHead(EPOCH, Side.REGISTRY, UNIT, 1, 2), bodies))


@pytest.mark.parametrize(
    "other", [{"epoch": bytes(WORD)}, {"side": Side.BENEFICIARY}, {"unit": "reg-b"}]
)
def test_a_message_of_another_epoch_side_or_unit_is_refused(other: dict[str, Any]) -> None:
    batch = make_batch(2)
    stranger = replace(batch, header=replace(batch.header, **other)).encode()
    bodies = [make_batch(1).encode(), stranger]
    with pytest.raises(EncodingError, match="message 2 is of another"):
        pack_file(bodies)
    with pytest.raises(EncodingError, match="message 2 is of another"):
        parse(encode(FileHead(EPOCH, Side.REGISTRY, UNIT, 1, 2), bodies))


class Unread(io.BytesIO):
    """Fails when more is read than a careful reader asks for."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 <= size <= max_message_size(BUCKET)
        return super().read(size)


@pytest.mark.parametrize("length", [0xFFFFFFFF, max_message_size(BUCKET) + 1])
def test_a_length_that_no_message_has_is_refused_before_it_is_read(length: int) -> None:
    head = FileHead(EPOCH, Side.REGISTRY, UNIT, 1, 1)
    file = Unread(head.encode() + length.to_bytes(4, "big") + bytes(1000))
    with pytest.raises(EncodingError, match="message 1 is too long"):
        list(read_messages(file, read_head(file), BUCKET))
    with pytest.raises(EncodingError):
        read_head(Unread(length.to_bytes(4, "big") + bytes(1000)))


def test_the_longest_messages_are_taken() -> None:
    longest = (
        make_batch(1, rows=MAX_ROWS, unit="u" * 64).encode(),
        make_withdrawal(1, 2048).encode(),
    )
    assert all(len(body) <= max_message_size(BUCKET) for body in longest)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x08PK\x03\x04abcd", b"MZ" * 100])
def test_another_kind_of_file_is_refused(data: bytes) -> None:
    with pytest.raises(EncodingError):
        read_head(io.BytesIO(data))


@pytest.mark.parametrize(("first", "count"), [(0, 1), (1, 0), ((1 << 63) - 1, 2)])
def test_a_head_without_messages_or_with_impossible_numbers_is_refused(
    first: int, count: int
) -> None:
    with pytest.raises((EncodingError, OverflowError)):
        FileHead(EPOCH, Side.REGISTRY, UNIT, first, count)


@pytest.mark.parametrize("body", [b"", b"\0\0\0\x17libmatch/1/sealed-batch", b"\0\0\0\x01x"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(EncodingError):
        decode_message(body)
    with pytest.raises(EncodingError):
        pack_file([])
