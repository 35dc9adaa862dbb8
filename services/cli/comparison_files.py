"""The files of a comparison: reads the lists, writes the results, overwrites nothing unasked.

Every file that it writes is its owner's alone, for it holds plaintext.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from libmatch.errors import InputError
from libmatch.keys import EpochKey
from services.beneficiary.item_sheet import read_items
from services.chassis.owner_files import refuse_existing, replace, write_new
from services.chassis.sheets import MAX_FILE_BYTES, SheetReport, write_problem_file
from services.cli.comparison import Comparison, Lists, compare
from services.cli.hits_workbook import Source, write_hits
from services.registry.declaration_sheet import read_declarations


@dataclass(frozen=True)
class Inputs:
    """The files to compare; ``now`` has a zone and dates the result."""

    declarations: Sequence[Path]
    beneficiaries: Sequence[Path]
    now: datetime

    def labelled(self) -> list[tuple[str, Path]]:
        """All files under the short names that messages use: a file's own name may name a person."""
        return [
            *((f"申报 {number}", path) for number, path in enumerate(self.declarations, 1)),
            *((f"受益 {number}", path) for number, path in enumerate(self.beneficiaries, 1)),
        ]


@dataclass(frozen=True)
class Outputs:
    """Where the result goes, and the files of rows to correct beside it."""

    hits: Path

    def problem_file(self, label: str) -> Path:
        """``<result>-待改正-<label>.xlsx``."""
        return self.hits.with_name(f"{self.hits.stem}-待改正-{label.replace(' ', '')}.xlsx")

    def check_free(self, inputs: Inputs, *, overwrite: bool) -> None:
        """Return if the results may be written. Raises FileExistsError, InputError for an input's name."""
        labelled = inputs.labelled()
        targets = [self.hits, *(self.problem_file(label) for label, _ in labelled)]
        for target in targets:
            if any(
                target.exists() and path.exists() and target.samefile(path) for _, path in labelled
            ):
                raise InputError(
                    "an output is an input", "结果文件不能与申报表或受益人名单是同一个文件"
                )
            if not overwrite:
                refuse_existing(target)
        if self.hits.suffix.lower() != ".xlsx":
            raise InputError("the result is an .xlsx", "结果文件名须以 .xlsx 结尾")
        if not self.hits.absolute().parent.is_dir():
            raise InputError(
                "the folder of the result does not exist", "结果文件所在的文件夹不存在"
            )


def run_comparison(inputs: Inputs, tell: Callable[[str], None]) -> tuple[Comparison, list[Source]]:
    """What was found, with a report for each file. ``tell`` gets the steps, without personal data.

    Raises InputError naming the file that cannot be used, OSError.
    """
    lists, sources = Lists(), []
    ref_key = os.urandom(32)
    today = inputs.now.date()
    for label, path in inputs.labelled():
        tell(f"读取{label}")
        data = _read(path)
        try:
            if label.startswith("申报"):
                declared = read_declarations(data, path.name, today=today)
                lists.add_declarations(label, declared.declarations)
                report: SheetReport = declared.report
            else:
                listed = read_items(data, path.name, today=today, ref_key=ref_key)
                lists.add_items(label, listed.items)
                report = listed.report
        except InputError as error:
            raise InputError(f"{label}: {error}", f"{label}：{error.message_zh}") from None
        sources.append(Source(label, path.name, hashlib.sha256(data).hexdigest(), report))
    tell("比对")
    return compare(lists, EpochKey.generate()), sources


def write_results(
    comparison: Comparison,
    sources: Sequence[Source],
    outputs: Outputs,
    now: datetime,
    *,
    overwrite: bool,
) -> list[Path]:
    """The files of rows to correct that were written; the hits last, so that they mean all is there.

    Where writing fails, nothing that this run wrote stays. Raises OSError, FileExistsError, InputError.
    """
    files = {
        outputs.problem_file(source.label): write_problem_file(source.report)
        for source in sources
        if source.report.problems
    }
    problem_files = list(files)
    files[outputs.hits] = write_hits(comparison, sources, now)
    write, written = (replace if overwrite else write_new), []
    try:
        for path, data in files.items():
            write(path, data)
            written.append(path)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return problem_files


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)  # one more than is taken, so that it is refused
