"""Undeclared relatives among officials: one declares a sibling whose own declaration lacks him (R54)."""

from __future__ import annotations

from services.cli.peers.consistency import ConsistencyClient
from tests.campaign.staff import DISCIPLINE_ORGAN, WORKER
from tests.campaign.story import UNITS
from tests.campaign.year import REASON, Year

OPEN, SETTLED = "FINDING_STATE_OPEN", "FINDING_STATE_SETTLED"


def find_undeclared(year: Year) -> dict[str, set[tuple[str, str, str]]]:
    """By unit (own official, who declares him, as what) of what the discipline organ is told."""
    for _ in range(2):  # who writes first hears the others in the second round
        for unit in UNITS:
            ConsistencyClient(year.site.system(unit.id, "registry")).run()
    found = {}
    for unit in UNITS:
        organ = _at(year, unit.id, DISCIPLINE_ORGAN)
        lines = organ.list_findings(REASON, decided=False)
        assert {line.state for line in lines} <= {OPEN}
        found[unit.id] = {(line.official, line.declarant, line.relation) for line in lines}
        year.refused("R53", _at(year, unit.id, WORKER).list_findings, REASON, decided=False)
    return found


def settle(year: Year, unit: str) -> None:
    """The organ looked into it, and there is something in it."""
    organ = _at(year, unit, DISCIPLINE_ORGAN)
    (line,) = organ.list_findings(REASON, decided=False)
    organ.settle(bytes.fromhex(line.ref), "经核实，漏报一名亲属")
    (line,) = organ.list_findings(REASON, decided=True)
    assert line.state == SETTLED


def _at(year: Year, unit: str, login: str) -> ConsistencyClient:
    return ConsistencyClient(year.site.clerk(unit, "registry", login))
