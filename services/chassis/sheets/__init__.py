"""Reading the sheets that clerks upload, and telling them what is wrong with them.

Knows about workbooks, headings, rows and cells; nothing about what a table is for. Import from
here: the modules behind are this package's own.
"""

from services.chassis.sheets.body import (
    ABOVE,
    EXAMPLE_MARK,
    NO_TABLE,
    RowKind,
    RowRules,
    classify_rows,
    data_rows,
)
from services.chassis.sheets.cells import (
    UNITS,
    CellError,
    clean_text,
    fold_width,
    parse_date,
    parse_fen,
    text_of,
)
from services.chassis.sheets.columns import (
    cell_error,
    parse_each,
    parse_grouped,
    parse_person_name,
    parse_text,
)
from services.chassis.sheets.formats import MAX_FILE_BYTES
from services.chassis.sheets.headings import (
    FOREIGN,
    Field,
    FieldIndex,
    Header,
    Heading,
    find_header,
    fold_candidates,
    fold_heading,
    left_out_columns,
    require_columns,
    require_header,
    without_added_columns,
)
from services.chassis.sheets.importing import import_sheets
from services.chassis.sheets.outcome import Flaw, Outcome, Place, places_of
from services.chassis.sheets.problem_file import write_problem_file
from services.chassis.sheets.problems import (
    Correction,
    Notice,
    Problem,
    SheetReport,
    Tally,
    join_reports,
    what_and_cure,
)
from services.chassis.sheets.reading import MAX_CELLS, MAX_COLUMNS, MAX_SHEETS, read_workbook
from services.chassis.sheets.template import (
    Choices,
    TemplateColumn,
    TemplateStyles,
    add_check,
    write_table,
    write_template,
)
from services.chassis.sheets.workbook import (
    Cell,
    Merge,
    Position,
    Sheet,
    SheetError,
    Workbook,
    column_letter,
    filled_down,
)

__all__ = [
    "ABOVE",
    "EXAMPLE_MARK",
    "FOREIGN",
    "MAX_CELLS",
    "MAX_COLUMNS",
    "MAX_FILE_BYTES",
    "MAX_SHEETS",
    "NO_TABLE",
    "UNITS",
    "Cell",
    "CellError",
    "Choices",
    "Correction",
    "Field",
    "FieldIndex",
    "Flaw",
    "Header",
    "Heading",
    "Merge",
    "Notice",
    "Outcome",
    "Place",
    "Position",
    "Problem",
    "RowKind",
    "RowRules",
    "Sheet",
    "SheetError",
    "SheetReport",
    "Tally",
    "TemplateColumn",
    "TemplateStyles",
    "Workbook",
    "add_check",
    "cell_error",
    "classify_rows",
    "clean_text",
    "column_letter",
    "data_rows",
    "filled_down",
    "find_header",
    "fold_candidates",
    "fold_heading",
    "fold_width",
    "import_sheets",
    "join_reports",
    "left_out_columns",
    "parse_date",
    "parse_each",
    "parse_fen",
    "parse_grouped",
    "parse_person_name",
    "parse_text",
    "places_of",
    "read_workbook",
    "require_columns",
    "require_header",
    "text_of",
    "what_and_cure",
    "without_added_columns",
    "write_problem_file",
    "write_table",
    "write_template",
]
