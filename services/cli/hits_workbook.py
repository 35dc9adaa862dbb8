"""The workbook of a comparison: hits, rows that were not taken, and what was done.

It holds plaintext of one department's own two lists, for that department's own verification (R38); numbers
are masked, for the row in the source names the person well enough.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter

from libmatch.errors import InputError
from libmatch.identifiers import Kind
from services.chassis.sheets import SheetReport
from services.cli.comparison import Comparison, Found, mask_number

CAUTION_ZH = (
    "比中不等于违规：仅表示受益人在党员干部的申报范围内。请按“谁审批、谁核查”逐条核查是否符合政策，"
    "由人作出结论。"
)
MAX_HITS = 1_000_000  # a sheet has 1,048,576 rows
_KINDS = {
    Kind.RESIDENT_ID: "居民身份证",
    Kind.FOREIGN_PERMANENT_RESIDENT: "外国人永久居留证",
    Kind.PASSPORT: "护照",
    Kind.CREDIT_CODE: "统一社会信用代码",
}
_HEADINGS = (
    ("序号", 6),
    ("党员干部姓名", 12),
    ("单位", 20),
    ("职务", 18),
    ("与受益人关系", 16),
    ("受益人姓名", 14),
    ("申报的姓名", 14),
    ("证件种类", 16),
    ("证件号码（遮盖）", 22),
    ("受益身份", 12),
    ("编号", 18),
    ("项目名称", 26),
    ("资金名称", 22),
    ("金额（元）", 14),
    ("地点", 18),
    ("起始时间", 12),
    ("受益名单位置", 26),
    ("申报表位置", 26),
    ("提示", 30),
)
_REFUSED_HEADINGS = (
    ("类别", 10),
    ("文件", 10),
    ("工作表", 18),
    ("行", 8),
    ("列", 6),
    ("栏目", 18),
    ("问题", 44),
    ("改正办法", 44),
)


@dataclass(frozen=True)
class Source:
    """One input file: its short name ("申报 1"), its own name, its SHA-256, the import's report."""

    label: str
    file_name: str
    sha256: str
    report: SheetReport


def write_hits(comparison: Comparison, sources: Sequence[Source], now: datetime) -> bytes:
    """The bytes of the workbook. Raises InputError for more hits than a sheet has rows."""
    if len(comparison.hits) > MAX_HITS:
        raise InputError("too many hits for one sheet", "比中超过一百万条，请分批比对")
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        formats = _Formats(book)
        _write_results(book.add_worksheet("比对结果"), formats, comparison.hits)
        _write_refused(book.add_worksheet("未采纳的行"), formats, comparison, sources)
        _write_account(book.add_worksheet("说明"), formats, comparison, sources, now)
    return stream.getvalue()


class _Formats:
    def __init__(self, book: Any) -> None:
        head = {"bold": True, "bg_color": "#DDE6F0", "border": 1, "text_wrap": True}
        self.note = book.add_format({"bold": True, "text_wrap": True, "valign": "vcenter"})
        self.head = book.add_format({**head, "valign": "vcenter"})
        self.text = book.add_format({"num_format": "@"})
        self.money = book.add_format({"num_format": "#,##0.00"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})


def _write_results(sheet: Any, formats: _Formats, hits: Sequence[Found]) -> None:
    sheet.merge_range(0, 0, 0, len(_HEADINGS) - 1, CAUTION_ZH, formats.note)
    sheet.set_row(0, 32)
    _write_head(sheet, formats, 1, _HEADINGS)
    for number, hit in enumerate(hits, 1):
        for column, value in enumerate((number, *_cells(hit))):
            _write_cell(sheet, formats, number + 1, column, value)
    if not hits:
        sheet.write_string(2, 0, "没有比中", formats.text)
    sheet.freeze_panes(2, 2)
    sheet.autofilter(1, 0, max(2, len(hits) + 1), len(_HEADINGS) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0, 1)


