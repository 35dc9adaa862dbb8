"""What 纪委 draws from and looks at: flagged, live cases, measures that units reported (R41, R52)."""

from __future__ import annotations

from datetime import date

import pytest

from libmatch.records import Side
from services.inspector.store.checked import describe_flagged, read_flagged_of
from services.process.draws.desk import Wanted
from services.process.leads.measures import Measure
from services.rules.checks import CheckKind
from services.rules.matter_facts import Measure as Taken
from services.rules.matter_facts import MeasureKind, Verdict
from services.rules.matter_steps import Conclude, Take, TakeMeasure
from services.rules.violation import RuleViolation
from tests.district import person
from tests.inspector_bench import LI, ZHANG, InspectorBench, item, relative
from tests.unit.services.inspector.matter_scene import LEADER, WORKER, Scene

REG, BEN = Side.REGISTRY, Side.BENEFICIARY
YEAR = 2026  # of the bench's clock
DAY = date(2026, 6, 1)


def flagged(bench: InspectorBench, year: int = YEAR) -> dict[str, set[bytes]]:
    return bench.database.read(lambda session: read_flagged_of(session, year))


def test_R52_only_flagged_cases_with_a_live_record_can_be_drawn(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(person(n)) for n in (1, 2, 3)])
    rids = bench.submit("ben-a", BEN, [item(person(n), f"X-{n}") for n in (2, 3, 4)])
    bench.submit("ben-b", BEN, [item(person(1), "Y-1")])
    bench.pull()
    by_ref = {case.key.item_ref: case.case_id for case in bench.cases()}
    assert flagged(bench) == {
        "ben-a": {by_ref["X-2"], by_ref["X-3"]},
        "ben-b": {by_ref["Y-1"]},
    }
    assert flagged(bench, YEAR - 1) == flagged(bench, YEAR + 1) == {}
    bench.matcher.withdraw("ben-a", BEN, [rids[0]])
    bench.pull()
    assert flagged(bench) == {"ben-a": {by_ref["X-3"]}, "ben-b": {by_ref["Y-1"]}}


def test_R52_a_plan_of_officers_is_over_the_flagged_cases(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(person(n)) for n in (1, 2)])
    bench.submit("ben-a", BEN, [item(person(n), f"X-{n}") for n in (1, 2, 3)])
    bench.pull()
    desk = bench.use.supervision.draws.desk
    wanted = Wanted(CheckKind.DISTRICT_MATTERS, YEAR, "", ("li", "zhang"))
    held = desk.plan(ZHANG, wanted)
    assert held.quota.population == {case.case_id for case in bench.cases()}
    assert (held.draw.plan.size, held.draw.plan.count, held.planned_by) == (2, 1, "zhang")


def test_R52_a_checker_sees_names_and_facts_and_no_number(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(person(1))])
    bench.submit("ben-a", BEN, [item(person(1))])
    bench.pull()
    (case,) = bench.cases()
    shown = bench.database.read(lambda s: describe_flagged(s, [case.case_id, bytes(16)]))
    assert list(shown) == [case.case_id]
    text = "".join(text for _, text in shown[case.case_id])
    for told in ("甲某", "乙某", "配偶", "ben-a", "1200.00"):
        assert told in text
    for number in (person(1).idn, person(900_000).idn):
        assert number not in text


def test_R41_a_measure_that_a_unit_reported_is_listed_until_it_is_a_lead(
    prompt: InspectorBench,
) -> None:
    scene = Scene(prompt)
    leads = prompt.use.supervision.leads
    scene.do(WORKER, Take())
    scene.do(LEADER, Conclude(Verdict.NOT_COMPLIANT, "不符合补助条件", "wang", b""))
    taken = Taken(
        MeasureKind.STOPPED,
        "",
        decided_on=DAY,
        told="不符合补助条件",
        told_on=DAY,
        lead_to="区纪委",
        lead_reference="移送〔2026〕3号",
        lead_on=DAY,
    )
    scene.do(LEADER, TakeMeasure(taken))
    prompt.pull()
    (shown,) = leads.measures(LI, "核对移送情况")
    told = (MeasureKind.STOPPED.value, DAY, "区纪委", "移送〔2026〕3号", DAY)
    assert shown == Measure(scene.case.case_id, "ben-a", *told)


def test_R52_who_is_no_officers_name_is_no_party(bench: InspectorBench) -> None:
    bench.submit("reg-a", REG, [relative(person(1))])
    bench.submit("ben-a", BEN, [item(person(1))])
    bench.pull()
    desk = bench.use.supervision.draws.desk
    for parties in (("Zhang San", "li"), ("", "li")):
        with pytest.raises(RuleViolation):
            desk.plan(ZHANG, Wanted(CheckKind.DISTRICT_MATTERS, YEAR, "", parties))
