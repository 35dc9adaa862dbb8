"""The file that a person gets says everything, in the form's words, and runs nothing (R65)."""

from __future__ import annotations

import io
import json

import openpyxl
import pytest

from services.cli.peers.rights import HeldAnswer, HeldMatterLine, HeldRecordLine
from services.cli.rights import outcome_zh
from services.cli.rights_sheet import NOTE_ZH, held_to_json, held_to_workbook

RECORD = HeldRecordLine(
    reference="0f" * 16,
    category="党员干部亲属关系申报",
    capacity="党员干部亲属",
    purpose="党员干部亲属涉权事项比对",
    status="参加比对",
    fields=(("姓名", "=1+1"), ("亲属关系", "子女")),
    matters=(HeldMatterLine(1_780_300_000_000_000, "住房补助", "待核查"),),
    entered_at_us=1_780_200_000_000_000,
    purge_on="",
    correction="由报告人以新的版本更正",
)
ANSWER = HeldAnswer("区农委", "2026-07-01", (RECORD,))


def test_R65_workbook_has_a_line_for_each_heading_and_notice() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(held_to_workbook(ANSWER))).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert NOTE_ZH in str(rows[0][0])
    assert "2026-07-01" in str(rows[0][0])
    assert [row[4:6] for row in rows[2:]] == [
        ["姓名", "=1+1"],
        ["亲属关系", "子女"],
        ["比中通知", "2026-06-01 15:46 住房补助：待核查"],
    ]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}
    assert (rows[2][0], rows[2][8], rows[3][0]) == (RECORD.category, RECORD.correction, None)


def test_R65_json_has_the_same() -> None:
    values = json.loads(held_to_json(ANSWER))
    (record,) = values["信息"]
    assert (values["单位"], values["答复期限"]) == ("区农委", "2026-07-01")
    assert record["内容"] == {"姓名": "=1+1", "亲属关系": "子女"}
    assert record["比中通知"][0]["状态"] == "待核查"
    assert record["如何更正"] == RECORD.correction


@pytest.mark.parametrize(
    ("outcome", "told"),
    [("ok", "已办理"), ("refused R38", "已拒绝（规则R38）"), ("refused WRONG_STATE", "已拒绝")],
)
def test_how_a_look_ended_is_told_in_chinese(outcome: str, told: str) -> None:
    assert outcome_zh(outcome) == told
