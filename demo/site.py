"""The running district: the ceremony's folders, the services on them, and whoever calls these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from demo.parties import CLERK, LEADER, OFFICERS, Beneficiary, Desk, Office, Parties, Registry
from demo.processes import Processes, Program
from demo.units import Unit
from libmatch.manifest import Role
from services.authority.plan import Plan, PlannedUnit
from services.authority.quickstart import build_district

DISTRICT = "fuling"
MATCHER, INSPECTOR = "matcher", "inspector"
CEREMONY_STEPS = 5  # that the quickstart tells of


def hold_ceremony(
    units: tuple[Unit, ...], out: Path, now: datetime, tell: Callable[[str], None]
) -> None:
    """Return when ``out`` has a folder for every party."""
    plan = Plan(
        DISTRICT,
        tuple(PlannedUnit(u.id, u.name, _roles(u), (CLERK, LEADER)) for u in units),
        officers=OFFICERS,
        base_port=0,
    )
    build_district(plan, out, now=now, progress=tell)


def _roles(unit: Unit) -> Role:
    roles = Role(0)
    if unit.declares:
        roles |= Role.REGISTRY
    if unit.approves:
        roles |= Role.BENEFICIARY
    return roles


@dataclass(frozen=True)
class Site:
    """The district's services, all running, and their callers."""

    folder: Path
    processes: Processes
    registries: tuple[Registry, ...]
    beneficiaries: tuple[Beneficiary, ...]
    desk: Desk

    @property
    def offices(self) -> tuple[Office, ...]:
        """The units' services, reporting ones first."""
        return (*self.registries, *self.beneficiaries)

    @property
    def matcher_folder(self) -> Path:
        """All that the matcher has on its disk."""
        return self.folder / "matcher"

    @property
    def database(self) -> Path:
        """The matcher's database file."""
        return self.matcher_folder / "data" / "matcher.db"

    def registry(self, unit: Unit) -> Registry:
        """The reporting unit's office."""
        return next(one for one in self.registries if one.unit is unit)

    def beneficiary(self, unit: Unit) -> Beneficiary:
        """The approving unit's office."""
        return next(one for one in self.beneficiaries if one.unit is unit)


def count_services(units: tuple[Unit, ...]) -> int:
    """How many processes the district has."""
    return 2 + sum(unit.declares + unit.approves for unit in units)


def open_site(
    units: tuple[Unit, ...],
    folder: Path,
    processes: Processes,
    parties: Parties,
    tell: Callable[[], None],
) -> Site:
    """The site, once every service is ready; ``tell`` is called for each. Raises DemoFailure."""
    program = Program(MATCHER, "services.matcher.app", folder / MATCHER / "config.toml", {})
    (matcher,) = processes.start([program])
    tell()
    for _ in processes.start(_clients(units, folder, matcher.address)):
        tell()
    return Site(
        folder=folder,
        processes=processes,
        registries=tuple(
            parties.registry(u, processes[f"registry-{u.id}"]) for u in units if u.declares
        ),
        beneficiaries=tuple(
            parties.beneficiary(u, processes[f"beneficiary-{u.id}"]) for u in units if u.approves
        ),
        desk=parties.desk(processes[INSPECTOR]),
    )


def _clients(units: tuple[Unit, ...], folder: Path, matcher: str) -> Iterator[Program]:
    """The services that call the matcher, which has taken a free port."""
    config = folder / INSPECTOR / "config.toml"
    yield Program(INSPECTOR, "services.inspector.app", config, _where("INSPECTOR", matcher))
    for side, has in (("registry", _declares), ("beneficiary", _approves)):
        for unit in filter(has, units):
            config = folder / "units" / unit.id / side / "config.toml"
            settings = _where(side.upper(), matcher)
            yield Program(f"{side}-{unit.id}", f"services.{side}.app", config, settings)


def _where(service: str, matcher: str) -> dict[str, str]:
    return {f"LIBMATCH_{service}__MATCHER__ADDRESS": matcher}


def _declares(unit: Unit) -> bool:
    return unit.declares


def _approves(unit: Unit) -> bool:
    return unit.approves
