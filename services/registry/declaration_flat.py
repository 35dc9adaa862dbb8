"""Flat tables of declarations: one relative a row, the official's columns repeated or left as above.

"As above" holds where the official's cells are merged with those above or all of them are blank.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.chassis.sheets import (
    ABOVE,
    Cell,
    Correction,
    Flaw,
    Header,
    Outcome,
    RowRules,
    SheetReport,
    data_rows,
    filled_down,
    places_of,
    text_of,
)
from services.registry.declaration_book import DeclarationBook
from services.registry.declaration_columns import (
    OFFICIAL,
    OFFICIAL_FIELDS,
    ORDINAL,
    RELATIVE,
    RELATIVE_FIELDS,
)
from services.registry.declaration_persons import parse_officials, parse_relatives
from services.registry.declaration_records import Official, Pledge

_NOTES = re.compile(r"报告人承诺|本人承诺|承诺人|责任领导|党组织")
_NO_OFFICIAL = Flaw(
    f"{OFFICIAL}.name",
    "没有报告人信息，上方也没有可以沿用的报告人",
    "请补填报告人的姓名和身份证号码",
)


def read_flat(header: Header, book: DeclarationBook, today: date) -> SheetReport:
    """The report on the sheet of ``header``; what can be taken goes into ``book``."""
    sheet = header.sheet
    columns = {key: heading.column for key, heading in header.columns.items()}
    rows = filled_down(sheet, header.rows.stop, set(columns.values()))
    outcome = Outcome(sheet, places_of(header))
    outcome.skip(ABOVE, header.rows.stop)
    data = data_rows(rows, header, _rules(header), outcome)
    table = _Table(header, rows, data, today)
    _settle(table, book, outcome)
    outcome.note_left_out(header)
    return outcome.report(_corrections(table, outcome.refused))


def _rules(header: Header) -> RowRules:
    columns = header.columns
    return RowRules(
        content=tuple(h.column for key, h in columns.items() if key != ORDINAL),
        identifying=tuple(h.column for key, h in columns.items() if key.endswith(".idn")),
        notes=_NOTES,
    )


@dataclass(frozen=True)
class _Source:
    """The official of a row: an index into the table's officials, and the row that names him."""

    official: int
    row: int


class _Table:
    """The parsed persons of a flat table. Rows count from 0 in the sheet."""

    def __init__(
        self, header: Header, rows: Sequence[Sequence[Cell]], data: list[int], today: date
    ) -> None:
        self.header = header
        self.rows = rows
        self.data = data
        parts = self._texts(OFFICIAL, OFFICIAL_FIELDS)
        self.sources, distinct = _sources(data, parts)
        positions = [header.sheet.position(row) for _, row in distinct]
        self.officials = parse_officials([part for part, _ in distinct], positions, today)
        relatives = self._texts(RELATIVE, RELATIVE_FIELDS)
        named = [at for at, part in enumerate(relatives) if any(part)]
        parsed = parse_relatives(
            [relatives[at] for at in named],
            [header.sheet.position(data[at]) for at in named],
            today,
        )
        self.relatives = dict(zip((data[at] for at in named), parsed, strict=True))

    def _texts(self, whose: str, fields: Sequence[str]) -> list[tuple[str, ...]]:
        """The fields of each data row as clean texts; "" where the table lacks the column."""
        columns = []
        for field in fields:
            heading = self.header.columns.get(f"{whose}.{field}")
            if heading is None:
                columns.append([""] * len(self.data))
            else:
                columns.append([text_of(self.rows[row][heading.column]) for row in self.data])
        return list(zip(*columns, strict=True))


def _sources(
    data: Sequence[int], parts: Sequence[tuple[str, ...]]
) -> tuple[dict[int, _Source], list[tuple[tuple[str, ...], int]]]:
    """Each row's source (none before the first official), and the distinct officials' texts."""
    known: dict[tuple[str, ...], int] = {}
    distinct: list[tuple[tuple[str, ...], int]] = []
    sources: dict[int, _Source] = {}
    source: _Source | None = None
    for row, part in zip(data, parts, strict=True):
        if any(part):
            if part not in known:
                known[part] = len(distinct)
                distinct.append((part, row))
            source = _Source(known[part], row)
        if source:
            sources[row] = source
    return sources, distinct


def _settle(table: _Table, book: DeclarationBook, outcome: Outcome) -> None:
    """Takes or refuses each data row, in order."""
    officials = [_enter(official, book) for official in table.officials]
    repeated = []
    for row in table.data:
        source = table.sources.get(row)
        official = officials[source.official] if source else (_NO_OFFICIAL,)
        flaws = list(_official_flaws(official, row, source))
        relative = table.relatives.get(row)
        if isinstance(relative, tuple):
            flaws += relative
        elif isinstance(official, Official) and relative:
            added = book.add_relative(official, relative)
            flaws += added.flaws
            if added.repeated:
                repeated.append(row)
        if flaws:
            outcome.refuse(row, flaws)
            if isinstance(official, Official):
                book.note_refused(official)
        else:
            outcome.take()
    outcome.note_repeated(repeated)


def _enter(
    official: Official | tuple[Flaw, ...], book: DeclarationBook
) -> Official | tuple[Flaw, ...]:
    if isinstance(official, tuple):
        return official
    pledge = None
    if official.signed_on is not None:  # of the paper form that the row was typed from
        pledge = Pledge(official.name, official.signed_on)
    return book.add_official(official, pledge) or official


def _official_flaws(
    official: Official | tuple[Flaw, ...], row: int, source: _Source | None
) -> tuple[Flaw, ...]:
    if isinstance(official, Official):
        return ()
    if source is None or source.row == row:
        return official
    return (
        Flaw(
            "",
            f"沿用第{source.row + 1}行的报告人，而该行的报告人信息有误",
            f"改正第{source.row + 1}行的报告人信息，本行随之导入",
        ),
    )


def _corrections(table: _Table, refused: set[int]) -> list[Correction]:
    """The headings and the refused rows; each names its official, unless the row above does."""
    if not refused:
        return []
    header = table.header
    official_columns = [
        heading.column for key, heading in header.columns.items() if key.startswith(OFFICIAL)
    ]
    filled: dict[tuple[int, int], Cell] = {}
    for row in refused:
        source = table.sources.get(row)
        if source and source.row not in refused:
            filled |= {(row, c): table.rows[source.row][c] for c in official_columns}
    rows = [*range(header.rows.stop), *sorted(refused)]
    return [Correction(header.sheet, rows, header.rows, filled)]
