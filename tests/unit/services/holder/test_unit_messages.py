"""Reports to clerks as messages: nothing too large to be sent, nothing left out in silence."""

from __future__ import annotations

import pytest

from libmatch.stubs.core.v1 import core_pb2
from services.chassis.refusals import InvalidRequest
from services.chassis.sheets import Notice, Problem, SheetReport, Tally
from services.holder.courier import Sent
from services.holder.imports import Imported
from services.holder.references import check_ref, new_ref
from services.holder.rpc import collect_upload, imported_to_pb, round_to_pb
from services.holder.sync import Round

DEFAULT_LIMIT = 8 << 20


def imported(problems: int, notices: int) -> Imported:
    problem = Problem("表", 3, "C", "身份证号码", "校验码不对" * 10, "请对照证件改正" * 10)
    tally = Tally(problems + 1, 1, problems, {})
    report = SheetReport((problem,) * problems, (), tally, ())
    return Imported(report, 1, 2, 3, (Notice("表", 4, "已重新参加比对" * 10),) * notices)


def test_report_says_what_was_taken_and_where_the_rest_is() -> None:
    message = imported_to_pb(imported(problems=2, notices=1))
    assert (message.rows_total, message.rows_accepted, message.rows_refused) == (3, 1, 2)
    assert (message.records_new, message.records_changed, message.records_unchanged) == (1, 2, 3)
    assert message.problems[0] == core_pb2.SheetProblem(
        sheet="表",
        row=3,
        column="C",
        heading="身份证号码",
        what="校验码不对" * 10,
        cure="请对照证件改正" * 10,
    )
    assert message.notices[0].startswith("工作表“表”第4行：")


def test_report_about_a_whole_file_of_mistakes_still_fits_and_says_that_it_was_cut() -> None:
    message = imported_to_pb(imported(problems=30_000, notices=30_000))
    assert message.ByteSize() < DEFAULT_LIMIT
    assert message.rows_refused == 30_000
    assert "只列出前面的部分" in message.notices[0]


def test_round_is_told_in_full() -> None:
    message = round_to_pb(Round(Sent(1, 20, 3, 4), notices=5))
    assert (message.batches_sent, message.records_sent, message.records_withdrawn) == (1, 20, 3)
    assert (message.batches_waiting, message.notices_received) == (4, 5)


def test_upload_is_joined_and_its_name_loses_every_folder() -> None:
    chunks = [
        core_pb2.FileChunk(file_name="C:\\表\\../申报.csv", data=b"a"),
        core_pb2.FileChunk(data=b"b"),
    ]
    assert collect_upload(chunks) == ("申报.csv", b"ab")


def test_references_are_16_bytes_and_never_shaped_like_a_number() -> None:
    refs = {new_ref() for _ in range(1000)}
    assert len(refs) == 1000
    assert all(check_ref(ref) and not ref.hex().isdecimal() for ref in refs)
    with pytest.raises(InvalidRequest):
        check_ref(b"short")
