"""What a department's system hands in: rows of plain values, and each row's payload or refusal.

A row holds one person of an item (beneficiary side) or one relative of an official (registry side).
Refusals name the field and the rule, in Chinese and English, and repeat no value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date

from libmatch.errors import IdentifierError, InputError
from libmatch.identifiers import Identifier, Kind, kind_name, parse_identifier, parse_kind
from libmatch.payloads import REFERENCE_CAP, ItemPayload, RelativePayload
from libmatch.records import Side
from libmatch.relations import Relation, parse_relation, requires_remark

CAPACITIES = ("受益人", "法定代表人", "委托代理人")  # R28
_MAX_FEN = 1 << 63


@dataclass(frozen=True, repr=False)
class ItemRow:
    """One person of a fund or project item; ``ref`` is the caller's own reference of the item.

    ``person`` is the identifier as text, never a number; ``amount_fen`` in 0.01 CNY. ``kind`` is needed
    only where a text could be two kinds of identifier.
    """

    ref: str
    person: str
    name: str
    capacity: str = CAPACITIES[0]
    item_name: str = ""
    programme: str = ""
    amount_fen: int | None = None
    place: str = ""
    start: date | None = None
    kind: Kind | None = None

    def __repr__(self) -> str:
        return "<ItemRow>"


@dataclass(frozen=True, repr=False)
class RelativeRow:
    """One declared relative of an official; ``ref`` is the caller's own reference of the declaration.

    With relation 本人 the person is the official himself. ``remark`` is asked for with 其他… and not sealed.
    """

    ref: str
    person: str
    name: str
    relation: str
    official: str
    official_name: str
    official_unit: str
    official_post: str
    remark: str = ""
    kind: Kind | None = None

    def __repr__(self) -> str:
        return "<RelativeRow>"


Row = ItemRow | RelativeRow | Mapping[str, object]


@dataclass(frozen=True)
class RejectedRow:
    """A row that was not taken: where it stood in the input (from 0), its ``ref``, and why."""

    position: int
    ref: str
    message: str
    message_zh: str


@dataclass(frozen=True, repr=False)
class CheckedRow:
    """A row that can be sealed."""

    side: Side
    ref: str
    payload: ItemPayload | RelativePayload


def check_rows(
    rows: Iterable[Row], *, today: date, kinds: Collection[int], bucket: int
) -> tuple[list[CheckedRow], list[RejectedRow]]:
    """The rows that can be sealed, in order, and the others.

    ``kinds`` and ``bucket`` are the epoch's: the identifiers that it takes and the size of a record.
    """
    taken, rejected = [], []
    for position, row in enumerate(rows):
        try:
            taken.append(_check_row(row, today, kinds, bucket))
        except InputError as error:
            reason = (str(error), error.message_zh)
            rejected.append(RejectedRow(position, ref_of(row), *reason))
    return taken, rejected


def _check_row(row: Row, today: date, kinds: Collection[int], bucket: int) -> CheckedRow:
    typed = row if isinstance(row, ItemRow | RelativeRow) else _from_mapping(row)
    ref = _text(typed.ref, "编号")
    if len(ref.encode("utf-8")) > REFERENCE_CAP:
        raise InputError(
            f"ref is longer than {REFERENCE_CAP} bytes", f"“编号”过长（最多{REFERENCE_CAP}个字节）"
        )
    person = _identifier(typed.person, "证件号码", today, kinds, typed.kind)
    payload: ItemPayload | RelativePayload
    if isinstance(typed, ItemRow):
        payload = _item_payload(typed, ref, person)
    else:
        official = _identifier(typed.official, "党员干部证件号码", today, kinds)
        payload = _relative_payload(typed, person, official)
    if len(payload.encode()) > bucket - 2:
        raise InputError("the row is longer than a record of this epoch", "该行内容过长，请改短")
    return CheckedRow(side_of(typed), ref, payload)


def _item_payload(row: ItemRow, ref: str, person: Identifier) -> ItemPayload:
    if row.capacity not in CAPACITIES:
        raise InputError(
            "capacity is not one of the three", "受益身份只能填：" + "、".join(CAPACITIES)
        )
    amount = row.amount_fen
    if amount is not None and (type(amount) is not int or not 0 <= amount < _MAX_FEN):
        raise InputError("amount_fen is a whole number of fen", "金额须为不小于0的整数（单位：分）")
    if row.start is not None and type(row.start) is not date:
        raise InputError("start is a date", "起始时间须为日期")
    return ItemPayload(
        person=person,
        name=_text(row.name, "姓名"),
        capacity=row.capacity,
        item_ref=ref,
        item_name=_text(row.item_name, "项目名称", optional=True),
        programme=_text(row.programme, "资金（项目）名称", optional=True),
        amount_fen=amount,
        place=_text(row.place, "地点", optional=True),
        start=row.start,
    )


def _relative_payload(
    row: RelativeRow, person: Identifier, official: Identifier
) -> RelativePayload:
    relation = parse_relation(_text(row.relation, "亲属关系"))
    if requires_remark(relation) and not _text(row.remark, "备注", optional=True):
        raise InputError(
            "this relation needs a remark (R15)", f"亲属关系为“{relation}”时须填写备注"
        )
    if (relation is Relation.SELF) != (person == official):
        raise InputError(
            "relation 本人 and only that names the official's own identifier",
            "亲属关系为“本人”时证件号码须与党员干部本人一致，其他关系则须不同",
        )
    return RelativePayload(
        person=person,
        name=_text(row.name, "姓名"),
        relation=relation.value,
        official=official,
        official_name=_text(row.official_name, "党员干部姓名"),
        official_unit=_text(row.official_unit, "党员干部单位"),
        official_post=_text(row.official_post, "党员干部职务", optional=True),
    )


def _identifier(
    text: object, field_zh: str, today: date, kinds: Collection[int], kind: Kind | None = None
) -> Identifier:
    if not isinstance(text, str):
        raise InputError(
            "an identifier is text: a number may have lost its last digits",
            f"“{field_zh}”须为文本，不能是数值（末尾数字可能已丢失）",
        )
    try:
        identifier = parse_identifier(text, today=today, kind=kind)
    except IdentifierError as error:
        raise InputError(f"identifier: {error}", f"“{field_zh}”：{error.message_zh}") from None
    if int(identifier.kind) not in kinds:
        raise InputError(
            "this epoch does not take that kind of identifier",
            f"“{field_zh}”：本周期不比对{kind_name(identifier.kind)}",
        )
    return identifier


def _text(value: object, field_zh: str, *, optional: bool = False) -> str:
    """``value`` with width folded and white space collapsed. Raises InputError."""
    if not isinstance(value, str):
        raise InputError("a text field is not text", f"“{field_zh}”须为文本")
    text = fold(value)
    if not text.isprintable():
        raise InputError("a text field holds control characters", f"“{field_zh}”含有不可见字符")
    if not text and not optional:
        raise InputError("a required text field is empty", f"“{field_zh}”不能为空")
    return text


def _from_mapping(row: Mapping[str, object]) -> ItemRow | RelativeRow:
    """The typed row: with a key ``relation`` a relative, else an item. Dates may be ISO texts."""
    row_type = RelativeRow if "relation" in row else ItemRow
    known = {field.name for field in fields(row_type)}
    unknown = sorted(str(key) for key in row if key not in known)
    if unknown:
        # A key that is no name could be anything, an identifier too: it is not repeated.
        name = unknown[0] if unknown[0].isidentifier() else "…"
        raise InputError(f"unknown field {name}", f"未知字段“{name}”")
    values = dict(row)
    try:
        if isinstance(values.get("start"), str):
            values["start"] = date.fromisoformat(str(values["start"]))
        if isinstance(values.get("kind"), str):
            values["kind"] = parse_kind(str(values["kind"]))
        return row_type(**values)  # type: ignore[arg-type]  # every field is checked afterwards
    except ValueError:
        raise InputError("start is not an ISO date", "起始时间须为日期（如2018-06-30）") from None
    except TypeError:
        raise InputError("a required field is missing", "缺少必填字段") from None


def fold(text: str) -> str:
    """``text`` with width folded (NFKC) and white space collapsed: how references are compared."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def ref_of(row: Row) -> str:
    """The row's folded reference, whether or not the row can be taken; empty where it has none."""
    value = row.get("ref") if isinstance(row, Mapping) else row.ref
    return fold(value) if isinstance(value, str) else ""


def side_of(row: Row) -> Side:
    """The side that a row belongs to, whether or not it can be taken."""
    if isinstance(row, Mapping):
        return Side.REGISTRY if "relation" in row else Side.BENEFICIARY
    return Side.BENEFICIARY if isinstance(row, ItemRow) else Side.REGISTRY
