"""libmatch.client.rows: what is taken, what is refused, and what a refusal says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from libmatch.client.rows import CheckedRow, ItemRow, RejectedRow, RelativeRow, Row, check_rows
from libmatch.identifiers import Kind
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.records import Side
from tests.district import person

TODAY = date(2026, 6, 1)
ITEM = ItemRow("X-1", person(1).idn, "甲某")
RELATIVE = RelativeRow("D-1", person(1).idn, "甲某", "配偶", person(2).idn, "乙某", "某局", "科长")


def check(row: Row, *, bucket: int = 512, kinds: tuple[int, ...] = (1, 2, 3, 4)) -> Any:
    taken, rejected = check_rows([row], today=TODAY, kinds=kinds, bucket=bucket)
    results: list[Any] = [*taken, *rejected]
    return results[0]


def test_item_becomes_a_payload() -> None:
    row = check(replace(ITEM, amount_fen=5, start=date(2018, 6, 30), place="某村"))
    assert isinstance(row, CheckedRow)
    assert (row.side, row.ref) == (Side.BENEFICIARY, "X-1")
    assert isinstance(row.payload, ItemPayload)
    assert (row.payload.item_ref, row.payload.amount_fen, row.payload.place) == ("X-1", 5, "某村")


def test_relative_becomes_a_payload() -> None:
    row = check(replace(RELATIVE, relation="妻子"))
    assert isinstance(row, CheckedRow)
    assert row.side is Side.REGISTRY
    assert isinstance(row.payload, RelativePayload)
    assert (row.payload.relation, row.payload.official) == ("配偶", person(2))


def test_official_is_a_relative_of_relation_self() -> None:
    himself = replace(RELATIVE, person=person(2).idn, relation="本人")
    assert isinstance(check(himself), CheckedRow)


def test_spelling_of_a_text_does_not_make_another_row() -> None:
    spelled = replace(ITEM, ref=" Ｘ-1", name="甲　某", person=person(1).idn.lower())
    assert check(spelled).payload == check(replace(ITEM, name="甲 某")).payload


def test_kind_may_be_given_by_its_chinese_name() -> None:
    row = check({"ref": "X-1", "person": "E12345678", "name": "甲某", "kind": "护照"})
    assert row.payload.person.kind is Kind.PASSPORT


REFUSED: dict[str, tuple[Row, str]] = {
    "no reference": (replace(ITEM, ref=" "), "编号"),
    "long reference": (replace(ITEM, ref="X" * 49), "编号"),
    "no identifier": (replace(ITEM, person=""), "证件号码"),
    "number for an identifier": (replace(ITEM, person=int(person(6).idn[:17])), "证件号码"),  # type: ignore[arg-type]
    "float text": (replace(ITEM, person="5.10E+17"), "证件号码"),
    "no name": (replace(ITEM, name="　"), "姓名"),
    "long name": (replace(ITEM, name="甲" * 31), "姓名"),
    "control character": (replace(ITEM, name="甲\x00某"), "姓名"),
    "capacity": (replace(ITEM, capacity="股东"), "受益身份"),
    "negative amount": (replace(ITEM, amount_fen=-1), "金额"),
    "amount that is no integer": (replace(ITEM, amount_fen=1.5), "金额"),  # type: ignore[arg-type]
    "amount that is a truth value": (replace(ITEM, amount_fen=True), "金额"),
    "start with a time": (replace(ITEM, start=datetime(2018, 6, 30)), "起始时间"),  # noqa: DTZ001
    "start that is no date": ({"ref": "X", "person": "", "name": "", "start": "6月"}, "起始时间"),
    "unknown field": ({"ref": "X", "person": "", "name": "", "phone": ""}, "phone"),
    "missing field": ({"ref": "X", "person": ""}, "缺少"),
    "relation out of scope": (replace(RELATIVE, relation="侄子"), "亲属关系"),
    "other relation without a remark": (
        replace(RELATIVE, relation="其他具有法定扶养、赡养关系的亲属"),
        "备注",
    ),
    "relative who is the official": (replace(RELATIVE, person=person(2).idn), "本人"),
    "self who is somebody else": (replace(RELATIVE, relation="本人"), "本人"),
    "official without a number": (replace(RELATIVE, official="无"), "党员干部证件号码"),
    "official without a unit": (replace(RELATIVE, official_unit=""), "党员干部单位"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_row_is_refused_in_both_languages_without_its_content(name: str) -> None:
    row, about = REFUSED[name]
    refusal = check(row)
    assert isinstance(refusal, RejectedRow)
    assert about in refusal.message_zh
    assert refusal.message
    values = row.values() if isinstance(row, Mapping) else vars(row).values()
    for value in (
        v for v in values if isinstance(v, str) and len(v) > 8 and v != row_relation(row)
    ):
        assert value not in refusal.message + refusal.message_zh


def row_relation(row: Row) -> object:
    """The relation is a word of the form, not personal data, and may be named."""
    return None if isinstance(row, Mapping | ItemRow) else row.relation


def test_field_that_looks_like_anything_but_a_name_is_not_repeated() -> None:
    number = person(5).idn
    refusal = check({"ref": "X", "person": "", "name": "", number: ""})
    assert number not in refusal.message + refusal.message_zh


def test_kind_that_the_epoch_does_not_take_is_refused() -> None:
    assert "居民身份证" in check(ITEM, kinds=(4,)).message_zh


def test_row_longer_than_a_record_of_the_epoch_is_refused() -> None:
    assert isinstance(check(ITEM, bucket=64), RejectedRow)


def test_rows_never_show_their_content() -> None:
    assert repr(ITEM) == "<ItemRow>"
    assert repr(RELATIVE) == "<RelativeRow>"
    assert person(1).idn not in repr(check(ITEM))
