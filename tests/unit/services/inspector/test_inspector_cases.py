"""One official, person, item and capacity is one case, however many records say so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from libmatch.payloads import NAME_CAP, RelativePayload
from libmatch.records import Side
from services.inspector.cases import tidy
from services.inspector.states import CaseStatus
from tests.district import person
from tests.inspector_bench import InspectorBench, item, relative

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
WHO = person(1)


def test_two_units_that_declare_the_same_are_one_case(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(WHO)])
    bench.submit("reg-b", REG, [relative(WHO)])
    bench.submit("ben-a", BEN, [item(WHO)])
    bench.pull()
    (case,) = bench.cases()
    assert case.declaring_units == ("reg-a", "reg-b")
    assert case.key.approving_unit == "ben-a"


@pytest.mark.parametrize(
    "declared",
    [
        [relative(WHO), relative(WHO, official=900_001)],
        [relative(WHO), relative(person(2))],
    ],
    ids=["two officials", "two persons"],
)
def test_another_official_or_person_is_another_case(
    bench: InspectorBench, declared: list[RelativePayload]
) -> None:
    bench.submit("reg-a", REG, declared)
    bench.submit("ben-a", BEN, [item(WHO), item(person(2))])
    bench.pull()
    assert len(bench.cases()) == 2


def test_another_item_capacity_or_approving_unit_is_another_case(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(WHO)])
    others = [item(WHO), item(WHO, "X-2"), item(WHO, capacity="法定代表人")]
    bench.submit("ben-a", BEN, others)
    bench.submit("ben-b", BEN, [item(WHO)])
    bench.pull()
    assert len(bench.cases()) == 4


def test_the_official_himself_is_a_case(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(WHO, "本人", official=1)])
    bench.submit("ben-a", BEN, [item(WHO)])
    bench.pull()
    (case,) = bench.cases()
    assert case.key.official == case.key.person == WHO


def test_a_correction_changes_the_case_and_adds_none(bench: InspectorBench) -> None:
    old = bench.submit("reg-a", REG, [relative(WHO)])
    bench.submit("ben-a", BEN, [item(WHO)])
    bench.pull()
    (before,) = bench.cases()
    bench.submit("reg-a", REG, [relative(WHO, "子女")])  # first the new record, then the old one
    bench.pull()
    bench.matcher.withdraw("reg-a", REG, old)
    bench.pull()
    (after,) = bench.cases()
    assert after.case_id == before.case_id
    assert after.content.relative.relation == "子女"
    assert (len(after.pairs), len(after.live_pairs)) == (2, 1)
    assert after.status is CaseStatus.OPENED


def test_a_corrected_item_changes_the_case(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(WHO)])
    old = bench.submit("ben-a", BEN, [item(WHO)])
    bench.pull()
    bench.submit("ben-a", BEN, [item(WHO, amount_fen=5)])
    bench.matcher.withdraw("ben-a", BEN, old)
    bench.pull()
    (case,) = bench.cases()
    assert case.content.item.amount_fen == 5


def test_a_case_is_withdrawn_with_its_last_live_pair_and_comes_back(bench: InspectorBench) -> None:
    a = bench.submit("reg-a", REG, [relative(WHO)])
    b = bench.submit("reg-b", REG, [relative(WHO)])
    bench.submit("ben-a", BEN, [item(WHO)])
    bench.pull()
    bench.matcher.withdraw("reg-a", REG, a)
    bench.pull()
    (case,) = bench.cases()
    assert (case.status, case.declaring_units) == (CaseStatus.OPENED, ("reg-b",))
    bench.matcher.withdraw("reg-b", REG, b)
    assert bench.pull().listed.withdrawn == 1
    (case,) = bench.cases()
    assert (case.status, case.declaring_units) == (CaseStatus.WITHDRAWN, ("reg-a", "reg-b"))
    bench.submit("reg-a", REG, [relative(WHO)])
    bench.pull()
    (case,) = bench.cases()
    assert case.status is CaseStatus.OPENED


def test_a_case_says_what_its_latest_live_pair_says(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(WHO)])
    bench.submit("ben-a", BEN, [item(WHO)])
    later = bench.submit("reg-b", REG, [relative(WHO, post="副科长")])
    bench.pull()
    assert bench.cases()[0].content.relative.official_post == "副科长"
    bench.matcher.withdraw("reg-b", REG, later)
    bench.pull()
    assert bench.cases()[0].content.relative.official_post == "科长"


def test_cases_of_a_unit_are_those_that_it_declared_or_approved(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(WHO)])
    bench.submit("reg-b", REG, [relative(person(2))])
    bench.submit("ben-a", BEN, [item(WHO), item(person(2))])
    bench.submit("ben-b", BEN, [item(person(2))])
    bench.pull()
    counts = {unit: len(bench.cases(unit)) for unit in ("reg-a", "reg-b", "ben-a", "ben-b", "x")}
    assert counts == {"reg-a": 1, "reg-b": 2, "ben-a": 2, "ben-b": 1, "x": 0}


def test_what_a_unit_sealed_carries_no_control_characters_on() -> None:
    sealed = replace(relative(WHO), name="甲\x1b[31m某\u202e", official_post="科\r\n长")
    assert tidy(sealed).name == "甲 [31m某 "
    assert tidy(sealed).official_post == "科  长"
    assert tidy(relative(WHO)) == relative(WHO)
    tidy(replace(item(WHO), item_name="\x1b" * NAME_CAP)).encode()


def test_nothing_prints_what_a_case_says(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(WHO)])
    bench.submit("ben-a", BEN, [item(WHO)])
    bench.pull()
    (case,) = bench.cases()
    for thing in (case, case.key, case.content, case.content.relative):
        assert WHO.idn not in repr(thing)
        assert "乙某" not in repr(thing)
