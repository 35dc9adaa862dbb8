"""The figures of every unit and of the district, by each service that tells them (R55, R57 to R60)."""

from __future__ import annotations

from datetime import date

from services.cli.peers.figures import DeadlineLines, FiguresClient
from tests.campaign.model_figures import (
    concerning,
    filing_figures,
    late_units,
    matter_figures,
)
from tests.campaign.site import OFFICERS
from tests.campaign.staff import WORKER
from tests.campaign.story import UNITS, Unit
from tests.campaign.year import Year

COMMISSION = "jiwei"
"""纪委 is a reporting unit too (annex 1), and the one that does nothing in this story."""


def compare_figures(year: Year) -> dict[str, int]:
    """The district's figures, once each service tells what the model does."""
    day, model = year.today, year.model
    office = FiguresClient(year.site.officer(OFFICERS[0]))
    told = office.list_figures()
    assert told.district is not None
    assert told.as_of == day.isoformat()
    _same(told.district.counts, matter_figures(model, model.matters, day), (day, "district"))
    by_unit = {line.unit: line.counts for line in told.units}
    for unit in UNITS:
        own = [key for key in model.matters if key[2] == unit.id]
        approved = matter_figures(model, own, day)
        about = concerning(model, unit.id, day)
        _same(by_unit[unit.id], approved | about, (day, unit.id))
        _compare_own(year, unit, day, approved, about)
    everybody = [*(unit.id for unit in UNITS), COMMISSION]
    late = office.list_deadlines()
    assert _late(late) == late_units(model, everybody, day), day
    return told.district.counts


def _compare_own(
    year: Year, unit: Unit, day: date, approved: dict[str, int], about: dict[str, int]
) -> None:
    """What the unit's own services tell: the registry of people, the beneficiary of its matters."""
    registry = FiguresClient(year.site.clerk(unit.id, "registry", WORKER))
    (line,) = registry.list_figures().units
    _same(line.counts, filing_figures(year.model, unit.id, day) | about, (day, unit.id, "own"))
    late = late_units(year.model, [unit.id], day, declared_alone=True)
    known = {one for one in late if one[1] != "R59"}
    assert _late(registry.list_deadlines()) == known, (day, unit.id)
    if unit.approves:
        beneficiary = FiguresClient(year.site.clerk(unit.id, "beneficiary", WORKER))
        (line,) = beneficiary.list_figures().units
        _same(line.counts, approved, (day, unit.id, "items"))


def _same(found: dict[str, int], expected: dict[str, int], where: object) -> None:
    wrong = {n: (found[n], count) for n, count in expected.items() if found[n] != count}
    assert not wrong, (where, wrong)


def _late(lines: DeadlineLines) -> set[tuple[str, str, int]]:
    return {(one.unit, one.rule, one.days) for one in lines.late}
