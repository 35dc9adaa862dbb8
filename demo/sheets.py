"""The files that the clerks of the district bring: which rows stand in which file, and how it looks.

Every unit has its habits: kind of file, headings, their order, a title above, merged cells, a row of
totals. One unit brings its first declarations as the forms of annex 2, a sheet each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from pathlib import Path
from typing import TypeVar

from demo.clerks import Clerks, DeclaredRow, ListedRow
from demo.declaration_tables import FlatStyle, flat_table, form_table
from demo.district import District
from demo.list_tables import ListStyle, list_table
from demo.tables import Form, Table, write_tables
from demo.units import Unit

FORMS = 24  # officials whose declarations come as forms of annex 2
_FORMS_A_FILE = 12
_OVERHEAD = 3  # rows of a sheet that are title, headings, totals


@dataclass(frozen=True)
class DeclarationHabit:
    """How a reporting unit brings its declarations."""

    form: Form
    style: FlatStyle = field(default_factory=FlatStyle)
    annex_2: bool = False  # the first ones as forms of annex 2


@dataclass(frozen=True)
class ListHabit:
    """How an approving unit brings its lists."""

    form: Form
    style: ListStyle = field(default_factory=ListStyle)


_OTHER_WORDS = {
    "name": "干部姓名",
    "number": "干部身份证号",
    "phone": "干部联系电话",
    "kin_name": "家属姓名",
    "kin_relation": "与报告人关系",
    "kin_number": "家属身份证号",
}
# In the order of the reporting units; the sixth unit has the habits of the first again.
_DECLARATION_HABITS = (
    DeclarationHabit(
        Form.XLSX, FlatStyle(title="党员干部亲属关系汇总表", merged=True, totals=True)
    ),
    DeclarationHabit(Form.XLSX, annex_2=True),
    DeclarationHabit(
        Form.CSV_GB18030, FlatStyle(renamed=_OTHER_WORDS, exchanged=("kin_number", "kin_phone"))
    ),
    DeclarationHabit(
        Form.XLS, FlatStyle(title="亲属关系登记表", exchanged=("number", "kin_number"))
    ),
    DeclarationHabit(Form.CSV_UTF8_BOM),
)
_LIST_HABITS = (
    ListHabit(Form.XLSX, ListStyle(title="非普惠制惠民资金受益人名单", totals=True)),
    ListHabit(Form.CSV_GB18030, ListStyle(exchanged=("programme", "item"))),
    ListHabit(Form.ET, ListStyle(dates_as_text=True)),
    ListHabit(Form.XLSX, ListStyle(exchanged=("name", "number"))),
    ListHabit(Form.CSV_UTF8_BOM, ListStyle(totals=True, dates_as_text=True)),
)


@dataclass(frozen=True, repr=False)
class DeclarationFile:
    """One file of declarations. ``style`` None: forms of annex 2, one official a sheet."""

    unit: Unit
    name: str
    form: Form
    rows: tuple[DeclaredRow, ...]
    style: FlatStyle | None

    def tables(self) -> list[Table]:
        """The sheets of the file."""
        if self.style:
            return [flat_table("亲属关系", self.rows, self.style)]
        blocks = groupby(self.rows, key=lambda row: row.official)
        return [form_table(f"{n:03d}", list(block)) for n, (_, block) in enumerate(blocks, 1)]

    def write(self, folder: Path) -> Path:
        """Write the file into ``folder``; its path."""
        path = folder / self.name
        write_tables(path, self.form, self.tables())
        return path


@dataclass(frozen=True, repr=False)
class ListFile:
    """One file of items: grants to persons, or contracts with companies."""

    unit: Unit
    name: str
    form: Form
    rows: tuple[ListedRow, ...]
    style: ListStyle
    contracts: bool

    def tables(self) -> list[Table]:
        """The one sheet of the file."""
        return [list_table("名单", self.rows, self.style, contracts=self.contracts)]

    def write(self, folder: Path) -> Path:
        """Write the file into ``folder``; its path."""
        path = folder / self.name
        write_tables(path, self.form, self.tables())
        return path


@dataclass(frozen=True, repr=False)
class Sheets:
    """All files of the district, none empty."""

    declarations: tuple[DeclarationFile, ...]
    lists: tuple[ListFile, ...]

    def write(self, folder: Path) -> dict[str, list[Path]]:
        """Write every file below ``folder``, one folder a unit; unit id to its files' paths."""
        written: dict[str, list[Path]] = {}
        files: list[DeclarationFile | ListFile] = [*self.declarations, *self.lists]
        for file in files:
            own = folder / file.unit.id
            own.mkdir(parents=True, exist_ok=True)
            written.setdefault(file.unit.id, []).append(file.write(own))
        return written


