"""All services of a small district in one process, over real mutual TLS, under a clock that is turned.

::

    with open_site(folder, units) as site:
        site.clock.go_to(date(2018, 9, 3))                  # nine in the morning in China
        site.clerk("minzheng", "registry", "li")            # a channel of that login
        site.officer("zhang"), site.settle()                # everybody meets the matcher, twice

The clock of the services is in the year of the campaign; TLS has the machine's. Certificates hold in both.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import structlog
from cryptography import x509

from services.beneficiary import app as beneficiary
from services.beneficiary.config import BeneficiarySettings
from services.chassis.client import Channel, open_channel
from services.chassis.config import (
    DatabaseSettings,
    LimitsSettings,
    ListenSettings,
    PeerSettings,
    TlsSettings,
)
from services.chassis.identity import Identity, IdentityError, server_dns_name
from services.chassis.listener import App, Runtime, start
from services.cli.peers import BeneficiaryClient, RegistryClient
from services.holder.administrators import Administrators
from services.holder.config import UnitSettings
from services.inspector import app as inspector
from services.inspector.config import Settings as InspectorSettings
from services.inspector.peers.desk import DeskClient
from services.matcher import app as matcher
from services.matcher.config import Settings as MatcherSettings
from services.registry import app as registry
from tests.campaign.story import Unit
from tests.chassis_pki import Pki
from tests.district import INSPECTOR, PASSPHRASE, District, make_district

CHINA = timezone(timedelta(hours=8))
BEGIN, EPOCH_DAYS = date(2018, 6, 1), 600
ADMINISTRATORS = Administrators(system="xitong", security="anquan", audit="shenji")
OFFICERS = ("zhang", "li")
_MATCHER, _INSPECTOR = "spiffe://fuling/matcher", "spiffe://fuling/inspector"
_A_STEP = timedelta(milliseconds=1)
_QUIET_S = 3600.0  # rounds are made on demand; a step still wakes its service
_STOP_S = 5.0


class Clock:
    """Stands where it was turned to, but for a millisecond a look: nothing happens at once twice."""

    def __init__(self, begin: date) -> None:
        self._looks = count()
        self.go_to(begin)

    def go_to(self, day: date, hour: int = 9) -> None:
        """Lets it be that hour in China."""
        self.day = day
        self._base = datetime.combine(day, time(hour), CHINA).astimezone(UTC)
        self._looks = count()

    def __call__(self) -> datetime:
        return self._base + next(self._looks) * _A_STEP


@dataclass
class Site:
    """The running district. ``offices``: (unit, side) of every unit's service."""

    folder: Path
    district: District
    pki: Pki
    stack: ExitStack
    clock: Clock
    offices: list[tuple[str, str]] = field(default_factory=list)
    _addresses: dict[str, str] = field(default_factory=dict)
    _channels: dict[tuple[str, str], Channel] = field(default_factory=dict)

    def clerk(self, unit: str, side: str, login: str) -> Channel:
        """A channel to a unit's service with the certificate of that login."""
        server = f"spiffe://fuling/unit/{unit}"
        return self._open(f"{unit}-{side}", server, f"spiffe://fuling/clerk/{unit}/{login}")

    def system(self, unit: str, side: str) -> Channel:
        """A channel of the unit's own system, such as its approval system."""
        server = f"spiffe://fuling/unit/{unit}"
        return self._open(f"{unit}-{side}", server, server)

    def officer(self, name: str, role: str = "officer") -> Channel:
        """A channel of an officer of 纪委, or of 区委组织部 (``organisation``), to 纪委's workstation."""
        return self._open("inspector", _INSPECTOR, f"spiffe://fuling/{role}/{name}")

    def confirming(self, unit: str, officer: str) -> Channel:
        """A channel of an officer of 纪委 to an approving unit's service."""
        server = f"spiffe://fuling/unit/{unit}"
        return self._open(f"{unit}-beneficiary", server, f"spiffe://fuling/officer/{officer}")

    def databases(self) -> dict[str, Path]:
        """The database file of every service, by its name."""
        return {name: self.folder / name / "data.db" for name in self._addresses}

    def settle(self) -> None:
        """Every service meets the matcher until each has what the others did; 纪委 in between.

        Twice: a round first does what time brings, and only then hears what the others did.
        """
        for _ in range(2):
            self.meet(self.offices)
            self.desk.pull()

    def meet(self, offices: Iterable[tuple[str, str]]) -> None:
        """These services meet the matcher once: what waits there comes in, what waits here goes out."""
        for unit, side in sorted(set(offices)):
            _CLIENTS[side](self.system(unit, side)).sync()

    @property
    def desk(self) -> DeskClient:
        """纪委's workstation as the first officer has it."""
        return DeskClient(self.officer(OFFICERS[0]))

    # --- starting ---------------------------------------------------------------------------------

    def start_matcher(self) -> None:
        kit = self._home("matcher", self.district.write_matcher_kit)
        tls = self._certify(_MATCHER)
        settings = MatcherSettings(kit=kit, **self._common("matcher", tls))
        self._start("matcher", _MATCHER, settings, matcher.build)

    def start_inspector(self) -> None:
        kit = self._home("inspector", lambda folder: self.district.write_kit(folder, INSPECTOR))
        common = self._common("inspector", self._certify(_INSPECTOR))
        own: dict[str, Any] = {"unit": INSPECTOR, "matcher": self._matcher()}
        own |= {"pull_interval_s": _QUIET_S, **self._district_data()}
        settings = InspectorSettings(kit=kit, **own, **common)
        self._start("inspector", _INSPECTOR, settings, inspector.build)

    def start_office(self, unit: str, side: str) -> None:
        """A unit's service, with administrators in force."""
        service, identity = f"{unit}-{side}", f"spiffe://fuling/unit/{unit}"
        kit = self._home(unit, lambda folder: self.district.write_kit(folder, unit))
        app, settings_class = _APPS[side]
        settings = settings_class(
            unit=unit,
            kit=kit,
            matcher=self._matcher(),
            sync_interval_s=_QUIET_S,
            administrators=ADMINISTRATORS,
            **self._district_data(),
            **self._common(service, self._certify(identity), home=unit),
        )
        self._start(service, identity, settings, app.build)
        self.offices.append((unit, side))

    def _start(
        self, name: str, identity: str, settings: Any, build: Callable[[Any, Runtime], App]
    ) -> None:
        runtime = Runtime(self.clock, Identity.parse(identity))
        running = start(build(settings, runtime), settings, runtime)
        self.stack.callback(running.stop, _STOP_S)
        self._addresses[name] = running.address

    def _home(self, name: str, write: Callable[[Path], None]) -> Path:
        """The kit in a folder, written once; both services of a unit have the same."""
        home = self.folder / name
        if not home.exists():
            home.mkdir(mode=0o700)
            passphrase = home / "passphrase"
            passphrase.touch(mode=0o600)
            passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
            write(home / "kit")
        return home / "kit"

    def _common(self, service: str, tls: TlsSettings, home: str = "") -> dict[str, Any]:
        folder = self.folder / service
        folder.mkdir(mode=0o700, exist_ok=True)
        return {
            "passphrase": self.folder / (home or service) / "passphrase",
            "listen": ListenSettings(address="127.0.0.1:0"),
            "tls": tls,
            "database": DatabaseSettings(path=folder / "data.db"),
            "limits": LimitsSettings(max_concurrent=4, max_concurrent_per_caller=4),
        }

    def _district_data(self) -> dict[str, Path]:
        """The district's own units and deadlines, as every service reads them."""
        return {"units": self.folder / "units.toml", "campaigns": self.folder / "campaigns.toml"}

    def _matcher(self) -> PeerSettings:
        return PeerSettings(address=self._addresses["matcher"], identity=_MATCHER, timeout_s=60)

    def _open(self, service: str, server: str, caller: str) -> Channel:
        known = (service, caller)
        if known not in self._channels:
            peer = PeerSettings(address=self._addresses[service], identity=server, timeout_s=60)
            self._channels[known] = open_channel(peer, self._certify(caller))
            self.stack.callback(self._channels[known].close)
        return self._channels[known]

    def _certify(self, identity: str) -> TlsSettings:
        """A certificate that holds in the campaign's year and today."""
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identity)]
        with suppress(IdentityError):
            names.append(x509.DNSName(server_dns_name(Identity.parse(identity))))
        begins = datetime.combine(BEGIN, time(), CHINA) - datetime.now(UTC)
        return self.pki.issue_raw(names, starts=begins, valid=timedelta(days=30))


