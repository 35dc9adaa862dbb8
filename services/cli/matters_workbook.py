"""The workbook of a unit's matters: plaintext for its own clerks."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import xlsxwriter

from services.cli.clerk import moment_zh
from services.cli.matters_shown import due_zh, state_zh

if TYPE_CHECKING:
    from services.cli.peers.matters import MatterLine

_HEADINGS = (
    ("事项编号", 36),
    ("状态", 18),
    ("办理期限", 18),
    ("党员干部", 12),
    ("与受益人关系", 16),
    ("受益人", 14),
    ("本单位编号", 18),
    ("项目名称", 26),
    ("资金（项目）", 22),
    ("地点", 20),
    ("开始时间", 12),
    ("审批单位", 18),
    ("申报单位", 24),
    ("受理人", 12),
    ("通知时间", 18),
    ("版本", 8),
    ("金额（元）", 14),
)
_CAUTION = "比中不等于违规，是否合规由审批单位核查。内容保密，用后按规定销毁。"


def write_matters(lines: Sequence[MatterLine]) -> bytes:
    """The bytes of the workbook, a row for each matter in its order."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1})
        text, money = book.add_format({"num_format": "@"}), book.add_format({"num_format": "0.00"})
        sheet = book.add_worksheet("涉权事项")
        sheet.write_string(0, 0, _CAUTION)
        for column, (heading, width) in enumerate(_HEADINGS):
            sheet.set_column(column, column, width)
            sheet.write_string(1, column, heading, head)
        for row, line in enumerate(lines, 2):
            cells = _cells(line)
            for column, cell in enumerate(cells):
                sheet.write_string(row, column, cell, text)
            if line.amount_fen is not None:
                sheet.write_number(row, len(cells), line.amount_fen / 100, money)
        sheet.freeze_panes(2, 1)
        sheet.autofilter(1, 0, max(2, len(lines) + 1), len(_HEADINGS) - 1)
    return stream.getvalue()


def _cells(line: MatterLine) -> tuple[str, ...]:
    return (
        *(line.case_id, state_zh(line.state), due_zh(line)),
        *(line.official, line.relation, line.beneficiary),
        *(line.item_ref, line.item_name, line.programme, line.place, line.start),
        *(line.approving_unit, "、".join(line.declaring_units), line.taken_by),
        *(moment_zh(line.notified_at_us), str(line.version)),
    )
