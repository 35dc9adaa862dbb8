"""Reports: relayed to each party with its own copy, in order, once, logged; cases as 纪委 assigns them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from libmatch.auditlog import (
    encode_assignment_leaf,
    encode_report_leaf,
    open_checkpoint,
    verify_inclusion,
)
from libmatch.records import Side
from libmatch.reports import Report, Stage, verify_report
from services.chassis.db import to_micros
from services.chassis.refusals import Conflict, InvalidRequest, NotFound
from services.chassis.schema import schema_differences
from services.matcher.app import VERSIONS
from services.matcher.tables import Tables
from tests.district import INSPECTOR, make_district, person
from tests.matcher_bench import Bench

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
DISTRICT = make_district(
    registry=("reg-a", "reg-b"), beneficiary=("ben-a", "ben-b"), both=("dual",)
)
CASE, OTHER_CASE = b"c" * 16, b"o" * 16
ALL = ("ben-a", INSPECTOR, "reg-a")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        bench.submit("reg-a", REG, [person(1)])
        bench.submit("ben-a", BEN, [person(1)])
        yield bench


def fetch(bench: Bench, unit: str, side: Side, after: int = 0) -> list[Report]:
    return [one.report for one in bench.use.report_store.fetch(unit, side, after, 100)]


def in_log(bench: Bench, leaf_index: int, entry: bytes) -> None:
    key = DISTRICT.manifest.log_key
    checkpoint = open_checkpoint(bench.use.log.get_checkpoint(), "libmatch/fuling/log", key)
    _, path = bench.use.log.prove_inclusion(leaf_index, checkpoint.size)
    verify_inclusion(checkpoint, leaf_index, entry, path)


def size(bench: Bench) -> int:
    return int(bench.use.log.get_checkpoint().split("\n")[1])


def test_revisions_and_tables_agree() -> None:
    assert schema_differences(VERSIONS, Tables.metadata) == []


def test_R37_each_party_gets_the_report_with_its_own_copy_alone(bench: Bench) -> None:
    bench.assign(CASE)
    sent, _ = bench.report("ben-a", BEN, CASE, Stage.COMPLIANT, to=(INSPECTOR, "reg-a"))
    assert fetch(bench, "reg-a", REG) == [sent.only_for(["reg-a"])]
    (listed,) = bench.use.report_store.list_all(0, 100)
    assert listed.report == sent.only_for([INSPECTOR])
    for unit, side in (("reg-a", BEN), ("ben-a", BEN), ("ben-a", REG), ("reg-b", REG)):
        assert fetch(bench, unit, side) == []
    verify_report(DISTRICT.epoch, fetch(bench, "reg-a", REG)[0])


def test_both_sides_of_one_unit_report_to_each_other(bench: Bench) -> None:
    bench.submit("dual", REG, [person(2)])
    bench.submit("dual", BEN, [person(2)])
    bench.assign(CASE, bench.hit_ids()[-1:])
    sent, _ = bench.report("dual", BEN, CASE, Stage.NOTE, to=("dual",))
    assert fetch(bench, "dual", REG) == [sent]
    assert fetch(bench, "dual", BEN) == []


def test_a_report_is_logged_with_the_matchers_time(bench: Bench) -> None:
    bench.assign(CASE)
    report, leaf = bench.report("ben-a", BEN, CASE, Stage.POSTED)
    at_us, digest = to_micros(bench.clock.moment), report.digest(DISTRICT.suite)
    in_log(bench, leaf, encode_report_leaf(CASE, "ben-a", BEN, 1, Stage.POSTED, at_us, digest))
    (accepted,) = bench.use.report_store.list_all(0, 100)
    assert (accepted.accepted_at_us, accepted.leaf_index) == (at_us, leaf)


def test_reports_are_fetched_in_pages_in_order_of_acceptance(bench: Bench) -> None:
    bench.assign(CASE)
    sent = [bench.report("ben-a", BEN, CASE, Stage.NOTE, to=ALL[1:])[0] for _ in range(5)]
    for read in (
        lambda after, limit: bench.use.report_store.fetch("reg-a", REG, after, limit),
        bench.use.report_store.list_all,
    ):
        first = read(0, 3)
        rest = read(first[-1].number, 3)
        assert [one.report.seq for one in first + rest] == [one.seq for one in sent]
        assert read(rest[-1].number, 3) == []


def test_each_side_of_a_case_counts_its_own_reports(bench: Bench) -> None:
    bench.assign(CASE)
    for stage in (Stage.COMPLIANT, Stage.POSTED):
        bench.report("ben-a", BEN, CASE, stage)
    report, _ = bench.report("reg-a", REG, CASE, Stage.POSTED)
    assert report.seq == 1


def test_an_assignment_is_logged_once(bench: Bench) -> None:
    (hit_id,) = bench.hit_ids()
    before = size(bench)
    bench.assign(CASE)
    in_log(bench, before, encode_assignment_leaf(hit_id, CASE, to_micros(bench.clock.moment)))
    bench.clock.moment += timedelta(hours=1)
    bench.assign(CASE)
    assert size(bench) == before + 1


def test_a_hit_stays_in_its_case(bench: Bench) -> None:
    bench.assign(CASE)
    before = size(bench)
    with pytest.raises(Conflict, match="another case"):
        bench.assign(OTHER_CASE)
    assert size(bench) == before


def test_assignments_are_taken_as_a_whole_or_not_at_all(bench: Bench) -> None:
    hits, before = bench.hit_ids(), size(bench)
    with pytest.raises(NotFound):
        bench.assign(CASE, [*hits, os.urandom(32)])
    assert size(bench) == before
    bench.assign(OTHER_CASE)


def test_R38_the_hits_of_a_case_have_one_approving_unit(bench: Bench) -> None:
    bench.submit("ben-b", BEN, [person(1)])
    first, second = bench.hit_ids()
    with pytest.raises(Conflict, match="one approving unit"):
        bench.assign(CASE, [first, second])
    bench.assign(CASE, [first])
    with pytest.raises(Conflict, match="one approving unit"):
        bench.assign(CASE, [second])
    bench.assign(OTHER_CASE, [second])


@pytest.mark.parametrize(
    "pairs",
    [[], [(bytes(32), CASE)] * 1001, [(b"short", CASE)], [(bytes(32), b"short")]],
    ids=["none", "too-many", "hit", "case"],
)
def test_assignments_out_of_bounds_are_refused(
    bench: Bench, pairs: list[tuple[bytes, bytes]]
) -> None:
    with pytest.raises(InvalidRequest):
        bench.use.review.assign_cases(pairs)


def test_one_hit_in_two_cases_at_once_is_a_conflict(bench: Bench) -> None:
    (hit_id,) = bench.hit_ids()
    with pytest.raises(Conflict, match="one case"):
        bench.use.review.assign_cases([(hit_id, CASE), (hit_id, OTHER_CASE)])


def test_a_withdrawn_hit_can_still_be_assigned(bench: Bench) -> None:
    hits = bench.hit_ids()
    _, pair = bench.use.reviews.fetch_pair(hits[0])
    bench.withdraw("reg-a", REG, [pair.registry.row.rid])
    bench.assign(CASE, hits)


def test_a_database_of_the_release_before_is_taken_over(bench: Bench) -> None:
    bench.database.close()
    with sqlite3.connect(bench.path) as connection:
        for table in ("letter", "report_copy", "report", "case_hit"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    bench.open()
    bench.assign(CASE)
    bench.report("ben-a", BEN, CASE, Stage.COMPLIANT)
