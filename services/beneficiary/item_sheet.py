"""An uploaded beneficiary list -> the items in it and a report for the clerk.

One row is one item with one or more persons; rows that share a real 编号 and agree in their facts
are one item. Reads no clock and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.beneficiary.item_book import ItemBook
from services.beneficiary.item_columns import (
    FIELDS,
    PERSON_PAIRS,
    WANTED,
    field_of,
    resolve_items,
)
from services.beneficiary.item_facts import (
    MIN_REF_KEY_BYTES,
    Facts,
    RowFacts,
    parse_facts,
    parse_ref,
)
from services.beneficiary.item_persons import RowPersons, parse_persons
from services.beneficiary.item_records import Capacity, Item, ItemPerson
from services.chassis.sheets import (
    ABOVE,
    Cell,
    CellError,
    Correction,
    Flaw,
    Header,
    Outcome,
    Position,
    RowRules,
    Sheet,
    SheetReport,
    Workbook,
    data_rows,
    filled_down,
    find_header,
    import_sheets,
    places_of,
    read_workbook,
    require_columns,
    require_header,
    text_of,
)

__all__ = ["Capacity", "Item", "ItemImport", "ItemPerson", "import_workbook", "read_items"]

_NOTES = re.compile(r"党组织|监督举报电话|公示单位")
_TYPED = ("amount", "start", "finish")  # parsed from the typed cell, not from its text
_TEXTS = tuple(f.key for f in FIELDS if f.key not in _TYPED)


Check = Callable[[Facts, Sequence[ItemPerson], Position], tuple[Flaw, ...]]
"""Why a row cannot be taken although it can be read; its persons are all of its item in the sheet."""


@dataclass(frozen=True)
class ItemImport:
    """What a file lists, and what the clerk must know about it."""

    items: tuple[Item, ...]
    report: SheetReport


def take_all(facts: Facts, persons: Sequence[ItemPerson], position: Position) -> tuple[Flaw, ...]:
    """No flaws: whatever can be read is taken."""
    del facts, persons, position
    return ()


def read_items(
    data: bytes, file_name: str, *, today: date, ref_key: bytes, check: Check = take_all
) -> ItemImport:
    """All items of an .xlsx, .xls, .et or .csv. Raises SheetError if no sheet can be used.

    The same bytes and key give the same result. ``ref_key``: at least 16 random bytes of the
    unit's own, kept for ever, behind the references of rows without one (``derive_ref``).
    """
    workbook = read_workbook(data, file_name)
    return import_workbook(workbook, today=today, ref_key=ref_key, check=check)


def import_workbook(
    workbook: Workbook, *, today: date, ref_key: bytes, check: Check = take_all
) -> ItemImport:
    """As ``read_items``, of a workbook that has been read."""
    if len(ref_key) < MIN_REF_KEY_BYTES:
        raise ValueError(f"ref_key has at least {MIN_REF_KEY_BYTES} bytes")
    book = ItemBook(ref_key)
    report = import_sheets(workbook, lambda sheet: _read_sheet(sheet, book, today, check), WANTED)
    return ItemImport(book.items(), report)


# --- one sheet ----------------------------------------------------------------------------------


def _read_sheet(sheet: Sheet, book: ItemBook, today: date, check: Check) -> SheetReport | None:
    header = find_header(sheet, resolve_items)
    if header is None or not _is_list(header):
        return None
    _require(header)
    columns = {key: heading.column for key, heading in header.columns.items()}
    # An amount merged over rows is the sum for all of them: it counts for the first one alone.
    spread = {column for key, column in columns.items() if key != "amount"}
    rows = filled_down(sheet, header.rows.stop, spread)
    outcome = Outcome(sheet, places_of(header))
    outcome.skip(ABOVE, header.rows.stop)
    data = data_rows(rows, header, _rules(header), outcome)
    _settle(header, rows, data, book, today, check, outcome)
    outcome.note_left_out(header)
    _note_amounts(header, outcome)
    corrections = []
    if outcome.refused:
        kept = [*range(header.rows.stop), *sorted(outcome.refused)]
        filled = dict.fromkeys(_without_amount(header), "")
        corrections = [Correction(sheet, kept, header.rows, filled)]
    return outcome.report(corrections)


def _is_list(header: Header) -> bool:
    """Whether the headings are those of a list at all, complete or not."""
    known = header.columns.keys()
    people = {key for pair in (*PERSON_PAIRS, ("company", "company_idn")) for key in pair}
    return len(known) >= 3 and bool(known & people)


def _require(header: Header) -> None:
    """Nothing. Raises SheetError for columns that contradict, lack their partner, or are missing."""
    require_header(header, ())
    known = header.columns.keys()
    missing = [
        key
        for pair in PERSON_PAIRS
        for key in pair
        if key not in known and (set(pair) & known or (pair[0] == "name" and not _others(header)))
    ]
    if "company_idn" in known and "company" not in known:
        missing.append("company")
    if not known & {"item_name", "programme"}:
        missing.append("item_name")
    require_columns(header, [field_of(key) for key in missing])


def _others(header: Header) -> bool:
    """Whether someone besides the plain 姓名 and 身份证号码 can be matched."""
    return bool(header.columns.keys() & {"company_idn", "legal_idn", "agent_idn"})


def _rules(header: Header) -> RowRules:
    columns = header.columns
    return RowRules(
        content=tuple(h.column for key, h in columns.items() if key not in ("ordinal", "ref")),
        identifying=tuple(h.column for key, h in columns.items() if key.endswith("idn")),
        notes=_NOTES,
    )


def _column(
    header: Header, rows: Sequence[Sequence[Cell]], data: list[int], key: str
) -> list[Cell]:
    """The cells of a field in the data rows; empty ones where the sheet lacks the column."""
    heading = header.columns.get(key)
    if heading is None:
        return [""] * len(data)
    return [rows[row][heading.column] for row in data]


def _settle(
    header: Header,
    rows: Sequence[Sequence[Cell]],
    data: list[int],
    book: ItemBook,
    today: date,
    check: Check,
    outcome: Outcome,
) -> None:
    """Takes or refuses each data row, in order."""
    texts = {key: [text_of(c) for c in _column(header, rows, data, key)] for key in _TEXTS}
    amounts, starts, finishes = (_column(header, rows, data, key) for key in _TYPED)
    facts = parse_facts(texts, amounts, starts, finishes, header)
    persons = parse_persons(texts, today)
    together = _together(facts, persons)
    for row, row_facts, row_persons in zip(data, facts, persons, strict=True):
        position = header.sheet.position(row)
        flaws: tuple[Flaw, ...] = (*row_facts[1], *row_persons[1])
        if row_facts[0] is not None and not flaws:
            of_item = together.get(row_facts[0].given_ref, row_persons[0])
            flaws = check(row_facts[0], of_item, position)
        flaws = flaws or book.add(row_facts, row_persons, position)
        if flaws:
            outcome.refuse(row, flaws)
        else:
            outcome.take()
    ordinals = sum(1 for text in texts["ref"] if text and _is_ordinal(text))
    if ordinals:
        outcome.note(f"“编号”列有{ordinals}行只是顺序号（不超过4位数字），不作为编号使用")


def _together(
    facts: Sequence[RowFacts], persons: Sequence[RowPersons]
) -> Mapping[str, Sequence[ItemPerson]]:
    """The persons of all rows that share a real 编号, by it."""
    found: dict[str, list[ItemPerson]] = {}
    for (row_facts, _), (row_persons, _) in zip(facts, persons, strict=True):
        if row_facts is not None and row_facts.given_ref:
            found.setdefault(row_facts.given_ref, []).extend(row_persons)
    return found


def _is_ordinal(text: str) -> bool:
    try:
        return not parse_ref(text)
    except CellError:
        return False


def _without_amount(header: Header) -> list[tuple[int, int]]:
    """The cells of the amount's column, by row and column, that a merge from above covers."""
    heading = header.columns.get("amount")
    return [
        (row, merge.left)
        for merge in header.sheet.merges
        if heading and merge.left == heading.column and merge.top >= header.rows.stop
        for row in range(merge.top + 1, min(merge.bottom + 1, len(header.sheet.rows)))
    ]


def _note_amounts(header: Header, outcome: Outcome) -> None:
    if _without_amount(header):
        outcome.note("“金额”列有跨行合并的单元格，其金额只计入合并范围的第一行")
