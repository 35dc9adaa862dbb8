"""Figures as people see them: headings, rows, JSON, and the workbook."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import xlsxwriter

if TYPE_CHECKING:
    from services.cli.peers.figures import FigureLines, UnitLine

COUNTS_ZH = {
    "expected": "应申报",
    "filed": "已申报",
    "filed_late": "其中逾期",
    "late": "逾期未申报",
    "declaration_records": "申报记录",
    "item_records": "受益人记录",
    "notified": "涉权事项",
    "verified": "已核查",
    "verified_late": "其中逾期核查",
    "overdue": "逾期未核查",
    "overdue_steps": "其他逾期",
    "compliant": "合规",
    "not_compliant": "不合规",
    "measured": "已处理",
    "leads": "移送线索",
    "publishing": "公示中",
    "published": "公示期满",
    "objected": "有异议",
    "withdrawn": "已撤回",
    "concerning": "本单位干部事项",
    "officials": "涉及干部",
}
"""The fields of a unit's figures, and how they are headed, in the order of the process."""

SCREEN_HEADINGS = ("单位", "申报", "未报", "核查", "逾期", "不合规", "公示", "期满")


def screen_rows(lines: FigureLines) -> list[tuple[str, ...]]:
    """What fits on a terminal: done of all, and how many are late; zeros are blank. The district is last."""
    return [_screen_row(one) for one in _all_of(lines)]


def _screen_row(one: UnitLine) -> tuple[str, ...]:
    counts = one.counts
    numbers = ("not_compliant", "publishing", "published")
    return (
        one.display_name,
        _of(counts["filed"], counts["expected"]),
        str(counts["late"] or ""),
        _of(counts["verified"], counts["notified"]),
        str(counts["overdue"] + counts["overdue_steps"] or ""),
        *(str(counts[name] or "") for name in numbers),
    )


def _of(done: int, wanted: int) -> str:
    return f"{done}/{wanted}" if wanted else ""


def to_json(lines: FigureLines) -> str:
    """Everything, for other programs."""
    return json.dumps(asdict(lines), ensure_ascii=False, indent=2)


def write_figures(lines: FigureLines) -> bytes:
    """The bytes of the workbook: figures by unit, and the units that are missing."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1})
        headings = ("单位代码", "单位", *COUNTS_ZH.values())
        rows = [
            (one.unit, one.display_name, *(one.counts[name] for name in COUNTS_ZH))
            for one in _all_of(lines)
        ]
        _write_sheet(book, f"统计{lines.as_of}", headings, rows, head)
        if lines.missing:
            _write_sheet(book, "未申报单位", ("单位代码", "单位", "情况"), lines.missing, head)
    return stream.getvalue()


def _all_of(lines: FigureLines) -> list[UnitLine]:
    return [*lines.units, *([lines.district] if lines.district else [])]


def _write_sheet(
    book: Any, name: str, headings: Sequence[str], rows: Sequence[Sequence[Any]], head: Any
) -> None:
    sheet = book.add_worksheet(name)
    for column, heading in enumerate(headings):
        sheet.set_column(column, column, max(10, 2 * len(heading) + 2))
        sheet.write_string(0, column, heading, head)
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(number, column, value)
            else:
                sheet.write_string(number, column, value)  # never a formula
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(1, len(rows)), len(headings) - 1)
