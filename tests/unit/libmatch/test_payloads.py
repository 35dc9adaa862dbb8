"""A payload fits the bucket whatever the clerk typed, keeps its bytes, and prints nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.encoding import enc, lp, u8
from libmatch.errors import EncodingError, InputError
from libmatch.identifiers import Identifier, Kind
from libmatch.manifest import DEFAULT_BUCKET
from libmatch.payloads import (
    ItemPayload,
    RelativePayload,
    decode_item,
    decode_relative,
    read_person,
)

PERSON = Identifier(Kind.RESIDENT_ID, "11010119900307775X")
RELATIVE = RelativePayload(PERSON, "甲某", "配偶", PERSON, "乙某", "某局", "科长")
ITEM = ItemPayload(PERSON, "甲某", "受益人", "X-1", "改厕", "补助", 12000, "某村", date(2026, 3, 1))

names = st.text("王李张·阿依古丽", max_size=30)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(names, names, texts, texts)
def test_a_relative_always_fits_and_keeps_its_names(
    name: str, official: str, unit: str, post: str
) -> None:
    payload = RelativePayload(
        PERSON, name, "其他具有法定扶养、赡养关系的亲属", PERSON, official, unit, post
    )
    data = payload.encode()
    assert len(data) <= DEFAULT_BUCKET - 2
    decoded = decode_relative(data)
    assert (decoded.name, decoded.official_name) == (name, official)
    assert decoded.encode() == data


@given(names, texts, texts, texts, st.none() | st.integers(0, 2**64 - 1), st.none() | st.dates())
def test_an_item_always_fits_and_keeps_its_bytes(
    name: str, item: str, programme: str, place: str, amount: int | None, start: date | None
) -> None:
    payload = ItemPayload(PERSON, name, "受益人", "R" * 48, item, programme, amount, place, start)
    data = payload.encode()
    assert len(data) <= DEFAULT_BUCKET - 2
    decoded = decode_item(data)
    assert (decoded.name, decoded.amount_fen, decoded.start) == (name, amount, start)
    assert decoded.encode() == data


def test_the_longest_payloads_still_fit() -> None:
    long = "字" * 200
    relative = RelativePayload(
        PERSON, "字" * 30, "其他具有法定扶养、赡养关系的亲属", PERSON, "字" * 30, long, long
    )
    item = ItemPayload(
        PERSON, "字" * 30, "委托代理人", "9" * 48, long, long, 2**64 - 1, long, date.max
    )
    assert len(relative.encode()) <= DEFAULT_BUCKET - 2
    assert len(item.encode()) <= DEFAULT_BUCKET - 2
    assert decode_item(item.encode()).item_name.endswith("…")


def test_a_name_or_reference_is_refused_rather_than_cut() -> None:
    with pytest.raises(InputError) as caught:
        replace(RELATIVE, name="字" * 31).encode()
    assert "姓名" in caught.value.message_zh
    with pytest.raises(InputError):
        replace(ITEM, item_ref="9" * 49).encode()


def test_a_payload_begins_with_kind_and_identifier() -> None:
    data = ITEM.encode()
    assert data[0] == 1
    assert data[5:23] == b"11010119900307775X"
    assert read_person(data)[0] == PERSON


@pytest.mark.parametrize("payload", [RELATIVE, ITEM])
def test_every_truncation_is_refused(payload: RelativePayload | ItemPayload) -> None:
    data = payload.encode()
    decode = decode_relative if isinstance(payload, RelativePayload) else decode_item
    for size in range(len(data)):
        with pytest.raises(EncodingError):
            decode(data[:size])
    with pytest.raises(EncodingError):
        decode(data + b"\0")


def test_one_sides_payload_is_not_the_others() -> None:
    with pytest.raises(EncodingError):
        decode_item(RELATIVE.encode())
    with pytest.raises(EncodingError):
        decode_relative(ITEM.encode())


@pytest.mark.parametrize("start", [b"20180630", b"2018-W26-6", b"2018-06-30T00", b"2018-6-30"])
def test_a_date_has_one_form(start: bytes) -> None:
    written = ITEM.encode()
    tail = lp(b"2026-03-01")
    assert written.endswith(tail)
    with pytest.raises(EncodingError):
        decode_item(written.removesuffix(tail) + lp(start))


def test_a_reader_holds_senders_to_the_caps() -> None:
    head = u8(1) + lp(b"11010119900307775X")
    long_name = enc("item", b"n" * 91, "受益人".encode(), b"X-1", b"", b"", b"", b"", b"")
    long_capacity = enc("item", b"n", b"c" * 16, b"X-1", b"", b"", b"", b"", b"")
    for body in (long_name, long_capacity):
        with pytest.raises(EncodingError, match="cap"):
            decode_item(head + body)
    with pytest.raises(InputError):
        replace(ITEM, capacity="c" * 16).encode()


def test_payloads_print_nothing() -> None:
    assert repr(RELATIVE) == "<RelativePayload>"
    assert repr(ITEM) == "<ItemPayload>"