def enter_district(district: District) -> Sheets:
    """The district as its clerks enter it; the same district gives the same files."""
    clerks = Clerks(district)
    declared: dict[Unit, list[DeclaredRow]] = {}
    for declared_row in clerks.declared_rows():
        declared.setdefault(declared_row.unit, []).append(declared_row)
    listed: dict[Unit, list[ListedRow]] = {}
    for listed_row in clerks.listed_rows():
        listed.setdefault(listed_row.item.unit, []).append(listed_row)
    declaring = [unit for unit in district.units if unit.declares and unit in declared]
    approving = [unit for unit in district.units if unit.approves and unit in listed]
    return Sheets(
        tuple(
            file
            for n, unit in enumerate(declaring)
            for file in _declaration_files(unit, _habit(_DECLARATION_HABITS, n), declared[unit])
        ),
        tuple(
            file
            for n, unit in enumerate(approving)
            for file in _list_files(unit, _habit(_LIST_HABITS, n), listed[unit])
        ),
    )


_Habit = TypeVar("_Habit", DeclarationHabit, ListHabit)
_Row = TypeVar("_Row", DeclaredRow, ListedRow)


def _habit(habits: Sequence[_Habit], position: int) -> _Habit:
    return habits[position % len(habits)]


def _declaration_files(
    unit: Unit, habit: DeclarationHabit, rows: Sequence[DeclaredRow]
) -> Iterator[DeclarationFile]:
    blocks = [list(block) for _, block in groupby(rows, key=lambda row: row.official)]
    if habit.annex_2:
        forms, blocks = blocks[:FORMS], blocks[FORMS:]
        for n, start in enumerate(range(0, len(forms), _FORMS_A_FILE), 1):
            name = f"{unit.name}报告表{n}{habit.form.ending}"
            block_rows = chain(*forms[start : start + _FORMS_A_FILE])
            yield DeclarationFile(unit, name, habit.form, tuple(block_rows), None)
    for n, part in enumerate(_parts(blocks, habit.form.rows - _OVERHEAD), 1):
        name = f"{unit.name}亲属关系表{n}{habit.form.ending}"
        yield DeclarationFile(unit, name, habit.form, tuple(part), habit.style)


def _list_files(unit: Unit, habit: ListHabit, rows: Sequence[ListedRow]) -> Iterator[ListFile]:
    for contracts, what in ((False, "惠民资金名单"), (True, "惠民项目名单")):
        chosen = [[row] for row in rows if (row.item.company is not None) == contracts]
        for n, part in enumerate(_parts(chosen, habit.form.rows - _OVERHEAD), 1):
            name = f"{unit.name}{what}{n}{habit.form.ending}"
            yield ListFile(unit, name, habit.form, tuple(part), habit.style, contracts)


def _parts(blocks: Sequence[Sequence[_Row]], most: int) -> Iterator[list[_Row]]:
    """The blocks' rows in lists of at most ``most``, no block divided."""
    part: list[_Row] = []
    for block in blocks:
        if part and len(part) + len(block) > most:
            yield part
            part = []
        part.extend(block)
    if part:
        yield part