def _cells(hit: Found) -> tuple[object, ...]:
    declared, item, person = hit.declared, hit.benefiting.item, hit.benefiting.person
    official = declared.official
    return (
        official.name,
        official.unit,
        official.post,
        str(declared.relation),
        person.name,
        declared.name,
        _KINDS[person.identifier.kind],
        mask_number(person.identifier),
        str(person.capacity),
        item.item_ref,
        item.item_name,
        item.programme,
        None if item.amount_fen is None else item.amount_fen / 100,
        item.place,
        item.start_date,
        str(hit.benefiting.place),
        str(declared.place),
        "两表姓名不一致，请先核对证件号码" if hit.names_differ else "",
    )


def _write_refused(
    sheet: Any, formats: _Formats, comparison: Comparison, sources: Sequence[Source]
) -> None:
    _write_head(sheet, formats, 0, _REFUSED_HEADINGS)
    for row, cells in enumerate(_refused_rows(comparison, sources), 1):
        for column, value in enumerate(cells):
            _write_cell(sheet, formats, row, column, value)
    sheet.freeze_panes(1, 0)


def _refused_rows(
    comparison: Comparison, sources: Iterable[Source]
) -> Iterator[tuple[object, ...]]:
    for source in sources:
        for p in source.report.problems:
            place = (source.label, p.sheet, p.row, p.column, p.heading)
            yield ("未采纳", *place, p.what, p.cure)
    for place_ in comparison.without_number:
        position = (place_.file, place_.position.sheet, place_.position.row, "", "亲属身份证号码")
        yield ("未比对", *position, "亲属没有证件号码", "补报证件号码后重新比对；不按姓名比对")


def _write_account(
    sheet: Any,
    formats: _Formats,
    comparison: Comparison,
    sources: Sequence[Source],
    now: datetime,
) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 100)
    for row, (name, value) in enumerate(_account(comparison, sources, now)):
        sheet.write_string(row, 0, name, formats.head)
        _write_cell(sheet, formats, row, 1, value)


def _account(
    comparison: Comparison, sources: Sequence[Source], now: datetime
) -> Iterator[tuple[str, object]]:
    yield "比对时间", f"{now:%Y-%m-%d %H:%M:%S %z}"
    yield "注意", CAUTION_ZH
    yield "保密", "本文件含个人信息，仅供本单位核查使用，用后按规定销毁，不得外传。"
    yield "申报的党员干部（人）", comparison.officials
    yield "参加比对的本人和亲属", comparison.declared
    yield "受益事项（项）", comparison.items
    yield "参加比对的受益人（人次）", comparison.benefiting
    yield "比中（条）", len(comparison.hits)
    yield "其中姓名不一致（条）", sum(hit.names_differ for hit in comparison.hits)
    yield "未比对：无证件号码的亲属", len(comparison.without_number)
    yield "未采纳的行", sum(source.report.tally.refused for source in sources)
    yield "未签名或未注明日期的申报", comparison.unsigned
    yield "比对方法", "按证件种类和号码完全一致比对（15 位身份证号先换算为 18 位），不按姓名比对。"
    yield "证件号码", "本文件中的个人证件号码已遮盖中段；请按“位置”两列在原表中查找。"
    for source in sources:
        yield f"{source.label}：文件", source.file_name
        yield f"{source.label}：SHA-256", source.sha256
        tally = source.report.tally
        yield (
            f"{source.label}：行数",
            f"共 {tally.rows}，采纳 {tally.taken}，未采纳 {tally.refused}",
        )
        for reason, count in tally.skipped.items():
            yield f"{source.label}：跳过", f"{reason}：{count} 行"
        for notice in source.report.notices:
            yield f"{source.label}：提示", str(notice)


def _write_head(
    sheet: Any, formats: _Formats, row: int, headings: Sequence[tuple[str, int]]
) -> None:
    for column, (heading, width) in enumerate(headings):
        sheet.set_column(column, column, width)
        sheet.write_string(row, column, heading, formats.head)


def _write_cell(sheet: Any, formats: _Formats, row: int, column: int, value: object) -> None:
    match value:
        case None | "":
            return
        case str():
            sheet.write_string(row, column, value, formats.text)
        case int():
            sheet.write_number(row, column, value)
        case float():
            sheet.write_number(row, column, value, formats.money)
        case date():
            sheet.write_datetime(row, column, value, formats.day)
