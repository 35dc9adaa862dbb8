"""The facts of a row (what, how much, where, when) and the reference that follows from them."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date

from libmatch.encoding import enc, u8
from libmatch.payloads import REFERENCE_CAP
from services.beneficiary.item_columns import amount_unit
from services.beneficiary.item_records import ItemPerson
from services.chassis.sheets import (
    Cell,
    CellError,
    Flaw,
    Header,
    fold_width,
    parse_date,
    parse_each,
    parse_fen,
    parse_text,
    text_of,
)

MIN_REF_KEY_BYTES = 16
_TEXT_LIMIT = 200
_DERIVED_BYTES = 15  # 120 bits: no two of a district's items collide by chance
_ORDINAL = re.compile(r"\d{1,4}")
_AS_NUMBER = re.compile(r"\d(\.\d+)?E\+\d+")
_LABELS = {
    "item_name": "项目名称",
    "programme": "资金名称",
    "amount_fen": "金额",
    "place": "地点",
    "start_date": "时间",
    "company": "承建单位",
    "finished": "完成时间",
}


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """What a row says besides its persons. ``given_ref``: the sheet's own 编号, "" without one."""

    given_ref: str
    item_name: str
    programme: str
    project: str
    amount_fen: int | None
    place: str
    start_date: date | None
    remark: str
    company: str
    finished: date | None = None


RowFacts = tuple[Facts | None, tuple[Flaw, ...]]
"""The facts of a row, or None and what is wrong with them."""


def parse_facts(
    texts: Mapping[str, Sequence[str]],
    amounts: Sequence[Cell],
    starts: Sequence[Cell],
    finishes: Sequence[Cell],
    header: Header,
) -> list[RowFacts]:
    """The facts of each row. Amounts and dates are the cells as typed by the sheet."""
    unit = _unit(header)
    columns: Sequence[Sequence[object]] = (
        parse_each(texts["ref"], parse_ref),
        parse_each(texts["item_name"], _text),
        parse_each(texts["programme"], _text),
        parse_each(texts["project"], _text),
        [_amount(cell, unit) for cell in amounts],
        parse_each(_places(texts), _text),
        [_day(cell) for cell in starts],
        parse_each(texts["remark"], _text),
        parse_each(texts["company"], _text),
        [_day(cell) for cell in finishes],
    )
    return [_row(values) for values in zip(*columns, strict=True)]


_KEYS = (
    "ref",
    "item_name",
    "programme",
    "project",
    "amount",
    "place",
    "start",
    "remark",
    "company",
    "finish",
)


def _row(values: Sequence[object]) -> RowFacts:
    flaws = tuple(
        Flaw(key, value.what, value.cure)
        for key, value in zip(_KEYS, values, strict=True)
        if isinstance(value, CellError)
    )
    if flaws:
        return None, flaws
    facts = Facts(*values)  # type: ignore[arg-type]  # no CellError is left
    return (facts, ()) if facts.item_name or facts.programme else (None, (_NAMELESS,))


_NAMELESS = Flaw(
    "item_name",
    "没有填写项目名称，也没有填写资金名称",
    "请补填项目名称或资金（补贴）名称",
)


def _text(text: str) -> str:
    return parse_text(text, _TEXT_LIMIT)


def parse_ref(text: str) -> str:
    """The unit's own reference; "" for a blank and for a mere ordinal. Raises CellError.

    Up to four digits number the rows of a sheet and start again in the next one: not a reference.
    """
    ref = fold_width(text).replace(" ", "")
    if not ref or _ORDINAL.fullmatch(ref):
        return ""
    if _AS_NUMBER.fullmatch(ref):
        raise CellError(
            "编号被表格软件当成数字处理，末尾几位已经丢失",
            "请把该列设为“文本”格式，再重新填写完整编号",
        )
    if len(ref.encode()) > REFERENCE_CAP:
        raise CellError(f"编号过长（最多{REFERENCE_CAP}个字母或数字）", "请改用较短的编号")
    return ref


def _amount(cell: Cell, unit: str) -> int | CellError | None:
    try:
        return parse_fen(cell, unit)
    except CellError as error:
        return error


def _day(cell: Cell) -> date | CellError | None:
    try:
        return parse_date(cell)
    except CellError as error:
        return error


def _unit(header: Header) -> str:
    heading = header.columns.get("amount")
    above = [text_of(cell) for row in header.sheet.rows[: header.rows.stop] for cell in row]
    return amount_unit(heading.shown if heading else "", above)


def _places(texts: Mapping[str, Sequence[str]]) -> list[str]:
    """Town, village, group and place as one text, without what the place itself repeats."""
    return [
        "".join(part for part in parts if part not in place) + place
        for *parts, place in zip(
            texts["town"], texts["village"], texts["group"], texts["place"], strict=True
        )
    ]


def derive_ref(key: bytes, facts: Facts, persons: Sequence[ItemPerson]) -> str:
    """29 characters that follow from the content alone, for a row without a reference of its own.

    The same row in another file gives the same reference; another date, amount or person another.
    The remark does not count. Keyed, because the number of a person could be searched behind a
    plain hash. ``key`` >= 16 bytes.
    """
    amount = "" if facts.amount_fen is None else str(facts.amount_fen)
    start = facts.start_date.isoformat() if facts.start_date else ""
    what = (facts.item_name, facts.programme, facts.project, facts.place, facts.company)
    content = enc(
        "item-ref",
        *(text.encode() for text in (*what, amount, start)),
        *(part for person in persons for part in _person_parts(person)),
    )
    digest = hmac.digest(key, content, "sha256")[:_DERIVED_BYTES]
    return "auto-" + base64.b32encode(digest).decode("ascii").lower()


def _person_parts(person: ItemPerson) -> tuple[bytes, bytes, bytes]:
    identifier = person.identifier
    return person.capacity.encode(), u8(identifier.kind), identifier.idn.encode("ascii")


def contradictions(earlier: Facts, later: Facts) -> list[str]:
    """The Chinese names of the facts that both state differently."""
    return [
        label
        for name, label in _LABELS.items()
        if getattr(earlier, name) != getattr(later, name)
        and not _is_blank(getattr(earlier, name))
        and not _is_blank(getattr(later, name))
    ]


def completed(earlier: Facts, later: Facts) -> Facts:
    """The earlier facts, with blanks filled from the later ones."""
    values = [
        getattr(later, f.name) if _is_blank(getattr(earlier, f.name)) else getattr(earlier, f.name)
        for f in fields(Facts)
    ]
    return Facts(*values)


def _is_blank(value: object) -> bool:
    return value is None or value == ""