_APPS: Mapping[str, tuple[Any, Any]] = {
    "registry": (registry, UnitSettings),
    "beneficiary": (beneficiary, BeneficiarySettings),
}
_CLIENTS: Mapping[str, Callable[[Channel], Any]] = {
    "registry": RegistryClient,
    "beneficiary": BeneficiaryClient,
}


def _with_names(district: District, units: Sequence[Unit]) -> District:
    """The district with the names of the notice in its roster: forms say where people work."""
    names = {unit.id: unit.name for unit in units}
    roster = district.roster
    members = (replace(m, display_name=names.get(m.unit, m.display_name)) for m in roster.members)
    return replace(district, roster=replace(roster, members=tuple(members)))


@contextmanager
def open_site(folder: Path, units: Sequence[Unit]) -> Iterator[Site]:
    """The district, running for the time of the block."""
    clock = Clock(BEGIN)
    district = make_district(
        registry=[unit.id for unit in units if not unit.approves],
        beneficiary=(),
        both=[unit.id for unit in units if unit.approves],
        now=clock(),
        days=EPOCH_DAYS,
    )
    district = _with_names(district, units)
    with quiet_logs(), ExitStack() as stack:
        site = Site(folder, district, Pki(folder / "pki"), stack, clock)
        write_district_data(folder, units)
        site.start_matcher()
        site.start_inspector()
        for unit in units:
            site.start_office(unit.id, "registry")
            if unit.approves:
                site.start_office(unit.id, "beneficiary")
        yield site


