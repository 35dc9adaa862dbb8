"""What 纪委 gets: hits that open, batches to test, figures; each row with a path that proves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from libmatch.errors import UnsealError
from libmatch.matching import make_hit
from libmatch.records import RecordRef, Side
from libmatch.release import hit_id as compute_hit_id
from libmatch.unseal import capsule_opens, unseal_pair
from services.chassis.audit import entries
from services.chassis.refusals import InvalidRequest, NotFound, WrongState
from services.matcher.review import MAX_RESULTS
from tests.district import make_district, person
from tests.matcher_bench import INSPECTOR_IDENTITY, Bench

REG, BEN = Side.REGISTRY, Side.BENEFICIARY


@pytest.fixture(params=[1, 2], ids=["suite-1", "suite-2"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    district = make_district(
        registry=("reg-a", "reg-b"), beneficiary=("ben-a",), both=("dual",), suite=request.param
    )
    with Bench(tmp_path, district) as bench:
        yield bench


def test_a_hit_is_found_in_both_directions_and_opens(bench: Bench) -> None:
    bench.submit("reg-a", REG, [person(1), person(2), person(3)])
    bench.submit("ben-a", BEN, [person(2), person(9)])  # new item, old declarations
    bench.submit("reg-b", REG, [person(9)])  # new declaration, old items
    key = bench.district.inspector.hpke
    opened = set()
    for one in bench.hit_ids():
        _, pair = bench.use.reviews.fetch_pair(one)
        both = unseal_pair(key, bench.district.epoch, pair)
        assert both.relative.person == both.item.person
        opened.add(both.item.person)
    assert opened == {person(2), person(9)}


def test_a_hit_has_the_id_of_its_two_records(bench: Bench) -> None:
    _, declared = bench.submit("reg-a", REG, [person(1)])
    _, items = bench.submit("ben-a", BEN, [person(1)])
    pair = make_hit(RecordRef(REG, "reg-a", declared[0]), RecordRef(BEN, "ben-a", items[0]))
    expected = compute_hit_id(bench.district.suite, bench.district.manifest.epoch_id, pair)
    assert bench.hit_ids() == [expected]


def test_a_unit_of_both_sides_matches_itself(bench: Bench) -> None:
    bench.submit("dual", BEN, [person(1)])
    bench.submit("dual", REG, [person(1)])
    assert len(bench.hit_ids()) == 1


def test_a_row_is_proved_after_its_siblings_were_withdrawn(bench: Bench) -> None:
    _, declared = bench.submit("reg-a", REG, [person(i) for i in range(1, 8)])
    bench.submit("ben-a", BEN, [person(4)])
    bench.withdraw("reg-a", REG, [*declared[:3], *declared[4:]])
    (one,) = bench.hit_ids()
    _, pair = bench.use.reviews.fetch_pair(one)
    unseal_pair(bench.district.inspector.hpke, bench.district.epoch, pair)


def test_a_withdrawn_pair_is_listed_but_not_handed_out(bench: Bench) -> None:
    _, declared = bench.submit("reg-a", REG, [person(1)])
    bench.submit("ben-a", BEN, [person(1)])
    (one,) = bench.hit_ids()
    bench.withdraw("reg-a", REG, declared)
    (hit,) = bench.use.reviews.list_hits(0, 10)
    assert (hit.hit_id, hit.live) == (one, False)
    with pytest.raises(WrongState):
        bench.use.reviews.fetch_pair(one)


def test_an_unknown_hit_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.use.reviews.fetch_pair(bytes(32))


def test_two_rows_of_different_hits_do_not_open_together(bench: Bench) -> None:
    bench.submit("reg-a", REG, [person(1), person(2)])
    bench.submit("ben-a", BEN, [person(1), person(2)])
    pairs = [bench.use.reviews.fetch_pair(one)[1] for one in bench.hit_ids()]
    mixed = type(pairs[0])(pairs[0].registry, pairs[1].beneficiary)
    with pytest.raises(UnsealError, match="matcher"):
        unseal_pair(bench.district.inspector.hpke, bench.district.epoch, mixed)


def test_hits_are_listed_in_pages_in_order_of_discovery(bench: Bench) -> None:
    bench.submit("reg-a", REG, [person(i) for i in range(1, 8)])
    bench.submit("ben-a", BEN, [person(i) for i in range(1, 8)])
    everything = bench.use.reviews.list_hits(0, 1000)
    assert [hit.number for hit in everything] == list(range(1, 8))
    paged = bench.use.reviews.list_hits(0, 3)
    while page := bench.use.reviews.list_hits(paged[-1].number, 3):
        paged += page
    assert paged == everything


def test_a_new_batch_is_listed_with_a_capsule_that_opens(bench: Bench) -> None:
    bench.submit("reg-a", REG, [person(1)])
    bench.submit("ben-a", BEN, [person(2)])
    batches = bench.use.reviews.list_batches(0, 10)
    key = bench.district.inspector.hpke
    assert [batch.header.unit for batch in batches] == ["reg-a", "ben-a"]
    assert all(capsule_opens(key, batch.header, batch.capsule) for batch in batches)
    assert bench.use.reviews.list_batches(batches[0].number, 10) == batches[1:]


def test_a_batch_without_live_rows_is_not_listed(bench: Bench) -> None:
    _, rids = bench.submit("reg-a", REG, [person(1)])
    bench.withdraw("reg-a", REG, rids)
    assert bench.use.reviews.list_batches(0, 10) == []


def test_a_report_about_an_unknown_batch_keeps_nothing(bench: Bench) -> None:
    bench.submit("reg-a", REG, [person(1)])
    (batch,) = bench.use.reviews.list_batches(0, 10)
    results = {batch.number: False, batch.number + 1: True}
    with pytest.raises(NotFound):
        bench.use.review.report_capsules(INSPECTOR_IDENTITY, results)
    assert bench.use.review.count().units["reg-a", REG].bad_capsules == 0


def test_a_report_is_bounded(bench: Bench) -> None:
    results = dict.fromkeys(range(MAX_RESULTS + 1), True)
    with pytest.raises(InvalidRequest):
        bench.use.review.report_capsules(INSPECTOR_IDENTITY, results)


def test_a_bad_capsule_is_in_the_audit_trail_once(bench: Bench) -> None:
    bench.submit("reg-a", REG, [person(1)])
    bench.report_all(opens=False)
    bench.report_all(opens=False)
    trail = bench.database.read(entries)
    actions = [(entry.action, entry.subject, entry.actor) for entry in trail]
    assert actions.count(("capsule.bad", "batch 1", "spiffe://fuling/inspector")) == 1


def test_figures_count_what_happened(bench: Bench) -> None:
    bench.submit("reg-a", REG, [person(1), person(2)])
    _, items = bench.submit("ben-a", BEN, [person(1), person(2), person(3)])
    bench.submit("ben-a", BEN, [person(1)])
    bench.withdraw("ben-a", BEN, items[2:])
    bench.report_all(opens=False)
    notice = bench.district.notify("ben-a", BEN, bench.hit_ids()[0])
    bench.use.notices.release(notice)
    figures = bench.use.review.count()
    ben, reg = figures.units["ben-a", BEN], figures.units["reg-a", REG]
    assert (ben.batches, ben.records_live, ben.records_withdrawn) == (2, 3, 1)
    assert (ben.hits, ben.notices, ben.notices_acknowledged, ben.bad_capsules) == (3, 1, 0, 2)
    assert (reg.batches, reg.records_live, reg.hits, reg.notices) == (1, 2, 3, 0)
    assert reg.last_accepted_at_us == int(bench.clock.moment.timestamp() * 1_000_000)
    assert figures.hits == 3
    bench.use.notices.acknowledge(
        "ben-a", notice.notice_id, bench.district.acknowledge("ben-a", notice)
    )
    assert bench.use.review.count().units["ben-a", BEN].notices_acknowledged == 1


def test_figures_list_units_that_did_nothing_yet(bench: Bench) -> None:
    figures = bench.use.review.count()
    assert set(figures.units) == {
        ("reg-a", REG),
        ("reg-b", REG),
        ("ben-a", BEN),
        ("dual", REG),
        ("dual", BEN),
    }
    assert all(of_unit.last_accepted_at_us == 0 for of_unit in figures.units.values())
