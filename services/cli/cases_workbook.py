"""The workbook of 纪委's cases: plaintext of hits; numbers are masked unless they are asked for."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import xlsxwriter

from libmatch.errors import InputError
from libmatch.identifiers import Identifier, Kind
from services.cli.case_stages import stages_zh
from services.cli.clerk import moment_zh
from services.cli.comparison import mask_number
from services.cli.hits_workbook import CAUTION_ZH, MAX_HITS

if TYPE_CHECKING:
    from services.inspector.peers.desk import CaseLine

_HEADINGS = (
    ("序号", 8),
    ("状态", 10),
    ("党员干部", 12),
    ("单位", 20),
    ("职务", 18),
    ("干部证件号码", 22),
    ("与受益人关系", 16),
    ("受益人（申报姓名）", 18),
    ("名单姓名", 14),
    ("姓名核对", 12),
    ("受益人证件号码", 22),
    ("受益身份", 12),
    ("申报单位", 18),
    ("审批单位", 18),
    ("事项编号", 18),
    ("项目名称", 26),
    ("资金（项目）", 22),
    ("金额（元）", 14),
    ("地点", 18),
    ("起始时间", 12),
    ("打开时间", 18),
    ("发出时间", 18),
    ("同意人", 18),
    ("编号", 34),
    ("办理进度", 30),
)


def write_cases(
    cases: Sequence[CaseLine], status_zh: Mapping[str, str], now: datetime, *, full_numbers: bool
) -> bytes:
    """The bytes of the workbook. Raises InputError for more cases than a sheet has rows."""
    if len(cases) > MAX_HITS:
        raise InputError("too many cases for one sheet", "比中超过一百万条，请按单位分别导出")
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDE6F0", "border": 1})
        text, money = book.add_format({"num_format": "@"}), book.add_format({"num_format": "0.00"})
        sheet = book.add_worksheet("比中")
        exported = moment_zh(int(now.timestamp() * 1e6))
        sheet.write_string(0, 0, f"{CAUTION_ZH}导出时间：{exported}。内容保密，用后按规定销毁。")
        for column, (heading, width) in enumerate(_HEADINGS):
            sheet.set_column(column, column, width)
            sheet.write_string(1, column, heading, head)
        for row, case in enumerate(cases, 2):
            cells = _cells(case, status_zh, full_numbers=full_numbers)
            for column, value in enumerate(cells):
                _write(sheet, row, column, value, text, money)
        sheet.freeze_panes(2, 3)
        sheet.autofilter(1, 0, max(2, len(cases) + 1), len(_HEADINGS) - 1)
    return stream.getvalue()


def show_number(kind: int, idn: str, *, full: bool = False) -> str:
    """The identifier as officers see it: its middle hidden unless they asked for it."""
    return idn if full else mask_number(Identifier(Kind(kind), idn))


def _cells(case: CaseLine, status_zh: Mapping[str, str], *, full_numbers: bool) -> tuple[Any, ...]:
    official = show_number(case.official_kind, case.official_idn, full=full_numbers)
    person = show_number(case.person_kind, case.person_idn, full=full_numbers)
    return (
        *(str(case.number), status_zh.get(case.status, case.status)),
        *(case.official_name, case.official_unit, case.official_post, official),
        *(case.relation, case.person_name, case.listed_name),
        *("不一致" if case.names_differ else "", person, case.capacity),
        *(
            "、".join(map(case.show_unit, case.declaring_units)),
            case.show_unit(case.approving_unit),
        ),
        *(case.item_ref, case.item_name, case.programme),
        None if case.amount_fen is None else case.amount_fen / 100,
        *(case.place, case.start),
        *(moment_zh(case.opened_at_us), moment_zh(case.released_at_us)),
        *("、".join(case.released_by), case.case_id, stages_zh(case)),
    )


def _write(sheet: Any, row: int, column: int, value: Any, text: Any, money: Any) -> None:
    if isinstance(value, float):
        sheet.write_number(row, column, value, money)
    elif value:
        sheet.write_string(row, column, value, text)  # never a formula, whatever a unit sealed