_CAMPAIGN = """\
[[campaign]]
name = "2018-first"
display = "2018年首次申报"
deadline = [
  {step = "staff-forms", due_on = 2018-06-22},
  {step = "declarations", due_on = 2018-08-20},
  {step = "items", due_on = 2018-09-10, units = [%s]},
  {step = "first-publication", due_on = 2018-09-30},
]
"""


def write_district_data(folder: Path, units: Sequence[Unit]) -> None:
    """``units.toml`` and ``campaigns.toml``: the units with their villages, the notice's deadlines."""
    rows = [("jiwei", "区纪委（区监委）", "party-committee-body", "")]
    for unit in units:
        kind = "township" if unit.township else "department"
        rows.append((unit.id, unit.name, kind, ""))
        if unit.township:
            rows.append((f"{unit.id}-cun", unit.village, "village", unit.id))
    text = "".join(
        f'[[unit]]\nname = "{name}"\ndisplay = "{display}"\nkind = "{kind}"\n'
        + (f'parent = "{parent}"\n' if parent else "")
        + "valid_from = 2018-01-01\n"
        for name, display, kind, parent in rows
    )
    (folder / "units.toml").write_text(text, encoding="utf-8")
    approving = ", ".join(f'"{unit.id}"' for unit in units if unit.approves)
    (folder / "campaigns.toml").write_text(_CAMPAIGN % approving, encoding="utf-8")


@contextmanager
def quiet_logs() -> Iterator[None]:
    """A year of a dozen services is silent but for errors."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**before)
