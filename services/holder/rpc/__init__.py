"""What both services speak with their clerks: files in, reports out, as protobuf messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath, PureWindowsPath

from libmatch.stubs.core.v1 import core_pb2
from services.chassis.refusals import InvalidRequest
from services.chassis.sheets import MAX_FILE_BYTES, Problem, write_problem_file
from services.holder.imports import Imported
from services.holder.sync import Round

MAX_CHUNK_BYTES = 256 * 1024
_MAX_NAME = 200
# Reports stay below the smallest sensible message limit (8 MiB, the default) with room to spare.
_MAX_PROBLEMS = 5_000
_MAX_NOTICES = 2_000
_MAX_PROBLEM_FILE = 5 << 20


def collect_upload(chunks: Iterable[core_pb2.FileChunk]) -> tuple[str, bytes]:
    """(file name, content) of an upload, at most 64 MiB. Raises InvalidRequest."""
    name, parts, size = "", [], 0
    for chunk in chunks:
        name = name or chunk.file_name
        size += len(chunk.data)
        if len(chunk.data) > MAX_CHUNK_BYTES:
            raise InvalidRequest("a piece of a file has at most 256 KiB")
        if size > MAX_FILE_BYTES:
            limit = MAX_FILE_BYTES >> 20
            text = f"文件超过{limit}MB，请分成几个文件导入。"
            raise InvalidRequest("the file is too large", text, reason="FILE_TOO_LARGE")
        parts.append(chunk.data)
    name = PurePosixPath(PureWindowsPath(name).name).name
    if not name or len(name) > _MAX_NAME:
        raise InvalidRequest("the first piece names the file", "没有文件名，或文件名过长。")
    return name, b"".join(parts)


def imported_to_pb(imported: Imported) -> core_pb2.ImportReport:
    """The report, cut to what fits into a message; what was cut is told."""
    report, tally = imported.report, imported.report.tally
    problem_file = write_problem_file(report) if report.corrections else b""
    notices = [str(notice) for notice in imported.notices]
    if len(problem_file) > _MAX_PROBLEM_FILE:
        problem_file = b""
        notices.insert(0, "有问题的行太多，没有生成问题文件，请分成几个文件导入")
    if len(notices) > _MAX_NOTICES or len(report.problems) > _MAX_PROBLEMS:
        notices = ["问题或提示太多，只列出前面的部分", *notices[:_MAX_NOTICES]]
    return core_pb2.ImportReport(
        rows_total=tally.rows,
        rows_accepted=tally.taken,
        rows_refused=tally.refused,
        rows_skipped=sum(tally.skipped.values()),
        records_new=imported.new,
        records_changed=imported.changed,
        records_unchanged=imported.unchanged,
        problems=_problems_to_pb(report.problems[:_MAX_PROBLEMS]),
        problem_file=problem_file,
        notices=notices,
    )


def _problems_to_pb(problems: Iterable[Problem]) -> Iterator[core_pb2.SheetProblem]:
    for problem in problems:
        yield core_pb2.SheetProblem(
            sheet=problem.sheet,
            row=problem.row,
            column=problem.column,
            heading=problem.heading,
            what=problem.what,
            cure=problem.cure,
        )


def round_to_pb(done: Round) -> core_pb2.SyncReport:
    """What one round with the matcher came to."""
    return core_pb2.SyncReport(
        batches_sent=done.sent.batches,
        records_sent=done.sent.records,
        records_withdrawn=done.sent.withdrawn,
        notices_received=done.notices,
        batches_waiting=done.sent.waiting,
    )
