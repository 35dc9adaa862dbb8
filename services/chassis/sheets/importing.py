"""Going through the sheets of a workbook: tables, sheets without one, sheets that cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.chassis.sheets.body import FURNITURE, NO_TABLE
from services.chassis.sheets.headings import Field, without_added_columns
from services.chassis.sheets.problems import (
    Correction,
    Notice,
    Problem,
    SheetReport,
    Tally,
    join_reports,
    what_and_cure,
)
from services.chassis.sheets.template import CHOICES_SHEET, GUIDE_SHEET
from services.chassis.sheets.workbook import Sheet, SheetError, Workbook


def import_sheets(
    workbook: Workbook,
    read_sheet: Callable[[Sheet], SheetReport | None],
    expected: Sequence[Field],
) -> SheetReport:
    """The joined reports of ``read_sheet``, which gives None for a sheet that holds no table.

    A sheet for which it raises SheetError is reported as refused where another one can be used;
    where none can, that error is raised. ``expected`` names the headings to look for in messages.
    """
    reports: list[SheetReport] = []
    first_error: SheetError | None = None
    usable = False
    for sheet in map(without_added_columns, workbook.sheets):
        try:
            report = read_sheet(sheet)
            usable = usable or report is not None
            reports.append(report or _without_table(sheet))
        except SheetError as error:
            first_error = first_error or error
            reports.append(_refused(sheet, error))
    if not usable:
        raise first_error or _no_header(expected)
    return join_reports(reports)


def _no_header(expected: Sequence[Field]) -> SheetError:
    names = "、".join(f"“{field.headings[0]}”" for field in expected)
    return SheetError(
        "no heading row in any sheet",
        f"文件里找不到表头行。表头应至少包括：{names}。请检查是否选错了文件，"
        "或用“libmatch templates”生成模板，把内容填入模板后再导入",
    )


def _without_table(sheet: Sheet) -> SheetReport:
    rows = len(sheet.rows)
    own = sheet.name in (GUIDE_SHEET, CHOICES_SHEET)
    filled = any(cell != "" for row in sheet.rows for cell in row)
    notices = (Notice(sheet.name, 0, "没有可识别的表头，未导入"),) if filled and not own else ()
    reason = FURNITURE if own else NO_TABLE
    return SheetReport((), notices, Tally(rows, 0, 0, {reason: rows} if rows else {}), ())


def _refused(sheet: Sheet, error: SheetError) -> SheetReport:
    what, cure = what_and_cure(error, "请改正后重新导入")
    what = what.removeprefix(f"工作表“{sheet.name}”").lstrip("：")
    rows = len(sheet.rows)
    problem = Problem(sheet.name, 1, "", "", f"整张工作表没有导入：{what}", cure)
    correction = Correction(sheet, range(rows), range(0))
    return SheetReport((problem,), (), Tally(rows, 0, rows, {}), (correction,))
