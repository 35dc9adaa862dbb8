"""The one canonical byte encoding: PRF inputs, headers, leaves, signatures, payloads (spec section 2).

``LP(x) = u32 big-endian length ‖ x`` and ``enc(label, f1, …) = LP("libmatch/1/" ‖ label) ‖ LP(f1) ‖ …``.
Integers are fixed-width big-endian. Every structure has one label, and a label one structure, so that
bytes of one structure are never bytes of another. Protobuf bytes are never hashed or signed.
"""

from __future__ import annotations

from datetime import date

from libmatch.errors import EncodingError

PREFIX = b"libmatch/1/"
_MAX_LENGTH = 0xFFFFFFFF


def u8(value: int) -> bytes:
    """One byte, big-endian. Raises OverflowError out of range, as all four of these do."""
    return value.to_bytes(1, "big")


def u16(value: int) -> bytes:
    """Two bytes, big-endian."""
    return value.to_bytes(2, "big")


def u32(value: int) -> bytes:
    """Four bytes, big-endian."""
    return value.to_bytes(4, "big")


def u64(value: int) -> bytes:
    """Eight bytes, big-endian."""
    return value.to_bytes(8, "big")


def lp(value: bytes) -> bytes:
    """``value`` behind its length as u32. Raises EncodingError from 4 GiB on."""
    if len(value) > _MAX_LENGTH:
        raise EncodingError("a field is limited to 4 GiB")
    return len(value).to_bytes(4, "big") + value


def enc(label: str, *fields: bytes) -> bytes:
    """The canonical encoding of ``fields`` under ``label`` (ASCII, without the common prefix)."""
    return lp(PREFIX + label.encode("ascii")) + b"".join(map(lp, fields))


def split(data: bytes) -> list[bytes]:
    """The fields of a concatenation of LP values, in order. Raises EncodingError on any excess."""
    fields: list[bytes] = []
    offset = 0
    while offset < len(data):
        start = offset + 4
        end = start + int.from_bytes(data[offset:start], "big")
        if end > len(data) or start > len(data):
            raise EncodingError("truncated: a length runs past the end")
        fields.append(data[start:end])
        offset = end
    return fields


def dec(label: str, data: bytes, count: int | None = None) -> list[bytes]:
    """The fields of ``enc(label, …)``; exactly ``count`` of them where given.

    Raises EncodingError for another label, another number of fields, or truncated bytes.
    """
    fields = split(data)
    if not fields or fields[0] != PREFIX + label.encode("ascii"):
        raise EncodingError(f"not an encoding labelled {label!r}")
    if count is not None and len(fields) != count + 1:
        raise EncodingError(f"{label!r} has {count} fields, not {len(fields) - 1}")
    return fields[1:]


def uint(data: bytes, width: int) -> int:
    """The integer in ``width`` bytes. Raises EncodingError for another width."""
    if len(data) != width:
        raise EncodingError(f"an integer of {width} bytes has {len(data)}")
    return int.from_bytes(data, "big")


def exactly(data: bytes, length: int, what: str) -> bytes:
    """``data``, which is ``length`` bytes. Raises EncodingError naming ``what`` otherwise."""
    if len(data) != length:
        raise EncodingError(f"{what} is {length} bytes, not {len(data)}")
    return data


def iso_date(data: bytes) -> date | None:
    """The date in ``YYYY-MM-DD``, None for no bytes. Raises EncodingError for any other form."""
    if not data:
        return None
    try:
        value = date.fromisoformat(data.decode("ascii"))
    except ValueError:
        raise EncodingError("not a date") from None
    if value.isoformat().encode("ascii") != data:  # fromisoformat takes 20180630 and 2018-W26-6 too
        raise EncodingError("not a date in the form YYYY-MM-DD")
    return value
