"""An uploaded file of declarations -> the declarations in it and a report for the clerk.

Both shapes are taken, also mixed in one workbook: the form of annex 2 (one a sheet) and the flat
table (one relative a row). Reads no clock and writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.chassis.sheets import (
    Header,
    Notice,
    Sheet,
    SheetReport,
    Workbook,
    find_header,
    import_sheets,
    read_workbook,
    require_header,
)
from services.registry.declaration_book import DeclarationBook
from services.registry.declaration_columns import (
    FLAT_REQUIRED,
    FORM_REQUIRED,
    resolve_flat,
    resolve_form_relatives,
)
from services.registry.declaration_flat import read_flat
from services.registry.declaration_form import read_form
from services.registry.declaration_records import Declaration, Official, Pledge, Relative

__all__ = [
    "Declaration",
    "DeclarationImport",
    "Official",
    "Pledge",
    "Relative",
    "import_workbook",
    "read_declarations",
]

_LEAST_FLAT = 4  # fields of a heading row that is meant to be one, though it lacks required columns


@dataclass(frozen=True)
class DeclarationImport:
    """What a file declares, and what the clerk must know about it."""

    declarations: tuple[Declaration, ...]
    report: SheetReport


def read_declarations(data: bytes, file_name: str, *, today: date) -> DeclarationImport:
    """All declarations of an .xlsx, .xls, .et or .csv. Raises SheetError if no sheet can be used.

    The same bytes give the same result. ``today`` bounds birth dates and signatures.
    """
    return import_workbook(read_workbook(data, file_name), today)


def import_workbook(workbook: Workbook, today: date) -> DeclarationImport:
    """As ``read_declarations``, of a workbook that has been read."""
    book = DeclarationBook()
    report = import_sheets(workbook, lambda sheet: _read_sheet(sheet, book, today), FLAT_REQUIRED)
    declarations = book.declarations()
    notices = (*report.notices, *_blanks(declarations))
    return DeclarationImport(declarations, replace(report, notices=notices))


def _read_sheet(sheet: Sheet, book: DeclarationBook, today: date) -> SheetReport | None:
    """The report on a sheet of either shape; None if it is neither. Raises SheetError."""
    flat = find_header(sheet, resolve_flat)
    if flat and _names_both(flat):
        require_header(flat, FLAT_REQUIRED)
        return read_flat(flat, book, today)
    form = find_header(sheet, resolve_form_relatives)
    if form:
        require_header(form, FORM_REQUIRED)
        return read_form(form, book, today)
    if flat and len(flat.columns) >= _LEAST_FLAT:
        require_header(flat, FLAT_REQUIRED)
    return None


def _names_both(header: Header) -> bool:
    """Whether one row has a column for the official himself and one for a relative."""
    own = {"official.name", "official.idn"} & header.columns.keys()
    other = {"relative.name", "relative.idn", "relative.relation"} & header.columns.keys()
    return bool(own and other)


def _blanks(declarations: Sequence[Declaration]) -> Iterator[Notice]:
    """How many officials leave which field of R17 blank, and relatives without a number, by sheet."""
    counts: dict[tuple[str, str], int] = Counter()
    for declaration in declarations:
        for name in declaration.official.missing:
            counts[declaration.position.sheet, f"名报告人没有填写“{name}”"] += 1
        for relative in declaration.relatives:
            if relative.identifier is None:
                text = "名亲属没有证件号码（已写明原因），补报之前不参加比对"
                counts[relative.position.sheet, text] += 1
    for (sheet, text), count in counts.items():
        yield Notice(sheet, 0, f"有{count}{text}")
