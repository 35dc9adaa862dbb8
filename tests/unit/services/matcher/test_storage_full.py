"""A database that cannot grow: no receipt, nothing partial, and all is well once there is room again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from libmatch.records import Side
from services.chassis.refusals import StorageFull
from tests.district import make_district, person
from tests.matcher_bench import Bench

DISTRICT = make_district()
REG, BEN = Side.REGISTRY, Side.BENEFICIARY
PEOPLE = [person(i) for i in range(600)]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, DISTRICT) as bench:
        yield bench


def limit_pages(bench: Bench, spare: int | None) -> None:
    """Let the file grow by ``spare`` pages only; without limit for None."""
    with bench.database.writer_connection() as connection:
        count = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        limit = 1 << 30 if spare is None else count + spare
        connection.exec_driver_sql(f"PRAGMA max_page_count = {limit}")


@pytest.mark.parametrize("spare", [0, 20, 60])
def test_a_full_disk_keeps_nothing_of_a_batch(bench: Bench, spare: int) -> None:
    bench.submit("reg-a", REG, PEOPLE[:5])
    batch = DISTRICT.seal("ben-a", BEN, PEOPLE).batch
    before = bench.use.log.get_checkpoint(), str(bench.use.review.count())
    limit_pages(bench, spare)
    for _ in range(2):
        with pytest.raises(StorageFull) as refused:
            bench.use.intake.accept("ben-a", batch)
        assert refused.value.message_zh
    assert (bench.use.log.get_checkpoint(), str(bench.use.review.count())) == before
    assert bench.hit_ids() == []
    limit_pages(bench, None)
    assert bench.use.intake.accept("ben-a", batch).seq == 1
    assert len(bench.hit_ids()) == 5
    assert bench.rejoin().agrees


def test_a_full_disk_is_no_clearance(bench: Bench) -> None:
    _, rids = bench.submit("ben-a", BEN, PEOPLE)
    before = bench.use.log.get_checkpoint()
    limit_pages(bench, 0)
    with pytest.raises(StorageFull):  # noqa: PT012
        for _ in range(50):  # until the free room of the last pages is used up
            bench.use.gate.check("ben-a", rids)
            before = bench.use.log.get_checkpoint()
    assert bench.use.log.get_checkpoint() == before
