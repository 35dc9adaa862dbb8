"""What is held about whom, who looked, what is erased in the end, and that no trail was altered (R63)."""

from __future__ import annotations

import io
from contextlib import redirect_stdout

from services.cli.exits import Exit
from services.cli.main import main
from services.cli.peers.rights import RetentionClient, RightsClient, TrailClient
from tests.campaign.site import ADMINISTRATORS
from tests.campaign.staff import LEADER, WORKER
from tests.campaign.story import UNITS, Person
from tests.campaign.year import REASON, Year

_NAMES_NOBODY = "查看抽查清单"


def ask(year: Year, unit: str, person: Person) -> tuple[int, int]:
    """How many records of the person the unit's registry holds, and how many looks at them it kept."""
    clerk = RightsClient(year.site.clerk(unit, "registry", WORKER))
    year.refused("R63", clerk.list_held, person.idn, "")
    held = clerk.list_held(person.idn, REASON)
    looks, _ = clerk.list_looks(person.idn, REASON)
    lists = [look for look in looks if look.whole_list and look.action != _NAMES_NOBODY]
    assert lists or not held.records
    assert all(look.reason for look in lists)
    return len(held.records), len(looks)


def purge(year: Year) -> dict[str, int]:
    """By unit how many declared people who never matched were erased (R65)."""
    erased = {}
    for unit in UNITS:
        leader = RetentionClient(year.site.clerk(unit.id, "registry", LEADER))
        _, total = leader.count_due()
        if total:
            worker = RetentionClient(year.site.clerk(unit.id, "registry", WORKER))
            year.refused("R65", worker.purge, total, REASON)
            report = leader.purge(total, REASON)
            assert (report.purged, report.left) == (total, 0)
        erased[unit.id] = total
        assert leader.count_due()[1] == 0
    return erased


def verify_trails(year: Year) -> dict[str, str]:
    """By service what ``libmatch audit verify`` says of its database."""
    told = {}
    for service, path in year.site.databases().items():
        shown = io.StringIO()
        with redirect_stdout(shown):
            code = main(["audit", "verify", "--database", str(path)])
        assert code == Exit.OK, (service, shown.getvalue())
        told[service] = shown.getvalue()
    return told


def read_refusals(year: Year, unit: str) -> set[str]:
    """The rules that refused something in the unit's registry, as the audit administrator reads it."""
    trail = TrailClient(year.site.clerk(unit, "registry", ADMINISTRATORS.audit))
    found = trail.read(refused=True)
    return {entry.outcome.removeprefix("refused ") for entry in found}
