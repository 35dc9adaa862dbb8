"""What is sealed: the two record payloads and their canonical encoding (docs/spec/payloads.md).

``payload = u8 kind ‖ LP(idn) ‖ enc("relative" | "item", …)``. Texts for display are clipped to fixed sizes
so that a long title never costs a match; names and references are never clipped but refused. With the
caps below, both payloads fit the default bucket of 512 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from libmatch.encoding import dec, enc, iso_date, lp, u8, u64, uint
from libmatch.errors import EncodingError, InputError
from libmatch.identifiers import Identifier, Kind

NAME_CAP = 90  # bytes of UTF-8: 30 Chinese characters
REFERENCE_CAP = 48
RELATION_CAP = 48  # 其他具有法定扶养、赡养关系的亲属
CAPACITY_CAP = 15  # 法定代表人, 委托代理人
UNIT_CAP = 75
POST_CAP = 75
ITEM_NAME_CAP = 108
PROGRAMME_CAP = 75
PLACE_CAP = 60
_ELLIPSIS = "…"


@dataclass(frozen=True, repr=False)
class RelativePayload:
    """A declared relative (or, with relation 本人, the official) as sealed for 纪委.

    ``official_unit`` and ``official_post`` are clipped to 75 bytes of UTF-8 each.
    """

    person: Identifier
    name: str
    relation: str
    official: Identifier
    official_name: str
    official_unit: str
    official_post: str

    def encode(self) -> bytes:
        """At most 471 bytes. Raises InputError for a name that is too long."""
        return _head(self.person) + enc(
            "relative",
            _whole(self.name, NAME_CAP, "姓名"),
            _whole(self.relation, RELATION_CAP, "亲属关系"),
            u8(self.official.kind),
            self.official.idn.encode("ascii"),
            _whole(self.official_name, NAME_CAP, "党员干部姓名"),
            clip_text(self.official_unit, UNIT_CAP),
            clip_text(self.official_post, POST_CAP),
        )

    def __repr__(self) -> str:
        return "<RelativePayload>"


@dataclass(frozen=True, repr=False)
class ItemPayload:
    """One person of a fund or project item as sealed for 纪委. ``amount_fen`` in 0.01 CNY.

    ``item_name``, ``programme`` and ``place`` are clipped to 108, 75 and 60 bytes of UTF-8.
    """

    person: Identifier
    name: str
    capacity: str
    item_ref: str
    item_name: str
    programme: str
    amount_fen: int | None
    place: str
    start: date | None

    def encode(self) -> bytes:
        """At most 488 bytes. Raises InputError for a name or reference that is too long."""
        return _head(self.person) + enc(
            "item",
            _whole(self.name, NAME_CAP, "姓名"),
            _whole(self.capacity, CAPACITY_CAP, "受益身份"),
            _whole(self.item_ref, REFERENCE_CAP, "编号"),
            clip_text(self.item_name, ITEM_NAME_CAP),
            clip_text(self.programme, PROGRAMME_CAP),
            b"" if self.amount_fen is None else u64(self.amount_fen),
            clip_text(self.place, PLACE_CAP),
            b"" if self.start is None else self.start.isoformat().encode("ascii"),
        )

    def __repr__(self) -> str:
        return "<ItemPayload>"


def read_person(payload: bytes) -> tuple[Identifier, bytes]:
    """Who a payload is about, and the bytes behind it. Raises EncodingError."""
    if len(payload) < 5:
        raise EncodingError("a payload begins with kind and identifier")
    end = 5 + uint(payload[1:5], 4)
    if end > len(payload):
        raise EncodingError("truncated: a length runs past the end")
    return _identifier(payload[:1], payload[5:end]), payload[end:]


def decode_relative(payload: bytes) -> RelativePayload:
    """The declared relative in a registry record's payload. Raises EncodingError."""
    person, body = read_person(payload)
    name, relation, kind, idn, official_name, unit, post = dec("relative", body, 7)
    return RelativePayload(
        person=person,
        name=_text(name, NAME_CAP),
        relation=_text(relation, RELATION_CAP),
        official=_identifier(kind, idn),
        official_name=_text(official_name, NAME_CAP),
        official_unit=_text(unit),
        official_post=_text(post),
    )


def decode_item(payload: bytes) -> ItemPayload:
    """The item in a beneficiary record's payload. Raises EncodingError."""
    person, body = read_person(payload)
    name, capacity, ref, item_name, programme, amount, place, start = dec("item", body, 8)
    return ItemPayload(
        person=person,
        name=_text(name, NAME_CAP),
        capacity=_text(capacity, CAPACITY_CAP),
        item_ref=_text(ref, REFERENCE_CAP),
        item_name=_text(item_name),
        programme=_text(programme),
        amount_fen=uint(amount, 8) if amount else None,
        place=_text(place),
        start=iso_date(start),
    )


def _head(person: Identifier) -> bytes:
    return u8(person.kind) + lp(person.idn.encode("ascii"))


def _identifier(kind: bytes, idn: bytes) -> Identifier:
    try:
        return Identifier(Kind(uint(kind, 1)), idn.decode("ascii"))
    except ValueError:
        raise EncodingError("not an identifier") from None


def _text(data: bytes, cap: int | None = None) -> str:
    if cap is not None and len(data) > cap:
        raise EncodingError("a field is longer than its cap")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise EncodingError("not UTF-8") from None


def _whole(text: str, cap: int, field_zh: str) -> bytes:
    data = text.encode("utf-8")
    if len(data) > cap:
        raise InputError(
            f"a field is longer than {cap} bytes of UTF-8",
            f"“{field_zh}”过长（最多约{cap // 3}个汉字），请核对后改短",
        )
    return data


def clip_text(text: str, cap: int) -> bytes:
    """UTF-8 of ``text``, with … for what is beyond ``cap`` bytes."""
    data = text.encode("utf-8")
    if len(data) <= cap:
        return data
    room = cap - len(_ELLIPSIS.encode("utf-8"))
    return data[:room].decode("utf-8", "ignore").encode("utf-8") + _ELLIPSIS.encode("utf-8")
