"""Writes what the parties got as workbooks: 纪委's cases, each unit's notices, the rows to be mended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from demo.tables import Cell, Form, Table, write_tables
from libmatch.stubs.inspector.v1 import inspector_pb2
from services.cli.clerk import yuan
from services.cli.peers import ImportReport, ItemNoticeLine, OfficialNoticeLine

_STATUS_ZH = {
    inspector_pb2.CASE_STATUS_OPENED: "待通知",
    inspector_pb2.CASE_STATUS_RELEASED: "已通知",
    inspector_pb2.CASE_STATUS_WITHDRAWN: "已撤回",
}
_CASE_HEADINGS = (
    *("序号", "党员干部", "单位", "职务", "申报单位", "亲属（受益人）", "亲属关系"),
    *("审批单位", "事项编号", "事项", "资金（项目）", "金额（元）", "地点", "时间", "身份", "状态"),
)
_OFFICIAL_HEADINGS = (
    *("党员干部", "亲属", "亲属关系", "审批单位", "事项", "资金（项目）", "金额（元）", "地点"),
)
_ITEM_HEADINGS = (*("事项编号", "事项", "受益人", "党员干部", "干部单位", "职务", "亲属关系"),)
NOTE_ZH = "比中不等于违规，须核查后处理。全部为虚构数据。"


def write_cases(path: Path, cases: Iterable[inspector_pb2.Case]) -> Path:
    """The path of the workbook with every case."""
    return _write(path, "比中记录", _CASE_HEADINGS, [_case_row(case) for case in cases])


def write_official_notices(path: Path, lines: Iterable[OfficialNoticeLine]) -> Path:
    """The path of the workbook with what a reporting unit was told."""
    rows = [
        (
            *(line.official, line.relative, line.relation, line.approving_unit),
            *(line.item_name, line.programme, yuan(line.amount_fen), line.place),
        )
        for line in lines
    ]
    return _write(path, "比中通知", _OFFICIAL_HEADINGS, rows)


def write_item_notices(path: Path, lines: Iterable[ItemNoticeLine]) -> Path:
    """The path of the workbook with what an approving unit was told."""
    rows = [
        (
            *(line.item_ref, line.item_name, line.person),
            *(line.official, line.official_unit, line.official_post, line.relation),
        )
        for line in lines
    ]
    return _write(path, "比中通知", _ITEM_HEADINGS, rows)


def write_problems(path: Path, report: ImportReport) -> Path | None:
    """The path of the workbook with the rows that were not taken; None where all were."""
    if not report.problem_file:
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(report.problem_file)
    return path


def _case_row(case: inspector_pb2.Case) -> tuple[Cell, ...]:
    amount = case.amount_fen if case.HasField("amount_fen") else None
    return (
        *(case.number, case.official_name, case.official_unit, case.official_post),
        *("、".join(case.declaring_units), case.relative_name, case.relation),
        *(case.approving_unit, case.item_ref, case.item_name, case.programme, yuan(amount)),
        *(case.place, case.start_date, case.capacity, _STATUS_ZH.get(case.status, "")),
    )


def _write(
    path: Path, name: str, headings: Sequence[str], rows: Sequence[tuple[Cell, ...]]
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = Table(name, [[NOTE_ZH], list(headings), *map(list, rows)])
    write_tables(path, Form.XLSX, [table])
    return path
