"""The judge sees every way in which results can differ from the known answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from demo.district import build_district
from demo.judge import (
    CLEAR,
    HOLD,
    NOT_SUBMITTED,
    Hits,
    Notices,
    expected_gate,
    judge_hits,
    judge_notices,
)
from demo.matters import MatterClerks
from demo.parties import Beneficiary, Registry
from demo.processes import Process
from demo.sheets import Sheets, enter_district
from demo.truth import ExpectedHit, expected_truth
from demo.units import Unit
from libmatch.stubs.inspector.v1 import inspector_pb2
from services.cli.peers import (
    BeneficiaryClient,
    ItemNoticeLine,
    OfficialNoticeLine,
    RegistryClient,
)


@pytest.fixture(scope="module")
def sheets() -> Sheets:
    return enter_district(build_district(60, 150, 1))


@pytest.fixture(scope="module")
def hits(sheets: Sheets) -> Sequence[ExpectedHit]:
    return expected_truth(sheets).hits


def _case(hit: ExpectedHit) -> inspector_pb2.Case:
    official, item = hit.official, hit.item
    return inspector_pb2.Case(
        official_name=official.person.name,
        declaring_units=[unit.id for unit in hit.units],
        official_unit=official.employer,
        official_post=official.post.title,
        relative_name=hit.person.name,
        relation=hit.relation,
        approving_unit=item.unit.id,
        item_ref=item.ref,
        item_name=item.name,
        programme=item.programme.name,
        amount_fen=item.amount_fen,
        place=item.place,
        start_date=item.start.isoformat(),
        capacity=hit.capacity,
        status=inspector_pb2.CASE_STATUS_OPENED,
        official_idn=official.person.number,
        person_idn=hit.person.number,
    )


def test_the_known_hits_are_right(hits: Sequence[ExpectedHit]) -> None:
    n = len(hits)
    assert judge_hits(hits, map(_case, hits)) == Hits(n, n, 0, 0, 0, 0)


def test_a_missed_a_false_and_a_doubled_hit_are_counted(hits: Sequence[ExpectedHit]) -> None:
    cases = [_case(hit) for hit in hits]
    cases[0].person_idn = "A1234567"
    found = judge_hits(hits, [*cases, cases[1]])
    assert (found.missed, found.false, found.duplicates, found.wrong) == (1, 1, 1, 0)
    assert not found.ok


def test_a_hit_in_another_capacity_is_another_hit(hits: Sequence[ExpectedHit]) -> None:
    cases = [_case(hit) for hit in hits]
    cases[0].capacity = "委托代理人" if cases[0].capacity != "委托代理人" else "受益人"
    found = judge_hits(hits, cases)
    assert (found.missed, found.false) == (1, 1)


@pytest.mark.parametrize("field", ["relation", "official_post", "relative_name", "item_name"])
def test_a_hit_that_says_something_else_is_wrong(hits: Sequence[ExpectedHit], field: str) -> None:
    cases = [_case(hit) for hit in hits]
    setattr(cases[0], field, "别的")
    found = judge_hits(hits, cases)
    assert (found.missed, found.false, found.wrong, found.ok) == (0, 0, 1, False)


def test_a_hit_of_another_declaring_unit_is_wrong(hits: Sequence[ExpectedHit]) -> None:
    cases = [_case(hit) for hit in hits]
    cases[0].declaring_units.append("elsewhere")
    assert judge_hits(hits, cases).wrong == 1


def test_a_withdrawn_case_is_no_hit(hits: Sequence[ExpectedHit]) -> None:
    cases = [_case(hit) for hit in hits]
    cases[0].status = inspector_pb2.CASE_STATUS_WITHDRAWN
    assert judge_hits(hits, cases).missed == 1


def _nobody_at_matters() -> MatterClerks:
    return cast("MatterClerks", None)


def _registry(unit: Unit) -> Registry:
    nobody = cast("RegistryClient", None)
    return Registry(unit, "registry", cast("Process", None), Path(), nobody, _nobody_at_matters())


def _beneficiary(unit: Unit) -> Beneficiary:
    nobody = cast("BeneficiaryClient", None)
    return Beneficiary(
        unit, "beneficiary", cast("Process", None), Path(), nobody, _nobody_at_matters()
    )


def _official_line(hit: ExpectedHit, disputed: bool = False) -> OfficialNoticeLine:
    item = hit.item
    names = (hit.official.person.name, hit.person.name, hit.relation)
    item_names = (item.unit.name, item.name, item.programme.name)
    return OfficialNoticeLine(1, *names, *item_names, item.amount_fen, item.place, disputed)


def _item_line(hit: ExpectedHit) -> ItemNoticeLine:
    official, item = hit.official, hit.item
    own = (item.ref, item.name, hit.person.name)
    told = (official.person.name, official.employer, official.post.title, hit.relation)
    return ItemNoticeLine(1, *own, *told, False)


def _judge(
    hits: Sequence[ExpectedHit], disputed: bool = False, left_out: int = 0, astray: bool = False
) -> Notices:
    """All notices of ``hits``, but for the first ``left_out``; ``astray``: all go to one unit."""
    units = {unit for hit in hits for unit in hit.units}
    first = min(units, key=lambda unit: unit.id)
    officials = {
        _registry(unit): [
            _official_line(hit, disputed)
            for hit in hits[left_out:]
            for to in hit.units
            if (first if astray else to) is unit
        ]
        for unit in units
    }
    items = {
        _beneficiary(unit): [_item_line(hit) for hit in hits if hit.item.unit is unit]
        for unit in {hit.item.unit for hit in hits}
    }
    return judge_notices(hits, officials, items)


def test_one_notice_for_each_unit_and_hit_is_right(hits: Sequence[ExpectedHit]) -> None:
    notices = _judge(hits)
    assert notices.ok
    assert notices.expected == notices.found == len(hits) + sum(len(hit.units) for hit in hits)


def test_a_missing_notice_is_counted(hits: Sequence[ExpectedHit]) -> None:
    notices = _judge(hits, left_out=1)
    assert (notices.missing, notices.extra, notices.ok) == (len(hits[0].units), 0, False)


def test_a_notice_at_another_unit_is_missing_and_extra(hits: Sequence[ExpectedHit]) -> None:
    notices = _judge(hits, astray=True)
    assert notices.missing == notices.extra > 0


def test_a_disputed_notice_is_not_right(hits: Sequence[ExpectedHit]) -> None:
    assert not _judge(hits, disputed=True).ok


def test_the_gate_holds_items_with_hits_and_knows_no_refused_ones(
    sheets: Sheets, hits: Sequence[ExpectedHit]
) -> None:
    answers = expected_gate(sheets, hits)
    for hit in hits:
        assert answers[hit.item.unit.id][hit.item.ref] == HOLD
    rows = [row for file in sheets.lists for row in file.rows]
    refused = {row.item for row in rows if row.mistake and row.mistake.name != "REPEATED"}
    counted = [status for own in answers.values() for status in own.values()]
    assert counted.count(NOT_SUBMITTED) == len(refused)
    assert counted.count(HOLD) == len({hit.item for hit in hits})
    assert counted.count(CLEAR) == 150 - len(refused) - len({hit.item for hit in hits})
