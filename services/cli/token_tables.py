"""A unit's own column of identifiers as a token table: needs the unit's kit, writes tokens and no number.

The epoch key is opened as for a submission: the unit is an active member of the roster, the shares are its
own, the epoch is in force. A token table is what the matcher would hold of these rows; who gets it, the unit
decides.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from libmatch.accel.kernels import WORTH_COMPILING, Kernel
from libmatch.accel.tokens import derive_tokens
from libmatch.bulk.columns import join_rids
from libmatch.bulk.tables import write_table
from libmatch.errors import InputError
from libmatch.identifiers import IdentifierColumn, parse_column
from libmatch.prepare import Holder
from libmatch.refusals import Refusal
from libmatch.suites import get_suite
from services.chassis.owner_files import refuse_existing, replace, write_new
from services.cli.text_columns import TextPart, read_text_column

Bytes = npt.NDArray[np.uint8]
_OTHER_KIND_ZH = "本周期不接受此类证件"


@dataclass
class TokenReport:
    """What became of a column. ``refused``: (row, why in Chinese), in order; never a number."""

    taken: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True)
class TokenOrder:
    """Which column of which file becomes which table. ``today`` decides which birth dates are to come."""

    source: Path
    column: str
    out: Path
    today: date
    overwrite: bool = False

    @property
    def problem_file(self) -> Path:
        """``<out>-待改正.csv``."""
        return self.out.with_name(f"{self.out.stem}-待改正.csv")


def write_tokens(holder: Holder, order: TokenOrder) -> TokenReport:
    """What was written: a token table, whose record ids are the numbers of the rows, and what it lacks.

    All or nothing; the rows that were refused stand in ``order.problem_file``. Raises InputError where the
    file or the column cannot be used or no row is taken, FileExistsError, OSError, ModuleNotFoundError.
    """
    _check_free(order)
    report = TokenReport()
    parts = read_text_column(order.source, order.column)
    batches = _derive(holder, order.today, parts, report)
    write_table(order.out, holder.epoch.epoch_id, batches, overwrite=order.overwrite)
    if report.refused:
        try:
            write = replace if order.overwrite else write_new
            write(order.problem_file, _to_csv(report.refused))
        except BaseException:
            order.out.unlink()
            raise
    return report


def _check_free(order: TokenOrder) -> None:
    for target in (order.out, order.problem_file):
        if target.exists() and order.source.exists() and target.samefile(order.source):
            raise InputError("an output is the input", "结果文件不能与原表是同一个文件")
        if not order.overwrite:
            refuse_existing(target)


def _derive(
    holder: Holder, today: date, parts: Iterator[TextPart], report: TokenReport
) -> Iterator[tuple[Bytes, Bytes]]:
    manifest = holder.epoch.manifest
    suite = get_suite(manifest.suite)
    for part in parts:
        parsed = parse_column(part.texts, today=today)
        good = np.isin(parsed.kinds, manifest.kinds)
        for position in np.flatnonzero(~good).tolist():
            report.refused.append((part.rows[position], _why(parsed, position)))
        kinds, idns = parsed.kinds[good], parsed.idns[good]
        kernel = None if len(kinds) >= WORTH_COMPILING else Kernel.LIBRARY
        tokens = derive_tokens(suite, holder.key, kinds, idns, kernel=kernel)
        report.taken += len(tokens)
        rows = np.array(part.rows, np.int64)[good]
        yield tokens, join_rids(np.zeros_like(rows), rows)
    if not report.taken:
        raise InputError(
            "no row holds an identifier that is taken",
            "没有一行的证件号码可以采纳，请检查 --column 是否选对" + _first(report),
        )


def _first(report: TokenReport) -> str:
    return "；第{}行：{}".format(*report.refused[0]) if report.refused else ""


def _why(parsed: IdentifierColumn, position: int) -> str:
    refusal = Refusal(parsed.refusals[position])
    return refusal.error().message_zh if refusal else _OTHER_KIND_ZH


def _to_csv(refused: list[tuple[int, str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([("行号", "未采纳的原因"), *refused])
    return text.getvalue().encode("utf-8-sig")  # spreadsheets take it for UTF-8
