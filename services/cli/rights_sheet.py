"""The answer to a person's request as a workbook and as JSON: what the unit holds about him (R65)."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import xlsxwriter

from services.cli.clerk import moment_zh

if TYPE_CHECKING:
    from services.cli.peers.rights import HeldAnswer, HeldRecordLine

_HEADINGS = (
    *(("信息类别", 26), ("身份", 18), ("处理目的", 34), ("状态", 24), ("栏目", 20), ("内容", 40)),
    *(("录入时间", 18), ("保存期至", 14), ("如何更正", 46), ("编号", 36)),
)
NOTE_ZH = (
    "本表列出本单位该系统保存的关于您本人的信息；涉及他人的内容不予提供。比中不等于违规。"
    "如有错误，请按“如何更正”一栏提出。"
)


def held_to_json(answer: HeldAnswer) -> bytes:
    """The answer as JSON, UTF-8, for the person."""
    values: dict[str, Any] = {
        "单位": answer.unit,
        "答复期限": answer.due,
        "说明": NOTE_ZH,
        "信息": [_record_to_values(record) for record in answer.records],
    }
    return json.dumps(values, ensure_ascii=False, indent=2).encode("utf-8")


def held_to_workbook(answer: HeldAnswer) -> bytes:
    """The bytes of an .xlsx: one line for each heading of each record. Nothing in it is a formula."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1})
        text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        sheet = book.add_worksheet("本人信息")
        sheet.write_string(0, 0, f"{answer.unit}：{NOTE_ZH}答复期限：{answer.due}。")
        for column, (heading, width) in enumerate(_HEADINGS):
            sheet.set_column(column, column, width)
            sheet.write_string(1, column, heading, head)
        rows = [row for record in answer.records for row in _rows(record)]
        for number, row in enumerate(rows, 2):
            for column, value in enumerate(row):
                if value:
                    sheet.write_string(number, column, value, text)
        sheet.freeze_panes(2, 0)
    return stream.getvalue()


def _record_to_values(record: HeldRecordLine) -> dict[str, Any]:
    return {
        "编号": record.reference,
        "信息类别": record.category,
        "身份": record.capacity,
        "处理目的": record.purpose,
        "状态": record.status,
        "内容": dict(record.fields),
        "比中通知": [
            {"收到时间": moment_zh(one.received_at_us), "资金（项目）": one.item, "状态": one.state}
            for one in record.matters
        ],
        "录入时间": moment_zh(record.entered_at_us),
        "保存期至": record.purge_on,
        "如何更正": record.correction,
    }


def _rows(record: HeldRecordLine) -> list[tuple[str, ...]]:
    """The record's lines: its headings, then its notices; what is the same stands in the first."""
    told = [
        *record.fields,
        *(
            ("比中通知", f"{moment_zh(m.received_at_us)} {m.item}：{m.state}")
            for m in record.matters
        ),
    ]
    own = (record.category, record.capacity, record.purpose, record.status)
    rest = (moment_zh(record.entered_at_us), record.purge_on, record.correction, record.reference)
    return [
        (*(own if first else ("",) * 4), name, value, *(rest if first else ("",) * 4))
        for first, (name, value) in ((index == 0, pair) for index, pair in enumerate(told))
    ]
